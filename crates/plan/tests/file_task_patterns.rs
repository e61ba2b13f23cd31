//! Targets: which tasks a pattern means in a real plan.

mod sample;

use eigenscope_plan::task_patterns::{PatternError, select};
use sample::rendered;

fn selected(patterns: &[&str]) -> Vec<String> {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
    let selected = select(&plan, &patterns).expect("targets");
    assert!(selected.is_sorted());
    selected
        .into_iter()
        .map(|index| plan.tasks[index].id.clone())
        .collect()
}

#[test]
fn no_pattern_means_everything() {
    assert_eq!(selected(&[]).len(), 22);
    assert_eq!(selected(&["*"]).len(), 22);
}

#[test]
fn globs_tables_ids_and_references() {
    assert_eq!(
        selected(&["figure.*"]),
        ["figure.similarity", "figure.published"]
    );
    assert_eq!(selected(&["metric.similarity"]).len(), 2);
    assert_eq!(selected(&["*.similarity"]).len(), 3);
    assert_eq!(selected(&["*seed=1]"]).len(), 3 + 3 + 2);
    assert_eq!(
        selected(&["train.bilinear[hidden=30,seed=1]"]),
        ["train.bilinear[hidden=30,seed=1]"]
    );
    assert_eq!(
        selected(&["train.bilinear[hidden=30]"]),
        [
            "train.bilinear[hidden=30,seed=0]",
            "train.bilinear[hidden=30,seed=1]"
        ]
    );
    assert_eq!(selected(&["train.bilinear[seed=0,hidden=30|100]"]).len(), 2);
    assert_eq!(selected(&["*[hidden=30,seed=1]"]).len(), 2);
}

#[test]
fn patterns_add_up_without_repetition() {
    assert_eq!(
        selected(&["figure.published", "data.mnist", "data.*"]),
        ["data.mnist", "figure.published"]
    );
}

#[test]
fn labels_and_values_that_are_misspelt_are_recognised() {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    for (pattern, meant) in [
        ("train.bilinear[hiden=30]", "train.bilinear[hidden=30]"),
        (
            "train.bilinear[seeds=0,hiden=30|50]",
            "train.bilinear[seed=0,hidden=30|50]",
        ),
        (
            "metric.similarity[variant=publshed]",
            "metric.similarity[variant=published]",
        ),
    ] {
        let error = select(&plan, &[pattern.to_owned()]).expect_err("no match");
        let PatternError::NoMatch { unmatched, .. } = error;
        assert_eq!(unmatched[0].suggestion.as_deref(), Some(meant), "{pattern}");
    }
}

#[test]
fn patterns_without_a_match_are_all_named() {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    let patterns = [
        "data.mnist",
        "figure.similarty",
        "train.bilinear[hidden=30,seed=3]",
        "train.bilinear[]",
        "nothing*",
        "",
    ]
    .map(str::to_owned);
    let error = select(&plan, &patterns).expect_err("no match");
    insta::assert_snapshot!("targets", rendered(&error));
}
