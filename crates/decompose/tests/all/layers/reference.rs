//! Covariances of layers against PyTorch's, those of channels against NumPy's, and the Marchenko-Pastur law against SciPy's integrals.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use eigenscope_artifact::InputShape;
use eigenscope_decompose::layers::{
    ActivationCovariance, ConvolutionSamples, Eigenbasis, MarchenkoPastur, weight_covariance,
};
use eigenscope_models::steps::StepList;
use eigenscope_models::{Activations, StoredModel, networks};
use eigenscope_testing::{
    Tolerance, assert_close, class_names, fixture, floats, model_with, numbers,
};
use serde::Deserialize;
use serde_json::{Value, json};

const TRUTH: &str = "spectra_truth.json";

const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-5);
const WEIGHTS_TOLERANCE: Tolerance = Tolerance::OfLargest(1e-12);
const LAW_TOLERANCE: Tolerance = Tolerance::OfLargest(1e-10);

#[derive(Deserialize)]
struct Truth {
    images: Vec<Vec<u8>>,
    enlarged: usize,
    models: Vec<Model>,
    laws: Vec<Law>,
}

#[derive(Deserialize)]
struct Model {
    network: String,
    input: [usize; 3],
    sizes: Vec<usize>,
    layers: Vec<LayerTruth>,
}

#[derive(Deserialize)]
struct LayerTruth {
    name: String,
    weight: Vec<Vec<f64>>,
    activations: CovarianceTruth,
    weights: BasisTruth,
}

#[derive(Deserialize)]
struct CovarianceTruth {
    diagonal: Vec<f64>,
    row_sums: Vec<f64>,
    #[serde(flatten)]
    basis: BasisTruth,
}

