//! Combinations of swept values and of inputs read one by one: product and join.

use std::collections::HashMap;
use std::sync::Arc;

use super::axis::{Axis, AxisValue};
use crate::label::{Labels, label_text};

/// One combination of inputs read one by one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Row {
    /// Tasks in the order in which they were joined.
    pub(crate) tasks: Vec<usize>,
    /// Labels of all of them.
    pub(crate) labels: Arc<Labels>,
}

/// Why a join gives nothing to work with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JoinError {
    /// No two rows agree in these labels.
    Empty(Vec<String>),
    /// More rows than allowed.
    TooMany,
}

/// Combines every row with every candidate (a task and its labels) that agrees with it in all labels that
/// both have. Rows stay in order, and within a row the candidates.
pub(crate) fn join(
    rows: Vec<Row>,
    candidates: &[(usize, Arc<Labels>)],
    limit: usize,
) -> Result<Vec<Row>, JoinError> {
    let (Some(row), Some((_, labels))) = (rows.first(), candidates.first()) else {
        return Ok(Vec::new());
    };
    // All rows have the same label names, and so have all candidates.
    let shared: Vec<String> = row
        .labels
        .keys()
        .filter(|name| labels.contains_key(*name))
        .cloned()
        .collect();
    let mut groups: HashMap<Vec<String>, Vec<usize>> = HashMap::new();
    for (index, (_, labels)) in candidates.iter().enumerate() {
        groups.entry(key(labels, &shared)).or_default().push(index);
    }
    let partners: Vec<&[usize]> = rows
        .iter()
        .map(|row| {
            let group = groups.get(&key(&row.labels, &shared));
            group.map_or(&[][..], Vec::as_slice)
        })
        .collect();
    let total = partners
        .iter()
        .fold(0usize, |sum, group| sum.saturating_add(group.len()));
    match total {
        0 => return Err(JoinError::Empty(shared)),
        total if total > limit => return Err(JoinError::TooMany),
        _ => {}
    }
    let mut joined = Vec::with_capacity(total);
    for (row, group) in rows.iter().zip(partners) {
        for (task, labels) in group.iter().filter_map(|&index| candidates.get(index)) {
            let mut tasks = Vec::with_capacity(row.tasks.len() + 1);
            tasks.extend_from_slice(&row.tasks);
            tasks.push(*task);
            let labels = united(&row.labels, labels);
            joined.push(Row { tasks, labels });
        }
    }
    Ok(joined)
}

/// The labels of both, those of `second` where they differ; in memory once if one has all of the other.
fn united(first: &Arc<Labels>, second: &Arc<Labels>) -> Arc<Labels> {
    let has_all = |one: &Labels, other: &Labels| {
        let mut labels = other.iter();
        labels.all(|(name, value)| one.get(name) == Some(value))
    };
    if has_all(second, first) {
        return Arc::clone(second);
    }
    if has_all(first, second) {
        return Arc::clone(first);
    }
    let mut labels = Labels::clone(first);
    let second = second.iter();
    labels.extend(second.map(|(name, value)| (name.clone(), value.clone())));
    Arc::new(labels)
}

fn key(labels: &Labels, names: &[String]) -> Vec<String> {
    names
        .iter()
        .map(|name| labels.get(name).map(label_text).unwrap_or_default())
        .collect()
}

