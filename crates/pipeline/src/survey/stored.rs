//! Checks of a stored result: one function for each way in which it can be damaged.

use std::io::ErrorKind;
use std::path::Path;

use eigenscope_artifact::{ArtifactError, FileDigest, KindName};
use eigenscope_stage::ExternalFile;

use super::{Reason, Surveyor};
use crate::store::{CachedOutput, CachedResult, Key, Outputs, RECORD_NAME, Stamp, inspect};
use eigenscope_plan::PlannedTask;

pub(crate) struct Intact {
    pub(crate) outputs: Outputs,
    /// What its record says that the task warned of.
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
        for output in &task.outputs {
            match known.outputs.get_mut(output) {
                Some(known) => faults.extend(output_fault(&folder, output, known, &mut is_news)),
                None => faults.push(missing(output)),
            }
        }
        for file in &known.external_files {
            faults.extend(self.external_file_changed(file));
        }
        if !faults.is_empty() {
            return faulty(faults);
        }
        if is_news && known.stamp.is_some() {
            self.stamps.learn_result(key, &known);
        }
        let outputs = known.outputs.into_iter();
        let outputs = outputs.map(|(kind, output)| (kind, output.record));
        Ok(Some(Intact {
            outputs: outputs.collect(),
            warnings: known.warnings,
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

    /// A file that is gone says nothing against the result that was computed from it.
    fn external_file_changed(&self, file: &ExternalFile) -> Option<Reason> {
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
        match self.stamps.digest(&self.data_dir.join(&file.path)) {
            Ok(found) if found == recorded => None,
            Ok(found) => changed(format!("{}, was {}", show(found), show(recorded))),
            Err(error) if is_absent(&error) => None,
            Err(error) => changed(describe(&error)),
        }
    }
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
