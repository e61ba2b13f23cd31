//! What a layer computes is its weight times its samples, for convolutions too.

use eigenscope_artifact::InputShape;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Architecture, Layer, Network, Runner, State, StoredModel, networks};
use eigenscope_testing::{Tolerance, assert_close, model_with};
use serde_json::json;

/// Numbers without a pattern, the same on every run.
fn numbers(count: usize, mut state: u32) -> Vec<f32> {
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

const INPUT: [usize; 3] = [2, 16, 13];

fn classes() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).to_vec()
}

fn model(network: Network) -> StoredModel {
    let architecture = network.architecture(InputShape::from(INPUT), classes());
    with_numbers(architecture.expect("the images are large enough"))
}

fn with_numbers(architecture: Architecture) -> StoredModel {
    model_with(&architecture, |index, parameter| {
        let mut values = numbers(parameter.shape.iter().product(), index as u32);
        if parameter.name.ends_with("running_var") {
            values.iter_mut().for_each(|value| *value += 1.0);
        }
        values
    })
}

/// Blocks in one another, a shortcut, groups, padding, dilation, every activation and pooling.
fn listed() -> StoredModel {
    let conv =
        |channels: usize| json!({ "conv": { "channels": channels, "kernel": 3, "padding": 1 } });
    let block = json!({ "residual": {
        "steps": [conv(6), "batch-norm", { "residual": ["gelu", conv(6)] }, "silu"],
        "shortcut": [{ "conv": { "channels": 6, "kernel": 1, "bias": false } }, "batch-norm"],
    }});
    let list = json!([
        { "conv": { "channels": 4, "kernel": 3, "stride": 2, "padding": 2, "dilation": 2, "groups": 2 } },
        block,
        "relu",
        { "max-pool": { "kernel": 3, "stride": 2, "padding": 1 } },
        { "conv": { "channels": 6, "kernel": 3, "padding": 1, "groups": 6 } },
        { "average-pool": 2 },
        { "leaky-relu": 0.1 },
        "flatten",
        { "dropout": 0.5 },
        { "linear": 5 },
        "tanh",
        { "residual": [{ "bilinear": 5 }] },
        "sigmoid",
        { "linear": "classes" },
    ]);
    let list = StepList::parse(&list).expect("it reads");
    let architecture = list.architecture("listed", InputShape::from(INPUT), classes());
    with_numbers(architecture.expect("it fits"))
}

/// W times every sample, channel-major like the output of the layer.
fn by_hand(layer: &Layer, weight: &[f32], bias: &[f32], inputs: &[f32], images: usize) -> Vec<f64> {
    let (width, places) = (layer.inputs(), layer.places());
    let unfolded = layer.unfold(inputs, images);
    let mut outputs = Vec::new();
    for image in unfolded.chunks_exact(layer.samples() * width) {
        for (output, row) in weight.chunks_exact(width).enumerate() {
            let group = output / (layer.outputs / layer.groups);
            let samples = &image[group * places * width..][..places * width];
            outputs.extend(samples.chunks_exact(width).map(|sample| {
                let products = row.iter().zip(sample);
                let bias = bias.get(output).copied().unwrap_or(0.0);
                f64::from(bias)
                    + products
                        .map(|(a, b)| f64::from(*a) * f64::from(*b))
                        .sum::<f64>()
            }));
        }
    }
    outputs
}

#[test]
fn every_layer_is_its_weight_times_its_samples() {
    let models = [
        model(networks::mlp(vec![7, 5])),
        model(networks::cnn(vec![4, 6])),
        model(networks::bilinear(6, false)),
        model(networks::bilinear_blocks(6, true, 2, true)),
        listed(),
    ];
    for model in models {
        let runner = Runner::new(&model).expect("it loads");
        let images = 3;
        let inputs = numbers(images * model.architecture.input.len(), 99);
        let (mut at, mut state) = (0, State::from(inputs));
        for (position, layer) in model.architecture.layers() {
            let values = |name: &str| model.tensor(name).map(|tensor| tensor.data.clone());
            state = runner.run(at..position, state, images).expect("it runs");
            assert_eq!(
                state.rows.len(),
                images * layer.input.len(),
                "{}",
                layer.name
            );
            let weight = values(&layer.weight()).expect("it has a weight");
            let bias = values(&layer.bias_name()).unwrap_or_default();
            let expected = by_hand(layer, &weight, &bias, &state.rows, images);
            state = runner
                .run(position..position + 1, state, images)
                .expect("it runs");
            at = position + 1;
            assert_close(
                &layer.name,
                &state.rows,
                &expected,
                Tolerance::Absolute(1e-4),
            );
        }
    }
}

#[test]
fn a_network_may_be_cut_anywhere() {
    for model in [model(networks::cnn(vec![4, 6])), listed()] {
        let runner = Runner::new(&model).expect("it loads");
        let steps = model.architecture.steps().len();
        let images = 5;
        let inputs = numbers(images * model.architecture.input.len(), 7);
        let whole = runner.run(0..steps, inputs.clone().into(), images);
        let whole = whole.expect("it runs").rows;
        for cut in 0..=steps {
            // The images in two parts, put together at the cut.
            let mut state = State::default();
            for part in [0..2, 2..images] {
                let width = model.architecture.input.len();
                let rows = inputs[part.start * width..part.end * width].to_vec();
                let first = runner.run(0..cut, rows.into(), part.len());
                state.append(first.expect("it runs"));
            }
            let rest = runner.run(cut..steps, state, images).expect("it runs");
            let what = format!("cut at {cut}");
            assert_close(what, &rest.rows, &whole, Tolerance::Absolute(1e-5));
        }
    }
}

#[test]
fn layers_are_chosen_by_name() {
    let model = model(networks::cnn(vec![4, 6]));
    let names = |chosen: &[&str]| -> Result<Vec<String>, String> {
        let chosen: Vec<String> = chosen.iter().map(|name| (*name).to_owned()).collect();
        let layers = model.architecture.select_layers(&chosen);
        let layers = layers.map_err(|error| error.to_string())?.into_iter();
        Ok(layers.map(|(_, layer)| layer.name.clone()).collect())
    };
    assert_eq!(
        names(&[]),
        Ok(["conv1", "conv2", "linear"].map(str::to_owned).to_vec())
    );
    assert_eq!(
        names(&["linear", "conv2"]),
        Ok(["conv2", "linear"].map(str::to_owned).to_vec())
    );
    assert_eq!(
        names(&["layer1"]),
        Err("there is no layer `layer1`, the model has conv1, conv2, linear".to_owned())
    );
}
