//! The programs in a temporary folder: a pipeline file, an artifacts folder, and what is to be said of both.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "each test program uses some of it; a skipped test says so"
)]

pub(crate) mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two sizes, two seeds, a few epochs: seconds of work, every task kind.
pub(crate) const PIPELINE: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
seed = [0, 1]
epochs = 3
batch = 64

[decompose.interaction]
model = "train.bilinear"

[metric.final]
histories = "train.bilinear"

[metric.similarity]
eigenpairs = "decompose.interaction"
variant = ["corrected", "published"]
reference = 6
count = 4

[metric.similarity-map]
eigenpairs = "decompose.interaction"

[metric.truncation]
model = "train.bilinear"
eigenpairs = "decompose.interaction"
data = "data.digits"

[metric.truncation-summary]
truncations = "metric.truncation"

[figure.training]
histories = "train.bilinear"

[figure.similarity]
similarity = "metric.similarity"

[figure.similarity-map]
map = "metric.similarity-map"

[figure.truncation]
truncation = "metric.truncation-summary"

[figure.eigenvectors]
eigenpairs = "decompose.interaction[hidden=6,seed=0]"

[data.similar]
kind = "digits"
similarity_label = { similar-to = { train_image = 6, threshold = 0.7 } }

[train.ground-truth]
kind = "bilinear"
data = "data.similar"
hidden = 4
bias = true
epochs = 2
batch = 64

[decompose.ground-truth]
model = "train.ground-truth"
data = "data.similar"
variant = ["corrected", "published"]

[decompose.plain]
kind = "interaction"
model = "train.ground-truth"

[figure.ground-truth]
patterns = "decompose.ground-truth"

[figure.eigenspectrum]
spectrum = "decompose.plain"
eigenpairs = "decompose.plain"
"#;

/// Tasks of [`PIPELINE`].
pub(crate) const TASKS: usize =
    (1 + 4 + 4 + 1 + 2 + 1 + 4 + 1 + 1 + 2 + 1 + 1 + 1) + (1 + 1 + 2 + 1 + 2 + 1);

/// Programs of the sections of a pipeline file, as the orchestrator looks for them beside itself.
pub(crate) const STAGES: [&str; 5] = ["ingest", "train", "decompose", "metrics", "report"];

