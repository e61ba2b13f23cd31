//! One output compared with what it should be: another file, or what the lock file says of it.

use std::path::Path;

use eigenscope_artifact::arrow::array::RecordBatch;
use eigenscope_artifact::{ArtifactError, KindName, TableReader, digest_file};
use serde::Serialize;

use super::figure::figure;
use super::summary::{METADATA, OutputSummary};
use super::tolerance::{Tolerance, Tolerances};
use crate::cell_values::{BATCH_ROWS, Value, cell_values, is_fraction};

/// How an output compares, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The same bytes. Against the lock file: the same content.
    Equal,
    /// The same content; the files name other code or inputs as their origin.
    SameContent,
    /// Every column is within its tolerance.
    Within,
    Differs,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub verdict: Verdict,
    /// Why it differs, where that is not a matter of columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The columns that are not equal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnDifference>,
}

/// A column that is not equal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDifference {
    /// Its name; `(metadata)` is that of the table.
    pub column: String,
    /// Largest absolute difference of two numbers; `None` if it has none.
    pub absolute: Option<f64>,
    /// The same over the largest absolute value of the column.
    pub relative: Option<f64>,
    /// Differing values that are no numbers.
    pub inexact: u64,
    pub tolerance: Tolerance,
    /// Whether it is kept.
    pub within: bool,
}

impl Comparison {
    fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            reason: None,
            columns: Vec::new(),
        }
    }

    pub(super) fn differs(reason: String) -> Self {
        Self {
            reason: Some(reason),
            ..Self::of(Verdict::Differs)
        }
    }

    fn by_columns(columns: Vec<ColumnDifference>) -> Self {
        let within = columns.iter().all(|column| column.within);
        Self {
            verdict: if within {
                Verdict::Within
            } else {
                Verdict::Differs
            },
            reason: None,
            columns,
        }
    }
}

/// Compares the output `found` of a task with `expected`, both files.
pub(super) fn with_file(
    found: &Path,
    expected: &Path,
    task: usize,
    kind: &KindName,
    tolerances: &Tolerances,
) -> Result<Comparison, ArtifactError> {
    if digest_file(found)? == digest_file(expected)? {
        return Ok(Comparison::of(Verdict::Equal));
    }
    if !kind.is_table() {
        let same = figure(found, kind)?.content == figure(expected, kind)?.content;
        return Ok(match same {
            true => Comparison::of(Verdict::SameContent),
            false => Comparison::differs("the drawing is another".to_owned()),
        });
    }
    let (found, expected) = (
        TableReader::open_named(found, kind.as_str())?,
        TableReader::open_named(expected, kind.as_str())?,
    );
    let (one, other) = (found.summary(), expected.summary());
    if one.content == other.content {
        return Ok(Comparison::of(Verdict::SameContent));
    }
    if one.schema.fields() != other.schema.fields() {
        return Ok(Comparison::differs("it has other columns".to_owned()));
    }
    if one.rows != other.rows {
        let reason = format!("it has {} rows, expected {}", one.rows, other.rows);
        return Ok(Comparison::differs(reason));
    }
    let fields = one.schema.fields();
    let mut columns: Vec<Column> = vec![Column::default(); fields.len()];
    let mut others = expected.batches(BATCH_ROWS, None, None)?;
    for batch in found.batches(BATCH_ROWS, None, None)? {
        let batch = batch?;
        // Equal schemas and numbers of rows are read in equal batches.
        let Some(other) = others.next().transpose()? else {
            break;
        };
        for (position, column) in columns.iter_mut().enumerate() {
            column.add(&batch, &other, position);
        }
    }
    let differences = fields.iter().zip(columns).filter_map(|(field, column)| {
        let name = field.name();
        let tolerance = tolerances.of(task, kind, name, !is_fraction(field.data_type()));
        column.difference(name, tolerance)
    });
    let mut differences: Vec<_> = differences.collect();
    if one.metadata != other.metadata {
        let tolerance = tolerances.of(task, kind, METADATA, true);
        differences.push(ColumnDifference::inexact(METADATA, 1, tolerance));
    }
    Ok(Comparison::by_columns(differences))
}

