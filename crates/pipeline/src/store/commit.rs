//! Committing a result: written in a work folder, checked, synced, and renamed to its key in one step.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use eigenscope_artifact::atomic::{TEMPORARY_PREFIX, sync_folder};
use eigenscope_artifact::{ArtifactError, KindName, TableReader, digest_file};

use super::outside::{Outside, PICTURES_NAME};
use super::record::RECORD_NAME;
use super::stamps::{CachedOutput, Stamp};
use super::{
    CachedResult, Key, KeyInputs, OutputRecord, RECORD_VERSION, Record, Store, StoreError,
};

/// A folder in which a task writes its outputs. Dropped before it is committed, it leaves nothing.
#[derive(Debug)]
pub struct WorkFolder {
    folder: PathBuf,
    /// Whether it stays when this is dropped: placed in the store, or left to others.
    stays: bool,
}

#[derive(Debug)]
pub struct Committed {
    pub record: Record,
    /// Its files as they were read; nobody has written to them since.
    pub(crate) known: CachedResult,
}

/// A result that could not be committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// An output is not there.
    #[error("the program ended without writing its output `{0}`")]
    Missing(KindName),
    /// A figure without content.
    #[error("the program wrote an empty `{0}`")]
    Empty(KindName),
    /// An output that is not what was promised.
    #[error("the output `{kind}` is not valid")]
    Invalid {
        kind: KindName,
        #[source]
        source: ArtifactError,
    },
    /// An output of a result from elsewhere that is not the recorded one.
    #[error("its output `{0}` is not what its record says")]
    Other(KindName),
    /// The artifacts folder cannot be used; the task has not failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// A new work folder for the task with this key.
    pub fn work_folder(&self, key: Key) -> Result<WorkFolder, StoreError> {
        WorkFolder::create(
            &self.results(),
            &format!("{TEMPORARY_PREFIX}{}-", key.short()),
        )
    }

    /// Checks the outputs in `work`, which a task with this id and first id has made, and gives the folder its name. If a folder stands there
    /// already it is replaced: at every moment the name leads to the old result, to none, or to the new one.
    pub fn commit(
        &self,
        work: WorkFolder,
        [task, first_id]: [&str; 2],
        key_inputs: KeyInputs,
        outputs: &[KindName],
        mut outside: Outside,
        warnings: Vec<String>,
    ) -> Result<Committed, CommitError> {
        let folder = work.path();
        let mut known = BTreeMap::new();
        for kind in outputs {
            known.insert(kind.clone(), check_output(folder, kind)?);
        }
        outside.sort();
        let record = Record {
            version: RECORD_VERSION,
            task: task.to_owned(),
            formerly: (first_id != task).then(|| first_id.to_owned()),
            key_inputs,
            accepted_from: Vec::new(),
            computed_on: None,
            outputs: known
                .iter()
                .map(|(kind, known)| (kind.clone(), known.record))
                .collect(),
            external_files: std::mem::take(&mut outside.files),
            absent_files: std::mem::take(&mut outside.absent),
            warnings,
        };
        self.place(work, record, known, &outside)
    }

    /// Checks that the outputs in `work` are those of `record`, which comes from elsewhere, and gives the folder its name.
    pub(crate) fn commit_taken(
        &self,
        work: WorkFolder,
        record: Record,
    ) -> Result<Committed, CommitError> {
        let mut known = BTreeMap::new();
        for (kind, expected) in &record.outputs {
            let found = check_output(work.path(), kind)?;
            if found.record != *expected {
                return Err(CommitError::Other(kind.clone()));
            }
            known.insert(kind.clone(), found);
        }
        self.place(work, record, known, &Outside::default())
    }

    /// Adds the record and the lists of pictures to outputs that have been checked, and gives the folder its name.
    fn place(
        &self,
        work: WorkFolder,
        record: Record,
        outputs: BTreeMap<KindName, CachedOutput>,
        outside: &Outside,
    ) -> Result<Committed, CommitError> {
        let folder = work.path();
        remove_undeclared(folder, &record)?;
        outside.write_pictures(folder)?;
        record.write(folder)?;
        let known = CachedResult {
            stamp: Stamp::of_committed(&folder.join(RECORD_NAME)).map_err(StoreError::from)?,
            outputs,
            external_files: record.external_files.clone(),
            absent_files: record.absent_files.clone(),
            warnings: record.warnings.clone(),
        };
        self.rename_into_place(work, record.key_inputs.key())?;
        Ok(Committed { record, known })
    }

    /// Commits the outputs of the intact result in `old` under the key of `record` as well.
    pub(crate) fn commit_again(&self, old: &Path, record: &Record) -> Result<(), StoreError> {
        let key = record.key_inputs.key();
        let work = self.work_folder(key)?;
        for kind in record.outputs.keys() {
            let name = kind.file_name();
            share(&old.join(&name), &work.path().join(&name))?;
        }
        let pictures = old.join(PICTURES_NAME);
        if pictures.is_file() {
            share(&pictures, &work.path().join(PICTURES_NAME))?;
        }
        record.write(work.path())?;
        self.rename_into_place(work, key)
    }

    fn rename_into_place(&self, mut work: WorkFolder, key: Key) -> Result<(), StoreError> {
        let destination = self.folder(key);
        let io = |source| StoreError::io("rename into place", &destination, source);
        // A folder cannot be renamed onto one that is not empty: the old one, which is not intact,
        // steps aside first. Its new place is temporary, so that it goes away even if this process does.
        let _old = if destination.symlink_metadata().is_ok() {
            let aside = self.work_folder(key)?;
            std::fs::rename(&destination, aside.path().join("old")).map_err(io)?;
            Some(aside)
        } else {
            None
        };
        std::fs::rename(work.path(), &destination).map_err(io)?;
        // Under its new name the folder is no longer temporary.
        work.stays = true;
        Ok(sync_folder(&self.results())?)
    }
}

