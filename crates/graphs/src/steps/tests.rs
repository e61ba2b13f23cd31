//! Graphs of both exporters of PyTorch become steps that make PyTorch's logits; so do graphs that were written from these steps.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_checkpoint::{Checkpoint, onnx};
use eigenscope_models::steps::StepList;
use eigenscope_models::{Runner, State, StoredModel};
use eigenscope_testing::{Tolerance, assert_close, class_names, fixture, numbers, workspace};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{GraphError, GraphNetwork};

const MODELS: [&str; 6] = ["lenet", "vgg", "resnet", "depthwise", "mlp", "bilinear"];

fn path(name: &str) -> PathBuf {
    workspace("tests/reference/checkpoints").join(name)
}

fn network(checkpoint: &Checkpoint) -> Result<GraphNetwork, GraphError> {
    Ok(GraphNetwork::read(checkpoint)?.expect("a graph"))
}

/// The model of images of 1 x 16 x 16 pixels in ten classes that the steps and tensors of a file make.
fn model(checkpoint: &Checkpoint) -> StoredModel {
    read_model(checkpoint, InputShape::from([1, 16, 16]), 10)
}

/// The model that the steps and tensors of a file make.
pub(super) fn read_model(
    checkpoint: &Checkpoint,
    input: InputShape,
    classes: usize,
) -> StoredModel {
    let network = network(checkpoint).expect("steps");
    let list = StepList::parse(&network.steps).expect("a list of steps");
    let architecture = list.architecture("model", input, class_names(classes));
    let architecture = architecture.expect("it fits");
    let tensors = architecture.parameters().into_iter().map(|parameter| {
        let found = network
            .tensors
            .iter()
            .find(|tensor| tensor.name == parameter.name);
        let found = found.unwrap_or_else(|| panic!("no tensor {}", parameter.name));
        assert_eq!(found.shape, parameter.shape, "{}", parameter.name);
        let values = network
            .values(checkpoint, &parameter.name)
            .expect("a tensor");
        NamedTensor {
            name: parameter.name,
            shape: parameter.shape,
            data: values.expect("readable"),
        }
    });
    let tensors: Vec<NamedTensor> = tensors.collect();
    assert_eq!(tensors.len(), network.tensors.len());
    StoredModel::new(architecture, tensors).expect("tensors that fit")
}

/// Logits of the images of the fixture, value i of which is ((37 i + 11) mod 64) / 64.
fn logits(model: &StoredModel) -> Vec<f32> {
    let images: Vec<f32> = (0..1024u16)
        .map(|index| f32::from((37 * (index % 64) + 11) % 64) / 64.0)
        .collect();
    let runner = Runner::new(model).expect("it loads");
    let steps = model.architecture.steps().len();
    let state = runner.run(0..steps, State::from(images), 4);
    state.expect("it runs").rows
}

fn expected(name: &str) -> Vec<f64> {
    let truth: Value = fixture("checkpoint_truth.json");
    numbers(&truth["models"][name]["logits"])
}

/// Checks logits, or their softmax where the network ends in it.
fn check(file: &str, name: &str, model: &StoredModel) {
    let mut found = logits(model);
    if name == "mlp" {
        for row in found.chunks_exact_mut(10) {
            let sum: f32 = row.iter().map(|value| value.exp()).sum();
            row.iter_mut().for_each(|value| *value = value.exp() / sum);
        }
    }
    assert_close(file, &found, &expected(name), Tolerance::Relative(1e-5));
}

#[test]
fn graphs_of_both_exporters_make_the_logits_of_pytorch() {
    let mut files: Vec<(String, &str)> = MODELS
        .iter()
        .flat_map(|&name| ["onnx", "dynamo.onnx"].map(|ending| (format!("{name}.{ending}"), name)))
        .collect();
    files.push(("vgg.norm.onnx".to_owned(), "vgg"));
    for (file, name) in files {
        let checkpoint = Checkpoint::open(&path(&file), None).expect(&file);
        check(&file, name, &model(&checkpoint));
    }
}

#[test]
fn images_with_channels_last_are_read_with_channels_first() {
    let truth: Value = fixture("channels_last_truth.json");
    for name in ["channels_last", "one_channel_last"] {
        let checkpoint = Checkpoint::open(&path(&format!("{name}.onnx")), None).expect(name);
        let truth = &truth["models"][name];
        let size = numbers(&truth["size"]);
        let size = [size[0], size[1], size[2]].map(|size| size as usize);
        assert_eq!(network(&checkpoint).expect("steps").input, Some(size));
        let input = InputShape::from(size);
        let model = read_model(&checkpoint, input, 5);
        let images: Vec<f32> = (0..4 * input.len())
            .map(|index| ((37 * index + 11) % 64) as f32 / 64.0)
            .collect();
        let runner = Runner::new(&model).expect("it loads");
        let steps = model.architecture.steps().len();
        let found = runner
            .run(0..steps, State::from(images), 4)
            .expect("it runs");
        let expected = numbers(&truth["logits"]);
        assert_close(name, &found.rows, &expected, Tolerance::OfLargest(1e-5));
    }
}

