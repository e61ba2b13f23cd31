//! Numbers of metrics on both sides, and how they differ.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use eigenscope_artifact::arrow::datatypes::DataType;
use eigenscope_artifact::student::half_width;
use eigenscope_artifact::{ArtifactError, KindName, TableReader};
use eigenscope_stage::Stage;
use eigenscope_stage::task_id::{labels_of, table_of};
use serde::Serialize;

use super::Made;
use crate::cell_values::{BATCH_ROWS, Value, cell, is_fraction};
use crate::store::{KeyInputs, Store};

/// Label that means are taken over.
const SEED: &str = "seed";

/// Rows of a table that are compared; the coordinates of 60,000 points say nothing one by one.
const MOST_ROWS: usize = 20_000;

/// A number of a metric that differs: the mean over tasks and rows that differ in the seed only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NumberChange {
    /// Table of the pipeline file, such as `metric.final`.
    pub table: String,
    /// Table of the result.
    pub output: String,
    pub column: String,
    /// What tells its row from others: labels of the task, and columns that are no measurement.
    pub row: BTreeMap<String, String>,
    pub before: f64,
    pub after: f64,
    /// Mean of `after - before`.
    pub difference: f64,
    /// Half the width of the 90% confidence interval of that mean, by Student's t of the paired differences; `None` for one pair.
    pub half_width: Option<f64>,
    /// Pairs that the mean was taken over.
    pub pairs: usize,
}

/// Rows of a metric that are too many to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub task: String,
    /// Table of the result.
    pub output: String,
    /// How many rows are left out, of the side that has more.
    pub rows: u64,
}

/// Where a number stands: output, column, row.
type Place = (KindName, String, BTreeMap<String, String>);

/// The numbers that differ in the tasks of one table, each with its results before and after. Adds what is not compared.
pub(super) fn of_table(
    tasks: &[(&str, &Made, &Made)],
    store: &Store,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<NumberChange>, ArtifactError> {
    // With the order in which they were found.
    let mut pairs: BTreeMap<Place, (usize, Vec<[f64; 2]>)> = BTreeMap::new();
    for (id, before, after) in tasks {
        for kind in after.1.outputs.keys() {
            if !kind.is_table() || !before.1.outputs.contains_key(kind) {
                continue;
            }
            let rows = |made: &Made| Rows::read(&store.output(made.0, kind), kind, MOST_ROWS);
            let (mut rows_before, rows_after) = (rows(before)?, rows(after)?);
            rows_before.rename(&renamed(&before.1.key_inputs, &after.1.key_inputs));
            let more = rows_before.left_out.max(rows_after.left_out);
            if more > 0 {
                left_out.push(LeftOut {
                    task: (*id).to_owned(),
                    output: kind.to_string(),
                    rows: more,
                });
            }
            for (column, mut row, values) in matched(&rows_before, &rows_after) {
                row.extend(labels(id));
                name_by_labels(&mut row);
                row.remove(SEED);
                let order = pairs.len();
                let found = pairs.entry((kind.clone(), column, row));
                found.or_insert((order, Vec::new())).1.push(values);
            }
        }
    }
    let table = tasks.first().map_or("", |(id, ..)| table_of(id));
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(_, (order, _))| *order);
    let pairs = pairs.into_iter();
    Ok(pairs
        .filter_map(|(place, (_, pairs))| change(table, place, &pairs))
        .collect())
}

/// Ids before of tasks whose ids after are other ones, with these.
fn renamed(before: &KeyInputs, after: &KeyInputs) -> HashMap<String, String> {
    // Present ids by first ids.
    let present = |key_inputs: &KeyInputs| -> BTreeMap<String, String> {
        let inputs = key_inputs.inputs.iter();
        inputs.flat_map(|input| input.renamed.clone()).collect()
    };
    let (before, after) = (present(before), present(after));
    let firsts: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let then_and_now = firsts.into_iter().map(|first| {
        let [then, now] = [&before, &after].map(|ids| ids.get(first).unwrap_or(first).clone());
        (then, now)
    });
    then_and_now.filter(|(then, now)| then != now).collect()
}

