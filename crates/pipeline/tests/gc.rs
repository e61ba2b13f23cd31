//! Collection of what no pipeline needs: what stays, what goes, and that nothing half removed is ever used.

mod fake;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use eigenscope_artifact::SVG;
use eigenscope_pipeline::accept::accept;
use eigenscope_pipeline::gc::{Collection, Options, RemovalKind, collect};
use eigenscope_pipeline::store::StoreError;
use eigenscope_plan::Plan;
use eigenscope_testing::file_names;
use fake::{Bench, chain, data, plan};
use serde_json::json;

const OPTIONS: Options = Options {
    removable: None,
    keep_days: 0,
    keep_runs: 100,
    dry_run: false,
};

fn try_collect(bench: &Bench, plans: &[Plan], options: &Options) -> Result<Collection, StoreError> {
    collect(plans, &bench.store, &bench.options.data_dir, options)
}

fn collected(bench: &Bench, plans: &[Plan], options: &Options) -> Collection {
    try_collect(bench, plans, options).expect("the store can be used")
}

/// Tasks whose results went, sorted.
fn tasks(collection: &Collection) -> Vec<&str> {
    let mut tasks: Vec<&str> = collection
        .removed
        .iter()
        .filter_map(|item| item.task.as_deref())
        .collect();
    tasks.sort_unstable();
    tasks
}

/// Paths of one sort.
fn of_kind(collection: &Collection, kind: RemovalKind) -> Vec<String> {
    let items = collection.removed.iter().filter(|item| item.what == kind);
    let mut paths: Vec<String> = items
        .map(|item| item.path.to_string_lossy().into_owned())
        .collect();
    paths.sort();
    paths
}

/// The chain with another value of its data set, so that all results are others.
fn edited(value: f64) -> Plan {
    let mut plan = chain();
    plan.tasks[0].parameters = json!({ "value": value }).into();
    plan
}

/// Every file below a folder with its size.
fn files(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for name in file_names(folder) {
        let path = folder.join(&name);
        let metadata = path.symlink_metadata().expect("there");
        match metadata.is_dir() {
            true => found.extend(
                files(&path)
                    .into_iter()
                    .map(|(file, size)| (format!("{name}/{file}"), size)),
            ),
            false => drop(found.insert(name, metadata.len())),
        }
    }
    // Who held the lock last is written into it.
    found.remove(".lock");
    found
}

#[test]
fn results_of_older_parameters_go_and_the_rest_stays() {
    let bench = Bench::new();
    bench.complete(&chain());
    let old = bench.results();
    bench.complete(&edited(5.0));
    let before = files(bench.store.root());
    let dry = Options {
        dry_run: true,
        ..OPTIONS
    };
    let foreseen = collected(&bench, &[edited(5.0)], &dry);
    assert_eq!(files(bench.store.root()), before);
    let collection = collected(&bench, &[edited(5.0)], &OPTIONS);
    assert_eq!(collection.removed, foreseen.removed);
    assert_eq!(
        tasks(&collection),
        [
            "data.a",
            "figure.curve[variant=published]",
            "metric.final",
            "train.m[hidden=1]",
            "train.m[hidden=2]"
        ]
    );
    assert_eq!(collection.kept_results, 5);
    let after = files(bench.store.root());
    let freed = before.values().sum::<u64>() - after.values().sum::<u64>();
    assert_eq!(collection.freed_bytes, freed);
    assert!(old.iter().all(|key| !bench.results().contains(key)));
    assert_eq!(bench.complete(&edited(5.0)).current.len(), 5);
    assert!(
        collected(&bench, &[edited(5.0)], &OPTIONS)
            .removed
            .is_empty()
    );
}

#[test]
fn the_last_result_of_a_task_stays_while_it_is_not_up_to_date() {
    let bench = Bench::new();
    bench.complete(&chain());
    let results = bench.results();
    let collection = collected(&bench, &[edited(5.0)], &OPTIONS);
    assert!(collection.removed.is_empty(), "{:?}", collection.removed);
    assert_eq!(bench.results(), results);
    assert_eq!(bench.complete(&chain()).current.len(), 5);
}

