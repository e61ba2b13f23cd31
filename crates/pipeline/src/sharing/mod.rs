//! Results that are shared: taken from elsewhere instead of being computed, and pushed for others.
//!
//! Elsewhere is a second store on disk, which is only read, or a *remote*: a bucket, a web server or a folder that the program
//! `eigenscope-remote` reaches ([`Client`]). This module knows results and no cloud, that program knows clouds and no results.
//!
//! ```text
//! v1/<key>/<digest>.<output>         an output, named by the digest of its file
//! v1/<key>/<machine>/task.json       the record of the result as that kind of machine made it, written last of all and never replaced
//! v1/machines/<machine>.json         what that kind of machine is
//! v1/tasks/<task>/task.json          the record of the last pushed result of a task, to say what has changed since
//! ```
//!
//! A result is there if its record is, and two that push at once cannot mix theirs. Nothing from a remote is trusted: names are made
//! here, sizes are those of the record or the object is refused, and every file is digested before it is placed.

mod client;
mod layout;
mod miss;
mod push;
mod take;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub use client::{Client, Hearing, Listener, RemoteError, Trouble};
use eigenscope_remote_protocol::{Action, Outcome};
pub use eigenscope_remote_protocol::{Open, PROGRAM, PROTOCOL_VERSION, Patience};
pub use miss::Miss;
pub use push::{Check, PushProgress, PushRequest, Pushed, push};
pub use take::Origin;
pub(crate) use take::{Lookup, Wanted};

use crate::machine::Machine;
use crate::store::{Key, RESULTS, Store, StoreError};

/// Requests to a remote that are under way at once.
pub const PARALLEL: usize = 16;

/// Where results may be taken from.
#[derive(Debug)]
pub struct Sharing {
    /// Other artifacts folders, asked first and in this order.
    disks: Vec<Store>,
    remote: Option<Remote>,
    /// Misses that have been explained by the last result of the task.
    explained: AtomicUsize,
    /// Whether the caller pushes what it makes, and the remote has not been found to take nothing.
    pushes: AtomicBool,
    /// Whether it was said that the remote is waited for.
    is_wait_told: AtomicBool,
}

impl Sharing {
    /// `disks` are other artifacts folders.
    ///
    /// # Errors
    /// One of them is not one.
    pub fn new(disks: &[PathBuf], remote: Option<Remote>) -> Result<Self, StoreError> {
        let disks = disks.iter().map(|path| second_store(path));
        Ok(Self {
            disks: disks.collect::<Result<_, _>>()?,
            remote,
            explained: AtomicUsize::new(0),
            pushes: AtomicBool::new(false),
            is_wait_told: AtomicBool::new(false),
        })
    }

    /// The same for a caller that pushes what it makes.
    #[must_use]
    pub fn pushing(self) -> Self {
        self.pushes.store(self.remote.is_some(), Ordering::Relaxed);
        self
    }

    /// Returns whether what was made is to be pushed.
    pub fn pushes(&self) -> bool {
        self.pushes.load(Ordering::Relaxed)
    }

    /// Tries whether the remote takes something, if it is to be pushed to; a line for the user if it does not.
    pub(crate) fn probe(&self) -> Option<String> {
        let remote = self.remote.as_ref().filter(|_| self.pushes())?;
        let trouble = remote.probe().err()?;
        self.pushes.store(false, Ordering::Relaxed);
        let url = &remote.url;
        (!remote.client.is_stopped()).then(|| {
            format!(
                "warning: nothing can be pushed to {url}, so this run pushes nothing: {trouble}"
            )
        })
    }

    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// A line for the user about a remote that is waited for, the first time that there is something to say.
    pub(crate) fn waited_for(&self) -> Option<String> {
        let remote = self.remote.as_ref()?;
        if self.is_wait_told.load(Ordering::Relaxed) {
            return None;
        }
        let line = remote.listener().hearing()?.waited_for(&remote.url)?;
        self.is_wait_told.store(true, Ordering::Relaxed);
        Some(line)
    }

    /// Ends what is under way; nothing is taken any more.
    pub(crate) fn stop(&self) {
        if let Some(remote) = &self.remote {
            remote.client.stop();
        }
    }
}

