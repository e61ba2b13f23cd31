//! The parameter `schedule`.

use eigenscope_stage::{Fault, Parameter, ParameterType, Variant};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::schedule::{Schedule, Shape, StepEpochs};

/// A schedule as it stands in a task file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum ChosenSchedule {
    Constant {
        warm_up: u32,
    },
    Cosine {
        warm_up: u32,
    },
    Step {
        epochs: StepEpochs,
        factor: f64,
        warm_up: u32,
    },
}

/// The type of the parameter.
pub(super) fn schedule() -> ParameterType {
    let epoch = || ParameterType::Integer {
        minimum: 1,
        maximum: 1_000_000,
    };
    let warm_up = || {
        let kind = ParameterType::Integer {
            minimum: 0,
            maximum: 1_000_000,
        };
        let summary = "epochs over which the learning rate rises in equal steps at first";
        Parameter::optional("warm_up", kind, 0, summary)
    };
    let epochs = ParameterType::Either(vec![epoch(), ParameterType::list(epoch())]);
    let epochs = Parameter::required(
        "epochs",
        epochs,
        "the learning rate changes every so many epochs, or after each of a list of numbers of epochs",
    );
    let factor = Parameter::optional(
        "factor",
        ParameterType::between(0.0, 1e6),
        0.1,
        "what the learning rate is multiplied by",
    );
    ParameterType::OneOf(vec![
        Variant::new("constant", vec![warm_up()]),
        Variant::new("cosine", vec![warm_up()]),
        Variant::new("step", vec![epochs, factor, warm_up()]),
    ])
}

/// The same learning rate in every epoch.
pub(super) fn default() -> Value {
    json!({ "constant": { "warm_up": 0 } })
}

impl ChosenSchedule {
    /// Warm-up and name of the schedule.
    fn parts(&self) -> (u32, &'static str) {
        match *self {
            ChosenSchedule::Constant { warm_up } => (warm_up, "constant"),
            ChosenSchedule::Cosine { warm_up } => (warm_up, "cosine"),
            ChosenSchedule::Step { warm_up, .. } => (warm_up, "step"),
        }
    }

    /// What never comes within so many epochs: the end of the warm-up, and changes of the learning rate.
    pub(super) fn faults(&self, epochs: u32) -> Vec<Fault> {
        let (warm_up, name) = self.parts();
        let mut late = Vec::new();
        if warm_up >= epochs {
            let message = format!("a warm-up of {warm_up} epochs never ends: there are {epochs}");
            late.push((format!("{name}/warm_up"), message));
        }
        if let ChosenSchedule::Step { epochs: steps, .. } = self {
            let changes: Vec<(String, u32)> = match steps {
                StepEpochs::Every(every) => vec![(String::new(), *every)],
                StepEpochs::After(after) => {
                    let after = after.iter().enumerate();
                    after
                        .map(|(index, &after)| (format!("/{index}"), after))
                        .collect()
                }
            };
            for (place, after) in changes {
                if after >= epochs {
                    let message = format!(
                        "the learning rate never changes after {after} epochs: there are {epochs}"
                    );
                    late.push((format!("step/epochs{place}"), message));
                }
            }
        }
        let faults = late.into_iter().map(|(place, message)| {
            let fault = Fault::at(format!("/schedule/{place}"), message);
            fault.help(format!("give fewer than {epochs}"))
        });
        faults.collect()
    }
}

impl From<ChosenSchedule> for Schedule {
    fn from(chosen: ChosenSchedule) -> Self {
        let (warm_up, _) = chosen.parts();
        let shape = match chosen {
            ChosenSchedule::Constant { .. } => Shape::Constant,
            ChosenSchedule::Cosine { .. } => Shape::Cosine,
            ChosenSchedule::Step { epochs, factor, .. } => Shape::Step { epochs, factor },
        };
        Schedule { shape, warm_up }
    }
}
