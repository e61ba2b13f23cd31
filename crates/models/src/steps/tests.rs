use serde_json::json;

use super::*;
use crate::networks;
use crate::step::Step;

fn classes(count: usize) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}

fn build(steps: Value, input: [usize; 3]) -> Result<Architecture, StepErrors> {
    let list = StepList::parse(&steps)?;
    list.architecture("network", InputShape::from(input), classes(10))
}

fn names(architecture: &Architecture) -> Vec<String> {
    let parameters = architecture.parameters().into_iter();
    parameters.map(|parameter| parameter.name).collect()
}

#[test]
fn a_list_makes_the_steps_of_a_built_in_network() {
    let list = json!([
        { "conv": { "channels": 32, "kernel": 5 } },
        "relu",
        { "max-pool": 2 },
        { "conv": { "channels": 64, "kernel": 5 } },
        { "batch-norm": { "name": "norm2" } },
        "relu",
        { "max-pool": { "kernel": 2, "stride": 2 } },
        "flatten",
        { "linear": { "outputs": 128, "name": "embedding" } },
        "relu",
        { "linear": { "outputs": "classes", "name": "classifier" } },
        "log-softmax",
    ]);
    let found = build(list, [1, 28, 28]).expect("it fits");
    let expected = networks::convnet().architecture(InputShape::from([1, 28, 28]), classes(10));
    assert_eq!(found.steps(), expected.expect("it fits").steps());
}

#[test]
fn names_come_from_kinds_numbers_and_blocks() {
    let block = json!({ "residual": {
        "steps": [{ "conv": { "channels": 8, "kernel": 3, "padding": 1, "bias": false } }, "batch-norm"],
        "shortcut": [{ "conv": { "channels": 8, "kernel": 1 } }],
    }});
    let list = json!([
        { "conv": { "channels": 4, "kernel": 3, "name": "stem" } },
        { "conv": { "channels": 4, "kernel": 3 } },
        "batch-norm",
        block,
        { "residual": { "name": "blocks.2", "steps": [
            { "conv": { "channels": 8, "kernel": 1 } },
            { "residual": ["relu", { "conv": { "channels": 8, "kernel": 1 } }] },
        ]}},
        "global-average-pool",
        { "bilinear": 6 },
        { "linear": "classes" },
    ]);
    let parsed = StepList::parse(&list).expect("it reads");
    let layers = [
        "stem",
        "conv2",
        "residual1.conv1",
        "residual1.shortcut.conv1",
        "blocks.2.conv1",
        "blocks.2.residual1.conv1",
        "bilinear",
        "linear",
    ];
    assert_eq!(parsed.layer_names(), layers);
    assert_eq!(parsed.norm_names(), ["norm1", "residual1.norm1"]);
    let architecture = build(list, [1, 9, 9]).expect("it fits");
    let built = architecture.layers().map(|(_, layer)| layer.name.as_str());
    assert_eq!(built.collect::<Vec<_>>(), layers);
    let norms = architecture.norms().map(|(_, norm)| norm.name.as_str());
    assert_eq!(norms.collect::<Vec<_>>(), ["norm1", "residual1.norm1"]);
    assert!(names(&architecture).contains(&"residual1.shortcut.conv1.bias".to_owned()));
    assert!(!names(&architecture).contains(&"residual1.conv1.bias".to_owned()));
    assert!(architecture.is_residual() && architecture.is_gated() && architecture.is_biased());
    // Two linear layers have numbers.
    let two = json!([{ "linear": 4 }, { "linear": "classes" }]);
    let two = StepList::parse(&two).expect("it reads");
    assert_eq!(two.layer_names(), ["linear1", "linear2"]);
}

