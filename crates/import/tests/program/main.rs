//! The program end to end: files of weights in, models or clear errors out.
#![allow(clippy::expect_used, reason = "a test")]

mod examine;
mod inspect;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use eigenscope_artifact::{InputShape, TENSORS};
use eigenscope_checkpoint::safetensors::{self, NamedValues};
use eigenscope_models::steps::StepList;
use eigenscope_models::{StoredModel, networks};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{
    Answer, TestFolder, TestTask, class_names, describe, image_header, noise, program, untrained,
};
use serde_json::{Value, json};

/// Writes tensors as safetensors, under these names.
fn write(path: &Path, model: &StoredModel, name: impl Fn(&str) -> String) {
    let names: Vec<String> = model
        .tensors
        .iter()
        .map(|tensor| name(&tensor.name))
        .collect();
    let tensors: Vec<NamedValues<'_>> = names
        .iter()
        .zip(&model.tensors)
        .map(|(name, tensor)| NamedValues {
            name,
            shape: &tensor.shape,
            values: &tensor.data,
        })
        .collect();
    write_tensors(path, &tensors);
}

fn write_tensors(path: &Path, tensors: &[NamedValues<'_>]) {
    let mut bytes = Vec::new();
    safetensors::write(&mut bytes, tensors, &BTreeMap::new()).expect("written");
    fs::write(path, bytes).expect("written");
}

/// What `inspect` prints about a file.
fn inspected(path: &Path) -> String {
    let mut command = Command::new(program(Stage::Model.program()));
    let answer = Answer::of(command.arg("inspect").arg(path));
    answer.expect(0).stdout
}

/// Images of 20 x 20 pixels and three classes.
fn images(folder: &TestFolder) -> Input {
    let header = image_header([1, 20, 20], 255, class_names(3));
    let split = noise(&header, 4, 0);
    folder.images("images", &header, [&split, &split])
}

fn convnet() -> StoredModel {
    let architecture = networks::convnet()
        .architecture(InputShape::from([1, 20, 20]), class_names(3))
        .expect("it fits");
    untrained(&architecture, 1)
}

/// The names that an `nn.Sequential` gives to the layers of a convnet.
fn sequential(name: &str) -> String {
    let (layer, last) = name.rsplit_once('.').expect("a layer");
    let layer = match layer {
        "conv1" => "features.0",
        "conv2" => "features.3",
        "norm2" => "features.4",
        "embedding" => "classifier.0",
        "classifier" => "classifier.2",
        other => panic!("{other}"),
    };
    format!("{layer}.{last}")
}

/// The steps of a convnet.
fn steps() -> Value {
    json!([
        { "conv": { "channels": 32, "kernel": 5 } }, "relu", { "max-pool": 2 },
        { "conv": { "channels": 64, "kernel": 5, "name": "second" } }, "batch-norm", "relu", { "max-pool": 2 },
        { "linear": 128 }, "relu", { "linear": "classes" },
    ])
}

fn task(kind: &str, folder: &TestFolder, images: &Input) -> TestTask {
    let mut parameters = json!({ "file": "weights.safetensors", "key": "", "names": {} });
    if kind == "model" {
        parameters["steps"] = steps();
    }
    TestTask::new(Stage::Model, kind, parameters)
        .reads("data", images)
        .data_dir(&folder.path("."))
        .writes(&[TENSORS])
}

#[test]
fn describes_itself() {
    let description = describe(Stage::Model);
    let kinds = &description.kinds;
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    let expected = [
        "model",
        "bilinear",
        "mlp",
        "cnn",
        "convnet",
        "embedding-net",
    ];
    assert_eq!(names, expected);
    assert!(kinds.iter().all(|kind| kind.examined));
    let fallback = kinds.iter().filter(|kind| kind.fallback);
    assert_eq!(
        fallback.map(|kind| &kind.name).collect::<Vec<_>>(),
        ["model"]
    );
}

#[test]
fn weights_under_our_names_are_the_model_again() {
    let folder = TestFolder::new();
    let model = convnet();
    write(&folder.path("weights.safetensors"), &model, str::to_owned);
    let images = images(&folder);
    let outcome = task("convnet", &folder, &images).run(&folder).succeeded();
    assert_eq!(outcome.read_files(), ["weights.safetensors"]);
    assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
    let read = StoredModel::read(&outcome.path(TENSORS)).expect("a model");
    assert_eq!(read, model);
}

#[test]
fn other_names_are_matched_with_steps() {
    let folder = TestFolder::new();
    let model = convnet();
    let path = folder.path("weights.safetensors");
    write(&path, &model, sequential);
    let images = images(&folder);
    let outcome = task("model", &folder, &images).run(&folder).succeeded();
    let read = StoredModel::read(&outcome.path(TENSORS)).expect("a model");
    let names: Vec<&str> = read.tensors.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names[2], "second.weight");
    assert_eq!(
        read.tensors[2].data,
        model.tensor("conv2.weight").expect("there").data
    );
    assert_eq!(
        read.tensor("norm1.running_var").expect("there").data,
        model.tensor("norm2.running_var").expect("there").data
    );

    let names = json!({ "second": "features.3", "norm1": "features.4" });
    let named = task("model", &folder, &images).set("names", names);
    let outcome = named.run(&folder).succeeded();
    assert_eq!(
        StoredModel::read(&outcome.path(TENSORS)).expect("a model"),
        read
    );

    // An absolute path is that file, wherever the data are.
    let absolute = task("model", &folder, &images)
        .set("file", path.display().to_string())
        .data_dir(Path::new("/nowhere"));
    let outcome = absolute.run(&folder).succeeded();
    assert_eq!(outcome.read_files(), [path.display().to_string()]);
}

