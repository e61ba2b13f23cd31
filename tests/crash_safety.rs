//! Promise: killed at any moment, a run loses no finished work, leaves nothing behind and gives the same bytes as one that was
//! left alone. And two runs never work in one artifacts folder.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eigenscope_testing::{Answer, RunCounts, TestProject, file_name};

/// 13 tasks of a few milliseconds, in four steps that wait for each other.
const SHORT_TASKS: &str = r#"
[data.set]
kind = "make"
value = [1, 2, 3]
sleep_ms = 3

[train.fit]
kind = "fit"
data = "data.set"
sleep_ms = [2, 9]

[metric.collect]
models = "train.fit[sleep_ms=2]"
sleep_ms = 1

[metric.all]
kind = "collect"
models = "train.fit"

[figure.draw]
table = "metric.collect"

[figure.all]
kind = "draw"
table = "metric.all"
"#;

#[derive(Debug, Clone, Copy)]
enum Victim {
    Orchestrator,
    /// The orchestrator, then its children.
    All,
    /// The children, then the orchestrator.
    AllChildrenFirst,
    OneChild,
}

#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after the start.
    After(Duration),
    /// As soon as so many temporary names have appeared in the artifacts folder: a result, record, link or ledger is half written.
    Temporaries(usize),
    /// As soon as so many results have appeared: they are not linked and not in the ledger.
    Results(usize),
    /// As soon as so many tasks have started.
    Starts(usize),
}

/// Numbers that look random and are the same every time: SplitMix64 (Steele, Lea and Flood, 2014).
struct Numbers(u64);

impl Numbers {
    /// A number less than `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }

    fn victim(&mut self) -> Victim {
        match self.below(8) {
            0..4 => Victim::Orchestrator,
            4 => Victim::All,
            5 => Victim::AllChildrenFirst,
            _ => Victim::OneChild,
        }
    }

    fn moment(&mut self, usual: Duration) -> Moment {
        let few = |number: u64| usize::try_from(number).unwrap_or(0);
        match self.below(8) {
            0..3 => Moment::After(usual.mul_f64(self.below(1000) as f64 / 1000.0)),
            3..5 => Moment::Temporaries(few(1 + self.below(20))),
            5..7 => Moment::Results(few(1 + self.below(8))),
            _ => Moment::Starts(few(1 + self.below(8))),
        }
    }
}

/// A run that is waited for.
struct Watch<'a> {
    project: &'a TestProject,
    begun: Instant,
    /// Names in the artifacts folder before the run, and those seen since.
    before: BTreeSet<String>,
    since: BTreeSet<String>,
    started_before: usize,
}

impl<'a> Watch<'a> {
    fn new(project: &'a TestProject) -> Self {
        Self {
            project,
            begun: Instant::now(),
            before: names_in_artifacts(project).collect(),
            since: BTreeSet::new(),
            started_before: project.started().len(),
        }
    }

    /// How many such names have appeared.
    fn appeared(&mut self, counts: impl Fn(&str) -> bool) -> usize {
        let names = names_in_artifacts(self.project);
        let new = names.filter(|name| counts(name) && !self.before.contains(name));
        self.since.extend(new);
        self.since.len()
    }

    fn is_reached(&mut self, moment: Moment) -> bool {
        match moment {
            Moment::After(time) => self.begun.elapsed() >= time,
            Moment::Temporaries(count) => self.appeared(|name| name.starts_with(".tmp-")) >= count,
            Moment::Results(count) => self.appeared(|name| name.len() == 64) >= count,
            Moment::Starts(count) => self.project.started().len() >= self.started_before + count,
        }
    }

    /// Waits for the moment; false if the run ends before.
    fn wait(mut self, run: &mut Child, moment: Moment) -> bool {
        while !self.is_reached(moment) {
            if run.try_wait().expect("a child").is_some() {
                return false;
            }
            assert!(self.begun.elapsed() < LONGEST_RUN, "a run hangs");
            std::thread::sleep(Duration::from_micros(200));
        }
        true
    }
}

fn names_in_artifacts(project: &TestProject) -> impl Iterator<Item = String> + use<> {
    let artifacts = project.path("artifacts");
    let folders = ["", "store", "code", "ledger", "p", "p/figures"];
    let entries = folders.into_iter().flat_map(move |folder| {
        let entries = fs::read_dir(artifacts.join(folder));
        entries.into_iter().flatten().flatten()
    });
    entries.map(|entry| file_name(&entry.path()))
}

/// Longer than any run here takes on a busy machine.
const LONGEST_RUN: Duration = Duration::from_secs(600);

/// No process of a killed run is left after this time: a second, and some more where the machine is busy.
const ORPHANS_END: Duration = Duration::from_secs(5);

fn start(project: &TestProject) -> Child {
    let mut command = project.command(&["run", "p.toml", "--offline", "--jobs", "4"]);
    command.stderr(Stdio::null()).spawn().expect("it starts")
}

fn kill(processes: &[u32]) {
    let processes = processes.iter().map(ToString::to_string);
    // One of them may have ended: that is no error.
    let _ = Command::new("kill")
        .arg("-9")
        .args(processes)
        .stderr(Stdio::null())
        .status();
}

impl Victim {
    /// Kills and waits until the orchestrator has ended.
    fn fall(self, project: &TestProject, mut run: Child) {
        match self {
            Self::Orchestrator => run.kill().expect("killed"),
            Self::All => {
                run.kill().expect("killed");
                kill(&project.children());
            }
            Self::AllChildrenFirst => {
                kill(&project.children());
                run.kill().expect("killed");
            }
            Self::OneChild => kill(&project.children().into_iter().take(1).collect::<Vec<_>>()),
        }
        run.wait().expect("it ends");
    }
}

