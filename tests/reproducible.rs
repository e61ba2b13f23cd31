//! Equal inputs give equal bytes: for any number of threads and jobs, any order of the tasks, any folder, and in two clones.
//! And what does not is found by `verify`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Every stage, every sort of network, and the three kinds of task that use several threads.
const PIPELINE: &str = r#"
[data.digits]
transforms = ["scale", { resize = { height = 16, width = 16 } }]
train_fraction = 0.2

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 2
batch = 64

[train.mlp]
data = "data.digits"
widths = [8, 6]
epochs = 2
batch = 32
learning_rate = 0.05

[train.cnn]
data = "data.digits"
channels = [3, 5]
epochs = 1
batch = 32
learning_rate = 0.05

[train.convnet]
data = "data.digits"
epochs = 1
batch = 32

[decompose.interaction]
model = "train.bilinear"

[decompose.activations]
kind = "activation-covariance"
model = "train.cnn"
data = "data.digits"

[decompose.rainbow]
model = "train.mlp"
data = "data.digits"
draws = 2

[decompose.embedding]
model = "train.convnet"
data = "data.digits"

[metric.similarity]
eigenpairs = "decompose.interaction"
reference = 6
count = 3

[metric.clipping]
model = "train.cnn"
bases = "decompose.activations"
data = "data.digits"

[metric.t-sne]
embeddings = "decompose.embedding"

[figure.similarity]
similarity = "metric.similarity"

[figure.map]
map = "metric.t-sne"
quality = "metric.t-sne"
embeddings = "decompose.embedding"
"#;

/// Tasks of [`PIPELINE`].
const TASKS: usize = 16;

/// A folder with the pipeline in it.
fn project(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("p.toml"), text).expect("written");
    folder
}

fn call(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eigenscope"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("EIGENSCOPE_ARTIFACTS")
        .env_remove("EIGENSCOPE_DATA_DIR")
        .envs(environment.iter().copied())
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the whole pipeline.
fn run(folder: &Path, options: &[&str], environment: &[(&str, &str)]) {
    let arguments = [&["run", "p.toml", "--offline"], options].concat();
    let output = call(folder, &arguments, environment);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// Every file of the store, `task.json` included, by the name of its task.
fn results(artifacts: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for task in fs::read_dir(artifacts.join("p")).expect("results") {
        let task = task.expect("readable").path();
        if !task.is_symlink() {
            continue; // Logs, and links to figures.
        }
        for file in fs::read_dir(&task).expect("a folder") {
            let file = file.expect("readable").path();
            let name = file.strip_prefix(artifacts).expect("below").to_owned();
            files.insert(name, fs::read(&file).expect("readable"));
        }
    }
    files
}

fn assert_same(one: &BTreeMap<PathBuf, Vec<u8>>, other: &BTreeMap<PathBuf, Vec<u8>>, how: &str) {
    assert!(one.len() > TASKS, "{how}: {} files", one.len());
    assert!(one.keys().eq(other.keys()), "{how}: other files");
    for (name, bytes) in one {
        assert!(*bytes == other[name], "{how}: {} differs", name.display());
    }
}

/// The results of one thread, longest task first, in a folder of their own; computed once for all tests.
fn expected() -> &'static BTreeMap<PathBuf, Vec<u8>> {
    static EXPECTED: OnceLock<BTreeMap<PathBuf, Vec<u8>>> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let folder = project(PIPELINE);
        run(
            folder.path(),
            &["--jobs", "1"],
            &[("RAYON_NUM_THREADS", "1")],
        );
        results(&folder.path().join("artifacts"))
    })
}

#[test]
fn bytes_depend_neither_on_threads_nor_on_jobs_nor_on_order() {
    let folder = project(PIPELINE);
    for (jobs, threads, order) in [("2", "4", "1"), ("4", "2", "2"), ("4", "1", "3")] {
        let artifacts = format!("artifacts-{order}");
        run(
            folder.path(),
            &[
                "--jobs",
                jobs,
                "--shuffle",
                order,
                "--artifacts",
                &artifacts,
            ],
            &[("RAYON_NUM_THREADS", threads)],
        );
        let found = results(&folder.path().join(artifacts));
        let how = format!("{jobs} jobs, {threads} threads, order {order}");
        assert_same(expected(), &found, &how);
    }
}

