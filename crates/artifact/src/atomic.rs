//! Files and folders that appear complete or not at all.
//!
//! Everything is written under a temporary name in the destination's own folder, synced to disk and
//! renamed. A temporary file that was never placed is removed when it goes out of scope; one left by a
//! killed process is recognised by [`TEMPORARY_PREFIX`].

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::ArtifactError;

/// First characters of the name of every temporary file and folder.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// A file being written next to its destination.
#[derive(Debug)]
pub struct AtomicFile {
    temporary: NamedTempFile,
    destination: PathBuf,
}

impl AtomicFile {
    /// Starts a file that will be placed at `destination`, whose folder must exist.
    pub fn create(destination: &Path) -> Result<Self, ArtifactError> {
        let folder = parent(destination);
        let temporary = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempfile_in(folder)
            .map_err(|source| ArtifactError::io("create a file in", folder, source))?;
        Ok(Self {
            temporary,
            destination: destination.to_owned(),
        })
    }

    /// A second handle, for an encoder that wants to own what it writes to.
    pub fn handle(&self) -> Result<File, ArtifactError> {
        let file = self.temporary.as_file().try_clone();
        file.map_err(|source| ArtifactError::io("write", &self.destination, source))
    }

    /// Syncs the file and gives it its name, replacing what stood there.
    pub fn place(self) -> Result<(), ArtifactError> {
        let Self {
            temporary,
            destination,
        } = self;
        let file = temporary.as_file();
        allow_reading(file)
            .and_then(|()| file.sync_all())
            .map_err(|source| ArtifactError::io("write", &destination, source))?;
        temporary
            .persist(&destination)
            .map_err(|error| ArtifactError::io("rename into place", &destination, error.error))?;
        sync_folder(parent(&destination))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Writes `bytes` to `destination` in one step.
pub fn write_file(destination: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
    let mut file = AtomicFile::create(destination)?;
    file.write_all(bytes)
        .map_err(|source| ArtifactError::io("write", destination, source))?;
    file.place()
}

/// Makes renames inside `folder` durable.
pub fn sync_folder(folder: &Path) -> Result<(), ArtifactError> {
    // Windows cannot open a folder as a file; its renames are durable when they return.
    if cfg!(windows) {
        return Ok(());
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| ArtifactError::io("sync", folder, source))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are private to their owner; a placed artifact is for everybody to read.
#[cfg(unix)]
fn allow_reading(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn allow_reading(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder exists")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_only_when_placed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("table.parquet");
        let mut file = AtomicFile::create(&path).expect("created");
        file.write_all(b"half").expect("written");
        assert!(!path.exists());
        file.place().expect("placed");
        assert_eq!(std::fs::read(&path).expect("readable"), b"half");
        assert_eq!(names(folder.path()), ["table.parquet"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing_and_keeps_the_old_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("table.parquet");
        write_file(&path, b"old").expect("placed");
        let mut file = AtomicFile::create(&path).expect("created");
        file.write_all(b"new").expect("written");
        drop(file);
        assert_eq!(names(folder.path()), ["table.parquet"]);
        assert_eq!(std::fs::read(&path).expect("readable"), b"old");
    }

    #[cfg(unix)]
    #[test]
    fn a_placed_file_is_for_everybody_to_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("table.parquet");
        write_file(&path, b"x").expect("placed");
        let mode = std::fs::metadata(&path).expect("is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o644);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = AtomicFile::create(Path::new("/nonexistent/table.parquet"))
            .expect_err("there is no such folder");
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }
}
