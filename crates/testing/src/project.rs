//! A project in a temporary folder, and the program `eigenscope` that works there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use eigenscope_stage::{Description, Stage};
use serde_json::Value;

use crate::paths::describe_by;
use crate::{Answer, TestFolder, describe, file_name, program};

/// How many tasks of a run ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    pub ran: usize,
    /// Taken from where results are shared.
    pub taken: usize,
    pub as_before: usize,
    pub up_to_date: usize,
    pub failed: usize,
    pub left: usize,
}

impl RunCounts {
    /// The counts of a run that had nothing to do.
    pub fn all_up_to_date(tasks: usize) -> Self {
        Self {
            up_to_date: tasks,
            ..Self::default()
        }
    }

    /// Reads the last summary in what `eigenscope run` writes to standard error: "tasks: 4 ran, 21 up to date; it took 1.2 s".
    #[track_caller]
    pub fn read(stderr: &str) -> Self {
        let summary = stderr.lines().rev().find_map(|line| {
            let line = line.strip_prefix("interrupted; ").unwrap_or(line);
            let counts = line.strip_prefix("tasks: ")?;
            Some(counts.split_once("; ").map_or(counts, |(counts, _)| counts))
        });
        let mut counts = Self::default();
        for part in summary.expect(stderr).split(", ") {
            let (count, what) = part.split_once(' ').expect(stderr);
            let place = match what {
                "ran" => &mut counts.ran,
                "taken" => &mut counts.taken,
                "came out as before" => &mut counts.as_before,
                "up to date" => &mut counts.up_to_date,
                "failed" => &mut counts.failed,
                "left to do" => &mut counts.left,
                _ => panic!("unknown count `{part}` in {stderr}"),
            };
            *place = count.parse().expect(stderr);
        }
        counts
    }
}

/// Bytes of artifacts by their readable names.
pub type Artifacts = BTreeMap<String, Vec<u8>>;

/// Asserts that two runs wrote the same files.
#[track_caller]
pub fn assert_same_artifacts(one: &Artifacts, other: &Artifacts, how: &str) {
    assert!(one.keys().eq(other.keys()), "{how}: other files");
    for (name, bytes) in one {
        assert!(bytes == &other[name], "{how}: {name} differs");
    }
}

/// A pipeline file `p.toml` in a folder of its own, and the program that works there.
#[derive(Debug)]
pub struct TestProject {
    folder: TestFolder,
    program: PathBuf,
}

impl TestProject {
    /// With the real stage programs.
    #[track_caller]
    pub fn new(pipeline: &str) -> Self {
        let project = Self {
            folder: TestFolder::new(),
            program: program("eigenscope"),
        };
        project.write("p.toml", pipeline);
        project
    }

    /// With the fake stage in place of the real ones. It notes in `data/runs.log` which task it starts.
    #[cfg(unix)]
    #[track_caller]
    pub fn with_fake_stages(pipeline: &str) -> Self {
        let project = Self::new(pipeline);
        let programs = project.path("programs");
        fake_stages(&programs);
        // It asks the system for its own path, which of a link would be where the link leads.
        let program = programs.join("eigenscope");
        let copied = Command::new("cp")
            .args([&project.program, &program])
            .status();
        assert!(copied.expect("cp runs").success());
        project.write("data/runs.log", "");
        project.with_program(program)
    }

    /// Tasks that the fake stage has started, in order.
    pub fn started(&self) -> Vec<String> {
        let text = self.read("data/runs.log");
        text.lines().map(str::to_owned).collect()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// The same project, with another build of the program `eigenscope`, beside which it looks for the stage programs.
    pub fn with_program(self, program: PathBuf) -> Self {
        Self { program, ..self }
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes a file, with the folders that it is in.
    #[track_caller]
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, content).expect("written");
    }

