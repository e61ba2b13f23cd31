//! Edits of a scratch copy of this workspace: which task functions are other code afterwards.

mod edit;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use edit::{changes, replace};
use eigenscope_fingerprint::{Code, task_functions};
use eigenscope_testing::workspace;

/// The crates that compute something.
const STAGES: [&str; 6] = [
    "ingest",
    "train",
    "import",
    "decompose",
    "metrics",
    "report",
];

/// A copy of the sources, and what the code of every task function was before any edit.
struct Scratch {
    folder: tempfile::TempDir,
    before: BTreeMap<String, Code>,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["Cargo.toml", "Cargo.lock"] {
            fs::copy(workspace(file), folder.path().join(file)).expect("copied");
        }
        for entry in fs::read_dir(workspace("crates")).expect("crates") {
            let member = entry.expect("readable").path();
            for part in ["Cargo.toml", "src", "assets"] {
                let copy = folder
                    .path()
                    .join("crates")
                    .join(member.file_name().expect("a name"));
                copy_all(&member.join(part), &copy.join(part));
            }
        }
        let before = functions(folder.path(), &STAGES);
        Self { folder, before }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Replaces a piece of a file; the task functions of `stages` that are other code now. Then undoes it.
    #[track_caller]
    fn edit_in(&self, stages: &[&str], file: &str, from: &str, to: &str) -> Vec<String> {
        let path = self.path(file);
        let original = fs::read(&path).expect("readable");
        replace(&path, from, to);
        let changed = self.changed(stages);
        fs::write(&path, original).expect("written");
        changed
    }

    #[track_caller]
    fn edit(&self, file: &str, from: &str, to: &str) -> Vec<String> {
        self.edit_in(&STAGES, file, from, to)
    }

    fn changed(&self, stages: &[&str]) -> Vec<String> {
        let now = functions(self.folder.path(), stages);
        let changed =
            |(name, code): &(&String, &Code)| !changes(&self.before[*name], code).is_empty();
        now.iter()
            .filter(changed)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The names of all task functions.
    fn all(&self) -> Vec<String> {
        self.before.keys().cloned().collect()
    }

    /// The task functions whose code has this part.
    fn using(&self, part: &str) -> Vec<String> {
        let using = self
            .before
            .iter()
            .filter(|(_, code)| code.parts.contains_key(part));
        using.map(|(name, _)| name.clone()).collect()
    }
}

fn functions(root: &Path, stages: &[&str]) -> BTreeMap<String, Code> {
    let of_stage = |stage: &&str| {
        let functions = task_functions(&root.join("crates").join(stage));
        functions.expect("the sources can be followed").code
    };
    stages.iter().flat_map(of_stage).collect()
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("created");
        for entry in fs::read_dir(from).expect("readable") {
            let path = entry.expect("readable").path();
            copy_all(&path, &to.join(path.file_name().expect("a name")));
        }
    } else if from.exists() {
        fs::create_dir_all(to.parent().expect("a folder")).expect("created");
        fs::copy(from, to).expect("copied");
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false => found.extend(
                path.extension()
                    .is_some_and(|name| name == "rs")
                    .then_some(path),
            ),
        }
    }
    found
}

/// The section of each name, without repetition: `eigenscope_metrics::tasks::truncation::run` is of `metrics`.
fn stages_of(functions: &[String]) -> Vec<&str> {
    let stage = |name: &'_ String| name.len() - name.trim_start_matches("eigenscope_").len();
    let mut stages: Vec<&str> = functions
        .iter()
        .filter_map(|name| name[stage(name)..].split(':').next())
        .collect();
    stages.dedup();
    stages
}

#[test]
fn the_scratch_copy_is_the_same_code_as_this_workspace() {
    let scratch = Scratch::new();
    let root = fs::canonicalize(workspace("")).expect("a folder");
    assert_eq!(functions(&root, &STAGES), scratch.before);
    assert_eq!(
        stages_of(&scratch.all()),
        [
            "decompose",
            "import",
            "ingest",
            "metrics",
            "report",
            "train"
        ]
    );
}

#[test]
fn comments_and_format_rerun_nothing() {
    let scratch = Scratch::new();
    let files = sources(&scratch.path("crates"));
    assert!(files.len() > 100);
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let text = text.replace(" {\n", "\n{ /* moved */\n\n");
        let text = text.replace('\n', "\r\n");
        fs::write(&file, text + "\r\n// The end.\r\n").expect("written");
    }
    assert_eq!(scratch.changed(&STAGES), Vec::<String>::new());
}

/// The modules of a stage with a task function `run`: file, and name of the function.
fn modules_with_run(scratch: &Scratch, stage: &str, inside: &str) -> Vec<(String, String)> {
    let path = |name: &String| {
        let start = format!("eigenscope_{stage}::{}", inside.replace('/', "::"));
        let module = name.strip_prefix(&start)?.strip_suffix("::run")?;
        let module = module.replace("::", "/");
        let files = [format!("{module}.rs"), format!("{module}/mod.rs")];
        let mut files = files
            .map(|file| format!("crates/{stage}/src/{inside}{file}"))
            .into_iter();
        let file = files.find(|file| scratch.path(file).is_file());
        Some((file.expect("a module has a file"), name.clone()))
    };
    scratch.before.keys().filter_map(path).collect()
}

