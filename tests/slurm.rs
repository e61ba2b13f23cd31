//! Runs with Slurm, whose programs are a script here: what is submitted, adopted, cancelled and said. The real one is in
//! `cluster.rs`.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eigenscope_testing::{Answer, RunCounts, TestProject, emulated_cuda, interrupt, workspace};
use serde_json::Value;

/// A data set, four models of it, a table of these and a figure.
const PIPELINE: &str = "\
    [data.a]\nkind = 'make'\n\
    [train.m]\nkind = 'fit'\ndata = 'data.a'\nvalue = [1.0, 2.0, 3.0, 4.0]\n\
    [metric.table]\nkind = 'collect'\nmodels = 'train.m'\n\
    [figure.f]\nkind = 'draw'\ntable = 'metric.table'\n";

/// Settings that make tests short.
const QUICK: &str =
    "[executor]\ndefault = 'slurm'\n[slurm]\nvisibility_seconds = 1\nsubmit_interval_seconds = 0\n";

/// A project whose runs go to the script.
struct Cluster {
    project: TestProject,
}

impl Cluster {
    fn new(pipeline: &str, settings: &str) -> Self {
        Self::of(TestProject::with_fake_stages(pipeline), settings)
    }

    fn of(project: TestProject, settings: &str) -> Self {
        project.write("eigenscope.toml", settings);
        project.write("slurm/calls", "");
        fs::create_dir(project.path("bin")).expect("created");
        for name in ["sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct"] {
            symlink(
                workspace("tests/slurm/fake.sh"),
                project.path("bin").join(name),
            )
            .expect("linked");
        }
        Self { project }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        let path = std::env::var("PATH").unwrap_or_default();
        let folder = self.project.path("bin");
        command
            .env("PATH", format!("{}:{path}", folder.display()))
            .env("FAKE_SLURM", self.project.path("slurm"));
        command
    }

    fn call(&self, arguments: &[&str]) -> Answer {
        Answer::of(&mut self.command(arguments))
    }

    fn run(&self, options: &[&str]) -> Answer {
        self.call(&[&["run", "p.toml", "--offline"], options].concat())
    }

    fn start(&self, options: &[&str]) -> Child {
        let mut command = self.command(&[&["run", "p.toml", "--offline"], options].concat());
        command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started")
    }

    /// How often a program of Slurm was called.
    fn calls(&self, program: &str) -> usize {
        let calls = self.project.read("slurm/calls");
        let calls = calls.lines();
        calls.filter(|line| line.starts_with(program)).count()
    }

    /// Waits until so many tasks have started.
    #[track_caller]
    fn await_started(&self, count: usize) {
        wait_for(|| self.project.started().len() >= count, "nothing starts");
    }

