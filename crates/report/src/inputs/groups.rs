//! Groups of rows with the same labels, and curves for each group and hidden size.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_artifact::{Labelled, Labels};

use super::labels::{Differences, capitalised};
use eigenscope_figure::{ColourMap, Rgb};

/// The rows of one group and one hidden size.
#[derive(Debug)]
pub(crate) struct Series<'a, R> {
    pub(crate) size: u32,
    /// Name in the legend.
    pub(crate) name: String,
    pub(crate) colour: Rgb,
    /// Rows in the order of the table.
    pub(crate) rows: Vec<&'a R>,
}

const SIZE: &str = "Hidden size";

/// The title of a legend, and series by group and ascending size, in colours from dark to light.
///
/// The title names the labels in which the series differ, and the names of the series are their values.
pub(crate) fn series<R>(
    rows: &[Labelled<R>],
    size: impl Fn(&R) -> u32,
) -> (String, Vec<Series<'_, R>>) {
    let sizes: BTreeSet<u32> = rows.iter().map(|row| size(&row.row)).collect();
    let several_sizes = sizes.len() > 1;
    let groups = groups(rows);
    let grouped = groups.len() > 1;
    let group_labels: Vec<&Labels> = groups.iter().map(|(labels, _)| *labels).collect();
    let (heading, names) = legend(&group_labels);
    let head = match heading.as_str() {
        _ if !grouped => SIZE.to_owned(),
        "" => String::new(),
        heading if several_sizes => format!("{SIZE}, {heading}"),
        heading => capitalised(heading),
    };
    let mut all = Vec::new();
    for ((_, rows), name) in groups.into_iter().zip(names) {
        let mut sizes: BTreeMap<u32, Vec<&R>> = BTreeMap::new();
        for row in rows {
            sizes.entry(size(row)).or_default().push(row);
        }
        for (size, rows) in sizes {
            let name = match name.as_str() {
                "" => size.to_string(),
                name if heading.is_empty() => format!("hidden {size}, {name}"),
                name if several_sizes => format!("{size}, {name}"),
                name => name.to_owned(),
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
    (head, all)
}

/// Groups of rows with the same labels, in the order of their first rows.
pub(crate) fn groups<R>(rows: &[Labelled<R>]) -> Vec<(&Labels, Vec<&R>)> {
    let mut groups: Vec<(&Labels, Vec<&R>)> = Vec::new();
    for Labelled { labels, row } in rows {
        // Rows of one group usually follow one another.
        let known = groups.iter_mut().rev().find(|(known, _)| *known == labels);
        match known {
            Some((_, rows)) => rows.push(row),
            None => groups.push((labels, vec![row])),
        }
    }
    groups
}

/// A legend's title, such as "batch, learning rate", and an entry for each group, such as "32, 0.01". If some groups lack a
/// label, the title is empty, and the entries are such as "batch 32, learning rate 0.01".
pub(crate) fn legend(groups: &[&Labels]) -> (String, Vec<String>) {
    let differences = Differences::of(groups.iter().copied());
    let legend = differences.legend();
    legend.unwrap_or_else(|| (String::new(), differences.in_words()))
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
        let (head, found) = series(&rows, |size| *size);
        assert_eq!(head, "Hidden size, learning rate");
        let found: Vec<(String, u32)> = found
            .into_iter()
            .map(|series| (series.name, series.size))
            .collect();
        let expected = [
            ("8, 0.1", 8),
            ("16, 0.1", 16),
            ("8, 0.2", 8),
            ("16, 0.2", 16),
        ];
        assert_eq!(found, expected.map(|(name, size)| (name.to_owned(), size)));
        // One group is called by its sizes.
        let (head, one) = series(&rows[..2], |size| *size);
        assert_eq!((head.as_str(), one[1].name.as_str()), ("Hidden size", "16"));
        assert_ne!(one[0].colour, one[1].colour);
        // Groups of one size are called by their labels.
        let rates = [0.1, 0.2].map(|rate| row(json!({"learning_rate": rate}), 8));
        let (head, two) = series(&rates, |size| *size);
        assert_eq!(
            (head.as_str(), two[1].name.as_str()),
            ("Learning rate", "0.2")
        );
        // A label that one group lacks is named where it stands.
        let mixed = [row(json!({}), 8), row(json!({"seed": 1}), 8)];
        let (head, two) = series(&mixed, |size| *size);
        assert_eq!(
            (head.as_str(), two[1].name.as_str()),
            ("", "hidden 8, seed 1")
        );
    }
}
