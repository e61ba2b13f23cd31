//! Figures of classes: confusion, and weight surgery.

use eigenscope_artifact::tables::embeddings::{ClassAccuracyRow, ConfusionRow};
use eigenscope_artifact::tables::surgery::{MergeRow, SingularValueRow, SurgeryRow};
use eigenscope_testing::TestFolder;
use serde_json::json;

use crate::drawn::{self, Drawing};

/// Numbers of images by class and predicted class.
pub(crate) fn confusion(counts: &[&[u32]]) -> Vec<ConfusionRow> {
    let rows = (0..).zip(counts).flat_map(|(label, counts)| {
        (0..)
            .zip(*counts)
            .map(move |(predicted, &images)| ConfusionRow {
                label,
                predicted,
                images,
            })
    });
    rows.collect()
}

/// Accuracies of classes of 1,000 images, and of all.
pub(crate) fn accuracies(classes: &[(&str, u32)]) -> Vec<ClassAccuracyRow> {
    let row = |class: &str, correct: u32, images: u32| ClassAccuracyRow {
        class: class.to_owned(),
        correct,
        images,
        accuracy_fraction: (images > 0).then(|| f64::from(correct) / f64::from(images)),
    };
    let correct = classes.iter().map(|(_, correct)| correct).sum();
    let all = row("all", correct, 1000 * classes.len() as u32);
    let classes = classes
        .iter()
        .map(|(class, correct)| row(class, *correct, 1000));
    classes.chain([all]).collect()
}

const PETS: [(&str, u32); 3] = [("cat", 990), ("dog", 958), ("a bird of many names", 1000)];

fn pets() -> Vec<ConfusionRow> {
    confusion(&[&[990, 10, 0], &[42, 958, 0], &[0, 0, 1000]])
}

pub(crate) fn draw_confusion(
    folder: &TestFolder,
    rows: &[ConfusionRow],
    accuracy: &[ClassAccuracyRow],
) -> Drawing {
    let inputs = [
        ("confusion", folder.table("confusion", rows)),
        ("accuracy", folder.table("accuracy", accuracy)),
    ];
    drawn::draw(
        folder,
        "confusion",
        json!({"scale": 0, "cells": "images"}),
        inputs,
    )
}

#[test]
fn confusion_has_counts_and_names_and_the_accuracy_in_its_title() {
    let folder = TestFolder::new();
    let drawn = draw_confusion(&folder, &pets(), &accuracies(&PETS));
    drawn.shows(&[
        "Confusion: 2,948 of 3,000 images correct (98.3 %)",
        "Predicted class",
        "Errors (square-root scale)",
    ]);
    let cells = ["990", "10", "42", "958", "1,000"];
    assert_eq!(drawn.texts_of("cells"), [cells]);
    let names = ["cat", "dog", "a bird of many names"];
    assert_eq!(drawn.texts_of("x-axis")[0][..3], names);
    assert_eq!(drawn.texts_of("y-axis")[0][..3], names);
    let bar = ["20", "10", "5", "2", "1", "0", "Errors (square-root scale)"];
    assert_eq!(drawn.texts_of("colour-bar"), [bar]);
}

#[test]
fn confusion_of_two_classes_without_errors_and_of_many() {
    let folder = TestFolder::new();
    let two = [("0", 1000), ("1", 1000)];
    let rows = confusion(&[&[1000, 0], &[0, 1000]]);
    let drawn = draw_confusion(&folder, &rows, &accuracies(&two));
    drawn.shows(&["2,000 of 2,000 images correct (100.0 %)"]);
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|class| format!("class {class}")).collect();
        let classes: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let row = vec![1; count];
        let rows = confusion(&vec![row.as_slice(); count]);
        draw_confusion(&folder, &rows, &accuracies(&classes))
    };
    assert_eq!(many(30).texts_of("cells").len(), 1);
    assert!(many(31).texts_of("cells").is_empty());
}

#[test]
fn tables_of_different_tasks_are_refused() {
    let folder = TestFolder::new();
    let inputs = [
        ("confusion", folder.table("confusion", &pets())),
        ("accuracy", folder.table("other", &accuracies(&PETS))),
    ];
    drawn::draw_as_given(
        &folder,
        "confusion",
        json!({"scale": 0, "cells": "images"}),
        inputs,
    )
    .fails_with("`accuracy` is metric.other, `confusion` is metric.confusion");
}