/// All combinations of the values of `axes`, the last axis fastest; one empty one for no axes.
/// `None` if there are more than `limit`.
pub(crate) fn product(axes: &[Axis], limit: usize) -> Option<Vec<Vec<&AxisValue>>> {
    let total = axes
        .iter()
        .try_fold(1usize, |total, axis| total.checked_mul(axis.values.len()))?;
    if total > limit {
        return None;
    }
    let mut combinations = vec![Vec::new()];
    for axis in axes {
        combinations = combinations
            .into_iter()
            .flat_map(|combination| {
                axis.values.iter().map(move |value| {
                    let mut next = combination.clone();
                    next.push(value);
                    next
                })
            })
            .collect();
    }
    Some(combinations)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels(pairs: &[(&str, i64)]) -> Labels {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect()
    }

    fn axis(name: &str, values: std::ops::Range<i64>) -> Axis {
        Axis {
            name: name.to_owned(),
            span: 0..0,
            values: values
                .map(|value| AxisValue {
                    value: json!(value),
                    label: json!(value),
                })
                .collect(),
        }
    }

    #[test]
    fn the_last_axis_is_fastest() {
        let axes = [axis("a", 0..2), axis("b", 0..3)];
        let combinations = product(&axes, 6).expect("within the limit");
        let values: Vec<(i64, i64)> = combinations
            .iter()
            .map(|values| {
                (
                    values[0].label.as_i64().unwrap(),
                    values[1].label.as_i64().unwrap(),
                )
            })
            .collect();
        assert_eq!(values, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
        assert_eq!(product(&axes, 5), None);
        assert_eq!(product(&[], 1), Some(vec![vec![]]));
    }

    #[test]
    fn a_huge_product_is_refused_without_building_it() {
        let axes: Vec<Axis> = (0..200).map(|_| axis("a", 0..100)).collect();
        assert_eq!(product(&axes, 100_000), None);
    }

    #[test]
    fn joins_agree_in_shared_labels_and_multiply_the_others() {
        let left = [labels(&[("h", 1), ("s", 0)]), labels(&[("h", 2), ("s", 0)])];
        let right = [
            labels(&[("h", 2), ("v", 7)]),
            labels(&[("h", 2), ("v", 8)]),
            labels(&[("h", 3), ("v", 7)]),
        ];
        let left: Vec<(usize, Arc<Labels>)> = left.map(Arc::new).into_iter().enumerate().collect();
        let right: Vec<(usize, Arc<Labels>)> = (10..).zip(right.map(Arc::new)).collect();
        let rows = join(vec![Row::default()], &left, 10).expect("two rows");
        assert_eq!(rows.len(), 2);
        let rows = join(rows, &right, 10).expect("two rows");
        let tasks: Vec<&[usize]> = rows.iter().map(|row| row.tasks.as_slice()).collect();
        assert_eq!(tasks, [[1, 10], [1, 11]]);
        assert_eq!(*rows[1].labels, labels(&[("h", 2), ("s", 0), ("v", 8)]));
    }

    #[test]
    fn labels_that_say_no_more_are_not_copied() {
        let [wide, narrow, other] = [&[("h", 1), ("s", 0)][..], &[("h", 1)], &[("x", 0)]]
            .map(|pairs| Arc::new(labels(pairs)));
        for (first, second) in [(&wide, &narrow), (&narrow, &wide)] {
            assert!(Arc::ptr_eq(&united(first, second), &wide));
        }
        assert_eq!(*united(&narrow, &other), labels(&[("h", 1), ("x", 0)]));
        let [whole, fraction] =
            [json!(1), json!(1.0)].map(|value| Arc::new(Labels::from([("h".to_owned(), value)])));
        assert_eq!(united(&whole, &fraction), fraction, "the second counts");
    }

    #[test]
    fn joins_without_result_or_with_too_much_of_it_are_refused() {
        let [one, two, other] = [("h", 1), ("h", 2), ("x", 2)].map(|one| Arc::new(labels(&[one])));
        let rows = || join(vec![Row::default()], &[(0, Arc::clone(&one))], 10).expect("one row");
        assert_eq!(
            join(rows(), &[(1, two)], 10),
            Err(JoinError::Empty(vec!["h".to_owned()]))
        );
        let many: Vec<(usize, Arc<Labels>)> =
            (0..5).map(|task| (task, Arc::clone(&other))).collect();
        assert_eq!(join(rows(), &many, 4), Err(JoinError::TooMany));
        assert_eq!(join(rows(), &many, 5).expect("five rows").len(), 5);
    }
}
