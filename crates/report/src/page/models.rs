//! The table of all models: what they were trained with and where they ended.

use std::collections::BTreeSet;

use eigenscope_artifact::tables::training::{AccuracyRow, HistoryRow};
use eigenscope_artifact::{TENSORS, read_records};
use eigenscope_report_file::{ReportFile, ReportTask};

use super::error::PageError;
use super::words;

/// All models that are up to date.
pub(super) struct Models<'a> {
    /// Labels that tell them apart, each a column.
    pub(super) labels: Vec<&'a str>,
    pub(super) rows: Vec<Model<'a>>,
}

/// A model with its final numbers as texts, a dash for each that there is not.
pub(super) struct Model<'a> {
    /// Position of its task.
    pub(super) task: usize,
    /// Id of its task.
    pub(super) id: &'a str,
    pub(super) labels: Vec<String>,
    pub(super) epochs: String,
    pub(super) train: Score,
    pub(super) test: Score,
}

/// How well a model does on the images of a split.
pub(super) struct Score {
    pub(super) loss: String,
    pub(super) accuracy: String,
}

impl Score {
    fn of(loss_nats: f64, accuracy_fraction: f64) -> Self {
        Self {
            loss: words::digits(loss_nats),
            accuracy: format!("{:.2}%", 100.0 * accuracy_fraction),
        }
    }

    fn none() -> Self {
        Self {
            loss: "–".to_owned(),
            accuracy: "–".to_owned(),
        }
    }
}

impl<'a> Models<'a> {
    pub(super) fn read(file: &'a ReportFile) -> Result<Self, PageError> {
        let tasks = file.tasks.iter().enumerate();
        let models: Vec<(usize, &ReportTask)> = tasks
            .filter(|(_, task)| words::output(&task.state, TENSORS.name()).is_some())
            .collect();
        let labels: BTreeSet<&str> = models
            .iter()
            .flat_map(|(_, task)| task.labels.keys().map(String::as_str))
            .collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        let rows = models.into_iter().map(|(index, task)| {
            let (epochs, train, test) = scores(file, index, task)?;
            let value = |label: &&str| task.labels.get(*label);
            Ok(Model {
                task: index,
                id: &task.id,
                labels: labels
                    .iter()
                    .map(|label| value(label).map_or_else(|| "–".to_owned(), words::value))
                    .collect(),
                epochs,
                train,
                test,
            })
        });
        Ok(Self {
            rows: rows.collect::<Result<_, PageError>>()?,
            labels,
        })
    }
}

/// Epochs and scores: where training ended, or what a task measured of a model that was not trained here.
fn scores(
    file: &ReportFile,
    index: usize,
    task: &ReportTask,
) -> Result<(String, Score, Score), PageError> {
    if let Some(history) = words::output(&task.state, HistoryRow::KIND.name()) {
        let last = read_records::<HistoryRow>(&history.path)?.pop();
        if let Some(last) = last {
            return Ok((
                last.epoch.to_string(),
                Score::of(last.train_loss_nats, last.train_accuracy_fraction),
                Score::of(last.test_loss_nats, last.test_accuracy_fraction),
            ));
        }
    }
    let (mut train, mut test) = (None, None);
    let reads = |task: &&ReportTask| {
        let mut inputs = task.inputs.iter();
        inputs.any(|input| input.task == index && input.kind == TENSORS.name())
    };
    for task in file.tasks[index..].iter().filter(reads) {
        let Some(measured) = words::output(&task.state, AccuracyRow::KIND.name()) else {
            continue;
        };
        let split = match task.parameters["split"].as_str() {
            Some("train") => &mut train,
            _ => &mut test,
        };
        // Of a model that was measured on the images of several data sets, the first.
        if let (None, Some(row)) = (&split, read_records::<AccuracyRow>(&measured.path)?.pop()) {
            *split = Some(Score::of(row.loss_nats, row.accuracy_fraction));
        }
    }
    let or_none = |score: Option<Score>| score.unwrap_or_else(Score::none);
    Ok(("–".to_owned(), or_none(train), or_none(test)))
}
