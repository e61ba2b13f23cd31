//! Lists of steps from values.

use serde_json::{Map, Value};

use super::error::{Faults, StepError};
use super::fields::{Fields, did_you_mean, number, outputs, whole, wrong};
use super::kinds::{KINDS, ListedStep, Operation, Residual, StepKind};
use crate::activation::Activation;
use crate::shapes::{MAX_NESTING, MAX_STEPS};
use crate::step::PoolKind;
use crate::window::Window;

/// Reads a whole list. Steps that cannot be read are faults, and harmless ones stand in their place.
pub(super) fn list(value: &Value, faults: &mut Faults) -> Vec<ListedStep> {
    let mut parser = Parser {
        faults,
        steps: 0,
        depth: 0,
    };
    parser.list(value)
}

/// Removes a softmax at the end; elsewhere it is a fault.
pub(super) fn drop_end(steps: &mut Vec<ListedStep>, faults: &mut Faults) {
    if matches!(steps.last(), Some(step) if step.operation == Operation::Softmax) {
        steps.pop();
    }
    refuse_softmax(steps, faults);
}

fn refuse_softmax(steps: &[ListedStep], faults: &mut Faults) {
    for (index, step) in steps.iter().enumerate() {
        faults.enter_item(index);
        match &step.operation {
            Operation::Softmax => faults.add(StepError::new(
                "softmax can only be the last step, where it is left out: the loss has its own, and predictions do not change",
            )),
            Operation::Residual(block) => {
                block.enter_branch(faults);
                refuse_softmax(&block.steps, faults);
                block.leave_branch(faults);
                if let Some(shortcut) = &block.shortcut {
                    Residual::enter_shortcut(faults);
                    refuse_softmax(shortcut, faults);
                    Residual::leave_shortcut(faults);
                }
            }
            _ => {}
        }
        faults.leave();
    }
}

impl Residual {
    /// Goes from the step to the list of the branch.
    pub(super) fn enter_branch(&self, faults: &mut Faults) {
        faults.enter_field("residual");
        if !self.bare {
            faults.enter_field("steps");
        }
    }

    /// Goes back from there.
    pub(super) fn leave_branch(&self, faults: &mut Faults) {
        faults.leave();
        if !self.bare {
            faults.leave();
        }
    }

    /// Goes from the step to the list of the shortcut.
    pub(super) fn enter_shortcut(faults: &mut Faults) {
        faults.enter_field("residual");
        faults.enter_field("shortcut");
    }

    /// Goes back from there.
    pub(super) fn leave_shortcut(faults: &mut Faults) {
        faults.leave();
        faults.leave();
    }
}

/// Counts what has limits.
struct Parser<'a> {
    faults: &'a mut Faults,
    steps: usize,
    depth: usize,
}