#[test]
fn a_class_without_images_says_so() {
    let folder = TestFolder::new();
    let counts: [&[u32]; 3] = [&[990, 10, 0], &[0, 0, 0], &[0, 42, 958]];
    let mut rows = accuracies(&[("cat", 990), ("dog", 0), ("bird", 958)]);
    rows[1].images = 0;
    rows[1].accuracy_fraction = None;
    let drawn = draw_confusion(&folder, &confusion(&counts), &rows);
    drawn.shows(&["dog (no images)"]);
    let tables = Surgery {
        before: rows.clone(),
        after: rows,
        ..Surgery::of_cat_and_dog()
    };
    tables.draw_in(&folder).shows(&["dog (no images)"]);
}

#[test]
fn confusion_that_is_none_is_refused() {
    let folder = TestFolder::new();
    let refused = |change: fn(&mut Vec<ConfusionRow>), reason: &str| {
        let mut rows = pets();
        change(&mut rows);
        draw_confusion(&folder, &rows, &accuracies(&PETS)).fails_with(reason);
    };
    refused(
        |rows| rows.truncate(8),
        "the confusion matrix has 8 entries for 3 x 3 classes",
    );
    refused(
        |rows| rows[1].predicted = 3,
        "the confusion matrix has class 0 predicted as 3; expected is each pair of the 3 classes once",
    );
    refused(
        |rows| rows[1].predicted = 0,
        "class 0 predicted as 0; expected is each pair of the 3 classes once",
    );
    refused(
        |rows| rows[4].images = 957,
        "the confusion matrix has 957 correct images of class dog, the accuracies have 958",
    );
    let mut accuracy = accuracies(&PETS);
    accuracy.truncate(3);
    draw_confusion(&folder, &pets(), &accuracy)
        .fails_with("metric.confusion: expected a row for every class and then one for `all`");
    draw_confusion(&folder, &pets(), &[]).fails_with("expected a row for every class");
}

pub(crate) fn operation(first: &str, second: &str) -> SurgeryRow {
    SurgeryRow {
        operation: 1,
        first_class: first.to_owned(),
        second_class: second.to_owned(),
        first_images: 1010,
        first_inliers: 816,
        second_images: 958,
        second_inliers: 852,
        cosine_inliers: 0.535,
        cosine_before: 0.52,
        cosine_after: 0.941,
    }
}

/// A pair of classes of 1,000 images each, all of them classified correctly before, among other classes of as many.
pub(crate) fn merge(first: &str, second: &str, rest_after: f64) -> MergeRow {
    MergeRow {
        first_class: first.to_owned(),
        second_class: second.to_owned(),
        cosine_before: -0.25,
        cosine_after: 0.941,
        pair_images: 2000,
        pair_correct_before: 2000,
        pair_correct_after: 1020,
        pair_accuracy_before_fraction: 1.0,
        pair_accuracy_after_fraction: 0.51,
        rest_images: 1000,
        rest_correct_before: 1000,
        rest_correct_after: (1000.0 * rest_after) as u32,
        rest_accuracy_before_fraction: Some(1.0),
        rest_accuracy_after_fraction: Some(rest_after),
    }
}

pub(crate) fn singular_values(state: &str, values: &[f64]) -> Vec<SingularValueRow> {
    let row = |(rank, &singular_value): (u32, &f64)| SingularValueRow {
        state: state.to_owned(),
        rank,
        singular_value,
    };
    (1..).zip(values).map(row).collect()
}

struct Surgery {
    operations: Vec<SurgeryRow>,
    values: Vec<SingularValueRow>,
    before: Vec<ClassAccuracyRow>,
    after: Vec<ClassAccuracyRow>,
}

impl Surgery {
    fn of_cat_and_dog() -> Self {
        Self {
            operations: vec![operation("cat", "dog")],
            values: [
                singular_values("before", &[2.0, 1.0, 0.5]),
                singular_values("after", &[2.0, 1.0, 1e-5]),
            ]
            .concat(),
            before: accuracies(&PETS),
            after: accuracies(&[("cat", 400), ("dog", 0), ("a bird of many names", 900)]),
        }
    }

