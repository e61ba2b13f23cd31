//! Pushing results: outputs first, the record last, nothing replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use eigenscope_artifact::{Digest, FileDigest, digest_file};
use eigenscope_plan::Plan;
use eigenscope_remote_protocol::{Action, Fault, Outcome};

use super::{PARALLEL, Remote, Trouble, layout};
use crate::machine::Machine;
use crate::store::{Key, RECORD_NAME, Record, Store};
use crate::survey::Survey;

/// What became of the results that were to be pushed. Tasks are indices into the plan.
#[derive(Debug, Default)]
pub struct Pushed {
    pub pushed: Vec<usize>,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Results that were there already, equal to ours.
    pub there: Vec<usize>,
    /// Results that are there with another content. They stay as they are.
    pub conflicts: Vec<(usize, String)>,
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
    There,
    Conflict(String),
    Foreign,
    Failed(String),
    Left,
}

/// Pushes the results of `tasks` that are up to date, several at once. `progress` is called by this thread.
pub fn push(
    plan: &Plan,
    tasks: &[usize],
    survey: &Survey,
    store: &Store,
    remote: &Remote,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(PushProgress),
) -> Pushed {
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
                        false => remote.push(&plan.name, &plan.tasks[task].id, store, key),
                    };
                    // The receiver outlives every thread of the scope.
                    let _ = sender.send((task, sent));
                }
            });
        }
        drop(sender);
        for (done, (task, sent)) in receiver.iter().enumerate() {
            pushed.add(task, sent);
            if cancel.load(Ordering::Relaxed) {
                remote.client.stop();
            }
            let (done, bytes) = (done + 1, pushed.bytes);
            progress(PushProgress { done, total, bytes });
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
            Sent::There => self.there.push(task),
            Sent::Conflict(reason) => self.conflicts.push((task, reason)),
            Sent::Foreign => self.foreign.push(task),
            Sent::Failed(reason) => self.failed.push((task, reason)),
            Sent::Left => self.left.push(task),
        }
    }

    fn sort(&mut self) {
        for tasks in [
            &mut self.pushed,
            &mut self.there,
            &mut self.foreign,
            &mut self.left,
        ] {
            tasks.sort_unstable();
        }
        self.conflicts.sort();
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
        if !matches!(
            self.there(&object, scratch.path(), &record)?,
            Some(Sent::There)
        ) {
            return Ok(false);
        }
        for (kind, output) in &record.outputs {
            let to = scratch.path().join(kind.file_name());
            let object = layout::output(key, kind, output.file);
            match self.fetch(object, &to, output.file.bytes) {
                Ok(Some(_)) => {}
                Err(trouble) if trouble.fault != Fault::Object => return Err(trouble),
                _ => return Ok(false),
            }
            if !digest_file(&to).is_ok_and(|found| found == output.file) {
                return Ok(false);
            }
            std::fs::remove_file(&to).map_err(local)?;
        }
        Ok(true)
    }

    fn push(&self, pipeline: &str, task: &str, store: &Store, key: Key) -> Sent {
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
        self.push_record(pipeline, task, store, key, &record)
            .unwrap_or_else(|trouble| Sent::Failed(trouble.message))
    }

    fn push_record(
        &self,
        pipeline: &str,
        task: &str,
        store: &Store,
        key: Key,
        record: &Record,
    ) -> Result<Sent, Trouble> {
        let scratch = tempfile::tempdir().map_err(local)?;
        let object = layout::record(key, &self.machine_id);
        match self.there(&object, scratch.path(), record)? {
            None => {}
            Some(Sent::There) => return self.complete(store, key, record),
            Some(other) => return Ok(other),
        }
        let mut sent = 0;
        for (kind, output) in &record.outputs {
            let name = layout::output(key, kind, output.file);
            sent += self.send(name, &store.output(key, kind), output.file)?;
        }
        if !self.is_described.load(Ordering::Relaxed) {
            let (path, file) = self.machine_file(scratch.path())?;
            self.send(layout::machine(&self.machine_id), &path, file)?;
            self.is_described.store(true, Ordering::Relaxed);
        }
        let path = store.folder(key).join(RECORD_NAME);
        let file = digest_file(&path).map_err(|error| local(std::io::Error::other(error)))?;
        let once = |object: String, replace| Action::Store {
            object,
            from: path.clone(),
            bytes: file.bytes,
            blake3: file.blake3.to_string(),
            replace,
        };
        match self.client.ask(once(object.clone(), false))? {
            Outcome::Stored => {}
            // Another was faster.
            _ => {
                if let Some(there) = self.there(&object, scratch.path(), record)? {
                    return Ok(there);
                }
            }
        }
        self.client.ask(once(layout::last(pipeline, task), true))?;
        Ok(Sent::Pushed {
            bytes: sent + file.bytes,
        })
    }

    /// Sends the outputs that are missing or cut beside a record that is there.
    fn complete(&self, store: &Store, key: Key, record: &Record) -> Result<Sent, Trouble> {
        let mut sent = 0;
        for (kind, output) in &record.outputs {
            let object = layout::output(key, kind, output.file);
            let look = Action::Look {
                object: object.clone(),
            };
            match self.client.ask(look)? {
                Outcome::There { bytes } if bytes == output.file.bytes => {}
                _ => sent += self.send(object, &store.output(key, kind), output.file)?,
            }
        }
        Ok(match sent {
            0 => Sent::There,
            bytes => Sent::Pushed { bytes },
        })
    }

    /// What stands under the name of a record, compared with ours; `None` if nothing does.
    fn there(&self, object: &str, scratch: &Path, ours: &Record) -> Result<Option<Sent>, Trouble> {
        let to = scratch.join(RECORD_NAME);
        let most = super::take::LARGEST_RECORD;
        if self.fetch(object.to_owned(), &to, most)?.is_none() {
            return Ok(None);
        }
        let text = std::fs::read(&to).map_err(local)?;
        std::fs::remove_file(&to).map_err(local)?;
        Ok(Some(match Record::parse(&text) {
            Err(reason) => Sent::Conflict(format!(
                "its record there ({object}) cannot be used: {reason}; remove that object to push again"
            )),
            Ok(theirs) if theirs.outputs == ours.outputs => Sent::There,
            Ok(theirs) => {
                let differs = |kind: &&_| theirs.outputs.get(*kind) != ours.outputs.get(*kind);
                let differing: Vec<String> = ours
                    .outputs
                    .keys()
                    .filter(differs)
                    .map(|kind| format!("`{kind}`"))
                    .collect();
                Sent::Conflict(format!(
                    "what is there has another content ({}), of the same key and kind of machine: `eigenscope verify` tells \
                     whether this one is computed the same again",
                    differing.join(", ")
                ))
            }
        }))
    }

    /// Makes an object of a file unless it is there with that size; returns the bytes sent.
    fn send(&self, object: String, from: &Path, file: FileDigest) -> Result<u64, Trouble> {
        let store = |replace| {
            self.client.ask(Action::Store {
                object: object.clone(),
                from: from.to_owned(),
                bytes: file.bytes,
                blake3: file.blake3.to_string(),
                replace,
            })
        };
        if let Outcome::There { bytes } = store(false)? {
            if bytes == file.bytes {
                return Ok(0);
            }
            // It has the name of this content and another size: somebody's push was cut.
            store(true)?;
        }
        Ok(file.bytes)
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

fn machine_text(machine: &Machine) -> std::io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(machine)?;
    text.push(b'\n');
    Ok(text)
}

fn local(error: std::io::Error) -> Trouble {
    let fault = eigenscope_remote_protocol::Fault::File;
    let message = format!("a file on this machine cannot be used: {error}");
    Trouble { fault, message }
}
