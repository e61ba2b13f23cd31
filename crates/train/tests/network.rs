//! Networks that a pipeline file lists, run by the stage program and examined before.

use std::collections::BTreeMap;

use eigenscope_artifact::TENSORS;
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_models::StoredModel;
use eigenscope_stage::{
    Amount, CLASSES, Examination, Examined, Feature, Input, Known, Question, Stage, quantities,
};
use eigenscope_testing::{
    TestFolder, TestTask, image_header, made_by, noise, provenance, write_images,
};
use serde_json::{Value, json};

/// 90 training and 20 test images of 20 x 20 pixels in three classes.
fn images(folder: &TestFolder) -> Input {
    let header = image_header([1, 20, 20], 16, ["a", "b", "c"]);
    let (train, test) = (noise(&header, 90, 1), noise(&header, 20, 2));
    let path = folder.path("images.parquet");
    write_images(&path, &header, [&train, &test], &provenance());
    made_by("data.noise", &path)
}

fn adam() -> Value {
    json!({ "adam": { "learning_rate": 0.001, "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0 } })
}

/// All parameters of a task of kind `network`.
fn parameters(steps: Value) -> Value {
    json!({
        "steps": steps, "optimiser": adam(), "schedule": { "constant": { "warm_up": 0 } },
        "epochs": 2, "epoch_fraction": 1.0, "batch": 32, "last_batch": "kept", "augment": [], "math": "f32",
    })
}

fn train(folder: &TestFolder, kind: &str, parameters: Value) -> eigenscope_testing::TaskOutcome {
    TestTask::new(Stage::Train, kind, parameters)
        .reads("data", &images(folder))
        .writes(&[TENSORS, HistoryRow::KIND])
        .seed(3)
        .run(folder)
}

/// The steps of the kind `convnet`.
fn convnet() -> Value {
    json!([
        { "conv": { "channels": 32, "kernel": 5 } }, "relu", { "max-pool": 2 },
        { "conv": { "channels": 64, "kernel": 5 } }, { "batch-norm": { "name": "norm2" } }, "relu", { "max-pool": 2 },
        { "linear": { "outputs": 128, "name": "embedding" } }, "relu",
        { "linear": { "outputs": "classes", "name": "classifier" } },
    ])
}

#[test]
fn listed_steps_train_as_the_kind_that_has_them() {
    let folder = TestFolder::new();
    let recipe = json!({ "epochs": 2, "batch": 32, "learning_rate": 0.001, "math": "f32" });
    let built_in = train(&folder, "convnet", recipe);
    let mut parameters = parameters(convnet());
    parameters["schedule"] = json!({ "cosine": { "warm_up": 0 } });
    let listed = train(&folder, "network", parameters);
    let tensors = |outcome: &eigenscope_testing::TaskOutcome| {
        StoredModel::read(&outcome.path(TENSORS))
            .expect("a model")
            .tensors
    };
    assert!(tensors(&built_in) == tensors(&listed));
    assert_eq!(built_in.rows::<HistoryRow>(), listed.rows::<HistoryRow>());
}

#[test]
fn every_setting_reaches_the_training() {
    let folder = TestFolder::new();
    let steps = json!([{ "linear": 6 }, "relu", { "dropout": 0.3 }, { "linear": "classes" }]);
    let base = parameters(steps);
    let plain = train(&folder, "network", base.clone());
    plain.assert_same_bytes(&train(&folder, "network", base.clone()));
    let losses = |outcome: &eigenscope_testing::TaskOutcome| -> Vec<f64> {
        let rows = outcome.rows::<HistoryRow>();
        rows.iter().map(|row| row.train_loss_nats).collect()
    };
    let undropped = json!([{ "linear": 6 }, "relu", { "linear": "classes" }]);
    let sgd = json!({ "sgd": { "learning_rate": 0.1, "momentum": 0.9, "nesterov": true, "weight_decay": 0.1 } });
    let adamw = json!({ "adamw": { "learning_rate": 0.001, "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.5 } });
    let step = json!({ "step": { "epochs": [1], "factor": 0.1, "warm_up": 1 } });
    for (parameter, value) in [
        ("steps", undropped),
        ("optimiser", sgd),
        ("optimiser", adamw),
        ("schedule", step),
        ("batch", json!(16)),
        ("last_batch", json!("dropped")),
        (
            "augment",
            json!(["flip", { "rotation": { "degrees": 30 } }]),
        ),
    ] {
        let mut changed = base.clone();
        changed[parameter] = value;
        let outcome = train(&folder, "network", changed);
        assert_ne!(losses(&plain), losses(&outcome), "{parameter}");
    }
    let mut one = base;
    one["epochs"] = json!(1);
    assert_eq!(losses(&train(&folder, "network", one)), losses(&plain)[..1]);
}

#[test]
fn what_cannot_be_trained_is_refused_with_the_place() {
    let folder = TestFolder::new();
    let fails = |parameter: &str, value: Value, reason: &str| {
        let mut changed = parameters(json!([{ "linear": 4 }, "batch-norm", { "linear": 3 }]));
        changed[parameter] = value;
        train(&folder, "network", changed).fails_with(reason);
    };
    fails("steps", json!([]), "steps: the list has no steps");
    fails(
        "steps",
        json!(["rellu"]),
        "steps[0]: there is no step `rellu`",
    );
    fails(
        "batch",
        json!(89),
        "the last batch of 90 images by 89 is one image, which has no variance for norm1",
    );
    fails(
        "batch",
        json!(1),
        "a batch of one image has no variance for norm1",
    );
    fails(
        "schedule",
        json!({ "cosine": { "warm_up": 2 } }),
        "a warm-up of 2 epochs never ends: there are 2",
    );
    fails(
        "schedule",
        json!({ "step": { "epochs": 2, "factor": 0.1, "warm_up": 0 } }),
        "the learning rate never changes after 2 epochs: there are 2",
    );
    fails(
        "optimiser",
        json!({ "sgd": { "learning_rate": 0.1, "momentum": 0.0, "nesterov": true, "weight_decay": 0.0 } }),
        "`nesterov` looks ahead along the momentum, and `momentum` is 0",
    );
}

/// The answer about a task with these parameters, on images of 20 x 20 pixels if `sized`.
fn examine(parameters: Value, sized: bool) -> Examined {
    let mut kinds = eigenscope_train::kinds().into_iter();
    let kind = kinds.find(|kind| kind.description.name == "network");
    let examine = kind.and_then(|kind| kind.examine).expect("it is examined");
    let mut known = Known::default();
    if sized {
        for (name, count) in [
            (quantities::CHANNELS, 1),
            (quantities::HEIGHT, 20),
            (quantities::WIDTH, 20),
            (quantities::TRAINING_IMAGES, 90),
        ] {
            known.quantities.insert(name.to_owned(), count);
        }
        known
            .attributes
            .insert(CLASSES.to_owned(), json!(["a", "b", "c"]));
    }
    let question = Question {
        kind: "network".to_owned(),
        parameters,
        inputs: BTreeMap::from([("data".to_owned(), known)]),
        thorough: false,
    };
    examine(&Examination::new(&question, "".as_ref())).expect("an answer")
}

fn flags_and_layers(examined: &Examined) -> (Vec<&str>, Vec<String>) {
    let (mut flags, mut layers) = (Vec::new(), Vec::new());
    for feature in &examined.provides {
        match feature {
            Feature::Flag { name, .. } => flags.push(name.as_str()),
            Feature::Names { set, rules } if set == "layers" => {
                layers.extend(rules.iter().flat_map(|rule| rule.names(&Value::Null)));
            }
            Feature::Names { .. } | Feature::Attribute { .. } => {}
            Feature::Quantity { name, .. } if name.starts_with(quantities::LAYER_OUTPUTS) => {}
            other => panic!("{other:?}"),
        }
    }
    (flags, layers)
}

#[test]
fn layers_and_properties_are_known_before_training() {
    let residual = json!([{ "residual": [{ "conv": { "channels": 1, "kernel": 3, "padding": 1, "bias": false } }] },
        { "linear": { "outputs": "classes", "bias": false } }]);
    let bilinear = json!([{ "linear": { "outputs": 6, "bias": false } }, { "bilinear": 6 },
        { "linear": { "outputs": "classes", "bias": false, "name": "out" } }]);
    for (steps, flags, layers) in [
        (
            convnet(),
            vec!["biased", "ungated"],
            vec!["conv1", "conv2", "embedding", "classifier"],
        ),
        (
            residual,
            vec!["bias-free", "ungated", "residual"],
            vec!["residual1.conv1", "linear"],
        ),
        (
            bilinear,
            vec!["bias-free", "bilinear"],
            vec!["linear1", "bilinear", "out"],
        ),
    ] {
        for sized in [true, false] {
            let examined = examine(parameters(steps.clone()), sized);
            assert!(examined.faults.is_empty(), "{:?}", examined.faults);
            let layers = layers.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(flags_and_layers(&examined), (flags.clone(), layers));
            assert_eq!(examined.seconds.is_some(), sized);
        }
    }
    // Widths of layers are known with the size of the images.
    let provides = examine(parameters(convnet()), true).provides;
    for (layer, outputs) in [("embedding", 128), ("classifier", 3)] {
        let expected = Feature::layer_outputs(layer, Amount::Fixed(outputs));
        assert!(provides.contains(&expected), "{layer}: {provides:?}");
    }
}

#[test]
fn faults_are_known_before_training() {
    let fault = |parameter: &str, value: Value| {
        let mut changed = parameters(json!([{ "linear": 4 }, "batch-norm", { "linear": 3 }]));
        changed[parameter] = value;
        let faults = examine(changed, true).faults;
        let [fault] = faults.as_slice() else {
            panic!("one fault expected: {faults:?}");
        };
        (fault.path.clone(), fault.message.clone())
    };
    let conv = json!([{ "conv": { "channels": 3, "kernel": 21 } }, { "linear": "classes" }]);
    for (parameter, value, path, message) in [
        (
            "steps",
            json!(["rellu"]),
            "/steps/0",
            "there is no step `rellu`",
        ),
        (
            "steps",
            conv,
            "/steps/0",
            "conv1 needs an image of at least 21 x 21 pixels",
        ),
        (
            "steps",
            json!([{ "linear": 4 }]),
            "/steps/0",
            "the data have 3 classes",
        ),
        (
            "batch",
            json!(89),
            "/batch",
            "leave it out (`last_batch = \"dropped\"`)",
        ),
        (
            "schedule",
            json!({ "step": { "epochs": [1, 9], "factor": 0.1, "warm_up": 0 } }),
            "/schedule/step/epochs/1",
            "the learning rate never changes after 9 epochs: there are 2",
        ),
        (
            "schedule",
            json!({ "constant": { "warm_up": 3 } }),
            "/schedule/constant/warm_up",
            "never ends",
        ),
    ] {
        let (found, text) = fault(parameter, value);
        assert_eq!(found, path);
        assert!(text.contains(message), "{text}");
    }
    let mut dropped = parameters(convnet());
    dropped["last_batch"] = json!("dropped");
    let demands = examine(dropped.clone(), false).demands;
    assert_eq!(demands["data"][0].quantity, quantities::TRAINING_IMAGES);
    // Of 90 images, an epoch takes 36 or 27.
    for (fraction, message) in [
        (0.4, None),
        (0.3, Some("the 27 training images of an epoch")),
    ] {
        dropped["epoch_fraction"] = json!(fraction);
        let faults = examine(dropped.clone(), true).faults;
        let found = faults.first().map(|fault| fault.message.as_str());
        match (message, found) {
            (Some(part), Some(found)) => assert!(found.starts_with(part), "{found}"),
            (expected, found) => assert_eq!(found, expected),
        }
    }
}