    fn draw_in(&self, folder: &TestFolder) -> Drawing {
        let inputs = [
            ("surgery", folder.table("surgery", &self.operations)),
            ("values", folder.table("values", &self.values)),
            ("before", folder.table("before", &self.before)),
            ("after", folder.table("after", &self.after)),
        ];
        drawn::draw(folder, "surgery", json!({}), inputs)
    }
}

#[test]
fn surgery_shows_every_class_and_all_singular_values() {
    let folder = TestFolder::new();
    let mut tables = Surgery::of_cat_and_dog();
    let drawn = tables.draw_in(&folder);
    drawn.shows(&[
        "Weight surgery merges cat and dog (cosine of their mean embeddings 0.520 before, 0.941 after)",
        "Of 1,010 images of cat and 958 of dog, 816 and 852 are no outliers",
    ]);
    let names = ["cat", "dog", "a bird of many names", "all", "Class"];
    assert_eq!(drawn.texts_of("x-axis")[0], names);
    assert_eq!(drawn.texts_of("x-axis")[1], ["1", "2", "3", "Rank"]);
    assert_eq!(
        drawn.texts_of("legend"),
        [["chance (33.3 %)", "before", "after"]]
    );
    assert!(drawn.warnings().is_empty());
    tables.operations.push(SurgeryRow {
        cosine_after: f64::NAN,
        ..operation("dog", "bird")
    });
    tables.draw_in(&folder).shows(&[
        "0.941 after), dog and bird (cosine of their mean embeddings 0.520 before, undefined",
    ]);
}

#[test]
fn what_surgery_leaves_without_value_is_left_out() {
    let folder = TestFolder::new();
    let mut tables = Surgery::of_cat_and_dog();
    tables.values[5].singular_value = 0.0;
    tables.after[1].accuracy_fraction = None;
    let drawn = tables.draw_in(&folder);
    assert_eq!(
        drawn.warnings(),
        ["1 of 6 singular values are not on the logarithmic axis: they are not above zero"]
    );
    for row in &mut tables.values[3..] {
        row.singular_value = 0.0;
    }
    tables
        .draw_in(&folder)
        .fails_with("there is no singular value above zero after surgery");
}

#[test]
fn surgery_that_does_not_fit_is_refused() {
    let folder = TestFolder::new();
    let refused = |change: fn(&mut Surgery), reason: &str| {
        let mut tables = Surgery::of_cat_and_dog();
        change(&mut tables);
        tables.draw_in(&folder).fails_with(reason);
    };
    refused(|tables| tables.operations.clear(), "the table has no rows");
    refused(
        |tables| tables.after = accuracies(&PETS[..2]),
        "before are those of the classes cat, dog and a bird of many names, the accuracies after those of cat and dog",
    );
    refused(
        |tables| tables.values[0].state = "during".to_owned(),
        "singular values during surgery, expected before and after",
    );
}

#[test]
fn merges_are_maps_of_every_two_classes() {
    let folder = TestFolder::new();
    let rows = [
        merge("cat", "dog", 0.25),
        merge("cat", "bird", 0.985),
        merge("dog", "bird", 0.7),
    ];
    let inputs = [("merges", folder.table("merges", &rows))];
    let drawn = drawn::draw(&folder, "merges", json!({}), inputs);
    drawn.shows(&[
        "The accuracy on the others falls from 100.0 to 98.5 % when cat and bird are merged, the best of all pairs, and falls from \
         100.0 to 25.0 % when cat and dog are merged, the worst.",
        "Change of accuracy on the others",
        "Accuracy (%)",
    ]);
    let cells = drawn.texts_of("cells");
    assert_eq!(cells.len(), 4);
    assert_eq!(cells[1][..3], ["–", "0.94", "0.94"]);
    assert_eq!(
        cells[3],
        [
            "–", "−75.0", "−1.5", "−75.0", "–", "−30.0", "−1.5", "−30.0", "–"
        ]
    );
    // Without the first pair.
    let inputs = [("merges", folder.table("merges", &rows[1..]))];
    let drawn = drawn::draw(&folder, "merges", json!({}), inputs);
    drawn.shows(&["Pairs without values cannot be merged."]);
    assert_eq!(drawn.texts_of("x-axis")[2][..3], ["cat", "dog", "bird"]);
    let none: [MergeRow; 0] = [];
    let inputs = [("merges", folder.table("merges", &none))];
    drawn::draw(&folder, "merges", json!({}), inputs).fails_with("there are not two classes");
}
