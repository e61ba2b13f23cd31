//! Pushing results: outputs first, the record last, nothing replaced.
//!
//! A result is there once its record is. So a push that ends before that, for any reason, leaves nothing that a later one takes for done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use eigenscope_artifact::{Digest, FileDigest, digest_file};
use eigenscope_plan::Plan;
use eigenscope_remote_protocol::{Action, Fault, Outcome};

use super::{PARALLEL, Remote, Trouble, layout};
use crate::machine::Machine;
use crate::store::{Key, RECORD_NAME, Record, RecordFlaw, Store};
use crate::survey::Survey;

/// Time between two looks at whether the caller has cancelled.
const TICK: Duration = Duration::from_millis(50);

/// What is to be pushed.
#[derive(Debug, Clone, Copy)]
pub struct PushRequest<'a> {
    pub plan: &'a Plan,
    /// Indices into the plan. Of these, what is up to date is pushed.
    pub tasks: &'a [usize],
    pub survey: &'a Survey,
    pub store: &'a Store,
    pub check: Check<'a>,
}

/// How what is there already is compared with what would be pushed.
#[derive(Debug, Clone, Copy)]
pub enum Check<'a> {
    /// By the record and the lengths of the outputs.
    Lengths,
    /// Byte by byte, and what is damaged there is replaced; of these tasks only.
    BytesOf(&'a BTreeSet<usize>),
    /// The same for all tasks.
    Bytes,
}

impl Check<'_> {
    fn is_of_bytes(self, task: usize) -> bool {
        match self {
            Self::Lengths => false,
            Self::BytesOf(tasks) => tasks.contains(&task),
            Self::Bytes => true,
        }
    }
}

/// What became of the results that were to be pushed. Tasks are indices into the plan.
#[derive(Debug, Default)]
pub struct Pushed {
    pub pushed: Vec<usize>,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Of the pushed results those that were there already, and were damaged or not whole.
    pub repaired: Vec<usize>,
    /// Results that were there already, equal to ours.
    pub there: Vec<usize>,
    /// Results that are there with another content. They stay as they are.
    pub conflicts: Vec<(usize, String)>,
    /// Results whose records there are damaged. They stay as they are unless their bytes are checked.
    pub damaged: Vec<(usize, String)>,
    /// Results that another kind of machine made, taken from elsewhere: they are not ours to push.
    pub foreign: Vec<usize>,
    pub failed: Vec<(usize, String)>,
    /// Tasks that are not up to date.
    pub not_current: Vec<usize>,
    /// Results that were not looked at because the remote is not asked any more, or the caller stopped.
    pub left: Vec<usize>,
}

/// How far a push is.
#[derive(Debug, Clone, Copy)]
pub struct PushProgress {
    pub done: usize,
    pub total: usize,
    /// Bytes sent so far.
    pub bytes: u64,
}

enum Sent {
    Pushed { bytes: u64 },
    Repaired { bytes: u64 },
    There,
    Conflict(String),
    Damaged(String),
    Foreign,
    Failed(String),
    Left,
}

/// What stands under the name of a record.
enum There {
    Nothing,
    /// A record of the same outputs.
    Equal,
    /// A record of other outputs, or of another version.
    Other(String),
    /// No record, or one of another result: it is damaged.
    Damaged(String),
}

/// Pushes results that are up to date, several at once. `progress` is called by this thread.
pub fn push(
    request: &PushRequest<'_>,
    remote: &Remote,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(PushProgress),
) -> Pushed {
    let PushRequest {
        plan,
        tasks,
        survey,
        store,
        check,
    } = *request;
    let mut pushed = Pushed::default();
    // Tasks with one key share a result.
    let mut keys: BTreeMap<Key, usize> = BTreeMap::new();
    for &task in tasks {
        match survey.get(task) {
            Some(state) if state.is_current() => {
                if let Some(key) = state.key() {
                    keys.entry(key).or_insert(task);
                }
            }
            _ => pushed.not_current.push(task),
        }
    }
    let mut results: Vec<(usize, Key)> = keys.into_iter().map(|(key, task)| (task, key)).collect();
    results.sort();
    let (next, total) = (AtomicUsize::new(0), results.len());
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(total) {
            let (sender, next, results) = (sender.clone(), &next, &results);
            scope.spawn(move || {
                while let Some(&(task, key)) = results.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let sent = match cancel.load(Ordering::Relaxed) {
                        true => Sent::Left,
                        false => {
                            let last = layout::last(&plan.name, &plan.tasks[task].id);
                            remote.push(&last, store, key, check.is_of_bytes(task))
                        }
                    };
                    // The receiver outlives every thread of the scope.
                    let _ = sender.send((task, sent));
                }
            });
        }
        drop(sender);
        let mut done = 0;
        loop {
            match receiver.recv_timeout(TICK) {
                Ok((task, sent)) => {
                    pushed.add(task, sent);
                    done += 1;
                    let bytes = pushed.bytes;
                    progress(PushProgress { done, total, bytes });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if cancel.load(Ordering::Relaxed) {
                remote.client.stop();
            }
        }
    });
    pushed.sort();
    pushed
}