fn expect_no_orphans(project: &TestProject, killed: Instant, story: &str) {
    while !project.children().is_empty() {
        assert!(killed.elapsed() < ORPHANS_END, "an orphan lives: {story}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// All files of the store by their place: equal runs have equal ones.
fn store(project: &TestProject) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in fs::read_dir(project.path("artifacts/store")).expect("results") {
        let folder = folder.expect("readable").path();
        for file in fs::read_dir(&folder).expect("a folder") {
            let file = file.expect("readable").path();
            let place = format!("{}/{}", file_name(&folder), file_name(&file));
            files.insert(place, fs::read(&file).expect("readable"));
        }
    }
    files
}

/// Kills one run of `project`; whether it was still under way. No task in `finished` may start again.
fn kill_one_run(project: &TestProject, victim: Victim, moment: Moment, at_once: bool) -> bool {
    let story = format!("{victim:?} {moment:?}");
    let finished = project.finished();
    let started = project.started().len();
    let watch = Watch::new(project);
    let mut run = start(project);
    let under_way = watch.wait(&mut run, moment);
    victim.fall(project, run);
    let killed = Instant::now();
    if !at_once {
        expect_no_orphans(project, killed, &story);
    }
    for task in &project.started()[started..] {
        assert!(!finished.contains(task), "{task} ran again: {story}");
    }
    under_way
}

#[test]
fn two_hundred_kills_lose_nothing() {
    let undisturbed = TestProject::with_fake_stages(SHORT_TASKS);
    let begun = Instant::now();
    undisturbed.run();
    let usual = begun.elapsed();
    let expected = store(&undisturbed);
    let tasks = undisturbed.started().len();
    assert_eq!(tasks, undisturbed.finished().len());

    let mut numbers = Numbers(1);
    let mut kills = 0;
    while kills < 200 {
        let project = TestProject::with_fake_stages(SHORT_TASKS);
        // A few kills each time: every one leaves less to do for the next.
        for _ in 0..10 {
            let (victim, moment) = (numbers.victim(), numbers.moment(usual));
            // Sometimes the next run starts while children of the last one are still ending.
            let at_once = numbers.below(2) == 0;
            kills += usize::from(kill_one_run(&project, victim, moment, at_once));
        }
        let (finished, started) = (project.finished(), project.started().len());
        project.run();
        for task in &project.started()[started..] {
            assert!(!finished.contains(task), "{task} ran again");
        }
        assert!(store(&project) == expected, "other bytes");
        assert_eq!(project.temporaries(), Vec::<String>::new());
        assert_eq!(project.children(), Vec::<u32>::new());
    }
}

/// One task that does not end by itself in the time of a test.
const LONG_TASK: &str = "[data.set]\nkind = \"make\"\nsleep_ms = 600000\n";

/// A run of [`LONG_TASK`] whose task is running.
fn start_long(project: &TestProject) -> Child {
    let watch = Watch::new(project);
    let mut run = start(project);
    assert!(watch.wait(&mut run, Moment::Starts(1)), "it ended");
    run
}

#[test]
fn a_second_run_is_refused_with_the_process_of_the_first() {
    let project = TestProject::with_fake_stages(LONG_TASK);
    project.write("other.toml", SHORT_TASKS);
    let first = start_long(&project);
    let holder = format!("(process {})", first.id());
    for arguments in [
        &["run", "p.toml"][..],
        &["run", "other.toml", "figure.draw"],
        &["accept", "p.toml", "data.*"],
    ] {
        let refused = project.call(arguments).explains(&[
            "another run",
            &holder,
            "artifacts",
            "wait until it ends or stop it",
        ]);
        assert_ne!(refused.code, Some(0), "{arguments:?}");
    }
    for arguments in [
        &["status", "p.toml"][..],
        &["explain", "p.toml", "data.set"],
        &["run", "other.toml", "--dry-run"],
    ] {
        project.call(arguments).expect(0);
    }
    assert_eq!(project.started(), ["data.set"], "nothing else has run");
    Victim::Orchestrator.fall(&project, first);
    expect_no_orphans(&project, Instant::now(), "a killed run");
    // The file still names the killed process.
    project.call(&["run", "other.toml"]).expect(0);
    assert_eq!(project.temporaries(), Vec::<String>::new());
}

#[test]
fn a_lock_file_that_names_a_living_process_holds_nothing_by_itself() {
    let project = TestProject::with_fake_stages(SHORT_TASKS);
    fs::create_dir(project.path("artifacts")).expect("created");
    // The number of a killed run's process may belong to another one by now, such as this.
    for holder in [std::process::id().to_string(), "nonsense".to_owned()] {
        project.write("artifacts/.lock", holder);
        project.run();
    }
}

#[test]
fn of_runs_that_start_together_one_works_at_a_time() {
    let project = TestProject::with_fake_stages(SHORT_TASKS);
    let runs: Vec<Child> = (0..8)
        .map(|_| {
            let mut command = project.command(&["run", "p.toml", "--offline"]);
            command.stderr(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    let mut done = 0;
    for run in runs {
        let answer = Answer::from(run.wait_with_output().expect("it ends"));
        match answer.code {
            Some(0) => done += 1,
            _ => drop(answer.explains(&["another run"])),
        }
    }
    assert!(done > 0, "none has worked");
    let (mut started, tasks) = (project.started(), project.finished().len());
    started.sort();
    started.dedup();
    assert_eq!((started.len(), project.started().len()), (tasks, tasks));
    assert_eq!(project.run(), RunCounts::all_up_to_date(tasks));
}
