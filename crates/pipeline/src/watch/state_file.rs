//! The file that the state of a run is kept in.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use eigenscope_artifact::atomic::TEMPORARY_PREFIX;
use eigenscope_artifact::regular;

use super::{RunState, STATE_VERSION};
use crate::plain::make_plain;
use crate::store::{Store, entries};
use crate::version::Versioned;

/// Its name in the folder of a pipeline.
pub(crate) const STATE_NAME: &str = ".run.json";

/// Largest file that is read, in bytes; a run writes some ten thousand.
const MAXIMUM_BYTES: u64 = 1 << 20;

/// The state of a run could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("cannot read {path}, which says what the run is doing", path = path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot use {path}, which says what the run is doing: {reason}", path = path.display())]
    Content { path: PathBuf, reason: String },
}

fn path(store: &Store, pipeline: &str) -> PathBuf {
    store.pipeline(pipeline).join(STATE_NAME)
}

/// The state of the latest run of a pipeline; `None` if there was none.
///
/// # Errors
/// There is one, and it cannot be read.
pub fn read(store: &Store, pipeline: &str) -> Result<Option<RunState>, WatchError> {
    read_file(&path(store, pipeline))
}

/// The state of the run that began last, whatever its pipeline; `None` if there was none.
///
/// # Errors
/// None can be read, and there are some.
pub fn latest(store: &Store) -> Result<Option<RunState>, WatchError> {
    let folders = entries(store.root()).filter(|path| path.is_dir());
    let mut latest: Option<RunState> = None;
    let mut error = None;
    for folder in folders {
        match read_file(&folder.join(STATE_NAME)) {
            Ok(Some(state)) if latest.as_ref().is_none_or(|one| one.begun < state.begun) => {
                latest = Some(state);
            }
            Ok(_) => {}
            Err(found) => error = Some(found),
        }
    }
    match (latest, error) {
        (None, Some(error)) => Err(error),
        (latest, _) => Ok(latest),
    }
}

/// Names of the pipelines of which a run is recorded.
pub fn recorded(store: &Store) -> Vec<String> {
    let folders = entries(store.root()).filter(|folder| folder.join(STATE_NAME).is_file());
    let mut names: Vec<String> = folders
        .filter_map(|folder| folder.file_name()?.to_str().map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}

fn read_file(path: &Path) -> Result<Option<RunState>, WatchError> {
    let mut text = Vec::new();
    let read =
        regular::open(path).and_then(|file| file.take(MAXIMUM_BYTES + 1).read_to_end(&mut text));
    match read {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => {
            let path = path.to_owned();
            return Err(WatchError::Read { path, source });
        }
        Ok(_) => {}
    }
    parse(&text)
        .map(Some)
        .map_err(|reason| WatchError::Content {
            path: path.to_owned(),
            reason,
        })
}

pub(crate) fn parse(text: &[u8]) -> Result<RunState, String> {
    if text.len() as u64 > MAXIMUM_BYTES {
        return Err(format!("it is longer than {MAXIMUM_BYTES} bytes"));
    }
    let broken = |error: serde_json::Error| error.to_string();
    let versioned: Versioned = serde_json::from_slice(text).map_err(broken)?;
    versioned.expect(STATE_VERSION)?;
    let mut state = serde_json::from_slice(text).map_err(broken)?;
    // What tasks say of themselves is shown, a line each.
    make_plain(&mut state, &[]);
    serde_json::from_value(state).map_err(broken)
}

/// Replaces the file of a pipeline in one step. It is not synced: after a crash of the machine no run is under way.
///
/// # Errors
/// It cannot be written, or something else than a regular file stands there.
pub(crate) fn write(store: &Store, state: &RunState) -> std::io::Result<()> {
    let folder = store.pipeline(&state.pipeline);
    let path = folder.join(STATE_NAME);
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(ErrorKind::AlreadyExists.into());
    }
    std::fs::create_dir_all(&folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(&folder)?;
    serde_json::to_writer(&mut file, state)?;
    file.write_all(b"\n")?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
