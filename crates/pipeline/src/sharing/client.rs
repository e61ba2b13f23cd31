//! The conversation with the program `eigenscope-remote`: requests of many threads, answers in any order.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use eigenscope_plan::programs::start_advice;
use eigenscope_remote_protocol::{Action, Answer, Fault, Open, Outcome, PROGRAM, Request};

use crate::plain::plain;

/// Failures of network or server in a row after which a remote is not asked any more.
const PATIENCE: usize = 3;

/// Silence of a remote that is worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(3);

/// A remote cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error(
        "the program {PROGRAM} is not there ({path}), and only it reaches a remote; `make remote` builds it, `--no-remote` does \
         without",
        path = program.display()
    )]
    NoProgram { program: PathBuf },
    #[error("cannot start {path}{advice}", path = program.display(), advice = start_advice(source))]
    Start {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the program {path} is of another version than eigenscope; `make remote` builds it anew, and `make install` both",
        path = program.display()
    )]
    OtherVersion { program: PathBuf },
    #[error("the remote {url} cannot be used: {reason}")]
    Refused { url: String, reason: String },
}

/// A request that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    pub fault: Fault,
    pub message: String,
    /// Whether it was made at all: after some failures a remote is not asked any more.
    pub was_asked: bool,
}

/// The running program. It ends when this is dropped.
#[derive(Debug)]
pub struct Client {
    child: Mutex<Child>,
    requests: Mutex<Option<ChildStdin>>,
    waiting: Arc<Mutex<Waiting>>,
    last_id: AtomicU64,
    failures: AtomicUsize,
    given_up: Mutex<Option<String>>,
    /// Whether the caller has ended the conversation.
    stopped: AtomicBool,
}

/// Who waits for which answer.
#[derive(Debug, Default)]
struct Waiting {
    by_id: BTreeMap<u64, Sender<Outcome>>,
    hearing: Hearing,
    /// Whether no answer will come any more.
    ended: bool,
}

impl Trouble {
    pub(super) fn new(fault: Fault, message: &str) -> Self {
        Self {
            fault,
            // A server may have written it.
            message: plain(message).into_owned(),
            was_asked: true,
        }
    }
}

/// What has been heard of a remote so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hearing {
    /// Nothing was asked.
    #[default]
    NotAsked,
    /// It was asked at this moment, and there is no answer to anything yet.
    Nothing(Instant),
    /// It has answered, or a request has failed.
    Something,
}

impl Hearing {
    /// A line for the user about the remote at `url`, if it has not answered for long.
    pub fn waited_for(self, url: &str) -> Option<String> {
        let Self::Nothing(since) = self else {
            return None;
        };
        let silence = since.elapsed();
        (silence >= WORTH_A_WORD).then(|| {
            let seconds = silence.as_secs();
            format!("waiting for {url}, which has not answered for {seconds} s")
        })
    }
}

/// Where to learn what has been heard of a remote, while it is there.
#[derive(Debug, Clone)]
pub struct Listener(Weak<Mutex<Waiting>>);

impl Listener {
    /// What has been heard so far; `None` if the remote is gone.
    pub fn hearing(&self) -> Option<Hearing> {
        let waiting = self.0.upgrade()?;
        let hearing = locked(&waiting).hearing;
        Some(hearing)
    }
}