/// How a number differs; `None` if it does not.
fn change(table: &str, place: Place, pairs: &[[f64; 2]]) -> Option<NumberChange> {
    let same = |[before, after]: &[f64; 2]| before == after || (before.is_nan() && after.is_nan());
    if pairs.iter().all(same) {
        return None;
    }
    let (output, column, row) = place;
    let differences: Vec<f64> = pairs.iter().map(|[before, after]| after - before).collect();
    Some(NumberChange {
        table: table.to_owned(),
        output: output.to_string(),
        column,
        row,
        before: mean(&pairs.iter().map(|[before, _]| *before).collect::<Vec<_>>()),
        after: mean(&pairs.iter().map(|[_, after]| *after).collect::<Vec<_>>()),
        difference: mean(&differences),
        half_width: half_width_of_mean(&differences),
        pairs: pairs.len(),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Half the width of the confidence interval of the mean of `values`; `None` for fewer than two.
fn half_width_of_mean(values: &[f64]) -> Option<f64> {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let freedom = values.len().checked_sub(1)? as f64;
    half_width(values.len() as u32, Some((squares / freedom).sqrt()))
}

fn labels(id: &str) -> impl Iterator<Item = (String, String)> {
    labels_of(id).map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Replaces ids of tasks by their tables and labels, so that those of other seeds are the same row.
fn name_by_labels(row: &mut BTreeMap<String, String>) {
    let mut found = Vec::new();
    for value in row.values_mut() {
        let is_id = Stage::ALL.iter().any(|stage| {
            let rest = value.strip_prefix(stage.name());
            rest.is_some_and(|rest| rest.starts_with('.'))
        });
        if is_id {
            found.extend(labels(value));
            *value = table_of(value).to_owned();
        }
    }
    for (name, value) in found {
        row.entry(name).or_insert(value);
    }
}

/// The rows of a table without vectors.
struct Rows {
    columns: Vec<Column>,
    count: usize,
    /// Rows of the table that are not among them.
    left_out: u64,
}

struct Column {
    name: String,
    is_fraction: bool,
    values: Vec<Value>,
}

impl Rows {
    /// Gives tasks that are named in the rows other ids.
    fn rename(&mut self, ids: &HashMap<String, String>) {
        for value in self
            .columns
            .iter_mut()
            .flat_map(|column| &mut column.values)
        {
            if let Value::Text(text) = value
                && let Some(id) = ids.get(text.as_str())
            {
                id.clone_into(text);
            }
        }
    }

    /// Reads the first `most` rows.
    fn read(path: &Path, kind: &KindName, most: usize) -> Result<Self, ArtifactError> {
        let reader = TableReader::open_named(path, kind.as_str())?;
        let fields = reader.summary().schema.fields();
        let is_single = |kind: &DataType| {
            use DataType::{FixedSizeBinary, FixedSizeList, List};
            !matches!(kind, List(_) | FixedSizeList(..) | FixedSizeBinary(_))
        };
        let single = fields.iter().enumerate();
        let single = single.filter(|(_, field)| is_single(field.data_type()));
        let positions: Vec<usize> = single.clone().map(|(position, _)| position).collect();
        let mut columns: Vec<Column> = single
            .map(|(_, field)| Column {
                name: field.name().clone(),
                is_fraction: is_fraction(field.data_type()),
                values: Vec::new(),
            })
            .collect();
        let total = reader.summary().rows;
        let mut count = 0;
        for batch in reader.batches(BATCH_ROWS, None, None)? {
            let batch = batch?;
            let taken = batch.num_rows().min(most - count);
            for (column, &position) in columns.iter_mut().zip(&positions) {
                let array = batch.column(position);
                let values = (0..taken).map(|row| cell(array, row).into());
                column.values.extend(values);
            }
            count += taken;
            if count == most {
                break;
            }
        }
        Ok(Self {
            columns,
            count,
            left_out: total.saturating_sub(count as u64),
        })
    }
}

/// Pairs of numbers that stand in one place: column, row and the two values.
///
/// A row is known by its columns that are no fractions. Whole numbers that differ from side to side, such as counts of correct
/// answers, are measurements, too, as long as the rows are as many.
fn matched(before: &Rows, after: &Rows) -> Vec<(String, BTreeMap<String, String>, [f64; 2])> {
    let as_many = before.count == after.count;
    let pairs = after.columns.iter().filter_map(|other| {
        let one = before.columns.iter().find(|one| one.name == other.name)?;
        Some((one, other))
    });
    let is_number = |column: &Column| {
        let mut values = column.values.iter();
        values.all(|value| matches!(value, Value::Number(_)))
    };
    let (measured, keys): (Vec<_>, Vec<_>) = pairs.partition(|(one, other)| {
        let differs = as_many && is_number(one) && is_number(other) && one.values != other.values;
        other.is_fraction || differs
    });
    let row = |columns: &[&Column], row: usize| -> BTreeMap<String, String> {
        let columns = columns.iter();
        columns
            .map(|column| (column.name.clone(), column.values[row].text()))
            .collect()
    };
    let (one_keys, other_keys): (Vec<&Column>, Vec<&Column>) = keys.into_iter().unzip();
    let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for at in (0..before.count).rev() {
        places.entry(row(&one_keys, at)).or_default().push(at);
    }
    let mut found = Vec::new();
    for at in 0..after.count {
        let key = row(&other_keys, at);
        // Equal rows are matched in their order.
        let Some(partner) = places.get_mut(&key).and_then(Vec::pop) else {
            continue;
        };
        for (one, other) in &measured {
            if let (Value::Number(before), Value::Number(after)) =
                (&one.values[partner], &other.values[at])
            {
                found.push((other.name.clone(), key.clone(), [*before, *after]));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::tables::training::HistoryRow;
    use eigenscope_artifact::write_records;
    use eigenscope_testing::provenance;

    use super::*;

    #[test]
    fn rows_that_are_too_many_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.parquet");
        let row = |epoch| HistoryRow {
            epoch,
            learning_rate: 0.1,
            train_loss_nats: 1.0,
            train_accuracy_fraction: 0.5,
            test_loss_nats: 1.0,
            test_accuracy_fraction: 0.5,
        };
        write_records(&path, &[1, 2, 3].map(row), None, &provenance()).expect("written");
        for (most, left_out) in [(1, 2), (2, 1), (3, 0), (4, 0)] {
            let rows = Rows::read(&path, &HistoryRow::KIND.into(), most).expect("readable");
            assert_eq!((rows.count, rows.left_out), (most.min(3), left_out));
        }
    }

    #[test]
    fn rows_of_other_seeds_are_one() {
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut row = BTreeMap::from([text("model", "train.b[hidden=30,seed=0]"), text("k", "3")]);
        name_by_labels(&mut row);
        row.remove(SEED);
        let expected = [
            text("hidden", "30"),
            text("k", "3"),
            text("model", "train.b"),
        ];
        assert_eq!(row, BTreeMap::from(expected));
    }

    /// `scipy.stats.t.interval(0.9, 2, loc=0, scale=scipy.stats.sem([1, 2, 4]))`.
    #[test]
    fn intervals_are_those_of_scipy() {
        let half_width = half_width_of_mean(&[1.0, 2.0, 4.0]).expect("three values");
        assert!((half_width - 2.575_185_2).abs() < 1e-6, "{half_width}");
        assert_eq!(half_width_of_mean(&[1.0]), None);
    }

    #[test]
    fn rows_are_matched_by_what_is_no_measurement() {
        let column = |name: &str, is_fraction: bool, values: &[f64]| Column {
            name: name.to_owned(),
            is_fraction,
            values: values.iter().copied().map(Value::Number).collect(),
        };
        let rows = |class: &[f64], correct: &[f64], fraction: &[f64]| Rows {
            columns: vec![
                column("class", false, class),
                column("correct", false, correct),
                column("fraction", true, fraction),
            ],
            count: class.len(),
            left_out: 0,
        };
        let row = |class: &str| BTreeMap::from([("class".to_owned(), class.to_owned())]);
        let before = rows(&[0.0, 1.0], &[5.0, 7.0], &[0.5, 0.7]);
        let after = rows(&[0.0, 1.0], &[6.0, 7.0], &[0.6, 0.7]);
        let found = matched(&before, &after);
        assert_eq!(
            found,
            [
                ("correct".to_owned(), row("0"), [5.0, 6.0]),
                ("fraction".to_owned(), row("0"), [0.5, 0.6]),
                ("correct".to_owned(), row("1"), [7.0, 7.0]),
                ("fraction".to_owned(), row("1"), [0.7, 0.7]),
            ]
        );
        // A row more: whole numbers tell rows apart.
        let after = rows(&[0.0, 1.0, 2.0], &[5.0, 7.0, 1.0], &[0.6, 0.7, 0.1]);
        let found = matched(&before, &after);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].2, [0.5, 0.6]);
    }
}
