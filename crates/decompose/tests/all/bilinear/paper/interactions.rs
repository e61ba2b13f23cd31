//! The interaction tensor of all classes: its components, subspaces of its classes, a basis that they share, and one image explained.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::tables::interactions::{
    CompletenessRow, ContributionRow, ExplanationRow, HosvdRow, LogitRow,
};
use eigenscope_artifact::{
    EIGENPAIRS, Eigenpairs, ImageTable, SHARED_BASES, Selection, SharedBasesHeader, TensorReader,
};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{TestFolder, TestTask, Tolerance, assert_close, numbers};
use serde_json::{Value, json};

use super::{HIDDEN, TOLERANCE, digits, digits_with, model, truth};

fn task(folder: &TestFolder, kind: &str, parameters: Value) -> TestTask {
    TestTask::new(Stage::Decompose, kind, parameters)
        .reads("model", &folder.model("tensors", &model(None, false)))
}

#[test]
fn components_of_the_interaction_tensor() {
    let truth = &truth()["hosvd"];
    let folder = TestFolder::new();
    let outcome = task(&folder, "hosvd", json!({"count": 30}))
        .writes(&[HosvdRow::KIND, SpectrumRow::KIND, EIGENPAIRS])
        .run(&folder)
        .succeeded();
    let rows: Vec<HosvdRow> = outcome.rows();
    let spectrum: Vec<SpectrumRow> = outcome.rows();
    let pairs = Eigenpairs::read(&outcome.path(EIGENPAIRS)).expect("eigenpairs");
    assert_eq!((rows.len(), pairs.header.classes.len()), (100, 10));
    let singular: Vec<f64> = rows
        .iter()
        .step_by(10)
        .map(|row| row.singular_value)
        .collect();
    assert_close(
        "singular values",
        &singular,
        &numbers(&truth["singular"]),
        TOLERANCE,
    );
    let found: Vec<f64> = rows.iter().map(|row| row.contribution).collect();
    assert_close(
        "contributions",
        &found,
        &numbers(&truth["contributions"]),
        TOLERANCE,
    );
    let found: Vec<f64> = spectrum.iter().map(|row| row.eigenvalue).collect();
    assert_close(
        "eigenvalues",
        &found,
        &numbers(&truth["eigenvalues"]),
        TOLERANCE,
    );
    for component in 0..10 {
        for (selection, end) in [(Selection::Lowest, 0), (Selection::Highest, 1)] {
            let first = pairs.select(component, selection, 1).expect("stored");
            let expected = numbers(&truth["extremes"][component][end]);
            assert_close("eigenvector", &first[0].input_vector, &expected, TOLERANCE);
        }
    }
    // The components have norm 1, and the classes' shares of each have length 1.
    for component in 0..10 {
        let own = spectrum.iter().filter(|row| row.class == component);
        let norm: f64 = own.map(|row| row.eigenvalue.powi(2)).sum();
        let own = rows.iter().filter(|row| row.component == component + 1);
        let length: f64 = own.map(|row| row.contribution.powi(2)).sum();
        assert!((norm - 1.0).abs() < 1e-9 && (length - 1.0).abs() < 1e-9);
    }
}

