//! Changed code is named by its parts, and results can be accepted for it without being computed again.

mod fake;

use std::collections::BTreeMap;
use std::fs;

use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_pipeline::accept::{Acceptance, accept};
use eigenscope_pipeline::show::show;
use eigenscope_pipeline::survey::{Reason, explain};
use eigenscope_pipeline::tone::fitted;
use eigenscope_plan::{CodeParts, Plan};
use eigenscope_testing::file_names;
use fake::{Bench, chain};
use serde_json::{Value, json};

/// The parts of `code-1`.
fn old_parts() -> CodeParts {
    let parts = [
        ("burn", "0.22.1 aa"),
        ("crates/a/src/b.rs", "1"),
        ("crates/a/src/c.rs", "1"),
    ];
    parts
        .map(|(part, digest)| (part.to_owned(), digest.to_owned()))
        .into()
}

/// The chain with code whose parts are known.
fn old_plan() -> Plan {
    Plan {
        code: BTreeMap::from([("code-1".to_owned(), old_parts())]),
        ..chain()
    }
}

/// The same after an edit of `b.rs`, which is code of the tasks `changed`.
fn new_plan(changed: &[usize]) -> Plan {
    let mut plan = old_plan();
    let mut parts = old_parts();
    parts.insert("crates/a/src/b.rs".to_owned(), "2".to_owned());
    plan.code.insert("code-2".to_owned(), parts);
    for &task in changed {
        plan.tasks[task].fingerprint = "code-2".into();
    }
    plan
}

fn try_accept(bench: &Bench, plan: &Plan, targets: &[usize], dry_run: bool) -> Acceptance {
    let data_dir = &bench.options.data_dir;
    accept(plan, targets, &bench.store, data_dir, dry_run).expect("the store can be used")
}

fn tasks(acceptance: &Acceptance) -> Vec<usize> {
    let accepted = acceptance.accepted.iter();
    accepted.map(|accepted| accepted.task).collect()
}

