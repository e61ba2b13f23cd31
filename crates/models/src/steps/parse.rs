//! Lists of steps from values.

use serde_json::{Map, Value};

use super::error::StepError;
use super::fields::{Fields, did_you_mean, number, outputs, whole, wrong};
use super::kinds::{KINDS, ListedStep, Operation, Residual, StepKind};
use crate::activation::Activation;
use crate::shapes::{MAX_NESTING, MAX_STEPS};
use crate::step::PoolKind;
use crate::window::Window;

/// Reads a whole list.
pub(super) fn list(value: &Value) -> Result<Vec<ListedStep>, StepError> {
    let mut parser = Parser { steps: 0, depth: 0 };
    parser.list(value)
}

/// Removes a softmax at the end; elsewhere it is refused.
pub(super) fn drop_end(steps: &mut Vec<ListedStep>) -> Result<(), StepError> {
    if matches!(steps.last(), Some(step) if step.operation == Operation::Softmax) {
        steps.pop();
    }
    refuse_softmax(steps)
}

fn refuse_softmax(steps: &[ListedStep]) -> Result<(), StepError> {
    for (index, step) in steps.iter().enumerate() {
        let within = match &step.operation {
            Operation::Softmax => Err(StepError::new(
                "softmax can only be the last step, where it is left out: the loss has its own, and predictions do not change",
            )),
            Operation::Residual(block) => block.each_list(refuse_softmax),
            _ => Ok(()),
        };
        within.map_err(|error| error.at(index))?;
    }
    Ok(())
}

impl Residual {
    /// Calls `visit` with the steps of the branch and of the shortcut; errors get their place.
    pub(super) fn each_list(
        &self,
        mut visit: impl FnMut(&[ListedStep]) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        visit(&self.steps).map_err(|error| self.in_branch(error))?;
        if let Some(shortcut) = &self.shortcut {
            visit(shortcut).map_err(|error| self.in_shortcut(error))?;
        }
        Ok(())
    }

    /// The error of the branch as one of the step.
    pub(super) fn in_branch(&self, error: StepError) -> StepError {
        match self.bare {
            true => error.in_field("residual"),
            false => error.in_field("steps").in_field("residual"),
        }
    }

    /// The error of the shortcut as one of the step.
    pub(super) fn in_shortcut(&self, error: StepError) -> StepError {
        error.in_field("shortcut").in_field("residual")
    }
}

/// Counts what has limits.
struct Parser {
    steps: usize,
    depth: usize,
}

impl Parser {
    fn list(&mut self, value: &Value) -> Result<Vec<ListedStep>, StepError> {
        let Value::Array(items) = value else {
            let error = wrong(value, "`steps`", "a list of steps");
            return Err(
                error.with_help(r#"write [{ conv = { channels = 32, kernel = 3 } }, "relu", ...]"#)
            );
        };
        let mut steps = Vec::new();
        for (index, item) in items.iter().enumerate() {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                let message = format!("there are more than {MAX_STEPS} steps");
                return Err(StepError::new(message).at(index));
            }
            steps.push(self.step(item).map_err(|error| error.at(index))?);
        }
        Ok(steps)
    }

    /// One step: a kind, or a table with a kind and what belongs to it.
    fn step(&mut self, item: &Value) -> Result<ListedStep, StepError> {
        match item {
            Value::String(kind) => self.kind(known(kind)?, None),
            Value::Object(table) => {
                let mut entries = table.iter();
                let (Some((name, value)), None) = (entries.next(), entries.next()) else {
                    let keys: Vec<&str> = table.keys().map(String::as_str).collect();
                    let message = match keys.as_slice() {
                        [] => "a step is a kind with its fields; this table is empty".to_owned(),
                        keys => format!("a step has one kind; this table has {}", keys.join(", ")),
                    };
                    let help = r#"write { conv = { channels = 32, kernel = 3 } }, with the fields of a step in a table of their own"#;
                    return Err(StepError::new(message).with_help(help));
                };
                let kind = known(name).map_err(|error| error.in_field(name))?;
                self.kind(kind, Some(value))
                    .map_err(|error| error.in_field(name))
            }
            _ => Err(wrong(
                item,
                "a step",
                "a kind, or a table with a kind and its fields",
            )),
        }
    }

    fn kind(&mut self, kind: StepKind, value: Option<&Value>) -> Result<ListedStep, StepError> {
        let empty = Map::new();
        let fields = match value {
            None => &empty,
            Some(Value::Object(fields)) => fields,
            Some(alone) => return self.alone(kind, alone),
        };
        let fields = Fields::new(kind.name, kind.fields, fields)?;
        Ok(ListedStep {
            name: fields.name()?,
            operation: self.operation(&fields)?,
        })
    }

