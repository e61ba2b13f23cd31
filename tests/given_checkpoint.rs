//! A bilinear layer that others trained on MNIST: its accuracy, its eigenvalues and what its adversarial masks do, against a
//! NumPy and PyTorch script.
//!
//! The checkpoint is not part of the repository: the folder `models` of the data directory holds it, with the script's numbers.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::tables::interactions::ContributionRow;
use eigenscope_artifact::tables::masks::{MaskScoreRow, MaskSummaryRow};
use eigenscope_artifact::{Record, read_records};
use eigenscope_testing::TestProject;
use serde_json::Value;

const CHECKPOINT: &str = "models/bilinear_residual_noise_0.15.pt";
/// Images by which a count may differ.
const IMAGES_APART: f64 = 3.0;
const IMAGES: f64 = 10_000.0;

/// The data directory, if it has the checkpoint and MNIST.
fn data_dir() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("EIGENSCOPE_DATA_DIR")?);
    let there = folder.join(CHECKPOINT).exists() && folder.join("mnist").exists();
    there.then(|| folder.canonicalize().expect("there"))
}

fn rows<R: Record>(project: &TestProject, task: &str) -> Vec<R> {
    let path = format!("artifacts/p/{task}/{}", R::KIND.file_name());
    read_records(&project.path(&path)).expect(task)
}

/// Asserts that two fractions of all images are a few images apart at most.
#[track_caller]
fn assert_few_images_apart(what: &str, found: f64, expected: f64) {
    let apart = IMAGES * (found - expected).abs();
    assert!(
        apart < IMAGES_APART + 0.5,
        "{what}: {found}, expected {expected}, {apart} images apart"
    );
}

#[test]
fn masks_of_a_checkpoint_that_others_trained() {
    let Some(folder) = data_dir() else {
        eprintln!(
            "skipped: EIGENSCOPE_DATA_DIR is not set, or its folder has no {CHECKPOINT} or no mnist"
        );
        return;
    };
    let project = TestProject::new(&format!(
        r#"
[data.mnist]
transforms = ["scale"]
[model.theirs]
kind = "bilinear"
file = "{CHECKPOINT}"
residual = true
data = "data.mnist"
[decompose.interaction]
model = "model.theirs"
[decompose.explanation]
model = "model.theirs"
data = "data.mnist"
image = {{ at = 8 }}
[decompose.masks]
model = "model.theirs"
data = "data.mnist"
[metric.masks]
model = "model.theirs"
masks = "decompose.masks"
data = "data.mnist"
strengths = [0.05, 0.15, 0.3]
"#
    ));
    let folder_text = folder.to_str().expect("UTF-8");
    project
        .call(&["--data-dir", folder_text, "run", "p.toml"])
        .expect(0);
    let text = std::fs::read(folder.join("models/masks.json")).expect("the script's numbers");
    let truth: Value = serde_json::from_slice(&text).expect("JSON");
    let number = |value: &Value| value.as_f64().expect("a number");

    let spectrum: Vec<SpectrumRow> = rows(&project, "decompose.interaction");
    let mut largest: Vec<f64> = spectrum
        .iter()
        .filter(|row| row.class == 3)
        .map(|row| row.eigenvalue)
        .collect();
    largest.sort_by(f64::total_cmp);
    let expected = truth["eigenvalues_class3_top"].as_array().expect("a list");
    for (found, expected) in largest[largest.len() - 3..].iter().zip(expected) {
        let expected = number(expected);
        assert!((found / expected - 1.0).abs() < 1e-4, "{found} {expected}");
    }

    // The badly written 5 that the paper explains: its largest logits are those of 5, 6 and 8.
    let contributions: Vec<ContributionRow> = rows(&project, "decompose.explanation");
    let classes: BTreeSet<&str> = contributions.iter().map(|row| row.class.as_str()).collect();
    assert_eq!(classes, BTreeSet::from(["5", "6", "8"]));
    assert_eq!(
        (contributions.len(), contributions[0].class.as_str()),
        (3 * 512, "5")
    );

    let scores: Vec<MaskScoreRow> = rows(&project, "metric.masks");
    let plain = scores.iter().find(|row| row.mask == "none").expect("a row");
    assert_few_images_apart(
        "accuracy",
        plain.accuracy_fraction,
        number(&truth["accuracy"]),
    );
    let masks = truth["masks"].as_array().expect("a list");
    assert_eq!(masks.len(), 90);
    for mask in masks {
        let found = scores.iter().find(|row| {
            row.mask == "adversarial"
                && f64::from(row.class) == number(&mask["class"])
                && f64::from(row.rank) == number(&mask["rank"]) + 1.0
                && row.strength == number(&mask["strength"])
        });
        let found = found.expect("a row for every mask");
        let what = mask.to_string();
        assert_few_images_apart(&what, found.accuracy_fraction, number(&mask["accuracy"]));
        let expected = number(&mask["misclassified_as_class"]);
        assert_few_images_apart(&what, found.misclassified_fraction, expected);
    }

    // The means over all masks that the specification of the analysis names.
    let summary: Vec<MaskSummaryRow> = rows(&project, "metric.masks");
    for (strength, accuracy, misclassified) in [
        (0.05, 0.9785, 0.0030),
        (0.15, 0.9269, 0.0341),
        (0.30, 0.6276, 0.2645),
    ] {
        let row = summary
            .iter()
            .find(|row| row.mask == "adversarial" && row.strength == strength);
        let row = row.expect("a row for every strength");
        assert_few_images_apart("mean accuracy", row.accuracy_mean_fraction, accuracy);
        assert_few_images_apart(
            "mean misclassified",
            row.misclassified_mean_fraction,
            misclassified,
        );
    }
    // Shuffled, a mask does little.
    let random = summary
        .iter()
        .filter(|row| row.mask == "random" && row.strength < 0.2);
    assert!(
        random
            .into_iter()
            .all(|row| row.accuracy_mean_fraction > 0.97)
    );
}
