//! The artifacts folder: results by key, readable links to them, logs, and the lock of the run.
//!
//! ```text
//! artifacts/store/<key>/<output>                the outputs of one task and its task.json
//! artifacts/store/.tmp-<key>-<random>/          a task being run
//! artifacts/<pipeline>/<task>                   link to ../store/<key>
//! artifacts/<pipeline>/figures/<name>.svg       link to ../<task>/figure.svg
//! artifacts/<pipeline>/logs/<task>.log          log of the last time the task ran
//! artifacts/<pipeline>/.run.json                what the last run did, or does (see the module `watch`)
//! artifacts/code/<fingerprint>.json             what the code behind a fingerprint consists of
//! artifacts/ledger/<number>-<time>-<pid>.parquet what each run cost
//! artifacts/.stamps.jsonl                       digests of files that have not changed
//! artifacts/.pipelines.json                     the pipeline files that have results here
//! artifacts/.slurm/<batch>/                     tasks that were submitted to Slurm
//! artifacts/.lock                               held while tasks run
//! ```
//!
//! A folder under its key is complete: it gets that name only once all outputs are checked and synced.
//! It is checked again each time it is used.

mod batches;
mod code;
mod commit;
mod error;
mod file_system;
mod holder;
mod key;
mod links;
mod listing;
mod lock;
mod names;
mod outside;
mod picture_changes;
mod pipelines;
mod record;
mod stamps;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use eigenscope_artifact::KindName;

pub use commit::{CommitError, Committed, WorkFolder};
pub use error::StoreError;
pub use file_system::FileSystem;
pub(crate) use key::{BorrowedInput, BorrowedKeyInputs};
pub use key::{InputRecord, Key, KeyInputs};
pub(crate) use links::{figure_files, is_result_link, link_names, symlink};
pub(crate) use listing::Listing;
pub use lock::RunLock;
pub(crate) use lock::entries;
pub use names::{FigureNames, check_names, figure_names, is_pipeline_name};
pub(crate) use names::{NOT_PIPELINES, file_name};
pub use outside::Outside;
pub(crate) use pipelines::canonical;
pub use record::{OutputRecord, Outputs, RECORD_VERSION, Record};
pub(crate) use record::{RECORD_NAME, RecordFlaw};
pub(crate) use stamps::{CachedOutput, CachedResult, Stamp, Stamps, inspect};

/// Name of the folder of the results.
pub(crate) const RESULTS: &str = "store";

/// An artifacts folder. Nothing is created before a run needs it.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    /// Whether runs are kept apart by a lock.
    locking: bool,
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
    ///
    /// # Errors
    /// Something else than a folder stands there, or a link that leads nowhere.
    pub fn new(root: &Path) -> Result<Self, StoreError> {
        let root =
            std::path::absolute(root).map_err(|source| StoreError::io("find", root, source))?;
        if let Some(error) = dangling_link(&root) {
            return Err(error);
        }
        if root.metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(StoreError::io(
                "use",
                &root,
                ErrorKind::NotADirectory.into(),
            ));
        }
        let locking = true;
        Ok(Self { root, locking })
    }

    /// The same folder, used without a lock: two runs in it at once would spoil each other's results.
    pub fn without_lock(self) -> Self {
        Self {
            locking: false,
            ..self
        }
    }

    /// The artifacts folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn results(&self) -> PathBuf {
        self.root.join(RESULTS)
    }

    /// Folder of the result with this key.
    pub fn folder(&self, key: Key) -> PathBuf {
        self.results().join(key.to_string())
    }

    /// An output of the result with this key.
    pub fn output(&self, key: Key, kind: &KindName) -> PathBuf {
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

    pub fn log(&self, pipeline: &str, task: &str) -> PathBuf {
        self.pipeline(pipeline)
            .join("logs")
            .join(format!("{}.log", file_name(task)))
    }

    /// What the program has noted about the folder itself.
    pub(crate) fn records(&self) -> [PathBuf; 2] {
        [stamps::path(&self.root), self.pipelines_record()]
    }

    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// The record of the result with this key; `None` if there is no such result.
    pub fn record(&self, key: Key) -> Result<Option<Record>, String> {
        let folder = self.folder(key);
        match Record::read(&folder)? {
            None if folder.exists() => Err("it is missing".to_owned()),
            Some(record) if record.key_inputs.key() != key => {
                Err("it does not belong to its folder".to_owned())
            }
            found => Ok(found),
        }
    }

    /// The key that the readable link of a task names, whether or not there is such a result.
    pub fn linked(&self, pipeline: &str, task: &str) -> Option<Key> {
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

/// Creates a folder of the store with all folders above it.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(folder).map_err(|source| {
        dangling_link(folder).unwrap_or_else(|| StoreError::io("create the folder", folder, source))
    })
}

/// The error for the first link in `path` that leads nowhere.
fn dangling_link(path: &Path) -> Option<StoreError> {
    let link = path
        .ancestors()
        .find(|part| part.is_symlink() && !part.exists())?;
    let target = std::fs::read_link(link).unwrap_or_default();
    Some(StoreError::dangling_link(link, &target))
}

/// The key that is the last part of a path.
pub(crate) fn named_key(path: &Path) -> Option<Key> {
    path.file_name()?.to_str()?.parse().ok()
}