/// Compares the output `found` of a task with what is said of it. `same_machine`: bytes must be equal.
pub(super) fn with_summary(
    found: &Path,
    expected: &OutputSummary,
    same_machine: bool,
    task: usize,
    kind: &KindName,
    tolerances: &Tolerances,
) -> Result<Comparison, ArtifactError> {
    let found = OutputSummary::of(found, kind)?;
    if found.content == expected.content {
        return Ok(Comparison::of(Verdict::Equal));
    }
    if found.rows != expected.rows || !found.columns.keys().eq(expected.columns.keys()) {
        return Ok(Comparison::differs(
            "it has other columns or another number of rows".to_owned(),
        ));
    }
    let pairs = found.columns.iter().zip(expected.columns.values());
    let differences = pairs.filter_map(|((name, found), expected)| {
        let tolerance = tolerances.of(task, kind, name, expected.exact.is_some());
        let mut column = Column {
            scale: expected.scale(),
            ..Column::default()
        };
        let statistics = found.statistics().into_iter().zip(expected.statistics());
        for ((_, found), (_, expected)) in statistics {
            column.pair(found, expected);
        }
        // Whole numbers that may differ are compared by their statistics.
        let is_number = found.statistics().iter().any(|(_, value)| value.is_some());
        let other = found.exact != expected.exact && !(is_number && tolerance.is_loose());
        column.inexact = u64::from(other) + u64::from(found.missing != expected.missing);
        column.difference(name, tolerance)
    });
    let mut comparison = Comparison::by_columns(differences.collect());
    if same_machine {
        comparison.verdict = Verdict::Differs;
        comparison.reason =
            Some("it was made on the same kind of machine, so its bytes must be equal".to_owned());
    }
    Ok(comparison)
}

impl ColumnDifference {
    fn inexact(column: &str, inexact: u64, tolerance: Tolerance) -> Self {
        Self {
            column: column.to_owned(),
            absolute: None,
            relative: None,
            inexact,
            tolerance,
            within: tolerance.absolute.is_infinite(),
        }
    }
}

/// The differences of a column, as they are found.
#[derive(Clone, Default)]
struct Column {
    largest: f64,
    scale: f64,
    inexact: u64,
    /// The values of a row of the other file, in memory that is used again.
    values: Vec<Value>,
}

impl Column {
    fn add(&mut self, found: &RecordBatch, expected: &RecordBatch, position: usize) {
        let (Some(one), Some(other)) = (
            found.columns().get(position),
            expected.columns().get(position),
        ) else {
            return;
        };
        for row in 0..one.len().max(other.len()) {
            let mut values = std::mem::take(&mut self.values);
            values.clear();
            cell_values(other, row, |cell| values.push(cell.into()));
            let mut expected = values.iter();
            cell_values(one, row, |cell| match (cell.number(), expected.next()) {
                (Some(found), Some(&Value::Number(expected))) => {
                    self.scale = self.scale.max(found.abs()).max(expected.abs());
                    self.pair(Some(found), Some(expected));
                }
                (None, Some(expected)) if Value::from(cell) == *expected => {}
                _ => self.inexact += 1,
            });
            self.inexact += expected.count() as u64;
            self.values = values;
        }
    }

    /// Two numbers; a number and none are infinitely far apart.
    fn pair(&mut self, found: Option<f64>, expected: Option<f64>) {
        let difference = match (found, expected) {
            (None, None) => 0.0,
            (Some(found), Some(expected)) if found.is_nan() && expected.is_nan() => 0.0,
            (Some(found), Some(expected)) if found == expected => 0.0,
            (Some(found), Some(expected)) => (found - expected).abs(),
            _ => f64::INFINITY,
        };
        let difference = if difference.is_nan() {
            f64::INFINITY
        } else {
            difference
        };
        self.largest = self.largest.max(difference);
    }

    fn difference(self, name: &str, tolerance: Tolerance) -> Option<ColumnDifference> {
        if self.largest == 0.0 && self.inexact == 0 {
            return None;
        }
        let is_number = self.largest > 0.0;
        let exact = self.inexact == 0 || tolerance.absolute.is_infinite();
        Some(ColumnDifference {
            column: name.to_owned(),
            absolute: is_number.then_some(self.largest),
            relative: (is_number && self.scale > 0.0).then(|| self.largest / self.scale),
            inexact: self.inexact,
            within: exact && tolerance.allows(self.largest, self.scale),
            tolerance,
        })
    }
}
