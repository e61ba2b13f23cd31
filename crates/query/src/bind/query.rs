//! Whole queries: `with`, set operations, `order by`, `limit`.

use std::cell::OnceCell;
use std::rc::Rc;

use sqlparser::ast::{
    self, Expr as Syntax, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, SetExpr,
    SetOperator, SetQuantifier, TableAlias, With,
};

use super::literal::digits;
use super::scope::Scope;
use super::{Binder, Clause, CommonTable, Output, Typed, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{Expr, Plan, SetOperation, SharedPlan, SortKey};
use crate::value::Type;

impl Binder<'_> {
    pub(super) fn query(&mut self, query: &Query) -> Result<(Plan, Vec<Output>), QueryError> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if !locks.is_empty()
            || for_clause.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || !pipe_operators.is_empty()
        {
            return Err(unsupported(
                "`for`, `settings`, `format` or `|>` after a query",
                "leave it out",
            ));
        }
        let outside = self.expressions.len();
        if let Some(with) = with {
            self.with(with)?;
        }
        let order = match order_by {
            Some(order) => order_keys(order)?,
            None => &[],
        };
        let bound = self.deeper(|binder| match (body.as_ref(), order) {
            (SetExpr::Select(select), order) => binder.select(select, order),
            (body, []) => binder.set_expression(body),
            (body, order) => {
                let (plan, outputs) = binder.set_expression(body)?;
                let plan = binder.ordered(plan, &outputs, order)?;
                Ok((plan, outputs))
            }
        });
        self.expressions.truncate(outside);
        let (mut plan, outputs) = bound?;
        let (limit, offset) = limits(limit_clause.as_ref(), fetch.as_ref())?;
        if limit.is_some() || offset > 0 {
            plan = Plan::Limit {
                input: Box::new(plan),
                limit,
                offset,
            };
        }
        Ok((plan, outputs))
    }

    /// Common table expressions, each of which sees those before it.
    fn with(&mut self, with: &With) -> Result<(), QueryError> {
        if with.recursive {
            return Err(unsupported("`with recursive`", "write `with`"));
        }
        let before = self.expressions.len();
        for table in &with.cte_tables {
            let name = &table.alias.name.value;
            let twice = self.expressions[before..].iter();
            if twice
                .clone()
                .any(|known| known.name.eq_ignore_ascii_case(name))
            {
                return Err(refused(
                    format!("`with` defines `{name}` twice"),
                    "give one of them another name",
                ));
            }
            // It reads no row of the queries around it.
            let frames = std::mem::take(&mut self.frames);
            let bound = self.deeper(|binder| binder.query(&table.query));
            self.frames = frames;
            let (plan, mut columns) = bound?;
            rename(&mut columns, &table.alias)?;
            self.expressions.push(CommonTable {
                name: name.clone(),
                plan: Rc::new(SharedPlan {
                    plan,
                    rows: OnceCell::new(),
                }),
                columns,
            });
        }
        Ok(())
    }

    fn set_expression(&mut self, body: &SetExpr) -> Result<(Plan, Vec<Output>), QueryError> {
        match body {
            SetExpr::Select(select) => self.select(select, &[]),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => {
                let operation = match op {
                    SetOperator::Union => SetOperation::Union,
                    SetOperator::Intersect => SetOperation::Intersect,
                    SetOperator::Except | SetOperator::Minus => SetOperation::Except,
                };
                let all = match set_quantifier {
                    SetQuantifier::All => true,
                    SetQuantifier::None | SetQuantifier::Distinct => false,
                    SetQuantifier::ByName
                    | SetQuantifier::AllByName
                    | SetQuantifier::DistinctByName => {
                        return Err(unsupported(
                            "`by name`",
                            "select the columns in the same order on both sides",
                        ));
                    }
                };
                let left = self.deeper(|binder| binder.set_expression(left))?;
                let right = self.deeper(|binder| binder.set_expression(right))?;
                combine(operation, all, left, right)
            }
            SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => Err(unsupported(
                "a statement that is not a query",
                "write `select ...`",
            )),
        }
    }

    fn values(&mut self, values: &ast::Values) -> Result<(Plan, Vec<Output>), QueryError> {
        let mut clause = Clause::plain(&Rc::new(Scope::default()), "values");
        let mut rows: Vec<Vec<Typed>> = Vec::new();
        for row in &values.rows {
            let row = row.content.iter().map(|item| self.expr(item, &mut clause));
            rows.push(row.collect::<Result<_, _>>()?);
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(refused(
                "the rows of `values` have different lengths",
                "give each row the same number of values",
            ));
        }
        let mut kinds = vec![Type::Null; width];
        for (kind, typed) in rows
            .iter()
            .flat_map(|row| (0..width).map(move |place| (place, row[place].kind)))
        {
            kinds[kind] = kinds[kind]
                .with(typed)
                .ok_or_else(|| mixed(kinds[kind], typed))?;
        }
        let rows = rows.into_iter().map(|row| {
            let row = row.into_iter().zip(&kinds);
            row.map(|(typed, kind)| typed.to(*kind)).collect()
        });
        let outputs = kinds.iter().enumerate().map(|(place, kind)| Output {
            name: format!("col{place}"),
            kind: *kind,
        });
        Ok((Plan::Values(rows.collect()), outputs.collect()))
    }

    /// Sorts the result of a set operation by its columns.
    fn ordered(
        &mut self,
        plan: Plan,
        outputs: &[Output],
        order: &[OrderByExpr],
    ) -> Result<Plan, QueryError> {
        let scope = Rc::new(Scope::of(None, outputs));
        let mut clause = Clause::plain(&scope, "order by");
        let mut keys = Vec::new();
        for item in order {
            let expr = match ordinal(&item.expr, outputs.len(), "order by")? {
                Some(position) => Expr::Column(position),
                None => self.expr(&item.expr, &mut clause)?.expr,
            };
            keys.push(sort_key(expr, item)?);
        }
        Ok(Plan::Sort {
            input: Box::new(plan),
            keys,
        })
    }
}