impl Client {
    pub(super) fn start(program: &Path, open: &Open) -> Result<Self, RemoteError> {
        let start = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => RemoteError::NoProgram {
                program: program.to_owned(),
            },
            _ => RemoteError::Start {
                program: program.to_owned(),
                source,
            },
        };
        let mut command = Command::new(program);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Ctrl-C in a terminal goes to the whole group: only the orchestrator decides what to stop.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(start)?;
        let other_version = || RemoteError::OtherVersion {
            program: program.to_owned(),
        };
        let refused = |reason: String| RemoteError::Refused {
            url: open.url.clone(),
            reason,
        };
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let opened = stdin
            .zip(stdout)
            .ok_or_else(|| refused("its program has no standard input and output".to_owned()));
        let opened = opened.and_then(|(mut stdin, stdout)| {
            let mut answers = BufReader::new(stdout);
            match first_answer(open, &mut stdin, &mut answers) {
                Ok(Outcome::Opened) => Ok((stdin, answers)),
                Ok(Outcome::Failed { fault, message }) if is_of_version(fault, &message) => {
                    Err(other_version())
                }
                Ok(Outcome::Failed { message, .. }) => Err(refused(message)),
                Ok(_) => Err(other_version()),
                // An answer with words that this version does not have.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(other_version()),
                Err(error) => Err(refused(format!("its program says nothing: {error}"))),
            }
        });
        let (stdin, answers) = opened.inspect_err(|_| {
            // Neither can fail in a way that matters here.
            let _ = child.kill();
            let _ = child.wait();
        })?;
        let waiting = Arc::default();
        let shared = Arc::clone(&waiting);
        // Not joined: it ends when the program does.
        std::thread::spawn(move || hand_out(answers, &shared));
        Ok(Self {
            child: Mutex::new(child),
            requests: Mutex::new(Some(stdin)),
            waiting,
            last_id: AtomicU64::new(0),
            failures: AtomicUsize::new(0),
            given_up: Mutex::default(),
            stopped: AtomicBool::new(false),
        })
    }

    /// Asks and waits for the answer, which is never [`Outcome::Failed`].
    ///
    /// # Errors
    /// The request failed, or the remote is not asked any more after failures that further requests would share.
    pub(super) fn ask(&self, action: Action) -> Result<Outcome, Trouble> {
        if let Some(message) = self.given_up() {
            return Err(Trouble {
                fault: Fault::Network,
                message,
                was_asked: false,
            });
        }
        let is_store = matches!(action, Action::Store { .. });
        let trouble = match self.try_once(action) {
            Ok(outcome) => {
                self.failures.store(0, Ordering::Relaxed);
                return Ok(outcome);
            }
            Err(trouble) => trouble,
        };
        let is_last = match trouble.fault {
            Fault::Version | Fault::Settings | Fault::Credentials | Fault::Silent => true,
            Fault::Network => self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= PATIENCE,
            // What takes one object takes others; what lists nothing may still be read.
            Fault::Unsupported => is_store,
            Fault::Object | Fault::File => false,
        };
        if is_last {
            self.give_up(&trouble);
        }
        Err(trouble)
    }

    /// As [`Client::ask`], whatever was before, and without consequences for what comes later.
    ///
    /// # Errors
    /// The request failed.
    pub(super) fn try_once(&self, action: Action) -> Result<Outcome, Trouble> {
        match self.send(action) {
            Ok(Outcome::Failed { fault, message }) => Err(Trouble::new(fault, &message)),
            Ok(outcome) => Ok(outcome),
            Err(message) => Err(Trouble::new(Fault::Settings, &message)),
        }
    }

    fn send(&self, action: Action) -> Result<Outcome, String> {
        let ended = || format!("{PROGRAM} has ended");
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let mut line = serde_json::to_vec(&Request { id, action }).map_err(|e| e.to_string())?;
        line.push(b'\n');
        let (sender, answer) = channel();
        {
            let mut waiting = locked(&self.waiting);
            if waiting.ended {
                return Err(ended());
            }
            waiting.by_id.insert(id, sender);
            if waiting.hearing == Hearing::NotAsked {
                waiting.hearing = Hearing::Nothing(Instant::now());
            }
        }
        let written = match locked(&self.requests).as_mut() {
            Some(requests) => requests.write_all(&line).and_then(|()| requests.flush()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        if written.is_err() {
            locked(&self.waiting).by_id.remove(&id);
            return Err(ended());
        }
        answer.recv().map_err(|_| ended())
    }

    /// Asks nothing any more, since further requests would fail alike.
    pub(super) fn give_up(&self, trouble: &Trouble) {
        if !self.is_stopped() {
            locked(&self.given_up).get_or_insert_with(|| trouble.message.clone());
        }
    }

    pub(super) fn listener(&self) -> Listener {
        Listener(Arc::downgrade(&self.waiting))
    }

    /// Why the remote is not asked any more, if it is not.
    pub(super) fn given_up(&self) -> Option<String> {
        locked(&self.given_up).clone()
    }

    /// Returns whether the caller has ended the conversation.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Ends the program and with it every request.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        drop(locked(&self.requests).take());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(locked(&self.requests).take());
        let mut child = locked(&self.child);
        // Both do nothing for a child that has ended and been waited for.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Returns whether a program refuses the first line because it is of another version. Early ones called that a fault of the settings.
fn is_of_version(fault: Fault, message: &str) -> bool {
    let said = [
        "the first line is not understood",
        "this program speaks version",
    ];
    fault == Fault::Version || said.iter().any(|words| message.starts_with(words))
}

fn first_answer(
    open: &Open,
    stdin: &mut ChildStdin,
    answers: &mut BufReader<ChildStdout>,
) -> io::Result<Outcome> {
    let mut line = serde_json::to_vec(open)?;
    line.push(b'\n');
    stdin.write_all(&line)?;
    stdin.flush()?;
    let mut text = String::new();
    answers.read_line(&mut text)?;
    let answer: Answer = serde_json::from_str(&text)?;
    Ok(answer.outcome)
}

/// Gives each answer to whoever waits for it, until there are no more.
fn hand_out(answers: BufReader<ChildStdout>, waiting: &Mutex<Waiting>) {
    for line in answers.lines() {
        let Ok(line) = line else { break };
        let Ok(Answer { id, outcome }) = serde_json::from_str(&line) else {
            break;
        };
        let mut waiting = locked(waiting);
        waiting.hearing = Hearing::Something;
        if let Some(sender) = waiting.by_id.remove(&id) {
            // Whoever asked may have stopped waiting.
            let _ = sender.send(outcome);
        }
    }
    let mut waiting = locked(waiting);
    waiting.hearing = Hearing::Something;
    waiting.ended = true;
    waiting.by_id.clear();
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
