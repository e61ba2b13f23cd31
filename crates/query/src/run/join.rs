//! Joins: by a hash of what must be equal, then by the other conditions.

use std::collections::HashMap;
use std::rc::Rc;

use super::relation::{MISSING, Relation, Row};
use super::{MOST_STEPS, Runner, limited};
use crate::error::{QueryError, refused};
use crate::plan::{Expr, Join, JoinKind};
use crate::value::Value;

impl Runner<'_> {
    pub(super) fn join(&self, join: &Join, outer: &[Value]) -> Result<Relation, QueryError> {
        let left = self.rows(&join.left, outer)?;
        let right = self.rows(&join.right, outer)?;
        if join.keys.is_empty() && join.conditions.is_empty() {
            limited(left.rows.saturating_mul(right.rows))?;
        }
        let (left_keys, right_keys): (Vec<Expr>, Vec<Expr>) = join.keys.iter().cloned().unzip();
        let mut hashed: HashMap<Vec<Value>, Rc<Vec<u32>>> = HashMap::new();
        if !join.keys.is_empty() {
            let mut keys = Vec::with_capacity(right.rows);
            for row in 0..right.rows {
                keys.push(self.tuple(&right_keys, Row::of(&right, row), outer)?);
            }
            hashed = positions(keys.into_iter());
        }
        let all: Rc<Vec<u32>> = Rc::new((0..right.rows as u32).collect());
        let none = Rc::new(Vec::new());
        let (mut left_rows, mut right_rows) = (Vec::new(), Vec::new());
        let mut matched = vec![false; right.rows];
        let mut steps = 0_usize;
        for left_row in 0..left.rows {
            let candidates = match join.keys.is_empty() {
                true => &all,
                false => {
                    let key = self.tuple(&left_keys, Row::of(&left, left_row), outer)?;
                    // Null equals nothing.
                    match key.iter().any(Value::is_null) {
                        true => &none,
                        false => hashed.get(&key).unwrap_or(&none),
                    }
                }
            };
            steps = steps.saturating_add(candidates.len());
            if steps > MOST_STEPS {
                return Err(refused(
                    format!("the join compares more than {MOST_STEPS} pairs of rows"),
                    "join on equal columns: `on a.x = b.x`",
                ));
            }
            let mut found = false;
            for &right_row in candidates.iter() {
                let pair = Row::pair((&left, left_row), (&right, right_row as usize));
                let mut holds = true;
                for condition in &join.conditions {
                    holds = holds && self.value(condition, pair, outer)?.is_true();
                }
                if holds {
                    found = true;
                    matched[right_row as usize] = true;
                    left_rows.push(left_row as u32);
                    right_rows.push(right_row);
                }
            }
            if !found && matches!(join.kind, JoinKind::Left | JoinKind::Full) {
                left_rows.push(left_row as u32);
                right_rows.push(MISSING);
            }
            limited(left_rows.len())?;
        }
        if matches!(join.kind, JoinKind::Right | JoinKind::Full) {
            for (row, _) in matched.iter().enumerate().filter(|(_, matched)| !**matched) {
                left_rows.push(MISSING);
                right_rows.push(row as u32);
            }
        }
        let mut rows = left.take(left_rows);
        rows.columns.extend(right.take(right_rows).columns);
        Ok(rows)
    }
}

/// Positions of rows by the values of a key.
fn positions(keys: impl Iterator<Item = Vec<Value>>) -> HashMap<Vec<Value>, Rc<Vec<u32>>> {
    let mut found: HashMap<Vec<Value>, Vec<u32>> = HashMap::new();
    for (row, key) in keys.enumerate() {
        found.entry(key).or_default().push(row as u32);
    }
    found
        .into_iter()
        .map(|(key, rows)| (key, Rc::new(rows)))
        .collect()
}
