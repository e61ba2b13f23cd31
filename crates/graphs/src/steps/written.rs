//! Models that are written as graphs are the same models when they are read: steps, names, order and values.

use std::path::Path;

use eigenscope_artifact::InputShape;
use eigenscope_checkpoint::{Checkpoint, onnx};
use eigenscope_models::StoredModel;
use eigenscope_models::steps::StepList;
use eigenscope_testing::{class_names, untrained};
use serde_json::{Value, json};

use super::GraphNetwork;
use super::tests::read_model;

/// The model of a list of steps on images of 2 x 12 x 12 pixels.
fn stored(steps: &Value) -> StoredModel {
    let list = StepList::parse(steps).expect("steps");
    let architecture = list.architecture("model", InputShape::from([2, 12, 12]), class_names(3));
    untrained(&architecture.expect("they fit"), 5)
}

fn written(model: &StoredModel) -> Checkpoint {
    let mut bytes = Vec::new();
    onnx::write(&mut bytes, &crate::graph_of(model)).expect("written");
    Checkpoint::of_bytes(Path::new("written.onnx"), bytes, None).expect("readable")
}

fn steps_of(model: &StoredModel) -> Value {
    let network = GraphNetwork::read(&written(model)).expect("steps");
    network.expect("a graph").steps
}

fn assert_same(steps: &Value) {
    let model = stored(steps);
    let again = read_model(&written(&model), model.architecture.input, 3);
    let names = |model: &StoredModel| {
        let tensors = model.tensors.iter();
        tensors
            .map(|tensor| tensor.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&again), names(&model), "{steps}");
    assert_eq!(again.architecture, model.architecture, "{steps}");
    assert!(again == model, "{steps}");
}

fn conv(name: &str) -> Value {
    let mut fields = json!({ "channels": 2, "kernel": 3, "padding": 1 });
    if !name.is_empty() {
        fields["name"] = json!(name);
    }
    json!({ "conv": fields })
}

#[test]
fn steps_of_every_kind_stay_as_they_are() {
    let windows = json!({ "conv": {
        "channels": 4, "kernel": 3, "stride": 2, "padding": 2, "dilation": 2, "groups": 2, "bias": false,
    } });
    for step in [
        windows,
        json!({ "batch-norm": { "epsilon": 0.001, "momentum": 0.05 } }),
        json!("relu"),
        json!("gelu"),
        json!({ "gelu": { "approximate": "tanh" } }),
        json!("silu"),
        json!("tanh"),
        json!("sigmoid"),
        json!({ "leaky-relu": 0.2 }),
        json!({ "max-pool": 2 }),
        json!({ "max-pool": { "kernel": 3, "stride": 2, "padding": 1 } }),
        json!({ "average-pool": { "kernel": 3, "stride": 1, "padding": 1 } }),
        json!({ "average-pool": { "kernel": 3, "stride": 2, "padding": 1, "count_include_pad": false } }),
        json!("global-average-pool"),
        json!({ "linear": 6 }),
        json!({ "bilinear": 6 }),
        json!({ "bilinear": { "outputs": 6, "bias": true } }),
        json!({ "linear": { "outputs": 6, "bias": false } }),
    ] {
        assert_same(&json!([step, { "linear": "classes" }]));
        assert_same(
            &json!([conv(""), step, "gelu", { "bilinear": 4 }, "tanh", { "linear": "classes" }]),
        );
        let without_bias = json!({ "conv": { "channels": 4, "kernel": 1, "bias": false } });
        assert_same(&json!([without_bias, "batch-norm", step, { "linear": "classes" }]));
    }
    // A norm of flat values, and an image of one pixel.
    assert_same(&json!(["flatten", "batch-norm", { "linear": "classes" }]));
    assert_same(
        &json!([{ "linear": 5 }, { "conv": { "channels": 4, "kernel": 1 } }, "relu", { "linear": "classes" }]),
    );
}

