//! A copy of this workspace to change, build and run.
//!
//! Only what the changes make other code is compiled, without optimisation: libraries are taken from this workspace's target
//! folder, which is not written to, and so are the programs that are said to be untouched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{STAGES, Sandbox, stderr};

/// A copy of this workspace beside a pipeline file.
pub(crate) struct Workspace {
    sandbox: Sandbox,
}

impl Workspace {
    /// An unchanged copy.
    pub(crate) fn new(pipeline: &str) -> Self {
        let sandbox = Sandbox::new(pipeline);
        let copy = sandbox.path("workspace");
        fs::create_dir_all(&copy).expect("created");
        for part in ["Cargo.toml", "Cargo.lock", "crates", "tests"] {
            copy_all(&root().join(part), &copy.join(part), |from, to| {
                fs::copy(from, to).map(drop)
            });
        }
        Self { sandbox }
    }

    /// A file in the folder of the pipeline file, such as a result.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    fn source(&self, file: &str) -> PathBuf {
        self.path("workspace/crates").join(file)
    }

    /// Adds a source file.
    pub(crate) fn add(&self, file: &str, text: &str) {
        let path = self.source(file);
        assert!(!path.exists(), "{file} is there");
        fs::write(path, text).expect("written");
    }

    /// Adds `text` to the end of a source file.
    pub(crate) fn append(&self, file: &str, text: &str) {
        let path = self.source(file);
        let before = fs::read_to_string(&path).expect("readable");
        fs::write(path, before + text).expect("written");
    }

    /// Replaces a piece of a source file, which must be there.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.source(file);
        let text = fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(path, text.replacen(from, to, 1)).expect("written");
    }

    /// Builds the orchestrator, which checks all tables, and these stages; the others are taken from this workspace.
    pub(crate) fn build(&self, stages: &[&str]) {
        let target = self.path("target/release");
        borrow_libraries(&target);
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--release", "--workspace", "--locked"])
            .args(["--offline", "--quiet", "--bin", "eigenscope"])
            .current_dir(self.path("workspace"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            // Of the workspace only: libraries keep the levels of `Cargo.toml`.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        for stage in STAGES {
            let program = format!("eigenscope-{stage}");
            if stages.contains(&stage) {
                cargo.args(["--bin", &program]);
            } else {
                fs::copy(built().join(&program), target.join(program)).expect("copied");
            }
        }
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{}", stderr(&output));
    }

    /// Calls the program that was built, and expects success.
    #[track_caller]
    pub(crate) fn call(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.path("target/release/eigenscope"));
        let command = self.sandbox.set_up(&mut command).args(arguments);
        let output = command.output().expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    }
}

/// The text of a page from a heading to the next one of two `#`.
pub(crate) fn section(page: &str, heading: &str) -> String {
    let page = fs::read_to_string(root().join(page)).expect("the page");
    let (_, steps) = page.split_once(heading).expect("the heading");
    steps.split("\n## ").next().expect("the steps").to_owned()
}

fn root() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).expect("the workspace")
}

/// Folder of the programs of this workspace.
fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_eigenscope"))
        .parent()
        .expect("a folder")
}

fn copy_all(from: &Path, to: &Path, link: fn(&Path, &Path) -> std::io::Result<()>) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("created");
        for entry in fs::read_dir(from).expect("readable") {
            let path = entry.expect("readable").path();
            copy_all(&path, &to.join(path.file_name().expect("a name")), link);
        }
    } else {
        link(from, to).expect("copied");
    }
}

/// A copy with the time of the original, which cargo compares.
fn copy_with_time(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    fs::File::options()
        .append(true)
        .open(to)?
        .set_modified(modified)
}

/// What cargo has compiled of other people's crates. Libraries are never changed in place, so names for the same files do; what
/// cargo notes about them is copied.
fn borrow_libraries(target: &Path) {
    let mut libraries = 0;
    for folder in ["deps", ".fingerprint", "build"] {
        fs::create_dir_all(target.join(folder)).expect("created");
        for entry in fs::read_dir(built().join(folder)).expect("built by cargo") {
            let path = entry.expect("readable").path();
            let name = super::name(&path);
            if name.contains("eigenscope") {
                continue;
            }
            let to = target.join(folder).join(&name);
            match folder {
                "deps" if name.starts_with("lib") => {
                    libraries += 1;
                    fs::hard_link(&path, &to)
                        .or_else(|_| copy_with_time(&path, &to))
                        .expect("linked");
                }
                "deps" => {}
                _ => copy_all(&path, &to, copy_with_time),
            }
        }
    }
    // Without them everything would be compiled, which takes a quarter of an hour.
    assert!(
        libraries > 100,
        "{libraries} libraries in {}",
        built().display()
    );
}
