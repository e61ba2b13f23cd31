//! Weights of a layer as images.

use std::collections::BTreeMap;

use eigenscope_artifact::{NamedTensor, TENSORS, write_tensors};
use eigenscope_stage::Input;
use eigenscope_testing::{TestFolder, provenance};
use serde_json::json;

use crate::drawn::{self, Drawing};

/// A tensor whose values rise from -1 to 1.
pub(crate) fn tensor(name: &str, shape: &[usize]) -> NamedTensor {
    let count: usize = shape.iter().product();
    let value = |index: usize| 2.0 * index as f32 / (count - 1).max(1) as f32 - 1.0;
    NamedTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        data: (0..count).map(value).collect(),
    }
}

/// A model that reads images of these channels, 3 x 4.
fn model(folder: &TestFolder, channels: usize, tensors: &[NamedTensor]) -> Input {
    let path = folder.path("model");
    let architecture = json!({
        "input": {"channels": channels, "height": 3, "width": 4},
        "classes": ["cat", "dog"],
        "network": "some",
    });
    let content = write_tensors(&path, TENSORS, &architecture, tensors, &provenance());
    Input {
        task: "train.model".to_owned(),
        labels: BTreeMap::from([("seed".to_owned(), json!(7))]),
        path,
        content: content.expect("written"),
        renamed: BTreeMap::new(),
    }
}

fn draw(folder: &TestFolder, model: &Input, layer: &str, count: usize) -> Drawing {
    let parameters = json!({"layer": layer, "count": count});
    drawn::draw(folder, "kernels", parameters, [("model", model.clone())])
}

fn pictures(outcome: &Drawing) -> usize {
    let svg = outcome.svg();
    let ramp = 1;
    svg.matches("<image").count() - ramp
}

#[test]
fn kernels_of_grey_images_stand_in_a_square() {
    let folder = TestFolder::new();
    let tensors = [
        tensor("conv1.weight", &[10, 1, 2, 2]),
        tensor("conv1.bias", &[10]),
    ];
    let model = model(&folder, 1, &tensors);
    let nine = draw(&folder, &model, "conv1", 9);
    nine.shows(&[
        "Kernels of conv1: the first 9 of 10 (model, seed 7)",
        "first 9 kernels as images of 2 x 2",
        "Weight",
    ]);
    assert_eq!(pictures(&nine), 9);
    assert!(nine.warnings().is_empty());
    let all = draw(&folder, &model, "conv1", 20);
    all.shows(&["Kernels of conv1 (model, seed 7)"]);
    assert_eq!(pictures(&all), 10);
    assert_eq!(all.warnings(), ["conv1 has 10 kernels, not 20"]);
    let few = [tensor("conv1.weight", &[8, 1, 2, 2])];
    let few = draw(&folder, &self::model(&folder, 1, &few), "conv1", 9);
    assert_eq!(pictures(&few), 8);
    assert!(few.warnings().is_empty(), "the default is at most 9");
}

#[test]
fn channels_of_colour_images_stand_side_by_side() {
    let folder = TestFolder::new();
    let model = model(&folder, 3, &[tensor("conv1.weight", &[4, 3, 2, 2])]);
    let drawn = draw(&folder, &model, "conv1", 2);
    drawn.shows(&["channel 1", "channel 3"]);
    assert_eq!(pictures(&drawn), 6);
}

#[test]
fn the_first_of_many_channels_are_drawn() {
    let folder = TestFolder::new();
    let tensors = [
        tensor("conv1.weight", &[8, 1, 2, 2]),
        tensor("conv2.weight", &[4, 8, 2, 2]),
        tensor("conv3.weight", &[20, 40, 3, 3]),
    ];
    let model = model(&folder, 1, &tensors);
    let all = draw(&folder, &model, "conv2", 4);
    all.shows(&["Kernels of conv2 (model, seed 7)", "Channel that is read"]);
    assert_eq!(pictures(&all), 32);
    let some = draw(&folder, &model, "conv3", 3);
    some.shows(&["the first 3 of 20, the first 16 of 40 channels that they read"]);
    assert_eq!(pictures(&some), 48);
}

#[test]
fn the_first_convolution_is_drawn_unless_another_layer_is_named() {
    let folder = TestFolder::new();
    let tensors = [
        tensor("norm1.weight", &[1]),
        tensor("norm1.running_mean", &[1]),
        tensor("features.0.weight", &[4, 1, 2, 2]),
        tensor("features.2.weight", &[3, 4, 2, 2]),
        tensor("classifier.weight", &[2, 6]),
    ];
    let model = model(&folder, 1, &tensors);
    draw(&folder, &model, "", 4).shows(&["Kernels of features.0 (model, seed 7)"]);
    let tensors = [tensor("0.weight", &[5, 12]), tensor("2.weight", &[2, 5])];
    let model = self::model(&folder, 1, &tensors);
    draw(&folder, &model, "", 5).shows(&["Units of 0 (model, seed 7)"]);
}

#[test]
fn a_linear_layer_after_a_normalisation_reads_the_images() {
    let folder = TestFolder::new();
    let tensors = [
        tensor("norm1.weight", &[1]),
        tensor("norm1.running_mean", &[1]),
        tensor("linear.weight", &[5, 12]),
    ];
    let model = model(&folder, 1, &tensors);
    draw(&folder, &model, "linear", 5).shows(&["Units of linear (model, seed 7)"]);
}

#[test]
fn a_linear_layer_that_reads_the_images_has_units() {
    let folder = TestFolder::new();
    let tensors = [
        tensor("embed.weight", &[5, 12]),
        tensor("gate.weight", &[12, 12]),
    ];
    let model = model(&folder, 1, &tensors);
    let drawn = draw(&folder, &model, "embed", 4);
    drawn.shows(&["Units of embed: the first 4 of 5", "images of 3 x 4"]);
    // As wide as an image, but not read from images.
    draw(&folder, &model, "gate", 4)
        .fails_with("gate is a linear layer that reads 12 values made by");
}

#[test]
fn weights_that_are_no_images_are_refused() {
    let folder = TestFolder::new();
    let refused = |tensors: &[NamedTensor], reason: &str| {
        let model = model(&folder, 1, tensors);
        draw(&folder, &model, "conv1", 4).fails_with(reason);
    };
    refused(
        &[tensor("conv1.weight", &[4])],
        "the weight of conv1 has the shape [4]",
    );
    refused(
        &[tensor("conv1.weight", &[0, 1, 2, 2])],
        "conv1 has no weight",
    );
    refused(
        &[tensor("conv2.weight", &[4, 1, 2, 2])],
        "no tensor `conv1.weight`, only conv2.weight",
    );
    let mut broken = tensor("conv1.weight", &[4, 1, 2, 2]);
    broken.data[3] = f32::INFINITY;
    refused(&[broken], "the weight of conv1 holds inf");
}

#[test]
fn a_weight_of_zeros_is_drawn() {
    let folder = TestFolder::new();
    let mut zeros = tensor("conv1.weight", &[1, 1, 2, 2]);
    zeros.data.fill(0.0);
    draw(&folder, &model(&folder, 1, &[zeros]), "conv1", 1).shows(&["Kernels of conv1"]);
}
