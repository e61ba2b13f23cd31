//! The shapes of values on their way through the steps, and what residual blocks put aside.

use eigenscope_artifact::{InputShape, MAX_TENSOR_VALUES, MAX_VALUES};

use crate::error::ModelError;
use crate::step::Step;

/// Most residual blocks inside one another.
pub(crate) const MAX_NESTING: usize = 8;

/// Most steps of a network.
pub(crate) const MAX_STEPS: usize = 10_000;

/// Shapes after some steps.
#[derive(Debug, Clone)]
pub(crate) struct Shapes {
    steps: usize,
    current: InputShape,
    aside: Vec<Aside>,
}

/// A residual block that has begun and not ended.
#[derive(Debug, Clone, Copy)]
struct Aside {
    /// Shape of the value put aside.
    shape: InputShape,
    /// Whether its shortcut has begun.
    exchanged: bool,
}

impl Shapes {
    pub(crate) fn new(input: InputShape) -> Self {
        Self {
            steps: 0,
            current: input,
            aside: Vec::new(),
        }
    }

    /// Shape of what the last step made.
    pub(crate) fn current(&self) -> InputShape {
        self.current
    }

    /// Goes on as if the last step had made values of this shape.
    pub(crate) fn assume(&mut self, shape: InputShape) {
        self.current = shape;
    }

    /// Takes one step.
    ///
    /// # Errors
    /// Returns an error if the step does not fit what the one before it made, if a bracket of a residual block has no partner,
    /// or if a limit is exceeded: number of steps, blocks inside one another, values of a tensor or between two steps.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), ModelError> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(too_large(
                "the network has more steps".to_owned(),
                MAX_STEPS,
            ));
        }
        let output = step.output(self.current)?;
        check_sizes(step, output)?;
        match step {
            Step::Fork => self.fork()?,
            Step::Shortcut => return self.exchange(),
            Step::Add => self.add()?,
            _ => {}
        }
        self.current = output;
        Ok(())
    }

    fn fork(&mut self) -> Result<(), ModelError> {
        if self.aside.len() == MAX_NESTING {
            let what = "more residual blocks lie inside one another".to_owned();
            return Err(too_large(what, MAX_NESTING));
        }
        self.aside.push(Aside {
            shape: self.current,
            exchanged: false,
        });
        Ok(())
    }

    fn exchange(&mut self) -> Result<(), ModelError> {
        match self.aside.last_mut() {
            Some(block) if !block.exchanged => {
                block.exchanged = true;
                std::mem::swap(&mut block.shape, &mut self.current);
                Ok(())
            }
            _ => Err(unpaired(
                "a shortcut stands outside of a residual block, or is its second",
            )),
        }
    }

    fn add(&mut self) -> Result<(), ModelError> {
        let Some(Aside { shape, exchanged }) = self.aside.pop() else {
            return Err(unpaired(
                "a residual sum stands outside of a residual block",
            ));
        };
        if shape == self.current {
            return Ok(());
        }
        let (branch, shortcut) = match exchanged {
            true => (shape, self.current),
            false => (self.current, shape),
        };
        Err(ModelError::ResidualShape { branch, shortcut })
    }

    /// Checks that all blocks have ended and that there is one value for each class.
    ///
    /// # Errors
    /// Returns an error if that is not so.
    pub(crate) fn end(&self, classes: usize) -> Result<(), ModelError> {
        if !self.aside.is_empty() {
            return Err(unpaired("a residual block has no end"));
        }
        let logits = InputShape::from([classes, 1, 1]);
        if self.current == logits {
            return Ok(());
        }
        Err(ModelError::StepShape {
            step: "the list of classes".to_owned(),
            expected: logits,
            found: self.current,
        })
    }
}

fn check_sizes(step: &Step, output: InputShape) -> Result<(), ModelError> {
    let padded = match step {
        Step::Map(layer) => layer.window.map(|window| (layer.input, window.padding)),
        Step::Pool(pool) => Some((pool.input, pool.window.padding)),
        _ => None,
    };
    let padded = padded.map_or(0, |(image, padding)| {
        let side = |side: usize| side.saturating_add(2 * padding);
        let (height, width) = (side(image.height), side(image.width));
        image.channels.saturating_mul(height).saturating_mul(width)
    });
    if output.len().max(padded) > MAX_VALUES {
        let what = format!(
            "{} reads or makes more values of one image",
            step.describe()
        );
        return Err(too_large(what, MAX_VALUES));
    }
    for tensor in step.parameters() {
        let sides = tensor.shape.iter();
        let values = sides.fold(1_usize, |values, side| values.saturating_mul(*side));
        if values > MAX_TENSOR_VALUES {
            let what = format!("the tensor {} has more values", tensor.name);
            return Err(too_large(what, MAX_TENSOR_VALUES));
        }
    }
    Ok(())
}

fn too_large(what: String, limit: usize) -> ModelError {
    ModelError::TooLarge { what, limit }
}

fn unpaired(problem: &str) -> ModelError {
    ModelError::Setting(problem.to_owned())
}
