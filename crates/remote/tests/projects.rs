//! Whole projects that share results through a bucket: with the program `eigenscope` and the stage programs beside this one.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test; a skipped one says so"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Files, KEY, S3, SECRET};

const PIPELINE: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 1
batch = 64

[metric.final]
kind = "final-accuracy"
histories = "train.bilinear"
"#;

/// The program `eigenscope`, where it has been built.
fn eigenscope() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_eigenscope-remote")).with_file_name("eigenscope");
    if !program.exists() {
        eprintln!("skipped: {} has not been built", program.display());
    }
    program.exists().then_some(program)
}

struct Project {
    files: Files,
    program: PathBuf,
}

impl Project {
    fn new(program: &Path, s3: &S3) -> Self {
        let files = Files::new();
        files.write("p.toml", PIPELINE.as_bytes());
        let settings = format!(
            "[remote]\nurl = \"s3://results/team\"\nendpoint = \"{}\"\nregion = \"us-east-1\"\n",
            s3.endpoint()
        );
        files.write("eigenscope.toml", settings.as_bytes());
        let program = program.to_owned();
        Self { files, program }
    }

    /// Calls the program with a secret key; returns its exit code and all that it writes.
    fn call(&self, arguments: &[&str], secret: &str) -> (Option<i32>, String) {
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(self.files.path(""))
            .env_remove("EIGENSCOPE_ARTIFACTS")
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .output()
            .expect("it starts");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.code(), text)
    }

    #[track_caller]
    fn works(&self, arguments: &[&str], words: &str) -> String {
        let (code, text) = self.call(arguments, SECRET);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains(words), "`{words}` is not in {text}");
        text
    }

    /// The files of all results by name.
    fn results(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let root = self.files.path("artifacts/store");
        let mut files = Vec::new();
        collect(&root, &mut files);
        let mut files: Vec<(PathBuf, Vec<u8>)> = files
            .into_iter()
            .map(|(path, bytes)| (path.strip_prefix(&root).expect("below").to_owned(), bytes))
            .collect();
        files.sort();
        files
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        match path.symlink_metadata().expect("there") {
            found if found.is_dir() => collect(&path, files),
            found if found.is_file() => {
                let bytes = std::fs::read(&path).expect("readable");
                files.push((path, bytes));
            }
            _ => {}
        }
    }
}

/// Asserts that no file below `folder` holds one of the secrets.
fn assert_no_secret(folder: &Path, secrets: &[&str]) {
    let mut files = Vec::new();
    collect(folder, &mut files);
    assert!(!files.is_empty());
    for (path, bytes) in files {
        for secret in secrets {
            let is_there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!is_there, "{}", path.display());
        }
    }
}

#[test]
fn what_one_project_has_pushed_another_takes_and_nothing_holds_a_secret() {
    let Some(program) = eigenscope() else { return };
    let s3 = S3::start();
    let (one, other) = (Project::new(&program, &s3), Project::new(&program, &s3));
    let mut said = one.works(&["-vv", "run", "p.toml"], "tasks: 4 ran");
    said += &one.works(&["-vv", "push", "p.toml"], "pushed 4 results");
    said += &other.works(&["-vv", "run", "p.toml"], "tasks: 4 taken");
    assert_eq!(one.results(), other.results());
    said += &other.works(&["run", "p.toml"], "tasks: 4 up to date");
    // After an edit, only what has changed is computed.
    let edited = PIPELINE.replace("hidden = [4, 6]", "hidden = [4, 8]");
    other.files.write("p.toml", edited.as_bytes());
    let third = Project::new(&program, &s3);
    third.files.write("p.toml", edited.as_bytes());
    said += &third.works(&["run", "p.toml"], "tasks: 2 ran, 2 taken");
    said += &third.works(&["push", "p.toml"], "pushed 2 results");
    said += &other.works(&["pull", "p.toml"], "tasks: 2 taken, 2 up to date");
    assert_eq!(s3_records(&s3), 6 + 5, "results, and the last of each task");
    for folder in [one.files.path(""), other.files.path(""), s3.object("")] {
        assert_no_secret(&folder, &[SECRET]);
    }
    assert!(!said.contains(SECRET));
}

fn s3_records(s3: &S3) -> usize {
    let mut files = Vec::new();
    collect(&s3.object("team/v1"), &mut files);
    let records = files.iter().filter(|(path, _)| path.ends_with("task.json"));
    records.count()
}

#[test]
fn wrong_credentials_and_a_server_that_is_gone_fail_no_run() {
    let Some(program) = eigenscope() else { return };
    let s3 = S3::start();
    let project = Project::new(&program, &s3);
    let wrong = "some-other-secret-key";
    let (code, text) = project.call(&["run", "p.toml", "data.digits"], wrong);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("tasks: 1 ran") && text.contains("was not asked any more"),
        "{text}"
    );
    assert!(!text.contains(wrong) && !text.contains(SECRET), "{text}");
    let (code, text) = project.call(&["push", "p.toml", "data.digits"], wrong);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("pushed 0 results"), "{text}");
    assert_no_secret(&project.files.path(""), &[wrong, SECRET]);
}
