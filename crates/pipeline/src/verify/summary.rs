//! An output in a few numbers: enough to check on another kind of machine that it holds the same values.
//!
//! A column of fractions is summarised by its mean, its trend and its extremes; one of vectors by statistics that know no sign and
//! no order, since an eigenvector has no sign and a basis of equal eigenvalues no first vector. What is no fraction has a
//! digest, and a mean if it is a number.

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_artifact::arrow::array::RecordBatch;
use eigenscope_artifact::arrow::datatypes::DataType;
use eigenscope_artifact::{ArtifactError, Digest, KindName, TableReader};
use serde::{Deserialize, Serialize};

use super::figure::figure;
use crate::cell_values::{BATCH_ROWS, Cell, cell_values, is_fraction, value_type};

/// Name under which the metadata of a table's kind (image size, class names) is compared.
pub(super) const METADATA: &str = "(metadata)";

/// An output in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSummary {
    /// Digest of the content: equal for equal values, whatever code made them.
    pub content: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The columns of a table, `(metadata)` among them; width and height of a figure.
    pub columns: BTreeMap<String, ColumnSummary>,
}

/// A column in a few numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnSummary {
    /// The first 12 digits of a digest of all values, where they are no fractions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Mean of value times place, from -1 for the first to 1 for the last: changes with the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Root of the mean square, of vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rms: Option<f64>,
    /// Largest absolute value, of vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<f64>,
}

impl ColumnSummary {
    /// The numbers by name.
    pub(super) fn statistics(&self) -> [(&'static str, Option<f64>); 6] {
        [
            ("mean", self.mean),
            ("trend", self.trend),
            ("minimum", self.minimum),
            ("maximum", self.maximum),
            ("rms", self.rms),
            ("largest", self.largest),
        ]
    }

    /// Largest absolute value of the column, as far as it is known.
    pub(super) fn scale(&self) -> f64 {
        let extremes = [self.mean, self.minimum, self.maximum, self.largest];
        let extremes = extremes.into_iter().flatten();
        extremes.fold(0.0, |scale, value| scale.max(value.abs()))
    }

    fn word(exact: impl Into<String>) -> Self {
        Self {
            exact: Some(exact.into()),
            ..Self::default()
        }
    }
}

impl OutputSummary {
    /// Reads the output at `path`, all of it.
    pub fn of(path: &Path, kind: &KindName) -> Result<Self, ArtifactError> {
        if !kind.is_table() {
            let figure = figure(path, kind)?;
            let sides = ["width", "height"].map(str::to_owned).into_iter();
            let sizes = figure.size.into_iter().flatten().map(ColumnSummary::word);
            return Ok(Self {
                content: figure.content,
                rows: None,
                columns: sides.zip(sizes).collect(),
            });
        }
        let reader = TableReader::open_named(path, kind.as_str())?;
        let summary = reader.summary();
        let fields = summary.schema.fields();
        let mut columns: Vec<Column> = fields
            .iter()
            .map(|field| Column::new(field.data_type(), summary.rows))
            .collect();
        for batch in reader.batches(BATCH_ROWS, None, None)? {
            let batch = batch?;
            for (column, position) in columns.iter_mut().zip(0..) {
                column.add(&batch, position);
            }
        }
        let names = fields.iter().map(|field| field.name().clone());
        let finished = columns.into_iter().map(Column::finish);
        let mut columns: BTreeMap<String, ColumnSummary> = names.zip(finished).collect();
        if !summary.metadata.is_empty() {
            let text = format!("{:?}", summary.metadata);
            let word = ColumnSummary::word(Digest::of(text.as_bytes()).short());
            columns.insert(METADATA.to_owned(), word);
        }
        Ok(Self {
            content: summary.content,
            rows: Some(summary.rows),
            columns,
        })
    }
}

/// A column that is being read.
struct Column {
    rows: u64,
    row: u64,
    is_vector: bool,
    /// None for fractions.
    digest: Option<blake3::Hasher>,
    missing: u64,
    numbers: u64,
    sum: f64,
    weighted_sum: f64,
    squares: f64,
    minimum: f64,
    maximum: f64,
}

impl Column {
    fn new(data_type: &DataType, rows: u64) -> Self {
        Self {
            rows,
            row: 0,
            is_vector: value_type(data_type) != data_type,
            digest: (!is_fraction(data_type)).then(blake3::Hasher::new),
            missing: 0,
            numbers: 0,
            sum: 0.0,
            weighted_sum: 0.0,
            squares: 0.0,
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
        }
    }

    fn add(&mut self, batch: &RecordBatch, position: usize) {
        let Some(array) = batch.columns().get(position) else {
            return;
        };
        for row in 0..batch.num_rows() {
            let last = self.rows.saturating_sub(1).max(1);
            let position = 2.0 * self.row as f64 / last as f64 - 1.0;
            cell_values(array, row, |cell| self.value(cell, position));
            self.row += 1;
        }
    }

