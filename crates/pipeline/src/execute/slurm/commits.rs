//! Results that nodes have written: waited for until they are visible here, checked and placed in the store by a few threads.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant, UNIX_EPOCH};

use eigenscope_stage::Event;

use super::super::attempt::Attempt;
use super::super::executor::{AttemptError, AttemptOutcome, Message};
use super::end::TaskEnd;
use super::jobs::Command;
use crate::store::{Committed, Store, StoreError, WorkFolder};

/// Threads that place results: placing one is mostly waiting for a disk.
pub(super) const THREADS: usize = 4;

/// Time between two looks at a file that is not visible yet.
const LOOK: Duration = Duration::from_millis(100);

/// A task that ended well on its node.
pub(super) struct Finished<'a> {
    pub(super) attempt: Attempt<'a>,
    pub(super) end: TaskEnd,
    /// The batch and the number of the task in it.
    pub(super) batch: String,
    pub(super) number: usize,
}

/// Places results until no more come. Each is reported as ended to the run, and as settled to the thread of the jobs.
pub(super) fn place<'a>(
    finished: &Mutex<Receiver<Finished<'a>>>,
    store: &Store,
    visibility: Duration,
    sender: &Sender<Message>,
    commands: &Sender<Command<'a>>,
) {
    loop {
        let next = match finished.lock() {
            Ok(receiver) => receiver.recv(),
            Err(_) => return,
        };
        let Ok(next) = next else { return };
        let index = next.attempt.index;
        let (batch, number) = (next.batch.clone(), next.number);
        for event in events(&next.end) {
            // Whoever does not listen any more has left: the result is placed all the same.
            let _ = sender.send(Message::Event(index, event));
        }
        let ended = next.placed(store, visibility);
        // In this order: the run may leave the jobs as soon as it knows.
        let _ = commands.send(Command::Settled(batch, number));
        let _ = sender.send(Message::Ended(index, Box::new(ended)));
    }
}

/// What the program had to say to the user.
fn events(end: &TaskEnd) -> Vec<Event> {
    let warnings = end.report.warnings.iter().cloned();
    let mut events: Vec<Event> = warnings.map(|message| Event::Warning { message }).collect();
    if !end.message.is_empty() {
        events.push(Event::Progress {
            done: 1,
            total: 1,
            unit: String::new(),
            message: end.message.clone(),
        });
    }
    events
}

impl Finished<'_> {
    fn placed(self, store: &Store, visibility: Duration) -> AttemptOutcome {
        let Self {
            attempt,
            mut end,
            batch,
            number,
        } = self;
        let prefix = store.batch_work_prefix(attempt.key, &batch, number);
        let result = match is_named(&end.work, &prefix) {
            false => Err(attempt.failed(vec![format!(
                "its end names {} as its folder, which is none of this task",
                end.work.display()
            )])),
            true => commit(&attempt, &mut end, store, visibility),
        };
        outcome(&end, result)
    }
}

/// How an attempt ended whose end is known.
pub(super) fn outcome(end: &TaskEnd, result: Result<Committed, AttemptError>) -> AttemptOutcome {
    let began = Duration::try_from_secs_f64(end.began).ok();
    AttemptOutcome {
        result,
        began: began.and_then(|since| UNIX_EPOCH.checked_add(since)),
        seconds: end.seconds,
        cpu_seconds: end.report.usage.map(|(seconds, _)| seconds),
        peak_bytes: end.report.usage.map(|(_, bytes)| bytes),
    }
}

fn commit(
    attempt: &Attempt<'_>,
    end: &mut TaskEnd,
    store: &Store,
    visibility: Duration,
) -> Result<Committed, AttemptError> {
    let started = Instant::now();
    for (kind, &bytes) in &end.outputs {
        let path = end.work.join(kind.file_name());
        while !is_visible(&path, bytes)? && started.elapsed() < visibility {
            std::thread::sleep(LOOK);
        }
    }
    let work = WorkFolder::existing(end.work.clone());
    attempt.commit(store, work, &mut end.report)
}

/// Returns whether a file has the length that its node has seen.
fn is_visible(path: &Path, bytes: u64) -> Result<bool, StoreError> {
    match path.metadata() {
        Ok(found) => Ok(found.len() == bytes),
        Err(error) if is_late(error.kind()) => Ok(false),
        Err(source) => Err(StoreError::io("read", path, source)),
    }
}

/// Errors of a network file system that has not heard of a file yet, or of its replacement.
fn is_late(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle | ErrorKind::Interrupted
    )
}

fn is_named(work: &Path, prefix: &Path) -> bool {
    let name = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    work.parent() == prefix.parent() && name(work).starts_with(&name(prefix))
}
