//! Steps put one on another, each reading what the last one makes.

use eigenscope_artifact::InputShape;

use crate::error::ModelError;
use crate::layer::{BatchNorm, Layer, Step, Window};

/// The steps of a network so far.
pub(crate) struct Stack {
    shape: InputShape,
    steps: Vec<Step>,
}

impl Stack {
    /// No steps on inputs of `shape`.
    pub(crate) fn new(shape: InputShape) -> Self {
        Self {
            shape,
            steps: Vec::new(),
        }
    }

    /// The steps.
    pub(crate) fn steps(self) -> Vec<Step> {
        self.steps
    }

    pub(crate) fn linear(
        &mut self,
        name: &str,
        outputs: usize,
        bias: bool,
    ) -> Result<(), ModelError> {
        self.map(name, outputs, None, bias)
    }

    pub(crate) fn convolution(
        &mut self,
        name: &str,
        outputs: usize,
        window: Window,
        bias: bool,
    ) -> Result<(), ModelError> {
        self.map(name, outputs, Some(window), bias)
    }

    fn map(
        &mut self,
        name: &str,
        outputs: usize,
        window: Option<Window>,
        bias: bool,
    ) -> Result<(), ModelError> {
        self.push(Step::Map(Layer {
            name: name.to_owned(),
            input: self.shape,
            outputs,
            window,
            bias,
        }))
    }

    pub(crate) fn relu(&mut self) -> Result<(), ModelError> {
        self.push(Step::Relu)
    }

    /// Halves the features.
    pub(crate) fn gate(&mut self) -> Result<(), ModelError> {
        self.push(Step::Gate)
    }

    pub(crate) fn batch_norm(&mut self, name: &str) -> Result<(), ModelError> {
        self.push(Step::Normalise(BatchNorm {
            name: name.to_owned(),
            input: self.shape,
        }))
    }

    pub(crate) fn max_pool(&mut self) -> Result<(), ModelError> {
        self.push(Step::MaxPool(self.shape))
    }

    fn push(&mut self, step: Step) -> Result<(), ModelError> {
        self.shape = step.output(self.shape)?;
        self.steps.push(step);
        Ok(())
    }
}
