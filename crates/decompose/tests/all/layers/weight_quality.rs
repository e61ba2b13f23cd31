//! Norms, tails and bulks of weights against NumPy, SciPy, powerlaw and weightwatcher, laws that they obey, and the task kind.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use eigenscope_artifact::tables::layers::WeightQualityRow;
use eigenscope_artifact::{InputShape, NamedTensor, Provenance};
use eigenscope_decompose::layers::weight_quality;
use eigenscope_models::{Layer, StoredModel, Window, networks};
use eigenscope_stage::{Input, Seed, Stage};
use eigenscope_testing::{
    TestFolder, TestTask, Tolerance, assert_close, class_names, fixture, made_by, provenance,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-10);

#[derive(Deserialize)]
struct Truth {
    layers: Vec<LayerTruth>,
}

#[derive(Deserialize)]
struct LayerTruth {
    name: String,
    shape: Vec<usize>,
    weight: Vec<f32>,
    initial: Vec<f32>,
    spectral_norm: f64,
    frobenius_norm: f64,
    log_frobenius_norm: f64,
    stable_rank: f64,
    weighted_alpha: f64,
    distance: f64,
    relative_distance: f64,
    tail: TailTruth,
    bulk: BulkTruth,
}

#[derive(Deserialize)]
struct TailTruth {
    alpha: f64,
    error: f64,
    minimum: f64,
    count: u32,
    distance: f64,
}

#[derive(Deserialize)]
struct BulkTruth {
    edge: f64,
    soft_rank: f64,
    spikes: u32,
}

/// A layer whose weight has this shape.
fn layer(shape: &[usize]) -> Layer {
    let (input, window) = match *shape {
        [_, channels, kernel, _] => ([channels, kernel, kernel], Some(Window::new(kernel, 1))),
        _ => ([shape[1], 1, 1], None),
    };
    Layer {
        name: "layer".to_owned(),
        input: InputShape::from(input),
        outputs: shape[0],
        window,
        groups: 1,
        bias: false,
    }
}

fn tensor(shape: &[usize], data: Vec<f32>) -> NamedTensor {
    NamedTensor {
        name: "layer.weight".to_owned(),
        shape: shape.to_vec(),
        data,
    }
}

fn measure(shape: &[usize], data: Vec<f32>) -> WeightQualityRow {
    weight_quality(&layer(shape), &tensor(shape, data), None).expect("converges")
}

#[test]
fn other_packages_measure_the_same() {
    let truth: Truth = fixture("weight_quality_truth.json");
    assert_eq!(truth.layers.len(), 4);
    for expected in truth.layers {
        let (shape, name) = (&expected.shape, &expected.name);
        let [weight, initial] = [expected.weight, expected.initial].map(|data| tensor(shape, data));
        let found = weight_quality(&layer(shape), &weight, Some(&initial)).expect("converges");
        let (tail, bulk) = (&expected.tail, &expected.bulk);
        for (what, found, expected) in [
            (
                "spectral norm",
                Some(found.spectral_norm),
                expected.spectral_norm,
            ),
            (
                "Frobenius norm",
                Some(found.frobenius_norm),
                expected.frobenius_norm,
            ),
            (
                "its logarithm",
                found.log_frobenius_norm,
                expected.log_frobenius_norm,
            ),
            ("stable rank", found.stable_rank, expected.stable_rank),
            ("alpha", found.alpha, tail.alpha),
            ("its error", found.alpha_error, tail.error),
            ("start of the tail", found.tail_minimum, tail.minimum),
            ("distance of the tail", found.tail_distance, tail.distance),
            (
                "weighted alpha",
                found.weighted_alpha,
                expected.weighted_alpha,
            ),
            ("edge", found.bulk_edge, bulk.edge),
            ("soft rank", found.soft_rank, bulk.soft_rank),
            ("distance", found.initial_distance, expected.distance),
            (
                "relative",
                found.initial_relative_distance,
                expected.relative_distance,
            ),
        ] {
            let what = format!("{what} of {name}");
            let found = found.unwrap_or_else(|| panic!("{what} is missing"));
            assert_close(&what, &[found], &[expected], TOLERANCE);
        }
        assert_eq!(
            (found.tail_eigenvalues, found.spikes),
            (Some(tail.count), Some(bulk.spikes)),
            "{name}"
        );
    }
}

