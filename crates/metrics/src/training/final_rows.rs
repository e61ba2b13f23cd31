//! The end of a training.

use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_stage::Input;

use crate::error::MetricError;
use crate::statistics::{hidden, seed};

/// The last epoch of `history`, with the id of the training task, its hidden size (swept or fixed) and its label `seed`,
/// where it has them.
///
/// # Errors
/// Returns an error if the history is empty, a label is not a whole number, or the file cannot be read.
pub fn final_row(input: &Input, history: &[HistoryRow]) -> Result<FinalRow, MetricError> {
    let last = history
        .last()
        .ok_or_else(|| MetricError::TooFew(format!("{}: the history has no epoch", input.task)))?;
    Ok(FinalRow {
        model: input.task.clone(),
        hidden: hidden(input)?,
        seed: seed(input)?,
        epochs: last.epoch,
        train_loss_nats: last.train_loss_nats,
        train_accuracy_fraction: last.train_accuracy_fraction,
        test_loss_nats: last.test_loss_nats,
        test_accuracy_fraction: last.test_accuracy_fraction,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eigenscope_artifact::{Provenance, write_records};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_size_is_known_whether_swept_or_fixed() {
        let folder = tempfile::tempdir().expect("a folder");
        let history = [HistoryRow {
            epoch: 1,
            learning_rate: 0.001,
            train_loss_nats: 0.5,
            train_accuracy_fraction: 0.75,
            test_loss_nats: 0.5,
            test_accuracy_fraction: 0.75,
        }];
        for (parameters, labels, expected) in [
            (json!({"hidden": 512, "epochs": 1}), json!({}), Some(512)),
            (
                json!({"hidden": 512}),
                json!({"hidden": 512, "seed": 3}),
                Some(512),
            ),
            (json!({"widths": [16, 8]}), json!({}), None),
        ] {
            let path = folder.path().join("history.parquet");
            let provenance = Provenance {
                task: "train.model".to_owned(),
                kind: "train/bilinear".to_owned(),
                fingerprint: "test".to_owned(),
                parameters,
                seed: 7,
                inputs: Vec::new(),
                device: None,
            };
            let content = write_records(&path, &history, None, &provenance).expect("written");
            let labels: BTreeMap<_, _> = serde_json::from_value(labels).expect("labels");
            let input = Input {
                task: provenance.task,
                labels,
                path,
                content,
                renamed: BTreeMap::new(),
            };
            let row = final_row(&input, &history).expect("a row");
            assert_eq!(row.hidden, expected);
        }
    }
}