/// `task.json` of a task.
fn record(bench: &Bench, plan: &Plan, task: usize) -> Value {
    let path = bench.store.folder(bench.key(plan, task)).join("task.json");
    let text = fs::read_to_string(path).expect("readable");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_explanation_names_the_file_that_changed() {
    let bench = Bench::new();
    bench.complete(&old_plan());
    let plan = new_plan(&[0]);
    let text = fitted(&explain(&plan, &bench.survey(&plan), 0), false).into_owned();
    assert_eq!(
        text,
        "data.a will run\n  its code changed: crates/a/src/b.rs\n"
    );
    // Code is kept once, however many results it has.
    assert_eq!(
        file_names(&bench.store.root().join("code")),
        ["code-1.json"]
    );
}

#[test]
fn without_the_parts_of_the_old_code_its_fingerprint_is_named() {
    for broken in [None, Some("{"), Some("[]")] {
        let bench = Bench::new();
        bench.complete(&old_plan());
        let path = bench.store.root().join("code/code-1.json");
        match broken {
            None => fs::remove_file(&path).expect("removed"),
            Some(text) => fs::write(&path, text).expect("written"),
        }
        let reasons = bench.reasons(&new_plan(&[0]), 0);
        let text = reasons[0].to_string();
        assert_eq!(text, "its code changed from code-1 to code-2");
    }
}

#[test]
fn an_accepted_result_is_up_to_date_and_so_is_what_depends_on_it() {
    let bench = Bench::new();
    bench.complete(&old_plan());
    let old = bench.key(&old_plan(), 1);
    let plan = new_plan(&[1]);
    let acceptance = try_accept(&bench, &plan, &[1], false);
    assert_eq!(tasks(&acceptance), [1]);
    assert!(acceptance.refused.is_empty());
    let accepted = &acceptance.accepted[0];
    assert_eq!((&*accepted.old, &*accepted.new), ("code-1", "code-2"));
    assert_eq!(
        accepted.reason.to_string(),
        "its code changed: crates/a/src/b.rs"
    );
    assert!(bench.complete(&plan).ran.is_empty());

    let new = bench.key(&plan, 1);
    for name in ["final.parquet", "history.parquet"] {
        let read = |key| fs::read(bench.store.folder(key).join(name)).expect("readable");
        assert_eq!(read(old), read(new));
    }
    let record = record(&bench, &plan, 1);
    assert_eq!(record["accepted_from"], json!(["code-1"]));
    assert_eq!(record["ingredients"]["fingerprint"], "code-2");
    let link = bench.store.link("test", "train.m[hidden=1]");
    assert!(
        fs::read_link(link)
            .expect("a link")
            .ends_with(new.to_string())
    );
    let shown = show(&bench.output(&plan, 1, FinalRow::KIND), 1).expect("readable");
    let shown = shown.text(None);
    assert!(
        shown.contains("code        code-1\naccepted    for code code-2\n"),
        "{shown}"
    );
    let shown = show(&bench.output(&plan, 2, FinalRow::KIND), 1).expect("readable");
    assert!(!shown.text(None).contains("accepted"));
}

#[test]
fn everything_is_accepted_at_once_and_more_than_once() {
    let bench = Bench::new();
    bench.complete(&old_plan());
    let all = [0, 1, 2, 3, 4];
    let mut plan = new_plan(&all);
    assert_eq!(tasks(&try_accept(&bench, &plan, &all, false)), all);
    let again = try_accept(&bench, &plan, &all, false);
    assert_eq!((tasks(&again), again.current), (vec![], all.to_vec()));
    for task in &mut plan.tasks {
        task.fingerprint = "code-3".into();
    }
    assert_eq!(tasks(&try_accept(&bench, &plan, &all, false)), all);
    let record = record(&bench, &plan, 3);
    assert_eq!(record["accepted_from"], json!(["code-1", "code-2"]));
    assert!(bench.complete(&plan).ran.is_empty());
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let bench = Bench::new();
    bench.complete(&old_plan());
    let before = bench.results();
    let plan = new_plan(&[0, 1, 3]);
    let acceptance = try_accept(&bench, &plan, &[0, 1, 3], true);
    assert_eq!(tasks(&acceptance), [0, 1, 3]);
    assert_eq!(bench.results(), before);
    assert_eq!(bench.complete(&plan).ran, [0, 1, 3]);
}

#[test]
fn what_differs_in_more_than_its_code_is_refused() {
    let bench = Bench::new();
    bench.complete(&old_plan());
    let before = bench.results();
    let mut plan = new_plan(&[0, 1, 2, 3, 4]);
    plan.tasks[0].parameters = json!({"value": 2.0}).into();
    let acceptance = try_accept(&bench, &plan, &[0, 1], false);
    assert_eq!(tasks(&acceptance), [0_usize; 0]);
    let refused: Vec<usize> = acceptance
        .refused
        .iter()
        .map(|refused| refused.task)
        .collect();
    assert_eq!(refused, [0, 1]);
    let reasons = &acceptance.refused[0].reasons;
    assert!(matches!(
        reasons.as_slice(),
        [Reason::ParameterChanged { .. }, Reason::CodeChanged { .. }]
    ));
    let waits = Reason::WaitsFor {
        task: "data.a".to_owned(),
    };
    assert!(acceptance.refused[1].reasons.contains(&waits));
    assert_eq!(bench.results(), before);
}

#[test]
fn a_result_that_is_not_there_or_damaged_is_refused() {
    let bench = Bench::new();
    let plan = new_plan(&[0]);
    let acceptance = try_accept(&bench, &plan, &[0], false);
    assert_eq!(acceptance.refused[0].reasons, [Reason::NeverMade]);

    bench.complete(&old_plan());
    let path = bench.output(&old_plan(), 0, HistoryRow::KIND);
    let bytes = fs::read(&path).expect("readable");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    let acceptance = try_accept(&bench, &plan, &[0], false);
    assert!(matches!(
        acceptance.refused[0].reasons.as_slice(),
        [Reason::OutputDamaged { .. }]
    ));
}

#[test]
fn a_result_whose_input_has_to_run_is_refused() {
    let bench = Bench::new();
    bench.complete(&old_plan());
    let plan = new_plan(&[0, 1]);
    // Until its input has run or is accepted, what the model is made from is not known.
    let acceptance = try_accept(&bench, &plan, &[1], false);
    assert_eq!(acceptance.refused[0].task, 1);
    let acceptance = try_accept(&bench, &plan, &[0, 1], false);
    assert_eq!(tasks(&acceptance), [0, 1]);
}
