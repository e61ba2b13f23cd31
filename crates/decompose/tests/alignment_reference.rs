//! Alignments, overlaps and drawn weights against PyTorch's and NumPy's, on rows of the digits.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{
    ImageHeader, ImageReader, ImageWriter, InputShape, NamedTensor, PixelTransform, Provenance,
    SourceCheck, Split, SplitName,
};
use eigenscope_decompose::layers::Activations;
use eigenscope_decompose::networks::{
    CovarianceFactors, LinearSamples, align, align_columns, cross_moments, overlaps,
};
use eigenscope_models::{StoredModel, networks};
use faer::Mat;
use serde_json::{Value, json};

/// For what follows from f32 activations.
const FROM_ACTIVATIONS: f64 = 1e-5;
/// For what is computed in f64 from numbers of the fixture.
const EXACT: f64 = 1e-9;

fn fixture() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/alignment_truth.json"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

fn narrow(value: &Value) -> Vec<f32> {
    let numbers = numbers(value);
    numbers.into_iter().map(|value| value as f32).collect()
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

/// max |found - expected| / max |expected|
fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let difference = largest(&mut found.iter().zip(expected).map(|(a, b)| (a - b).abs()))
        / largest(&mut expected.iter().map(|value| value.abs()));
    assert!(difference < tolerance, "{what}: {difference:e}");
}

/// The rows of the digits, the first of them to train on, as the networks of `case` see them.
fn images(folder: &Path, truth: &Value, case: &Value) -> PathBuf {
    let side = case["side"].as_u64().expect("a side") as usize;
    let resize = PixelTransform::Resize {
        height: side,
        width: side,
    };
    let header = ImageHeader {
        height: 8,
        width: 8,
        channels: 1,
        maximum: 16,
        classes: (0..10).map(|class| class.to_string()).collect(),
        transforms: vec![PixelTransform::Scale, resize],
        source: SourceCheck::Unpublished,
    };
    let provenance = Provenance {
        task: "data.digits".to_owned(),
        kind: "data/digits".to_owned(),
        fingerprint: "test".to_owned(),
        parameters: json!({}),
        seed: 0,
        inputs: Vec::new(),
    };
    let rows = list(&truth["pixels"]);
    let (train, test) = rows.split_at(truth["train"].as_u64().expect("a number") as usize);
    let path = folder.join(format!("images-{side}.parquet"));
    let mut writer = ImageWriter::create(&path, header, &provenance).expect("created");
    for (name, rows) in [(SplitName::Train, train), (SplitName::Test, test)] {
        let pixels = rows.iter().flat_map(numbers).map(|value| value as u8);
        let split = Split {
            indices: (0..rows.len() as u32).collect(),
            labels: vec![0; rows.len()],
            pixels: pixels.collect(),
        };
        writer.write(name, &split).expect("written");
    }
    writer.finish().expect("finished");
    path
}

fn network(case: &Value, number: usize) -> StoredModel {
    let stored = &case["networks"][number];
    let widths: Vec<usize> = numbers(&stored["widths"])
        .into_iter()
        .map(|width| width as usize)
        .collect();
    let side = case["side"].as_u64().expect("a side") as usize;
    let input = InputShape::from([1, side, side]);
    let classes = (0..10).map(|class| class.to_string()).collect();
    let architecture = match text(&case["network"]) {
        "mlp" => networks::mlp(widths).architecture(input, classes),
        _ => networks::cnn(widths).architecture(input, classes),
    };
    let architecture = architecture.expect("it fits its input");
    let tensors = architecture
        .parameters()
        .into_iter()
        .map(|parameter| NamedTensor {
            data: narrow(&stored["weights"][&parameter.name]),
            name: parameter.name,
            shape: parameter.shape,
        });
    let tensors = tensors.collect();
    StoredModel::new(architecture, tensors).expect("the fixture's tensors fit")
}

/// The cases with the layers of each that are aligned by `samples`.
fn for_each_case(mut check: impl FnMut(&Value, &Path, LinearSamples, &[&Value])) {
    let truth = fixture();
    let folder = tempfile::tempdir().expect("a folder");
    for case in list(&truth["cases"]) {
        let images = images(folder.path(), &truth, case);
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
                data: narrow(value),
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
            let weight = narrow(&case["networks"][0]["weights"][shape.weight()]);
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
