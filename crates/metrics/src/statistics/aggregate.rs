//! Observations in, one row a group out. The only module that knows polars.
//!
//! Eager frames and no optional feature of polars: that leaves out its planner and expression engine,
//! most of what there is to compile.

use polars::prelude::*;

/// Observations by column: K integer keys and V measured values, all of one length.
pub(crate) struct Observations<const K: usize, const V: usize> {
    pub(crate) keys: [Vec<u32>; K],
    pub(crate) values: [Vec<f64>; V],
}

impl<const K: usize, const V: usize> Default for Observations<K, V> {
    fn default() -> Self {
        Self {
            keys: std::array::from_fn(|_| Vec::new()),
            values: std::array::from_fn(|_| Vec::new()),
        }
    }
}

impl<const K: usize, const V: usize> Observations<K, V> {
    pub(crate) fn push(&mut self, keys: [u32; K], values: [f64; V]) {
        for (column, key) in self.keys.iter_mut().zip(keys) {
            column.push(key);
        }
        for (column, value) in self.values.iter_mut().zip(values) {
            column.push(value);
        }
    }
}

/// All observations with the same keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group<const K: usize, const V: usize> {
    pub(crate) keys: [u32; K],
    /// Number n of observations.
    pub(crate) count: u32,
    pub(crate) means: [f64; V],
    /// Sample standard deviation (denominator n - 1) of every value; `None` for n = 1.
    pub(crate) deviations: [Option<f64>; V],
}

/// Groups equal keys; the groups are sorted by key, the first key slowest.
///
/// Sums run in the order of the observations, whatever the number of threads.
pub(crate) fn aggregate<const K: usize, const V: usize>(
    observations: Observations<K, V>,
) -> PolarsResult<Vec<Group<K, V>>> {
    if observations.keys.iter().all(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let key_names: [String; K] = std::array::from_fn(|at| format!("key_{at}"));
    let value_names: [String; V] = std::array::from_fn(|at| format!("value_{at}"));
    let mut columns = Vec::with_capacity(K + V);
    for (name, key) in key_names.iter().zip(observations.keys) {
        columns.push(Column::new(name.into(), key));
    }
    for (name, value) in value_names.iter().zip(observations.values) {
        columns.push(Column::new(name.into(), value));
    }
    let grouped = DataFrame::new_infer_height(columns)?
        .group_by_stable(&key_names)?
        .apply(|group| summary(&group, &key_names, &value_names))?
        .sort(&key_names, SortMultipleOptions::default())?;
    (0..grouped.height())
        .map(|row| {
            let float = |name: &str| Ok::<_, PolarsError>(grouped.column(name)?.f64()?.get(row));
            let integer = |name: &str| required(grouped.column(name)?.u32()?.get(row));
            let (mut keys, mut means, mut deviations) = ([0; K], [0.0; V], [None; V]);
            for (key, name) in keys.iter_mut().zip(&key_names) {
                *key = integer(name)?;
            }
            for (at, name) in value_names.iter().enumerate() {
                means[at] = required(float(&format!("{name}_mean"))?)?;
                deviations[at] = float(&format!("{name}_std"))?;
            }
            Ok(Group {
                keys,
                count: integer("count")?,
                means,
                deviations,
            })
        })
        .collect()
}

/// One row for the observations of one group.
fn summary(group: &DataFrame, keys: &[String], values: &[String]) -> PolarsResult<DataFrame> {
    let mut columns = Vec::new();
    for name in keys {
        columns.push(group.column(name)?.head(Some(1)));
    }
    let count = u32::try_from(group.height())
        .map_err(|error| polars_err!(ComputeError: "too many observations: {error}"))?;
    columns.push(Column::new("count".into(), [count]));
    for name in values {
        let series = group.column(name)?.as_materialized_series();
        columns.push(Column::new(format!("{name}_mean").into(), [series.mean()]));
        columns.push(Column::new(format!("{name}_std").into(), [series.std(1)]));
    }
    DataFrame::new_infer_height(columns)
}

fn required<T>(value: Option<T>) -> PolarsResult<T> {
    value.ok_or_else(|| polars_err!(ComputeError: "a group without a value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_deviations_by_group_in_key_order() {
        let mut observations = Observations::<2, 1>::default();
        for (keys, value) in [
            ([9, 1], 4.0),
            ([2, 7], 1.0),
            ([9, 0], 5.0),
            ([2, 7], 2.0),
            ([2, 7], 6.0),
        ] {
            observations.push(keys, [value]);
        }
        let groups = aggregate(observations).expect("aggregates");
        let keys: Vec<_> = groups.iter().map(|group| group.keys).collect();
        assert_eq!(keys, [[2, 7], [9, 0], [9, 1]]);
        assert_eq!((groups[0].count, groups[0].means), (3, [3.0]));
        let deviation = groups[0].deviations[0].expect("three observations");
        assert!((deviation - 7.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(
            (groups[1].count, groups[1].means, groups[1].deviations),
            (1, [5.0], [None])
        );
    }

    #[test]
    fn nothing_observed_gives_no_group() {
        assert_eq!(
            aggregate(Observations::<1, 1>::default()).expect("aggregates"),
            []
        );
    }
}
