//! Predictions with masks against NumPy's forward pass for each mask and strength.

use burn::tensor::Device;
use eigenscope_artifact::tables::masks::{MaskRow, MaskScoreRow, MaskSummaryRow};
use eigenscope_artifact::{ImageRow, ImageTable, ImageTableHeader, NamedTensor};
use eigenscope_metrics::bilinear::MaskedModel;
use eigenscope_models::{BilinearWeights, StoredModel, networks};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{
    Digits, TestFolder, TestTask, class_names, fixture, floats, image_header, made_by, numbers,
    provenance_of,
};
use serde_json::{Value, json};

use crate::fixtures::{SHAPE, models};

const STRENGTHS: [f64; 3] = [0.05, 0.2, 0.5];
const IMAGES: usize = 360;

/// The model of a case of the fixture.
fn model(case: &Value) -> StoredModel {
    let mut all = models().into_iter();
    let reference = all.find(|model| (model.hidden, model.seed) == (12, 0));
    let mut tensors = reference.expect("it is there").tensors();
    let biased = case["bias"].as_bool().expect("a flag");
    if biased {
        tensors.push(NamedTensor {
            name: "gate.bias".to_owned(),
            shape: vec![24],
            data: floats(&case["biases"]),
        });
    }
    let residual = case["residual"].as_bool().expect("a flag");
    let network = networks::bilinear_blocks(12, biased, 1, residual);
    let architecture = network.architecture(SHAPE, class_names(10));
    StoredModel::new(architecture.expect("it fits"), tensors).expect("tensors that fit")
}

fn expected(case: &Value) -> &[Value] {
    case["masks"].as_array().expect("a list")
}

#[test]
fn counts_are_those_of_a_forward_pass_for_each_mask() {
    let truth: Value = fixture("bilinear_paper_truth.json");
    assert_eq!(numbers(&truth["strengths"]), STRENGTHS);
    let digits = Digits::read();
    let test = Digits::TRAIN..digits.labels.len();
    let (inputs, labels) = (digits.inputs(test.clone()), digits.labels(test));
    for case in truth["masks"].as_array().expect("a list") {
        let weights = BilinearWeights::new(&model(case), "a test").expect("bilinear");
        let images: Vec<Vec<f32>> = expected(case)
            .iter()
            .map(|row| floats(&row["mask"]))
            .collect();
        let classes = expected(case)
            .iter()
            .map(|row| row["class"].as_u64().expect("a class") as u16);
        let masks: Vec<(u16, &[f32])> = classes.zip(images.iter().map(Vec::as_slice)).collect();
        let masked = MaskedModel::new(&weights, &masks).expect("masks that fit");
        // More strengths than are tried side by side, the given ones at the end.
        let mut strengths = vec![1.0; 20];
        strengths.extend(STRENGTHS);
        let found = masked
            .count(&inputs, &labels, &strengths, &Device::flex())
            .expect("runs");
        assert_eq!(
            u64::from(found.plain_correct),
            case["correct"].as_u64().expect("a count")
        );
        let wrong: u32 = found.plain_misclassified.iter().sum();
        assert_eq!(wrong + found.plain_correct, IMAGES as u32);
        for (row, (correct, misclassified)) in expected(case).iter().zip(
            found
                .correct
                .chunks_exact(23)
                .zip(found.misclassified.chunks_exact(23)),
        ) {
            for (counts, key) in [(correct, "correct"), (misclassified, "misclassified")] {
                let uncertain = numbers(&row["uncertain"]);
                let truths = numbers(&row[key]).into_iter().zip(uncertain);
                for (count, (truth, uncertain)) in counts[20..].iter().zip(truths) {
                    assert!(
                        (f64::from(*count) - truth).abs() <= uncertain,
                        "{key}: {counts:?}, {row}"
                    );
                }
            }
        }
    }
}

