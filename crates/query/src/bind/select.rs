//! One `select`: which rows, grouped how, and what of them.

use std::rc::Rc;

use sqlparser::ast::{
    Distinct, ExcludeSelectItem, Expr as Syntax, GroupByExpr, Ident, ObjectNamePart, OrderByExpr,
    Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};

use super::join::filtered;
use super::query::{ordinal, sort_key};
use super::scope::{Scope, ScopeColumn};
use super::{Binder, Clause, Output, Typed, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{Expr, Plan, SortKey, Window};

/// A selected expression with its name.
struct Item {
    name: String,
    value: Typed,
}

impl Binder<'_> {
    pub(super) fn select(
        &mut self,
        select: &Select,
        order: &[OrderByExpr],
    ) -> Result<(Plan, Vec<Output>), QueryError> {
        supported(select)?;
        let (mut plan, scope) = self.from(&select.from)?;
        let scope = Rc::new(scope);
        if let Some(condition) = &select.selection {
            let mut clause = Clause::plain(&scope, "where");
            let condition = self.condition(condition, &mut clause);
            let condition = condition.map_err(|error| explained(error, select, "where"))?;
            plan = filtered(plan, condition.conjuncts());
        }
        let mut clause = Clause {
            scope: scope.clone(),
            name: "select",
            aggregates: Some(Vec::new()),
            windows: Some(Vec::new()),
        };
        let mut items = Vec::new();
        for item in &select.projection {
            self.item(item, &mut clause, &mut items)?;
        }
        let keys = self.group_keys(select, &scope, &items)?;
        clause.name = "having";
        let windows = clause.windows.take();
        let mut having = match &select.having {
            Some(having) => {
                let having = self.condition(having, &mut clause);
                Some(having.map_err(|error| explained(error, select, "having"))?)
            }
            None => None,
        };
        clause.windows = windows;
        clause.name = "qualify";
        let mut qualify = match &select.qualify {
            Some(qualify) => Some(self.condition(qualify, &mut clause)?),
            None => None,
        };
        clause.name = "order by";
        let mut order_by = Vec::new();
        for key in order {
            let expr = self.order_key(&key.expr, &items, &mut clause)?;
            order_by.push(sort_key(expr, key)?);
        }
        let aggregates = clause.aggregates.unwrap_or_default();
        let mut windows = clause.windows.unwrap_or_default();
        let grouped = !keys.is_empty() || !aggregates.is_empty() || having.is_some();

        let outputs: Vec<Output> = items
            .iter()
            .map(|item| Output {
                name: item.name.clone(),
                kind: item.value.kind,
            })
            .collect();
        let mut selected: Vec<Expr> = items.into_iter().map(|item| item.value.expr).collect();
        let mut width = scope.width;
        if grouped {
            let order = order_by.iter_mut().map(|key| &mut key.expr);
            let exprs = selected.iter_mut().chain(order);
            let exprs = exprs.chain(&mut having).chain(&mut qualify);
            for expr in exprs.chain(windows.iter_mut().flat_map(Window::exprs_mut)) {
                over_groups(expr, &keys, &scope)?;
            }
            width = keys.len() + aggregates.len();
            plan = Plan::Group {
                input: Box::new(plan),
                keys,
                aggregates,
            };
            if let Some(condition) = having {
                plan = plan.filter(condition);
            }
        }
        if !windows.is_empty() {
            let order = order_by.iter_mut().map(|key| &mut key.expr);
            for expr in selected.iter_mut().chain(order).chain(&mut qualify) {
                place_windows(expr, width);
            }
            plan = Plan::Window {
                input: Box::new(plan),
                windows,
            };
        }
        if let Some(condition) = qualify {
            plan = plan.filter(condition);
        }
        let distinct = matches!(select.distinct, Some(Distinct::Distinct));
        Ok((projected(plan, selected, order_by, distinct)?, outputs))
    }

    /// Appends the columns that a part of the select list stands for.
    fn item(
        &mut self,
        item: &SelectItem,
        clause: &mut Clause,
        items: &mut Vec<Item>,
    ) -> Result<(), QueryError> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let value = self.expr(expr, clause)?;
                let name = match plain(expr) {
                    Syntax::Identifier(name) => column_name(&clause.scope, None, name)?,
                    Syntax::CompoundIdentifier(names) => match names.as_slice() {
                        [table, name] => column_name(&clause.scope, Some(&table.value), name)?,
                        _ => expr.to_string(),
                    },
                    other => other.to_string(),
                };
                items.push(Item { name, value });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let value = self.expr(expr, clause)?;
                items.push(Item {
                    name: alias.value.clone(),
                    value,
                });
            }
            SelectItem::Wildcard(options) => self.wildcard(None, options, clause, items)?,
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => match name.0.as_slice() {
                [ObjectNamePart::Identifier(table)] => {
                    self.wildcard(Some(&table.value), options, clause, items)?;
                }
                _ => return Err(unsupported(&format!("`{name}.*`"), "write `table.*`")),
            },
            SelectItem::QualifiedWildcard(..) | SelectItem::ExprWithAliases { .. } => {
                return Err(unsupported(
                    &format!("`{item}`"),
                    "write a column, an expression, `*` or `table.*`",
                ));
            }
        }
        Ok(())
    }

    /// All columns, or all of a table.
    fn wildcard(
        &mut self,
        table: Option<&str>,
        options: &WildcardAdditionalOptions,
        clause: &Clause,
        items: &mut Vec<Item>,
    ) -> Result<(), QueryError> {
        if options.opt_ilike.is_some()
            || options.opt_except.is_some()
            || options.opt_replace.is_some()
            || options.opt_rename.is_some()
            || options.opt_alias.is_some()
        {
            return Err(unsupported(
                "`*` with this addition",
                "write `* exclude (x, y)`, or name the columns",
            ));
        }
        let excluded: Vec<String> = match &options.opt_exclude {
            None => Vec::new(),
            Some(ExcludeSelectItem::Single(name)) => vec![name.to_string()],
            Some(ExcludeSelectItem::Multiple(names)) => {
                names.iter().map(ToString::to_string).collect()
            }
        };
        let of_table = |column: &ScopeColumn| match (table, &column.table) {
            (None, _) => !column.merged,
            (Some(wanted), Some(table)) => wanted.eq_ignore_ascii_case(table),
            (Some(_), None) => false,
        };
        let mut columns: Vec<&ScopeColumn> = clause.scope.columns.iter().collect();
        columns.retain(|column| of_table(column));
        if table.is_some() {
            columns.sort_by_key(|column| column.index);
        }
        if columns.is_empty() {
            return Err(match table {
                Some(table) => refused(
                    format!("the query has no table or alias `{table}`"),
                    "write `*`, or the name after `from`",
                ),
                None => refused("`*` without `from`", "write `select * from ...`"),
            });
        }
        for name in &excluded {
            if !columns
                .iter()
                .any(|column| column.name.eq_ignore_ascii_case(name))
            {
                return Err(QueryError::UnknownColumn {
                    name: name.clone(),
                    known: eigenscope_plan::file::did_you_mean(
                        "columns",
                        name,
                        columns.iter().map(|column| column.name.as_str()),
                    ),
                });
            }
        }
        for column in columns {
            if !excluded
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&column.name))
            {
                self.reads(column);
                items.push(Item {
                    name: column.name.clone(),
                    value: Typed::new(Expr::Column(column.index), column.kind),
                });
            }
        }
        Ok(())
    }

    fn group_keys(
        &mut self,
        select: &Select,
        scope: &Rc<Scope>,
        items: &[Item],
    ) -> Result<Vec<Expr>, QueryError> {
        let exprs = match &select.group_by {
            GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => exprs,
            _ => {
                return Err(unsupported(
                    "`group by all`, or `group by` with an addition",
                    "name the columns: group by x, y",
                ));
            }
        };
        let mut clause = Clause::plain(scope, "group by");
        let mut keys = Vec::new();
        for expr in exprs {
            let expr = plain(expr);
            // A column comes before what the select list calls so.
            let named = match expr {
                Syntax::Identifier(name) if !scope.has(&name.value) => {
                    position(items, &name.value)?
                }
                Syntax::Value(_) => ordinal(expr, items.len(), "group by")?,
                _ => None,
            };
            let key = match named {
                Some(position) => items[position].value.expr.clone(),
                None => self.expr(expr, &mut clause)?.expr,
            };
            if key.any(&|expr| matches!(expr, Expr::Aggregate(_) | Expr::Window(_))) {
                return Err(refused(
                    format!("`group by {expr}` groups by an aggregate or a window function"),
                    "compute it in a query of its own: with a as (select ...) select ... from a group by ...",
                ));
            }
            keys.push(key);
        }
        Ok(keys)
    }

    /// What a sort key means: a selected column by its name or number, or else an expression over the rows.
    fn order_key(
        &mut self,
        expr: &Syntax,
        items: &[Item],
        clause: &mut Clause,
    ) -> Result<Expr, QueryError> {
        let selected = match plain(expr) {
            Syntax::Identifier(name) => position(items, &name.value)?,
            Syntax::Value(_) => ordinal(plain(expr), items.len(), "order by")?,
            _ => None,
        };
        match selected {
            Some(position) => Ok(items[position].value.expr.clone()),
            None => Ok(self.expr(expr, clause)?.expr),
        }
    }
}

