//! Participation ratios and shared bases against NumPy.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::tables::interactions::{ParticipationRow, SharedBasisRow};
use eigenscope_artifact::{SHARED_BASES, Selection, read_labelled};
use eigenscope_metrics::bilinear::{Participation, mean_participation};
use eigenscope_stage::Stage;
use eigenscope_testing::{TestTask, Tolerance, assert_close, fixture, numbers, provenance};
use serde_json::{Value, json};

use crate::fixtures::place::{Place, input};
use crate::fixtures::{Reference, models};

const TOLERANCE: Tolerance = Tolerance::Relative(1e-5);

fn reference() -> Reference {
    let mut all = models().into_iter();
    let found = all.find(|model| (model.hidden, model.seed) == (12, 0));
    found.expect("it is there")
}

/// All eigenvalues of a model.
fn spectrum(model: &Reference) -> Vec<SpectrumRow> {
    let values = numbers(&model.record["eigenvalues"])
        .into_iter()
        .enumerate();
    let row = |(place, eigenvalue): (usize, f64)| SpectrumRow {
        class: (place / model.hidden) as u32,
        index: (place % model.hidden) as u32,
        eigenvalue,
    };
    values.map(row).collect()
}

#[test]
fn participation_ratios() {
    let truth: Value = fixture("bilinear_paper_truth.json");
    let truth = &truth["participation"];
    let model = reference();
    let folder = tempfile::tempdir().expect("a folder");
    let pairs = model.eigenpairs(folder.path(), &model.pairs(12));
    let found = Participation::new(&spectrum(&model), &pairs, "p", Selection::Highest, 5);
    let found = found.expect("defined");
    let (values, vectors) = (
        numbers(&truth["eigenvalues"]),
        numbers(&truth["eigenvectors"]),
    );
    assert_close("eigenvalues", &found.eigenvalues, &values, TOLERANCE);
    assert_close("eigenvectors", &found.eigenvectors, &vectors, TOLERANCE);
    let mean = mean_participation(&[found.clone(), found.clone()]).expect("two models");
    let of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert_close(
        "mean",
        &[mean.eigenvalue_ratio_mean],
        &[of(&values)],
        TOLERANCE,
    );
    assert_close(
        "mean",
        &[mean.eigenvector_ratio_mean],
        &[of(&vectors)],
        TOLERANCE,
    );
    assert_eq!((mean.models, mean.eigenvectors), (2, 5));
    let few = model.eigenpairs(folder.path(), &model.pairs(3));
    let error = Participation::new(&spectrum(&model), &few, "p", Selection::Highest, 5);
    let error = error.expect_err("too few are stored").to_string();
    assert!(
        error.contains("raise `count` of the decompose task to 5"),
        "{error}"
    );
}

#[test]
fn models_of_one_sweep_are_averaged_by_their_other_labels() {
    let place = Place::new();
    let (mut spectra, mut eigenpairs) = (Vec::new(), Vec::new());
    for model in models() {
        let path = place.path(&format!("spectrum-{}-{}.parquet", model.hidden, model.seed));
        let content =
            eigenscope_artifact::write_records(&path, &spectrum(&model), None, &provenance());
        spectra.push(input(
            "decompose.p",
            &model,
            path,
            content.expect("written"),
        ));
        eigenpairs.push(place.pairs(&model, &model.pairs(12), &provenance()));
    }
    // The roles need not be in the same order.
    eigenpairs.reverse();
    let inputs = [("spectra", spectra), ("eigenpairs", eigenpairs)];
    let parameters = json!({"count": 5, "selection": "highest", "over": "seed"});
    let outcome = place.run("participation", parameters, &inputs, ParticipationRow::KIND);
    let rows = read_labelled::<ParticipationRow>(&outcome.path(ParticipationRow::KIND));
    let mut rows = rows.expect("a table");
    rows.sort_by_key(|row| row.labels["hidden"].as_u64());
    let sizes: Vec<(u64, u32)> = rows
        .iter()
        .map(|row| {
            (
                row.labels["hidden"].as_u64().expect("a size"),
                row.row.models,
            )
        })
        .collect();
    assert_eq!(sizes, [(6, 2), (12, 2)]);
    assert!(rows.iter().all(|row| !row.labels.contains_key("seed")));
    assert!(
        rows.iter()
            .all(|row| (1.0..64.0).contains(&row.row.eigenvector_ratio_mean))
    );
}

#[test]
fn accuracy_in_a_shared_basis() {
    let truth: Value = fixture("bilinear_paper_truth.json");
    let expected = truth["shared_basis"].as_array().expect("a list");
    let place = Place::new();
    let model = reference();
    let (stored, data) = (place.model(&model), place.digits());
    let ranks: Vec<usize> = (1..=12).collect();
    let bases = TestTask::new(
        Stage::Decompose,
        "shared-basis",
        json!({"ranks": ranks, "iterations": 5}),
    )
    .reads("model", &stored)
    .writes(&[SHARED_BASES]);
    let folder = place.path("bases");
    std::fs::create_dir(&folder).expect("created");
    let bases = bases.run_into(&folder).input(SHARED_BASES);
    let inputs = [
        ("model", vec![stored]),
        ("bases", vec![bases]),
        ("data", vec![data]),
    ];
    let outcome = place.run("shared-basis", json!({}), &inputs, SharedBasisRow::KIND);
    let rows: Vec<SharedBasisRow> = outcome.rows();
    let found: Vec<f64> = rows.iter().map(|row| f64::from(row.correct)).collect();
    let correct = expected.iter().flat_map(|row| numbers(&row["correct"]));
    assert_eq!(found, correct.collect::<Vec<f64>>());
    let last = rows.last().expect("a row");
    assert_eq!(last.accuracy_fraction, last.full_accuracy_fraction);
    let again = place.run_with(
        4,
        "shared-basis",
        json!({}),
        &inputs,
        &[SharedBasisRow::KIND],
    );
    outcome.assert_same_bytes(&again);
}