    /// Nothing of what was submitted is left in the folder of results.
    fn assert_tidy(&self) {
        let names = |folder: &str| -> Vec<String> {
            let entries = fs::read_dir(self.project.path(folder))
                .into_iter()
                .flatten();
            let names = entries.map(|entry| entry.expect("listed").file_name());
            names
                .map(|name| name.to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(names("artifacts/.slurm"), [""; 0]);
        let store = names("artifacts/store");
        assert!(store.iter().all(|name| !name.starts_with('.')), "{store:?}");
    }
}

#[track_caller]
fn wait_for(is_so: impl Fn() -> bool, in_vain: &str) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{in_vain}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asserts that `words` occur in a text as they are.
#[track_caller]
fn assert_says(text: &str, words: &str) {
    assert!(text.contains(words), "{text}");
}

#[test]
fn tasks_run_as_elements_of_arrays_and_results_are_those_of_this_machine() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    let answer = cluster.run(&[]).expect(0);
    assert_eq!(RunCounts::read(&answer.stderr).ran, 7, "{}", answer.stderr);
    assert_eq!(cluster.calls("sbatch"), 4, "one a level");
    assert_says(&answer.stderr, "slurm: job 102: 4 tasks (1 thread, ");
    cluster.assert_tidy();
    let there = cluster.project.artifacts("artifacts");
    let local = ["--executor", "local", "--artifacts", "here"];
    cluster.run(&local).expect(0);
    assert_eq!(there, cluster.project.artifacts("here"));
    assert_eq!(cluster.calls("sbatch"), 4);
}

#[test]
fn what_stays_here_is_not_submitted() {
    let settings = format!("{QUICK}local = ['data.*', 'figure.draw', 'metric.table']\n");
    let cluster = Cluster::new(PIPELINE, &settings);
    let answer = cluster.run(&[]).expect(0);
    assert_eq!(RunCounts::read(&answer.stderr).ran, 7);
    assert_eq!(cluster.calls("sbatch"), 1, "the models");
}

#[test]
fn tasks_on_a_graphics_card_ask_for_one_and_find_it_on_their_node() {
    let Some(libraries) = emulated_cuda() else {
        return;
    };
    let pipeline = "[data.digits]\n[train.bilinear]\ndata = 'data.digits'\nhidden = 4\nepochs = 1\nbatch = 256\ndevice = 'cuda'\n";
    let settings = format!("{QUICK}local = ['data.*']\npartition = 'main'\n");
    let run = |more: &str, libraries: &str| {
        let cluster = Cluster::of(TestProject::new(pipeline), &format!("{settings}{more}"));
        let mut command = cluster.command(&["run", "p.toml", "--offline"]);
        command.env("EIGENSCOPE_CUDA_LIBRARIES", libraries);
        (
            Answer::of(&mut command),
            cluster.project.read("slurm/calls"),
        )
    };
    let here = libraries.display().to_string();
    let (answer, calls) = run("", &here);
    assert_eq!(RunCounts::read(&answer.expect(0).stderr).ran, 2);
    assert_says(&calls, "--gres=gpu:1 --partition=main");
    let (answer, calls) = run("gres = 'gpu:a100:2'\ngpu_partition = 'cards'\n", &here);
    assert_says(&answer.expect(0).stderr, "a graphics card, ");
    assert_says(&calls, "--gres=gpu:a100:2 --partition=cards");
    // The machine of the run needs no card; a node without one says so.
    let (answer, _) = run("", "/nowhere/cuda");
    assert_says(
        &answer.expect(1).stderr,
        "this node has no graphics card: the CUDA driver was not found",
    );
}

#[test]
fn a_failed_task_is_told_as_on_this_machine() {
    let pipeline = PIPELINE.replace("value = [1.0", "behaviour = 'fail'\nvalue = [1.0");
    let cluster = Cluster::new(&pipeline, QUICK);
    let answer = cluster.run(&["--keep-going"]).expect(1);
    assert_says(
        &answer.stderr,
        "train.m[value=1] failed: told to fail: the cause",
    );
    assert_says(&answer.stderr, "line 29");
    assert_eq!(RunCounts::read(&answer.stderr).failed, 4);
    assert_eq!(cluster.calls("sbatch"), 2, "it is not tried again");
    cluster.assert_tidy();
}

#[test]
fn a_lost_node_is_named_and_the_task_tried_again() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    cluster.project.write("slurm/lose", "NODE_FAIL|NodeDown");
    let answer = cluster.run(&[]).expect(0);
    assert_says(
        &answer.stderr,
        "data.a: job 101_0 was ended by Slurm (NODE_FAIL, NodeDown)",
    );
    assert_eq!(RunCounts::read(&answer.stderr).ran, 7);
    assert_eq!(cluster.project.started().len(), 7, "nothing twice");
    cluster.assert_tidy();
}