impl Pushed {
    fn add(&mut self, task: usize, sent: Sent) {
        match sent {
            Sent::Pushed { bytes } => {
                self.pushed.push(task);
                self.bytes += bytes;
            }
            Sent::Repaired { bytes } => {
                self.repaired.push(task);
                self.add(task, Sent::Pushed { bytes });
            }
            Sent::There => self.there.push(task),
            Sent::Conflict(reason) => self.conflicts.push((task, reason)),
            Sent::Damaged(reason) => self.damaged.push((task, reason)),
            Sent::Foreign => self.foreign.push(task),
            Sent::Failed(reason) => self.failed.push((task, reason)),
            Sent::Left => self.left.push(task),
        }
    }

    fn sort(&mut self) {
        for tasks in [
            &mut self.pushed,
            &mut self.repaired,
            &mut self.there,
            &mut self.foreign,
            &mut self.left,
        ] {
            tasks.sort_unstable();
        }
        self.conflicts.sort();
        self.damaged.sort();
        self.failed.sort();
    }
}

impl Remote {
    /// Which of these results are there with the bytes that `store` has: each is fetched and compared.
    ///
    /// # Errors
    /// The remote cannot say.
    pub fn holds_intact(&self, store: &Store, keys: &[Key]) -> Result<BTreeSet<Key>, Trouble> {
        self.filter_keys(keys, |key| self.is_intact(store, key))
    }

