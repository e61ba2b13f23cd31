//! What the bilinear paper does with the weights of one layer, against NumPy's numbers in `bilinear_paper_truth.json`
//! (conventions and script: `tests/reference/README.md` of the workspace).

mod interactions;
mod masks;

use std::ops::Range;

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_models::{StoredModel, networks};
use eigenscope_stage::Input;
use eigenscope_testing::{
    Digits, TestFolder, Tolerance, class_names, fixture, floats, image_header,
};
use serde_json::Value;

const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-5);
const HIDDEN: usize = 12;

fn truth() -> Value {
    fixture("bilinear_paper_truth.json")
}

/// The model of the fixture: d = 12, seed 0, with these biases or none.
fn model(bias: Option<&Value>, residual: bool) -> StoredModel {
    let models: Value = fixture("bilinear_truth.json");
    let mut models = models["models"].as_array().expect("a list").iter();
    let record = models.find(|model| model["hidden"] == HIDDEN && model["seed"] == 0);
    let record = record.expect("a model of the fixture");
    let tensor = |name: &str, key: &str, shape: &[usize]| NamedTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        data: floats(&record[key]),
    };
    let mut tensors = vec![
        tensor("embed.weight", "E", &[HIDDEN, 64]),
        tensor("gate.weight", "W", &[2 * HIDDEN, HIDDEN]),
        tensor("unembed.weight", "U", &[10, HIDDEN]),
    ];
    tensors.extend(bias.map(|bias| NamedTensor {
        name: "gate.bias".to_owned(),
        shape: vec![2 * HIDDEN],
        data: floats(bias),
    }));
    let network = networks::bilinear_blocks(HIDDEN, bias.is_some(), 1, residual);
    let architecture = network.architecture(InputShape::from([1, 8, 8]), class_names(10));
    StoredModel::new(architecture.expect("it fits"), tensors).expect("tensors that fit")
}

/// The digits: the training rows, and the last 360 to test on.
fn digits(folder: &TestFolder) -> Input {
    digits_with(folder, "digits", Digits::TRAIN..Digits::read().labels.len())
}

/// The training rows of the digits, and these to test on.
fn digits_with(folder: &TestFolder, name: &str, test: Range<usize>) -> Input {
    let digits = Digits::read();
    let header = image_header([1, 8, 8], 16, class_names(10));
    let splits = [&digits.split(0..Digits::TRAIN), &digits.split(test)];
    folder.images(name, &header, splits)
}