#[test]
fn too_little_time_is_doubled_up_to_what_there_is() {
    let cluster = Cluster::new(PIPELINE, &format!("{QUICK}time = 40\n"));
    cluster.project.write("slurm/lose", "TIMEOUT|TimeLimit");
    let answer = cluster.run(&[]).expect(0);
    assert_says(
        &answer.stderr,
        "reached its limit of 40 min (TIMEOUT, TimeLimit); trying again with 1 thread",
    );
    let calls = cluster.project.read("slurm/calls");
    assert!(
        calls.contains("--time=60 "),
        "the partition gives an hour: {calls}"
    );
}

#[test]
fn without_retries_the_words_of_slurm_are_the_failure() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    cluster
        .project
        .write("slurm/lose", "OUT_OF_MEMORY|OutOfMemory");
    let answer = cluster.run(&["--retries", "0"]).expect(1);
    assert_says(
        &answer.stderr,
        "data.a failed: job 101_0 needs more than its",
    );
    assert_says(&answer.stderr, "logs/data.a.log");
    cluster.assert_tidy();
}

#[test]
fn a_cancelled_job_is_not_tried_again() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    cluster
        .project
        .write("slurm/lose", "CANCELLED by 1000|None");
    let answer = cluster.run(&["--retries", "3"]).expect(1);
    assert_says(&answer.stderr, "job 101_0 was cancelled (CANCELLED)");
    assert_eq!(cluster.calls("sbatch"), 1);
}

#[test]
fn what_slurm_refuses_ends_the_run_with_its_words() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    cluster.project.write(
        "slurm/refuse",
        "sbatch: error: invalid partition specified: x\n",
    );
    let words = "`sbatch` failed: invalid partition specified: x";
    let hook = "cat > told.json";
    let answer = cluster.run(&["--notify", hook]).expect(2);
    assert_says(&answer.stderr, words);
    assert_says(&answer.stderr, "tasks: 7 left to do");
    let told: Value = serde_json::from_str(&cluster.project.read("told.json")).expect("JSON");
    assert_eq!(
        (&told["outcome"], &told["left"]),
        (&"failed".into(), &7.into())
    );
    assert_says(told["summary"].as_str().expect("a text"), words);
    let watched = cluster.call(&["watch", "p"]).expect(1);
    assert_says(&watched.stdout, "0 of 7 tasks done, 7 left; ended: failed");
    assert_says(&watched.stdout, words);
    cluster.assert_tidy();
}

#[test]
fn a_controller_that_does_not_answer_is_waited_for() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    cluster.project.write("slurm/busy", "");
    let answer = cluster.run(&[]).expect(0);
    assert_says(&answer.stderr, "waiting until it answers");
    assert_eq!(RunCounts::read(&answer.stderr).ran, 7);
}

#[test]
fn jobs_of_a_killed_run_are_adopted() {
    let pipeline = PIPELINE.replace("value = [1.0", "sleep_ms = 6000\nvalue = [1.0");
    let cluster = Cluster::new(&pipeline, QUICK);
    let mut run = cluster.start(&[]);
    cluster.await_started(5);
    run.kill().expect("killed");
    run.wait().expect("ended");
    let answer = cluster.run(&[]).expect(0);
    assert_says(&answer.stderr, "slurm: 4 tasks adopted");
    assert_eq!(RunCounts::read(&answer.stderr).ran, 6);
    assert_eq!(cluster.project.started().len(), 7, "nothing twice");
    cluster.assert_tidy();
}