impl WorkFolder {
    /// A new folder in `folder`, whose name begins with `prefix` and is nobody else's.
    pub(crate) fn create(folder: &Path, prefix: &str) -> Result<Self, StoreError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        // Temporary folders are private to their owner; results are for everybody to read.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
        std::fs::create_dir_all(folder)
            .and_then(|()| builder.tempdir_in(folder))
            .map(|created| Self::existing(created.keep()))
            .map_err(|source| StoreError::io("create a folder in", folder, source))
    }

    /// A folder in which a task has been run elsewhere.
    pub(crate) fn existing(folder: PathBuf) -> Self {
        Self {
            folder,
            stays: false,
        }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Leaves the folder to whoever knows its name.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.stays = true;
        std::mem::take(&mut self.folder)
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if !self.stays {
            // What cannot be removed now is removed by the next run.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Gives a file that never changes a second name; a second file where the file system knows no such thing.
fn share(file: &Path, name: &Path) -> Result<(), StoreError> {
    std::fs::hard_link(file, name)
        .or_else(|_| {
            std::fs::copy(file, name)?;
            File::open(name)?.sync_all()
        })
        .map_err(|source| StoreError::io("write", name, source))
}

fn check_output(folder: &Path, kind: &KindName) -> Result<CachedOutput, CommitError> {
    let path = folder.join(kind.file_name());
    match File::open(&path) {
        Ok(file) => file
            .sync_all()
            .map_err(|source| StoreError::io("write", &path, source))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(CommitError::Missing(kind.clone()));
        }
        Err(source) => return Err(StoreError::io("open", &path, source).into()),
    }
    let invalid = |source| CommitError::Invalid {
        kind: kind.clone(),
        source,
    };
    let stamp = Stamp::of_committed(&path).map_err(invalid)?;
    let file = digest_file(&path).map_err(invalid)?;
    if file.bytes == 0 {
        return Err(CommitError::Empty(kind.clone()));
    }
    let content = if kind.is_table() {
        let reader = TableReader::open_named(&path, kind.as_str()).map_err(invalid)?;
        reader.summary().content
    } else {
        file.blake3
    };
    let record = OutputRecord { file, content };
    Ok(CachedOutput { stamp, record })
}

/// A result holds its outputs and its record and nothing else.
fn remove_undeclared(folder: &Path, record: &Record) -> Result<(), StoreError> {
    let io = |source| StoreError::io("clear", folder, source);
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let declared = record
            .outputs
            .keys()
            .any(|kind| name == kind.file_name().as_str());
        if declared || name == RECORD_NAME {
            continue;
        }
        tracing::warn!(task = %record.task, "removing {name:?}, which is not an output");
        let removed = if entry.file_type().map_err(io)?.is_dir() {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
        removed.map_err(io)?;
    }
    Ok(())
}