#[test]
fn names_in_residual_blocks_stay_as_they_are() {
    let named = |name: &str, steps: Value| json!({ "residual": { "name": name, "steps": steps } });
    let block = |steps: Value| json!({ "residual": { "steps": steps } });
    let short = |steps: Value, shortcut: Value| json!({ "residual": { "steps": steps, "shortcut": shortcut } });
    for steps in [
        json!([block(json!([conv("")]))]),
        json!([block(json!([conv("")])), "relu", block(json!([conv("")]))]),
        json!([block(json!([conv(""), "batch-norm", "relu", conv("")]))]),
        // Blocks within blocks, with and without steps of their own.
        json!([block(json!([block(json!([conv("")]))]))]),
        json!([block(json!([block(json!([
            block(json!([conv("")])),
            "relu",
            conv("")
        ]))]))]),
        json!([block(json!([
            conv(""),
            block(json!([conv("")])),
            "relu",
            block(json!([conv(""), "batch-norm"]))
        ]))]),
        json!([block(json!([
            block(json!([conv("")])),
            "relu",
            block(json!([conv("")]))
        ]))]),
        // Shortcuts with more, fewer, and no weights.
        json!([short(
            json!([conv(""), "relu", conv("")]),
            json!([conv("")])
        )]),
        json!([short(
            json!([conv("")]),
            json!([conv(""), "batch-norm", "relu", conv("")])
        )]),
        json!([short(json!(["relu"]), json!([conv("")]))]),
        json!([short(json!(["tanh"]), json!(["batch-norm"]))]),
        json!([short(
            json!(["batch-norm"]),
            json!([{ "max-pool": { "kernel": 3, "stride": 1, "padding": 1 } }])
        )]),
        json!([short(
            json!([conv("")]),
            json!([short(
                json!([conv("")]),
                json!([conv(""), "relu", conv("")])
            )])
        )]),
        json!([short(json!(["relu"]), json!([block(json!([conv("")]))]))]),
        json!([short(
            json!(["relu"]),
            json!([short(json!(["relu"]), json!([conv("")]))])
        )]),
        json!([short(
            json!([conv("")]),
            json!([block(json!([conv("")])), "relu", block(json!([conv("")]))])
        )]),
        // Names of users.
        json!([
            conv("stem"),
            named("layer1.0", json!([conv("a.b")])),
            named("layer1.1", json!([conv("a.b"), "relu", conv("a.c")]))
        ]),
        json!([
            conv("residual1.stem"),
            named("residual10", json!([conv("skip")])),
            block(json!([conv("")]))
        ]),
        json!([named(
            &"a".repeat(90),
            json!([named(&"b".repeat(90), json!([conv(&"c".repeat(90))]))])
        )]),
        json!([
            named("residual1", json!([conv("blocks.0")])),
            named("residual2", json!([conv("blocks.1")]))
        ]),
        // Flat values.
        json!([
            "global-average-pool",
            block(json!([{ "linear": 2 }, "relu"])),
            "tanh",
            block(json!([{ "bilinear": 2 }]))
        ]),
    ] {
        let mut list = steps.as_array().expect("a list").clone();
        list.push(json!({ "linear": "classes" }));
        assert_same(&Value::Array(list));
    }
}

#[test]
fn names_that_blocks_cannot_give_are_kept_within_them() {
    // Without the names of blocks before those of their layers, as networks of modules have them.
    let steps = json!([
        { "linear": { "outputs": 6, "name": "embed" } },
        { "residual": { "name": "blocks", "steps": [{ "linear": { "outputs": 6, "name": "0" } }] } },
        { "residual": { "name": "residual1", "steps": [{ "linear": { "outputs": 6, "name": "x" } }] } },
        { "linear": "classes" },
    ]);
    let mut model = stored(&steps);
    assert_eq!(steps_of(&model)[2]["residual"]["name"], "blocks");
    for tensor in &mut model.tensors {
        tensor.name = tensor.name.replace("residual1.x", "blocks.1");
    }
    let text = serde_json::to_string(&model.architecture).expect("serialises");
    let text = text.replace("residual1.x", "blocks.1");
    model.architecture = serde_json::from_str(&text).expect("an architecture");
    let read = steps_of(&model);
    for (index, name) in [(2, "residual1"), (3, "residual2")] {
        assert_eq!(read[index]["residual"]["name"], name);
        let layer = &read[index]["residual"]["steps"][0]["linear"]["name"];
        assert_eq!(*layer, format!("blocks.{}", index - 2));
    }
}

#[test]
fn what_a_graph_does_not_hold_is_lost_without_a_change_of_logits() {
    for (steps, read) in [
        (json!([conv(""), { "dropout": 0.5 }]), json!([conv("")])),
        (
            json!([{ "average-pool": 12 }]),
            json!(["global-average-pool"]),
        ),
        (
            json!([conv(""), { "leaky-relu": 0.0 }]),
            json!([conv(""), "relu"]),
        ),
        (json!([conv(""), { "leaky-relu": 1.0 }]), json!([conv("")])),
    ] {
        let with_end = |steps: &Value| {
            let mut list = steps.as_array().expect("a list").clone();
            list.push(json!({ "linear": "classes" }));
            stored(&Value::Array(list))
        };
        let model = with_end(&steps);
        let again = read_model(&written(&model), model.architecture.input, 3);
        assert_eq!(again.architecture, with_end(&read).architecture, "{steps}");
        assert_eq!(again.tensors, model.tensors, "{steps}");
    }
}