#[test]
fn a_run_that_is_left_is_shown_and_goes_on_later() {
    let pipeline = PIPELINE.replace("value = [1.0", "sleep_ms = 10000\nvalue = [1.0");
    let cluster = Cluster::new(&pipeline, &format!("{QUICK}local = ['data.*']\n"));
    let hook = "echo $EIGENSCOPE_OUTCOME > told";
    let answer = cluster.run(&["--detach", "--notify", hook]).expect(0);
    assert_says(
        &answer.stderr,
        "4 tasks are queued or running with Slurm and 2 wait for them",
    );
    // What was left to Slurm is no failure for whoever is told or watches, either.
    assert_eq!(cluster.project.read("told"), "ok\n");
    let watched = cluster.call(&["watch", "p"]).expect(0).stdout;
    assert_says(&watched, "ended: ok");
    let status = cluster.call(&["status", "p.toml"]).expect(0);
    assert_says(&status.stdout, "job 101_0");
    assert_says(
        &status.stdout,
        "1 of 7 tasks are up to date; with Slurm: 4 running",
    );
    let local = cluster.run(&["--executor", "local", "data.a"]).expect(0);
    assert_eq!(
        RunCounts::read(&local.stderr).up_to_date,
        1,
        "and nothing of it is removed"
    );
    let answer = cluster.run(&[]).expect(0);
    assert_eq!(RunCounts::read(&answer.stderr).ran, 6, "{}", answer.stderr);
    assert_eq!(cluster.project.started().len(), 7);
    cluster.assert_tidy();
}

#[test]
fn status_knows_what_has_become_of_jobs_that_were_left() {
    let pipeline = PIPELINE.replace(
        "value = [1.0",
        "sleep_ms = 1500\nbehaviour = ['good', 'fail']\nvalue = [1.0",
    );
    let cluster = Cluster::new(&pipeline, &format!("{QUICK}local = ['data.*']\n"));
    cluster.run(&["--detach"]).expect(0);
    let states = || -> Vec<String> {
        let status = cluster.call(&["status", "p.toml", "--json"]).expect(0);
        let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
        let tasks = status["tasks"].as_array().expect("tasks").iter();
        let states = tasks.filter_map(|task| task["job"]["state"].as_str());
        states.map(str::to_owned).collect()
    };
    wait_for(|| !states().contains(&"running".to_owned()), "jobs go on");
    let states = states();
    let count = |state: &str| states.iter().filter(|found| *found == state).count();
    assert_eq!((count("ended"), count("failed")), (4, 4), "{states:?}");
    let status = cluster.call(&["status", "p.toml"]).expect(0).stdout;
    assert_says(&status, "with Slurm: 4 ended, 4 failed");
    assert_says(&status, "told to fail: the cause");
    assert_says(
        &status,
        "`eigenscope run p.toml` takes the results of jobs that have ended",
    );
    // A job that is gone without a word.
    cluster.project.edit("value = [1.0", "value = [7.0, 1.0");
    cluster.project.write("slurm/lose", "NODE_FAIL|NodeDown");
    cluster.run(&["--detach", "train.m[value=7.0]"]).expect(0);
    let status = cluster.call(&["status", "p.toml"]).expect(0).stdout;
    assert_says(&status, "gone");
    assert_says(&status, "(NODE_FAIL, NodeDown)");
}