#[test]
fn random_weights_are_all_bulk_and_added_directions_are_spikes() {
    let (rows, columns) = (120, 300);
    let mut stream = Seed(3).stream("test", 0);
    let mut weight: Vec<f64> = (0..rows * columns).map(|_| stream.normal()).collect();
    let measure = |weight: &[f64]| {
        let data = weight.iter().map(|value| *value as f32).collect();
        measure(&[rows, columns], data)
    };
    let edge = ((rows as f64).sqrt() + (columns as f64).sqrt()).powi(2);
    let random = measure(&weight);
    assert!(
        (random.bulk_edge.expect("it has one") / edge - 1.0).abs() < 0.03,
        "{random:?}"
    );
    assert!(
        (random.soft_rank.expect("it has one") - 1.0).abs() < 0.05,
        "{random:?}"
    );
    // Two orthogonal directions with singular values of 3 and 2 times that of the edge.
    for (row, size) in [(0, 3.0), (1, 2.0)] {
        weight[row * columns..][..columns].fill(0.0);
        weight[row * columns + row] = size * edge.sqrt();
    }
    let added = measure(&weight);
    assert_eq!(added.spikes, Some(random.spikes.expect("counted") + 2));
    assert!(
        (added.soft_rank.expect("it has one") * 9.0 - 1.0).abs() < 0.05,
        "{added:?}"
    );
}

#[test]
fn weights_without_a_spectrum_have_no_tail_and_no_bulk() {
    let zero = measure(&[3, 4], vec![0.0; 12]);
    assert_eq!((zero.spectral_norm, zero.frobenius_norm), (0.0, 0.0));
    let all = [
        zero.log_frobenius_norm,
        zero.stable_rank,
        zero.alpha,
        zero.bulk_edge,
        zero.soft_rank,
    ];
    assert_eq!(all, [None; 5]);
    assert_eq!((zero.spikes, zero.tail_eigenvalues), (None, None));
    // One direction: its other eigenvalues are rounding, which is no tail.
    let one: Vec<f32> = (0..12)
        .map(|at| (1.0 + (at / 4) as f32) * (at % 4) as f32)
        .collect();
    let one = measure(&[3, 4], one);
    assert!((one.stable_rank.expect("not zero") - 1.0).abs() < 1e-12);
    assert_eq!(one.alpha, None);
}

#[test]
fn a_median_of_rounding_gives_no_bulk() {
    let (size, rank) = (64, 24);
    let mut stream = Seed(5).stream("test", 0);
    let rows: Vec<f32> = (0..rank * size).map(|_| stream.normal() as f32).collect();
    // The other rows repeat these, or are zero.
    let repeated: Vec<f32> = rows.iter().copied().cycle().take(size * size).collect();
    let mut padded = rows;
    padded.resize(size * size, 0.0);
    for weight in [repeated, padded] {
        let found = measure(&[size, size], weight);
        let bulk = (found.bulk_edge, found.soft_rank, found.spikes);
        assert_eq!(bulk, (None, None, None));
        assert!(found.alpha.is_some());
    }
}

proptest! {
    /// Turned round and scaled weights: what has no unit stays, norms grow with the scale, eigenvalues with its square.
    #[test]
    fn scale_and_orientation(seed in any::<u64>(), rows in 2_usize..12, columns in 2_usize..12, power in -3_i32..4) {
        let mut stream = Seed(seed).stream("test", 0);
        let data: Vec<f32> = (0..rows * columns).map(|_| stream.normal() as f32).collect();
        let scale = 2.0_f64.powi(power);
        let turned = (0..rows * columns).map(|at| {
            let (row, column) = (at / rows, at % rows);
            data[column * columns + row] * scale as f32
        });
        let other = measure(&[columns, rows], turned.collect());
        let one = measure(&[rows, columns], data);
        let some = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let pairs = [
            (one.spectral_norm * scale, other.spectral_norm),
            (one.frobenius_norm * scale, other.frobenius_norm),
            (some(one.stable_rank), some(other.stable_rank)),
            (some(one.alpha), some(other.alpha)),
            (some(one.tail_minimum) * scale * scale, some(other.tail_minimum)),
            (some(one.bulk_edge) * scale * scale, some(other.bulk_edge)),
            (some(one.soft_rank), some(other.soft_rank)),
        ];
        for (one, other) in pairs {
            prop_assert!((one / other - 1.0).abs() < 1e-6, "{} {}", one, other);
        }
        let rank = some(one.stable_rank);
        prop_assert!((1.0..=rows.min(columns) as f64 + 1e-9).contains(&rank));
        prop_assert_eq!((one.spikes, one.tail_eigenvalues), (other.spikes, other.tail_eigenvalues));
    }
}

