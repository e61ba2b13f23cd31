//! Three nodes of Slurm on this machine.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Answer, workspace};

/// Slurm as `tests/slurm/three_nodes` brings it up, with name spaces of its own. It ends with this value, or with this process.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    process: Child,
    /// Open as long as the cluster is wanted.
    stdin: Option<ChildStdin>,
}

/// A job, or one element of a job array, that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// Such as `12` or `12_3`.
    pub id: String,
    /// Such as `PENDING` or `RUNNING`.
    pub state: String,
    /// The node on which it runs; empty if it waits.
    pub node: String,
}

impl Cluster {
    /// Brings it up with options of the script. `None`, and a message, where the system has no Slurm or does not allow it.
    #[track_caller]
    pub fn start(options: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(script());
        command.arg("start").arg(folder.path()).args(options);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let stdin = process.stdin.take();
        let mut said = String::new();
        let mut stdout = BufReader::new(process.stdout.take().expect("a pipe"));
        stdout.read_line(&mut said).expect("readable");
        if said == "ready\n" {
            return Some(Self {
                folder,
                process,
                stdin,
            });
        }
        let output = process.wait_with_output().expect("it ends");
        let reason = String::from_utf8_lossy(&output.stderr);
        assert!(
            !reason.contains("do not come up"),
            "{reason}{}",
            logs(&folder)
        );
        eprintln!("skipped: {}", reason.trim_end());
        None
    }

    /// The same command on the login node. Its process is the same that would run here, so it can be signalled.
    pub fn on_login_node(&self, command: &Command) -> Command {
        let mut inside = self.script("in");
        inside.arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Runs a command of Slurm that must succeed: what it prints.
    #[track_caller]
    pub fn slurm(&self, words: &[&str]) -> String {
        let mut command = self.script("in");
        Answer::of(command.args(words)).expect(0).stdout
    }

    /// The jobs that have not ended, each element of an array for itself.
    #[track_caller]
    pub fn jobs(&self) -> Vec<Job> {
        let text = self.slurm(&["squeue", "-h", "-r", "-o", "%i %T %N"]);
        let mut jobs: Vec<Job> = text
            .lines()
            .map(|line| {
                let mut words = line.split(' ').map(str::to_owned);
                let mut next = || words.next().unwrap_or_default();
                Job {
                    id: next(),
                    state: next(),
                    node: next(),
                }
            })
            .collect();
        jobs.sort();
        jobs
    }

    /// The jobs that run now, each element of an array for itself.
    #[track_caller]
    pub fn running(&self) -> Vec<Job> {
        let jobs = self.jobs().into_iter();
        jobs.filter(|job| job.state == "RUNNING").collect()
    }

    /// Waits until no job is left that has not ended.
    #[track_caller]
    pub fn wait_until_empty(&self, longest: Duration) {
        let begun = Instant::now();
        loop {
            let jobs = self.jobs();
            if jobs.is_empty() {
                return;
            }
            assert!(begun.elapsed() < longest, "{jobs:?} are left");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// How often `sbatch` has submitted something since the start.
    pub fn submissions(&self) -> usize {
        let log = fs::read_to_string(self.folder.path().join("slurmctld.log"));
        let log = log.unwrap_or_default();
        log.matches("_slurm_rpc_submit_batch_job: JobId=").count()
    }

    /// Ends a node and every process on it.
    #[track_caller]
    pub fn kill_node(&self, node: &str) {
        Answer::of(self.script("kill-node").arg(node)).expect(0);
    }

    /// Ends `slurmctld`, which keeps its state, and waits for that.
    #[track_caller]
    pub fn stop_controller(&self) {
        Answer::of(&mut self.script("stop-controller")).expect(0);
    }

    #[track_caller]
    pub fn start_controller(&self) {
        Answer::of(&mut self.script("start-controller")).expect(0);
    }

    fn script(&self, action: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(script());
        command.arg(action).arg(self.folder.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", logs(&self.folder));
        }
        drop(self.stdin.take());
        // It ends when its standard input does.
        let _ = self.process.wait();
    }
}

fn script() -> PathBuf {
    workspace("tests/slurm/three_nodes")
}

/// The ends of the logs of Slurm.
fn logs(folder: &TempDir) -> String {
    let names = ["slurmctld", "n1", "n2", "n3"];
    let logs = names.map(|name| {
        let path = folder.path().join(format!("{name}.log"));
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        format!("{name}:\n{end}\n")
    });
    logs.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_run_jobs_until_they_die() {
        let Some(cluster) = Cluster::start(&["--cpus", "1"]) else {
            return;
        };
        let sbatch = ["sbatch", "--parsable", "-o", "/dev/null", "--array=1-4"];
        let words = [&sbatch[..], &["--no-requeue", "--wrap", "sleep 600"]].concat();
        let array = cluster.slurm(&words);
        let begun = Instant::now();
        while cluster.running().len() < 3 {
            assert!(begun.elapsed() < Duration::from_secs(30), "no job runs");
        }
        let id = format!("{}_1", array.trim());
        assert!(cluster.jobs().iter().any(|job| job.id == id));
        assert_eq!(cluster.submissions(), 1);
        cluster.stop_controller();
        cluster.start_controller();
        assert_eq!(cluster.running().len(), 3);
        cluster.kill_node("n1");
        while cluster.running().iter().any(|job| job.node == "n1") {
            assert!(begun.elapsed() < Duration::from_secs(90), "no node is dead");
            std::thread::sleep(Duration::from_millis(200));
        }
        let pid = cluster.process.id();
        drop(cluster);
        assert!(!PathBuf::from(format!("/proc/{pid}")).exists());
    }
}
