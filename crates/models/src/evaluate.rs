//! Loss and accuracy of a model on a set of images.

use burn::tensor::{Device, Tensor, TensorData};

use crate::architecture::Architecture;
use crate::error::ModelError;
use crate::model::{Model, values};

/// Inputs per forward pass, at most.
const MOST_ROWS: usize = 2000;

/// Fewest inputs per forward pass, if those fit: products rearrange the weights of a layer anew for each pass.
const FEWEST_ROWS: usize = 64;

/// Most values that all steps of a pass make, unless [`FEWEST_ROWS`] inputs need more, and most values of its inputs: 64 MiB. Buffers of
/// single steps are then mostly below the 32 MiB from which on glibc asks the system for memory and hands it back each time.
const MOST_VALUES: usize = 1 << 24;

/// Images that a vector of the widest processors holds.
const LANES: usize = 16;

/// How many inputs are evaluated at a time: if possible whole vectors of images.
pub fn evaluation_rows(architecture: &Architecture) -> usize {
    let fitting = |values: usize| MOST_VALUES / values.max(1);
    let rows = fitting(architecture.values()).max(FEWEST_ROWS);
    let rows = rows.min(fitting(architecture.input.len()));
    match rows.clamp(1, MOST_ROWS) {
        few @ ..LANES => few,
        rows => rows / LANES * LANES,
    }
}

/// How well a model does on a set of images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    pub images: usize,
    /// Images whose largest logit is that of their label (the first of equal ones).
    pub correct: usize,
    /// Mean cross-entropy, accumulated in f64.
    pub loss_nats: f64,
}

impl Evaluation {
    /// `correct / images`.
    pub fn accuracy_fraction(&self) -> f64 {
        self.correct as f64 / self.images as f64
    }

    /// Counts and averages over rows of logits, which come batch by batch.
    pub fn of_logits<'a>(batches: impl Iterator<Item = (Vec<f32>, &'a [u16])>) -> Self {
        let mut sums = Sums::default();
        for (logits, labels) in batches {
            sums.add(&logits, labels);
        }
        sums.evaluation()
    }
}

/// Counts and sums over the images seen so far.
#[derive(Default)]
struct Sums {
    images: usize,
    correct: usize,
    loss: f64,
}

impl Sums {
    fn add(&mut self, logits: &[f32], labels: &[u16]) {
        self.images += labels.len();
        self.correct += correct_predictions(logits, labels);
        for (row, &label) in rows(logits, labels) {
            self.loss += cross_entropy(row, usize::from(label));
        }
    }

    fn evaluation(&self) -> Evaluation {
        Evaluation {
            images: self.images,
            correct: self.correct,
            loss_nats: self.loss / self.images as f64,
        }
    }
}

/// Rows of `logits` `[labels.len(), C]` whose largest value, the first of equal ones, is that of their label.
///
/// An [`Evaluation`] without the loss, which takes longer than a small model.
pub fn correct_predictions(logits: &[f32], labels: &[u16]) -> usize {
    rows(logits, labels)
        .filter(|(row, label)| predicted_class(row) == usize::from(**label))
        .count()
}

/// Rows of logits with their labels.
fn rows<'a>(logits: &'a [f32], labels: &'a [u16]) -> impl Iterator<Item = (&'a [f32], &'a u16)> {
    let classes = logits.len().checked_div(labels.len()).unwrap_or(0).max(1);
    logits.chunks_exact(classes).zip(labels)
}

/// The class of largest logit, the first of equal ones.
pub fn predicted_class<T: PartialOrd>(logits: &[T]) -> usize {
    let mut predicted = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[predicted] {
            predicted = class;
        }
    }
    predicted
}

/// `-log softmax(row)[label]` in f64.
fn cross_entropy(row: &[f32], label: usize) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row
        .iter()
        .map(|&value| f64::from(value - largest).exp())
        .sum();
    sum.ln() - f64::from(row[label] - largest)
}

/// Runs `model` over `inputs` (`[labels.len(), width]`, row-major), `rows` at a time, on `device`, which should not record gradients.
///
/// # Errors
/// Returns an error if burn does not hand back the logits.
pub fn evaluate(
    model: &Model,
    inputs: &[f32],
    labels: &[u16],
    rows: usize,
    device: &Device,
) -> Result<Evaluation, ModelError> {
    let width = inputs.len().checked_div(labels.len()).unwrap_or(0).max(1);
    let inputs = inputs.chunks(rows * width).map(<[f32]>::to_vec);
    evaluate_batches(model, inputs.zip(labels.chunks(rows)), device)
}

/// As [`evaluate`], of inputs that are made batch by batch.
///
/// # Errors
/// Returns an error if burn does not hand back the logits.
pub fn evaluate_batches<'a, I: Into<Vec<f32>>>(
    model: &Model,
    batches: impl Iterator<Item = (I, &'a [u16])>,
    device: &Device,
) -> Result<Evaluation, ModelError> {
    let mut sums = Sums::default();
    for (inputs, labels) in batches {
        let inputs = inputs.into();
        let width = inputs.len().checked_div(labels.len()).unwrap_or(0);
        let inputs = TensorData::new(inputs, [labels.len(), width]);
        let logits = values(model.forward(Tensor::from_data(inputs, device)))?;
        sums.add(&logits, labels);
    }
    Ok(sums.evaluation())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_accuracy_by_hand() {
        let batches = [
            (vec![0.0, 0.0], &[1][..]),
            (vec![1000.0, -1000.0], &[0][..]),
        ];
        let evaluation = Evaluation::of_logits(batches.into_iter());
        assert_eq!((evaluation.images, evaluation.correct), (2, 1));
        assert!((evaluation.loss_nats - 0.5 * std::f64::consts::LN_2).abs() < 1e-12);
        assert_eq!(evaluation.accuracy_fraction(), 0.5);
    }
}