/// A pipeline file `p.toml` in a folder of its own, and the program that works there.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Sandbox {
    /// With the real programs.
    pub(crate) fn new(pipeline: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("p.toml"), pipeline).expect("written");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_eigenscope"));
        Self { folder, program }
    }

    /// With the fake stage in place of the real ones. It notes in `data/runs.log` which task it starts.
    #[cfg(unix)]
    pub(crate) fn with_fake_stages(pipeline: &str) -> Self {
        let mut sandbox = Self::new(pipeline);
        let profile = sandbox.program.parent().expect("a folder");
        let fake = profile.join("examples/fake_stage");
        assert!(
            fake.exists(),
            "{} is missing: build it with `cargo build --release --workspace --examples`",
            fake.display()
        );
        let programs = sandbox.path("programs");
        fs::create_dir(&programs).expect("created");
        for stage in STAGES {
            let name = programs.join(format!("eigenscope-{stage}"));
            std::os::unix::fs::symlink(&fake, name).expect("linked");
        }
        // It asks the system for its own path, which of a link would be where the link leads.
        let program = programs.join("eigenscope");
        let copied = Command::new("cp")
            .args([&sandbox.program, &program])
            .status();
        assert!(copied.expect("cp runs").success());
        sandbox.program = program;
        fs::create_dir(sandbox.path("data")).expect("created");
        fs::write(sandbox.runs_log(), "").expect("written");
        sandbox
    }

    fn runs_log(&self) -> PathBuf {
        self.path("data/runs.log")
    }

    /// Tasks that the fake stage has started, in order.
    pub(crate) fn started(&self) -> Vec<String> {
        let text = fs::read_to_string(self.runs_log()).expect("readable");
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        self.set_up(&mut command).args(arguments);
        command
    }

    /// Lets a command work in this folder, without settings from outside.
    pub(crate) fn set_up<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .current_dir(self.folder.path())
            .env_remove("EIGENSCOPE_ARTIFACTS")
            .env_remove("EIGENSCOPE_DATA_DIR")
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .output()
            .expect("the program starts")
    }

    /// Runs the whole pipeline and expects success.
    pub(crate) fn run(&self) -> String {
        let output = self.call(&["run", "p.toml", "--offline"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output)
    }

    /// Replaces a piece of the pipeline file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("p.toml")).expect("readable");
        assert!(text.contains(from));
        fs::write(self.path("p.toml"), text.replacen(from, to, 1)).expect("written");
    }

    /// Every artifact by its readable name, without what a run measures about itself.
    pub(crate) fn artifacts(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for task in fs::read_dir(self.path(folder).join("p")).expect("results") {
            let task = task.expect("readable").path();
            if task.ends_with("logs") {
                continue;
            }
            for file in fs::read_dir(&task).expect("a folder") {
                let file = file.expect("readable").path();
                let name = format!("{}/{}", name(&task), name(&file));
                files.insert(name, fs::read(&file).expect("readable"));
            }
        }
        files
    }

    /// Temporary files and folders anywhere in the artifacts.
    pub(crate) fn temporaries(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.path("artifacts")];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("readable").path();
                if name(&path).starts_with(".tmp-") {
                    found.push(path.display().to_string());
                }
                if path.is_dir() && !path.is_symlink() {
                    open.push(path);
                }
            }
        }
        found
    }

    /// Ids of the tasks whose results are in the store.
    pub(crate) fn finished(&self) -> BTreeSet<String> {
        let results = fs::read_dir(self.path("artifacts/store"));
        let results = results.into_iter().flatten();
        let folders = results.map(|entry| entry.expect("readable").path());
        folders
            .filter(|folder| !name(folder).starts_with(".tmp-"))
            .map(|folder| {
                let record = fs::read(folder.join("task.json")).expect("a complete folder");
                let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
                record["task"].as_str().expect("a text").to_owned()
            })
            .collect()
    }

    /// Processes that work for this sandbox: the orchestrator's own arguments name no path in it, those of its children do.
    pub(crate) fn children(&self) -> Vec<u32> {
        let folder = self.path("artifacts/");
        let folder = folder.as_os_str().as_encoded_bytes();
        let works_here = |pid: &u32| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.windows(folder.len()).any(|part| part == folder)
        };
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| name(&entry.path()).parse().ok())
            .filter(works_here)
            .collect()
    }

    /// Runs `script` in this folder with mount name spaces of its own, so that it can mount file systems; the program is `$0`.
    /// `None` where the system does not allow that, which the script tells by its exit code 77.
    pub(crate) fn with_mounts(&self, script: &str) -> Option<Output> {
        for isolate in [&["unshare", "-m"][..], &["unshare", "-Urm"]] {
            let mut command = Command::new(isolate[0]);
            self.set_up(&mut command)
                .args(&isolate[1..])
                .args(["sh", "-c", script])
                .arg(&self.program);
            if let Ok(output) = command.output()
                && !matches!(output.status.code(), Some(77 | 126 | 127))
                && !stderr(&output).starts_with("unshare")
            {
                return Some(output);
            }
        }
        eprintln!("skipped: a file system cannot be mounted here");
        None
    }
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

/// The program `make`, without what an outer `make`, such as that of `make test`, hands on to an inner one.
pub(crate) fn make() -> Command {
    let mut make = Command::new("make");
    for variable in [
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "PIPELINE",
        "DATA_DIR",
        "JOBS",
        "TARGETS",
        "PUBLISHED",
        "SAMPLE",
        "CARGO_COMMAND",
        "CARGO_TARGET_DIR",
        "EIGENSCOPE_DATA_DIR",
    ] {
        make.env_remove(variable);
    }
    make
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
