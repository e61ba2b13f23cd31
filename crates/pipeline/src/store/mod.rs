//! The artifacts folder: results by key, readable links to them, logs, and the lock of the run.
//!
//! ```text
//! artifacts/store/<key>/<output>                the outputs of one task and its task.json
//! artifacts/store/.tmp-<key>-<random>/          a task being run
//! artifacts/<pipeline>/<task>                   link to ../store/<key>
//! artifacts/<pipeline>/figures/<name>.svg       link to ../<task>/figure.svg
//! artifacts/<pipeline>/logs/<task>.log          log of the last time the task ran
//! artifacts/code/<fingerprint>.json             what the code behind a fingerprint consists of
//! artifacts/ledger/<time>-<pid>.parquet         what each run cost
//! artifacts/.stamps.jsonl                       digests of files that have not changed
//! artifacts/.lock                               held while tasks run
//! ```
//!
//! A folder under its key is complete: it gets that name only once all outputs are checked and synced.
//! Whether it is still intact is asked again each time it is used.

mod code;
mod error;
mod key;
mod links;
mod lock;
mod names;
mod place;
mod record;
mod stamps;

use std::path::{Path, PathBuf};

use eigenscope_artifact::Kind;

pub use error::StoreError;
pub use key::{Ingredients, InputRecord, Key};
pub(crate) use links::{figure_files, link_names, symlink};
pub use lock::RunLock;
pub(crate) use lock::entries;
pub use names::{FigureNames, check_names, figure_names};
pub(crate) use names::{NOT_PIPELINES, file_name};
pub use place::{PlaceError, Placed, WorkFolder};
pub(crate) use record::RECORD_NAME;
pub use record::{OutputRecord, Outputs, RECORD_VERSION, Record};
pub(crate) use stamps::{KnownOutput, KnownResult, Stamp, Stamps, look};

/// An artifacts folder. Nothing is created before a run needs it.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// What a readable link leads to.
#[derive(Debug)]
pub(crate) enum Previous {
    /// There is no link: the task has never been made.
    None,
    /// The link names a folder that is gone.
    Gone(Option<Key>),
    /// The record of the task as it was made last.
    Record(Box<Record>),
    /// The folder is there and its record cannot be read.
    Unreadable(String),
}

impl Store {
    /// The artifacts folder at `root`, which need not exist yet.
    pub fn new(root: &Path) -> Result<Self, StoreError> {
        std::path::absolute(root)
            .map(|root| Self { root })
            .map_err(|source| StoreError::io("find", root, source))
    }

    /// The artifacts folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of all results.
    pub fn results(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Folder of the result with this key.
    pub fn folder(&self, key: Key) -> PathBuf {
        self.results().join(key.to_string())
    }

    /// An output of the result with this key.
    pub fn output(&self, key: Key, kind: Kind) -> PathBuf {
        self.folder(key).join(kind.file_name())
    }

    /// Folder of a pipeline's readable links.
    pub fn pipeline(&self, pipeline: &str) -> PathBuf {
        self.root.join(pipeline)
    }

    /// The readable link to the result of a task.
    pub fn link(&self, pipeline: &str, task: &str) -> PathBuf {
        self.pipeline(pipeline).join(file_name(task))
    }

    /// The readable link to the last result of a task; earlier versions named it by the id itself.
    pub(crate) fn last_link(&self, pipeline: &str, task: &str) -> PathBuf {
        let old = self.pipeline(pipeline).join(task);
        let link = self.link(pipeline, task);
        match !link.is_symlink() && old.is_symlink() {
            true => old,
            false => link,
        }
    }

    /// The log of a task.
    pub fn log(&self, pipeline: &str, task: &str) -> PathBuf {
        self.pipeline(pipeline)
            .join("logs")
            .join(format!("{}.log", file_name(task)))
    }

    /// Folder of the ledgers.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// The record of the result with this key; `None` if there is no such result.
    pub fn record(&self, key: Key) -> Result<Option<Record>, String> {
        let folder = self.folder(key);
        match Record::read(&folder)? {
            None if folder.exists() => Err("it is missing".to_owned()),
            Some(record) if record.ingredients.key() != key => {
                Err("it does not belong to its folder".to_owned())
            }
            found => Ok(found),
        }
    }

    /// The key that the readable link of a task names, whether or not there is such a result.
    pub(crate) fn linked(&self, pipeline: &str, task: &str) -> Option<Key> {
        named_key(&std::fs::read_link(self.last_link(pipeline, task)).ok()?)
    }

    /// What the readable link of a task leads to.
    pub(crate) fn previous(&self, pipeline: &str, task: &str) -> Previous {
        let link = self.last_link(pipeline, task);
        let Ok(target) = std::fs::read_link(&link) else {
            return Previous::None;
        };
        match Record::read(&link) {
            Ok(Some(record)) => Previous::Record(Box::new(record)),
            Ok(None) if link.exists() => Previous::Unreadable("it is missing".to_owned()),
            Ok(None) => Previous::Gone(named_key(&target)),
            Err(reason) => Previous::Unreadable(reason),
        }
    }
}

/// The key that is the last part of a path.
pub(crate) fn named_key(path: &Path) -> Option<Key> {
    path.file_name()?.to_str()?.parse().ok()
}
