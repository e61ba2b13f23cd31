//! Results and gradients against PyTorch (tests/reference/convolution_truth.json).
#![cfg(feature = "autodiff")]

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_kernels::{BatchNorm, Epilogue, Geometry, ImageShape, batch_norm, convolution};
use eigenscope_testing::{Tolerance, assert_close, fixture};
use serde::Deserialize;

#[derive(Deserialize)]
struct Truth {
    convolutions: Vec<Convolution>,
    normalisations: Vec<Normalisation>,
}

#[derive(Deserialize)]
struct Convolution {
    input: [usize; 3],
    batch: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    bias: bool,
    #[serde(rename = "finish")]
    epilogue: String,
    #[serde(flatten)]
    expected: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Normalisation {
    input: [usize; 3],
    batch: usize,
    #[serde(rename = "finish")]
    epilogue: String,
    #[serde(flatten)]
    expected: BTreeMap<String, Vec<f64>>,
}

fn truth() -> Truth {
    fixture("convolution_truth.json")
}

/// The fixture's tensor of that number.
fn tensor<const D: usize>(number: usize, shape: [usize; D]) -> Tensor<D> {
    let length: usize = shape.iter().product();
    let value = |i| ((7919 * number + 104_729 * i) % 1009) as f32 / 1009.0 - 0.5;
    let values: Vec<f32> = (0..length).map(value).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff()).require_grad()
}

fn shape([channels, height, width]: [usize; 3]) -> ImageShape {
    ImageShape {
        channels,
        height,
        width,
    }
}

fn epilogue(name: &str) -> Epilogue {
    match name {
        "linear" => Epilogue::Linear,
        "relu" => Epilogue::Relu,
        "relu-max-pool" => Epilogue::ReluMaxPool,
        other => panic!("epilogue {other}"),
    }
}

type Found = Vec<(&'static str, TensorData)>;

/// The result and the gradients of its leaves.
fn found(
    result: Tensor<2>,
    rows: &Tensor<2>,
    weight: impl FnOnce(&burn::tensor::Gradients) -> Option<TensorData>,
    bias: Option<Tensor<1>>,
) -> Found {
    let gradients = (result.clone() * tensor(4, result.dims())).sum().backward();
    let mut found = vec![("result", result.into_data())];
    let rows = rows.grad(&gradients).map(Tensor::into_data);
    found.extend(rows.map(|data| ("input_gradient", data)));
    found.extend(weight(&gradients).map(|data| ("weight_gradient", data)));
    let bias = bias.and_then(|bias| bias.grad(&gradients));
    found.extend(bias.map(|bias| ("bias_gradient", bias.into_data())));
    found
}

fn compare(found: Found, expected: &BTreeMap<String, Vec<f64>>) {
    assert_eq!(found.len(), expected.len());
    for (name, data) in found {
        let found: Vec<f32> = data.try_into_vec().expect("f32");
        assert_close(name, &found, &expected[name], Tolerance::OfLargest(1e-5));
    }
}

#[test]
fn convolutions() {
    for case in truth().convolutions {
        let input = shape(case.input);
        let rows = tensor(1, [case.batch, input.len()]);
        let weight = tensor(2, [case.outputs, input.channels, case.kernel, case.kernel]);
        let bias = case.bias.then(|| tensor(3, [case.outputs]));
        let geometry = Geometry::new(input, case.stride);
        let inputs = (rows.clone(), weight.clone(), bias.clone());
        let result = convolution(
            inputs.0,
            inputs.1,
            inputs.2,
            geometry,
            epilogue(&case.epilogue),
        );
        let weight = |gradients: &_| weight.grad(gradients).map(Tensor::into_data);
        compare(found(result, &rows, weight, bias), &case.expected);
    }
}

#[test]
fn normalisations() {
    for case in truth().normalisations {
        let input = shape(case.input);
        let rows = tensor(1, [case.batch, input.len()]);
        let (weight, bias) = (tensor(2, [input.channels]), tensor(3, [input.channels]));
        let inputs = (rows.clone(), weight.clone(), bias.clone());
        let BatchNorm {
            rows: result,
            mean,
            variance,
        } = batch_norm(
            inputs.0,
            inputs.1,
            inputs.2,
            input,
            1e-5,
            epilogue(&case.epilogue),
        );
        let weight = |gradients: &_| weight.grad(gradients).map(Tensor::into_data);
        let mut found = found(result, &rows, weight, Some(bias));
        found.extend([
            ("mean", mean.into_data()),
            ("variance", variance.into_data()),
        ]);
        compare(found, &case.expected);
    }
}
