//! What other programs say that the files in `tests/reference/checkpoints` hold.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use eigenscope_checkpoint::Checkpoint;
use eigenscope_testing::{fixture, workspace};
use flate2::Crc;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Truth {
    pub(crate) models: BTreeMap<String, Model>,
    pub(crate) graphs: BTreeMap<String, GraphTruth>,
    pub(crate) forms: BTreeMap<String, Form>,
    pub(crate) arrays: BTreeMap<String, Array>,
}

#[derive(Deserialize)]
pub(crate) struct Model {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) logits: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
pub(crate) struct GraphTruth {
    pub(crate) nodes: Vec<String>,
    pub(crate) tensors: Vec<Tensor>,
}

#[derive(Deserialize)]
pub(crate) struct Form {
    pub(crate) key: String,
    pub(crate) tensors: Vec<Tensor>,
}

#[derive(Deserialize)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: String,
    pub(crate) crc32: u32,
    pub(crate) first: Vec<f32>,
}

#[derive(Deserialize)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Truth {
    pub(crate) fn read() -> Self {
        fixture("checkpoint_truth.json")
    }
}

/// A file of `tests/reference/checkpoints`.
pub(crate) fn path(name: &str) -> PathBuf {
    workspace("tests/reference/checkpoints").join(name)
}

/// The checksum of the little-endian bytes of values.
pub(crate) fn checksum(values: &[f32]) -> u32 {
    let mut crc = Crc::new();
    for value in values {
        crc.update(&value.to_le_bytes());
    }
    crc.sum()
}

/// The tensors are those expected, bit by bit, in whatever order.
#[track_caller]
pub(crate) fn assert_holds(file: &str, checkpoint: &Checkpoint, expected: &[&Tensor]) {
    let mut names: Vec<&str> = checkpoint
        .tensors()
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect();
    let mut wanted: Vec<&str> = expected.iter().map(|tensor| tensor.name.as_str()).collect();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted, "{file}");
    for expected in expected {
        let name = &expected.name;
        let tensor = checkpoint.tensor(name).expect("found above");
        assert_eq!(tensor.shape, expected.shape, "{file}, {name}");
        assert_eq!(tensor.dtype.name(), expected.dtype, "{file}, {name}");
        let values = checkpoint.read(tensor).expect("readable");
        assert_eq!(
            values[..values.len().min(3)],
            expected.first,
            "{file}, {name}"
        );
        assert_eq!(checksum(&values), expected.crc32, "{file}, {name}");
    }
}
