//! What is answered about a model before it is imported.

use std::collections::BTreeMap;
use std::fs;

use eigenscope_artifact::InputShape;
use eigenscope_models::networks;
use eigenscope_stage::{Amount, Examined, Feature, Known, NameRule, Question, Stage};
use eigenscope_testing::{TestFolder, class_names, untrained};
use serde_json::{Value, json};

use crate::{convnet, inspected, sequential, steps, write};

/// The answer of the program to one question.
fn examine(folder: &TestFolder, kind: &str, parameters: Value, data: Known) -> Examined {
    let question = Question {
        kind: kind.to_owned(),
        parameters,
        inputs: BTreeMap::from([("data".to_owned(), data)]),
        thorough: false,
    };
    eigenscope_testing::examine(Stage::Model, &folder.path("."), question)
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
    let fixed = |set: &str, names: &[&str]| {
        let rules = names.iter().map(|name| NameRule::fixed(name)).collect();
        Feature::names(set, rules)
    };
    let expected = [
        Feature::flag("biased"),
        Feature::flag("ungated"),
        fixed("layers", &["conv1", "second", "linear1", "linear2"]),
        fixed("drawable layers", &["conv1", "second"]),
        fixed("convolutions", &["conv1", "second"]),
        Feature::fixed("first layer", "conv1"),
        Feature::layer_outputs("linear1", Amount::Fixed(128)),
        Feature::layer_outputs("linear2", Amount::Fixed(3)),
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

/// Nothing tells the sides of images that are not square: the weights fit no square.
#[test]
fn layers_are_known_where_no_size_is() {
    let folder = TestFolder::new();
    let input = InputShape::from([1, 20, 28]);
    let model = networks::convnet().architecture(input, class_names(3));
    let model = untrained(&model.expect("it fits"), 1);
    write(&folder.path("weights.safetensors"), &model, sequential);
    for (kind, more) in [
        ("convnet", json!({})),
        ("model", json!({ "steps": steps() })),
    ] {
        let answer = examine(&folder, kind, parameters(more), Known::default());
        assert_eq!(answer.faults, []);
        assert!(
            answer.provides.contains(&Feature::flag("ungated")),
            "{answer:?}"
        );
        let has = |set: &str| {
            let mut features = answer.provides.iter();
            features.any(|feature| matches!(feature, Feature::Names { set: found, rules } if found == set && rules.len() > 1))
        };
        assert!(has("layers") && has("drawable layers"), "{answer:?}");
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
    // A file that is not there is no fault while nothing has to be made of it.
    let absent = parameters(json!({ "file": "a.pt", "steps": [{ "linaer": 3 }] }));
    let answer = examine(&folder, "model", absent, known());
    let missing = answer.unusable.expect("no such file");
    assert_eq!(missing.path, "/file");
    assert!(
        missing.message.ends_with("has weights.safetensors"),
        "{missing:?}"
    );
    let [fault] = answer.faults.as_slice() else {
        panic!("one fault expected: {:?}", answer.faults);
    };
    assert_eq!(
        (fault.path.as_str(), fault.of_key),
        ("/steps/0/linaer", true)
    );
    fs::write(folder.path("weights.safetensors"), "<html>").expect("written");
    let (path, message) = faults("convnet", json!({}));
    assert_eq!(path, "/file");
    assert!(message.contains("HTML"), "{message}");
}

#[test]
fn values_that_are_no_numbers_are_found_before_a_run() {
    let folder = TestFolder::new();
    let mut model = convnet();
    model.tensors[2].data[26] = f32::NAN;
    model.tensors[2].data[27] = f32::INFINITY;
    let path = folder.path("weights.safetensors");
    write(&path, &model, sequential);
    let expected = "holds NaN at [0, 1, 0, 1], the first of 2 values that are not finite";
    for data in [known(), Known::default()] {
        let faults = examine(&folder, "convnet", parameters(json!({})), data).faults;
        assert_eq!(faults[0].path, "/file", "{faults:?}");
        let message = &faults[0].message;
        assert!(
            message.ends_with(&format!("the tensor `features.3.weight` {expected}")),
            "{message}"
        );
    }
    let text = inspected(&path);
    let note = format!("note: `features.3.weight` {expected}: a model with it is refused\n");
    assert!(text.contains(&note), "{text}");

    let mut model = convnet();
    let mut variance = model.tensors.iter_mut();
    let variance = variance.rfind(|tensor| tensor.name.ends_with("running_var"));
    variance.expect("a normalisation").data[5] = -0.25;
    write(&path, &model, sequential);
    let expected = "`features.4.running_var` holds -0.25 at [5], which is no variance";
    let faults = examine(&folder, "convnet", parameters(json!({})), known()).faults;
    assert!(faults[0].message.ends_with(expected), "{faults:?}");
    let text = inspected(&path);
    assert!(
        text.contains(&format!("note: {expected}: a model")),
        "{text}"
    );
}

#[test]
fn images_that_do_not_fit_are_answered_with_those_that_do() {
    let folder = TestFolder::new();
    let path = folder.path("weights.safetensors");
    let images = |[channels, height, width]: [u64; 3]| {
        let mut data = known();
        data.quantities.insert("channels".to_owned(), channels);
        data.quantities.insert("rows of pixels".to_owned(), height);
        data.quantities
            .insert("columns of pixels".to_owned(), width);
        data
    };
    let model = |channels| {
        let input = InputShape::from([channels, 20, 20]);
        let architecture = networks::convnet().architecture(input, class_names(3));
        untrained(&architecture.expect("it fits"), 1)
    };
    const RESIZE: &str = "add the transform { resize = { height = 20, width = 20 } } to the data";
    for (channels, found, message, help) in [
        (
            1,
            [3, 20, 20],
            "for images of 1 channel, and those of the data have 3 channels",
            "make the images grey with the transform `grey`",
        ),
        (
            3,
            [1, 20, 20],
            "for images of 3 channels, and those of the data have 1 channel",
            "no transform adds them",
        ),
        (
            1,
            [1, 28, 28],
            "for images of 20 x 20 pixels (up to 23 x 23), and those of the data have 28 x 28 pixels",
            RESIZE,
        ),
        // No room for the windows.
        (
            1,
            [1, 8, 8],
            "for images of 20 x 20 pixels (up to 23 x 23), and those of the data have 8 x 8 pixels",
            RESIZE,
        ),
        (
            3,
            [1, 30, 32],
            "3 channels and 20 x 20 pixels (up to 23 x 23), and those of the data have 1 channel and 30 x 32 pixels",
            RESIZE,
        ),
    ] {
        write(&path, &model(channels), sequential);
        for kind in ["convnet", "model"] {
            let more = match kind {
                "model" => json!({ "steps": steps() }),
                _ => json!({}),
            };
            let faults = examine(&folder, kind, parameters(more), images(found)).faults;
            assert_eq!(faults[0].path, "/data", "{faults:?}");
            assert!(faults[0].message.ends_with(message), "{faults:?}");
            let told = faults[0].help.as_deref().expect("help");
            assert!(told.contains(help), "{told}");
        }
    }
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
