//! Curves of tables whose rows belong to groups: one for each group and hidden size, called by what differs.

use std::collections::BTreeMap;

use eigenscope_artifact::{Labelled, Labels};

use super::labels;
use crate::figure::{ColourMap, Rgb};

/// Rows of one group and one hidden size.
#[derive(Debug)]
pub(super) struct Series<'a, R> {
    /// Hidden size.
    pub(super) size: u32,
    /// In the legend.
    pub(super) name: String,
    pub(super) colour: Rgb,
    /// In table order.
    pub(super) rows: Vec<&'a R>,
}

/// What the names of series say, for the head of a legend.
pub(super) const SIZES_ONLY: &str = "hidden size";

/// Series in the order of groups, sizes ascending within a group; colours run from dark to light. Without groups a series is
/// called by its size alone.
pub(super) fn series<R>(rows: &[Labelled<R>], size: impl Fn(&R) -> u32) -> Vec<Series<'_, R>> {
    let groups = groups(rows);
    let names = names(groups.iter().map(|(labels, _)| *labels));
    let mut all = Vec::new();
    for ((_, rows), name) in groups.into_iter().zip(names) {
        let mut sizes: BTreeMap<u32, Vec<&R>> = BTreeMap::new();
        for row in rows {
            sizes.entry(size(row)).or_default().push(row);
        }
        for (size, rows) in sizes {
            let name = match name.as_str() {
                "" => size.to_string(),
                name => format!("hidden {size}, {name}"),
            };
            all.push(Series {
                size,
                name,
                colour: Rgb::BLACK,
                rows,
            });
        }
    }
    let colours = ColourMap::Viridis.series(all.len());
    for (series, colour) in all.iter_mut().zip(colours) {
        series.colour = colour;
    }
    all
}

/// Rows by their labels, groups in the order in which they first come.
pub(super) fn groups<R>(rows: &[Labelled<R>]) -> Vec<(&Labels, Vec<&R>)> {
    let mut groups: Vec<(&Labels, Vec<&R>)> = Vec::new();
    for Labelled { labels, row } in rows {
        // Rows of one group follow one another.
        let known = groups.iter_mut().rev().find(|(known, _)| *known == labels);
        match known {
            Some((_, rows)) => rows.push(row),
            None => groups.push((labels, vec![row])),
        }
    }
    groups
}

/// For each group the labels that tell it from the others, such as "batch 32, learning rate 0.01".
pub(super) fn names<'a>(groups: impl Iterator<Item = &'a Labels> + Clone) -> Vec<String> {
    let differs = |name: &String| {
        let mut values = groups.clone().map(|labels| labels.get(name));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let name = |labels: &Labels| {
        let labels = labels.iter().filter(|(name, _)| differs(name));
        let words = labels.map(|(name, value)| labels::words(name, value));
        words.collect::<Vec<_>>().join(", ")
    };
    groups.clone().map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(labels: serde_json::Value, row: u32) -> Labelled<u32> {
        let labels = serde_json::from_value(labels).expect("an object");
        Labelled { labels, row }
    }

    #[test]
    fn a_curve_for_each_group_and_size() {
        let mut rows = Vec::new();
        for rate in [0.1, 0.2] {
            for size in [8, 16] {
                rows.push(row(json!({"batch": 32, "learning_rate": rate}), size));
            }
        }
        let found: Vec<(String, u32)> = series(&rows, |size| *size)
            .into_iter()
            .map(|series| (series.name, series.size))
            .collect();
        let expected = [
            ("hidden 8, learning rate 0.1", 8),
            ("hidden 16, learning rate 0.1", 16),
            ("hidden 8, learning rate 0.2", 8),
            ("hidden 16, learning rate 0.2", 16),
        ];
        assert_eq!(found, expected.map(|(name, size)| (name.to_owned(), size)));
        // One group is called by its sizes.
        let one = series(&rows[..2], |size| *size);
        assert_eq!(one[1].name, "16");
        assert_ne!(one[0].colour, one[1].colour);
    }
}