    fn value(&mut self, cell: Cell<'_>, position: f64) {
        if let Some(digest) = &mut self.digest {
            feed(digest, cell);
        }
        if cell == Cell::Null {
            self.missing += 1;
        }
        if let Some(value) = cell.number() {
            self.numbers += 1;
            self.sum += value;
            self.weighted_sum += value * position;
            self.squares += value * value;
            // What is no number shows in the mean.
            self.minimum = self.minimum.min(value);
            self.maximum = self.maximum.max(value);
        }
    }

    fn finish(self) -> ColumnSummary {
        let count = self.numbers as f64;
        let has_numbers = self.numbers > 0;
        let (single, vector) = (
            has_numbers && !self.is_vector,
            has_numbers && self.is_vector,
        );
        let fraction = single && self.digest.is_none();
        ColumnSummary {
            exact: self
                .digest
                .map(|digest| Digest::from(digest.finalize()).short()),
            missing: (self.missing > 0).then_some(self.missing),
            mean: single.then(|| round(self.sum / count)),
            trend: fraction.then(|| round(self.weighted_sum / count)),
            minimum: fraction.then(|| round(self.minimum)),
            maximum: fraction.then(|| round(self.maximum)),
            rms: vector.then(|| round((self.squares / count).sqrt())),
            largest: vector.then(|| round(self.minimum.abs().max(self.maximum.abs()))),
        }
    }
}

fn feed(digest: &mut blake3::Hasher, cell: Cell<'_>) {
    let mut add = |tag: u8, bytes: &[u8]| {
        digest.update(&[tag]);
        digest.update(&(bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    match cell {
        Cell::Null => add(0, &[]),
        Cell::Boolean(value) => add(1, &[u8::from(value)]),
        Cell::Integer(value) => add(2, &value.to_le_bytes()),
        Cell::Number(value) => add(3, &value.to_bits().to_le_bytes()),
        Cell::Single(value) => add(3, &value.to_bits().to_le_bytes()),
        Cell::Text(text) => add(4, text.as_bytes()),
        Cell::Bytes(bytes) => add(5, bytes),
    }
}

/// To seven digits: a thousandth of what the tightest tolerance can see, and readable.
fn round(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::tables::surgery::CentroidRow;
    use eigenscope_artifact::tables::training::HistoryRow;
    use eigenscope_artifact::{Provenance, write_records};
    use eigenscope_testing::provenance;

    use super::*;

    fn row(component: u32, value: f64) -> CentroidRow {
        CentroidRow {
            operation: 1,
            class: "three".to_owned(),
            component,
            value,
        }
    }

    fn summary(rows: &[CentroidRow], code: &str) -> OutputSummary {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("centroids.parquet");
        let provenance = Provenance {
            fingerprint: code.to_owned(),
            ..provenance()
        };
        write_records(&path, rows, None, &provenance).expect("written");
        OutputSummary::of(&path, &CentroidRow::KIND.into()).expect("readable")
    }

    #[test]
    fn numbers_have_statistics_and_words_digests() {
        let rows = [row(1, 1.0), row(2, 2.0), row(3, 6.0)];
        let found = summary(&rows, "a");
        assert_eq!(found, summary(&rows, "b"), "the code does not count");
        assert_eq!(found.rows, Some(3));
        let value = &found.columns["value"];
        assert_eq!(value.exact, None);
        assert_eq!(value.mean, Some(3.0));
        assert_eq!(value.trend, Some(round((6.0 - 1.0) / 3.0)));
        assert_eq!((value.minimum, value.maximum), (Some(1.0), Some(6.0)));
        assert!((value.scale() - 6.0).abs() < 1e-12);
        let class = &found.columns["class"];
        assert!(class.exact.is_some() && class.mean.is_none());
        assert_eq!(found.columns["component"].mean, Some(2.0));
    }

    #[test]
    fn order_and_values_show() {
        let one = summary(&[row(1, 1.0), row(2, 2.0)], "a");
        let swapped = summary(&[row(1, 2.0), row(2, 1.0)], "a");
        assert_ne!(one.columns["value"].trend, swapped.columns["value"].trend);
        assert_eq!(one.columns["component"], swapped.columns["component"]);
        let other = summary(&[row(1, 1.0), row(3, 2.0)], "a");
        assert_ne!(
            one.columns["component"].exact,
            other.columns["component"].exact
        );
    }

    #[test]
    fn what_is_no_number_stays_visible() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.parquet");
        let row = |loss: f64| HistoryRow {
            epoch: 1,
            learning_rate: 0.1,
            train_loss_nats: loss,
            train_accuracy_fraction: 0.5,
            test_loss_nats: 1.0,
            test_accuracy_fraction: 0.5,
        };
        let rows = [row(1.0), row(f64::NAN), row(2.0)];
        write_records(&path, &rows, None, &provenance()).expect("written");
        let found = OutputSummary::of(&path, &HistoryRow::KIND.into()).expect("readable");
        let loss = &found.columns["train_loss_nats"];
        assert!(loss.mean.is_some_and(f64::is_nan));
        assert_eq!(loss.maximum, Some(2.0));
    }
}
