//! Promise: on a cluster a run ends as on one machine, whatever becomes of nodes, of the controller, of jobs and of the run itself.
//! Nothing is lost, nothing is done twice, and no job is left.
//!
//! Slurm is real: `tests/slurm/three_nodes` brings up three nodes for each case. Where it cannot, the cases are skipped. They mostly wait,
//! so they are run at the same time, whatever the number of cores; `EIGENSCOPE_CASE=held cargo test --test cluster` runs those whose names
//! hold that.
#![cfg(target_os = "linux")]
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a skipped case says so, and each says how long it took"
)]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eigenscope_testing::{
    Answer, RunCounts, TestProject, assert_same_artifacts, interrupt, workspace,
};

#[path = "cluster/site.rs"]
mod site;

use site::{LONGEST, SETTINGS, Site, models_that_sleep, wait_for};

/// Cases that run at the same time.
const AT_ONCE: usize = 9;

macro_rules! named {
    ($($case:ident,)*) => { &[$((stringify!($case), $case as fn())),*] };
}

/// All cases, those first that take longest.
const CASES: &[(&str, fn())] = named![
    results_of_all_analyses_are_those_of_one_machine,
    tasks_of_a_node_that_dies_run_elsewhere,
    a_task_that_needs_too_much_memory_gets_more,
    a_task_that_takes_too_long_gets_more_time,
    a_controller_that_restarts_is_waited_for,
    jobs_of_a_killed_run_are_adopted,
    results_of_jobs_that_ended_alone_are_taken,
    two_runs_at_once_do_not_touch_each_other,
    a_task_that_fails_says_why_and_is_not_tried_again,
    a_job_that_is_requeued_runs_again,
    a_job_that_is_cancelled_is_not_tried_again,
    a_job_that_is_held_is_named_and_goes_on_once_released,
    an_interrupted_run_leaves_no_jobs,
    a_detached_run_goes_on_alone,
    files_that_appear_late_are_waited_for,
    arrays_keep_to_the_size_that_the_site_allows,
    short_tasks_are_put_together,
];

