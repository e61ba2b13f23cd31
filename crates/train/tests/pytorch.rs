//! Twenty training steps against PyTorch (tests/reference/training_truth.json).

use std::collections::BTreeMap;

use eigenscope_artifact::InputShape;
use eigenscope_models::{StoredModel, networks};
use eigenscope_testing::{Digits, Tolerance, assert_close, class_names, fixture, model_with};
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

const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-5);

/// How the fixture calls a tensor.
fn letter(name: &str) -> &'static str {
    let found = LETTERS.iter().find(|(_, known)| *known == name);
    found.expect("every tensor has a letter").0
}

fn initial_model(truth: &Truth, case: &Case) -> StoredModel {
    let input = InputShape::from([1, 8, truth.inputs / 8]);
    let network = networks::bilinear(truth.hidden, case.bias);
    let architecture = network.architecture(input, class_names(10));
    model_with(&architecture.expect("any input fits"), |_, parameter| {
        let values = case.initial[letter(&parameter.name)].flat().into_iter();
        values.map(|value| value as f32).collect()
    })
}

#[test]
fn twenty_steps_of_adamw_with_cosine_annealing() {
    let truth: Truth = fixture("training_truth.json");
    let digits = Digits::read();
    assert_eq!(truth.cases.len(), 2);
    for case in &truth.cases {
        let mut model = initial_model(&truth, case);
        let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
        let mut optimiser = OptimiserKind::adamw(truth.recipe.weight_decay).start(lengths);
        let mut losses = Vec::new();
        for (step, batch) in case.batches.iter().enumerate() {
            let epoch = step / truth.recipe.batches_per_epoch;
            let rate = cosine(
                truth.recipe.learning_rate,
                epoch as u32,
                truth.recipe.cosine_epochs,
            );
            assert!((rate / case.learning_rates[epoch] - 1.0).abs() < 1e-9);
            let inputs = digits.inputs(batch.iter().copied());
            let labels = digits.labels(batch.iter().copied());
            let result = train_step(
                &mut model,
                &mut optimiser,
                rate,
                inputs,
                &labels,
                &mut |_, _| unreachable!("there is no dropout"),
            )
            .expect("a finite step");
            losses.push(f64::from(result.loss_nats));
        }
        for expected in [&case.loss_float32, &case.loss_float64] {
            assert_close("losses", &losses, expected, TOLERANCE);
        }
        for tensor in &model.tensors {
            let letter = letter(&tensor.name);
            for expected in [&case.final_float32, &case.final_float64] {
                assert_close(letter, &tensor.data, &expected[letter].flat(), TOLERANCE);
            }
        }
    }
}
