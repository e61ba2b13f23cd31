//! Steps put one on another, each reading what the last one makes.

use eigenscope_artifact::InputShape;

use crate::error::ModelError;
use crate::layer::{BatchNorm, Layer, POOL, Step, Window};

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

    pub(crate) fn linear(&mut self, name: &str, outputs: usize, bias: bool) {
        self.map(name, outputs, None, bias);
    }

    pub(crate) fn convolution(
        &mut self,
        name: &str,
        outputs: usize,
        window: Window,
        bias: bool,
    ) -> Result<(), ModelError> {
        self.room(name, window.kernel)?;
        self.map(name, outputs, Some(window), bias);
        Ok(())
    }

    fn map(&mut self, name: &str, outputs: usize, window: Option<Window>, bias: bool) {
        let layer = Layer {
            name: name.to_owned(),
            input: self.shape,
            outputs,
            window,
            bias,
        };
        self.shape = layer.output();
        self.steps.push(Step::Map(layer));
    }

    pub(crate) fn relu(&mut self) {
        self.steps.push(Step::Relu);
    }

    /// Halves the features.
    pub(crate) fn gate(&mut self) {
        self.shape.channels /= 2;
        self.steps.push(Step::Gate);
    }

    pub(crate) fn batch_norm(&mut self, name: &str) {
        self.steps.push(Step::Normalise(BatchNorm {
            name: name.to_owned(),
            input: self.shape,
        }));
    }

    pub(crate) fn max_pool(&mut self) -> Result<(), ModelError> {
        self.room("max pooling", POOL.kernel)?;
        self.steps.push(Step::MaxPool(self.shape));
        self.shape = POOL.output(self.shape);
        Ok(())
    }

    /// Refuses an image smaller than a window of side `kernel`.
    fn room(&self, layer: &str, kernel: usize) -> Result<(), ModelError> {
        let InputShape { height, width, .. } = self.shape;
        if height >= kernel && width >= kernel {
            return Ok(());
        }
        Err(ModelError::TooSmall {
            layer: layer.to_owned(),
            kernel,
            height,
            width,
        })
    }
}