#[test]
fn a_built_network_reads_back_from_json() {
    let list = json!([
        { "conv": { "channels": 6, "kernel": 3, "padding": 2, "dilation": 2, "groups": 3 } },
        { "batch-norm": { "epsilon": 0.001, "momentum": 0.01 } },
        { "gelu": { "approximate": "tanh" } },
        { "leaky-relu": 0.2 },
        { "residual": { "steps": ["silu"], "shortcut": ["tanh", "sigmoid"] } },
        { "average-pool": { "kernel": 3, "stride": 2, "padding": 1 } },
        { "max-pool": { "kernel": 3, "padding": 1, "stride": 1 } },
        { "dropout": 0.25 },
        "flatten",
        "batch-norm",
        { "linear": 10 },
    ]);
    let architecture = build(list, [3, 8, 8]).expect("it fits");
    let text = serde_json::to_string(&architecture).expect("serialises");
    let read: Architecture = serde_json::from_str(&text).expect("reads back");
    assert_eq!(read, architecture);
    // The second normalisation has a weight for every value.
    let last = architecture.norms().last().expect("two norms").1;
    assert_eq!(last.input, InputShape::from([96, 1, 1]));
    assert!(architecture.steps().contains(&Step::Flatten));
}

#[test]
fn errors_say_what_and_where() {
    let conv = |fields: Value| json!([{ "conv": fields }]);
    let nested = (0..9).fold(json!(["relu"]), |inner, _| json!([{ "residual": inner }]));
    for (list, expected) in [
        (
            json!({}),
            "`steps` is a list of steps, not a table; write [{ conv = { channels = 32, kernel = 3 } }, \"relu\", ...]",
        ),
        (
            json!([]),
            "the list has no steps; end the list with { linear = \"classes\" }",
        ),
        (
            json!([7]),
            "[0]: a step is a kind, or a table with a kind and its fields, not 7",
        ),
        (
            json!(["rellu"]),
            "[0]: there is no step `rellu`; did you mean `relu`? steps are linear, conv, bilinear, batch-norm, relu, gelu, silu, tanh, sigmoid, leaky-relu, max-pool, average-pool, global-average-pool, flatten, dropout, residual, softmax, log-softmax",
        ),
        (
            json!([{ "Conv2d": {} }]),
            "[0].Conv2d: there is no step `Conv2d`; did you mean `conv`?",
        ),
        (
            json!([{ "conv": {}, "relu": {} }]),
            "[0]: a step has one kind; this table has conv, relu",
        ),
        (
            conv(json!(32)),
            "[0].conv: `conv` is a table with the fields channels, kernel, stride, padding, dilation, groups, bias, name, not 32",
        ),
        (
            conv(json!({ "channels": 3 })),
            "[0].conv: `conv` needs the field `kernel`; write { conv = { kernel = ... } }",
        ),
        (
            conv(json!({ "channels": 3, "kernel": 0 })),
            "[0].conv.kernel: `kernel` is a whole number from 1 to 67108864, not 0",
        ),
        (
            conv(json!({ "channels": 3, "kernel": [3, 3] })),
            "not a list",
        ),
        (
            conv(json!({ "channels": 3, "kernel": 3, "strides": 2 })),
            "[0].conv.strides: `conv` has no field `strides`; did you mean `stride`? its fields are",
        ),
        (
            conv(json!({ "channels": 3, "kernel": 3, "name": "a..b" })),
            "[0].conv.name: `name` is a text of at most 100 letters",
        ),
        (
            conv(json!({ "channels": 3, "kernel": 3, "bias": 1 })),
            "[0].conv.bias: `bias` is true or false, not 1",
        ),
        (
            conv(json!({ "channels": 4, "kernel": 3, "groups": 2 })),
            "[0]: conv1 has 2 groups, which must divide its 1 input channels and its 4 output channels",
        ),
        (
            json!([{ "relu": 3 }]),
            "[0].relu: `relu` is without fields; write \"relu\", not 3",
        ),
        (
            json!([{ "linear": "all" }]),
            "[0].linear: `outputs` is a whole number or `classes`, not `all`",
        ),
        (
            json!([{ "dropout": 1 }]),
            "[0].dropout: `rate` is at least 0 and less than 1, not 1",
        ),
        (
            json!([{ "max-pool": { "kernel": 2, "padding": 2 } }]),
            "[0].max-pool.padding: `padding` is at most half the kernel of 2, not 2",
        ),
        (
            json!([{ "gelu": { "approximate": "erf" } }]),
            "[0].gelu.approximate: `approximate` is `none` or `tanh`, not `erf`",
        ),
        (
            json!(["softmax", "relu"]),
            "[0]: softmax can only be the last step",
        ),
        (
            json!([{ "residual": { "steps": ["relu", "softmax"] } }]),
            "[0].residual.steps[1]: softmax can only be",
        ),
        (
            json!([{ "residual": {} }]),
            "[0].residual: `residual` needs the field `steps`",
        ),
        (
            nested,
            "residual blocks lie more than 8 deep inside one another",
        ),
        (
            json!([{ "linear": { "outputs": 3, "name": "a" } }, { "linear": { "outputs": 10, "name": "a" } }]),
            "[1]: a step before this one is called `a`, too; give one of them another `name`",
        ),
        (
            json!([{ "conv": { "channels": 3, "kernel": 3 } }, { "max-pool": 3 }, { "conv": { "channels": 3, "kernel": 5 } }]),
            "[2]: conv2 needs an image of at least 5 x 5 pixels, its input has 2 x 2",
        ),
        (
            json!([{ "residual": { "steps": [{ "conv": { "channels": 3, "kernel": 3 } }] } }]),
            "[0]: the branch of a residual block makes 3 x 6 x 6, its shortcut 1 x 8 x 8",
        ),
        (
            json!([{ "residual": [{ "conv": { "channels": 3, "kernel": 9 } }] }]),
            "[0].residual[0]: residual1.conv1 needs an image of at least 9 x 9 pixels",
        ),
        (
            json!(["relu"]),
            "[0]: the last step makes 1 x 8 x 8 values (channels x height x width), and the data have 10 classes; end the list with { linear = \"classes\" }",
        ),
        (
            json!([{ "linear": 60000 }, { "linear": 60000 }, { "linear": 10 }]),
            "[1]: the tensor linear2.weight has more values than the limit of 268435455",
        ),
        (
            conv(json!({ "channels": 67108864, "kernel": 1 })),
            "[0]: conv1 reads or makes more values of one image than the limit of 67108864",
        ),
        (
            conv(json!({ "channels": 1, "kernel": 1, "padding": 60000 })),
            "[0]: conv1 reads or makes more values of one image than the limit",
        ),
    ] {
        let error = build(list.clone(), [1, 8, 8]).expect_err("it is refused");
        let text = error.to_string();
        assert!(text.contains(expected), "{list}: {text}");
    }
}

