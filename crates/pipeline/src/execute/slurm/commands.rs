//! The programs of Slurm: called one at a time, in English, with a limit of time.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Variables that `sbatch` takes as options when this process is itself part of a job.
const OF_A_JOB: [&str; 16] = [
    "SLURM_JOB_ID",
    "SLURM_JOBID",
    "SLURM_JOB_NAME",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_CPUS_PER_TASK",
    "SLURM_CPUS_PER_GPU",
    "SLURM_MEM_PER_CPU",
    "SLURM_MEM_PER_GPU",
    "SLURM_MEM_PER_NODE",
    "SLURM_NTASKS",
    "SLURM_NPROCS",
    "SLURM_NTASKS_PER_NODE",
    "SLURM_NNODES",
    "SLURM_JOB_NUM_NODES",
    "SLURM_TIMELIMIT",
];

/// Variables that `sbatch` takes as options, of those that are set here or refused in the settings. The others count where nothing else says
/// the same, such as `SBATCH_ACCOUNT`.
const OF_SUBMISSIONS: [&str; 16] = [
    "SBATCH_ARRAY_INX",
    "SBATCH_CLUSTERS",
    "SBATCH_CPUS_PER_TASK",
    "SBATCH_ERROR",
    "SBATCH_GRES",
    "SBATCH_INPUT",
    "SBATCH_JOB_NAME",
    "SBATCH_MEM_PER_CPU",
    "SBATCH_MEM_PER_GPU",
    "SBATCH_MEM_PER_NODE",
    "SBATCH_NO_REQUEUE",
    "SBATCH_OPEN_MODE",
    "SBATCH_OUTPUT",
    "SBATCH_REQUEUE",
    "SBATCH_TIMELIMIT",
    "SBATCH_WAIT",
];

/// What variables begin with that restrict what the other programs show and do.
const OF_OTHERS: [&str; 5] = ["SACCT_", "SCANCEL_", "SCONTROL_", "SINFO_", "SQUEUE_"];

/// Time that a controller has to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Time between two looks at whether a program has ended.
const TICK: Duration = Duration::from_millis(10);

/// Most of what a program says that is read, in bytes.
const MOST: u64 = 256 << 20;

/// Lines of a complaint that are passed on, and most characters of one.
const LINES: usize = 3;
const LONGEST: usize = 200;

/// What Slurm says when its controller cannot answer just now.
const BUSY: [&str; 10] = [
    "unable to contact slurm controller",
    "socket timed out",
    "communication connection failure",
    "connection refused",
    "connection timed out",
    "zero bytes were transmitted",
    "slurm backup controller in standby mode",
    "controller is in the process of",
    "resource temporarily unavailable",
    "transport endpoint is not connected",
];

/// What Slurm says when a user may have no more jobs just now.
const FULL: [&str; 6] = [
    "temporarily unable to accept job",
    "maxsubmitjob",
    "maxsubmit",
    "maxjobcount",
    "job count limit",
    "job violates accounting/qos policy (job submit limit",
];

/// A program of Slurm that did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It is not there.
    #[error("cannot start `{program}`: is this a machine from which jobs are submitted to Slurm?")]
    Start {
        program: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("`{program}` failed: {}", in_short(said))]
    Failed {
        program: &'static str,
        /// Its lines.
        said: String,
    },
    #[error("`{program}` has not answered for {} seconds", PATIENCE.as_secs())]
    Silent { program: &'static str },
}

impl CommandError {
    /// Returns whether the same may work in a moment: the controller is restarting, or overloaded.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Start { source, .. } => source.kind() == io::ErrorKind::WouldBlock,
            Self::Failed { said, .. } => has_one_of(said, &BUSY),
            Self::Silent { .. } => true,
        }
    }

    /// Returns whether it is the number of jobs that is too large.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Failed { said, .. } if has_one_of(said, &FULL))
    }
}

fn has_one_of(said: &str, words: &[&str]) -> bool {
    let said = said.to_lowercase();
    words.iter().any(|words| said.contains(words))
}

/// Runs a program and returns what it says.
pub(super) fn run(program: &'static str, arguments: &[&str]) -> Result<String, CommandError> {
    run_with(program, arguments, "")
}