#[test]
fn every_case_holds() {
    let wanted = std::env::var("EIGENSCOPE_CASE").unwrap_or_default();
    let cases: Vec<_> = CASES
        .iter()
        .filter(|(name, _)| name.contains(&wanted))
        .collect();
    assert!(!cases.is_empty(), "no case is called {wanted}");
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((name, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    // A thread of its own gives messages its name.
                    let thread = std::thread::Builder::new().name((*name).to_owned());
                    let ended = thread.spawn(*case).expect("started").join();
                    println!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
                    if ended.is_err() {
                        failed.lock().expect("not poisoned").push(*name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("not poisoned");
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

/// Runs a pipeline on a cluster and, at the same time, here.
fn results_of_all_analyses_are_those_of_one_machine() {
    let pipeline = fs::read_to_string(workspace("pipelines/digits.toml"));
    let pipeline = pipeline.expect("the pipeline file");
    let settings = SETTINGS
        .replace("memory = 100\n", "")
        .replace("pack_minutes = 0", "pack_minutes = 0.1");
    let options = ["--cpus", "2", "--memory", "8000"];
    let Some(site) = Site::new(TestProject::new(&pipeline), &settings, &options) else {
        return;
    };
    let local = ["run", "p.toml", "--offline", "--executor", "local"];
    let local = [&local[..], &["--artifacts", "local"]].concat();
    let mut local = site.project.command(&local);
    let ((counts, _), answer) = std::thread::scope(|scope| {
        let here = scope.spawn(|| Answer::of(&mut local).expect(0));
        let there = site.complete(&[]);
        (there, here.join().expect("it works"))
    });
    assert_eq!(counts, RunCounts::read(&answer.stderr));
    let (ours, theirs) = (
        site.project.artifacts("artifacts"),
        site.project.artifacts("local"),
    );
    assert_same_artifacts(&theirs, &ours, "on a cluster");
    site.cluster.wait_until_empty(LONGEST);
}

fn tasks_of_a_node_that_dies_run_elsewhere() {
    let Some(site) = Site::with_models(6, 3000) else {
        return;
    };
    let run = site.start(&[]);
    site.wait_for_starts(1 + 6);
    let node = site.cluster.running().swap_remove(0).node;
    let running = site.cluster.running();
    let on_it = running.iter().filter(|job| job.node == node).count();
    site.cluster.kill_node(&node);
    let (code, said) = site.end(run);
    assert_eq!(code, Some(0), "{said}");
    let counts = RunCounts::read(&said);
    assert_eq!((counts.ran, counts.failed), (1 + 6 + 2, 0), "{said}");
    assert_eq!(site.project.started().len(), 1 + 6 + 2 + on_it);
    let models: BTreeSet<String> = site.project.started().into_iter().collect();
    site.assert_done(1 + 6 + 2, &models);
}

fn a_controller_that_restarts_is_waited_for() {
    let Some(site) = Site::with_models(6, 2000) else {
        return;
    };
    let run = site.start(&[]);
    site.wait_for_starts(2);
    site.cluster.stop_controller();
    std::thread::sleep(Duration::from_secs(4));
    site.cluster.start_controller();
    let (code, said) = site.end(run);
    assert_eq!(code, Some(0), "{said}");
    site.assert_done(1 + 6 + 2, &BTreeSet::new());
}

fn jobs_of_a_killed_run_are_adopted() {
    let Some(site) = Site::with_models(30, 4000) else {
        return;
    };
    let mut run = site.start(&[]);
    site.wait_for_starts(1 + 20);
    run.kill().expect("killed");
    run.wait().expect("a child");
    let submissions = site.cluster.submissions();
    let (counts, said) = site.complete(&[]);
    assert_eq!(counts.failed, 0, "{said}");
    // Only what waited for the models is new.
    assert!(site.cluster.submissions() <= submissions + 2, "{said}");
    site.assert_done(1 + 30 + 2, &BTreeSet::new());
}

fn results_of_jobs_that_ended_alone_are_taken() {
    let Some(site) = Site::with_models(6, 1000) else {
        return;
    };
    let mut run = site.start(&[]);
    site.wait_for_starts(1 + 6);
    run.kill().expect("killed");
    run.wait().expect("a child");
    site.cluster.wait_until_empty(LONGEST);
    site.complete(&[]);
    site.assert_done(1 + 6 + 2, &BTreeSet::new());
}

fn two_runs_at_once_do_not_touch_each_other() {
    let Some(site) = Site::with_models(6, 2000) else {
        return;
    };
    let run = site.start(&[]);
    site.wait_for_starts(1);
    // The same folder is refused; with another one everything is done once more.
    let second = site.run(&[]);
    assert_ne!(second.code, Some(0), "{}", second.stderr);
    let other = site.run(&["--artifacts", "other"]).expect(0);
    assert_eq!(RunCounts::read(&other.stderr).ran, 1 + 6 + 2);
    let (code, said) = site.end(run);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(site.project.started().len(), 2 * (1 + 6 + 2));
    assert_same_artifacts(
        &site.project.artifacts("artifacts"),
        &site.project.artifacts("other"),
        "of two runs",
    );
    site.cluster.wait_until_empty(LONGEST);
}

fn a_task_that_takes_too_long_gets_more_time() {
    let pipeline = models_that_sleep(2, 0, "behaviour = [\"good\", \"hang-at-first\"]");
    let project = TestProject::with_fake_stages(&pipeline.replace("part = [0, 1]\n", ""));
    let Some(site) = Site::new(project, SETTINGS, &[]) else {
        return;
    };
    let run = site.start(&["--retries", "1"]);
    site.wait_for_starts(1 + 2);
    wait_for("the end of the other", || {
        site.project.finished().len() == 1 + 1 && site.cluster.running().len() == 1
    });
    // A limit is whole minutes, but may end at any time.
    let job = format!("JobId={}", site.cluster.running().swap_remove(0).id);
    site.cluster
        .slurm(&["scontrol", "update", &job, "EndTime=now+1"]);
    let (code, said) = site.end(run);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("TIMEOUT") || said.contains("time limit"),
        "{said}"
    );
    assert!(said.contains("10 min"), "twice the time: {said}");
    let hung = BTreeSet::from(["train.fit[behaviour=hang-at-first]".to_owned()]);
    site.assert_done(1 + 2 + 2, &hung);
}

fn a_task_that_needs_too_much_memory_gets_more() {
    let pipeline = models_that_sleep(2, 3000, "memory_mib = [1, 250]");
    let project = TestProject::with_fake_stages(&pipeline.replace("part = [0, 1]\n", ""));
    let settings = SETTINGS.replace("memory = 100", "memory = 200");
    let Some(site) = Site::new(project, &settings, &[]) else {
        return;
    };
    let without = site.run(&["--retries", "0", "--keep-going"]).expect(1);
    assert!(without.stderr.contains("memory"), "{}", without.stderr);
    let (counts, said) = site.complete(&["--retries", "1"]);
    assert_eq!(counts.ran, 1 + 2, "{said}");
    let large = BTreeSet::from(["train.fit[memory_mib=250]".to_owned()]);
    site.assert_done(1 + 2 + 2, &large);
}

fn a_task_that_fails_says_why_and_is_not_tried_again() {
    let pipeline = models_that_sleep(
        2,
        0,
        "behaviour = [\"good\", \"fail\", \"exit\", \"abort\"]",
    );
    let project = TestProject::with_fake_stages(&pipeline.replace("part = [0, 1]\n", ""));
    let Some(site) = Site::new(project, SETTINGS, &[]) else {
        return;
    };
    let answer = site.run(&["--keep-going"]).expect(1);
    let counts = RunCounts::read(&answer.stderr);
    assert_eq!(
        (counts.ran, counts.failed, counts.left),
        (2, 3, 2),
        "{}",
        answer.stderr
    );
    let answer = answer.explains(&["told to fail", "the cause", "line 29"]);
    assert!(
        answer.stderr.contains("logs/train.fit,behaviour-fail.log"),
        "{}",
        answer.stderr
    );
    assert_eq!(site.project.started().len(), 1 + 4);
    site.cluster.wait_until_empty(LONGEST);
}

fn a_job_that_is_requeued_runs_again() {
    let Some(site) = Site::with_models(6, 3000) else {
        return;
    };
    let run = site.start(&["--retries", "0"]);
    site.wait_for_starts(1 + 6);
    let job = site.cluster.running().swap_remove(0);
    site.cluster.slurm(&["scontrol", "requeue", &job.id]);
    let (code, said) = site.end(run);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(site.project.started().len(), 1 + 6 + 2 + 1, "{said}");
    let models: BTreeSet<String> = site.project.started().into_iter().collect();
    site.assert_done(1 + 6 + 2, &models);
}

fn a_job_that_is_cancelled_is_not_tried_again() {
    let Some(site) = Site::with_models(6, 3000) else {
        return;
    };
    let run = site.start(&["--retries", "2"]);
    site.wait_for_starts(1 + 6);
    let job = site.cluster.running().swap_remove(0);
    site.cluster.slurm(&["scancel", &job.id]);
    let (code, said) = site.end(run);
    assert_eq!(code, Some(1), "{said}");
    let counts = RunCounts::read(&said);
    assert_eq!(
        (counts.ran, counts.failed, counts.left),
        (1 + 5, 1, 2),
        "{said}"
    );
    assert!(
        said.contains(&format!("job {} was cancelled", job.id)),
        "{said}"
    );
    assert_eq!(site.complete(&[]).0.ran, 1 + 2);
    let models: BTreeSet<String> = site.project.started().into_iter().collect();
    site.assert_done(1 + 6 + 2, &models);
}

fn a_job_that_is_held_is_named_and_goes_on_once_released() {
    let project = TestProject::with_fake_stages(&models_that_sleep(12, 1500, ""));
    let Some(site) = Site::new(project, SETTINGS, &["--cpus", "1"]) else {
        return;
    };
    let run = site.start(&[]);
    site.wait_for_starts(2);
    let waiting = site.cluster.jobs().into_iter();
    let held = waiting
        .rev()
        .find(|job| job.state == "PENDING")
        .expect("a job that waits");
    site.cluster.slurm(&["scontrol", "hold", &held.id]);
    wait_for("a word about the held job", || {
        site.project.read("said").contains("held")
    });
    site.cluster.slurm(&["scontrol", "release", &held.id]);
    let (code, said) = site.end(run);
    assert_eq!(code, Some(0), "{said}");
    site.assert_done(1 + 12 + 2, &BTreeSet::new());
}

fn an_interrupted_run_leaves_no_jobs() {
    let project = TestProject::with_fake_stages(&models_that_sleep(12, 2000, ""));
    let Some(site) = Site::new(project, SETTINGS, &["--cpus", "1"]) else {
        return;
    };
    // Of somebody else, with the same name as the first of ours might have.
    let other = site.cluster.slurm(&[
        "sbatch",
        "--parsable",
        "-o",
        "/dev/null",
        "--wrap",
        "sleep 20",
    ]);
    let run = site.start(&[]);
    site.wait_for_starts(1 + 2);
    interrupt(&run);
    let (code, said) = site.end(run);
    assert_eq!(code, Some(130), "{said}");
    wait_for("the end of our jobs", || {
        let jobs = site.cluster.jobs();
        jobs.iter().all(|job| job.id == other.trim())
    });
    assert_eq!(
        site.cluster.jobs().len(),
        1,
        "a job of somebody else is gone"
    );
    site.cluster.slurm(&["scancel", other.trim()]);
    let finished = site.project.finished();
    let begun: BTreeSet<String> = site.project.started().into_iter().collect();
    site.complete(&[]);
    let stopped = begun.difference(&finished).cloned().collect();
    site.assert_done(1 + 12 + 2, &stopped);
}

fn a_detached_run_goes_on_alone() {
    let Some(site) = Site::with_models(6, 4000) else {
        return;
    };
    let begun = Instant::now();
    // The models wait for the data set, so a first run ends with it.
    site.run(&["--detach"]).expect(0);
    site.cluster.wait_until_empty(LONGEST);
    site.run(&["--detach"]).expect(0);
    assert!(begun.elapsed() < LONGEST);
    site.wait_for_starts(1 + 6);
    let status = Answer::of(
        &mut site
            .cluster
            .on_login_node(&site.project.command(&["status", "p.toml"])),
    );
    assert!(
        status.stdout.contains("running"),
        "{}{}",
        status.stdout,
        status.stderr
    );
    let (counts, said) = site.complete(&[]);
    assert_eq!(counts.failed, 0, "{said}");
    site.assert_done(1 + 6 + 2, &BTreeSet::new());
}

fn files_that_appear_late_are_waited_for() {
    if Command::new("bindfs").arg("--version").output().is_err() {
        eprintln!("skipped: no command `bindfs`");
        return;
    }
    let project = TestProject::with_fake_stages(&models_that_sleep(4, 500, ""));
    project.write("artifacts/.keep", "");
    fs::remove_file(project.path("artifacts/.keep")).expect("removed");
    let late = format!("{}=3", project.path("artifacts").display());
    let Some(site) = Site::new(project, SETTINGS, &["--late", &late]) else {
        return;
    };
    let (counts, said) = site.complete(&["--retries", "0"]);
    assert_eq!((counts.ran, counts.failed), (1 + 4 + 2, 0), "{said}");
    site.assert_done(1 + 4 + 2, &BTreeSet::new());
}

fn arrays_keep_to_the_size_that_the_site_allows() {
    let project = TestProject::with_fake_stages(&models_that_sleep(25, 100, ""));
    let options = ["--cpus", "8", "--max-array-size", "10"];
    let Some(site) = Site::new(project, SETTINGS, &options) else {
        return;
    };
    site.complete(&[]);
    // Indices are below the maximum: three arrays of models.
    assert_eq!(site.cluster.submissions(), 1 + 3 + 2);
    site.assert_done(1 + 25 + 2, &BTreeSet::new());
}

fn short_tasks_are_put_together() {
    let project = TestProject::with_fake_stages(&models_that_sleep(200, 10, ""));
    let settings = SETTINGS.replace("pack_minutes = 0", "pack_minutes = 5");
    let Some(site) = Site::new(project, &settings, &["--cpus", "4"]) else {
        return;
    };
    let run = site.start(&[]);
    let mut jobs = BTreeSet::new();
    wait_for("the models", || {
        jobs.extend(site.cluster.jobs().into_iter().map(|job| job.id));
        site.project.started().len() > 200
    });
    let (code, said) = site.end(run);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(site.cluster.submissions(), 1 + 1 + 2, "{said}");
    assert!(jobs.len() <= 1 + 70 + 2, "{jobs:?}");
    site.assert_done(1 + 200 + 2, &BTreeSet::new());
}
