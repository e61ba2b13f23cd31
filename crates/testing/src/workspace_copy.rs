//! A copy of this workspace to change, build and run.
//!
//! Only what the changes make other code is compiled, without optimisation: libraries are taken from this workspace's target
//! folder, which is not written to, and so are the programs that are said to be untouched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_stage::Stage;

use crate::{Answer, TestProject, file_name, programs, workspace};

/// A copy of this workspace beside a pipeline file.
#[derive(Debug)]
pub struct WorkspaceCopy {
    project: TestProject,
}

impl WorkspaceCopy {
    /// An unchanged copy.
    #[track_caller]
    pub fn new(pipeline: &str) -> Self {
        let project = TestProject::new(pipeline);
        let copy = project.path("workspace");
        fs::create_dir_all(&copy).expect("created");
        for part in ["Cargo.toml", "Cargo.lock", "crates", "tests"] {
            copy_all(&workspace(part), &copy.join(part), |from, to| {
                fs::copy(from, to).map(drop)
            });
        }
        Self { project }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.project.path(name)
    }

    fn source(&self, file: &str) -> PathBuf {
        self.path("workspace/crates").join(file)
    }

    /// Adds a source file.
    pub fn add(&self, file: &str, text: &str) {
        let path = self.source(file);
        assert!(!path.exists(), "{file} is there");
        fs::write(path, text).expect("written");
    }

    /// Adds `text` to the end of a source file.
    pub fn append(&self, file: &str, text: &str) {
        let path = self.source(file);
        let before = fs::read_to_string(&path).expect("readable");
        fs::write(path, before + text).expect("written");
    }

    /// Replaces a piece of a source file, which must be there.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.source(file);
        let text = fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(path, text.replacen(from, to, 1)).expect("written");
    }

    /// Runs the integration tests of this name.
    #[track_caller]
    pub fn test(&self, name: &str) {
        Answer::of(self.cargo("test").args(["--test", name])).expect(0);
    }

    /// A command of cargo on the copy.
    fn cargo(&self, command: &str) -> Command {
        let target = self.path("target");
        if !target.exists() {
            borrow_libraries(&target.join("release"));
        }
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([command, "--release", "--workspace", "--locked"])
            .args(["--offline", "--quiet"])
            .current_dir(self.path("workspace"))
            .env("CARGO_TARGET_DIR", target)
            // Of the workspace only: libraries keep the levels of `Cargo.toml`.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        cargo
    }

    /// Builds the orchestrator, which checks all tables, and the programs of these stages; the others are taken from this
    /// workspace. The project is then one of the programs built.
    #[track_caller]
    pub fn build(self, stages: &[Stage]) -> TestProject {
        let target = self.path("target/release");
        let mut cargo = self.cargo("build");
        cargo.args(["--bin", "eigenscope"]);
        for stage in Stage::ALL {
            let program = stage.program();
            if stages.contains(&stage) {
                cargo.args(["--bin", program]);
            } else {
                fs::copy(programs().join(program), target.join(program)).expect("copied");
            }
        }
        Answer::of(&mut cargo).expect(0);
        self.project.with_program(target.join("eigenscope"))
    }
}

/// The text of a page from a heading to the next one of two `#`.
#[track_caller]
pub fn section_of(page: &str, heading: &str) -> String {
    let page = fs::read_to_string(workspace(page)).expect("the page");
    let (_, steps) = page.split_once(heading).expect("the heading");
    steps.split("\n## ").next().expect("the steps").to_owned()
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
        for entry in fs::read_dir(programs().join(folder)).expect("built by cargo") {
            let path = entry.expect("readable").path();
            let name = file_name(&path);
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
        programs().display()
    );
}
