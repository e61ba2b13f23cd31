//! The program end to end: files of weights in, models or clear errors out.
#![allow(clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use eigenscope_artifact::{InputShape, TENSORS};
use eigenscope_checkpoint::safetensors::{self, NamedValues};
use eigenscope_models::steps::StepList;
use eigenscope_models::{StoredModel, networks};
use eigenscope_stage::{
    Answers, Examined, Feature, Input, Known, NameRule, Question, Questions, Stage, TASK_VERSION,
};
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
    let mut bytes = Vec::new();
    safetensors::write(&mut bytes, &tensors, &BTreeMap::new()).expect("written");
    fs::write(path, bytes).expect("written");
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

    let mut inspect = Command::new(program(Stage::Model.program()));
    let text = Answer::of(inspect.arg("inspect").arg(&path))
        .expect(0)
        .stdout;
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
        nan.contains("`conv2.bias` holds NaN at position 1"),
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

/// The answer of the program to one question.
fn examine(folder: &TestFolder, kind: &str, parameters: Value, data: Known) -> Examined {
    let questions = Questions {
        version: TASK_VERSION,
        data_dir: folder.path("."),
        questions: vec![Question {
            kind: kind.to_owned(),
            parameters,
            inputs: BTreeMap::from([("data".to_owned(), data)]),
        }],
    };
    let mut child = Command::new(program(Stage::Model.program()))
        .arg("examine")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let text = serde_json::to_string(&questions).expect("serialises");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let mut answers: Answers = serde_json::from_slice(&output.stdout).expect("answers");
    answers.answers.remove(0)
}

/// What is known of images of 20 x 20 pixels and three classes.
fn known() -> Known {
    let quantities = [
        ("channels", 1),
        ("rows of pixels", 20),
        ("columns of pixels", 20),
        ("classes", 3),
    ];
    Known {
        quantities: quantities
            .map(|(name, count)| (name.to_owned(), count))
            .into(),
        ..Known::default()
    }
}

fn parameters(more: Value) -> Value {
    let mut parameters = json!({ "file": "weights.safetensors", "key": "", "names": {} });
    let more = more.as_object().expect("a table").clone();
    parameters.as_object_mut().expect("a table").extend(more);
    parameters
}

#[test]
fn layers_and_properties_are_known_before_a_run() {
    let folder = TestFolder::new();
    write(&folder.path("weights.safetensors"), &convnet(), sequential);
    let fixed = |names: &[&str]| {
        Feature::names(
            "layers",
            names.iter().map(|name| NameRule::fixed(name)).collect(),
        )
    };
    let expected = [
        Feature::flag("biased"),
        Feature::flag("ungated"),
        fixed(&["conv1", "second", "linear1", "linear2"]),
    ];
    // Without the sizes of the images, the weights tell them.
    for data in [known(), Known::default()] {
        let answer = examine(
            &folder,
            "model",
            parameters(json!({ "steps": steps() })),
            data,
        );
        assert_eq!(answer.faults, []);
        assert_eq!(answer.provides, expected);
    }
}

#[test]
fn faults_are_found_before_a_run() {
    let folder = TestFolder::new();
    let model = convnet();
    write(&folder.path("weights.safetensors"), &model, sequential);
    let faults = |kind: &str, more: Value| {
        let faults = examine(&folder, kind, parameters(more), known()).faults;
        let [fault] = faults.as_slice() else {
            panic!("one fault expected: {faults:?}");
        };
        (fault.path.clone(), fault.message.clone())
    };
    let mut misspelt = steps();
    misspelt[1] = json!("rleu");
    let mut small = steps();
    small[0]["conv"]["kernel"] = json!(3);
    for (kind, more, path, part) in [
        (
            "convnet",
            json!({ "file": "a.pt" }),
            "/file",
            "has weights.safetensors",
        ),
        ("convnet", json!({ "key": "model" }), "/key", "leave it out"),
        (
            "convnet",
            json!({ "names": [] }),
            "/names",
            "must be a table",
        ),
        (
            "convnet",
            json!({ "names": { "conv9": "x" } }),
            "/names/conv9",
            "no such layer; did you mean `conv1`? it has",
        ),
        (
            "bilinear",
            json!({ "residual": false }),
            "/file",
            "expected matrices",
        ),
        (
            "convnet",
            json!({ "names": { "conv1": "features.0", "conv2": "features.0" } }),
            "/names/conv2",
            "`features.0` of the file is given to `conv1` already",
        ),
        ("model", json!({ "steps": [] }), "/file", "does not say"),
        ("model", json!({ "steps": misspelt }), "/steps/1", "rleu"),
        (
            "model",
            json!({ "steps": small }),
            "/file",
            "has shape [32, 1, 5, 5]",
        ),
    ] {
        let (found, message) = faults(kind, more.clone());
        assert_eq!(found, path, "{more}: {message}");
        assert!(message.contains(part), "{more}: {message}");
    }
    fs::write(folder.path("weights.safetensors"), "<html>").expect("written");
    let (path, message) = faults("convnet", json!({}));
    assert_eq!(path, "/file");
    assert!(message.contains("HTML"), "{message}");
}