#[test]
fn contributions_to_the_logits_of_an_image() {
    let truth = &truth()["explanation"];
    let folder = TestFolder::new();
    let data = digits(&folder);
    let explain_of = |data: &Input, image: Value| {
        task(
            &folder,
            "explanation",
            json!({"image": image, "classes": 3}),
        )
        .reads("data", data)
        .writes(&[ExplanationRow::KIND, ContributionRow::KIND, LogitRow::KIND])
        .run(&folder)
    };
    let explain = |image: Value| explain_of(&data, image);
    let outcome = explain(json!({"at": {"index": truth["image"]}}));
    let logits: Vec<LogitRow> = outcome.rows();
    let found: Vec<f64> = logits.iter().map(|row| row.logit).collect();
    assert_close("logits", &found, &numbers(&truth["logits"]), TOLERANCE);
    // Without bias and residual the contributions of all eigenpairs are the logit.
    let sums: Vec<f64> = logits.iter().map(|row| row.quadratic).collect();
    assert_close("sums", &sums, &found, TOLERANCE);
    let rows: Vec<ContributionRow> = outcome.rows();
    let found: Vec<f64> = rows.iter().map(|row| row.contribution).collect();
    assert_close(
        "contributions",
        &found,
        &numbers(&truth["contributions"]),
        TOLERANCE,
    );
    let classes: Vec<String> = rows
        .iter()
        .step_by(HIDDEN)
        .map(|row| row.class.clone())
        .collect();
    let expected: Vec<String> = numbers(&truth["classes"])
        .iter()
        .map(f64::to_string)
        .collect();
    assert_eq!(classes, expected);

    let path = outcome.path(ExplanationRow::KIND);
    let shown = ImageTable::<ExplanationRow>::read(&path).expect("pictures");
    assert_eq!(shown.rows[0].row.what, "image");
    for row in &shown.rows[1..] {
        let products = row.images[0].iter().zip(&shown.rows[0].images[0]);
        let products = products.map(|(a, b)| f64::from(*a) * f64::from(*b));
        let product: f64 = products.sum();
        let contribution = row.row.contribution.expect("of an eigenvector");
        let eigenvalue = row.row.eigenvalue.expect("of an eigenvector");
        assert!(product > 0.0, "the eigenvector points to the image");
        let found = eigenvalue * product * product;
        assert_close(
            "contribution",
            &[found],
            &[contribution],
            Tolerance::Relative(1e-4),
        );
        assert_eq!(contribution > 0.0, row.row.what == "positive");
    }

    // The first image that is classified right and the first that is not are others, and there is none beyond the last.
    for (choice, is_right) in [("right", true), ("wrong", false)] {
        let outcome = explain(json!(choice));
        let logits: Vec<LogitRow> = outcome.rows();
        let best = logits.iter().max_by(|a, b| a.logit.total_cmp(&b.logit));
        assert_eq!(best.expect("ten").is_label, is_right);
        // Where there is no other image, it stands in for one of the other choice.
        let path = outcome.path(ExplanationRow::KIND);
        let shown = ImageTable::<ExplanationRow>::read(&path).expect("pictures");
        let index = shown.rows[0].row.index as usize;
        let alone = digits_with(&folder, choice, index..index + 1);
        let other = if is_right { "wrong" } else { "right" };
        let outcome = explain_of(&alone, json!(other));
        outcome.warns_of(&format!(
            "none of the 1 test images of `data.{choice}` ({choice}) is classified {other}: the first one, which is classified {choice}, is \
             explained"
        ));
        let found: Vec<LogitRow> = outcome.rows();
        let values = |rows: &[LogitRow]| rows.iter().map(|row| row.logit).collect::<Vec<_>>();
        assert_close("logits", &values(&found), &values(&logits), TOLERANCE);
    }
    explain(json!({"at": {"index": 1797}}))
        .fails_with("none of the 360 test images of `data.digits` (digits) is at position 1797 of its source file");
}

#[test]
fn shares_of_a_class_in_the_subspace_of_another() {
    let truth = truth();
    let cases = truth["completeness"].as_array().expect("a list");
    let folder = TestFolder::new();
    let kept: Vec<&Value> = cases.iter().map(|case| &case["kept"]).collect();
    let run = |kept: Value| {
        task(&folder, "completeness", json!({ "kept": kept }))
            .writes(&[CompletenessRow::KIND])
            .run(&folder)
    };
    let rows: Vec<CompletenessRow> = run(json!(kept)).rows();
    assert_eq!(rows.len(), 100 * cases.len());
    for (rows, case) in rows.chunks_exact(100).zip(cases) {
        let found: Vec<f64> = rows.iter().map(|row| row.share).collect();
        assert_close("shares", &found, &numbers(&case["shares"]), TOLERANCE);
    }
    // All eigenvectors of any class span the whole space.
    assert!(rows[200..].iter().all(|row| (row.share - 1.0).abs() < 1e-9));
    run(json!([])).fails_with("`kept` names no number of eigenvectors");
}

#[test]
fn a_basis_for_all_classes() {
    let truth = truth();
    let expected = truth["shared_basis"].as_array().expect("a list");
    let folder = TestFolder::new();
    let ranks: Vec<usize> = (1..=HIDDEN + 3).collect();
    let run = |ranks: Value| {
        task(
            &folder,
            "shared-basis",
            json!({"ranks": ranks, "iterations": 5}),
        )
        .writes(&[SHARED_BASES])
        .run(&folder)
    };
    let outcome = run(json!(ranks));
    let reader = TensorReader::open(&outcome.path(SHARED_BASES), SHARED_BASES).expect("bases");
    let header: SharedBasesHeader = reader.header().expect("a header");
    // More vectors than the hidden size are as many as that.
    assert_eq!(header.ranks.len(), HIDDEN);
    for ((rank, share), expected) in header.ranks.iter().zip(expected) {
        assert_eq!(json!(rank), expected["rank"]);
        assert_close("share", &[*share], &numbers(&expected["share"]), TOLERANCE);
        let basis = reader.read_one(&format!("basis-{rank}")).expect("a basis");
        assert_eq!(basis.shape, [*rank as usize, 64]);
        let core = reader.read_one(&format!("core-{rank}")).expect("cores");
        assert_eq!(core.shape, [10, *rank as usize, *rank as usize]);
    }
    run(json!([])).fails_with("`ranks` names no number of vectors");
}