#[test]
fn the_shuffled_orders_are_others() {
    let started = |options: &[&str]| {
        let folder = project(PIPELINE);
        let arguments = [&["run", "p.toml", "--offline", "--jobs", "1"], options].concat();
        let output = call(folder.path(), &arguments, &[]);
        let lines = text(&output.stderr);
        let ended = lines.lines().filter(|line| line.starts_with('['));
        let names =
            ended.filter_map(|line| line.split_whitespace().find(|word| word.contains('.')));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, two) = (started(&["--shuffle", "1"]), started(&["--shuffle", "2"]));
    assert_eq!(one.len(), TASKS);
    assert_eq!(two.len(), TASKS);
    assert_ne!(one, two);
}

#[test]
fn bytes_do_not_depend_on_the_folder() {
    let folder = project(PIPELINE);
    let (inner, elsewhere) = (
        folder.path().join("a project, of two words"),
        folder.path().join("results of it/λ"),
    );
    fs::create_dir(&inner).expect("created");
    fs::copy(folder.path().join("p.toml"), inner.join("p.toml")).expect("copied");
    let path = elsewhere.display().to_string();
    run(
        &inner,
        &["--artifacts", &path],
        &[("TZ", "Asia/Kathmandu"), ("LANG", "tr_TR.UTF-8")],
    );
    assert_same(expected(), &results(&elsewhere), "another folder");
}

/// Copies the sources of the pipeline and links the programs to another place: a second clone that was built the same. That
/// building it again gives the same fingerprints is tested where they are made (`crates/fingerprint`).
#[test]
fn bytes_are_those_of_another_clone() {
    let folder = project(PIPELINE);
    let programs = folder.path().join("clone/target/release");
    fs::create_dir_all(&programs).expect("created");
    let built = Path::new(env!("CARGO_BIN_EXE_eigenscope"))
        .parent()
        .expect("a folder");
    for name in ["", "-ingest", "-train", "-decompose", "-metrics", "-report"] {
        let name = format!("eigenscope{name}{}", std::env::consts::EXE_SUFFIX);
        let (from, to) = (built.join(&name), programs.join(&name));
        fs::hard_link(&from, &to)
            .or_else(|_| fs::copy(&from, &to).map(drop))
            .expect("a program");
    }
    let clone = folder.path().join("clone");
    fs::copy(folder.path().join("p.toml"), clone.join("p.toml")).expect("copied");
    let program = programs.join(format!("eigenscope{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(program)
        .args(["run", "p.toml", "--offline"])
        .current_dir(&clone)
        .env_remove("EIGENSCOPE_ARTIFACTS")
        .env_remove("EIGENSCOPE_DATA_DIR")
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_same(
        expected(),
        &results(&clone.join("artifacts")),
        "another clone",
    );
}

#[test]
fn verify_computes_again_and_finds_what_was_changed() {
    let folder = project(PIPELINE);
    run(folder.path(), &[], &[]);
    let verify = |options: &[&str]| {
        call(
            folder.path(),
            &[&["verify", "p.toml"], options].concat(),
            &[],
        )
    };
    let output = verify(&["--sample", "4", "--bytes"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "tasks: 4 byte-equal\n");
    let output = verify(&["--lock"]);
    assert_eq!(output.status.code(), Some(2), "there is no lock file");
    assert!(text(&output.stderr).contains("eigenscope lock"));
    let output = verify(&["metric.similarty"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `metric.similarity`"));

    let lock = call(folder.path(), &["lock", "p.toml"], &[]);
    assert_eq!(lock.status.code(), Some(0), "{}", text(&lock.stderr));
    let output = verify(&["--lock", "--json", "metric.*"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["version"], &json["equal"]), (&1.into(), &3.into()));

    // A lock file of other results.
    let path = folder.path().join("p.lock");
    let locked = fs::read_to_string(&path).expect("readable");
    let line = locked
        .lines()
        .find(|line| line.starts_with("content"))
        .expect("a digest");
    let digest = line.get(11..75).expect("64 digits");
    fs::write(&path, locked.replace(digest, &"0".repeat(64))).expect("written");
    let output = verify(&["--lock", "data.*"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("data.digits images: DIFFERS (lock file)"));
    let left: Vec<_> = fs::read_dir(folder.path().join("artifacts"))
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .filter(|name| name.to_string_lossy().starts_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
