//! The parameter `optimiser`.

use eigenscope_stage::{Fault, Parameter, ParameterType, Variant};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::adam::AdamConstants;
use crate::optimiser::OptimiserKind;
use crate::sgd::SgdConstants;

/// An optimiser with its learning rate as it stands in a task file.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ChosenOptimiser {
    Sgd {
        learning_rate: f64,
        momentum: f64,
        nesterov: bool,
        weight_decay: f64,
    },
    Adam(Adam),
    AdamW(Adam),
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adam {
    learning_rate: f64,
    betas: [f64; 2],
    epsilon: f64,
    weight_decay: f64,
}

/// The type of the parameter. Defaults are PyTorch's.
pub(super) fn optimiser() -> ParameterType {
    let momentum = Parameter::optional(
        "momentum",
        ParameterType::between(0.0, 1.0),
        0.0,
        "momentum, without dampening",
    );
    let nesterov = Parameter::optional(
        "nesterov",
        ParameterType::Boolean,
        false,
        "whether the step looks ahead along the velocity",
    );
    let penalty = || decay(0.0, "weight decay, added to the gradient");
    let decoupled = decay(0.01, "weight decay, decoupled from the gradient");
    ParameterType::OneOf(vec![
        Variant::new("sgd", vec![rate(0.01), momentum, nesterov, penalty()]),
        Variant::new("adam", adam(penalty())),
        Variant::new("adamw", adam(decoupled)),
    ])
}

/// Adam with all its defaults.
pub(super) fn default() -> Value {
    let fields = adam(decay(0.0, "")).into_iter();
    let fields = fields.filter_map(|field| Some((field.name, field.default?)));
    json!({ "adam": fields.collect::<Map<_, _>>() })
}

fn adam(decay: Parameter) -> Vec<Parameter> {
    let betas = ParameterType::List {
        item: Box::new(ParameterType::between(0.0, 0.999_999)),
        distinct: false,
        filled: false,
        length: Some(2),
    };
    vec![
        rate(0.001),
        Parameter::optional(
            "betas",
            betas,
            json!([0.9, 0.999]),
            "weights of the past in the two moments",
        ),
        Parameter::optional(
            "epsilon",
            ParameterType::positive(1.0),
            1e-8,
            "added to the root of the second moment",
        ),
        decay,
    ]
}

fn rate(default: f64) -> Parameter {
    let kind = ParameterType::positive(1e6);
    let summary = "learning rate, which the schedule changes";
    Parameter::optional("learning_rate", kind, default, summary)
}

fn decay(default: f64, summary: &str) -> Parameter {
    let kind = ParameterType::between(0.0, 1e6);
    Parameter::optional("weight_decay", kind, default, summary)
}

impl ChosenOptimiser {
    pub(super) fn fault(self) -> Option<Fault> {
        match self {
            ChosenOptimiser::Sgd {
                momentum: 0.0,
                nesterov: true,
                ..
            } => {
                let message = "`nesterov` looks ahead along the momentum, and `momentum` is 0";
                let fault = Fault::at("/optimiser/sgd/nesterov", message);
                Some(fault.help("give a `momentum` such as 0.9, or leave out `nesterov`"))
            }
            _ => None,
        }
    }

    /// The learning rate and the optimiser.
    pub(super) fn split(self) -> (f64, OptimiserKind) {
        match self {
            ChosenOptimiser::Sgd {
                learning_rate,
                momentum,
                nesterov,
                weight_decay,
            } => {
                let constants = SgdConstants {
                    momentum,
                    nesterov,
                    weight_decay,
                };
                (learning_rate, OptimiserKind::Sgd(constants))
            }
            ChosenOptimiser::Adam(adam) => {
                (adam.learning_rate, OptimiserKind::Adam(adam.constants()))
            }
            ChosenOptimiser::AdamW(adam) => {
                (adam.learning_rate, OptimiserKind::AdamW(adam.constants()))
            }
        }
    }
}

impl Adam {
    fn constants(self) -> AdamConstants {
        AdamConstants {
            betas: self.betas,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
        }
    }
}