    fn is_intact(&self, store: &Store, key: Key) -> Result<bool, Trouble> {
        let Ok(Some(record)) = store.record(key) else {
            return Ok(false);
        };
        let scratch = tempfile::tempdir().map_err(local)?;
        let object = layout::record(key, &self.machine_id);
        let there = self.there(&object, scratch.path(), &record)?;
        if !matches!(there, There::Equal) {
            return Ok(false);
        }
        for (kind, output) in &record.outputs {
            let object = layout::output(key, kind, output.file);
            if !self.has_bytes(object, scratch.path(), output.file)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns whether an object is there with these bytes: it is fetched and digested.
    fn has_bytes(&self, object: String, scratch: &Path, file: FileDigest) -> Result<bool, Trouble> {
        let to = scratch.join("fetched");
        match self.fetch(object, &to, file.bytes) {
            Ok(Some(_)) => {}
            Err(trouble) if trouble.fault != Fault::Object => return Err(trouble),
            _ => return Ok(false),
        }
        let is_equal = digest_file(&to).is_ok_and(|found| found == file);
        std::fs::remove_file(&to).map_err(local)?;
        Ok(is_equal)
    }

    /// Returns whether something can be pushed: the kind of this machine is described, which pushing does in any case.
    ///
    /// # Errors
    /// Nothing can be pushed.
    pub(super) fn probe(&self) -> Result<(), Trouble> {
        let scratch = tempfile::tempdir().map_err(local)?;
        let (path, file) = self.machine_file(scratch.path())?;
        let object = layout::machine(&self.machine_id);
        // A remote that takes nothing may still give.
        let tried = self
            .client
            .try_once(store_action(&object, &path, file, false));
        tried.map(drop)
    }

    /// Sends what the kind of this machine is, unless it is known to be there; returns the bytes sent. A remote that does not take that
    /// takes nothing: it is not asked any more.
    fn describe_machine(&self, scratch: &Path, checks_bytes: bool) -> Result<u64, Trouble> {
        // Others wait, so that it is sent once.
        let mut is_described = self
            .is_described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *is_described {
            return Ok(0);
        }
        let (path, file) = self.machine_file(scratch)?;
        let object = layout::machine(&self.machine_id);
        let sent = match checks_bytes {
            true => self.send_unless_intact(object, &path, file, scratch),
            false => self.send(object, &path, file),
        };
        let sent = sent.inspect_err(|trouble| self.client.give_up(trouble))?;
        *is_described = true;
        Ok(sent)
    }

    /// Pushes one result. The object `last` explains later why another result of the same task is missing.
    fn push(&self, last: &str, store: &Store, key: Key, checks_bytes: bool) -> Sent {
        if self.given_up().is_some() {
            return Sent::Left;
        }
        let record = match store.record(key) {
            Ok(Some(record)) => record,
            Ok(None) => return Sent::Failed("its result is gone".to_owned()),
            Err(reason) => return Sent::Failed(format!("its record cannot be used: {reason}")),
        };
        if record.computed_on.is_some() {
            return Sent::Foreign;
        }
        self.push_record(last, store, key, &record, checks_bytes)
            .unwrap_or_else(|trouble| match self.client.is_stopped() {
                false if trouble.was_asked => Sent::Failed(trouble.message),
                // The caller or an earlier failure has ended the conversation: it says nothing of this result.
                _ => Sent::Left,
            })
    }

    fn push_record(
        &self,
        last: &str,
        store: &Store,
        key: Key,
        record: &Record,
        checks_bytes: bool,
    ) -> Result<Sent, Trouble> {
        let scratch = tempfile::tempdir().map_err(local)?;
        let object = layout::record(key, &self.machine_id);
        let there = self.there(&object, scratch.path(), record)?;
        let is_damaged = match there {
            There::Nothing => false,
            There::Equal => {
                let mut sent = self.complete(store, key, record, scratch.path(), checks_bytes)?;
                if checks_bytes {
                    sent += self.describe_machine(scratch.path(), true)?;
                    sent += self.mend_last(last, store, key, scratch.path())?;
                }
                return Ok(match sent {
                    0 => Sent::There,
                    bytes => Sent::Repaired { bytes },
                });
            }
            There::Damaged(_) if checks_bytes => true,
            There::Damaged(reason) => return Ok(Sent::Damaged(reason)),
            There::Other(reason) => return Ok(Sent::Conflict(reason)),
        };
        if self.describe_machine(scratch.path(), checks_bytes).is_err() {
            return Ok(Sent::Left);
        }
        let sent = match is_damaged {
            true => self.complete(store, key, record, scratch.path(), true)?,
            false => self.send_outputs(store, key, record)?,
        };
        let (path, file) = record_file(store, key)?;
        // What explains misses goes first: a later push does not look for it where the record is.
        self.replace(last, &path, file)?;
        let own = store_action(&object, &path, file, is_damaged);
        match self.client.ask(own)? {
            Outcome::Stored => {}
            // Another was faster.
            _ => match self.there(&object, scratch.path(), record)? {
                There::Nothing => {}
                There::Equal => return Ok(Sent::There),
                There::Other(reason) => return Ok(Sent::Conflict(reason)),
                There::Damaged(reason) => return Ok(Sent::Damaged(reason)),
            },
        }
        let bytes = sent + file.bytes;
        Ok(match is_damaged {
            true => Sent::Repaired { bytes },
            false => Sent::Pushed { bytes },
        })
    }

    /// Sends our record as that of the last pushed result of a task unless there is one, of this result or another, that can be read;
    /// returns the bytes sent.
    fn mend_last(
        &self,
        last: &str,
        store: &Store,
        key: Key,
        scratch: &Path,
    ) -> Result<u64, Trouble> {
        let to = scratch.join(RECORD_NAME);
        let fetched = match self.fetch(last.to_owned(), &to, super::take::LARGEST_RECORD) {
            // Larger than any record.
            Err(trouble) if trouble.fault == Fault::Object => None,
            fetched => fetched?,
        };
        if fetched.is_some() {
            let text = std::fs::read(&to).map_err(local)?;
            std::fs::remove_file(&to).map_err(local)?;
            if !matches!(Record::parse_shared(&text), Err(RecordFlaw::Damage(_))) {
                return Ok(0);
            }
        }
        let (path, file) = record_file(store, key)?;
        self.replace(last, &path, file)
    }

    /// Sends all outputs, as far as others have not; returns the bytes sent.
    fn send_outputs(&self, store: &Store, key: Key, record: &Record) -> Result<u64, Trouble> {
        let mut sent = 0;
        for (kind, output) in &record.outputs {
            let object = layout::output(key, kind, output.file);
            sent += self.send(object, &store.output(key, kind), output.file)?;
        }
        Ok(sent)
    }

    /// Sends the outputs that are not there, or cut, or damaged if their bytes are checked; returns the bytes sent.
    fn complete(
        &self,
        store: &Store,
        key: Key,
        record: &Record,
        scratch: &Path,
        checks_bytes: bool,
    ) -> Result<u64, Trouble> {
        let mut sent = 0;
        for (kind, output) in &record.outputs {
            let (object, file) = (layout::output(key, kind, output.file), output.file);
            let from = store.output(key, kind);
            sent += match checks_bytes {
                true => self.send_unless_intact(object, &from, file, scratch)?,
                false => self.send_unless_whole(object, &from, file)?,
            };
        }
        Ok(sent)
    }

    /// Sends a file unless an object of its length is there; returns the bytes sent. The name of the object is that of its content: what
    /// is replaced is not what it should be.
    fn send_unless_whole(
        &self,
        object: String,
        from: &Path,
        file: FileDigest,
    ) -> Result<u64, Trouble> {
        let look = Action::Look {
            object: object.clone(),
        };
        match self.client.ask(look)? == (Outcome::There { bytes: file.bytes }) {
            true => Ok(0),
            false => self.replace(&object, from, file),
        }
    }

    /// Sends a file unless an object of its bytes is there; returns the bytes sent.
    fn send_unless_intact(
        &self,
        object: String,
        from: &Path,
        file: FileDigest,
        scratch: &Path,
    ) -> Result<u64, Trouble> {
        match self.has_bytes(object.clone(), scratch, file)? {
            true => Ok(0),
            false => self.replace(&object, from, file),
        }
    }

    /// Makes an object of a file, whatever stood under its name; returns the bytes sent.
    fn replace(&self, object: &str, from: &Path, file: FileDigest) -> Result<u64, Trouble> {
        self.client.ask(store_action(object, from, file, true))?;
        Ok(file.bytes)
    }

    /// What stands under the name of a record, compared with ours.
    fn there(&self, object: &str, scratch: &Path, ours: &Record) -> Result<There, Trouble> {
        let to = scratch.join(RECORD_NAME);
        let most = super::take::LARGEST_RECORD;
        if self.fetch(object.to_owned(), &to, most)?.is_none() {
            return Ok(There::Nothing);
        }
        let text = std::fs::read(&to).map_err(local)?;
        std::fs::remove_file(&to).map_err(local)?;
        Ok(match Record::parse_shared(&text) {
            Err(flaw @ RecordFlaw::Version(_)) => {
                There::Other(format!("its record there, {object}, {flaw}"))
            }
            Err(flaw) => There::Damaged(format!("its record there, {object}, {flaw}")),
            Ok(theirs) if theirs.key_inputs.key() != ours.key_inputs.key() => There::Damaged(
                format!("its record there, {object}, is damaged: it belongs to another result"),
            ),
            Ok(theirs) if theirs.outputs == ours.outputs => There::Equal,
            Ok(theirs) => {
                let differs = |kind: &&_| theirs.outputs.get(*kind) != ours.outputs.get(*kind);
                let differing: Vec<String> = ours
                    .outputs
                    .keys()
                    .filter(differs)
                    .map(|kind| format!("`{kind}`"))
                    .collect();
                There::Other(format!(
                    "what is there has another content ({}), of the same key and kind of machine",
                    differing.join(", ")
                ))
            }
        })
    }

    /// Makes an object of a file unless it is there with that size; returns the bytes sent.
    fn send(&self, object: String, from: &Path, file: FileDigest) -> Result<u64, Trouble> {
        let stored = self.client.ask(store_action(&object, from, file, false))?;
        match stored {
            Outcome::There { bytes } if bytes == file.bytes => Ok(0),
            // It has the name of this content and another size: somebody's push was cut.
            Outcome::There { .. } => self.replace(&object, from, file),
            _ => Ok(file.bytes),
        }
    }

    /// The kind of this machine as a file.
    fn machine_file(&self, scratch: &Path) -> Result<(PathBuf, FileDigest), Trouble> {
        let path = scratch.join("machine.json");
        let text = machine_text(&self.machine).map_err(local)?;
        std::fs::write(&path, &text).map_err(local)?;
        let bytes = text.len() as u64;
        let blake3 = Digest::of(&text);
        Ok((path, FileDigest { bytes, blake3 }))
    }
}

/// The record of a result as a file.
fn record_file(store: &Store, key: Key) -> Result<(PathBuf, FileDigest), Trouble> {
    let path = store.folder(key).join(RECORD_NAME);
    let file = digest_file(&path).map_err(|error| local(std::io::Error::other(error)))?;
    Ok((path, file))
}

fn store_action(object: &str, from: &Path, file: FileDigest, replace: bool) -> Action {
    Action::Store {
        object: object.to_owned(),
        from: from.to_owned(),
        bytes: file.bytes,
        blake3: file.blake3.to_string(),
        replace,
    }
}

fn machine_text(machine: &Machine) -> std::io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(machine)?;
    text.push(b'\n');
    Ok(text)
}

fn local(error: std::io::Error) -> Trouble {
    let message = format!("a file on this machine cannot be used: {error}");
    Trouble::new(Fault::File, &message)
}
