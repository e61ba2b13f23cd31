//! The command of `run --notify`, or of `notify` in the settings: run once at the end of a run, whatever that end was.
//!
//! The text is a command of `sh`, as it was given: nothing of the run is put into it. What there is to say stands in environment
//! variables and, as JSON, on its standard input. What it prints goes to standard error.

use std::io::Write;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eigenscope_pipeline::watch::RunOutcome;
use serde::Serialize;

use crate::commands::tell;

/// Longest time that the command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Time between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How a run has ended.
#[derive(Debug, Serialize)]
pub(crate) struct End {
    pub(crate) version: u32,
    pub(crate) pipeline: String,
    pub(crate) outcome: RunOutcome,
    /// Tasks that ran and ended well.
    pub(crate) ran: usize,
    /// Tasks whose results were taken from elsewhere.
    pub(crate) taken: usize,
    /// Tasks that came out as before.
    pub(crate) reused: usize,
    /// Tasks that were up to date from the start.
    pub(crate) current: usize,
    /// Tasks that are not up to date and have not failed.
    pub(crate) left: usize,
    pub(crate) seconds: f64,
    /// The last line of the run.
    pub(crate) summary: String,
    pub(crate) failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) task: String,
    pub(crate) messages: Vec<String>,
    pub(crate) log: String,
}

/// Why the command did not do its work.
#[derive(Debug, thiserror::Error)]
enum NotifyError {
    #[error("cannot be started: {0}")]
    Start(#[source] std::io::Error),
    #[error("cannot be waited for: {0}")]
    Wait(#[source] std::io::Error),
    #[error("has not ended within {} s and was killed", .0.as_secs_f64())]
    TooLong(Duration),
    #[error("was interrupted")]
    Interrupted,
    #[error("failed: {0}")]
    Failed(ExitStatus),
}

/// Runs the command. That it fails is only worth a warning. Setting `cancel` ends it.
pub(crate) fn notify(command: &str, end: &End, cancel: &AtomicBool) {
    if let Err(error) = call(command, end, cancel, LIMIT) {
        tell(&format!(
            "warning: the command that is told the end of the run (--notify, or `notify` in the settings) {error}"
        ));
    }
}

fn call(command: &str, end: &End, cancel: &AtomicBool, limit: Duration) -> Result<(), NotifyError> {
    let mut child = shell(command)
        .env("EIGENSCOPE_PIPELINE", &end.pipeline)
        .env("EIGENSCOPE_OUTCOME", end.outcome.name())
        .env(
            "EIGENSCOPE_DONE",
            (end.ran + end.taken + end.reused).to_string(),
        )
        .env("EIGENSCOPE_FAILED", end.failures.len().to_string())
        .env("EIGENSCOPE_SECONDS", format!("{:.1}", end.seconds))
        .env("EIGENSCOPE_SUMMARY", &end.summary)
        .stdin(Stdio::piped())
        .stdout(std::io::stderr())
        .spawn()
        .map_err(NotifyError::Start)?;
    let json = serde_json::to_vec(end).unwrap_or_default();
    if let Some(mut stdin) = child.stdin.take() {
        // What it does not read it does not need. The thread ends with this process.
        std::thread::spawn(move || stdin.write_all(&json));
    }
    let started = Instant::now();
    loop {
        let why = match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(NotifyError::Failed(status)),
            Err(error) => NotifyError::Wait(error),
            Ok(None) if started.elapsed() >= limit => NotifyError::TooLong(limit),
            Ok(None) if cancel.load(Ordering::Relaxed) => NotifyError::Interrupted,
            Ok(None) => {
                std::thread::sleep(LOOK);
                continue;
            }
        };
        kill(&mut child);
        return Err(why);
    }
}

/// A shell in a group of its own, so that what it starts can be ended with it.
#[cfg(unix)]
fn shell(command: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).process_group(0);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/C", command]);
    shell
}

/// Ends the shell and what it has started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        let mut kill = Command::new("kill");
        kill.args(["-KILL", "--", &group]);
        let _ = kill.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    // Does nothing if it has ended.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn end() -> End {
        End {
            version: 1,
            pipeline: "digits; rm -rf x".to_owned(),
            outcome: RunOutcome::Failed,
            ran: 3,
            taken: 5,
            reused: 1,
            current: 2,
            left: 4,
            seconds: 1.25,
            summary: "tasks: 3 ran, $(false) `false`".to_owned(),
            failures: vec![Failure {
                task: "train.a".to_owned(),
                messages: vec!["no memory".to_owned()],
                log: "a.log".to_owned(),
            }],
        }
    }

    fn called(command: &str, limit: Duration) -> Result<(), NotifyError> {
        call(command, &end(), &AtomicBool::new(false), limit)
    }

    #[test]
    fn the_command_is_told_how_the_run_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let (words, json) = (folder.path().join("words"), folder.path().join("json"));
        let command = format!(
            "printf '%s|' \"$EIGENSCOPE_PIPELINE\" $EIGENSCOPE_OUTCOME $EIGENSCOPE_DONE $EIGENSCOPE_FAILED \
             $EIGENSCOPE_SECONDS \"$EIGENSCOPE_SUMMARY\" > {}; cat > {}",
            words.display(),
            json.display()
        );
        called(&command, LIMIT).expect("it works");
        assert_eq!(
            std::fs::read_to_string(words).expect("written"),
            "digits; rm -rf x|failed|9|1|1.2|tasks: 3 ran, $(false) `false`|"
        );
        let text = std::fs::read(json).expect("written");
        let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(json["outcome"], "failed");
        assert_eq!(json["taken"], 5);
        assert_eq!(json["failures"][0]["messages"][0], "no memory");
    }

    #[test]
    fn a_command_that_fails_hangs_or_reads_nothing_is_survived() {
        assert!(matches!(
            called("exit 3", LIMIT),
            Err(NotifyError::Failed(_))
        ));
        assert!(matches!(
            called("no-such-program-anywhere", LIMIT),
            Err(NotifyError::Failed(_))
        ));
        called("exec <&-; true", LIMIT).expect("it works");
        let short = Duration::from_millis(100);
        let started = Instant::now();
        let hung = called("sleep 100 & sleep 100", short);
        assert!(matches!(hung, Err(NotifyError::TooLong(_))), "{hung:?}");
        assert!(started.elapsed() < Duration::from_secs(50));
        let stopped = call("sleep 100", &end(), &AtomicBool::new(true), LIMIT);
        assert!(matches!(stopped, Err(NotifyError::Interrupted)));
    }
}
