//! Checks of a stored result: one function for each way in which it can be damaged.

use std::io::ErrorKind;
use std::path::Path;

use eigenscope_artifact::{ArtifactError, FileDigest, KindName, digest_pictures, regular};
use eigenscope_stage::{ExternalFile, FolderPicture};

use super::{Reason, StoredOutputs, Surveyor, first_few, pictures};
use crate::store::{CachedOutput, CachedResult, Key, RECORD_NAME, Stamp, inspect};
use eigenscope_plan::PlannedTask;

/// Files that are gone which a note names.
const GONE_SHOWN: usize = 4;

pub(crate) struct Intact {
    pub(crate) outputs: StoredOutputs,
    /// What its record says that the task warned of, and a note on files that are gone.
    pub(crate) warnings: Vec<String>,
}

impl Surveyor<'_> {
    /// What there is of an intact result, `None` if there is no result, or what is wrong with it.
    pub(crate) fn stored(
        &self,
        task: &PlannedTask,
        key: Key,
    ) -> Result<Option<Intact>, Vec<Reason>> {
        let folder = self.store.folder(key);
        let faulty = |faults| {
            self.stamps.forget_result(key);
            Err(faults)
        };
        let (mut known, mut is_news) = match self.recorded(key, &folder) {
            Ok(None) => return Ok(None),
            Ok(Some(recorded)) => recorded,
            Err(reason) => return faulty(vec![Reason::RecordUnreadable { reason }]),
        };
        let mut faults = Vec::new();
        for output in task.outputs.iter() {
            match known.outputs.get_mut(output) {
                Some(known) => faults.extend(output_fault(&folder, output, known, &mut is_news)),
                None => faults.push(missing(output)),
            }
        }
        let mut gone = Vec::new();
        for file in &known.external_files {
            match self.external_file(key, file) {
                Seen::AsRead => {}
                Seen::Gone => gone.push(file.path.as_str()),
                Seen::Otherwise(reason) => faults.push(reason),
            }
        }
        for path in &known.absent_files {
            faults.extend(self.appeared(path));
        }
        let gone = gone_note(&gone);
        if !faults.is_empty() {
            return faulty(faults);
        }
        if is_news && known.stamp.is_some() {
            self.stamps.learn_result(key, &known);
        }
        let record = |kind: &KindName| known.outputs.get(kind).map(|known| known.record);
        Ok(Some(Intact {
            outputs: StoredOutputs::new(task, record),
            warnings: known.warnings.into_iter().chain(gone).collect(),
        }))
    }

    /// What the record of a result says, and whether that is news; it is only read if it may have changed.
    fn recorded(&self, key: Key, folder: &Path) -> Result<Option<(CachedResult, bool)>, String> {
        let stamp = Stamp::of(&folder.join(RECORD_NAME)).ok();
        if let Some(known) = self.stamps.result(key)
            && known.stamp.is_some()
            && known.stamp == stamp
        {
            return Ok(Some((known, false)));
        }
        let record = self.store.record(key)?;
        let stamp = stamp.filter(|stamp| stamp.is_settled());
        Ok(record.map(|record| (CachedResult::new(record, stamp), true)))
    }

    /// Looks at a file that the result with this key was made from.
    fn external_file(&self, key: Key, file: &ExternalFile) -> Seen {
        let changed = |found: String| {
            Seen::Otherwise(Reason::ExternalFileChanged {
                path: file.path.clone(),
                found,
            })
        };
        let recorded = file.digest();
        let path = self.data_dir.join(&file.path);
        match self.stamps.digest(&path) {
            Ok(found) if found == recorded => Seen::AsRead,
            Ok(found) => changed(match self.changed_pictures(key, file, &path, found) {
                Some(pictures) => pictures,
                None => format!("{}, was {}", show(found), show(recorded)),
            }),
            Err(error) if is_absent(&error) => {
                let mut instead = file.instead.iter();
                match instead.find(|other| self.is_readable(other)) {
                    Some(by) => Seen::Otherwise(Reason::ExternalFileReplaced {
                        path: file.path.clone(),
                        by: by.clone(),
                    }),
                    None => Seen::Gone,
                }
            }
            Err(error) => changed(describe(&error)),
        }
    }

    /// What has changed in a folder of pictures; `None` if it is none, or if that is not known.
    ///
    /// All pictures are read for it, once for a digest `found`.
    fn changed_pictures(
        &self,
        key: Key,
        file: &ExternalFile,
        path: &Path,
        found: FileDigest,
    ) -> Option<String> {
        if !path.is_dir() {
            return None;
        }
        let known = self.stamps.picture_changes(key, &file.path, found);
        if known.is_some() {
            return known;
        }
        let before = self.store.pictures(key, &file.path)?;
        let now = digest_pictures(path).ok()?.1.into_iter();
        let now = now.map(|(path, digest)| FolderPicture::new(&path, digest));
        let changes = pictures::changes(&before, &now.collect::<Vec<_>>())?;
        let stamps = &self.stamps;
        stamps.learn_picture_changes(key, &file.path, found, changes.clone());
        Some(changes)
    }

    /// A file where there was none, which the task would have read.
    fn appeared(&self, path: &str) -> Option<Reason> {
        self.is_readable(path)
            .then(|| Reason::ExternalFileAppeared {
                path: path.to_owned(),
            })
    }

    /// Returns whether a task could read a file at this path.
    fn is_readable(&self, path: &str) -> bool {
        regular::open(&self.data_dir.join(path)).is_ok()
    }
}

/// What became of a file of the user's.
enum Seen {
    AsRead,
    /// It is gone, which says nothing against the result that was computed from it.
    Gone,
    Otherwise(Reason),
}

/// A note on files that are gone; `None` for none.
fn gone_note(paths: &[&str]) -> Option<String> {
    let (are, them) = match paths {
        [] => return None,
        [_] => ("a file that it was made from is", "it"),
        _ => ("files that it was made from are", "them"),
    };
    Some(format!(
        "{are} gone: {}; the result is kept, and cannot be made again without {them}",
        first_few(paths, GONE_SHOWN)
    ))
}

/// What is wrong with an output. That nothing is wrong is remembered in `known`.
fn output_fault(
    folder: &Path,
    output: &KindName,
    known: &mut CachedOutput,
    is_news: &mut bool,
) -> Option<Reason> {
    match inspect(&folder.join(output.file_name()), Some(known.stamped())) {
        Ok(seen) => {
            *is_news |= seen.stamp != known.stamp;
            known.stamp = seen.stamp;
            output_damaged(output, known.record.file, seen.digest)
        }
        Err(error) if is_absent(&error) => Some(missing(output)),
        Err(error) => Some(Reason::OutputUnreadable {
            output: output.clone(),
            error: describe(&error),
        }),
    }
}

fn missing(output: &KindName) -> Reason {
    let output = output.clone();
    Reason::OutputMissing { output }
}

fn output_damaged(output: &KindName, expected: FileDigest, found: FileDigest) -> Option<Reason> {
    (expected != found).then_some(Reason::OutputDamaged {
        output: output.clone(),
        expected,
        found,
    })
}

fn is_absent(error: &ArtifactError) -> bool {
    matches!(error, ArtifactError::Io { source, .. }
        if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

fn describe(error: &ArtifactError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A size and a digest in a few words.
pub(super) fn show(file: FileDigest) -> String {
    format!("{} bytes with digest {}", file.bytes, file.blake3.short())
}
