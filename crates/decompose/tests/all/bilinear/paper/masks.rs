//! Adversarial masks.

use eigenscope_artifact::ImageTable;
use eigenscope_artifact::tables::masks::MaskRow;
use eigenscope_stage::Stage;
use eigenscope_testing::{TaskOutcome, TestFolder, TestTask, assert_close, numbers};
use serde_json::{Value, json};

use super::{TOLERANCE, digits, model, truth};

fn run(folder: &TestFolder, case: &Value, parameters: Value) -> TaskOutcome {
    let biases = case["bias"]
        .as_bool()
        .expect("a flag")
        .then(|| &case["biases"]);
    let residual = case["residual"].as_bool().expect("a flag");
    TestTask::new(Stage::Decompose, "masks", parameters)
        .reads("model", &folder.model("tensors", &model(biases, residual)))
        .reads("data", &digits(folder))
        .writes(&[MaskRow::KIND])
        .run(folder)
}

fn masks(outcome: &TaskOutcome) -> ImageTable<MaskRow> {
    ImageTable::read(&outcome.path(MaskRow::KIND)).expect("masks")
}

#[test]
fn encoders_signs_and_masks() {
    for case in truth()["masks"].as_array().expect("a list") {
        let folder = TestFolder::new();
        let parameters = json!({"count": case["count"], "kept": case["kept"], "pixels": "all"});
        let found = masks(&run(&folder, case, parameters));
        let expected = case["masks"].as_array().expect("a list");
        assert_eq!(found.rows.len(), expected.len());
        for (found, expected) in found.rows.iter().zip(expected) {
            assert_eq!(
                (expected["class"].clone(), expected["rank"].clone()),
                (json!(found.row.class), json!(found.row.rank))
            );
            let numbers = |key: &str| numbers(&expected[key]);
            assert_close(
                "eigenvalue",
                &[found.row.eigenvalue],
                &numbers("eigenvalue"),
                TOLERANCE,
            );
            assert_close(
                "deviation",
                &[found.row.encoder_std],
                &numbers("encoder_std"),
                TOLERANCE,
            );
            assert_close(
                "eigenvector",
                &found.images[0],
                &numbers("eigenvector"),
                TOLERANCE,
            );
            assert_close("mask", &found.images[1], &numbers("mask"), TOLERANCE);
            // Shuffled: other places, the same values.
            let sorted = |image: &[f32]| {
                let mut values = image.to_vec();
                values.sort_by(f32::total_cmp);
                values
            };
            assert_eq!(sorted(&found.images[2]), sorted(&found.images[1]));
            assert_ne!(found.images[2], found.images[1]);
        }
    }
}

/// Pixels that are dark in the training images: of the digits, the columns at both sides.
#[test]
fn masks_may_be_kept_to_dark_pixels() {
    let case = &truth()["masks"][0];
    let folder = TestFolder::new();
    let whole = masks(&run(
        &folder,
        case,
        json!({"count": 1, "kept": 1, "pixels": "all"}),
    ));
    let dark = json!({"count": 1, "kept": 1, "pixels": {"dark": {"below": 0.01}}});
    let found = masks(&run(&folder, case, dark));
    for (dark, whole) in found.rows.iter().zip(&whole.rows) {
        let changed = |image: &[f32]| -> Vec<usize> {
            (0..64).filter(|&pixel| image[pixel] != 0.0).collect()
        };
        let places = changed(&dark.images[1]);
        assert!((4..20).contains(&places.len()), "{places:?}");
        assert_eq!(changed(&dark.images[2]), places);
        let mean = dark.images[1]
            .iter()
            .map(|value| f64::from(*value))
            .sum::<f64>()
            / 64.0;
        let squares = dark.images[1]
            .iter()
            .map(|value| (f64::from(*value) - mean).powi(2));
        assert!((squares.sum::<f64>() / 63.0 - 1.0).abs() < 1e-5);
        // The same encoder, divided by another number.
        let ratio = f64::from(dark.images[1][places[0]]) / f64::from(whole.images[1][places[0]]);
        assert!((ratio.abs() * dark.row.encoder_std / whole.row.encoder_std - 1.0).abs() < 1e-4);
    }
    let none = json!({"count": 1, "kept": 1, "pixels": {"dark": {"below": -1.0}}});
    run(&folder, case, none).fails_with(
        "the mask of rank 1 has no standard deviation over the 0 pixels that it may change",
    );
}