#[test]
fn other_uses_of_channels_last_are_refused() {
    let transposed = |reads: &str, makes: &str, order: &[i64]| {
        node(
            "Transpose",
            &[reads],
            makes,
            &[("perm", onnx::Attribute::Ints(order.to_vec()))],
        )
    };
    let (first, last) = ([0, 3, 1, 2], [0, 2, 3, 1]);
    for (nodes, part) in [
        (
            vec![transposed("x", "y", &[0, 2, 1, 3])],
            "it exchanges dimensions",
        ),
        // The images as they are read, beside the same with channels first.
        (
            vec![
                transposed("x", "first", &first),
                node("Relu", &["x"], "y", &[]),
            ],
            "it reads values with the channels last",
        ),
        (
            vec![
                transposed("x", "last", &last),
                node("Relu", &["last"], "y", &[]),
            ],
            "it reads values with the channels last",
        ),
        (
            vec![
                transposed("x", "last", &last),
                node("Flatten", &["last"], "row", &[]),
                node("Relu", &["row"], "y", &[]),
            ],
            "only a linear map may do so",
        ),
        (
            vec![
                transposed("x", "last", &last),
                node("Flatten", &["last"], "y", &[]),
            ],
            "only a linear map may do so",
        ),
    ] {
        let said = refused(nodes, &[]);
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_graph_that_is_written_makes_the_same_logits() {
    for name in MODELS {
        let file = format!("{name}.onnx");
        let checkpoint = Checkpoint::open(&path(&file), None).expect(&file);
        let stored = model(&checkpoint);
        let mut written = Vec::new();
        onnx::write(&mut written, &crate::graph_of(&stored)).expect("written");
        let exported = path(&format!("{name}.exported.onnx"));
        if std::env::var_os("EIGENSCOPE_WRITE_FIXTURES").is_some() {
            std::fs::write(&exported, &written).expect("written");
        }
        // onnxruntime computes PyTorch's logits from these files; see `check_exported` in the script of the fixtures.
        assert!(
            written == std::fs::read(&exported).expect("readable"),
            "{name}"
        );
        let read = Checkpoint::of_bytes(Path::new("written.onnx"), written, None);
        let again = model(&read.expect("readable"));
        assert_eq!(logits(&again), logits(&stored), "{name}");
        assert_eq!(again.architecture, stored.architecture, "{name}");
    }
}

#[test]
fn steps_are_those_that_a_user_would_write() {
    let steps = |file: &str| {
        let checkpoint = Checkpoint::open(&path(file), None).expect(file);
        network(&checkpoint).expect("steps").steps
    };
    assert_eq!(
        steps("bilinear.dynamo.onnx"),
        json!([
            "flatten",
            { "linear": { "bias": false, "name": "embed", "outputs": 12 } },
            { "residual": { "name": "residual1", "steps": [{ "bilinear": { "bias": false, "name": "blocks.0", "outputs": 12 } }] } },
            { "residual": { "name": "residual2", "steps": [{ "bilinear": { "bias": false, "name": "blocks.1", "outputs": 12 } }] } },
            { "linear": { "bias": false, "name": "head", "outputs": 10 } },
        ])
    );
    let conv = |name: &str, channels: usize, kernel: usize, stride: usize, padding: usize| {
        json!({ "conv": {
            "bias": true, "channels": channels, "dilation": 1, "groups": 1, "kernel": kernel, "name": name,
            "padding": padding, "stride": stride,
        } })
    };
    assert_eq!(
        steps("resnet.onnx"),
        json!([
            conv("conv1", 4, 3, 1, 1),
            "relu",
            { "max-pool": { "kernel": 3, "padding": 1, "stride": 2 } },
            { "residual": { "name": "layer1.0", "steps": [conv("conv1", 4, 3, 1, 1), "relu", conv("conv2", 4, 3, 1, 1)] } },
            "relu",
            { "residual": {
                "name": "layer2.0",
                "steps": [conv("conv1", 6, 3, 2, 1), "relu", conv("conv2", 6, 3, 1, 1)],
                "shortcut": [conv("downsample.0", 6, 1, 2, 0)],
            } },
            "relu",
            "global-average-pool",
            "flatten",
            { "linear": { "bias": true, "name": "fc", "outputs": 10 } },
        ])
    );
    let mlp = steps("mlp.onnx");
    assert_eq!(mlp[2], "gelu");
    assert_eq!(mlp[4], json!({ "gelu": { "approximate": "tanh" } }));
    assert_eq!(mlp[6], "softmax");
    let depthwise = steps("depthwise.onnx");
    assert_eq!(depthwise[1], "silu");
    assert_eq!(depthwise[4], json!({ "leaky-relu": 0.1 }));
    let norm = json!({ "batch-norm": { "name": "features.1", "epsilon": 1e-5, "momentum": 0.1 } });
    assert_eq!(steps("vgg.norm.onnx")[1], norm);
}

fn refused(nodes: Vec<onnx::Node>, weights: &[(&str, &[usize])]) -> String {
    let error = network(&checkpoint(nodes, weights)).expect_err("refused");
    error.to_string()
}

fn checkpoint(nodes: Vec<onnx::Node>, weights: &[(&str, &[usize])]) -> Checkpoint {
    let info = |name: &str, shape: &[usize]| onnx::ValueInfo {
        name: name.to_owned(),
        dtype: None,
        shape: Some(
            shape
                .iter()
                .map(|&side| onnx::Dimension::Fixed(side))
                .collect(),
        ),
    };
    let initializers = weights.iter().map(|(name, shape)| onnx::Initializer {
        name: (*name).to_owned(),
        shape: shape.to_vec(),
        values: onnx::InitialValues::Floats(vec![0.5; shape.iter().product()].into()),
    });
    let graph = onnx::NewGraph {
        inputs: vec![info("x", &[1, 4, 8, 8])],
        outputs: vec![info("y", &[1, 10])],
        nodes,
        initializers: initializers.collect(),
        ..onnx::NewGraph::default()
    };
    let mut bytes = Vec::new();
    onnx::write(&mut bytes, &graph).expect("written");
    Checkpoint::of_bytes(Path::new("m.onnx"), bytes, None).expect("readable")
}

fn node(
    op: &str,
    inputs: &[&str],
    output: &str,
    attributes: &[(&str, onnx::Attribute)],
) -> onnx::Node {
    onnx::Node {
        name: String::new(),
        op_type: op.to_owned(),
        domain: String::new(),
        inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
        outputs: vec![output.to_owned()],
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    }
}

#[test]
fn tensors_that_an_exporter_keeps_once_do_not_mix_the_names_of_blocks() {
    let pads = onnx::Attribute::Ints(vec![1; 4]);
    let shared = ["weight", "bias", "running_mean", "running_var"];
    let shared = shared.map(|last| format!("layer1.0.bn1.{last}"));
    let block = |number: usize, input: &str, node_name: &str| {
        let [conv, norm, sum] = ["c", "n", "s"].map(|stem| format!("{stem}{number}"));
        let weight = format!("layer1.{number}.conv1.weight");
        let of_norm: Vec<&str> = [conv.as_str()]
            .into_iter()
            .chain(shared.iter().map(String::as_str))
            .collect();
        let normalise = onnx::Node {
            name: node_name.to_owned(),
            ..node("BatchNormalization", &of_norm, &norm, &[])
        };
        vec![
            node("Conv", &[input, &weight], &conv, &[("pads", pads.clone())]),
            normalise,
            node("Add", &[&norm, input], &sum, &[]),
        ]
    };
    let kernel: &[usize] = &[4, 4, 3, 3];
    let mut weights = vec![
        ("layer1.0.conv1.weight", kernel),
        ("layer1.1.conv1.weight", kernel),
        ("layer1.2.conv1.weight", kernel),
    ];
    weights.extend(shared.iter().map(|name| (name.as_str(), &[4_usize][..])));
    let of_pytorch = "/layer1/layer1.2/bn1/BatchNormalization";
    let mut nodes = block(0, "x", "");
    nodes.extend(block(1, "s0", "node_batch_norm_1"));
    nodes.extend(block(2, "s1", of_pytorch));
    nodes.push(node("Relu", &["s2"], "y", &[]));
    let network = network(&checkpoint(nodes, &weights)).expect("steps");
    let layers = network.tensors.iter();
    let mut names: Vec<&str> = layers
        .map(|tensor| tensor.name.rsplit_once('.').expect("a layer").0)
        .collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "layer1.0.bn1",
            "layer1.0.conv1",
            "layer1.1.conv1",
            "layer1.1.norm1",
            "layer1.2.bn1",
            "layer1.2.conv1",
        ]
    );
}

