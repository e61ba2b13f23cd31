//! Twenty training steps against PyTorch (tests/reference/training_truth.json).

use std::collections::BTreeMap;
use std::io::Read;

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_models::{StoredModel, networks};
use eigenscope_train::{OptimiserKind, cosine, train_step};
use serde::Deserialize;

#[derive(Deserialize)]
struct Truth {
    hidden: usize,
    inputs: usize,
    recipe: Recipe,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Recipe {
    learning_rate: f64,
    weight_decay: f64,
    cosine_epochs: u32,
    batches_per_epoch: usize,
}

#[derive(Deserialize)]
struct Case {
    bias: bool,
    initial: BTreeMap<String, Nested>,
    batches: Vec<Vec<usize>>,
    learning_rates: Vec<f64>,
    loss_float32: Vec<f64>,
    loss_float64: Vec<f64>,
    final_float32: BTreeMap<String, Nested>,
    final_float64: BTreeMap<String, Nested>,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Nested {
    Vector(Vec<f64>),
    Matrix(Vec<Vec<f64>>),
}

impl Nested {
    fn flat(&self) -> Vec<f64> {
        match self {
            Nested::Vector(values) => values.clone(),
            Nested::Matrix(rows) => rows.concat(),
        }
    }
}

const LETTERS: [(&str, &str); 4] = [
    ("E", "embed.weight"),
    ("W", "gate.weight"),
    ("b", "gate.bias"),
    ("U", "unembed.weight"),
];

fn truth() -> Truth {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/training_truth.json"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is committed");
    serde_json::from_str(&text).expect("the fixture has the documented layout")
}

/// Rows of the digits set: pixels / 16 and the class.
fn digits() -> Vec<(Vec<f32>, u16)> {
    let bytes = include_bytes!("../../ingest/assets/digits.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .expect("the embedded set is valid");
    text.lines()
        .map(|line| {
            let numbers: Vec<u16> = line
                .split(',')
                .map(|field| field.parse().expect("an integer"))
                .collect();
            let pixels = numbers[..64].iter().map(|&value| f32::from(value) / 16.0);
            (pixels.collect(), numbers[64])
        })
        .collect()
}

fn initial_model(truth: &Truth, case: &Case) -> StoredModel {
    let input = InputShape::from([1, 8, truth.inputs / 8]);
    let classes = (0..10).map(|class| class.to_string()).collect();
    let architecture = networks::bilinear(truth.hidden, case.bias).architecture(input, classes);
    let architecture = architecture.expect("any input fits");
    let tensors = architecture
        .parameters()
        .into_iter()
        .map(|parameter| {
            let (letter, _) = LETTERS
                .iter()
                .find(|(_, name)| *name == parameter.name)
                .expect("every tensor has a letter");
            NamedTensor {
                name: parameter.name.to_owned(),
                shape: parameter.shape,
                data: case.initial[*letter]
                    .flat()
                    .iter()
                    .map(|&value| value as f32)
                    .collect(),
            }
        })
        .collect();
    StoredModel::new(architecture, tensors).expect("the fixture's tensors fit")
}

/// max |found - expected| / max |expected|
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected
        .iter()
        .fold(0.0, |largest: f64, value| largest.max(value.abs()));
    found
        .iter()
        .zip(expected)
        .fold(0.0, |largest: f64, (a, b)| largest.max((a - b).abs()))
        / scale
}

#[test]
fn twenty_steps_of_adamw_with_cosine_annealing() {
    let truth = truth();
    let digits = digits();
    assert_eq!(truth.cases.len(), 2);
    for case in &truth.cases {
        let mut model = initial_model(&truth, case);
        let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
        let mut optimiser = OptimiserKind::AdamW {
            weight_decay: truth.recipe.weight_decay,
        }
        .start(lengths);
        let mut losses = Vec::new();
        for (step, batch) in case.batches.iter().enumerate() {
            let epoch = step / truth.recipe.batches_per_epoch;
            let rate = cosine(
                truth.recipe.learning_rate,
                epoch as u32,
                truth.recipe.cosine_epochs,
            );
            assert!((rate / case.learning_rates[epoch] - 1.0).abs() < 1e-9);
            let inputs = batch
                .iter()
                .flat_map(|&row| digits[row].0.clone())
                .collect();
            let labels: Vec<u16> = batch.iter().map(|&row| digits[row].1).collect();
            let result = train_step(&mut model, &mut optimiser, rate, inputs, &labels)
                .expect("a finite step");
            losses.push(f64::from(result.loss_nats));
        }
        for expected in [&case.loss_float32, &case.loss_float64] {
            let difference = difference(&losses, expected);
            assert!(difference < 1e-5, "losses differ by {difference:e}");
        }
        for tensor in &model.tensors {
            let (letter, _) = LETTERS
                .iter()
                .find(|(_, name)| *name == tensor.name)
                .expect("every tensor has a letter");
            let found: Vec<f64> = tensor.data.iter().map(|&value| f64::from(value)).collect();
            for expected in [&case.final_float32, &case.final_float64] {
                let difference = difference(&found, &expected[*letter].flat());
                assert!(difference < 1e-5, "{letter} differs by {difference:e}");
            }
        }
    }
}