impl Parser<'_> {
    fn list(&mut self, value: &Value) -> Vec<ListedStep> {
        let Value::Array(items) = value else {
            let error = wrong(value, "`steps`", "a list of steps");
            let help = r#"write [{ conv = { channels = 32, kernel = 3 } }, "relu", ...]"#;
            self.faults.add(error.with_help(help));
            return Vec::new();
        };
        let mut steps = Vec::new();
        for (index, item) in items.iter().enumerate() {
            self.faults.enter_item(index);
            self.steps += 1;
            if self.steps == MAX_STEPS + 1 {
                let message = format!("there are more than {MAX_STEPS} steps");
                self.faults.add(StepError::new(message));
            }
            if self.steps <= MAX_STEPS {
                steps.push(self.step(item));
            }
            self.faults.leave();
        }
        steps
    }

    /// One step: a kind, or a table with a kind and what belongs to it.
    fn step(&mut self, item: &Value) -> ListedStep {
        match item {
            Value::String(name) => match known(name) {
                Ok(kind) => self.kind(kind, None),
                Err(error) => self.refuse(error),
            },
            Value::Object(table) => {
                let mut entries = table.iter();
                let (Some((name, value)), None) = (entries.next(), entries.next()) else {
                    let keys: Vec<&str> = table.keys().map(String::as_str).collect();
                    let message = match keys.as_slice() {
                        [] => "a step is a kind with its fields; this table is empty".to_owned(),
                        keys => format!("a step has one kind; this table has {}", keys.join(", ")),
                    };
                    let help = r#"write { conv = { channels = 32, kernel = 3 } }, with the fields of a step in a table of their own"#;
                    return self.refuse(StepError::new(message).with_help(help));
                };
                match known(name) {
                    Ok(kind) => {
                        self.faults.enter_field(name);
                        let step = self.kind(kind, Some(value));
                        self.faults.leave();
                        step
                    }
                    Err(error) => self.refuse(error.of_key(name)),
                }
            }
            _ => self.refuse(wrong(
                item,
                "a step",
                "a kind, or a table with a kind and its fields",
            )),
        }
    }

    /// Adds a fault; a step that changes nothing stands in its place.
    fn refuse(&mut self, error: StepError) -> ListedStep {
        self.faults.add(error);
        ListedStep {
            name: String::new(),
            operation: Operation::Relu,
        }
    }

    fn kind(&mut self, kind: StepKind, value: Option<&Value>) -> ListedStep {
        let empty = Map::new();
        let fields = match value {
            None => &empty,
            Some(Value::Object(fields)) => fields,
            Some(alone) => {
                return match self.alone(kind, alone) {
                    Ok(operation) => ListedStep {
                        name: String::new(),
                        operation,
                    },
                    Err(error) => self.refuse(error),
                };
            }
        };
        let mut read = Fields::new(kind.name, kind.fields, fields, self.faults);
        let name = read.name();
        let operation = match kind.name {
            "residual" => self.residual(fields),
            _ => operation(&mut read),
        };
        ListedStep { name, operation }
    }

    /// A step with its main field alone.
    fn alone(&mut self, kind: StepKind, value: &Value) -> Result<Operation, StepError> {
        Ok(match kind.name {
            "linear" => Operation::Linear {
                outputs: outputs(value)?,
                bias: true,
            },
            "bilinear" => Operation::Bilinear {
                outputs: outputs(value)?,
                bias: false,
            },
            "leaky-relu" => leaky(number(value, "slope", "a number", |_| true)?),
            "dropout" => Operation::Dropout {
                rate: number(value, "rate", RATES, is_rate)?,
            },
            "max-pool" | "average-pool" => {
                let kernel = whole(value, "kernel", 1)?;
                Operation::Pool {
                    kind: pool_kind(kind.name, true),
                    window: Window::new(kernel, kernel),
                }
            }
            "residual" if value.is_array() => Operation::Residual(Residual {
                steps: self.nested(value),
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
        })
    }

    fn residual(&mut self, fields: &Map<String, Value>) -> Operation {
        let steps = self.list_of(fields, "steps");
        if steps.is_none() {
            let message = "`residual` needs the field `steps`, the list of its own steps";
            self.faults.add(StepError::new(message));
        }
        Operation::Residual(Residual {
            steps: steps.unwrap_or_default(),
            shortcut: self.list_of(fields, "shortcut"),
            bare: false,
        })
    }

    /// A field of a block that is a list of steps.
    fn list_of(
        &mut self,
        fields: &Map<String, Value>,
        name: &'static str,
    ) -> Option<Vec<ListedStep>> {
        let value = fields.get(name)?;
        self.faults.enter_field(name);
        let steps = self.nested(value);
        self.faults.leave();
        Some(steps)
    }

    /// The list of a block inside the current one.
    fn nested(&mut self, value: &Value) -> Vec<ListedStep> {
        if self.depth == MAX_NESTING {
            let message =
                format!("residual blocks lie more than {MAX_NESTING} deep inside one another");
            self.faults.add(StepError::new(message));
            return Vec::new();
        }
        self.depth += 1;
        let steps = self.list(value);
        self.depth -= 1;
        steps
    }
}

/// What a step without steps of its own does.
fn operation(fields: &mut Fields<'_, '_>) -> Operation {
    match fields.kind {
        "linear" => Operation::Linear {
            outputs: fields.outputs(),
            bias: fields.flag_or("bias", true),
        },
        "bilinear" => Operation::Bilinear {
            outputs: fields.outputs(),
            bias: fields.flag_or("bias", false),
        },
        "conv" => convolution(fields),
        "batch-norm" => Operation::BatchNorm {
            epsilon: fields.number("epsilon", "a number above 0", |value| value > 0.0),
            momentum: fields.number("momentum", "a number from 0 to 1", |value| {
                (0.0..=1.0).contains(&value)
            }),
        },
        "relu" => Operation::Relu,
        "gelu" => Operation::Activation(match fields.word("approximate", &["none", "tanh"]) {
            Some("tanh") => Activation::GeluTanh,
            _ => Activation::Gelu,
        }),
        "silu" => Operation::Activation(Activation::Silu),
        "tanh" => Operation::Activation(Activation::Tanh),
        "sigmoid" => Operation::Activation(Activation::Sigmoid),
        "leaky-relu" => leaky(fields.number("slope", "a number", |_| true).unwrap_or(0.01)),
        "max-pool" | "average-pool" => pool(fields),
        "global-average-pool" => Operation::GlobalAveragePool,
        "flatten" => Operation::Flatten,
        "dropout" => Operation::Dropout {
            rate: fields.number("rate", RATES, is_rate).unwrap_or(0.5),
        },
        _ => Operation::Softmax,
    }
}

/// Rates of dropout in words.
const RATES: &str = "at least 0 and less than 1";

fn is_rate(rate: f64) -> bool {
    (0.0..1.0).contains(&rate)
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

fn convolution(fields: &mut Fields<'_, '_>) -> Operation {
    Operation::Convolution {
        channels: fields.count("channels"),
        window: Window {
            kernel: fields.count("kernel"),
            stride: fields.count_or("stride", 1, 1),
            padding: fields.count_or("padding", 0, 0),
            dilation: fields.count_or("dilation", 1, 1),
        },
        groups: fields.count_or("groups", 1, 1),
        bias: fields.flag_or("bias", true),
    }
}

fn pool(fields: &mut Fields<'_, '_>) -> Operation {
    let kernel = fields.count("kernel");
    let stride = fields.count_or("stride", 1, kernel);
    let mut padding = fields.count_or("padding", 0, 0);
    if padding > kernel / 2 {
        let message = format!("`padding` is at most half the kernel of {kernel}, not {padding}");
        fields.refuse("padding", StepError::new(message));
        padding = 0;
    }
    let counts_padding = fields.flag_or("count_include_pad", true);
    Operation::Pool {
        kind: pool_kind(fields.kind, counts_padding || padding == 0),
        window: Window {
            padding,
            ..Window::new(kernel, stride)
        },
    }
}

fn pool_kind(name: &str, counts_padding: bool) -> PoolKind {
    match (name, counts_padding) {
        ("max-pool", _) => PoolKind::Max,
        (_, true) => PoolKind::Average,
        (_, false) => PoolKind::AverageWithoutPadding,
    }
}

fn leaky(slope: f64) -> Operation {
    Operation::Activation(Activation::LeakyRelu(slope))
}
