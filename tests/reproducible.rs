//! Equal inputs give equal bytes: for any number of threads and jobs, any order of the tasks, any folder, and in two clones.
//! And what does not is found by `verify`.

use std::fs;
use std::sync::OnceLock;

use eigenscope_stage::Stage;
use eigenscope_testing::{Answer, Artifacts, TestProject, assert_same_artifacts, programs};

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

[figure.t-sne]
map = "metric.t-sne"
quality = "metric.t-sne"
embeddings = "decompose.embedding"
"#;

/// Tasks of [`PIPELINE`].
const TASKS: usize = 16;

/// The results of one thread, longest task first, in a folder of their own; computed once for all tests.
fn expected() -> &'static Artifacts {
    static EXPECTED: OnceLock<Artifacts> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let project = TestProject::new(PIPELINE);
        project.run_with(&["--jobs", "1"], &[("RAYON_NUM_THREADS", "1")]);
        let found = project.artifacts("artifacts");
        assert!(found.len() > TASKS, "{} files", found.len());
        found
    })
}

#[test]
fn bytes_depend_neither_on_threads_nor_on_jobs_nor_on_order() {
    TestProject::new(PIPELINE).assert_reproduces(expected());
}

#[test]
fn the_shuffled_orders_are_others() {
    let started = |order: &str| {
        let project = TestProject::new(PIPELINE);
        let options = ["--offline", "--jobs", "1", "--shuffle", order];
        let answer = project
            .call(&[&["run", "p.toml"][..], &options].concat())
            .expect(0);
        let ended = answer.stderr.lines().filter(|line| line.starts_with('['));
        let names =
            ended.filter_map(|line| line.split_whitespace().find(|word| word.contains('.')));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, two) = (started("1"), started("2"));
    assert_eq!(one.len(), TASKS);
    assert_eq!(two.len(), TASKS);
    assert_ne!(one, two);
}

#[test]
fn bytes_do_not_depend_on_the_folder() {
    let project = TestProject::new(PIPELINE);
    project.write("a project, of two words/p.toml", PIPELINE);
    let elsewhere = project.path("results of it/λ").display().to_string();
    let mut command = project.command(&["run", "p.toml", "--offline", "--artifacts", &elsewhere]);
    command
        .current_dir(project.path("a project, of two words"))
        .envs([("TZ", "Asia/Kathmandu"), ("LANG", "tr_TR.UTF-8")]);
    Answer::of(&mut command).expect(0);
    let found = project.artifacts("results of it/λ");
    assert_same_artifacts(expected(), &found, "another folder");
}

/// Copies the sources of the pipeline and links the programs to another place: a second clone that was built the same. That
/// building it again gives the same fingerprints is tested where they are made (`crates/fingerprint`).
#[test]
fn bytes_are_those_of_another_clone() {
    let project = TestProject::new(PIPELINE);
    let release = project.path("target/release");
    fs::create_dir_all(&release).expect("created");
    let stages = Stage::ALL.into_iter().map(Stage::program);
    for name in stages.chain(["eigenscope"]) {
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let (from, to) = (programs().join(&name), release.join(&name));
        fs::hard_link(&from, &to)
            .or_else(|_| fs::copy(&from, &to).map(drop))
            .expect("a program");
    }
    let clone = project.with_program(release.join("eigenscope"));
    clone.run();
    let found = clone.artifacts("artifacts");
    assert_same_artifacts(expected(), &found, "another clone");
}

#[test]
fn verify_computes_again_and_finds_what_was_changed() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let verify = |options: &[&str]| project.call(&[&["verify", "p.toml"], options].concat());
    let answer = verify(&["--sample", "4", "--bytes"]).expect(0);
    assert_eq!(answer.stdout, "tasks: 4 byte-equal\n");
    // There is no lock file yet.
    verify(&["--lock"]).refuses(&["eigenscope lock"]);
    verify(&["metric.similarty"]).refuses(&["did you mean `metric.similarity`"]);

    project.call(&["lock", "p.toml"]).expect(0);
    let report = verify(&["--lock", "--json", "metric.*"]).expect(0).json();
    assert_eq!(report["equal"], 3);

    // A lock file of other results.
    let locked = project.read("p.lock");
    let line = locked.lines().find(|line| line.starts_with("content"));
    let digest = line.and_then(|line| line.get(11..75)).expect("64 digits");
    project.write("p.lock", locked.replace(digest, &"0".repeat(64)));
    let report = verify(&["--lock", "data.*", "--json"]).expect(1).json();
    let [task] = report["tasks"].as_array().expect("tasks").as_slice() else {
        panic!("one task expected: {report}");
    };
    assert_eq!(task["task"], "data.digits");
    assert_eq!(task["outputs"][0]["output"], "images");
    assert_eq!(task["outputs"][0]["against"], "lock file");
    assert_eq!(task["outputs"][0]["verdict"], "differs");
    let text = verify(&["--lock", "data.*"]).expect(1).stdout;
    assert!(
        text.contains("data.digits images: DIFFERS (lock file)"),
        "{text}"
    );
    assert_eq!(project.temporaries(), [""; 0]);
}
