//! SGD steps with momentum of every network but `bilinear`, and of listed ones, against PyTorch (tests/reference:
//! feed_forward_truth.json, embedding_truth.json, residual_truth.json, listed_truth.json).

use std::collections::BTreeMap;

use eigenscope_artifact::InputShape;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Architecture, Runner, Start, StoredModel, networks};
use eigenscope_testing::{Tolerance, assert_close, class_names, fixture, model_with};
use eigenscope_train::{OptimiserKind, SgdConstants, train_step};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Truth {
    recipe: Recipe,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Recipe {
    learning_rate: f64,
    momentum: f64,
    #[serde(default)]
    weight_decay: f64,
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
    /// Steps of a network of no kind.
    listed: Option<Value>,
    initial: Option<BTreeMap<String, Vec<f64>>>,
    loss: Vec<f64>,
    /// Of the first batch, after the steps.
    logits: Option<Vec<Vec<f64>>>,
    /// Values of the tensors after the steps, by name.
    #[serde(default)]
    r#final: BTreeMap<String, Vec<f64>>,
    /// The same in stored order, where there are no names.
    #[serde(default)]
    ordered: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Trainings {
    trainings: Vec<Training>,
}

/// A case with a recipe of its own.
#[derive(Deserialize)]
struct Training {
    recipe: Recipe,
    case: Case,
}

fn architecture(case: &Case, classes: usize) -> Architecture {
    let input = InputShape::from(case.input);
    let layers = case.layers.clone();
    let classes = class_names(classes);
    if let Some(steps) = &case.listed {
        let steps = StepList::parse(steps).expect("steps");
        return steps
            .architecture("network", input, classes)
            .expect("large enough");
    }
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
    let mut counted = 0;
    model_with(&architecture, |_, parameter| {
        let values = parameter.shape.iter().product();
        let first = 100_003 * counted;
        counted += usize::from(parameter.trained);
        match (&case.initial, parameter.start) {
            (Some(initial), _) => {
                let values = initial[&parameter.name].iter();
                values.map(|&value| value as f32).collect()
            }
            (None, Start::Constant(value)) => vec![value; values],
            (None, Start::Uniform { fan_in }) => {
                let scale = (fan_in as f32).sqrt();
                let number = |i| 2.0 * pseudo_random(i + first, 0) / scale;
                (0..values).map(number).collect()
            }
        }
    })
}

fn batch(step: usize, recipe: &Recipe, pixels: usize) -> (Vec<f32>, Vec<u16>) {
    let samples = step * recipe.batch..(step + 1) * recipe.batch;
    let image = |sample| (0..pixels).map(move |pixel| pseudo_random(sample, pixel));
    let labels = samples
        .clone()
        .map(|sample| (sample % recipe.classes) as u16);
    (samples.flat_map(image).collect(), labels.collect())
}

/// Mask number i of a training keeps the values at which (7919 i + 104729 value) mod 1009 is at least 1009 times the rate.
fn masks() -> impl FnMut(usize, f64) -> Vec<f32> {
    let mut number = 0;
    move |length, rate| {
        let keep = |value| ((7919 * number + 104_729 * value) % 1009) as f64 >= 1009.0 * rate;
        let kept = (1.0 / (1.0 - rate)) as f32;
        let mask = (0..length).map(|value| if keep(value) { kept } else { 0.0 });
        let mask = mask.collect();
        number += 1;
        mask
    }
}

const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-5);

fn check(case: &Case, recipe: &Recipe) {
    let network = &case.network;
    let pixels = case.input.iter().product();
    let mut model = model(case, recipe.classes);
    let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
    let optimiser = OptimiserKind::Sgd(SgdConstants {
        weight_decay: recipe.weight_decay,
        ..SgdConstants::new(recipe.momentum)
    });
    let mut optimiser = optimiser.start(lengths);
    let mut losses = Vec::new();
    let mut masks = masks();
    for step in 0..recipe.steps {
        let (inputs, labels) = batch(step, recipe, pixels);
        let rate = recipe.learning_rate;
        let result = train_step(
            &mut model,
            &mut optimiser,
            rate,
            inputs,
            &labels,
            &mut masks,
        );
        losses.push(f64::from(result.expect("a finite step").loss_nats));
    }
    let what = |values: &str| format!("{network}: {values}");
    assert_close(what("losses"), &losses, &case.loss, TOLERANCE);
    for (position, tensor) in model.tensors.iter().enumerate() {
        let every = recipe.every.filter(|&every| tensor.data.len() >= every);
        let found = tensor.data.iter().step_by(every.unwrap_or(1));
        let found: Vec<f32> = found.copied().collect();
        let expected = match case.ordered.get(position) {
            Some(expected) => expected,
            None => &case.r#final[&tensor.name],
        };
        assert_close(what(&tensor.name), &found, expected, TOLERANCE);
    }
    if let Some(expected) = &case.logits {
        let (inputs, _) = batch(0, recipe, pixels);
        let steps = model.architecture.steps().len();
        let runner = Runner::new(&model).expect("it loads");
        let logits = runner.run(0..steps, inputs.into(), recipe.batch);
        let logits = logits.expect("finite").rows;
        assert_close(what("logits"), &logits, &expected.concat(), TOLERANCE);
    }
}

#[test]
fn networks_without_biases() {
    let Truth { recipe, cases } = fixture("feed_forward_truth.json");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        check(case, &recipe);
    }
}

/// Biases, max pooling, batch normalisation in training and after.
#[test]
fn networks_with_embeddings() {
    let Truth { recipe, cases } = fixture("embedding_truth.json");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        check(case, &recipe);
    }
}

/// Residual blocks with and without a shortcut, weight decay of all parameters.
#[test]
fn residual_networks() {
    let Truth { recipe, cases } = fixture("residual_truth.json");
    assert_eq!(cases.len(), 1);
    check(&cases[0], &recipe);
}

/// One like VGG with batch normalisation and dropout, and the ResNet-20 of `pipelines/resnet20.toml`.
#[test]
fn listed_networks() {
    let Trainings { trainings } = fixture("listed_truth.json");
    assert_eq!(trainings.len(), 2);
    for Training { recipe, case } in &trainings {
        check(case, recipe);
    }
}
