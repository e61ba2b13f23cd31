//! Comparisons as text tables.

use std::fmt::Write;

use super::{Expected, Published, Row, Verdict};
use crate::text_table::{Align, text_table_in_two_lines};
use crate::tone::Tone;

/// What the numbers are where their file does not say it.
pub(crate) const TITLE: &str = "Published against ours";

/// Name of the column of the numbers that ours are compared with.
pub(crate) fn reference_head(published: &Published) -> &'static str {
    match published.title {
        Some(_) => "reference",
        None => "published",
    }
}

/// The title, an aligned table with one line for each number, or two where that is wider than `width` characters, notes on those that
/// are not reproduced, and the totals.
pub fn text(published: &Published, rows: &[Row], width: Option<usize>) -> String {
    let heads = [
        ("number", Align::Left),
        (reference_head(published), Align::Right),
        ("tolerance", Align::Right),
        ("ours", Align::Right),
        ("difference", Align::Right),
        ("rows", Align::Right),
        ("verdict", Align::Left),
    ];
    let mut lines = vec![heads.map(|(head, _)| head.to_owned()).to_vec()];
    lines.extend(rows.iter().map(|row| row_cells(row).to_vec()));
    let title = published.title.as_deref().unwrap_or(TITLE);
    let mut text = format!("{title}\n\n");
    let aligned = heads.map(|(_, align)| align);
    text.push_str(&text_table_in_two_lines(&lines, &aligned, 0, width));
    let open = rows.iter().filter(|row| !row.verdict.holds());
    let mut notes: Vec<&str> = Vec::new();
    for note in open.filter_map(|row| row.note.as_deref()) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    for note in notes {
        let _ = writeln!(text, "Note: {note}");
    }
    let count =
        |accept: fn(&Verdict) -> bool| rows.iter().filter(|row| accept(&row.verdict)).count();
    let ok = count(Verdict::holds);
    let missing = count(|verdict| matches!(verdict, Verdict::Missing(_)));
    let off = rows.len() - ok - missing;
    let _ = writeln!(text, "{ok} ok, {off} off, {missing} missing");
    text
}

/// The numbers of a row, with one digit more than the published one has.
pub(crate) struct Numbers {
    /// The value or bounds.
    pub(crate) published: String,
    /// Largest difference; `None` for bounds.
    pub(crate) tolerance: Option<String>,
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
            tolerance: row.tolerance.map(|tolerance| tolerance.to_string()),
            ours: row.ours.map(|ours| format!("{ours:.decimals$}")),
            difference: row.difference.map(signed),
        }
    }
}

fn row_cells(row: &Row) -> [String; 7] {
    let numbers = Numbers::of(row);
    let or_dash = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    [
        row.name.clone(),
        numbers.published,
        or_dash(numbers.tolerance),
        or_dash(numbers.ours),
        or_dash(numbers.difference),
        row.rows_used.to_string(),
        match &row.verdict {
            Verdict::Ok => Tone::Good.of("ok"),
            Verdict::Off => Tone::Bad.of("off"),
            Verdict::Missing(reason) => format!("{} {reason}", Tone::Notable.of("missing:")),
        },
    ]
}

fn published(expected: Expected) -> String {
    match expected {
        Expected::Value { value, .. } => value.to_string(),
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
