//! The user's files whose content is stated: downloaded if they are not there, and refused if they are others.

use std::io::{self, Read};
use std::path::{Component, Path};

use eigenscope_stage::Context;

use super::find::fetch;
use super::reading::exists;
use crate::content::Raw;
use crate::download::{Policy, Request};
use crate::error::{IngestError, Unavailable, shown};
use crate::parameters::{StatedFile, is_local};

/// Largest file that is downloaded, in bytes.
const MAXIMUM_BYTES: u64 = 1 << 34;

/// Downloads the files that are not there, and checks the others.
pub(super) fn ensure(context: &Context, files: &[StatedFile<'_>]) -> Result<(), IngestError> {
    for file in files {
        let path = context.task().data_dir.join(file.path);
        match (exists(&path)?, file.url) {
            (true, _) => check(context, &path, file)?,
            (false, Some(url)) => download(context, &path, file, url)?,
            // The reader says that it is missing.
            (false, None) => {}
        }
    }
    Ok(())
}

fn check(context: &Context, path: &Path, file: &StatedFile<'_>) -> Result<(), IngestError> {
    let (raw, _) = Raw::open(path)?;
    let advice = match file.url {
        Some(_) => "remove the file to have it downloaded again, or correct `sha256`",
        None => "give the file that is meant, or correct `sha256`",
    };
    compare(context, path, raw, file, advice)
}

/// Reads a file to its end and refuses one that is not the stated one.
fn compare<R: Read>(
    context: &Context,
    path: &Path,
    mut raw: Raw<R>,
    file: &StatedFile<'_>,
    advice: &str,
) -> Result<(), IngestError> {
    io::copy(&mut raw, &mut io::sink()).map_err(|source| IngestError::io("read", path, source))?;
    let (_, found) = raw.finish(&context.task().data_dir);
    if found.eq_ignore_ascii_case(file.sha256) {
        return Ok(());
    }
    let (path, expected) = (shown(path), file.sha256);
    Err(IngestError::WrongFile(format!(
        "SHA-256 of {path} is {found}, but `sha256` is {expected}; {advice}"
    )))
}

fn download(
    context: &Context,
    path: &Path,
    file: &StatedFile<'_>,
    url: &str,
) -> Result<(), IngestError> {
    let data_dir = &context.task().data_dir;
    let mut parts = Path::new(file.path).components();
    if !parts.all(|part| matches!(part, Component::Normal(_))) {
        let reason = format!(
            "downloads are placed in the data directory, and {} is not in it",
            file.path
        );
        return Err(IngestError::parameter("url", reason));
    }
    let verify = |address: &Path, reader: &mut dyn Read| {
        let raw = Raw::new(address, reader);
        let advice = "correct the one that is wrong";
        compare(context, address, raw, file, advice)
    };
    let urls = [url.to_owned()];
    let request = Request {
        urls: &urls,
        destination: path,
        limit: MAXIMUM_BYTES,
    };
    let policy = Policy {
        allow_http: is_local(url),
        ..Policy::default()
    };
    fetch(context, &request, &policy, &verify)
        .map_err(|download| missing(data_dir, file.path, download))
}

/// The error about a file that is not there and was not downloaded.
pub(super) fn missing(data_dir: &Path, path: &str, download: Unavailable) -> IngestError {
    IngestError::Missing {
        wanted: path.to_owned(),
        looked: shown(data_dir),
        similar: String::new(),
        download: Box::new(download),
        place: format!("or put it there as {}", shown(data_dir.join(path))),
    }
}
