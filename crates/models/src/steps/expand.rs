//! Steps of an architecture from steps of a list.

use eigenscope_artifact::InputShape;

use super::error::StepError;
use super::kinds::{ListedStep, Operation, Outputs, Residual};
use crate::architecture::Architecture;
use crate::batch_norm::BatchNorm;
use crate::error::ModelError;
use crate::label::NetworkLabel;
use crate::layer::Layer;
use crate::shapes::Shapes;
use crate::step::{Dropout, POOL, Pool, PoolKind, Step};

/// See [`StepList::architecture`](super::StepList::architecture).
pub(super) fn architecture(
    list: &[ListedStep],
    name: &str,
    input: InputShape,
    classes: Vec<String>,
) -> Result<Architecture, StepError> {
    let mut expansion = Expansion {
        classes: classes.len(),
        shapes: Shapes::new(input),
        steps: Vec::new(),
    };
    expansion.list(list)?;
    if let Err(error) = expansion.shapes.end(classes.len()) {
        return Err(expansion.no_logits(list, error));
    }
    let label = NetworkLabel::new(name, Vec::new());
    Architecture::new(input, classes, label, expansion.steps)
        .map_err(|error| StepError::new(error.to_string()))
}

struct Expansion {
    classes: usize,
    shapes: Shapes,
    steps: Vec<Step>,
}

impl Expansion {
    fn list(&mut self, list: &[ListedStep]) -> Result<(), StepError> {
        for (index, step) in list.iter().enumerate() {
            let added = match &step.operation {
                Operation::Flatten if reaches_linear(&list[index + 1..]) => Ok(()),
                Operation::Residual(block) => self.residual(block),
                operation => self.operation(&step.name, operation),
            };
            added.map_err(|error| error.at(index))?;
        }
        Ok(())
    }

    fn residual(&mut self, block: &Residual) -> Result<(), StepError> {
        self.push(Step::Fork)?;
        self.list(&block.steps)
            .map_err(|error| block.in_branch(error))?;
        if let Some(shortcut) = &block.shortcut {
            self.push(Step::Shortcut)?;
            self.list(shortcut)
                .map_err(|error| block.in_shortcut(error))?;
        }
        self.push(Step::Add)
    }

    fn operation(&mut self, name: &str, operation: &Operation) -> Result<(), StepError> {
        let input = self.shapes.current();
        let layer = |outputs, window, groups, bias| {
            Step::Map(Layer {
                name: name.to_owned(),
                input,
                outputs,
                window,
                groups,
                bias,
            })
        };
        let step = match *operation {
            Operation::Linear { outputs, bias } => layer(self.outputs(outputs), None, 1, bias),
            Operation::Bilinear { outputs, bias } => {
                let rows = self.outputs(outputs).saturating_mul(2);
                self.push(layer(rows, None, 1, bias))?;
                Step::Gate
            }
            Operation::Convolution {
                channels,
                window,
                groups,
                bias,
            } => layer(channels, Some(window), groups, bias),
            Operation::BatchNorm { epsilon, momentum } => {
                let mut norm = BatchNorm::new(name, input);
                norm.epsilon = epsilon.unwrap_or(norm.epsilon);
                norm.momentum = momentum.unwrap_or(norm.momentum);
                Step::Normalise(norm)
            }
            Operation::Relu => Step::Relu,
            Operation::Activation(activation) => Step::Activation(activation),
            Operation::Pool {
                kind: PoolKind::Max,
                window,
            } if window == POOL => Step::MaxPool(input),
            Operation::Pool { kind, window } => Step::Pool(Pool {
                kind,
                input,
                window,
            }),
            Operation::GlobalAveragePool => Step::GlobalAveragePool(input),
            Operation::Flatten => Step::Flatten,
            Operation::Dropout { rate } => Step::Dropout(Dropout { rate }),
            Operation::Residual(_) | Operation::Softmax => return Ok(()),
        };
        self.push(step)
    }

    fn outputs(&self, outputs: Outputs) -> usize {
        match outputs {
            Outputs::Number(number) => number,
            Outputs::Classes => self.classes,
        }
    }

    fn push(&mut self, step: Step) -> Result<(), StepError> {
        let taken = self.shapes.take(&step);
        taken.map_err(|error| StepError::new(error.to_string()))?;
        self.steps.push(step);
        Ok(())
    }

    /// The error of a list that does not end in one value for each class.
    fn no_logits(&self, list: &[ListedStep], error: ModelError) -> StepError {
        let help = "end the list with { linear = \"classes\" }";
        let InputShape {
            channels,
            height,
            width,
        } = self.shapes.current();
        match list.len().checked_sub(1) {
            None => StepError::new("the list has no steps").with_help(help),
            Some(last) if matches!(error, ModelError::StepShape { .. }) => StepError::new(format!(
                "the last step makes {channels} x {height} x {width} values (channels x height x width), and the data have {} classes",
                self.classes
            ))
            .with_help(help)
            .at(last),
            Some(_) => StepError::new(error.to_string()),
        }
    }
}

/// Whether the first of `steps` that reads more than single values is a map of the whole input, to which it is the same whether
/// an image is flattened, so that the layer keeps the shape of what it reads.
fn reaches_linear(steps: &[ListedStep]) -> bool {
    let single = |step: &&ListedStep| {
        matches!(
            step.operation,
            Operation::Relu
                | Operation::Activation(_)
                | Operation::Dropout { .. }
                | Operation::Flatten
        )
    };
    let next = steps.iter().find(|step| !single(step));
    matches!(
        next.map(|step| &step.operation),
        Some(Operation::Linear { .. } | Operation::Bilinear { .. })
    )
}