#[test]
fn masks_that_do_not_fit_are_refused() {
    let truth: Value = fixture("bilinear_paper_truth.json");
    let weights = BilinearWeights::new(&model(&truth["masks"][0]), "a test").expect("bilinear");
    for (class, values) in [(0, 63), (10, 64)] {
        let error = MaskedModel::new(&weights, &[(class, vec![0.0; values].as_slice())]);
        let error = error.expect_err("refused").to_string();
        assert!(
            error.contains("the model reads 64 values and has 10 classes"),
            "{error}"
        );
    }
}

/// The masks of a case as an artifact made from its model; what should be random is the mask itself.
fn artifact(folder: &TestFolder, case: &Value, model: &Input) -> Input {
    let rows = expected(case).iter().map(|row| {
        let mask = floats(&row["mask"]);
        ImageRow {
            row: MaskRow {
                class: row["class"].as_u64().expect("a class") as u32,
                rank: row["rank"].as_u64().expect("a rank") as u32,
                eigenvalue: 1.0,
                encoder_std: 1.0,
            },
            images: vec![mask.clone(), mask.clone(), mask],
        }
    });
    let table = ImageTable {
        header: ImageTableHeader {
            shape: SHAPE,
            classes: class_names(10),
        },
        rows: rows.collect(),
    };
    let path = folder.path("masks.parquet");
    table
        .write(&path, &provenance_of(&[("model", model)]))
        .expect("written");
    made_by("decompose.masks", &path)
}

#[test]
fn every_mask_has_a_row_for_each_strength() {
    let truth: Value = fixture("bilinear_paper_truth.json");
    let case = &truth["masks"][1];
    let folder = TestFolder::new();
    let model = folder.model("tensors", &model(case));
    let digits = Digits::read();
    let test = Digits::TRAIN..digits.labels.len();
    let header = image_header(SHAPE, 16, class_names(10));
    let data = folder.images(
        "digits",
        &header,
        [&digits.split(0..9), &digits.split(test)],
    );
    let task = TestTask::new(
        Stage::Metric,
        "masks",
        json!({"strengths": STRENGTHS, "split": "test"}),
    )
    .reads("model", &model)
    .reads("masks", &artifact(&folder, case, &model))
    .reads("data", &data)
    .writes(&[MaskScoreRow::KIND, MaskSummaryRow::KIND]);
    let outcome = task.clone().run(&folder).succeeded();
    let rows: Vec<MaskScoreRow> = outcome.rows();
    assert_eq!(rows.len(), 20 + 2 * 20 * 3);
    let of = |kind: &str| -> Vec<MaskScoreRow> {
        rows.iter()
            .filter(|row| row.mask == kind)
            .cloned()
            .collect()
    };
    assert!(
        of("none")
            .iter()
            .all(|row| f64::from(row.correct) == case["correct"].as_f64().expect("a count"))
    );
    for (adversarial, random) in of("adversarial").into_iter().zip(of("random")) {
        assert_eq!(adversarial.correct, random.correct);
    }
    let summary: Vec<MaskSummaryRow> = outcome.rows();
    assert_eq!(summary.len(), 1 + 2 * 3);
    for row in &summary {
        let own: Vec<f64> = rows
            .iter()
            .filter(|one| (one.mask.as_str(), one.strength) == (row.mask.as_str(), row.strength))
            .map(|one| one.accuracy_fraction)
            .collect();
        assert_eq!(own.len(), 20);
        let mean = own.iter().sum::<f64>() / 20.0;
        let variance = own.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 19.0;
        assert!((row.accuracy_mean_fraction - mean).abs() < 1e-12);
        let half = row.accuracy_half_width_fraction.expect("20 masks");
        assert!((half - 1.96 * (variance / 20.0).sqrt()).abs() < 1e-12);
    }
    task.clone()
        .threads(4)
        .run(&folder)
        .assert_same_bytes(&outcome);
    task.set("strengths", json!([]))
        .run(&folder)
        .fails_with("there are no masks, or no strengths");
}
