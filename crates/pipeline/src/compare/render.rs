//! Comparisons as an aligned table for people.

use std::fmt::Write;

use super::{Expected, Row, Verdict};
use crate::aligned::{Align, aligned};

/// Column heads.
const HEADS: [(&str, Align); 6] = [
    ("number", Align::Left),
    ("published", Align::Right),
    ("ours", Align::Right),
    ("difference", Align::Right),
    ("rows", Align::Right),
    ("verdict", Align::Left),
];

/// An aligned table, one line for each number, and a line with the totals.
pub fn text(rows: &[Row]) -> String {
    let mut lines = vec![HEADS.map(|(head, _)| head.to_owned()).to_vec()];
    lines.extend(rows.iter().map(|row| cells(row).to_vec()));
    let mut text = aligned(&lines, &HEADS.map(|(_, align)| align));
    let count =
        |accept: fn(&Verdict) -> bool| rows.iter().filter(|row| accept(&row.verdict)).count();
    let within = count(Verdict::holds);
    let missing = count(|verdict| matches!(verdict, Verdict::Missing(_)));
    let misses = rows.len() - within - missing;
    let _ = writeln!(text, "{within} within, {misses} missed, {missing} missing");
    text
}

/// The numbers of a row, with one digit more than the published one has.
pub(crate) struct Numbers {
    /// With its tolerance, or bounds.
    pub(crate) published: String,
    pub(crate) ours: Option<String>,
    pub(crate) difference: Option<String>,
}

impl Numbers {
    pub(crate) fn of(row: &Row) -> Self {
        let decimals = decimals(row.published) + 1;
        let signed = |difference| {
            let difference = without_negative_zero(difference, decimals);
            format!("{difference:+.decimals$}")
        };
        Self {
            published: published(row.published),
            ours: row.ours.map(|ours| format!("{ours:.decimals$}")),
            difference: row.difference.map(signed),
        }
    }
}

fn cells(row: &Row) -> [String; 6] {
    let numbers = Numbers::of(row);
    let or_dash = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    [
        row.name.clone(),
        numbers.published,
        or_dash(numbers.ours),
        or_dash(numbers.difference),
        row.rows_used.to_string(),
        match &row.verdict {
            Verdict::Within => "within".to_owned(),
            Verdict::Miss => "MISS".to_owned(),
            Verdict::Missing(reason) => format!("MISSING: {reason}"),
        },
    ]
}

fn published(expected: Expected) -> String {
    match expected {
        Expected::Value { value, tolerance } => format!("{value} ± {tolerance}"),
        Expected::Bounds { minimum, maximum } => match (minimum, maximum) {
            (Some(minimum), Some(maximum)) => format!("{minimum} to {maximum}"),
            (Some(minimum), None) => format!(">= {minimum}"),
            (None, Some(maximum)) => format!("<= {maximum}"),
            (None, None) => "-".to_owned(),
        },
    }
}

/// Most decimals of any number that was published, at most 8.
fn decimals(expected: Expected) -> usize {
    let numbers = match expected {
        Expected::Value { value, tolerance } => [Some(value), Some(tolerance)],
        Expected::Bounds { minimum, maximum } => [minimum, maximum],
    };
    let of = |number: f64| {
        let text = number.to_string();
        text.split_once('.')
            .map_or(0, |(_, decimals)| decimals.len())
    };
    numbers
        .into_iter()
        .flatten()
        .map(of)
        .max()
        .unwrap_or(0)
        .min(8)
}

/// A difference that is printed as zero has no sign.
fn without_negative_zero(difference: f64, decimals: usize) -> f64 {
    let half_a_unit = 0.5 * 10f64.powi(-i32::try_from(decimals).unwrap_or(i32::MAX));
    if difference.abs() < half_a_unit {
        0.0
    } else {
        difference
    }
}