#[test]
fn what_is_odd_is_warned_of() {
    let folder = TestFolder::new();
    let mut model = convnet();
    model.tensors[0].data.fill(0.0);
    let mut extra = model.clone();
    let mut tensor = extra.tensors[0].clone();
    tensor.name = "ema.weight".to_owned();
    extra.tensors.push(tensor);
    write(&folder.path("weights.safetensors"), &extra, str::to_owned);
    let outcome = task("convnet", &folder, &images(&folder)).run(&folder);
    outcome.warns_of("that the network does not use: ema.weight");
    outcome.warns_of("differ from those of the original network unless these layers are no part");
    outcome.warns_of(
        "all values of these weights are 0, as in a model that was never trained: conv1.weight",
    );
}

/// PyTorch's `BatchNorm2d(affine=False)` stores the running mean and variance only.
#[test]
fn batch_normalisation_without_weights_is_read() {
    let folder = TestFolder::new();
    let mut model = convnet();
    let affine = ["norm2.weight", "norm2.bias"];
    model
        .tensors
        .retain(|one| !affine.contains(&one.name.as_str()));
    let path = folder.path("weights.safetensors");
    write(&path, &model, sequential);
    let images = images(&folder);
    let outcome = task("model", &folder, &images).run(&folder).succeeded();
    outcome.warns_of("without weight and bias, which are taken as 1 and 0: features.4");
    let read = StoredModel::read(&outcome.path(TENSORS)).expect("a model");
    let values = |name: &str| read.tensor(name).expect("there").data.clone();
    assert_eq!(values("norm1.weight"), vec![1.0; 64]);
    assert_eq!(values("norm1.bias"), vec![0.0; 64]);
    let variance = model.tensor("norm2.running_var").expect("there");
    assert_eq!(values("norm1.running_var"), variance.data);

    let text = inspected(&path);
    let note = "note: batch normalisation without weight and bias, taken as 1 and 0: features.4\n";
    assert!(text.contains(note), "{text}");

    // Steps without it are another network.
    let mut bare = steps();
    bare.as_array_mut().expect("a list").remove(4);
    let bare = task("model", &folder, &images).set("steps", bare);
    let outcome = bare.run(&folder).succeeded();
    outcome.warns_of(
        "does not use: features.4.running_mean, features.4.running_var. The results differ",
    );
    outcome.warns_of("\"batch-norm\" uses the running mean and variance of features.4");
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = TestFolder::new();
    let images = images(&folder);
    let missing = task("convnet", &folder, &images).run(&folder).failure();
    assert!(missing.contains("there is no file") && missing.contains("weights.safetensors"));

    let mut model = convnet();
    model.tensors[3].data[1] = f32::NAN;
    let path = folder.path("weights.safetensors");
    write(&path, &model, str::to_owned);
    let nan = task("convnet", &folder, &images).run(&folder).failure();
    assert!(
        nan.contains("the tensor `conv2.bias` holds NaN at [1]"),
        "{nan}"
    );

    let mut model = convnet();
    model.tensors.remove(1);
    model.tensors[0].shape = vec![32, 5, 5];
    write(&path, &model, str::to_owned);
    let wrong = task("convnet", &folder, &images).run(&folder).failure();
    for part in [
        "does not fit the network",
        "`conv1.weight` has shape [32, 5, 5], the network needs [32, 1, 5, 5]",
        "missing in the file: conv1.bias",
    ] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    let kind = task("mlp", &folder, &images).run(&folder).failure();
    assert!(kind.contains("expected matrices only"), "{kind}");
    let nothing = task("model", &folder, &images).set("steps", json!([]));
    let nothing = nothing.run(&folder).failure();
    assert!(
        nothing.contains("does not say what is computed"),
        "{nothing}"
    );
    let names = task("convnet", &folder, &images).set("names", json!({ "a": 1 }));
    let names = names.run(&folder).failure();
    assert!(names.contains("`names` must be a table"), "{names}");
}

