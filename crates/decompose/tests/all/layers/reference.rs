//! Covariances of layers against PyTorch's, and the Marchenko-Pastur law against SciPy's integrals.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use eigenscope_artifact::InputShape;
use eigenscope_decompose::layers::{
    ActivationCovariance, Eigenbasis, MarchenkoPastur, weight_covariance,
};
use eigenscope_models::{Activations, StoredModel, networks};
use eigenscope_testing::{Tolerance, assert_close, class_names, fixture, model_with};
use serde::Deserialize;

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