#[test]
fn places_of_errors_are_json_pointers() {
    for (list, pointer) in [
        (json!({}), ""),
        (
            json!(["relu", { "conv": { "channels": 3, "kernel": 0 } }]),
            "/1/conv/kernel",
        ),
        (
            json!([{ "residual": { "steps": [{ "a/b~c": 3 }] } }]),
            "/0/residual/steps/0/a~1b~0c",
        ),
    ] {
        let errors = StepList::parse(&list).expect_err("it is refused");
        assert_eq!(errors.all()[0].pointer(), pointer);
    }
}

#[test]
fn all_errors_are_said_at_once() {
    let list = json!([
        { "conv": { "chanels": 4, "kernel": 0, "bias": 1 } },
        "rleu",
        { "residual": { "steps": [{ "linear": "all" }, { "poool": 2 }], "shortcut": ["softmax", 3] } },
        { "batch-norm": { "momentum": 2, "epsilon": 0 } },
        { "linear": { "outputs": 3, "name": "a" } },
        { "linear": { "outputs": 3, "name": "a" } },
    ]);
    let errors = StepList::parse(&list).expect_err("it is refused");
    let mut found: Vec<(String, bool)> = errors
        .all()
        .iter()
        .map(|error| (error.pointer(), error.of_key))
        .collect();
    found.sort();
    let expected = [
        // That there is no field `channels` follows.
        ("/0/conv/bias", false),
        ("/0/conv/chanels", true),
        ("/0/conv/kernel", false),
        ("/1", false),
        ("/2/residual/shortcut/0", false),
        ("/2/residual/shortcut/1", false),
        ("/2/residual/steps/0/linear", false),
        ("/2/residual/steps/1/poool", true),
        ("/3/batch-norm/epsilon", false),
        ("/3/batch-norm/momentum", false),
        ("/5", false),
    ];
    let expected = expected.map(|(pointer, of_key)| (pointer.to_owned(), of_key));
    assert_eq!(found, expected);
}