#[test]
fn a_run_with_slurm_is_watched_like_one_here() {
    let pipeline = PIPELINE.replace("value = [1.0", "sleep_ms = 4000\nvalue = [1.0");
    let cluster = Cluster::new(&pipeline, &format!("{QUICK}pack_minutes = 0\n"));
    cluster.project.write("slurm/hold", "");
    let run = cluster.start(&[]);
    let state = || -> serde_json::Value {
        let path = cluster.project.path("artifacts/p/.run.json");
        let text = fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    };
    wait_for(|| state()["counts"]["queued"] == 1, "nothing is queued");
    let queued = state();
    assert_eq!(queued["counts"]["waiting"], 6);
    assert_eq!(queued["counts"]["running"], 0);
    let left = |state: &serde_json::Value| state["seconds_left"].as_f64().expect("a number");
    let before = left(&queued);
    assert!(before > 0.0);
    std::thread::sleep(Duration::from_millis(2500));
    let after = left(&state());
    assert!(
        after >= before,
        "what waits comes no nearer: {before} {after}"
    );
    interrupt(&run);
    run.wait_with_output().expect("ended");

    fs::remove_file(cluster.project.path("slurm/hold")).expect("removed");
    let run = cluster.start(&[]);
    wait_for(|| state()["counts"]["running"] == 4, "nothing runs");
    let running = state();
    assert_eq!(running["counts"]["done"], 1);
    assert_eq!(
        (&running["counts"]["queued"], &running["counts"]["waiting"]),
        (&0.into(), &2.into())
    );
    let tasks = running["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), 4);
    assert_eq!(tasks[0]["task"], "train.m[value=1]");
    assert!(tasks[0]["since"].as_f64().expect("a time") > 0.0);
    let output = run.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(state()["counts"]["done"], 7);
}

#[test]
fn a_job_that_somebody_cancels_does_not_end_the_others() {
    let pipeline = PIPELINE.replace("value = [1.0", "sleep_ms = 3000\nvalue = [1.0");
    let cluster = Cluster::new(&pipeline, &format!("{QUICK}pack_minutes = 0\n"));
    let run = cluster.start(&[]);
    cluster.await_started(5);
    let mut cancel = Command::new(cluster.project.path("bin/scancel"));
    let cancel = cancel
        .arg("102_1")
        .env("FAKE_SLURM", cluster.project.path("slurm"));
    assert!(cancel.status().expect("started").success());
    let output = run.wait_with_output().expect("ended");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let counts = RunCounts::read(&stderr);
    assert_eq!(
        (counts.ran, counts.failed, counts.left),
        (4, 1, 2),
        "{stderr}"
    );
    assert_says(&stderr, "train.m[value=2] failed: job 102_1 was cancelled");
    cluster.assert_tidy();
    let answer = cluster.run(&[]).expect(0);
    assert_eq!(RunCounts::read(&answer.stderr).ran, 3, "{}", answer.stderr);
}

#[test]
fn what_fails_ends_the_others_and_that_is_said() {
    let pipeline = PIPELINE.replace(
        "value = [1.0",
        "sleep_ms = 20000\nbehaviour = 'good'\nvalue = [1.0",
    );
    let bad = "[train.bad]\nkind = 'fit'\ndata = 'data.a'\nbehaviour = 'fail'\n";
    let cluster = Cluster::new(&format!("{pipeline}{bad}"), QUICK);
    let answer = cluster.run(&[]).expect(1);
    assert_says(&answer.stderr, "train.bad failed: told to fail");
    assert_says(
        &answer.stderr,
        "slurm: the run ends, and cancels the jobs of",
    );
}

#[test]
fn a_setup_that_fails_ends_the_run_with_what_it_said() {
    for (setting, said) in [
        (
            "modules = ['no-such-module']",
            ["module load 'no-such-module' failed", "not found"],
        ),
        (
            "setup = ['true', 'echo not on this node >&2; false']",
            ["line 2 of `setup` failed", "not on this node"],
        ),
        (
            "setup = ['exit 3']",
            ["line 1 of `setup` failed", "jobs of Slurm cannot begin"],
        ),
        (
            "setup = ['export A_TOKEN=hunter2 && false']",
            ["line 1 of `setup` failed", "jobs of Slurm cannot begin"],
        ),
        (
            "setup = ['export A_TOKEN=hunter2 )']",
            ["line 1 of `setup` failed", "syntax error"],
        ),
    ] {
        let settings = format!("{QUICK}pack_minutes = 0\nlocal = ['data.*']\n{setting}\n");
        let cluster = Cluster::new(PIPELINE, &settings);
        let answer = cluster.run(&["--keep-going"]).expect(2);
        for words in said {
            assert_says(&answer.stderr, words);
        }
        let state = cluster.project.read("artifacts/p/.run.json");
        for told in [&answer.stderr, &state] {
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert_eq!(cluster.calls("sbatch"), 1, "{}", answer.stderr);
        cluster.assert_tidy();
        // What was mended is not held against the next run.
        cluster.project.write(
            "eigenscope.toml",
            format!("{QUICK}setup = ['false || true']\n"),
        );
        let answer = cluster.run(&[]).expect(0);
        assert_eq!(RunCounts::read(&answer.stderr).ran, 6, "{}", answer.stderr);
    }
}

#[test]
fn a_setup_that_failed_while_nobody_looked_is_told_and_not_adopted() {
    let settings = format!("{QUICK}local = ['data.*']\nsetup = ['sleep 1; false']\n");
    let cluster = Cluster::new(PIPELINE, &settings);
    cluster.run(&["--detach"]).expect(0);
    let status = || cluster.call(&["status", "p.toml"]).expect(0).stdout;
    wait_for(
        || status().contains("line 1 of `setup` failed"),
        "nothing is said",
    );
    cluster.project.write("eigenscope.toml", QUICK);
    let answer = cluster.run(&[]).expect(0);
    assert_eq!(RunCounts::read(&answer.stderr).ran, 6, "{}", answer.stderr);
    cluster.assert_tidy();
}

#[test]
fn a_run_with_nothing_to_do_asks_nothing() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    cluster.run(&[]).expect(0);
    let calls = cluster.project.read("slurm/calls");
    for name in ["scontrol", "sinfo", "squeue", "sbatch"] {
        fs::remove_file(cluster.project.path("bin").join(name)).expect("removed");
    }
    let answer = cluster.run(&[]).expect(0);
    assert_eq!(
        RunCounts::read(&answer.stderr),
        RunCounts::all_up_to_date(7)
    );
    cluster.run(&["--dry-run"]).expect(0);
    assert_eq!(cluster.project.read("slurm/calls"), calls);
}

#[test]
fn patterns_that_mean_nothing_are_named() {
    let settings = format!(
        "{QUICK}local = ['figur.*', 'metric.table', 'train.*']\n[slurm.tasks.'trian.*']\ntime = 1\n\
         [slurm.tasks.'train.n']\ntime = 1\n[slurm.tasks.'train.fit']\ntime = 1\n[slurm.tasks.'train.m[value=9.0]']\ntime = 1\n"
    );
    let cluster = Cluster::new(PIPELINE, &settings);
    let answer = cluster.run(&["--dry-run"]).expect(0);
    for (line, pattern, meant) in [
        (6, "figur.*", "figure.*"),
        (7, "trian.*", "train.*"),
        (9, "train.n", "train.m"),
        (13, "train.m[value=9.0]", "train.m[value="),
    ] {
        let words = format!(
            "eigenscope.toml:{line}: `{pattern}` means no task of p and no kind of task; did you mean `{meant}"
        );
        assert_says(&answer.stderr, &words);
    }
    assert_eq!(
        answer.stderr.matches("means no task").count(),
        4,
        "{}",
        answer.stderr
    );
}

#[test]
fn ctrl_c_cancels_what_is_ours() {
    let pipeline = PIPELINE.replace("value = [1.0", "sleep_ms = 60000\nvalue = [1.0");
    let cluster = Cluster::new(&pipeline, QUICK);
    let run = cluster.start(&[]);
    cluster.await_started(5);
    interrupt(&run);
    let output = run.wait_with_output().expect("ended");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_says(&stderr, "interrupted; tasks: 1 ran, 6 left to do");
    assert_eq!(cluster.calls("scancel"), 1);
    cluster.assert_tidy();
}

#[test]
fn a_held_job_is_named_and_waited_for() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    cluster.project.write("slurm/hold", "");
    let run = cluster.start(&[]);
    wait_for(|| cluster.calls("squeue") >= 2, "Slurm is not asked");
    interrupt(&run);
    let output = run.wait_with_output().expect("ended");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_says(
        &stderr,
        "job 101_0 (data.a) waits for somebody to act: JobHeldUser",
    );
}

