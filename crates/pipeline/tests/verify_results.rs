//! Tasks are computed again in a scratch folder: what is equal, what is within tolerance, what differs, and that nothing is
//! left behind.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a failed expectation fails the test"
)]

mod fake;
#[path = "../../plan/tests/sample/mod.rs"]
mod sample_programs;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use eigenscope_artifact::tables::training::FinalRow;
use eigenscope_pipeline::execute::{Observer, Options, Silent};
use eigenscope_pipeline::verify::{
    Against, LockFile, Request, Tolerances, Verdict, Verification, sample, verify,
};
use eigenscope_plan::Plan;
use eigenscope_plan::file::FileErrors;
use eigenscope_testing::file_names;
use fake::{Bench, Recorder, chain, data, model, plan};
use sample_programs::rendered;
use serde_json::json;

fn all(plan: &Plan) -> Vec<usize> {
    (0..plan.tasks.len()).collect()
}

struct Verifying<'a> {
    bench: &'a Bench,
    plan: &'a Plan,
    tasks: Vec<usize>,
    tolerances: Tolerances,
    lock: Option<LockFile>,
    bytes: bool,
}

impl<'a> Verifying<'a> {
    fn new(bench: &'a Bench, plan: &'a Plan) -> Self {
        Self {
            bench,
            plan,
            tasks: all(plan),
            tolerances: Tolerances::default(),
            lock: None,
            bytes: false,
        }
    }

    fn observed(&self, options: &Options, observer: &mut dyn Observer) -> Verification {
        let request = Request {
            plan: self.plan,
            tasks: &self.tasks,
            programs: &self.bench.programs,
            store: &self.bench.store,
            tolerances: &self.tolerances,
            lock: self.lock.as_ref(),
            bytes: self.bytes,
        };
        let found = verify(request, options, observer).expect("the verification itself works");
        let left = file_names(self.bench.store.root());
        assert!(
            !left.iter().any(|name| name.starts_with(".tmp")),
            "{left:?}"
        );
        found
    }

    fn verify(&self) -> Verification {
        self.observed(&self.bench.options, &mut Silent)
    }
}

/// A data set whose value depends on a file that it does not report, a model of it, and another data set.
fn secretive() -> Plan {
    plan(vec![
        data("a", json!({"value": 1.0, "hidden_file": "secret"})),
        model("m", json!({"value": 2.0}), 0),
        data("b", json!({"value": 5.0})),
    ])
}

fn tell_secret(bench: &Bench, number: &str) {
    let path = bench.folder.path().join("data/secret");
    std::fs::write(path, number).expect("written");
}

fn locked(bench: &Bench, plan: &Plan) -> LockFile {
    LockFile::of(plan, &bench.survey(plan), &bench.store).expect("up to date")
}

#[test]
fn equal_results_hold() {
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    let before = bench.results();
    let found = Verifying::new(&bench, &plan).verify();
    assert!(found.holds(), "{found:?}");
    assert_eq!(found.count(Verdict::Equal), 5);
    assert_eq!(bench.results(), before);
}

#[test]
fn what_is_not_chosen_is_taken_from_the_store() {
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    let mut verifying = Verifying::new(&bench, &plan);
    verifying.tasks = vec![3];
    let mut recorder = Recorder::default();
    let found = verifying.observed(&bench.options, &mut recorder);
    assert!(found.holds());
    assert_eq!(found.count(Verdict::Equal), 1);
    let started = recorder
        .events
        .iter()
        .filter(|event| event.starts_with("started"));
    assert_eq!(started.collect::<Vec<_>>(), ["started metric.final"]);
}