#[derive(Deserialize)]
struct BasisTruth {
    eigenvalues: Vec<f64>,
    eigenvectors: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Law {
    ratio: f64,
    variance: f64,
    above: Vec<f64>,
    quantiles: Vec<f64>,
    points: Vec<f64>,
    density: Vec<f64>,
    cumulative: Vec<f64>,
}

fn stored(model: &Model) -> StoredModel {
    let sizes = model.sizes.clone();
    let input = InputShape::from(model.input);
    let classes = class_names(10);
    let architecture = match model.network.as_str() {
        "mlp" => networks::mlp(sizes).architecture(input, classes),
        _ => networks::cnn(sizes).architecture(input, classes),
    };
    let architecture = architecture.expect("the input is large enough");
    model_with(&architecture, |number, _| {
        let weight = model.layers[number].weight.iter().flatten();
        weight.map(|&value| value as f32).collect()
    })
}

/// The images, every pixel a square of `side` x `side`.
fn inputs(images: &[Vec<u8>], side: usize) -> Vec<f32> {
    let width = 8 * side;
    let pixel = |image: &[u8], at: usize| {
        let (row, column) = (at / width / side, at % width / side);
        f32::from(image[8 * row + column]) / 16.0
    };
    images
        .iter()
        .flat_map(|image| (0..width * width).map(move |at| pixel(image, at)))
        .collect()
}

/// Eigenvalues to `tolerance`, the stored f32 eigenvectors to [`TOLERANCE`].
fn assert_basis(what: &str, found: &Eigenbasis, expected: &BasisTruth, tolerance: Tolerance) {
    assert_close(what, &found.eigenvalues, &expected.eigenvalues, tolerance);
    let tensor = found.tensor(what);
    assert_eq!(tensor.shape[0], expected.eigenvalues.len());
    let rows = tensor.data.chunks_exact(tensor.shape[1]);
    for (row, expected) in rows.zip(&expected.eigenvectors) {
        assert_close(what, row, expected, TOLERANCE);
    }
}

#[test]
fn covariances_of_activations() {
    let truth: Truth = fixture(TRUTH);
    assert_eq!(truth.models.len(), 2);
    for model in &truth.models {
        let side = if model.network == "cnn" {
            truth.enlarged
        } else {
            1
        };
        let activations = Activations::new(&stored(model), &[]).expect("it loads");
        let images = truth.images.len();
        let read = activations
            .of(inputs(&truth.images, side), images)
            .expect("it runs");
        for ((layer, read), expected) in activations.layers().zip(read).zip(&model.layers) {
            assert_eq!(layer.name, expected.name);
            let mut covariance = ActivationCovariance::new(layer.clone());
            covariance.add(&read);
            let matrix = covariance.mean();
            let size = matrix.nrows();
            let diagonal: Vec<f64> = (0..size).map(|at| matrix[(at, at)]).collect();
            let sum = |row: usize| (0..size).map(|at| matrix[(row.max(at), row.min(at))]).sum();
            let row_sums: Vec<f64> = (0..size).map(sum).collect();
            let truth = &expected.activations;
            assert_close(&layer.name, &diagonal, &truth.diagonal, TOLERANCE);
            assert_close(&layer.name, &row_sums, &truth.row_sums, TOLERANCE);
            let basis = Eigenbasis::of_covariance(&layer.name, matrix.as_ref());
            assert_basis(
                &layer.name,
                &basis.expect("converges"),
                &truth.basis,
                TOLERANCE,
            );
        }
    }
}

#[test]
fn covariances_of_channels() {
    let truth: Value = fixture("channels_truth.json");
    let steps = json!([
        { "conv": { "channels": 4, "kernel": 3, "padding": 1 } }, "tanh",
        { "conv": { "channels": 4, "kernel": 2 } }, "tanh",
        { "conv": { "channels": 6, "kernel": 3, "stride": 2, "groups": 2 } }, "tanh",
        "flatten", { "linear": 4 },
    ]);
    let steps = StepList::parse(&steps).expect("a list");
    let architecture = steps.architecture("network", InputShape::from([2, 9, 8]), class_names(4));
    let model = model_with(&architecture.expect("it fits"), |number, _| {
        floats(&truth["tensors"][number])
    });
    let activations = Activations::new(&model, &[]).expect("it loads");
    let inputs = floats(&truth["images"]);
    let images = inputs.len() / model.architecture.input.len();
    let read = activations.of(inputs, images).expect("it runs");
    let layers = truth["layers"].as_array().expect("a list");
    for ((layer, read), expected) in activations.layers().zip(read).zip(layers) {
        assert_eq!(layer.name, expected["name"]);
        let samples = ConvolutionSamples::Channels.of(layer.clone());
        let mut covariance = ActivationCovariance::new(samples);
        covariance.add(&read);
        let matrix = covariance.mean();
        let entry = |row: usize, column: usize| matrix[(row.max(column), row.min(column))];
        let size = matrix.nrows();
        let all: Vec<f64> = (0..size * size)
            .map(|at| entry(at / size, at % size))
            .collect();
        let tolerance = Tolerance::OfLargest(1e-6);
        assert_close(
            &layer.name,
            &all,
            &numbers(&expected["covariance"]),
            tolerance,
        );
        let basis = Eigenbasis::of_covariance(&layer.name, matrix.as_ref()).expect("converges");
        let expected = numbers(&expected["eigenvalues"]);
        assert_close(&layer.name, &basis.eigenvalues, &expected, tolerance);
    }
    let linear = activations.layers().last().expect("a layer");
    assert_eq!(&ConvolutionSamples::Channels.of(linear.clone()), linear);
}

#[test]
fn covariances_of_weights() {
    for model in &fixture::<Truth>(TRUTH).models {
        let stored = stored(model);
        let layers = stored.architecture.layers().zip(&stored.tensors);
        for (((_, layer), tensor), expected) in layers.zip(&model.layers) {
            let basis = weight_covariance(layer, tensor).expect("converges");
            assert_basis(&layer.name, &basis, &expected.weights, WEIGHTS_TOLERANCE);
        }
    }
}

#[test]
fn the_marchenko_pastur_law() {
    let laws = fixture::<Truth>(TRUTH).laws;
    assert_eq!(laws.len(), 5);
    for expected in laws {
        let law = MarchenkoPastur::new(expected.variance, expected.ratio).expect("positive");
        let what = format!("ratio {}", expected.ratio);
        let at_points = |value: fn(MarchenkoPastur, f64) -> f64| -> Vec<f64> {
            expected.points.iter().map(|&x| value(law, x)).collect()
        };
        let density = at_points(MarchenkoPastur::density);
        assert_close(&what, &density, &expected.density, LAW_TOLERANCE);
        let cumulative = at_points(MarchenkoPastur::cumulative);
        assert_close(&what, &cumulative, &expected.cumulative, LAW_TOLERANCE);
        for (&above, &quantile) in expected.above.iter().zip(&expected.quantiles) {
            assert_close(&what, &[law.quantile(above)], &[quantile], LAW_TOLERANCE);
        }
    }
}
