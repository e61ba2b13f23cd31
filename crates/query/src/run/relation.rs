//! Columns of values, and views of some of their rows.

use std::rc::Rc;

use crate::value::Value;

/// Positions of rows, shared by the columns that were taken together.
type Rows = Rc<Vec<u32>>;

/// Row of a view that has no row beneath it: all its values are null.
pub(crate) const MISSING: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<Column>,
}

/// Values, or some of the rows of other values.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    values: Rc<Vec<Value>>,
    view: Option<Rows>,
}

impl Column {
    pub(crate) fn of(values: Vec<Value>) -> Self {
        Self {
            values: Rc::new(values),
            view: None,
        }
    }

    pub(crate) fn get(&self, row: usize) -> &Value {
        match &self.view {
            None => &self.values[row],
            Some(view) => match view[row] {
                MISSING => &Value::Null,
                row => &self.values[row as usize],
            },
        }
    }
}

impl Relation {
    pub(crate) fn of_values(rows: usize, columns: Vec<Vec<Value>>) -> Self {
        Self {
            rows,
            columns: columns.into_iter().map(Column::of).collect(),
        }
    }

    /// The rows at these positions. No value is copied.
    pub(crate) fn take(&self, rows: Vec<u32>) -> Self {
        let count = rows.len();
        let rows = Rc::new(rows);
        // Columns that were taken together stay together.
        let mut composed: Vec<(Rows, Rows)> = Vec::new();
        let mut view = |old: &Option<Rows>| {
            let Some(old) = old else { return rows.clone() };
            if let Some((_, new)) = composed.iter().find(|(known, _)| Rc::ptr_eq(known, old)) {
                return new.clone();
            }
            let new = rows.iter().map(|&row| match row {
                MISSING => MISSING,
                row => old[row as usize],
            });
            let new = Rc::new(new.collect::<Vec<_>>());
            composed.push((old.clone(), new.clone()));
            new
        };
        let columns = self.columns.iter().map(|column| Column {
            values: column.values.clone(),
            view: Some(view(&column.view)),
        });
        Self {
            rows: count,
            columns: columns.collect(),
        }
    }

    /// The values of a row.
    pub(crate) fn row(&self, row: usize) -> Vec<Value> {
        self.columns
            .iter()
            .map(|column| column.get(row).clone())
            .collect()
    }
}

/// A row of a relation, or a pair of rows that a join looks at.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    relation: &'a Relation,
    row: usize,
    right: Option<(&'a Relation, usize)>,
}

impl<'a> Row<'a> {
    pub(crate) fn of(relation: &'a Relation, row: usize) -> Self {
        Self {
            relation,
            row,
            right: None,
        }
    }

    pub(crate) fn pair(left: (&'a Relation, usize), right: (&'a Relation, usize)) -> Self {
        Self {
            relation: left.0,
            row: left.1,
            right: Some(right),
        }
    }

    pub(crate) fn get(&self, column: usize) -> &'a Value {
        let width = self.relation.columns.len();
        match self.right {
            Some((relation, row)) if column >= width => relation.columns[column - width].get(row),
            _ => self.relation.columns[column].get(self.row),
        }
    }
}
