//! Alignments, overlaps and drawn weights against PyTorch's and NumPy's, on rows of the digits.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{ImageReader, InputShape, NamedTensor, PixelTransform, Split, SplitName};
use eigenscope_decompose::networks::{
    CovarianceFactors, LinearSamples, align, align_columns, cross_moments, overlaps,
};
use eigenscope_models::{Activations, StoredModel, networks};
use eigenscope_testing::{
    TestFolder, Tolerance, assert_close, class_names, fixture, floats, image_header, model_with,
    numbers,
};
use faer::Mat;
use serde_json::Value;

/// For what follows from f32 activations.
const FROM_ACTIVATIONS: Tolerance = Tolerance::OfLargest(1e-5);
/// For what is computed in f64 from numbers of the fixture.
const EXACT: Tolerance = Tolerance::OfLargest(1e-9);

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn matrix(value: &Value) -> Mat<f64> {
    let rows: Vec<Vec<f64>> = list(value).iter().map(numbers).collect();
    Mat::from_fn(rows.len(), rows[0].len(), |row, column| rows[row][column])
}

fn entries(matrix: &Mat<f64>) -> Vec<f64> {
    let columns = matrix.ncols();
    let count = matrix.nrows() * columns;
    let entry = |at| matrix[(at / columns, at % columns)];
    (0..count).map(entry).collect()
}

/// The rows of the digits, the first of them to train on, as the networks of `case` see them.
fn images(folder: &TestFolder, truth: &Value, case: &Value) -> PathBuf {
    let side = case["side"].as_u64().expect("a side") as usize;
    let mut header = image_header([1, 8, 8], 16, class_names(10));
    header.transforms.push(PixelTransform::Resize {
        height: side,
        width: side,
    });
    let rows = list(&truth["pixels"]);
    let (train, test) = rows.split_at(truth["train"].as_u64().expect("a number") as usize);
    let split = |rows: &[Value]| Split {
        indices: (0..rows.len() as u32).collect(),
        labels: vec![0; rows.len()],
        pixels: rows
            .iter()
            .flat_map(numbers)
            .map(|value| value as u8)
            .collect(),
    };
    let splits = [split(train), split(test)];
    let images = folder.images(&format!("images-{side}"), &header, splits.each_ref());
    images.path
}

fn network(case: &Value, number: usize) -> StoredModel {
    let stored = &case["networks"][number];
    let widths: Vec<usize> = numbers(&stored["widths"])
        .into_iter()
        .map(|width| width as usize)
        .collect();
    let side = case["side"].as_u64().expect("a side") as usize;
    let input = InputShape::from([1, side, side]);
    let classes = class_names(10);
    let architecture = match text(&case["network"]) {
        "mlp" => networks::mlp(widths).architecture(input, classes),
        _ => networks::cnn(widths).architecture(input, classes),
    };
    let architecture = architecture.expect("it fits its input");
    model_with(&architecture, |_, parameter| {
        floats(&stored["weights"][&parameter.name])
    })
}

/// The cases with the layers of each that are aligned by `samples`.
fn for_each_case(mut check: impl FnMut(&Value, &Path, LinearSamples, &[&Value])) {
    let truth: Value = fixture("alignment_truth.json");
    let folder = TestFolder::new();
    for case in list(&truth["cases"]) {
        let images = images(&folder, &truth, case);
        for (name, samples) in [
            ("images", LinearSamples::Images),
            ("places", LinearSamples::Places),
        ] {
            // By places a convolution is aligned either way, a linear layer only where that is said.
            let layers: Vec<&Value> = list(&case["layers"])
                .iter()
                .filter(|layer| {
                    text(&layer["linear_samples"]) == name || text(&layer["layer"]) == "conv2"
                })
                .collect();
            if !layers.is_empty() {
                check(case, &images, samples, &layers);
            }
        }
    }
}

