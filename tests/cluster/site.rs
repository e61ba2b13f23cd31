//! A project in a temporary folder, and a cluster on which its tasks run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eigenscope_testing::{Answer, Cluster, RunCounts, TestProject, file_names};

/// Longer than anything here takes.
pub(crate) const LONGEST: Duration = Duration::from_secs(120);

/// Each task a job of its own, and nothing waits longer than it has to.
pub(crate) const SETTINGS: &str = r#"
[executor]
default = "slurm"

[slurm]
time = 5
memory = 100
pack_minutes = 0
submit_interval_seconds = 0.1
visibility_seconds = 10
"#;

/// A project, and a cluster on which its tasks run.
pub(crate) struct Site {
    pub(crate) project: TestProject,
    pub(crate) cluster: Cluster,
}

impl Site {
    /// `None` where there is no Slurm.
    pub(crate) fn new(project: TestProject, settings: &str, options: &[&str]) -> Option<Self> {
        project.write("eigenscope.toml", settings);
        let cluster = Cluster::start(options)?;
        Some(Self { project, cluster })
    }

    /// With a data set and `models` models of it, each of which takes so long, on nodes that run eight tasks at once.
    pub(crate) fn with_models(models: usize, sleep_ms: u64) -> Option<Self> {
        let project = TestProject::with_fake_stages(&models_that_sleep(models, sleep_ms, ""));
        Self::new(project, SETTINGS, &["--cpus", "8"])
    }

    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let arguments = [&["run", "p.toml", "--offline"], options].concat();
        self.cluster
            .on_login_node(&self.project.command(&arguments))
    }

    #[track_caller]
    pub(crate) fn run(&self, options: &[&str]) -> Answer {
        Answer::of(&mut self.command(options))
    }

    /// Runs everything to its end: the counts, and what was said.
    #[track_caller]
    pub(crate) fn complete(&self, options: &[&str]) -> (RunCounts, String) {
        let answer = self.run(options).expect(0);
        (RunCounts::read(&answer.stderr), answer.stderr)
    }

    /// Starts a run, which writes what it says to the file `said`.
    pub(crate) fn start(&self, options: &[&str]) -> Child {
        let said = File::create(self.project.path("said")).expect("created");
        let mut command = self.command(options);
        command.stdout(Stdio::null()).stderr(said);
        command.spawn().expect("it starts")
    }

    /// Waits for the end of a started run: its exit code, and what it said.
    #[track_caller]
    pub(crate) fn end(&self, mut run: Child) -> (Option<i32>, String) {
        wait_for("the end of the run", || {
            run.try_wait().expect("a child").is_some()
        });
        let status = run.wait().expect("a child");
        (status.code(), self.project.read("said"))
    }

    #[track_caller]
    pub(crate) fn wait_for_starts(&self, count: usize) {
        wait_for("tasks that start", || self.project.started().len() >= count);
    }

    /// Asserts that all tasks have ended, that each ran once but for those `again`, and that no job is left.
    #[track_caller]
    pub(crate) fn assert_done(&self, tasks: usize, again: &BTreeSet<String>) {
        let mut starts: BTreeMap<String, usize> = BTreeMap::new();
        for task in self.project.started() {
            *starts.entry(task).or_default() += 1;
        }
        let more = starts.iter().filter(|(_, starts)| **starts > 1);
        let more: BTreeSet<String> = more.map(|(task, _)| task.clone()).collect();
        assert!(
            more.is_subset(again),
            "{more:?} ran again, not only {again:?}"
        );
        assert_eq!(starts.len(), tasks);
        assert_eq!(self.project.finished().len(), tasks);
        assert_eq!(self.project.temporaries(), Vec::<String>::new());
        let batches = file_names(&self.project.path("artifacts/.slurm"));
        assert_eq!(batches, Vec::<String>::new(), "submissions are forgotten");
        self.cluster.wait_until_empty(LONGEST);
        let idle = RunCounts::all_up_to_date(tasks);
        assert_eq!(self.complete(&[]).0, idle);
    }
}

pub(crate) fn models_that_sleep(models: usize, sleep_ms: u64, more: &str) -> String {
    let parts: Vec<String> = (0..models).map(|part| part.to_string()).collect();
    let parts = parts.join(", ");
    format!(
        "[data.set]\nkind = \"make\"\nvalue = 2\n\n[train.fit]\ndata = \"data.set\"\npart = [{parts}]\nsleep_ms = {sleep_ms}\n{more}\n\
         [metric.all]\nkind = \"collect\"\nmodels = \"train.fit\"\n\n[figure.all]\nkind = \"draw\"\ntable = \"metric.all\"\n"
    )
}

#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONGEST, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
