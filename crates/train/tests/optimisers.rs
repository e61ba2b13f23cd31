//! Optimisers and schedules against PyTorch (tests/reference/optimiser_truth.json).

use eigenscope_testing::{Tolerance, assert_close, fixture};
use eigenscope_train::{AdamConstants, OptimiserKind, Schedule, SgdConstants, Shape, StepEpochs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Truth {
    steps: usize,
    lengths: Vec<usize>,
    optimisers: Vec<OptimiserCase>,
    schedules: Vec<ScheduleCase>,
}

#[derive(Deserialize)]
struct OptimiserCase {
    optimiser: String,
    learning_rate: f64,
    constants: Constants,
    r#final: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Constants {
    #[serde(default)]
    momentum: f64,
    #[serde(default)]
    nesterov: bool,
    #[serde(default)]
    betas: [f64; 2],
    #[serde(default)]
    epsilon: f64,
    weight_decay: f64,
}

#[derive(Deserialize)]
struct ScheduleCase {
    schedule: StoredShape,
    warm_up: u32,
    learning_rate: f64,
    rates: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredShape {
    Constant {},
    Cosine {},
    Step { epochs: StepEpochs, factor: f64 },
}

fn kind(case: &OptimiserCase) -> OptimiserKind {
    let Constants {
        momentum,
        nesterov,
        betas,
        epsilon,
        weight_decay,
    } = case.constants;
    let adam = AdamConstants {
        betas,
        epsilon,
        weight_decay,
    };
    match case.optimiser.as_str() {
        "adam" => OptimiserKind::Adam(adam),
        "adamw" => OptimiserKind::AdamW(adam),
        _ => OptimiserKind::Sgd(SgdConstants {
            momentum,
            nesterov,
            weight_decay,
        }),
    }
}

/// ((7919 a + 104729 b) mod 1009) / 1009 - 0.5
fn pseudo_random(a: usize, b: usize) -> f32 {
    (((7919 * a + 104_729 * b) % 1009) as f64 / 1009.0 - 0.5) as f32
}

fn values(lengths: &[usize], factor: f32, second: usize) -> Vec<Vec<f32>> {
    let tensors = lengths.iter().enumerate();
    let tensor = |(tensor, &length): (usize, &usize)| {
        let places = (0..length).map(|place| place + 100_003 * tensor);
        places
            .map(|place| factor * pseudo_random(place, second))
            .collect()
    };
    tensors.map(tensor).collect()
}

#[test]
fn steps_are_those_of_pytorch() {
    let truth: Truth = fixture("optimiser_truth.json");
    assert_eq!(truth.optimisers.len(), 11);
    for case in &truth.optimisers {
        let kind = kind(case);
        let mut parameters = values(&truth.lengths, 2.0, 0);
        let mut optimiser = kind.start(truth.lengths.iter().copied());
        for step in 0..truth.steps {
            let factor = if step < truth.steps / 2 { 1.0 } else { 0.1 };
            let gradients = values(&truth.lengths, 1.0, step + 1);
            optimiser.step(
                factor * case.learning_rate,
                parameters.iter_mut(),
                &gradients,
            );
        }
        for (found, expected) in parameters.iter().zip(&case.r#final) {
            assert_close(
                format!("{kind:?}"),
                found,
                expected,
                Tolerance::OfLargest(1e-6),
            );
        }
    }
}

#[test]
fn learning_rates_are_those_of_pytorch() {
    let truth: Truth = fixture("optimiser_truth.json");
    assert_eq!(truth.schedules.len(), 8);
    for case in truth.schedules {
        let schedule = Schedule {
            shape: match case.schedule {
                StoredShape::Constant {} => Shape::Constant,
                StoredShape::Cosine {} => Shape::Cosine,
                StoredShape::Step { epochs, factor } => Shape::Step { epochs, factor },
            },
            warm_up: case.warm_up,
        };
        let epochs = case.rates.len() as u32;
        let rates = (0..epochs).map(|epoch| schedule.rate(case.learning_rate, epoch, epochs));
        let rates: Vec<f64> = rates.collect();
        let what = format!("{schedule:?}");
        assert_close(what, &rates, &case.rates, Tolerance::Relative(1e-9));
    }
}