/// The folder of results of somebody else.
///
/// # Errors
/// It is none: what it is instead, and what to do.
pub fn second_store(path: &Path) -> Result<Store, StoreError> {
    let holds_results = |folder: &Path| folder.join(RESULTS).is_dir();
    if !path.is_dir() {
        return Err(StoreError::no_second_store(path));
    }
    if holds_results(path) {
        return Store::new(path);
    }
    let is_empty = path
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_none());
    let above = path.parent().filter(|above| holds_results(above));
    let below = path.join("artifacts");
    let below = Some(below.as_path()).filter(|below| holds_results(below));
    let advice = match above.filter(|_| path.ends_with(RESULTS)).or(below) {
        Some(meant) => format!("name {}", meant.display()),
        None if path.join(layout::ROOT).is_dir() => {
            "it is what [remote] reads: name it there, as `url`".to_owned()
        }
        None if is_empty => "it is empty: mount it, or leave it out of the settings".to_owned(),
        None => {
            "name the folder `artifacts` of a project, or leave it out of the settings".to_owned()
        }
    };
    Err(StoreError::Refused(format!(
        "{} of [[stores]] is no folder of results, which holds a folder `{RESULTS}`: {advice}",
        path.display()
    )))
}

/// A store that is reached through the program `eigenscope-remote`.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    /// Its address, as the user gave it.
    url: String,
    machine: Machine,
    /// Names the kind of machine in the store.
    machine_id: String,
    /// Whether results of other kinds of machine are taken.
    any_machine: bool,
    /// Whether it was found to list nothing, as web servers do.
    lists_nothing: AtomicBool,
    /// Whether the kind of this machine is known to be described there.
    is_described: Mutex<bool>,
}

impl Remote {
    /// Starts `program` for the store of `open`.
    ///
    /// # Errors
    /// The program is missing, does not start, or cannot use such a store.
    pub fn open(
        program: &Path,
        open: &Open,
        shown_as: &str,
        any_machine: bool,
    ) -> Result<Self, RemoteError> {
        let machine = Machine::this();
        Ok(Self {
            client: Client::start(program, open)?,
            url: shown_as.to_owned(),
            machine_id: machine.id(),
            machine,
            any_machine,
            lists_nothing: AtomicBool::new(false),
            is_described: Mutex::new(false),
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Which of these results are there, as this kind of machine made them.
    ///
    /// # Errors
    /// The remote cannot say.
    pub fn holds(&self, keys: &[Key]) -> Result<BTreeSet<Key>, Trouble> {
        self.filter_keys(keys, |key| {
            let object = layout::record(key, &self.machine_id);
            let found = self.client.ask(Action::Look { object })?;
            Ok(matches!(found, Outcome::There { .. }))
        })
    }

    /// The keys for which `holds` is true; it is called by up to [`PARALLEL`] threads at once.
    fn filter_keys(
        &self,
        keys: &[Key],
        holds: impl Fn(Key) -> Result<bool, Trouble> + Sync,
    ) -> Result<BTreeSet<Key>, Trouble> {
        let next = AtomicUsize::new(0);
        let look = || -> Result<Vec<Key>, Trouble> {
            let mut held = Vec::new();
            while let Some(&key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
                if holds(key)? {
                    held.push(key);
                }
            }
            Ok(held)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..PARALLEL.min(keys.len()))
                .map(|_| scope.spawn(look))
                .collect();
            let mut held = BTreeSet::new();
            for thread in threads {
                held.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            Ok(held)
        })
    }

    /// Writes an object into the new file `to` and returns its size; `None` if there is no such object.
    fn fetch(&self, object: String, to: &Path, at_most: u64) -> Result<Option<u64>, Trouble> {
        let fetched = self.client.ask(Action::Fetch {
            object,
            to: to.to_owned(),
            at_most,
        })?;
        Ok(match fetched {
            Outcome::Fetched { bytes } => Some(bytes),
            _ => None,
        })
    }

    /// Where to learn whether it answers.
    pub fn listener(&self) -> Listener {
        self.client.listener()
    }

    /// Why it is not asked any more, if it is not.
    pub fn given_up(&self) -> Option<String> {
        self.client.given_up()
    }
}