/// The error, with advice if its unknown column is a name of the select list.
fn explained(error: QueryError, select: &Select, clause: &str) -> QueryError {
    match error {
        QueryError::UnknownColumn { name, .. }
            if select.projection.iter().any(|item| {
                matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value.eq_ignore_ascii_case(&name))
            }) =>
        {
            QueryError::UnknownColumn {
                known: format!("`{name}` is a name of the select list, which {clause} does not know: repeat its expression"),
                name,
            }
        }
        other => other,
    }
}

/// The name of a column as its table writes it.
fn column_name(scope: &Scope, table: Option<&str>, name: &Ident) -> Result<String, QueryError> {
    let column = scope.find(table, &name.value)?;
    Ok(column.map_or_else(|| name.value.clone(), |column| column.name.clone()))
}

/// The only selected expression with this name.
fn position(items: &[Item], name: &str) -> Result<Option<usize>, QueryError> {
    let named = |item: &&(usize, &Item)| item.1.name.eq_ignore_ascii_case(name);
    let all: Vec<(usize, &Item)> = items.iter().enumerate().collect();
    let mut found = all.iter().filter(named);
    let Some((first, item)) = found.next() else {
        return Ok(None);
    };
    if found.any(|(_, other)| other.value.expr != item.value.expr) {
        return Err(refused(
            format!("`{name}` means several selected columns"),
            "give one of them another name: `x as y`",
        ));
    }
    Ok(Some(*first))
}

