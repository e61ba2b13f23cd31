//! Bilinear layers that add what they read, and several of them.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::{EIGENPAIRS, InputShape, PATTERNS};
use eigenscope_decompose::bilinear::{Folding, ground_truth};
use eigenscope_models::{BilinearWeights, StoredModel, networks};
use eigenscope_stage::Stage;
use eigenscope_testing::{
    TestFolder, TestTask, class_names, image_header, model_with, noise, untrained,
};
use serde_json::json;

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 3,
    width: 4,
};

fn model(bias: bool, blocks: usize, residual: bool) -> StoredModel {
    let network = networks::bilinear_blocks(5, bias, blocks, residual);
    let architecture = network.architecture(SHAPE, class_names(3));
    untrained(&architecture.expect("any input fits"), 1)
}

fn interaction(
    folder: &TestFolder,
    name: &str,
    model: &StoredModel,
) -> eigenscope_testing::TaskOutcome {
    TestTask::new(Stage::Decompose, "interaction", json!({"count": 5}))
        .reads("model", &folder.model(name, model))
        .writes(&[SpectrumRow::KIND, EIGENPAIRS])
        .run(folder)
}

#[test]
fn the_eigenpairs_are_those_of_the_quadratic_part() {
    let folder = TestFolder::new();
    let plain = model(false, 1, false);
    let residual = model(false, 1, true);
    let same = model_with(&residual.architecture, |number, _| {
        plain.tensors[number].data.clone()
    });
    let [plain, residual] = [("plain", &plain), ("residual", &same)]
        .map(|(name, model)| interaction(&folder, name, model).rows::<SpectrumRow>());
    assert_eq!(plain, residual);
}

#[test]
fn what_needs_one_layer_or_no_linear_part_says_why() {
    let folder = TestFolder::new();
    interaction(&folder, "two", &model(false, 2, true)).fails_with(
        "an interaction matrix is defined for one bilinear layer; this model, `bilinear`, has 2 one after another",
    );
    let biased = model(true, 1, true);
    let weights = BilinearWeights::new(&biased, "a ground truth").expect("one layer");
    assert!(weights.residual);
    let error = ground_truth(&weights, 0, Folding::Corrected).expect_err("it is residual");
    assert!(
        error.to_string().contains("have a linear part U E x"),
        "{error}"
    );
    let header = image_header(SHAPE, 16, class_names(3));
    let data = folder.images(
        "images",
        &header,
        [&noise(&header, 9, 1), &noise(&header, 3, 2)],
    );
    let parameters = json!({"class": 0, "target": 1, "variant": "corrected"});
    TestTask::new(Stage::Decompose, "ground-truth", parameters)
        .reads("model", &folder.model("biased", &biased))
        .reads("data", &data)
        .writes(&[PATTERNS])
        .run(&folder)
        .fails_with("the model is residual");
}
