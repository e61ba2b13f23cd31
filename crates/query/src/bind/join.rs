//! Joins, and conditions placed as far down as they can be checked.

use std::rc::Rc;

use eigenscope_plan::file::did_you_mean;
use sqlparser::ast::{self, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart};

use super::query::mixed;
use super::scope::{Scope, ScopeColumn};
use super::{Binder, Clause, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{Comparison, Expr, Function, Join, JoinKind, Plan};

/// Most columns of all tables of a `from` clause.
const MOST_COLUMNS: usize = 5_000;

impl Binder<'_> {
    pub(super) fn join(
        &mut self,
        left: (Plan, Scope),
        right: (Plan, Scope),
        join: &ast::Join,
    ) -> Result<(Plan, Scope), QueryError> {
        let (kind, constraint) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => (JoinKind::Inner, on),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinKind::Left, on),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinKind::Right, on),
            JoinOperator::FullOuter(on) => (JoinKind::Full, on),
            JoinOperator::CrossJoin(JoinConstraint::None) => return cross(left, right),
            _ => {
                return Err(unsupported(
                    "this kind of join",
                    "write join, left join, right join, full join or cross join; for semi and anti joins `where exists (...)`",
                ));
            }
        };
        if join.global {
            return Err(unsupported("`global join`", "write `join`"));
        }
        let names = match constraint {
            JoinConstraint::None => {
                return Err(refused(
                    "a join without a condition",
                    "write `join t on a.x = t.x`, or `cross join t` for all pairs",
                ));
            }
            JoinConstraint::On(condition) => {
                let scope = Rc::new(side_by_side(&left.1, &right.1)?);
                let mut clause = Clause::plain(&scope, "on");
                let condition = self.condition(condition, &mut clause)?;
                let plan = joined(left, right, kind, condition.conjuncts());
                return Ok((plan, Rc::unwrap_or_clone(scope)));
            }
            JoinConstraint::Using(names) => {
                names.iter().map(simple_name).collect::<Result<_, _>>()?
            }
            JoinConstraint::Natural => {
                let shared = left.1.columns.iter().filter(|column| !column.merged);
                let shared = shared.filter(|column| right.1.has(&column.name));
                shared.map(|column| column.name.clone()).collect::<Vec<_>>()
            }
        };
        if names.is_empty() {
            return Err(refused(
                "the tables of a natural join share no column",
                "write `join t on a.x = t.y`",
            ));
        }
        self.using(left, right, kind, &names)
    }

    /// A join on equal columns of the same name, each of which the result has once.
    fn using(
        &mut self,
        left: (Plan, Scope),
        right: (Plan, Scope),
        kind: JoinKind,
        names: &[String],
    ) -> Result<(Plan, Scope), QueryError> {
        let both = side_by_side(&left.1, &right.1)?;
        let left_width = left.1.width;
        let (mut conditions, mut merged, mut coalesced) = (Vec::new(), Vec::new(), Vec::new());
        let mut hidden = Vec::new();
        for name in names {
            let missing = |side: &Scope| QueryError::UnknownColumn {
                name: name.clone(),
                known: did_you_mean(
                    "columns of one side of the join",
                    name,
                    side.columns.iter().map(|column| column.name.as_str()),
                ),
            };
            let one = left.1.find(None, name)?.ok_or_else(|| missing(&left.1))?;
            let other = right.1.find(None, name)?.ok_or_else(|| missing(&right.1))?;
            self.reads(one);
            self.reads(other);
            let common = one.kind.with(other.kind);
            let common = common.ok_or_else(|| mixed(one.kind, other.kind))?;
            let one_value = Expr::Column(one.index).cast(one.kind, common);
            let other_value = Expr::Column(left_width + other.index).cast(other.kind, common);
            conditions.push(Expr::Compare(
                Comparison::Equal,
                Box::new(one_value.clone()),
                Box::new(other_value.clone()),
            ));
            hidden.extend([one.index, left_width + other.index]);
            let index = match kind {
                JoinKind::Inner | JoinKind::Left if one.kind == common => one.index,
                JoinKind::Right if other.kind == common => left_width + other.index,
                _ => {
                    coalesced.push(Expr::Call(Function::Coalesce, vec![one_value, other_value]));
                    both.width + coalesced.len() - 1
                }
            };
            merged.push(ScopeColumn {
                table: None,
                name: one.name.clone(),
                kind: common,
                index,
                origin: None,
                merged: false,
            });
        }
        let mut plan = joined(left, right, kind, conditions);
        let width = both.width + coalesced.len();
        if !coalesced.is_empty() {
            let items = (0..both.width).map(Expr::Column).chain(coalesced);
            plan = Plan::Project {
                input: Box::new(plan),
                items: items.collect(),
            };
        }
        let (mut rest, mut behind) = (Vec::new(), Vec::new());
        for mut column in both.columns {
            if hidden.contains(&column.index) {
                column.merged = true;
            }
            match column.merged {
                true => behind.push(column),
                false => rest.push(column),
            }
        }
        let columns = merged.into_iter().chain(rest).chain(behind);
        Ok((
            plan,
            Scope {
                columns: columns.collect(),
                width,
            },
        ))
    }
}

