//! SGD steps with momentum of every network but `bilinear` against PyTorch (tests/reference: feed_forward_truth.json,
//! embedding_truth.json).

use std::collections::BTreeMap;

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_models::{Architecture, Runner, Start, StoredModel, networks};
use eigenscope_train::{OptimiserKind, train_step};
use serde::Deserialize;

#[derive(Deserialize)]
struct Truth {
    recipe: Recipe,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Recipe {
    learning_rate: f64,
    momentum: f64,
    steps: usize,
    batch: usize,
    classes: usize,
    /// Every how many of a tensor's final values is stored, if not all are.
    every: Option<usize>,
}

#[derive(Deserialize)]
struct Case {
    network: String,
    input: [usize; 3],
    #[serde(default)]
    layers: Vec<usize>,
    initial: Option<BTreeMap<String, Vec<f64>>>,
    loss: Vec<f64>,
    /// Of the first batch, after the steps.
    logits: Option<Vec<Vec<f64>>>,
    r#final: BTreeMap<String, Vec<f64>>,
}

fn truth(fixture: &str) -> Truth {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference");
    let text = std::fs::read_to_string(format!("{folder}/{fixture}")).expect("committed");
    serde_json::from_str(&text).expect("the fixture has the documented layout")
}

fn architecture(case: &Case, classes: usize) -> Architecture {
    let input = InputShape::from(case.input);
    let layers = case.layers.clone();
    let classes = (0..classes).map(|class| class.to_string()).collect();
    let architecture = match case.network.as_str() {
        "mlp" => networks::mlp(layers).architecture(input, classes),
        "cnn" => networks::cnn(layers).architecture(input, classes),
        "convnet" => networks::convnet().architecture(input, classes),
        _ => networks::embedding_net(3).architecture(input, classes),
    };
    architecture.expect("large enough")
}

/// (((7919 sample + 104729 pixel) mod 1009) / 1009 - 0.5
fn pseudo_random(first: usize, second: usize) -> f32 {
    ((7919 * first + 104_729 * second) % 1009) as f32 / 1009.0 - 0.5
}

fn model(case: &Case, classes: usize) -> StoredModel {
    let architecture = architecture(case, classes);
    let parameters = architecture.parameters();
    let mut counted = 0;
    let tensors = parameters.into_iter().map(|parameter| {
        let values = parameter.shape.iter().product();
        let data = match (&case.initial, parameter.start) {
            (Some(initial), _) => {
                let values = initial[&parameter.name].iter();
                values.map(|&value| value as f32).collect()
            }
            (None, Start::Constant(value)) => vec![value; values],
            (None, Start::Uniform { fan_in }) => {
                let scale = (fan_in as f32).sqrt();
                let number = |i| 2.0 * pseudo_random(i + 100_003 * counted, 0) / scale;
                (0..values).map(number).collect()
            }
        };
        counted += usize::from(parameter.trained);
        NamedTensor {
            name: parameter.name,
            shape: parameter.shape,
            data,
        }
    });
    let tensors = tensors.collect();
    StoredModel::new(architecture, tensors).expect("the fixture's tensors fit")
}

fn batch(step: usize, recipe: &Recipe, pixels: usize) -> (Vec<f32>, Vec<u16>) {
    let samples = step * recipe.batch..(step + 1) * recipe.batch;
    let image = |sample| (0..pixels).map(move |pixel| pseudo_random(sample, pixel));
    let labels = samples
        .clone()
        .map(|sample| (sample % recipe.classes) as u16);
    (samples.flat_map(image).collect(), labels.collect())
}

/// max |found - expected| / max |expected|
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest =
        |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |a: f64, b| a.max(b.abs()));
    largest(&mut found.iter().zip(expected).map(|(a, b)| a - b))
        / largest(&mut expected.iter().copied())
}

fn check(case: &Case, recipe: &Recipe) {
    let network = &case.network;
    let pixels = case.input.iter().product();
    let mut model = model(case, recipe.classes);
    let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
    let kind = OptimiserKind::Sgd {
        momentum: recipe.momentum,
    };
    let mut optimiser = kind.start(lengths);
    let mut losses = Vec::new();
    for step in 0..recipe.steps {
        let (inputs, labels) = batch(step, recipe, pixels);
        let rate = recipe.learning_rate;
        let result = train_step(&mut model, &mut optimiser, rate, inputs, &labels);
        losses.push(f64::from(result.expect("a finite step").loss_nats));
    }
    let off = difference(&losses, &case.loss);
    assert!(off < 1e-5, "{network}: losses differ by {off:e}");
    for tensor in &model.tensors {
        let every = recipe.every.filter(|&every| tensor.data.len() >= every);
        let found = tensor.data.iter().step_by(every.unwrap_or(1));
        let found: Vec<f64> = found.map(|&value| f64::from(value)).collect();
        let off = difference(&found, &case.r#final[&tensor.name]);
        assert!(off < 1e-5, "{network} {} differs by {off:e}", tensor.name);
    }
    if let Some(expected) = &case.logits {
        let (inputs, _) = batch(0, recipe, pixels);
        let steps = model.architecture.steps().len();
        let runner = Runner::new(&model).expect("it loads");
        let logits = runner.run(0..steps, inputs, recipe.batch).expect("finite");
        let found: Vec<f64> = logits.into_iter().map(f64::from).collect();
        let off = difference(&found, &expected.concat());
        assert!(off < 1e-5, "{network}: logits differ by {off:e}");
    }
}

#[test]
fn networks_without_biases() {
    let Truth { recipe, cases } = truth("feed_forward_truth.json");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        check(case, &recipe);
    }
}

/// Biases, max pooling, batch normalisation in training and after.
#[test]
fn networks_with_embeddings() {
    let Truth { recipe, cases } = truth("embedding_truth.json");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        check(case, &recipe);
    }
}
