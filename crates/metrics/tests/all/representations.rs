//! Measures of representations against NumPy and SciPy, laws of metrics, and the task kind.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use std::collections::BTreeMap;

use eigenscope_artifact::tables::representations::{
    RepresentationMapRow, RepresentationSimilarityRow,
};
use eigenscope_artifact::{ArtifactKind, InputShape};
use eigenscope_metrics::representations::{
    Measure, Measured, Representation, classical_scaling, compare,
};
use eigenscope_models::networks;
use eigenscope_stage::{Input, Known, Question, Seed, Stage, quantities};
use eigenscope_testing::{
    TestFolder, TestTask, Tolerance, assert_close, class_names, examine, fixture, image_header,
    noise, untrained,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Truth {
    images: usize,
    alpha: f64,
    representations: Vec<Vec<f32>>,
    values: BTreeMap<String, Vec<Vec<f64>>>,
    map: MapTruth,
}

#[derive(Deserialize)]
struct MapTruth {
    points: Vec<[f64; 2]>,
    share: f64,
}

/// Every measure of every two, with this alpha.
fn measured(representations: &[Vec<f32>], images: usize, alpha: f64) -> Vec<Measured> {
    let kept = representations.iter().map(|rows| {
        Representation::new("rows", rows, images, &Measure::ALL, alpha).expect("finite")
    });
    compare(&kept.collect::<Vec<_>>(), &Measure::ALL)
}

fn known(measured: &Measured) -> Vec<f64> {
    let values = measured.values.iter().copied();
    values.map(|value| value.expect("it varies")).collect()
}

#[test]
fn every_measure_is_that_of_other_packages() {
    let truth: Truth = fixture("representation_truth.json");
    for found in measured(&truth.representations, truth.images, truth.alpha) {
        let expected = truth.values[found.measure.name()].concat();
        // The angle between equal shapes is the arc cosine of a number that rounding keeps from 1.
        let tolerance = match found.measure.distance(0.3) == 0.3 {
            true => Tolerance::Absolute(1e-6),
            false => Tolerance::OfLargest(1e-10),
        };
        assert_close(found.measure.name(), &known(&found), &expected, tolerance);
        if found.measure == Measure::Procrustes {
            let size = truth.representations.len();
            let map = classical_scaling(&known(&found), size).expect("converges");
            let places = map.points.as_flattened();
            assert_close(
                "map",
                places,
                truth.map.points.as_flattened(),
                Tolerance::OfLargest(1e-6),
            );
            assert!((map.share.expect("they differ") / truth.map.share - 1.0).abs() < 1e-6);
        }
    }
}

/// Standard normal values `[images, width]`.
fn normal(seed: u64, images: usize, width: usize) -> Vec<f32> {
    let mut stream = Seed(seed).stream("test", width as u64);
    (0..images * width)
        .map(|_| stream.normal() as f32)
        .collect()
}

/// The rows turned in the plane of the first two columns, scaled and moved.
fn turned(rows: &[f32], width: usize, angle: f32) -> Vec<f32> {
    let mut all = rows.to_vec();
    for row in all.chunks_exact_mut(width) {
        let [x, y] = [row[0], row[1]];
        row[0] = x * angle.cos() - y * angle.sin();
        row[1] = x * angle.sin() + y * angle.cos();
        row.iter_mut().for_each(|value| *value = 2.0 * *value + 1.0);
    }
    all
}

proptest! {
    /// Any three representations of any width: values are symmetric and within bounds, distances obey the triangle inequality, and a
    /// representation is at distance 0 from itself turned, scaled and moved.
    #[test]
    fn laws_of_metrics(
        seed in any::<u64>(), images in 12_usize..20, widths in [2_usize..6, 2..9, 2..30], alpha in 0.0_f64..=1.0, angle in 0.0_f32..6.0
    ) {
        let [one, two, three] = widths.map(|width| normal(seed, images, width));
        let again = turned(&one, widths[0], angle);
        for found in measured(&[one, two, three, again], images, alpha) {
            let values = known(&found);
            let at = |row: usize, column: usize| values[4 * row + column];
            let measure = found.measure;
            let is_angle = measure.distance(0.3) == 0.3;
            for row in 0..4 {
                for column in 0..4 {
                    prop_assert_eq!(at(row, column), at(column, row));
                    let bounds = match measure {
                        Measure::Cka => -1e-9..=1.0 + 1e-9,
                        Measure::DebiasedCka | Measure::Rsa => -1.0 - 1e-9..=1.0 + 1e-9,
                        _ => 0.0..=std::f64::consts::FRAC_PI_2,
                    };
                    prop_assert!(bounds.contains(&at(row, column)), "{:?}: {}", measure, at(row, column));
                    let distance = |row, column| measure.distance(at(row, column));
                    for between in 0..4 {
                        let around = distance(row, between) + distance(between, column);
                        prop_assert!(distance(row, column) <= around + 1e-6, "{:?}", measure);
                    }
                }
                prop_assert_eq!(at(row, row), if is_angle { 0.0 } else { 1.0 });
            }
            let same = measure.distance(at(0, 3));
            prop_assert!(same < 2e-3, "{:?}: {}", measure, same);
        }
    }
}

#[test]
fn canonical_correlations_do_not_see_invertible_maps() {
    let (images, width) = (30, 4);
    let rows = normal(1, images, width);
    let sheared: Vec<f32> = rows
        .chunks_exact(width)
        .flat_map(|row| {
            [
                row[0] + 3.0 * row[1],
                0.1 * row[1],
                row[2] - row[3],
                row[3] + row[0],
            ]
        })
        .collect();
    let other = normal(2, images, width);
    let found = measured(&[rows, sheared, other], images, 0.0);
    let of = |measure: Measure| {
        let found = found.iter().find(|found| found.measure == measure);
        known(found.expect("measured"))[1]
    };
    assert!(of(Measure::Cca) < 1e-3, "{}", of(Measure::Cca));
    assert_eq!(of(Measure::Shape), of(Measure::Cca));
    assert!(of(Measure::Procrustes) > 0.2, "{}", of(Measure::Procrustes));
}

#[test]
fn unrelated_representations_have_no_debiased_alignment() {
    // 40 images, 200 values: the biased alignment of pure noise is far from 0.
    let draws: Vec<Vec<f32>> = (0..8).map(|seed| normal(seed, 40, 200)).collect();
    for found in measured(&draws, 40, 0.5) {
        let values = known(&found);
        let apart = (0..64).filter(|at| at % 9 != 0).map(|at| values[at]);
        let mean = apart.sum::<f64>() / 56.0;
        match found.measure {
            Measure::Cka => assert!(mean > 0.7, "{mean}"),
            Measure::DebiasedCka => assert!(mean.abs() < 0.05, "{mean}"),
            _ => {}
        }
    }
}

#[test]
fn what_is_the_same_for_all_images_has_no_values() {
    let constant = vec![0.7_f32; 6 * 3];
    for found in measured(&[normal(1, 6, 3), constant], 6, 0.5) {
        let itself = if found.measure.distance(0.3) == 0.3 {
            0.0
        } else {
            1.0
        };
        assert_eq!(found.values, [Some(itself), None, None, None]);
    }
    let error = Representation::new("rows", &[f32::INFINITY; 12], 6, &[Measure::Cka], 0.5);
    let error = error.expect_err("refused").to_string();
    assert_eq!(
        error,
        "rows holds values that are not finite or too large to multiply"
    );
}

const OUTPUTS: [ArtifactKind; 2] = [
    RepresentationSimilarityRow::KIND,
    RepresentationMapRow::KIND,
];

/// Three networks: two draws of one, and a wider one.
fn models(folder: &TestFolder) -> Vec<Input> {
    let shape = InputShape::from([1, 4, 4]);
    let draws = [(1, 5), (2, 5), (3, 7)];
    let models = draws.into_iter().map(|(seed, width)| {
        let architecture = networks::mlp(vec![width, 6]).architecture(shape, class_names(3));
        let model = untrained(&architecture.expect("it fits"), seed);
        Input {
            task: format!("train.mlp[seed={seed}]"),
            ..folder.model(&format!("model-{seed}"), &model)
        }
    });
    models.collect()
}

fn task(folder: &TestFolder, models: &[Input], test_images: usize) -> TestTask {
    let header = image_header([1, 4, 4], 16, class_names(3));
    let splits = [&noise(&header, 5, 1), &noise(&header, test_images, 2)];
    let images = folder.images(&format!("images-{test_images}"), &header, splits);
    let parameters = json!({
        "layers": [], "measures": ["cka", "cca"], "alpha": 0.5, "images": 40, "split": "test",
    });
    TestTask::new(Stage::Metric, "representation-similarity", parameters)
        .reads_all("models", models)
        .reads("data", &images)
        .writes(&OUTPUTS)
}

#[test]
fn every_two_networks_and_their_place() {
    let folder = TestFolder::new();
    let models = models(&folder);
    let task = task(&folder, &models, 90);
    let outcome = task.run(&folder);
    let rows: Vec<RepresentationSimilarityRow> = outcome.rows();
    assert_eq!(rows.len(), 2 * 9);
    for (at, row) in rows.iter().enumerate() {
        let (one, other) = (&models[at % 9 / 3].task, &models[at % 3].task);
        assert_eq!((&row.row_model, &row.column_model), (one, other));
        assert_eq!(
            (row.row_layer.as_str(), row.column_layer.as_str()),
            ("layer3", "layer3")
        );
        assert_eq!(row.measure, if at < 9 { "cka" } else { "cca" });
    }
    let places: Vec<RepresentationMapRow> = outcome.rows();
    let measures: Vec<&str> = places.iter().map(|row| row.measure.as_str()).collect();
    assert_eq!(measures, ["cka", "cka", "cka", "cca", "cca", "cca"]);
    assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
    outcome.assert_same_bytes(&task.clone().threads(4).run(&folder));

    // The first layer reads the images, the same in all networks.
    let layers = json!(["layer1", "layer2"]);
    let outcome = task.set("layers", layers).run(&folder);
    let rows: Vec<RepresentationSimilarityRow> = outcome.rows();
    assert_eq!(rows.len(), 2 * 36);
    let images = rows
        .iter()
        .filter(|row| row.row_layer == "layer1" && row.column_layer == "layer1");
    for row in images {
        let expected = if row.measure == "cka" { 1.0 } else { 0.0 };
        assert!(
            (row.value.expect("they vary") - expected).abs() < 1e-6,
            "{row:?}"
        );
    }
}

#[test]
fn memory_grows_with_images_and_networks() {
    let memory = |images: usize, models: u64, measures: Value| {
        let parameters = json!({
            "layers": [], "measures": measures, "alpha": 0.5, "images": images, "split": "test",
        });
        let mut known = Known::default();
        let artifacts = quantities::ARTIFACTS.to_owned();
        known.quantities.insert(artifacts, models);
        let question = Question {
            kind: "representation-similarity".to_owned(),
            parameters,
            inputs: BTreeMap::from([("models".to_owned(), known)]),
            thorough: false,
        };
        let examined = examine(Stage::Metric, "".as_ref(), question);
        examined.memory_mib.expect("it is known")
    };
    let cosines = || json!(["cka", "debiased-cka", "rsa"]);
    let all = || json!(Measure::ALL.map(Measure::name));
    assert!(memory(500, 2, all()) < 512);
    // One network took 725 MiB.
    assert!(memory(5000, 1, cosines()) > 725);
    assert!(memory(5000, 1, all()) > memory(5000, 1, cosines()));
    // What is kept of 5,000 images: 20 n^2 bytes a network, however many threads there are.
    let more = memory(5000, 20, all()) - memory(5000, 10, all());
    assert!((4768..4770).contains(&more), "{more}");
}

#[test]
fn images_that_cannot_tell_are_warned_of_or_refused() {
    let folder = TestFolder::new();
    let models = models(&folder);
    let few = task(&folder, &models, 5)
        .set("layers", json!(["layer1"]))
        .run(&folder);
    let warnings = few.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("differs in 4 directions"),
        "{}",
        warnings[0]
    );
    // A shape that is whitened is the same as `cca`; one that is not can tell.
    for (alpha, measures, told) in [
        (0.0, json!(["shape"]), Some("`shape` is the same")),
        (
            0.0,
            json!(["cca", "shape"]),
            Some("`cca` and `shape` are the same"),
        ),
        (0.5, json!(["shape", "procrustes"]), None),
    ] {
        let few = task(&folder, &models, 5)
            .set("layers", json!(["layer1"]))
            .set("measures", measures)
            .set("alpha", json!(alpha))
            .run(&folder);
        match told {
            Some(part) => few.warns_of(part),
            None => assert!(few.warnings().is_empty()),
        }
    }
    task(&folder, &models, 3)
        .run(&folder)
        .fails_with("has 3 test images; at least 4 are needed to compare representations");
    task(&folder, &models, 90)
        .set("measures", json!([]))
        .run(&folder)
        .fails_with("`measures` is empty: name one");
    let dead = networks::mlp(vec![5]).architecture(InputShape::from([1, 4, 4]), class_names(3));
    let dead = eigenscope_testing::model_with(&dead.expect("it fits"), |_, parameter| {
        vec![0.0; parameter.shape.iter().product()]
    });
    let dead = Input {
        task: "train.dead".to_owned(),
        ..folder.model("dead", &dead)
    };
    let outcome = task(&folder, &[models[0].clone(), dead], 90).run(&folder);
    let rows: Vec<RepresentationMapRow> = outcome.rows();
    assert_eq!(rows.len(), 2);
    assert!(
        outcome.warnings()[0].contains("reads is the same for all images, so `cka` is not defined")
    );
}