#[test]
fn moments_of_the_training_split() {
    for_each_case(|case, path, samples, layers| {
        let reader = ImageReader::open(path).expect("images");
        let names: Vec<String> = layers
            .iter()
            .map(|layer| text(&layer["layer"]).to_owned())
            .collect();
        let [reference, other] =
            [0, 1].map(|number| Activations::new(&network(case, number), &names).expect("layers"));
        let moments = cross_moments(&reader, SplitName::Train, samples, &reference, &[other]);
        let moments = moments.expect("moments").remove(0);
        assert_eq!(moments.len(), layers.len());
        for (moments, expected) in moments.iter().zip(layers) {
            assert_eq!(moments.layer, text(&expected["layer"]));
            let count = moments.samples as f64;
            assert_eq!(count, numbers(&expected["samples"])[0]);
            let cross: Vec<f64> = entries(&moments.cross)
                .iter()
                .map(|sum| sum / count)
                .collect();
            assert_close(
                "C12",
                &cross,
                &numbers(&expected["cross"]),
                FROM_ACTIVATIONS,
            );
            let traces = [moments.reference_square, moments.other_square].map(|sum| sum / count);
            assert_close(
                "traces",
                &traces,
                &numbers(&expected["traces"]),
                FROM_ACTIVATIONS,
            );
        }
    });
}

#[test]
fn alignments_and_r_squared_of_both_splits() {
    for_each_case(|case, path, samples, layers| {
        let reader = ImageReader::open(path).expect("images");
        let (reference, other) = (network(case, 0), network(case, 1));
        let found = align(&reader, &reference, &other, &[], samples, |_| ()).expect("aligned");
        for expected in layers {
            let layer = found
                .iter()
                .find(|found| found.layer == text(&expected["layer"]));
            let layer = layer.expect("aligned by default");
            let map = entries(&layer.map);
            assert_close(
                "A",
                &map,
                &numbers(&expected["alignment"]),
                FROM_ACTIVATIONS,
            );
            let r_squared = layer.r_squared.clone().map(|row| row.r_squared);
            assert_close(
                "r^2",
                &r_squared,
                &numbers(&expected["r_squared"]),
                FROM_ACTIVATIONS,
            );
            let samples = layer.r_squared.clone().map(|row| row.samples as f64);
            assert_eq!(samples.to_vec(), numbers(&expected["samples"]));
        }
    });
}

#[test]
fn overlaps_of_given_bases() {
    for_each_case(|_, _, _, layers| {
        for expected in layers {
            let tensor = |value: &Value| NamedTensor {
                name: text(&expected["layer"]).to_owned(),
                shape: vec![list(value).len(), list(&value[0]).len()],
                data: floats(value),
            };
            let (first, second) = (&expected["bases"][0], &expected["bases"][1]);
            let alignment = tensor(&expected["alignment"]);
            let found = overlaps(&tensor(first), &tensor(second), &alignment, 50);
            let found = found.expect("they fit");
            let overlap = numbers(&expected["overlap"]);
            assert_close("overlap", &entries(&found), &overlap, FROM_ACTIVATIONS);
            let fewer = overlaps(&tensor(first), &tensor(second), &alignment, 2).expect("they fit");
            assert_eq!(fewer.as_ref(), found.submatrix(0, 0, 2, 2));
        }
    });
}

#[test]
fn weights_drawn_from_given_noise_and_realigned() {
    for_each_case(|case, _, _, layers| {
        for expected in layers {
            let layer = text(&expected["layer"]);
            let architecture = network(case, 0).architecture;
            let (_, shape) = architecture.layer(layer).expect("it is there");
            let weight = floats(&case["networks"][0]["weights"][shape.weight()]);
            let map = matrix(&expected["alignment"]);
            let inner = shape.inputs() / map.nrows();
            let realigned = match expected.get("noise") {
                None => align_columns(&weight, inner, map.as_ref()),
                Some(noise) => {
                    let factors = CovarianceFactors::new(layer, &weight, shape.outputs);
                    let factors = factors.expect("converges");
                    let noise = numbers(noise);
                    assert_eq!(noise.len(), factors.noise_len());
                    let drawn = factors.draw(&noise);
                    assert_close("drawn", &drawn, &numbers(&expected["drawn"]), EXACT);
                    align_columns(&drawn, inner, map.as_ref())
                }
            };
            let expected = numbers(&expected["realigned"]);
            assert_close("realigned", &realigned, &expected, EXACT);
        }
    });
}
