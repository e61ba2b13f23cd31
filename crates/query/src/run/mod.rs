//! From a plan and the files of tables to rows.

mod aggregate;
mod evaluate;
mod functions;
mod join;
mod relation;
mod set;
mod sort;
mod window;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::catalogue::Catalogue;
use crate::error::{QueryError, refused};
use crate::load;
use crate::plan::{Expr, Plan, SortKey};
use crate::value::Value;

use aggregate::group;
pub(crate) use evaluate::SubqueryRows;
use relation::Column;
pub(crate) use relation::{Relation, Row};

/// Most rows of a table or of an intermediate result.
pub(crate) const MOST_ROWS: usize = 50_000_000;

/// Most steps of one join or window: pairs of rows, or rows of frames.
pub(crate) const MOST_STEPS: usize = 200_000_000;

/// Evaluates plans over the tables of a catalogue.
pub(crate) struct Runner<'a> {
    catalogue: &'a Catalogue,
    /// Columns of each table that the query reads.
    used: &'a [BTreeSet<usize>],
    tables: RefCell<HashMap<usize, Relation>>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, used: &'a [BTreeSet<usize>]) -> Self {
        Self {
            catalogue,
            used,
            tables: RefCell::default(),
        }
    }

    /// The rows of a plan; `outer` are the values of the row around a subquery.
    pub(crate) fn rows(&self, plan: &Plan, outer: &[Value]) -> Result<Relation, QueryError> {
        Ok(match plan {
            Plan::OneRow => Relation::of_values(1, Vec::new()),
            Plan::Table(position) => self.table(*position)?,
            Plan::Shared(shared) => match shared.rows.get() {
                Some(rows) => rows.clone(),
                None => {
                    let rows = self.rows(&shared.plan, &[])?;
                    shared.rows.get_or_init(|| rows).clone()
                }
            },
            Plan::Values(rows) => {
                let input = Relation::of_values(1, Vec::new());
                let width = rows.first().map_or(0, Vec::len);
                let mut columns = vec![Vec::new(); width];
                for row in rows {
                    for (column, expr) in columns.iter_mut().zip(row) {
                        column.push(self.value(expr, Row::of(&input, 0), outer)?);
                    }
                }
                Relation::of_values(rows.len(), columns)
            }
            Plan::Filter { input, condition } => {
                let input = self.rows(input, outer)?;
                let mut kept = Vec::new();
                for row in 0..input.rows {
                    if self
                        .value(condition, Row::of(&input, row), outer)?
                        .is_true()
                    {
                        kept.push(row as u32);
                    }
                }
                input.take(kept)
            }
            Plan::Join(join) => self.join(join, outer)?,
            Plan::Project { input, items } => {
                let input = self.rows(input, outer)?;
                let columns = items.iter().map(|item| self.column(item, &input, outer));
                Relation {
                    rows: input.rows,
                    columns: columns.collect::<Result<_, _>>()?,
                }
            }
            Plan::Group {
                input,
                keys,
                aggregates,
            } => {
                let input = self.rows(input, outer)?;
                group(self, &input, keys, aggregates, outer)?
            }
            Plan::Window { input, windows } => {
                let input = self.rows(input, outer)?;
                let mut columns = input.columns.clone();
                for window in windows {
                    columns.push(Column::of(self.window(window, &input, outer)?));
                }
                Relation {
                    rows: input.rows,
                    columns,
                }
            }
            Plan::Distinct(input) => set::distinct(&self.rows(input, outer)?),
            Plan::Sort { input, keys } => {
                let input = self.rows(input, outer)?;
                let order = self.sorted(&input, (0..input.rows as u32).collect(), keys, outer)?;
                input.take(order)
            }
            Plan::Limit {
                input,
                limit,
                offset,
            } => {
                let input = self.rows(input, outer)?;
                let start = input.rows.min(*offset);
                let end = limit.map_or(input.rows, |limit| {
                    input.rows.min(start.saturating_add(limit))
                });
                input.take((start as u32..end as u32).collect())
            }
            Plan::Set {
                operation,
                all,
                left,
                right,
            } => {
                let (left, right) = (self.rows(left, outer)?, self.rows(right, outer)?);
                let rows = set::combined(*operation, *all, &left, &right);
                limited(rows.rows)?;
                rows
            }
        })
    }

    fn table(&self, position: usize) -> Result<Relation, QueryError> {
        if let Some(rows) = self.tables.borrow().get(&position) {
            return Ok(rows.clone());
        }
        let table = &self.catalogue.tables[position];
        let (rows, columns) = load::columns(table, &self.used[position])?;
        limited(rows)?;
        let relation = Relation {
            rows,
            columns: columns.into_iter().map(Column::of).collect(),
        };
        self.tables.borrow_mut().insert(position, relation.clone());
        Ok(relation)
    }

    /// The values of an expression in every row.
    fn column(&self, expr: &Expr, input: &Relation, outer: &[Value]) -> Result<Column, QueryError> {
        match expr {
            Expr::Column(index) => Ok(input.columns[*index].clone()),
            other => self.values(other, input, outer).map(Column::of),
        }
    }

    fn values(
        &self,
        expr: &Expr,
        input: &Relation,
        outer: &[Value],
    ) -> Result<Vec<Value>, QueryError> {
        let values = (0..input.rows).map(|row| self.value(expr, Row::of(input, row), outer));
        values.collect()
    }

    /// The values of some expressions in one row.
    fn tuple(
        &self,
        exprs: &[Expr],
        row: Row<'_>,
        outer: &[Value],
    ) -> Result<Vec<Value>, QueryError> {
        let values = exprs.iter().map(|expr| self.value(expr, row, outer));
        values.collect()
    }

    /// The rows in the order of the keys; equal rows keep theirs.
    fn sorted(
        &self,
        input: &Relation,
        rows: Vec<u32>,
        keys: &[SortKey],
        outer: &[Value],
    ) -> Result<Vec<u32>, QueryError> {
        if keys.is_empty() {
            return Ok(rows);
        }
        let exprs: Vec<Expr> = keys.iter().map(|key| key.expr.clone()).collect();
        let mut keyed = Vec::with_capacity(rows.len());
        for row in rows {
            keyed.push((
                self.tuple(&exprs, Row::of(input, row as usize), outer)?,
                row,
            ));
        }
        keyed.sort_by(|(one, _), (other, _)| sort::compare(keys, one, other));
        Ok(keyed.into_iter().map(|(_, row)| row).collect())
    }
}

fn limited(rows: usize) -> Result<(), QueryError> {
    if rows <= MOST_ROWS {
        return Ok(());
    }
    Err(refused(
        format!("the query makes more than {MOST_ROWS} rows on its way"),
        "join on more columns, or filter first",
    ))
}