/// All pairs of rows.
pub(super) fn cross(
    left: (Plan, Scope),
    right: (Plan, Scope),
) -> Result<(Plan, Scope), QueryError> {
    let scope = side_by_side(&left.1, &right.1)?;
    Ok((joined(left, right, JoinKind::Inner, Vec::new()), scope))
}

fn side_by_side(left: &Scope, right: &Scope) -> Result<Scope, QueryError> {
    if left.columns.len() + right.columns.len() > MOST_COLUMNS {
        return Err(refused(
            format!("the joined tables have more than {MOST_COLUMNS} columns"),
            "join fewer tables, or select the columns first: (select x from t) a",
        ));
    }
    for table in left
        .columns
        .iter()
        .filter_map(|column| column.table.as_deref())
    {
        if right.has_table(table) {
            return Err(refused(
                format!("two tables of the query are called `{table}`"),
                format!("give one of them another name: `{table} as other`"),
            ));
        }
    }
    let mut scope = left.clone();
    let shifted = right.columns.iter().cloned().map(|column| ScopeColumn {
        index: left.width + column.index,
        ..column
    });
    scope.columns.extend(shifted);
    scope.width += right.width;
    Ok(scope)
}

/// A join whose conditions are split into equalities between the sides and others.
fn joined(
    left: (Plan, Scope),
    right: (Plan, Scope),
    kind: JoinKind,
    conditions: Vec<Expr>,
) -> Plan {
    let mut join = Join {
        left: left.0,
        right: right.0,
        kind,
        keys: Vec::new(),
        conditions: Vec::new(),
        left_width: left.1.width,
    };
    for condition in conditions {
        add_condition(&mut join, condition);
    }
    Plan::Join(Box::new(join))
}

fn add_condition(join: &mut Join, condition: Expr) {
    let width = join.left_width;
    let of_left = |expr: &Expr| {
        let columns = expr.columns();
        !columns.is_empty() && columns.iter().all(|&column| column < width)
    };
    let of_right = |expr: &Expr| {
        let columns = expr.columns();
        !columns.is_empty() && columns.iter().all(|&column| column >= width)
    };
    match condition {
        Expr::Compare(Comparison::Equal, one, mut other) if of_left(&one) && of_right(&other) => {
            other.shift(width);
            join.keys.push((*one, *other));
        }
        Expr::Compare(Comparison::Equal, mut one, other) if of_right(&one) && of_left(&other) => {
            one.shift(width);
            join.keys.push((*other, *one));
        }
        other => join.conditions.push(other),
    }
}

/// Filters the rows of a plan by conditions, each as far down as it can be checked.
pub(super) fn filtered(mut plan: Plan, conditions: Vec<Expr>) -> Plan {
    let mut here = Vec::new();
    for mut condition in conditions {
        match &mut plan {
            Plan::Join(join) if join.kind == JoinKind::Inner => {
                let columns = condition.columns();
                let width = join.left_width;
                if columns.is_empty() {
                    here.push(condition);
                } else if columns.iter().all(|&column| column < width) {
                    let left = std::mem::replace(&mut join.left, Plan::OneRow);
                    join.left = filtered(left, vec![condition]);
                } else if columns.iter().all(|&column| column >= width) {
                    let right = std::mem::replace(&mut join.right, Plan::OneRow);
                    condition.shift(width);
                    join.right = filtered(right, vec![condition]);
                } else {
                    add_condition(join, condition);
                }
            }
            _ => here.push(condition),
        }
    }
    match here.len() {
        0 => plan,
        _ => plan.filter(Expr::And(here)),
    }
}

fn simple_name(name: &ObjectName) -> Result<String, QueryError> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Ok(name.value.clone()),
        _ => Err(refused(
            format!("`using ({name})` names a table"),
            "write the name of the column alone: `using (task)`",
        )),
    }
}
