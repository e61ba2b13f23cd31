//! Rows as members of sets and bags; null equals null.

use std::collections::{HashMap, HashSet};

use super::relation::Relation;
use crate::plan::SetOperation;
use crate::value::Value;

/// The first of equal rows.
pub(super) fn distinct(input: &Relation) -> Relation {
    let mut seen = HashSet::new();
    let rows = (0..input.rows).filter(|&row| seen.insert(input.row(row)));
    input.take(rows.map(|row| row as u32).collect())
}

/// `union`, `intersect` or `except`; with `all`, equal rows are counted.
pub(super) fn combined(
    operation: SetOperation,
    all: bool,
    left: &Relation,
    right: &Relation,
) -> Relation {
    let rows = match operation {
        SetOperation::Union => {
            let columns = left.columns.iter().zip(&right.columns);
            let columns = columns.map(|(one, other)| {
                let one = (0..left.rows).map(|row| one.get(row).clone());
                one.chain((0..right.rows).map(|row| other.get(row).clone()))
                    .collect()
            });
            Relation::of_values(left.rows + right.rows, columns.collect())
        }
        SetOperation::Intersect | SetOperation::Except => {
            let mut counts: HashMap<Vec<Value>, usize> = HashMap::new();
            for row in 0..right.rows {
                *counts.entry(right.row(row)).or_default() += 1;
            }
            let mut found = |row: usize| match counts.get_mut(&left.row(row)) {
                Some(count) if all => {
                    let found = *count > 0;
                    *count = count.saturating_sub(1);
                    found
                }
                Some(_) => true,
                None => false,
            };
            let kept = operation == SetOperation::Intersect;
            let rows = (0..left.rows).filter(|&row| found(row) == kept);
            left.take(rows.map(|row| row as u32).collect())
        }
    };
    match all {
        true => rows,
        false => distinct(&rows),
    }
}
