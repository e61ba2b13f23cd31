//! One file of a data set: read, hashed, compared with the published ones, reported.

use std::fs::File;
use std::path::{Path, PathBuf};

use eigenscope_artifact::SourceCheck;
use eigenscope_stage::{Context, ExternalFile};

use crate::content::{Content, Raw};
use crate::error::{IngestError, shown};
use crate::published::Checksum;

/// SHA-256 of the decompressed content of a file, and of its bytes on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sha256s {
    pub(super) content: String,
    pub(super) raw: String,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct ReadFile<T> {
    pub(super) path: PathBuf,
    pub(super) sha256: Sha256s,
    pub(super) value: T,
}

/// Reads a whole file with `read`, which must end where the content ends; also returns what to report of it.
pub(super) fn read_file<T>(
    context: &Context,
    path: &Path,
    read: impl FnOnce(&mut Content<'_>) -> Result<T, IngestError>,
) -> Result<(ReadFile<T>, ExternalFile), IngestError> {
    let (mut raw, bytes): (Raw<File>, u64) = Raw::open(path)?;
    let mut content = Content::new(path, &mut raw, bytes)?;
    let value = read(&mut content)?;
    let content = content.finish()?;
    let (external, raw) = raw.finish(&context.task().data_dir);
    let file = ReadFile {
        path: path.to_owned(),
        sha256: Sha256s { content, raw },
        value,
    };
    Ok((file, external))
}

/// Refuses a downloaded file that is not the published one.
pub(super) fn expect_published(
    path: &Path,
    checksum: Checksum<'_>,
    found: &Sha256s,
) -> Result<(), IngestError> {
    let (what, expected, found) = match checksum {
        Checksum::Unknown => return Ok(()),
        Checksum::Content(expected) => ("SHA-256 of the content", expected, &found.content),
        Checksum::Archive(expected) => ("SHA-256", expected, &found.raw),
    };
    if expected == found {
        return Ok(());
    }
    let path = shown(path);
    Err(IngestError::WrongFile(format!(
        "{what} of {path} is {found}, published is {expected}"
    )))
}

/// Compares the user's file with the published one and warns if it is another one.
pub(super) fn compare(
    context: &Context,
    path: &Path,
    checksum: Checksum<'_>,
    found: &Sha256s,
) -> SourceCheck {
    let check = checksum.check(&found.content, &found.raw);
    if check == SourceCheck::Differs {
        let found = match checksum {
            Checksum::Archive(_) => &found.raw,
            _ => &found.content,
        };
        context.warn(format!(
            "{} is not the published file and is used as it is: found SHA-256 {found}, published: {checksum}",
            shown(path)
        ));
    }
    check
}

/// The last part of a path.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Whether there is anything at `path`; an error if that cannot be told.
pub(super) fn exists(path: &Path) -> Result<bool, IngestError> {
    path.try_exists()
        .map_err(|source| IngestError::io("look for", path, source))
}
