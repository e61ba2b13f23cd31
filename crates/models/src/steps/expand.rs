//! Steps of an architecture from steps of a list.

use eigenscope_artifact::InputShape;

use super::error::{Faults, StepError, StepErrors};
use super::kinds::{ListedStep, Operation, Outputs, Residual};
use crate::architecture::Architecture;
use crate::batch_norm::BatchNorm;
use crate::error::ModelError;
use crate::label::NetworkLabel;
use crate::layer::Layer;
use crate::shapes::Shapes;
use crate::step::{Dropout, MAX_POOL, Pool, PoolKind, Step};

/// See [`StepList::architecture`](super::StepList::architecture).
pub(super) fn architecture(
    list: &[ListedStep],
    name: &str,
    input: InputShape,
    classes: Vec<String>,
) -> Result<Architecture, StepErrors> {
    let mut expansion = Expansion {
        classes: classes.len(),
        shapes: Shapes::new(input),
        steps: Vec::new(),
        faults: Faults::default(),
        is_open: false,
    };
    expansion.list(list);
    if !expansion.is_open
        && let Err(error) = expansion.shapes.end(classes.len())
    {
        expansion.no_logits(list, &error);
    }
    let steps = expansion.faults.finish(expansion.steps)?;
    let label = NetworkLabel::new(name, Vec::new());
    Architecture::new(input, classes, label, steps)
        .map_err(|error| StepError::new(error.to_string()).into())
}

struct Expansion {
    classes: usize,
    shapes: Shapes,
    steps: Vec<Step>,
    faults: Faults,
    /// Whether an error leaves open what its step makes, so that nothing can be said about later ones.
    is_open: bool,
}

impl Expansion {
    fn list(&mut self, list: &[ListedStep]) {
        for (index, step) in list.iter().enumerate() {
            if self.is_open {
                return;
            }
            self.faults.enter_item(index);
            match &step.operation {
                Operation::Flatten if reaches_linear(&list[index + 1..]) => {}
                Operation::Residual(block) => self.residual(block),
                operation => self.operation(&step.name, operation),
            }
            self.faults.leave();
        }
    }

    fn residual(&mut self, block: &Residual) {
        self.push(Step::Fork);
        block.enter_branch(&mut self.faults);
        self.list(&block.steps);
        block.leave_branch(&mut self.faults);
        if let Some(shortcut) = &block.shortcut
            && !self.is_open
        {
            self.push(Step::Shortcut);
            Residual::enter_shortcut(&mut self.faults);
            self.list(shortcut);
            Residual::leave_shortcut(&mut self.faults);
        }
        if !self.is_open {
            self.push(Step::Add);
        }
    }

    fn operation(&mut self, name: &str, operation: &Operation) {
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
                self.push(layer(rows, None, 1, bias));
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
            } if window == MAX_POOL => Step::MaxPool(input),
            Operation::Pool { kind, window } => Step::Pool(Pool {
                kind,
                input,
                window,
            }),
            Operation::GlobalAveragePool => Step::GlobalAveragePool(input),
            Operation::Flatten => Step::Flatten,
            Operation::Dropout { rate } => Step::Dropout(Dropout { rate }),
            Operation::Residual(_) | Operation::Softmax => return,
        };
        self.push(step);
    }

    fn outputs(&self, outputs: Outputs) -> usize {
        match outputs {
            Outputs::Number(number) => number,
            Outputs::Classes => self.classes,
        }
    }

    fn push(&mut self, step: Step) {
        if let Err(error) = self.shapes.take(&step) {
            self.faults.add(StepError::new(error.to_string()));
            match (&error, &step) {
                (ModelError::Groups { .. }, Step::Map(layer)) => self.shapes.assume(layer.output()),
                (ModelError::ResidualShape { branch, .. }, _) => self.shapes.assume(*branch),
                _ => self.is_open = true,
            }
        }
        self.steps.push(step);
    }

    /// Adds the error of a list that does not end in one value for each class.
    fn no_logits(&mut self, list: &[ListedStep], error: &ModelError) {
        let help = "end the list with { linear = \"classes\" }";
        let InputShape {
            channels,
            height,
            width,
        } = self.shapes.current();
        let Some(last) = list.len().checked_sub(1) else {
            let error = StepError::new("the list has no steps").with_help(help);
            return self.faults.add(error);
        };
        if !matches!(error, ModelError::StepShape { .. }) {
            return self.faults.add(StepError::new(error.to_string()));
        }
        self.faults.enter_item(last);
        self.faults.add(
            StepError::new(format!(
                "the last step makes {channels} x {height} x {width} values (channels x height x width), and the data have {} classes",
                self.classes
            ))
            .with_help(help),
        );
        self.faults.leave();
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
