//! A model that runs on plain rows of numbers, for analyses of what its layers see.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};

use crate::error::ModelError;
use crate::evaluate::{Evaluation, evaluate, evaluation_rows};
use crate::loaded_step::{Flow, Rows};
use crate::model::{Model, values};
use crate::stored_model::StoredModel;

/// A model on the CPU, without gradients.
#[derive(Debug, Clone)]
pub struct Runner {
    model: Model,
    /// Images that are evaluated at a time.
    evaluated: usize,
    device: Device,
}

/// What a model has computed of some images up to a step: the rows that the next step reads, and those that residual blocks
/// around that step have put aside. All are row-major, one row an image.
///
/// An analysis may change `rows` and go on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The flattened values that the next step reads.
    pub rows: Vec<f32>,
    aside: Vec<Vec<f32>>,
}

impl From<Vec<f32>> for State {
    /// The state outside of all residual blocks.
    fn from(rows: Vec<f32>) -> Self {
        let aside = Vec::new();
        Self { rows, aside }
    }
}

impl State {
    /// Appends the state of other images after the same step.
    ///
    /// # Panics
    /// Panics if the other state is one within other blocks, unless this one is empty.
    pub fn append(&mut self, other: State) {
        if self.rows.is_empty() {
            *self = other;
            return;
        }
        assert_eq!(
            self.aside.len(),
            other.aside.len(),
            "states after the same step"
        );
        self.rows.extend(other.rows);
        for (all, more) in self.aside.iter_mut().zip(other.aside) {
            all.extend(more);
        }
    }

    /// The state with other rows.
    #[must_use]
    pub fn with_rows(&self, rows: Vec<f32>) -> Self {
        let aside = self.aside.clone();
        Self { rows, aside }
    }
}

impl Runner {
    /// Loads the weights.
    ///
    /// # Errors
    /// Returns no error for a checked model; the type is that of tensor look-ups.
    pub fn new(model: &StoredModel) -> Result<Self, ModelError> {
        let device = Device::flex();
        Ok(Self {
            model: model.load(&device)?,
            evaluated: evaluation_rows(&model.architecture),
            device,
        })
    }

    /// The given steps (positions in [`Architecture::steps`](crate::Architecture::steps)) of `images` images, of which the
    /// steps before them made `state`. What layer i of [`Architecture::layers`](crate::Architecture::layers) sees are the
    /// rows after the steps before its own.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the values.
    ///
    /// # Panics
    /// Panics if a step is out of bounds, if the rows are not of its width, or if the state is one within other residual blocks
    /// than the first step.
    pub fn run(
        &self,
        steps: Range<usize>,
        state: State,
        images: usize,
    ) -> Result<State, ModelError> {
        if steps.is_empty() || images == 0 {
            return Ok(state);
        }
        let load = |rows: Vec<f32>| {
            let width = rows.len() / images;
            let rows = TensorData::new(rows, [images, width]);
            Rows::new(Tensor::from_data(rows, &self.device), false)
        };
        let flow = Flow {
            current: load(state.rows),
            aside: state.aside.into_iter().map(load).collect(),
        };
        let Flow { current, aside } = self.model.run(steps, flow);
        let values = |rows: Rows| values(rows.rows());
        Ok(State {
            rows: values(current)?,
            aside: aside.into_iter().map(values).collect::<Result<_, _>>()?,
        })
    }

    /// Loss and accuracy on `inputs` `[labels.len(), width]`.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the logits.
    pub fn evaluate(&self, inputs: &[f32], labels: &[u16]) -> Result<Evaluation, ModelError> {
        evaluate(&self.model, inputs, labels, self.evaluated, &self.device)
    }
}
