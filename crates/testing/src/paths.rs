//! Where the workspace and its programs are, and what stage programs say.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use eigenscope_stage::{Answers, Description, Examined, Question, Questions, Stage, TASK_VERSION};

/// A path in the workspace.
pub fn workspace(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// The folder of the programs, which cargo builds beside the test that asks.
pub fn programs() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    // Tests are in `deps`, examples in `examples`.
    let folder = test.ancestors().nth(2).expect("a folder");
    folder.to_owned()
}

/// A program of the workspace, such as `eigenscope` or `eigenscope-train`.
///
/// # Panics
/// It has not been built.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let path = programs().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} does not exist; `make build` makes it",
        path.display()
    );
    path
}

/// What the program of a stage says it can do.
#[track_caller]
pub fn describe(stage: Stage) -> Description {
    describe_by(&program(stage.program()))
}

/// What a stage program says it can do.
#[track_caller]
pub(crate) fn describe_by(program: &Path) -> Description {
    let output = Command::new(program).arg("describe").output();
    serde_json::from_slice(&output.expect("it starts").stdout).expect("a description")
}

/// What the program of a stage answers to one question.
#[track_caller]
pub fn examine(stage: Stage, data_dir: &Path, question: Question) -> Examined {
    let questions = Questions {
        version: TASK_VERSION,
        data_dir: data_dir.to_owned(),
        questions: vec![question],
    };
    let mut child = Command::new(program(stage.program()))
        .arg("examine")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let text = serde_json::to_vec(&questions).expect("serialises");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(&text).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let answers: Answers = serde_json::from_slice(&output.stdout).expect("answers");
    answers.answers.into_iter().next().expect("one")
}

/// Last part of a path.
pub fn file_name(path: &Path) -> String {
    let name = path.file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

/// All files in a folder and in the folders inside, sorted.
#[track_caller]
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let files = paths.flat_map(|path| match path.is_dir() {
        true => files_below(&path),
        false => vec![path],
    });
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    files
}

/// Names in a folder, sorted; none if there is no such folder.
pub fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| file_name(&entry.expect("readable").path()))
        .collect();
    names.sort();
    names
}