/// A model of every step that a graph can hold, written as ONNX, is the same model when it is read.
#[test]
fn graphs_are_written_and_read() {
    let folder = TestFolder::new();
    let steps = json!([
        { "conv": { "channels": 4, "kernel": 3, "padding": 1 } }, { "batch-norm": { "epsilon": 0.001 } }, "gelu",
        { "residual": {
            "steps": [
                { "conv": { "channels": 4, "kernel": 3, "padding": 2, "dilation": 2, "groups": 2 } }, "batch-norm", "silu",
                { "residual": { "steps": [{ "conv": { "channels": 4, "kernel": 1, "bias": false } }] } },
            ],
        } },
        { "gelu": { "approximate": "tanh" } },
        { "residual": {
            "steps": [{ "conv": { "channels": 6, "kernel": 3, "stride": 2, "padding": 1 } }, "tanh",
                { "conv": { "channels": 6, "kernel": 3, "padding": 1 } }],
            "shortcut": [{ "conv": { "channels": 6, "kernel": 1, "stride": 2 } }, "batch-norm"],
        } },
        { "leaky-relu": { "slope": 0.2 } }, { "max-pool": { "kernel": 3, "stride": 2, "padding": 1 } },
        { "average-pool": 2 }, { "bilinear": 5 }, "sigmoid", { "linear": "classes" },
    ]);
    let architecture = StepList::parse(&steps)
        .expect("steps")
        .architecture("model", InputShape::from([1, 20, 20]), class_names(3))
        .expect("they fit");
    let model = untrained(&architecture, 3);
    let stored = folder.model("stored", &model);
    let mut export = Command::new(program(Stage::Model.program()));
    export
        .arg("export")
        .arg(&stored.path)
        .args(["--format", "onnx"]);
    let output = export.output().expect("it starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::write(folder.path("model.onnx"), output.stdout).expect("written");
    let read = task("model", &folder, &images(&folder))
        .set("file", "model.onnx")
        .set("steps", json!([]));
    let outcome = read.run(&folder).succeeded();
    let read = StoredModel::read(&outcome.path(TENSORS)).expect("a model");
    let names = |model: &StoredModel| {
        let tensors = model.tensors.iter();
        tensors.map(|one| one.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&read), names(&model));
    assert_eq!(read.architecture, model.architecture);
    assert!(read == model);
    // The weights alone would fit other networks, too.
    let of_kind = task("mlp", &folder, &images(&folder)).set("file", "model.onnx");
    of_kind
        .run(&folder)
        .fails_with("holds its graph, which may be another network");
}