fn combine(
    operation: SetOperation,
    all: bool,
    (left, left_columns): (Plan, Vec<Output>),
    (right, right_columns): (Plan, Vec<Output>),
) -> Result<(Plan, Vec<Output>), QueryError> {
    if left_columns.len() != right_columns.len() {
        return Err(refused(
            format!(
                "the two sides of a set operation have {} and {} columns",
                left_columns.len(),
                right_columns.len()
            ),
            "select the same columns on both sides",
        ));
    }
    let mut outputs = Vec::new();
    for (one, other) in left_columns.iter().zip(&right_columns) {
        outputs.push(Output {
            name: one.name.clone(),
            kind: one
                .kind
                .with(other.kind)
                .ok_or_else(|| mixed(one.kind, other.kind))?,
        });
    }
    let converted = |plan: Plan, columns: &[Output]| {
        if columns
            .iter()
            .zip(&outputs)
            .all(|(from, to)| from.kind == to.kind)
        {
            return Box::new(plan);
        }
        let items = columns.iter().zip(&outputs).enumerate();
        let items = items.map(|(index, (from, to))| Expr::Column(index).cast(from.kind, to.kind));
        Box::new(Plan::Project {
            input: Box::new(plan),
            items: items.collect(),
        })
    };
    let plan = Plan::Set {
        operation,
        all,
        left: converted(left, &left_columns),
        right: converted(right, &right_columns),
    };
    Ok((plan, outputs))
}

/// The refusal of values of two types where there can be one.
pub(super) fn mixed(one: Type, other: Type) -> QueryError {
    let (one, other) = (one.name(), other.name());
    refused(
        format!("{one} and {other} do not go together"),
        match (one, other) {
            ("text", _) | (_, "text") => {
                "write numbers without quotes, or convert one side: cast(x as text)"
            }
            _ => "convert one side: cast(x as double)",
        },
    )
}

/// Gives columns the names of an alias such as `t(a, b)`.
pub(super) fn rename(columns: &mut [Output], alias: &TableAlias) -> Result<(), QueryError> {
    if alias.columns.len() > columns.len() {
        return Err(refused(
            format!(
                "`{}` is given {} names for {} columns",
                alias.name.value,
                alias.columns.len(),
                columns.len()
            ),
            "give at most one name a column",
        ));
    }
    for (column, name) in columns.iter_mut().zip(&alias.columns) {
        column.name.clone_from(&name.name.value);
    }
    Ok(())
}

fn order_keys(order: &OrderBy) -> Result<&[OrderByExpr], QueryError> {
    match (&order.kind, &order.interpolate) {
        (OrderByKind::Expressions(keys), None) => Ok(keys),
        (OrderByKind::All(_), _) => Err(unsupported("`order by all`", "name the columns")),
        _ => Err(unsupported("`interpolate`", "leave it out")),
    }
}

/// A sort key; nulls are last unless the query says otherwise.
pub(super) fn sort_key(expr: Expr, item: &OrderByExpr) -> Result<SortKey, QueryError> {
    if item.with_fill.is_some() {
        return Err(unsupported("`with fill`", "leave it out"));
    }
    Ok(SortKey {
        expr,
        descending: item.options.asc == Some(false),
        nulls_first: item.options.nulls_first == Some(true),
    })
}

/// The column that a number in `order by` or `group by` means, counted from 0.
pub(super) fn ordinal(
    expr: &Syntax,
    columns: usize,
    clause: &str,
) -> Result<Option<usize>, QueryError> {
    let Syntax::Value(value) = expr else {
        return Ok(None);
    };
    let number = digits(expr).and_then(|digits| digits.parse::<usize>().ok());
    if let Some(number) = number.filter(|number| (1..=columns).contains(number)) {
        return Ok(Some(number - 1));
    }
    Err(refused(
        format!("`{clause} {value}` means no column"),
        format!("write the name of a column, or a number from 1 to {columns}"),
    ))
}

fn limits(
    clause: Option<&LimitClause>,
    fetch: Option<&ast::Fetch>,
) -> Result<(Option<usize>, usize), QueryError> {
    let (mut limit, mut offset) = (None, 0);
    match clause {
        None => {}
        Some(LimitClause::LimitOffset {
            limit: rows,
            offset: skipped,
            limit_by,
        }) => {
            if !limit_by.is_empty() {
                return Err(unsupported(
                    "`limit by`",
                    "number the rows with row_number()",
                ));
            }
            limit = rows.as_ref().map(whole).transpose()?;
            if let Some(skipped) = skipped {
                offset = whole(&skipped.value)?;
            }
        }
        Some(LimitClause::OffsetCommaLimit { .. }) => {
            return Err(unsupported("`limit m, n`", "write `limit n offset m`"));
        }
    }
    if let Some(fetch) = fetch {
        if fetch.with_ties || fetch.percent || limit.is_some() {
            return Err(unsupported(
                "`fetch` with ties, with percent or beside `limit`",
                "write `limit n`",
            ));
        }
        limit = Some(match &fetch.quantity {
            Some(rows) => whole(rows)?,
            None => 1,
        });
    }
    Ok((limit, offset))
}

fn whole(expr: &Syntax) -> Result<usize, QueryError> {
    let number = digits(expr).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| {
        refused(
            format!("`{expr}` is no number of rows"),
            "write a whole number that is not negative: limit 10",
        )
    })
}