#[test]
fn a_hidden_input_is_found_with_column_and_amount() {
    let bench = Bench::new();
    let plan = secretive();
    tell_secret(&bench, "0.0");
    bench.complete(&plan);
    tell_secret(&bench, "0.00001");
    let mut verifying = Verifying::new(&bench, &plan);
    let found = verifying.verify();
    assert!(found.holds(), "{found:?}");
    assert_eq!(
        (found.count(Verdict::Equal), found.count(Verdict::Within)),
        (1, 2)
    );
    let comparison = &found.checks[0].outputs[0].comparison;
    let columns: Vec<&str> = comparison
        .columns
        .iter()
        .map(|found| found.column.as_str())
        .collect();
    assert_eq!(columns, ["train_loss_nats", "test_loss_nats"]);
    let absolute = comparison.columns[0].absolute.expect("numbers");
    assert!((absolute - 1e-5).abs() < 1e-12, "{absolute}");

    verifying.bytes = true;
    let found = verifying.verify();
    assert!(!found.holds());
    assert_eq!(found.count(Verdict::Differs), 2);

    verifying.bytes = false;
    tell_secret(&bench, "0.5");
    let found = verifying.verify();
    assert!(!found.holds());
    assert_eq!(found.count(Verdict::Differs), 2);

    let path = bench.folder.path().join("test.tolerances.toml");
    let rule = "[[tolerance]]\ntasks = 'data.a'\ncolumns = 'history.t*_loss_nats'\nabsolute = 1\nreason = 'secret'\n";
    std::fs::write(&path, rule).expect("written");
    verifying.tolerances = Tolerances::read(&path, &plan).expect("valid");
    let found = verifying.verify();
    assert_eq!(
        (found.count(Verdict::Within), found.count(Verdict::Differs)),
        (1, 1)
    );
}

#[test]
fn without_a_result_there_is_nothing_to_compare_with() {
    let bench = Bench::new();
    let plan = chain();
    std::fs::create_dir_all(bench.store.root()).expect("created");
    let mut verifying = Verifying::new(&bench, &plan);
    let found = verifying.verify();
    assert_eq!(found.missing, all(&plan));
    assert!(!found.holds() && found.checks.is_empty());

    // A lock file is enough, and nothing is placed in the store.
    let other = Bench::new();
    other.complete(&plan);
    verifying.lock = Some(locked(&other, &plan));
    let found = verifying.verify();
    assert!(found.holds(), "{found:?}");
    assert!(
        found
            .checks
            .iter()
            .all(|check| check.outputs.iter().all(|o| o.against == Against::Lock))
    );
    assert_eq!(bench.results(), Vec::<String>::new());
}

#[test]
fn on_another_kind_of_machine_values_count() {
    let bench = Bench::new();
    let plan = secretive();
    tell_secret(&bench, "0.0");
    bench.complete(&plan);
    let lock = locked(&bench, &plan);
    tell_secret(&bench, "0.00001");
    let mut verifying = Verifying::new(&bench, &plan);
    verifying.lock = Some(lock.clone());
    let found = verifying.verify();
    assert_eq!(found.count(Verdict::Differs), 2, "the same kind of machine");
    let mut other = lock.clone();
    other.machine.vectors = "wide".to_owned();
    verifying.lock = Some(other.clone());
    let found = verifying.verify();
    assert_eq!(
        (found.count(Verdict::Within), found.count(Verdict::Differs)),
        (2, 0)
    );
    assert!(found.holds());
    tell_secret(&bench, "0.5");
    let found = verifying.verify();
    assert_eq!(
        (found.count(Verdict::Within), found.count(Verdict::Differs)),
        (0, 2)
    );
}

#[test]
fn the_lock_file_has_the_tasks_of_the_plan() {
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    let mut lock = locked(&bench, &plan);
    let outputs = lock.task.remove("metric.final").expect("there");
    lock.task.insert("metric.gone".to_owned(), outputs);
    let mut verifying = Verifying::new(&bench, &plan);
    verifying.lock = Some(lock);
    let found = verifying.verify();
    assert_eq!(found.unknown, ["metric.gone"]);
    assert_eq!(found.count(Verdict::Differs), 1);
    let differing = found
        .checks
        .iter()
        .find(|check| check.verdict() == Verdict::Differs);
    let reason = differing
        .unwrap()
        .outputs
        .iter()
        .find_map(|o| o.comparison.reason.clone());
    assert!(reason.unwrap().contains("not in the lock file"));
}

#[test]
fn only_valid_results_are_locked() {
    let bench = Bench::new();
    let plan = chain();
    let error =
        LockFile::of(&plan, &bench.survey(&plan), &bench.store).expect_err("nothing is there");
    assert!(
        error.to_string().contains("5 tasks are not up to date"),
        "{error}"
    );
    bench.complete(&plan);
    let path = bench.output(&plan, 1, FinalRow::KIND);
    std::fs::write(&path, "damaged").expect("written");
    assert!(LockFile::of(&plan, &bench.survey(&plan), &bench.store).is_err());
}