/// An expression without the parentheses around it.
fn plain(expr: &Syntax) -> &Syntax {
    match expr {
        Syntax::Nested(inner) => plain(inner),
        other => other,
    }
}

/// Makes an expression over the rows of `scope` one over their groups: first the keys, then the aggregates.
fn over_groups(expr: &mut Expr, keys: &[Expr], scope: &Scope) -> Result<(), QueryError> {
    if let Some(position) = keys.iter().position(|key| key == expr) {
        *expr = Expr::Column(position);
        return Ok(());
    }
    match expr {
        Expr::Aggregate(position) => *expr = Expr::Column(keys.len() + *position),
        Expr::Column(index) => {
            let mut columns = scope.columns.iter();
            let name = columns.find(|column| column.index == *index);
            let name = name.map_or("?", |column| column.name.as_str());
            return Err(refused(
                format!("`{name}` is neither grouped by nor aggregated"),
                format!("add it to `group by`, or write max({name}) or count({name})"),
            ));
        }
        other => {
            for child in other.children_mut() {
                over_groups(child, keys, scope)?;
            }
        }
    }
    Ok(())
}

/// Puts columns, those after the first `width`, in place of window functions.
fn place_windows(expr: &mut Expr, width: usize) {
    match expr {
        Expr::Window(position) => *expr = Expr::Column(width + *position),
        other => other
            .children_mut()
            .into_iter()
            .for_each(|child| place_windows(child, width)),
    }
}

/// Selects, removes equal rows, and sorts. Sort keys that are not selected are columns for that time.
fn projected(
    input: Plan,
    selected: Vec<Expr>,
    order: Vec<SortKey>,
    distinct: bool,
) -> Result<Plan, QueryError> {
    let width = selected.len();
    let mut items = selected;
    let mut keys = Vec::new();
    for key in order {
        let position = match items.iter().position(|item| *item == key.expr) {
            Some(position) => position,
            None if distinct => {
                return Err(refused(
                    "`select distinct` is ordered by what it does not select",
                    "select the sort keys too, or use `group by`",
                ));
            }
            None => {
                items.push(key.expr);
                items.len() - 1
            }
        };
        keys.push(SortKey {
            expr: Expr::Column(position),
            ..key
        });
    }
    let hidden = items.len() > width;
    let mut plan = Plan::Project {
        input: Box::new(input),
        items,
    };
    if distinct {
        plan = Plan::Distinct(Box::new(plan));
    }
    if !keys.is_empty() {
        plan = Plan::Sort {
            input: Box::new(plan),
            keys,
        };
    }
    if hidden {
        plan = Plan::Project {
            input: Box::new(plan),
            items: (0..width).map(Expr::Column).collect(),
        };
    }
    Ok(plan)
}

/// Refuses the additions to `select` of other dialects.
fn supported(select: &Select) -> Result<(), QueryError> {
    if let Some(Distinct::On(_)) = select.distinct {
        return Err(unsupported(
            "`distinct on`",
            "number the rows: qualify row_number() over (partition by x order by y) = 1",
        ));
    }
    if select.flavor != SelectFlavor::Standard || select.projection.is_empty() {
        return Err(unsupported(
            "a query that starts with `from`, or selects nothing",
            "write `select * from ...`",
        ));
    }
    if !select.named_window.is_empty() {
        return Err(unsupported(
            "a named window",
            "write the window after `over`: over (partition by x order by y)",
        ));
    }
    let other = select.top.is_some()
        || !select.optimizer_hints.is_empty()
        || select.select_modifiers.is_some()
        || select.exclude.is_some()
        || select.into.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.value_table_mode.is_some();
    match other {
        true => Err(unsupported(
            "`top`, `into` or another addition to `select`",
            "write select, from, where, group by, having, order by and limit",
        )),
        false => Ok(()),
    }
}