#[test]
fn variables_that_would_undo_what_is_submitted_are_not_passed_on() {
    let cluster = Cluster::new(PIPELINE, QUICK);
    let mut command = cluster.command(&["run", "p.toml", "--offline", "data.a"]);
    for variable in [
        "SBATCH_ARRAY_INX",
        "SBATCH_MEM_PER_CPU",
        "SQUEUE_PARTITION",
        "SBATCH_ACCOUNT",
    ] {
        command.env(variable, "9");
    }
    Answer::of(command.env("SBATCH_PARTITION", "site")).expect(0);
    let passed = cluster.project.read("slurm/variables");
    let passed: BTreeSet<&str> = passed.lines().collect();
    assert_eq!(
        passed,
        BTreeSet::from(["SBATCH_ACCOUNT", "SBATCH_PARTITION"])
    );
    let calls = cluster.project.read("slurm/calls");
    assert_says(&calls, "--partition=site");
}

#[test]
fn a_dry_run_shows_what_would_be_submitted() {
    let cluster = Cluster::new(PIPELINE, &format!("{QUICK}local = ['figure.*']\n"));
    let answer = cluster.run(&["--dry-run"]).expect(0);
    assert_says(&answer.stdout, "slurm: an array of 1 element (1 thread, ");
    assert_says(&answer.stdout, "slurm: later 5 tasks (1 thread, ");
    assert_says(&answer.stdout, "slurm: 1 on this machine");
    assert_eq!(cluster.calls("sbatch"), 0);
}