    /// A step with its main field alone.
    fn alone(&mut self, kind: StepKind, value: &Value) -> Result<ListedStep, StepError> {
        let operation = match kind.name {
            "linear" => Operation::Linear {
                outputs: outputs(value)?,
                bias: true,
            },
            "bilinear" => Operation::Bilinear {
                outputs: outputs(value)?,
                bias: false,
            },
            "leaky-relu" => leaky(number(value, "slope")?)?,
            "dropout" => dropout(number(value, "rate")?)?,
            "max-pool" | "average-pool" => {
                let kernel = whole(value, "kernel", 1)?;
                Operation::Pool {
                    kind: pool_kind(kind.name),
                    window: Window::new(kernel, kernel),
                }
            }
            "residual" if value.is_array() => Operation::Residual(Residual {
                steps: self.nested(value)?,
                shortcut: None,
                bare: true,
            }),
            name => {
                let expected = match kind.fields {
                    [] => format!("without fields; write \"{name}\""),
                    fields => format!("a table with the fields {}", fields.join(", ")),
                };
                return Err(wrong(value, &format!("`{name}`"), &expected));
            }
        };
        Ok(ListedStep {
            name: String::new(),
            operation,
        })
    }

    fn operation(&mut self, fields: &Fields<'_>) -> Result<Operation, StepError> {
        Ok(match fields.kind {
            "linear" => Operation::Linear {
                outputs: fields.outputs()?,
                bias: fields.flag_or("bias", true)?,
            },
            "bilinear" => Operation::Bilinear {
                outputs: fields.outputs()?,
                bias: fields.flag_or("bias", false)?,
            },
            "conv" => convolution(fields)?,
            "batch-norm" => Operation::BatchNorm {
                epsilon: fields.number("epsilon")?,
                momentum: fields.number("momentum")?,
            },
            "relu" => Operation::Relu,
            "gelu" => {
                Operation::Activation(match fields.word("approximate", &["none", "tanh"])? {
                    Some("tanh") => Activation::GeluTanh,
                    _ => Activation::Gelu,
                })
            }
            "silu" => Operation::Activation(Activation::Silu),
            "tanh" => Operation::Activation(Activation::Tanh),
            "sigmoid" => Operation::Activation(Activation::Sigmoid),
            "leaky-relu" => leaky(fields.number("slope")?.unwrap_or(0.01))?,
            "max-pool" | "average-pool" => pool(fields)?,
            "global-average-pool" => Operation::GlobalAveragePool,
            "flatten" => Operation::Flatten,
            "dropout" => dropout(fields.number("rate")?.unwrap_or(0.5))?,
            "residual" => self.residual(fields)?,
            _ => Operation::Softmax,
        })
    }

    fn residual(&mut self, fields: &Fields<'_>) -> Result<Operation, StepError> {
        let mut list = |name| match fields.get(name) {
            None => Ok(None),
            Some(value) => self
                .nested(value)
                .map(Some)
                .map_err(|error| error.in_field(name)),
        };
        let steps = list("steps")?.ok_or_else(|| {
            StepError::new("`residual` needs the field `steps`, the list of its own steps")
        })?;
        Ok(Operation::Residual(Residual {
            steps,
            shortcut: list("shortcut")?,
            bare: false,
        }))
    }

    /// The list of a block inside the current one.
    fn nested(&mut self, value: &Value) -> Result<Vec<ListedStep>, StepError> {
        if self.depth == MAX_NESTING {
            let message =
                format!("residual blocks lie more than {MAX_NESTING} deep inside one another");
            return Err(StepError::new(message));
        }
        self.depth += 1;
        let steps = self.list(value);
        self.depth -= 1;
        steps
    }
}

fn known(name: &str) -> Result<StepKind, StepError> {
    let found = KINDS.iter().find(|kind| kind.name == name);
    found.copied().ok_or_else(|| {
        let names = KINDS.map(|kind| kind.name);
        let shown: String = name.chars().take(40).collect();
        StepError::new(format!("there is no step `{shown}`")).with_help(did_you_mean(
            name,
            &names,
            "steps are",
        ))
    })
}

fn convolution(fields: &Fields<'_>) -> Result<Operation, StepError> {
    Ok(Operation::Convolution {
        channels: fields.count("channels")?,
        window: Window {
            kernel: fields.count("kernel")?,
            stride: fields.count_or("stride", 1, 1)?,
            padding: fields.count_or("padding", 0, 0)?,
            dilation: fields.count_or("dilation", 1, 1)?,
        },
        groups: fields.count_or("groups", 1, 1)?,
        bias: fields.flag_or("bias", true)?,
    })
}

fn pool(fields: &Fields<'_>) -> Result<Operation, StepError> {
    let kernel = fields.count("kernel")?;
    let padding = fields.count_or("padding", 0, 0)?;
    if padding > kernel / 2 {
        let message = format!("`padding` is at most half the kernel of {kernel}, not {padding}");
        return Err(StepError::new(message).in_field("padding"));
    }
    Ok(Operation::Pool {
        kind: pool_kind(fields.kind),
        window: Window {
            padding,
            ..Window::new(kernel, fields.count_or("stride", 1, kernel)?)
        },
    })
}

fn pool_kind(name: &str) -> PoolKind {
    match name {
        "max-pool" => PoolKind::Max,
        _ => PoolKind::Average,
    }
}

fn leaky(slope: f64) -> Result<Operation, StepError> {
    Ok(Operation::Activation(Activation::LeakyRelu(slope)))
}

fn dropout(rate: f64) -> Result<Operation, StepError> {
    if (0.0..1.0).contains(&rate) {
        return Ok(Operation::Dropout { rate });
    }
    Err(StepError::new(format!(
        "`rate` is at least 0 and less than 1, not {rate}"
    )))
}