#[test]
fn what_another_pipeline_needs_stays() {
    let bench = Bench::new();
    let other = Plan {
        name: "other".to_owned(),
        ..plan(vec![data("a", json!({"value": 1.0}))])
    };
    bench.complete(&chain());
    bench.complete(&other);
    bench.complete(&edited(5.0));
    let collection = collected(&bench, &[edited(5.0), other.clone()], &OPTIONS);
    assert_eq!(tasks(&collection).len(), 4);
    assert!(collection.unknown_pipelines.is_empty());
    assert_eq!(bench.complete(&other).current, [0]);

    // Its result was there already: only a log of an earlier run is missing.
    let log = bench.store.log("other", "data.a");
    fs::create_dir_all(log.parent().expect("a folder")).expect("created");
    fs::write(&log, "words").expect("written");
    // A pipeline that is not given keeps nothing, not even its folder.
    let collection = collected(&bench, &[edited(5.0)], &OPTIONS);
    assert_eq!(collection.unknown_pipelines, ["other"]);
    assert_eq!(tasks(&collection), ["data.a"]);
    assert_eq!(of_kind(&collection, RemovalKind::Link), ["other/data.a"]);
    assert_eq!(
        of_kind(&collection, RemovalKind::Log),
        ["other/logs/data.a.log"]
    );
    assert!(!bench.store.pipeline("other").exists());
}

#[test]
fn names_logs_code_and_ledgers_of_what_is_gone_go() {
    let bench = Bench::new();
    let parts = BTreeMap::from([("burn".to_owned(), "1".to_owned())]);
    let coded = |fingerprint: &str, mut plan: Plan| {
        plan.code.insert(fingerprint.to_owned(), parts.clone());
        for task in &mut plan.tasks {
            task.fingerprint = fingerprint.into();
        }
        plan
    };
    bench.complete(&coded("code-1", chain()));
    let mut shorter = coded("code-2", chain());
    shorter.tasks.truncate(3);
    bench.complete(&shorter);
    fs::write(bench.store.pipeline("test").join("note.txt"), "mine").expect("written");
    let options = Options {
        keep_runs: 1,
        ..OPTIONS
    };
    // The run removed the links of the tasks that are gone; put one back.
    let lost = Path::new("../store").join("0".repeat(64));
    std::os::unix::fs::symlink(lost, bench.store.link("test", "metric.final")).expect("linked");
    fs::create_dir_all(bench.store.figures("test")).expect("created");
    let figure = bench.store.figures("test").join("old.svg");
    std::os::unix::fs::symlink("../metric.final/figure.svg", figure).expect("linked");
    let collection = collected(&bench, &[shorter.clone()], &options);
    assert_eq!(tasks(&collection).len(), 5);
    assert_eq!(
        of_kind(&collection, RemovalKind::Link),
        ["test/figures/old.svg", "test/metric.final"]
    );
    assert_eq!(
        of_kind(&collection, RemovalKind::Log),
        [
            "test/logs/figure.curve,variant-published.log",
            "test/logs/metric.final.log"
        ]
    );
    assert_eq!(
        of_kind(&collection, RemovalKind::Code),
        ["code/code-1.json"]
    );
    assert_eq!(of_kind(&collection, RemovalKind::Ledger).len(), 1);
    assert_eq!(file_names(&bench.store.ledger()).len(), 1);
    assert!(bench.store.pipeline("test").join("note.txt").exists());
    assert_eq!(bench.complete(&shorter).current.len(), 3);
}