#[test]
fn a_dry_run_needs_no_controller() {
    let settings = "[executor]\ndefault = 'local'\n[slurm]\ntime = 30\n";
    let cluster = Cluster::new(PIPELINE, settings);
    cluster.run(&["data.a"]).expect(0);
    let dry = ["--dry-run", "--executor", "slurm"];
    fs::remove_file(cluster.project.path("bin/scontrol")).expect("removed");
    symlink("/bin/false", cluster.project.path("bin/scontrol")).expect("linked");
    let answer = cluster.run(&dry).expect(0);
    assert_says(
        &answer.stdout,
        "slurm: it cannot be asked (`scontrol` failed: it ended with exit status: 1): assumed are arrays of at most 1001 elements",
    );
    assert_says(&answer.stdout, "slurm: an array of 4 elements (1 thread, ");
    assert_says(&answer.stdout, "slurm: later 2 tasks (1 thread, ");
    let json = cluster
        .run(&[&dry[..], &["--json"]].concat())
        .expect(0)
        .json();
    let elements = json["submissions"][0]["elements"].as_array();
    assert_eq!(elements.map(Vec::len), Some(4));
    let assumed = json["assumed_limits"].as_str();
    assert!(
        assumed.is_some_and(|text| text.contains("scontrol")),
        "{json}"
    );
}

#[test]
fn a_dry_run_knows_what_an_earlier_run_has_submitted() {
    let pipeline = PIPELINE.replace("value = [1.0", "sleep_ms = 4000\nvalue = [1.0");
    let cluster = Cluster::new(&pipeline, QUICK);
    let mut run = cluster.start(&[]);
    cluster.await_started(5);
    run.kill().expect("killed");
    run.wait().expect("a child");
    let answer = cluster.run(&["--dry-run"]).expect(0);
    assert_says(&answer.stdout, "slurm: 4 submitted by an earlier run");
    assert_says(&answer.stdout, "slurm: later 2 tasks (1 thread, ");
    cluster.run(&[]).expect(0);
    assert_eq!(cluster.project.started().len(), 7, "nothing twice");
    cluster.assert_tidy();
}

#[test]
fn mistakes_in_the_settings_are_shown_where_they_are() {
    let cluster = Cluster::new(PIPELINE, "[slurm]\npartiton = 'main'\n");
    let answer = cluster.run(&[]).expect(2);
    assert_says(&answer.stderr, "did you mean `partition`?");
    let missing = Cluster::new(PIPELINE, "");
    for options in [&["--detach"][..], &["--retries", "1"]] {
        let answer = missing.run(options).expect(2);
        assert_says(&answer.stderr, "--executor slurm");
    }
}