#[test]
fn another_number_of_classes_is_called_that() {
    let folder = TestFolder::new();
    write(&folder.path("weights.safetensors"), &convnet(), sequential);
    let mut data = known();
    data.quantities.insert("classes".to_owned(), 7);
    let mut fixed = steps();
    fixed[9] = json!({ "linear": 3 });
    for steps in [steps(), fixed] {
        let parameters = parameters(json!({ "steps": steps }));
        let faults = examine(&folder, "model", parameters, data.clone()).faults;
        assert_eq!(faults[0].path, "/data", "{faults:?}");
        let message = &faults[0].message;
        assert!(
            message.ends_with("makes 3 outputs, while the data have 7 classes"),
            "{message}"
        );
        let help = faults[0].help.as_deref().expect("help");
        assert!(help.starts_with("use data with the 3 classes"), "{help}");
    }
}

#[test]
fn a_file_is_listed_with_a_proposal() {
    let folder = TestFolder::new();
    let path = folder.path("weights.safetensors");
    write(&path, &convnet(), sequential);
    let inspect = |more: &[&str]| {
        let mut command = Command::new(program(Stage::Model.program()));
        Answer::of(command.arg("inspect").arg(&path).args(more)).expect(0)
    };
    let text = inspect(&[]).stdout;
    for line in [
        "safetensors, 12 tensors, ",
        "  features.3.weight        [64, 32, 5, 5]  float32\n",
        "kind = \"convnet\"\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let report = inspect(&["--json"]).json();
    assert_eq!(report["kind"], "convnet");
    assert_eq!(report["tensors"][0]["name"], "classifier.0.bias");
    let mut broken = Command::new(program(Stage::Model.program()));
    let broken = Answer::of(broken.args(["inspect", "/nowhere/a.pt"])).expect(1);
    assert!(broken.stderr.contains("/nowhere/a.pt"), "{}", broken.stderr);
}

/// The output of `inspect` for a file with tensors of these names and shapes.
fn inspected(folder: &TestFolder, tensors: &[(&str, &[usize])]) -> String {
    let values: Vec<Vec<f32>> = tensors
        .iter()
        .map(|(_, shape)| vec![0.5; shape.iter().product()])
        .collect();
    let tensors: Vec<NamedValues<'_>> = tensors
        .iter()
        .zip(&values)
        .map(|((name, shape), values)| NamedValues {
            name,
            shape,
            values,
        })
        .collect();
    let mut bytes = Vec::new();
    safetensors::write(&mut bytes, &tensors, &BTreeMap::new()).expect("written");
    let path = folder.path("inspected.safetensors");
    fs::write(&path, bytes).expect("written");
    let mut command = Command::new(program(Stage::Model.program()));
    Answer::of(command.arg("inspect").arg(path))
        .expect(0)
        .stdout
}

#[test]
fn groups_are_proposed_where_the_channels_tell() {
    let folder = TestFolder::new();
    let text = inspected(
        &folder,
        &[
            ("0.weight", &[8, 1, 3, 3]),
            ("0.bias", &[8]),
            ("2.weight", &[8, 1, 3, 3]),
            ("4.weight", &[16, 8, 1, 1]),
            ("4.bias", &[16]),
            ("6.weight", &[16, 4, 3, 3]),
            ("6.bias", &[16]),
            ("9.weight", &[10, 16]),
            ("9.bias", &[10]),
        ],
    );
    for line in [
        "# a convolution that reads a part of the channels before it is taken for one of `groups`\n",
        "  { conv = { channels = 8, kernel = 3, padding = 1 } },\n",
        "  { conv = { channels = 8, kernel = 3, padding = 1, groups = 8, bias = false } },\n",
        "  { conv = { channels = 16, kernel = 1 } },\n",
        "  { conv = { channels = 16, kernel = 3, padding = 1, groups = 4 } },\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("no size of image fits"), "{text}");
}

/// A safetensors file of one tensor of integers.
#[test]
fn integers_are_no_weights_whoever_says_it() {
    let folder = TestFolder::new();
    let header = br#"{"fc.weight":{"dtype":"I64","shape":[3,400],"data_offsets":[0,9600]}}"#;
    let mut bytes = u64::try_from(header.len())
        .expect("short")
        .to_le_bytes()
        .to_vec();
    bytes.extend(header);
    bytes.extend([0; 9600]);
    let path = folder.path("weights.safetensors");
    fs::write(&path, bytes).expect("written");
    let mut command = Command::new(program(Stage::Model.program()));
    let text = Answer::of(command.arg("inspect").arg(path))
        .expect(0)
        .stdout;
    for line in [
        "safetensors, 1 tensor, 1200 values\n",
        "note: 1 tensor of int64: not floating-point numbers, so no weights\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let steps = json!([{ "linear": { "outputs": 3, "bias": false } }]);
    let refused = task("model", &folder, &images(&folder)).set("steps", steps);
    let refused = refused.run(&folder).failure();
    assert!(
        refused.contains("holds int64, not floating-point numbers"),
        "{refused}"
    );
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
}