/// A model as `train` draws it before training, with the first layer moved by 0.5 in one weight; made by a task of `kind`.
fn stored(folder: &TestFolder, kind: &str, seed: u64) -> Input {
    let shape = InputShape::from([1, 8, 8]);
    let architecture = networks::mlp(vec![9]).architecture(shape, class_names(3));
    let architecture = architecture.expect("it fits");
    let draw = |parameter: eigenscope_models::ParameterShape| {
        let mut stream = Seed(seed).stream(&format!("initialise/{}", parameter.name), 0);
        parameter.initial(|| stream.uniform())
    };
    let mut tensors: Vec<NamedTensor> = architecture.parameters().into_iter().map(draw).collect();
    tensors[0].data[5] += 0.5;
    let model = StoredModel::new(architecture, tensors).expect("they fit");
    let path = folder.path(&format!("{}-{seed}", kind.replace('/', "-")));
    let made = Provenance {
        kind: kind.to_owned(),
        seed,
        ..provenance()
    };
    model.write(&path, &made).expect("written");
    made_by("train.mlp", &path)
}

fn task(model: &Input) -> TestTask {
    TestTask::new(Stage::Decompose, "weight-quality", json!({"layers": []}))
        .reads("model", model)
        .writes(&[WeightQualityRow::KIND])
}

#[test]
fn the_start_is_known_of_trained_models_only() {
    let folder = TestFolder::new();
    for seed in [0, 7] {
        let rows: Vec<WeightQualityRow> = task(&stored(&folder, "train/mlp", seed))
            .run(&folder)
            .rows();
        let layers: Vec<&str> = rows.iter().map(|row| row.layer.as_str()).collect();
        assert_eq!(layers, ["layer1", "layer2"]);
        let distance = |row: &WeightQualityRow| row.initial_distance.expect("known");
        assert!((distance(&rows[0]) - 0.5).abs() < 1e-6, "{rows:?}");
        assert_eq!(distance(&rows[1]), 0.0);
        // 576 weights uniform in ±1/8 have a norm of about 24 / (8 sqrt(3)); its standard error is 2 %.
        let relative = rows[0].initial_relative_distance.expect("known");
        assert!(
            (relative * 2.0 * 3.0_f64.sqrt() - 0.5 / 0.5).abs() < 3.0,
            "{relative}"
        );
    }
    for kind in ["model/mlp", "decompose/surgery"] {
        let rows: Vec<WeightQualityRow> = task(&stored(&folder, kind, 7)).run(&folder).rows();
        assert!(rows.iter().all(|row| row.initial_distance.is_none()));
        assert!(
            rows.iter()
                .all(|row| row.initial_relative_distance.is_none())
        );
    }
}

#[test]
fn chosen_layers_and_unknown_ones() {
    let folder = TestFolder::new();
    let model = stored(&folder, "train/mlp", 1);
    let all: Vec<WeightQualityRow> = task(&model).run(&folder).rows();
    let some: Vec<WeightQualityRow> = task(&model)
        .set("layers", json!(["layer2"]))
        .run(&folder)
        .rows();
    assert_eq!(some, all[1..]);
    task(&model)
        .set("layers", json!(["conv1"]))
        .run(&folder)
        .fails_with("there is no layer `conv1`, the model has layer1, layer2");
}
