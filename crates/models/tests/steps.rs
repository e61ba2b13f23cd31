//! Results and gradients of lists of steps against PyTorch (tests/reference/steps_truth.json).
#![cfg(feature = "autodiff")]

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::InputShape;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Runner, StoredModel, values};
use eigenscope_testing::{Tolerance, assert_close, class_names, fixture, model_with};
use serde::Deserialize;
use serde_json::Value;

/// Values of a tensor from which on every 7th is stored.
const LARGE: usize = 150;

/// Where the largest value of a tensor is smaller, differences are relative to this: a bias before batch normalisation has no
/// gradient, but for rounding.
const SMALL: f64 = 0.3;

#[derive(Deserialize)]
struct Truth {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input: [usize; 3],
    batch: usize,
    classes: usize,
    train: bool,
    steps: String,
    result: Vec<f64>,
    input_gradient: Vec<f64>,
    gradients: Vec<Vec<f64>>,
    statistics: Vec<Vec<f64>>,
}

/// The fixture's tensor of that number.
fn numbers(number: usize, length: usize) -> Vec<f32> {
    let value = |i| ((7919 * number + 104_729 * i) % 1009) as f32 / 1009.0 - 0.5;
    (0..length).map(value).collect()
}

fn tensor(number: usize, shape: [usize; 2], device: &Device) -> Tensor<2> {
    let values = numbers(number, shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn model(case: &Case) -> StoredModel {
    let mut steps: Vec<Value> = serde_json::from_str(&case.steps).expect("JSON");
    if steps.last() != Some(&"softmax".into()) {
        // A step alone may make an image.
        steps.push("flatten".into());
    }
    let list = StepList::parse(&Value::Array(steps)).expect("a list");
    let input = InputShape::from(case.input);
    let architecture = list.architecture("network", input, class_names(case.classes));
    model_with(&architecture.expect("it fits"), |number, parameter| {
        let mut values = numbers(number + 2, parameter.shape.iter().product());
        if parameter.name.ends_with(".running_var") {
            values.iter_mut().for_each(|value| *value += 1.0);
        }
        values
    })
}

/// Mask number i keeps the values at which the formula of the fixture is large enough.
fn masks() -> impl FnMut(usize, f64) -> Vec<f32> {
    let mut number = 0;
    move |length, rate| {
        let keep = |value| ((7919 * number + 104_729 * value) % 1009) as f64 >= 1009.0 * rate;
        let mask = (0..length).map(|value| match keep(value) {
            true => (1.0 / (1.0 - rate)) as f32,
            false => 0.0,
        });
        let mask = mask.collect();
        number += 1;
        mask
    }
}

fn compare(what: &str, found: &[f32], expected: &[f64]) {
    let found: Vec<f32> = match found.len() > LARGE {
        true => found.iter().step_by(7).copied().collect(),
        false => found.to_vec(),
    };
    let largest = expected
        .iter()
        .fold(SMALL, |max, value| max.max(value.abs()));
    assert_close(what, &found, expected, Tolerance::Absolute(1e-5 * largest));
}

#[test]
fn results_and_gradients_are_those_of_pytorch() {
    let truth: Truth = fixture("steps_truth.json");
    for case in &truth.cases {
        let mut stored = model(case);
        let device = Device::flex().autodiff();
        let on_device = stored.load(&device).expect("it loads");
        let shape = [case.batch, stored.architecture.input.len()];
        let inputs = tensor(1, shape, &device).require_grad();
        let (result, statistics) = match case.train {
            true => on_device
                .forward_training(inputs.clone(), &mut masks())
                .expect("it runs"),
            false => (on_device.forward(inputs.clone()), Vec::new()),
        };
        let found = values(result.clone().inner()).expect("f32");
        compare(&case.name, &found, &case.result);

        let pull = tensor(0, result.dims(), &device);
        let mut gradients = (result * pull).sum().backward();
        let input = inputs.grad_remove(&mut gradients).expect("a gradient");
        let what = format!("{}: gradient of the input", case.name);
        compare(&what, &values(input).expect("f32"), &case.input_gradient);
        let found = on_device.take_gradients(&mut gradients);
        let found = found.expect("every parameter has one");
        assert_eq!(found.len(), case.gradients.len(), "{}", case.name);
        let names = stored.architecture.parameters().into_iter();
        for ((parameter, found), expected) in names.zip(&found).zip(&case.gradients) {
            let what = format!("{}: gradient of {}", case.name, parameter.name);
            compare(&what, found, expected);
        }

        stored.take_statistics(statistics).expect("f32");
        let averages = stored.tensors.iter().filter(|_| case.train);
        let averages = averages.filter(|tensor| tensor.name.contains(".running_"));
        let averages: Vec<_> = averages.collect();
        assert_eq!(averages.len(), case.statistics.len(), "{}", case.name);
        for (average, expected) in averages.iter().zip(&case.statistics) {
            compare(&average.name, &average.data, expected);
        }
    }
}

#[test]
fn a_network_cut_at_every_step_computes_the_same() {
    let truth: Truth = fixture("steps_truth.json");
    for case in truth.cases.iter().filter(|case| !case.train) {
        let stored = model(case);
        let runner = Runner::new(&stored).expect("it loads");
        let mut state = numbers(1, case.batch * stored.architecture.input.len()).into();
        for step in 0..stored.architecture.steps().len() {
            state = runner
                .run(step..step + 1, state, case.batch)
                .expect("it runs");
        }
        compare(&case.name, &state.rows, &case.result);
    }
}
