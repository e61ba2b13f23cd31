//! What a layer computes is its weight times its samples, for convolutions too.

use eigenscope_artifact::InputShape;
use eigenscope_models::{Layer, Network, Runner, StoredModel, networks};
use eigenscope_testing::{Tolerance, assert_close, model_with};

/// Numbers without a pattern, the same on every run.
fn numbers(count: usize, mut state: u32) -> Vec<f32> {
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn model(network: Network) -> StoredModel {
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let architecture = network.architecture(InputShape::from([2, 16, 13]), classes);
    let architecture = architecture.expect("the images are large enough");
    model_with(&architecture, |index, parameter| {
        numbers(parameter.shape.iter().product(), index as u32)
    })
}

/// W times every sample, channel-major like the output of the layer.
fn by_hand(layer: &Layer, weight: &[f32], inputs: &[f32], images: usize) -> Vec<f64> {
    let (width, samples) = (layer.inputs(), layer.samples());
    let unfolded = layer.unfold(inputs, images);
    let mut outputs = Vec::new();
    for image in unfolded.chunks_exact(samples * width) {
        for row in weight.chunks_exact(width) {
            outputs.extend(image.chunks_exact(width).map(|sample| {
                let products = row.iter().zip(sample);
                products
                    .map(|(a, b)| f64::from(*a) * f64::from(*b))
                    .sum::<f64>()
            }));
        }
    }
    outputs
}

#[test]
fn every_layer_is_its_weight_times_its_samples() {
    let networks = [
        networks::mlp(vec![7, 5]),
        networks::cnn(vec![4, 6]),
        networks::bilinear(6, false),
    ];
    for network in networks {
        let model = model(network);
        let runner = Runner::new(&model).expect("it loads");
        let images = 3;
        let inputs = numbers(images * model.architecture.input.len(), 99);
        let (mut at, mut rows) = (0, inputs);
        for (position, layer) in model.architecture.layers() {
            rows = runner.run(at..position, rows, images).expect("it runs");
            assert_eq!(rows.len(), images * layer.input.len(), "{}", layer.name);
            let weight = model
                .tensors
                .iter()
                .find(|tensor| tensor.name == layer.weight());
            let weight = &weight.expect("it has a weight").data;
            let expected = by_hand(layer, weight, &rows, images);
            rows = runner
                .run(position..position + 1, rows, images)
                .expect("it runs");
            at = position + 1;
            assert_eq!(rows.len(), images * layer.output().len(), "{}", layer.name);
            assert_close(&layer.name, &rows, &expected, Tolerance::Absolute(1e-4));
        }
    }
}

#[test]
fn a_network_may_be_cut_anywhere() {
    let model = model(networks::cnn(vec![4, 6]));
    let runner = Runner::new(&model).expect("it loads");
    let steps = model.architecture.steps().len();
    let images = 5;
    let inputs = numbers(images * model.architecture.input.len(), 7);
    let whole = runner.run(0..steps, inputs.clone(), images);
    let whole = whole.expect("it runs");
    for cut in 0..=steps {
        let first = runner.run(0..cut, inputs.clone(), images).expect("it runs");
        let rest = runner.run(cut..steps, first, images).expect("it runs");
        let what = format!("cut at {cut}");
        assert_close(what, &rest, &whole, Tolerance::Absolute(1e-5));
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
