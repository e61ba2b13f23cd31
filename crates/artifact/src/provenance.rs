//! Where an artifact came from, as written into its metadata: task, parameters, code and inputs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Digest;

/// One input of the task that made an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputDigest {
    /// The role the input plays, such as `models`.
    pub role: String,
    /// Id of the task that made it.
    pub task: String,
    /// Digest of its content.
    pub content: Digest,
}

/// Everything that determines an artifact. Two runs with equal provenance give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Readable id, such as `train.bilinear[hidden=300,seed=2]`.
    pub task: String,
    /// Task kind, such as `train/bilinear`.
    pub kind: String,
    /// Digest of the code that computes this kind.
    pub fingerprint: String,
    /// All parameters, defaults included, keys sorted.
    pub parameters: Value,
    /// Seed of every random stream of the task.
    pub seed: u64,
    /// Inputs in the order of the task's roles.
    pub inputs: Vec<InputDigest>,
    /// The graphics card that computed it, with the versions of its driver and libraries; `None`: the processor did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}