#[test]
fn a_metric_or_figure_is_its_own_code() {
    let scratch = Scratch::new();
    for (stage, inside) in [("metrics", "tasks/"), ("report", "plots/")] {
        let modules = modules_with_run(&scratch, stage, inside);
        assert!(modules.len() >= 5, "{modules:?}");
        for (file, name) in modules {
            let run = "fn run(context: &Context) -> Result<(), TaskError> {";
            let edited = format!("{run} let _edited = 1;");
            assert_eq!(scratch.edit_in(&[stage], &file, run, &edited), [name]);
        }
    }
}

#[test]
fn a_metric_or_figure_is_no_code_of_another_stage() {
    let scratch = Scratch::new();
    let (from, to) = (
        "const BLOCK_ROWS: usize = 1000;",
        "const BLOCK_ROWS: usize = 999;",
    );
    let changed = scratch.edit("crates/metrics/src/bilinear/truncation.rs", from, to);
    assert_eq!(changed, ["eigenscope_metrics::tasks::truncation::run"]);
    let (from, to) = ("\"Training loss\"", "\"Loss\"");
    let changed = scratch.edit("crates/report/src/plots/training.rs", from, to);
    assert_eq!(changed, ["eigenscope_report::plots::training::run"]);
}

#[test]
fn an_edit_of_one_network_retrains_that_network_only() {
    let scratch = Scratch::new();
    let networks = "crates/models/src/networks.rs";
    for (from, to, name) in [
        (
            "\"embed\", hidden(1), Bias::Never",
            "\"embed\", hidden(1), Bias::Always",
            "bilinear::run",
        ),
        (
            "\"layer#\", Size::Item, Bias::Never",
            "\"layer#\", Size::Item, Bias::Always",
            "feed_forward::mlp",
        ),
        (
            "Window::new(5, 2)",
            "Window::new(5, 3)",
            "feed_forward::cnn",
        ),
        (
            "\"conv1\", Size::Fixed(32)",
            "\"conv1\", Size::Fixed(33)",
            "embeddings::convnet",
        ),
        (
            "[8, 16, 32, 64]",
            "[8, 16, 32, 65]",
            "embeddings::embedding_net",
        ),
    ] {
        let changed = scratch.edit_in(&["train"], networks, from, to);
        assert_eq!(changed, [format!("eigenscope_train::{name}")]);
    }
    // Every kind of import may put weights onto any network.
    let others = ["ingest", "train", "decompose", "metrics", "report"];
    let changed = scratch.edit_in(&others, networks, "Window::new(2, 1)", "Window::new(3, 1)");
    assert_eq!(changed, ["eigenscope_train::embeddings::embedding_net"]);
}

#[test]
fn an_edit_of_what_evaluates_models_reruns_what_evaluates() {
    let scratch = Scratch::new();
    let file = "crates/models/src/evaluate.rs";
    let changed = scratch.edit(
        file,
        "*logit > logits[predicted]",
        "*logit >= logits[predicted]",
    );
    for (name, expected) in [
        ("eigenscope_metrics::tasks::truncation::run", true),
        ("eigenscope_metrics::tasks::similarity::run", false),
        ("eigenscope_decompose::tasks::interaction::run", false),
        ("eigenscope_report::plots::truncation::run", false),
    ] {
        assert_eq!(changed.contains(&name.to_owned()), expected, "{name}");
    }
    let trained = changed.iter().filter(|name| name.contains("_train::"));
    assert_eq!(trained.count(), 6);
}

#[test]
fn an_edit_of_a_table_reruns_what_writes_and_reads_it() {
    let scratch = Scratch::new();
    let file = "crates/artifact/src/tables/bilinear.rs";
    let changed = scratch.edit(file, "correct: u32,", "correct: u64,");
    let expected = ["truncation::run", "truncation_summary::run"];
    assert_eq!(
        changed,
        expected.map(|name| format!("eigenscope_metrics::tasks::{name}"))
    );
}

#[test]
fn a_new_table_reruns_nothing() {
    let scratch = Scratch::new();
    let file = "crates/artifact/src/tables/bilinear.rs";
    let declaration = "records! { pub struct NewRow: \"new\", 1 => { value: f64, } }\n\nrecords! {";
    assert_eq!(scratch.edit(file, "records! {", declaration), [""; 0]);
}

#[test]
fn an_edit_of_what_all_tasks_share_reruns_everything() {
    let scratch = Scratch::new();
    for (file, from, to) in [
        (
            "crates/stage/src/program.rs",
            "tracing::info!(kind",
            "tracing::warn!(kind",
        ),
        (
            "crates/artifact/src/kind.rs",
            "_ => \"parquet\"",
            "_ => \"table\"",
        ),
    ] {
        assert_eq!(scratch.edit(file, from, to), scratch.all(), "{file}");
    }
}

#[test]
fn a_dependency_bump_reruns_what_links_it() {
    let scratch = Scratch::new();
    for (package, linked, other) in [
        (
            "faer",
            "decompose::tasks::interaction",
            "report::plots::training",
        ),
        (
            "polars",
            "metrics::tasks::truncation_summary",
            "decompose::tasks::interaction",
        ),
        ("resvg", "report::plots::training", "train::bilinear"),
    ] {
        let locked = format!("name = \"{package}\"\nversion = \"");
        let changed = scratch.edit("Cargo.lock", &locked, &format!("{locked}9"));
        assert_eq!(changed, scratch.using(package), "{package}");
        let has_changed = |name| changed.contains(&format!("eigenscope_{name}::run"));
        assert!(has_changed(linked) && !has_changed(other), "{changed:?}");
    }
    assert_eq!(stages_of(&scratch.using("burn-autodiff")), ["train"]);
    assert_eq!(scratch.using("serde"), scratch.all());
}