#[test]
fn an_accepted_result_outlives_the_one_it_shares_its_files_with() {
    let bench = Bench::new();
    bench.complete(&chain());
    let old = bench.key(&chain(), 1);
    let mut plan = chain();
    plan.tasks[1].fingerprint = "code-2".into();
    plan.code.insert("code-2".to_owned(), BTreeMap::new());
    let data_dir = &bench.options.data_dir;
    accept(&plan, &[1], &bench.store, data_dir, false).expect("accepted");
    let code = bench.store.root().join("code");
    fs::create_dir_all(&code).expect("created");
    for known in ["code-1", "code-3"] {
        fs::write(code.join(format!("{known}.json")), "{}").expect("written");
    }
    let sizes = files(&bench.store.folder(old));
    let collection = collected(&bench, std::slice::from_ref(&plan), &OPTIONS);
    assert_eq!(tasks(&collection), ["train.m[hidden=1]"]);
    assert!(!bench.store.folder(old).exists());
    // Only the record is no file of the accepted result as well; the code that computed it is still named by it.
    let code = fs::metadata(code.join("code-1.json")).expect("kept").len();
    assert_eq!(collection.freed_bytes, sizes["task.json"] + code);
    assert_eq!(
        of_kind(&collection, RemovalKind::Code),
        ["code/code-3.json"]
    );
    assert_eq!(bench.complete(&plan).current.len(), 5);
}

#[test]
fn young_results_can_be_kept() {
    let bench = Bench::new();
    bench.complete(&chain());
    let old = bench.results();
    bench.complete(&edited(5.0));
    let month_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 86_400);
    fs::File::open(bench.store.results().join(&old[0]))
        .and_then(|folder| folder.set_modified(month_ago))
        .expect("set");
    let options = Options {
        keep_days: 7,
        ..OPTIONS
    };
    let collection = collected(&bench, &[edited(5.0)], &options);
    assert_eq!(
        of_kind(&collection, RemovalKind::Result),
        [format!("store/{}", old[0])]
    );
    assert_eq!(collection.kept_results, 9);
}

#[test]
fn only_what_may_be_removed_goes() {
    let bench = Bench::new();
    bench.complete(&chain());
    let removable = [0, 1].map(|task| bench.key(&chain(), task));
    bench.complete(&edited(5.0));
    let options = Options {
        // One that is needed is not removed all the same.
        removable: Some(
            removable
                .into_iter()
                .chain([bench.key(&edited(5.0), 0)])
                .collect(),
        ),
        ..OPTIONS
    };
    let collection = collected(&bench, &[edited(5.0)], &options);
    assert_eq!(tasks(&collection), ["data.a", "train.m[hidden=1]"]);
    assert_eq!((collection.kept_results, collection.spared_results), (8, 3));
    let none = Options {
        removable: Some(BTreeSet::new()),
        ..OPTIONS
    };
    let collection = collected(&bench, &[edited(5.0)], &none);
    assert_eq!(tasks(&collection), [""; 0]);
}

#[test]
fn nothing_is_removed_during_a_run() {
    let bench = Bench::new();
    bench.complete(&chain());
    let before = files(bench.store.root());
    let lock = bench.store.lock().expect("free");
    for dry_run in [true, false] {
        let options = Options { dry_run, ..OPTIONS };
        let refused = try_collect(&bench, &[edited(5.0)], &options).expect_err("locked");
        assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    }
    drop(lock);
    assert_eq!(files(bench.store.root()), before);
}

#[test]
fn what_a_killed_collection_left_is_no_result_and_goes() {
    let bench = Bench::new();
    bench.complete(&chain());
    let key = bench.key(&chain(), 4);
    let aside = bench.store.results().join(".tmp-gc-killed");
    fs::create_dir(&aside).expect("created");
    fs::rename(bench.store.folder(key), aside.join(key.to_string())).expect("moved");
    let collection = collected(&bench, &[chain()], &OPTIONS);
    assert_eq!(
        of_kind(&collection, RemovalKind::Leftover),
        ["store/.tmp-gc-killed"]
    );
    assert!(!aside.exists());
    let outcome = bench.complete(&chain());
    assert_eq!((outcome.current.len(), outcome.ran), (4, vec![4]));
    assert!(bench.store.output(key, &SVG.into()).exists());
}

#[test]
fn an_artifacts_folder_that_is_not_there_is_not_made() {
    let bench = Bench::new();
    let collection = collected(&bench, &[chain()], &OPTIONS);
    assert!(collection.removed.is_empty());
    assert!(!bench.store.root().exists());
}