#[test]
fn shapes_are_followed_past_errors_that_leave_no_doubt() {
    let block = json!({ "residual": [{ "conv": { "channels": 6, "kernel": 1 } }] });
    let list = json!([
        block,
        { "conv": { "channels": 6, "kernel": 3, "groups": 4 } },
        block,
        { "conv": { "channels": 8, "kernel": 1 } },
        block,
    ]);
    let errors = build(list, [3, 8, 8]).expect_err("it is refused");
    let places: Vec<String> = errors.all().iter().map(StepError::pointer).collect();
    // The second block adds equal shapes. The last step makes images, not classes.
    assert_eq!(places, ["/0", "/1", "/4", "/4"]);
    // Nothing is known after windows that have no room.
    let list = json!([{ "max-pool": 9 }, block, { "linear": 3 }]);
    let errors = build(list, [3, 8, 8]).expect_err("it is refused");
    assert_eq!(errors.all().len(), 1);
}

#[test]
fn the_padding_of_means_counts_only_where_there_is_some() {
    let pooled = |fields: Value| {
        let list = json!([{ "average-pool": fields }, { "linear": 10 }]);
        build(list, [1, 8, 8]).expect("it fits")
    };
    let plain = pooled(json!({ "kernel": 3 }));
    assert_eq!(
        plain,
        pooled(json!({ "kernel": 3, "count_include_pad": false }))
    );
    let padded = pooled(json!({ "kernel": 3, "padding": 1 }));
    let other = pooled(json!({ "kernel": 3, "padding": 1, "count_include_pad": false }));
    assert_ne!(padded, other);
    assert_eq!(
        padded,
        pooled(json!({ "kernel": 3, "padding": 1, "count_include_pad": true }))
    );
}

#[test]
fn no_list_is_too_long() {
    let many = vec![json!("relu"); 10_001];
    let error = StepList::parse(&Value::Array(many)).expect_err("too long");
    assert_eq!(
        error.to_string(),
        "[10000]: there are more than 10000 steps"
    );
}

#[test]
fn two_norms_of_one_name_are_refused_in_files() {
    let list = json!([{ "linear": 10 }, "batch-norm"]);
    let architecture = build(list, [1, 2, 2]).expect("it fits");
    let mut stored = serde_json::to_value(architecture).expect("serialises");
    stored["steps"][1]["normalise"]["name"] = json!("linear");
    let error = serde_json::from_value::<Architecture>(stored).expect_err("one name");
    assert!(
        error
            .to_string()
            .contains("two steps have the name `linear`")
    );
}

#[test]
fn brackets_of_blocks_from_files_must_pair() {
    let list =
        json!([{ "residual": { "steps": ["relu"], "shortcut": ["tanh"] } }, { "linear": 10 }]);
    let stored = build(list, [1, 2, 2]).expect("it fits");
    let stored = serde_json::to_value(stored).expect("serialises");
    for (remove, reason) in [
        (0, "a shortcut stands outside of a residual block"),
        (4, "a residual block has no end"),
    ] {
        let mut changed = stored.clone();
        let steps = changed["steps"].as_array_mut().expect("steps");
        steps.remove(remove);
        let error = serde_json::from_value::<Architecture>(changed).expect_err(reason);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let mut changed = stored.clone();
    let steps = changed["steps"].as_array_mut().expect("steps");
    steps.insert(0, json!("add"));
    let error = serde_json::from_value::<Architecture>(changed).expect_err("no fork");
    assert!(error.to_string().contains("a residual sum stands outside"));
    let mut changed = stored;
    let steps = changed["steps"].as_array_mut().expect("steps");
    steps.insert(3, json!("shortcut"));
    let error = serde_json::from_value::<Architecture>(changed).expect_err("twice");
    assert!(error.to_string().contains("or is its second"));
}