/// Runs a program that reads `input`.
pub(super) fn run_with(
    program: &'static str,
    arguments: &[&str],
    input: &str,
) -> Result<String, CommandError> {
    let mut command = Command::new(program);
    for variable in OF_A_JOB.iter().chain(&OF_SUBMISSIONS) {
        command.env_remove(variable);
    }
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if OF_OTHERS.iter().any(|begin| name.starts_with(begin)) {
            command.env_remove(&variable);
        }
    }
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Ctrl-C in a terminal is for us alone: a submission is either made or not.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let start = |source| CommandError::Start { program, source };
    let mut child = command.spawn().map_err(start)?;
    let said = child.stdout.take().map(reader);
    let complained = child.stderr.take().map(reader);
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it fails, and says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let status = wait(&mut child)
        .map_err(start)?
        .ok_or(CommandError::Silent { program })?;
    let text = |thread: Option<JoinHandle<Vec<u8>>>| {
        let bytes = thread.and_then(|thread| thread.join().ok());
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    };
    let (said, complained) = (text(said), text(complained));
    match status.success() {
        true => Ok(said),
        false => Err(CommandError::Failed {
            program,
            said: complaint(program, &complained, status),
        }),
    }
}

/// The last lines of what a program said, on one line; of lines that differ in numbers only the last one.
fn in_short(said: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    for line in said.lines().rev() {
        let line = line.trim();
        let without_numbers = line.replace(|letter: char| letter.is_ascii_digit(), "");
        if !line.is_empty() && lines.len() < LINES && known.insert(without_numbers) {
            lines.push(line);
        }
    }
    let lines = lines
        .into_iter()
        .rev()
        .map(|line| match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("; ")
}

/// What a program complained about, without its name.
fn complaint(program: &str, complained: &str, status: ExitStatus) -> String {
    let lines = complained.lines().map(|line| {
        let line = line.trim();
        let line = line.strip_prefix(&format!("{program}: ")).unwrap_or(line);
        line.strip_prefix("error: ").unwrap_or(line)
    });
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    match lines.is_empty() {
        true => format!("it ended with {status}"),
        false => lines.join("\n"),
    }
}

fn reader(stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What has come before an error is all there is.
        let _ = stream.take(MOST).read_to_end(&mut bytes);
        bytes
    })
}

/// Waits for a program to end; `None` if it was killed because it did not.
fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(said: &str) -> CommandError {
        CommandError::Failed {
            program: "sbatch",
            said: said.to_owned(),
        }
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        let busy = failed(
            "Batch job submission failed: Unable to contact slurm controller (connect failure)",
        );
        assert!(busy.is_passing() && !busy.is_full());
        let full = failed("QOSMaxSubmitJobPerUserLimit; Batch job submission failed");
        assert!(failed("AssocMaxSubmitJobLimit").is_full() || full.is_full());
        let wrong = failed("invalid partition specified: x");
        assert!(!wrong.is_passing() && !wrong.is_full());
    }

    #[test]
    fn of_many_lines_the_last_are_passed_on_and_equal_ones_once() {
        let attempt = "getaddrinfo() failed: Name or service not known";
        let mut lines =
            vec!["resolve_ctls_from_dns_srv: res_nsearch error: Unknown host".to_owned()];
        lines.extend((1..=12).map(|number| format!("attempt {number}: {attempt}")));
        lines.push("Unable to establish control machine address".to_owned());
        lines.push("x".repeat(500));
        let error = failed(&lines.join("\n"));
        let expected = format!(
            "`sbatch` failed: attempt 12: {attempt}; Unable to establish control machine address; {}…",
            "x".repeat(200)
        );
        assert_eq!(error.to_string(), expected);
        // What passes is told by all lines.
        let mut lines = vec!["Unable to contact slurm controller (connect failure)"];
        lines.extend(["a", "b", "c", "d"]);
        assert!(failed(&lines.join("\n")).is_passing());
    }

    #[test]
    fn a_program_that_is_missing_or_fails_is_named() {
        let missing = run("no-such-program-of-slurm", &[]);
        assert!(matches!(missing, Err(CommandError::Start { .. })));
        let failed = run("sh", &["-c", "echo 'sh: error: it is so' >&2; exit 3"]);
        let error = failed.expect_err("it failed");
        assert_eq!(error.to_string(), "`sh` failed: it is so");
        let echoed = run_with("cat", &[], "text");
        assert_eq!(echoed.expect("it works"), "text");
    }
}