#[test]
fn what_steps_do_not_have_is_refused_with_operator_and_node() {
    let ints = |values: &[i64]| onnx::Attribute::Ints(values.to_vec());
    let conv = |attributes: &[(&str, onnx::Attribute)]| {
        refused(
            vec![node("Conv", &["x", "w"], "y", attributes)],
            &[("w", &[4, 4, 3, 3])],
        )
    };
    for (found, reason) in [
        (
            refused(vec![node("Einsum", &["x"], "y", &[])], &[]),
            "Einsum `y`: this operator cannot be a step; known are Conv",
        ),
        (
            refused(vec![node("DynamicQuantizeLinear", &["x"], "y", &[])], &[]),
            "DynamicQuantizeLinear `y`: the model is quantised, and",
        ),
        (
            refused(vec![node("QLinearConv", &["x"], "y", &[])], &[]),
            "export it as it was before it was quantised",
        ),
        (
            conv(&[("pads", ints(&[1, 1, 0, 0]))]),
            "Conv `y`: `pads` is [1, 1, 0, 0]",
        ),
        (conv(&[("strides", ints(&[1, 2]))]), "`strides` is [1, 2]"),
        (
            conv(&[("group", onnx::Attribute::Int(2))]),
            "reads 4 channels in each of 2 groups, it is given 4",
        ),
        (
            conv(&[
                ("auto_pad", onnx::Attribute::Text("SAME_UPPER".into())),
                ("strides", ints(&[2, 2])),
            ]),
            "`SAME_UPPER`",
        ),
        (
            refused(
                vec![node("Conv", &["x", "w"], "y", &[])],
                &[("w", &[4, 4, 3, 1])],
            ),
            "its windows are 3 x 1",
        ),
        (
            refused(
                vec![node("MatMul", &["x", "w"], "y", &[])],
                &[("w", &[8, 10])],
            ),
            "flatten images first",
        ),
        (
            refused(
                vec![
                    node("Flatten", &["x"], "f", &[]),
                    node("MatMul", &["f", "w"], "y", &[]),
                ],
                &[("w", &[8, 10])],
            ),
            "its weight reads 8 values, it is given 256",
        ),
        (
            refused(vec![node("Sub", &["x", "w"], "y", &[])], &[("w", &[])]),
            "If it normalises pixels",
        ),
        (
            refused(vec![node("Mul", &["x", "x"], "y", &[])], &[]),
            "no function that steps have",
        ),
        (
            refused(vec![node("Add", &["x", "w"], "y", &[])], &[("w", &[4])]),
            "a constant is added",
        ),
        (
            refused(
                vec![node(
                    "MaxPool",
                    &["x"],
                    "y",
                    &[
                        ("kernel_shape", ints(&[3, 3])),
                        ("strides", ints(&[2, 2])),
                        ("ceil_mode", onnx::Attribute::Int(1)),
                    ],
                )],
                &[],
            ),
            "rounds the number of windows up",
        ),
        (
            refused(
                vec![node("ReduceMean", &["x"], "y", &[("axes", ints(&[1]))])],
                &[],
            ),
            "not the mean over height and width",
        ),
        (
            refused(
                vec![
                    node("Relu", &["x"], "r", &[]),
                    node("GlobalAveragePool", &["x"], "g", &[]),
                    node("Mul", &["r", "g"], "y", &[]),
                ],
                &[],
            ),
            "it multiplies two values",
        ),
        (
            refused(vec![node("Softmax", &["x"], "y", &[])], &[]),
            "it is not over the classes",
        ),
        (
            refused(
                vec![
                    node("Conv", &["x", "w"], "a", &[]),
                    node("Conv", &["a", "v"], "b", &[]),
                    node("Conv", &["a", "v"], "c", &[]),
                    node("Add", &["b", "c"], "d", &[]),
                    node("Conv", &["b", "v"], "e", &[]),
                    node("Conv", &["d", "v"], "f", &[]),
                    node("Add", &["e", "f"], "y", &[]),
                ],
                &[("w", &[4, 4, 3, 3]), ("v", &[4, 4, 1, 1])],
            ),
            "do not lie within each other as residual blocks do",
        ),
    ] {
        assert!(found.contains(reason), "{found}\ninstead of {reason}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_changed_graph_does_no_harm(
        file in 0..MODELS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = std::fs::read(path(&format!("{}.onnx", MODELS[file]))).expect("readable");
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(checkpoint) = Checkpoint::of_bytes(Path::new("m.onnx"), bytes, None)
            && let Ok(network) = network(&checkpoint)
        {
            let list = StepList::parse(&network.steps);
            let _ = list.map(|list| list.architecture("model", InputShape::from([1, 16, 16]), class_names(10)));
        }
    }
}
