//! The kinds of steps with their fields.

use crate::activation::Activation;
use crate::step::PoolKind;
use crate::window::Window;

/// A kind of step as users name it, with its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepKind {
    /// Its name in a list.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [&'static str],
}

const fn kind(name: &'static str, fields: &'static [&'static str]) -> StepKind {
    StepKind { name, fields }
}

/// All kinds of steps.
pub const KINDS: [StepKind; 18] = [
    kind("linear", &["outputs", "bias", "name"]),
    kind(
        "conv",
        &[
            "channels", "kernel", "stride", "padding", "dilation", "groups", "bias", "name",
        ],
    ),
    kind("bilinear", &["outputs", "bias", "name"]),
    kind("batch-norm", &["epsilon", "momentum", "name"]),
    kind("relu", &[]),
    kind("gelu", &["approximate"]),
    kind("silu", &[]),
    kind("tanh", &[]),
    kind("sigmoid", &[]),
    kind("leaky-relu", &["slope"]),
    kind("max-pool", &["kernel", "stride", "padding"]),
    kind(
        "average-pool",
        &["kernel", "stride", "padding", "count_include_pad"],
    ),
    kind("global-average-pool", &[]),
    kind("flatten", &[]),
    kind("dropout", &["rate"]),
    kind("residual", &["steps", "shortcut", "name"]),
    kind("softmax", &[]),
    kind("log-softmax", &[]),
];

/// One step of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ListedStep {
    /// The name that the user gave, then the full name; empty for steps without one.
    pub(super) name: String,
    pub(super) operation: Operation,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    Linear {
        outputs: Outputs,
        bias: bool,
    },
    Convolution {
        channels: usize,
        window: Window,
        groups: usize,
        bias: bool,
    },
    /// A linear map to twice the outputs, and a gate.
    Bilinear {
        outputs: Outputs,
        bias: bool,
    },
    BatchNorm {
        epsilon: Option<f64>,
        momentum: Option<f64>,
    },
    Relu,
    Activation(Activation),
    Pool {
        kind: PoolKind,
        window: Window,
    },
    GlobalAveragePool,
    Flatten,
    Dropout {
        rate: f64,
    },
    Residual(Residual),
    /// Softmax or its logarithm, which change no prediction and are left out: the loss has its own.
    Softmax,
}

/// A residual block.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Residual {
    pub(super) steps: Vec<ListedStep>,
    pub(super) shortcut: Option<Vec<ListedStep>>,
    /// Whether the steps are given alone, not as the field `steps`.
    pub(super) bare: bool,
}

/// A number of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outputs {
    Number(usize),
    /// One for each class.
    Classes,
}