    /// Replaces a piece of the pipeline file.
    #[track_caller]
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read("p.toml");
        assert!(text.contains(from), "there is no `{from}`");
        self.write("p.toml", text.replacen(from, to, 1));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        self.set_up(&mut command).args(arguments);
        command
    }

    /// Lets a command work in this folder, without settings from outside.
    pub fn set_up<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .current_dir(self.path(""))
            .env_remove("EIGENSCOPE_ARTIFACTS")
            .env_remove("EIGENSCOPE_DATA_DIR")
            .env_remove("EIGENSCOPE_DEVICE")
            .env_remove("EIGENSCOPE_CUDA_LIBRARIES")
            // Not the settings of whoever runs the tests, nor what their login shells do first.
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("config"))
    }

    #[track_caller]
    pub fn call(&self, arguments: &[&str]) -> Answer {
        Answer::of(&mut self.command(arguments))
    }

    /// Runs a script in this folder; the program is `$0`.
    #[track_caller]
    pub fn shell(&self, script: &str) -> Answer {
        let mut shell = Command::new("sh");
        self.set_up(&mut shell).args(["-c", script]);
        Answer::of(shell.arg(&self.program))
    }

    /// What a command prints with `--json`; it must succeed.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let answer = self.call(&[arguments, &["--json"]].concat());
        answer.expect(0).json()
    }

    /// Runs the whole pipeline and expects success.
    #[track_caller]
    pub fn run(&self) -> RunCounts {
        let answer = self.call(&["run", "p.toml", "--offline"]).expect(0);
        RunCounts::read(&answer.stderr)
    }

    /// Runs the whole pipeline with options and variables of the environment, and expects success.
    #[track_caller]
    pub fn run_with(&self, options: &[&str], environment: &[(&str, &str)]) {
        let mut command = self.command(&["run", "p.toml", "--offline"]);
        let command = command.args(options).envs(environment.iter().copied());
        Answer::of(command).expect(0);
    }

    /// Runs the whole pipeline with other numbers of jobs and threads and in other orders, and asserts the same bytes.
    #[track_caller]
    pub fn assert_reproduces(&self, expected: &Artifacts) {
        for (jobs, threads, order) in [("2", "4", "1"), ("4", "2", "2"), ("4", "1", "3")] {
            let folder = format!("artifacts-{order}");
            let options = ["--jobs", jobs, "--shuffle", order, "--artifacts", &folder];
            self.run_with(&options, &[("RAYON_NUM_THREADS", threads)]);
            let how = format!("{jobs} jobs, {threads} threads, order {order}");
            assert_same_artifacts(expected, &self.artifacts(&folder), &how);
        }
    }

    /// What the program of a stage says it can do, of the build that works here.
    #[track_caller]
    pub fn describe(&self, stage: Stage) -> Description {
        describe_by(&self.program.with_file_name(stage.program()))
    }

    /// Asserts that the program of a stage has the kind `name` besides those of this workspace, and that these are
    /// described as they were and computed by the same code.
    #[track_caller]
    pub fn assert_adds(&self, stage: Stage, name: &str) {
        let (known, mut found) = (describe(stage), self.describe(stage));
        let place = found.kinds.iter().position(|kind| kind.name == name);
        found.kinds.remove(place.expect("the new kind"));
        assert_eq!(found.kinds, known.kinds);
        found.code.remove(name).expect("its code");
        assert!(found.code.keys().eq(known.code.keys()));
        for (kind, code) in &known.code {
            let parts = &found.code[kind].parts;
            let of_both = parts.keys().chain(code.parts.keys());
            let changed = of_both.filter(|part| parts.get(*part) != code.parts.get(*part));
            let changed: BTreeSet<&String> = changed.collect();
            assert!(changed.is_empty(), "`{kind}` is other code: {changed:?}");
        }
    }

    /// Every artifact by its readable name, without what a run measures about itself.
    pub fn artifacts(&self, folder: &str) -> Artifacts {
        let mut files = BTreeMap::new();
        for task in fs::read_dir(self.path(folder).join("p")).expect("results") {
            let task = task.expect("readable").path();
            if task.ends_with("logs") || task.ends_with(".run.json") {
                continue;
            }
            for file in fs::read_dir(&task).expect("a folder") {
                let file = file.expect("readable").path();
                let name = format!("{}/{}", file_name(&task), file_name(&file));
                files.insert(name, fs::read(&file).expect("readable"));
            }
        }
        files
    }

    /// Temporary files and folders anywhere in the artifacts.
    pub fn temporaries(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.path("artifacts")];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("readable").path();
                if file_name(&path).starts_with(".tmp-") {
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
    pub fn finished(&self) -> BTreeSet<String> {
        let results = fs::read_dir(self.path("artifacts/store"));
        let results = results.into_iter().flatten();
        let folders = results.map(|entry| entry.expect("readable").path());
        folders
            .filter(|folder| !file_name(folder).starts_with(".tmp-"))
            .map(|folder| {
                let record = fs::read(folder.join("task.json")).expect("a complete folder");
                let record: Value = serde_json::from_slice(&record).expect("JSON");
                record["task"].as_str().expect("a text").to_owned()
            })
            .collect()
    }

    /// Processes that work here: the orchestrator's own arguments name no path in the folder, those of its children do.
    pub fn children(&self) -> Vec<u32> {
        let folder = self.path("artifacts/");
        let folder = folder.as_os_str().as_encoded_bytes();
        let works_here = |pid: &u32| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.windows(folder.len()).any(|part| part == folder)
        };
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| file_name(&entry.path()).parse().ok())
            .filter(works_here)
            .collect()
    }

    /// Runs `script` in this folder with mount name spaces of its own, so that it can mount file systems; the program is `$0`.
    /// `None` where the system does not allow that, which the script tells by its exit code 77.
    pub fn with_mounts(&self, script: &str) -> Option<Answer> {
        for isolate in [&["unshare", "-m"][..], &["unshare", "-Urm"]] {
            let mut command = Command::new(isolate[0]);
            self.set_up(&mut command)
                .args(&isolate[1..])
                .args(["sh", "-c", script])
                .arg(&self.program);
            let Ok(output) = command.output() else {
                continue;
            };
            let answer = Answer::from(output);
            if !matches!(answer.code, Some(77 | 126 | 127)) && !answer.stderr.starts_with("unshare")
            {
                return Some(answer);
            }
        }
        eprintln!("skipped: a file system cannot be mounted here");
        None
    }
}

/// Stops a program as Ctrl-C in a terminal does.
#[track_caller]
pub fn interrupt(program: &Child) {
    let mut kill = Command::new("kill");
    Answer::of(kill.args(["-INT", &program.id().to_string()])).expect(0);
}

/// Makes a folder with the fake stage under the names of all stage programs.
#[cfg(unix)]
#[track_caller]
pub fn fake_stages(folder: &Path) {
    let fake = program("examples/fake_stage");
    fs::create_dir(folder).expect("created");
    for stage in Stage::ALL {
        std::os::unix::fs::symlink(&fake, folder.join(stage.program())).expect("linked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_summary_counts() {
        let text = "tasks: 9 ran\ntasks: 4 ran, 2 came out as before, 21 up to date; it took 1.2 s\nfigures are in p\n";
        let expected = RunCounts {
            ran: 4,
            as_before: 2,
            up_to_date: 21,
            ..RunCounts::default()
        };
        assert_eq!(RunCounts::read(text), expected);
        let text = "interrupted; tasks: 1 failed, 2 left to do";
        assert_eq!(RunCounts::read(text).left, 2);
    }
}
