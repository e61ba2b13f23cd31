//! The first eigenvector of a class in many models, by what differs between them.

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{EigenpairRow, EigenpairsHeader, InputShape, write_eigenpairs};
use eigenscope_stage::Input;
use eigenscope_testing::{TestFolder, made_by, provenance_of};
use serde_json::{Value, json};

use crate::drawn::{self, Drawing};

/// Models that differ in noise and seed: their eigenpairs and histories, each model with an accuracy of its own.
fn models(folder: &TestFolder, count: u32) -> Vec<(&'static str, Input)> {
    let mut inputs = Vec::new();
    for number in 0..count {
        let labels = [
            ("noise_std".to_owned(), json!(f64::from(number % 2) / 5.0)),
            ("seed".to_owned(), json!(number / 2)),
        ];
        let task = format!("train.m[number={number}]");
        let rows = [HistoryRow {
            test_accuracy_fraction: 0.9 + f64::from(number) / 100.0,
            ..crate::history(1).remove(0)
        }];
        let mut history = folder.table(&format!("history-{number}"), &rows);
        history.task.clone_from(&task);
        let header = EigenpairsHeader {
            shape: InputShape::from([1, 2, 3]),
            classes: vec!["cat".to_owned(), "dog".to_owned()],
            size: 2,
        };
        let row = |class, index, eigenvalue| EigenpairRow {
            class,
            index,
            eigenvalue,
            input_vector: vec![0.5, -0.25, 0.0, 1.0, 0.125, -1.0],
        };
        let rows = [
            row(0, 0, -3.0),
            row(0, 1, 1.25),
            row(1, 0, -1.0),
            row(1, 1, 2.5),
        ];
        let path = folder.path(&format!("eigenpairs-{number}.parquet"));
        write_eigenpairs(
            &path,
            &header,
            &rows,
            None,
            &provenance_of(&[("model", &history)]),
        )
        .expect("written");
        let mut eigenpairs = made_by(&format!("decompose.m[number={number}]"), &path);
        for (input, role) in [(&mut eigenpairs, "eigenpairs"), (&mut history, "histories")] {
            input.labels.extend(labels.clone());
            inputs.push((role, input.clone()));
        }
    }
    inputs
}

fn draw(folder: &TestFolder, count: u32, changed: &Value) -> Drawing {
    let mut parameters = json!({
        "classes": [0], "rows": "model", "columns": "class", "selection": "highest",
    });
    let all = parameters.as_object_mut().expect("an object");
    all.extend(changed.as_object().expect("an object").clone());
    drawn::draw(
        folder,
        "eigenvector-grid",
        parameters,
        models(folder, count),
    )
}

#[test]
fn accuracies_stand_above_the_pictures_of_a_class() {
    let by = json!({"rows": "seed", "columns": "noise_std"});
    let folder = TestFolder::new();
    draw(&folder, 4, &by).shows(&[
        "The largest eigenvector of class “cat” by seed and noise std",
        "90.0 %",
        "91.0 %",
        "92.0 %",
        "93.0 %",
    ]);
}

#[test]
fn models_without_room_are_counted() {
    let folder = TestFolder::new();
    let by = json!({"rows": "noise_std", "columns": "seed"});
    draw(&folder, 80, &by).shows(&["… and 8 more columns"]);
}

#[test]
fn eigenvalues_stand_above_the_pictures_of_several_classes() {
    let folder = TestFolder::new();
    draw(&folder, 2, &json!({"classes": [0, 1], "rows": "noise_std"})).shows(&[
        "by noise std and class",
        "λ = 1.25",
        "λ = 2.50",
        "dog",
    ]);
    let folder = TestFolder::new();
    draw(&folder, 1, &json!({"selection": "lowest"}))
        .shows(&["The most negative eigenvector", "λ = −3.00"]);
}

#[test]
fn what_has_no_place_is_refused() {
    for (count, changed, reason) in [
        (
            4,
            json!({"rows": "noise_std", "columns": "class"}),
            "several models are at row “0.0” and column “cat”",
        ),
        (
            2,
            json!({"rows": "weight_decay"}),
            "not all that is read has a label `weight_decay`; there is noise_std, seed",
        ),
        (
            4,
            json!({"classes": [0, 1], "rows": "seed", "columns": "noise_std"}),
            "`classes` must be one class",
        ),
        (1, json!({"classes": [2]}), "class 2, but there are 2"),
    ] {
        draw(&TestFolder::new(), count, &changed).fails_with(reason);
    }
}
