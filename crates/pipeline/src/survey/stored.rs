//! Whether the result under a key is there and intact: one function per fault.

use std::io::ErrorKind;
use std::path::Path;

use eigenscope_artifact::{ArtifactError, FileDigest, Kind};
use eigenscope_stage::ExternalFile;

use super::{Reason, Surveyor};
use crate::plan::PlannedTask;
use crate::store::{Key, Record};

impl Surveyor<'_> {
    /// The record of an intact result, `None` if there is no result, or what is wrong with it.
    pub(crate) fn stored(
        &mut self,
        task: &PlannedTask,
        key: Key,
    ) -> Result<Option<Record>, Vec<Reason>> {
        let record = match self.store.record(key) {
            Ok(None) => return Ok(None),
            Ok(Some(record)) => record,
            Err(reason) => return Err(vec![Reason::RecordUnreadable { reason }]),
        };
        let mut faults = Vec::new();
        for &output in &task.outputs {
            faults.extend(self.output_fault(key, &record, output));
        }
        for file in &record.external_files {
            faults.extend(self.external_file_changed(file));
        }
        if faults.is_empty() {
            Ok(Some(record))
        } else {
            Err(faults)
        }
    }

    fn output_fault(&mut self, key: Key, record: &Record, output: Kind) -> Option<Reason> {
        let Some(recorded) = record.outputs.get(&output) else {
            return Some(Reason::OutputMissing { output });
        };
        match self.digest(&self.store.output(key, output), recorded.file) {
            Ok(found) => output_damaged(output, recorded.file, found),
            Err(error) if is_absent(&error) => Some(Reason::OutputMissing { output }),
            Err(error) => Some(Reason::OutputUnreadable {
                output,
                error: describe(&error),
            }),
        }
    }

    /// Digest of a file. What is remembered of it is believed only where it says that the file is as expected: the list of
    /// digests may be what is damaged, and that must not cost a good result.
    fn digest(&mut self, path: &Path, expected: FileDigest) -> Result<FileDigest, ArtifactError> {
        let found = self.stamps.digest(path)?;
        if found == expected {
            return Ok(found);
        }
        self.stamps.forget(path);
        self.stamps.digest(path)
    }

    /// A file that is gone says nothing against the result that was computed from it.
    fn external_file_changed(&mut self, file: &ExternalFile) -> Option<Reason> {
        let changed = |found: String| {
            Some(Reason::ExternalFileChanged {
                path: file.path.clone(),
                found,
            })
        };
        let recorded = FileDigest {
            bytes: file.bytes,
            blake3: file.blake3,
        };
        match self.digest(&self.data_dir.join(&file.path), recorded) {
            Ok(found) if found == recorded => None,
            Ok(found) => changed(format!("{}, was {}", show(found), show(recorded))),
            Err(error) if is_absent(&error) => None,
            Err(error) => changed(describe(&error)),
        }
    }
}

fn output_damaged(output: Kind, expected: FileDigest, found: FileDigest) -> Option<Reason> {
    (expected != found).then_some(Reason::OutputDamaged {
        output,
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