#[test]
fn a_failure_leaves_its_log_and_no_scratch_folder() {
    let bench = Bench::new();
    let plan = secretive();
    tell_secret(&bench, "0.0");
    bench.complete(&plan);
    tell_secret(&bench, "no number");
    let options = Options {
        keep_going: true,
        ..bench.options.clone()
    };
    let found = Verifying::new(&bench, &plan).observed(&options, &mut Silent);
    assert!(!found.holds());
    assert_eq!(found.failures.len(), 1);
    assert!(
        found.failures[0].log.is_file(),
        "{:?}",
        found.failures[0].log
    );
    assert_eq!(
        found.count(Verdict::Equal),
        1,
        "what does not depend on it is compared"
    );
}

#[test]
fn a_cancelled_verification_leaves_nothing() {
    let bench = Bench::new();
    let mut plan = chain();
    plan.tasks[1].parameters = json!({"value": 2.0, "sleep_ms": 200}).into();
    bench.complete(&plan);
    let cancel: Arc<AtomicBool> = Arc::default();
    let options = Options {
        cancel: Arc::clone(&cancel),
        ..bench.options.clone()
    };
    let mut recorder = Recorder {
        cancel: Some(cancel),
        ..Recorder::default()
    };
    let found = Verifying::new(&bench, &plan).observed(&options, &mut recorder);
    assert!(found.interrupted && !found.holds());
    assert!(
        bench
            .survey(&plan)
            .iter()
            .all(|(_, state)| state.is_current())
    );
}

#[test]
fn a_sample_depends_on_its_seed_and_the_ids_only() {
    let mut plan = chain();
    let drawn = |plan: &Plan, seed| -> BTreeSet<String> {
        let drawn = sample(plan, &all(plan), 3, seed);
        assert!(drawn.is_sorted());
        drawn
            .iter()
            .map(|&task| plan.tasks[task].id.clone())
            .collect()
    };
    let draws: BTreeSet<_> = (0..20).map(|seed| drawn(&plan, seed)).collect();
    assert!(draws.len() > 3, "seeds differ");
    let before = drawn(&plan, 7);
    assert_eq!(before.len(), 3);
    plan.tasks.reverse();
    assert_eq!(drawn(&plan, 7), before);
    assert_eq!(sample(&plan, &all(&plan), 99, 7), all(&plan));
}

/// What is wrong with a file, with `pipelines` for its folder.
fn shown(path: &Path, errors: &FileErrors) -> String {
    let folder = path.parent().expect("a folder").display().to_string();
    rendered(errors).replace(&folder, "pipelines")
}

#[test]
fn mistakes_in_tolerances() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.tolerances.toml");
    let plan = chain();
    assert!(Tolerances::read(&path, &plan).is_ok(), "no file, no rules");
    let faulty = |text: &str| {
        std::fs::write(&path, text).expect("written");
        shown(&path, &Tolerances::read(&path, &plan).expect_err(text))
    };
    let rules = "\
[[tolerance]]
columns = 'history.*'
reason = ' '

[[tolerance]]
columns = 'histories.*'
reason = 'r'
absolute = -1
relative = nan

[[tolerance]]
tasks = 'metric.fina'
columns = '*'
reason = 'r'
";
    let texts = [
        rules,
        "[[tolerance]]\ncolumns = 'history.*'\n",
        "[[tolerance]]\ncolumns = '*'\nreason = 'r'\nallowed = 1\n",
        "[[tolerance\n",
    ];
    insta::assert_snapshot!("tolerance_errors", texts.map(faulty).join("\n\n"));
}

#[test]
fn mistakes_in_lock_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.lock");
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    let lock = LockFile::of(&plan, &bench.survey(&plan), &bench.store).expect("current");
    lock.write(&path, "p").expect("written");
    let text = std::fs::read_to_string(&path).expect("readable");
    let first = text.find("rows = ").expect("a table");
    let (head, table) = text.split_at(first);
    let texts = [
        head.replace("version = 1", "version = 2"),
        format!("{head}rows = \"three\""),
        format!("{head}{}", table.replacen("rows = ", "lines = ", 1)),
        "nonsense".to_owned(),
    ];
    let faulty = |text: String| {
        std::fs::write(&path, &text).expect("written");
        let errors = LockFile::read(&path).expect_err(&text);
        assert!(rendered(&errors).contains("eigenscope lock"), "{text}");
        let position = errors.errors()[0].position();
        assert!(position.is_some(), "it points into the file: {text}");
        errors.errors()[0].to_string()
    };
    insta::assert_snapshot!("lock_errors", texts.map(faulty).join("\n"));
    let missing = LockFile::read(&folder.path().join("q.lock")).expect_err("missing");
    insta::assert_snapshot!("lock_missing", shown(&path, &missing));
}
