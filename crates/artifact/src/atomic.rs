//! Files and folders that appear complete or not at all.
//!
//! Everything is written under a temporary name in the destination's own folder, synced to disk and
//! renamed. A temporary file that was never placed is removed when it goes out of scope; one left by a
//! killed process is recognised by [`TEMPORARY_PREFIX`].
//!
//! Only regular files are replaced. A link stays: the file it leads to is replaced.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::ArtifactError;
use crate::destination::Destination;

/// First characters of the name of every temporary file and folder.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// A file being written next to its destination.
#[derive(Debug)]
pub struct AtomicFile {
    temporary: NamedTempFile,
    destination: PathBuf,
    /// Permissions of the file to be replaced, which the new one takes over.
    permissions: Option<Permissions>,
}

impl AtomicFile {
    /// Starts a file that will be placed at `destination`, whose folder must exist.
    ///
    /// # Errors
    /// The folder cannot be written to, or something else than a regular file stands at `destination`.
    pub fn create(destination: &Path) -> Result<Self, ArtifactError> {
        match Destination::of(destination)? {
            Destination::File { path, permissions } => {
                Self::replacing(path, permissions, TEMPORARY_PREFIX)
            }
            Destination::Stream { not_a_file } => {
                Err(ArtifactError::io("replace", destination, not_a_file))
            }
        }
    }

    /// Starts a file that will be placed at `destination`, which is no link.
    pub(crate) fn replacing(
        destination: PathBuf,
        permissions: Option<Permissions>,
        prefix: &str,
    ) -> Result<Self, ArtifactError> {
        let folder = parent(&destination);
        let temporary = tempfile::Builder::new()
            .prefix(prefix)
            .tempfile_in(folder)
            .map_err(|source| ArtifactError::io("create a file in", folder, source))?;
        Ok(Self {
            temporary,
            destination,
            permissions,
        })
    }

    /// The file under its temporary name.
    pub(crate) fn temporary(&self) -> &NamedTempFile {
        &self.temporary
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
            permissions,
        } = self;
        let file = temporary.as_file();
        let permitted = match permissions {
            Some(permissions) => file.set_permissions(permissions),
            None => allow_reading(file),
        };
        permitted
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

/// The folder of `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are private to their owner; a new artifact is for everybody to read.
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

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("there")).expect("created");
        write_file(&path("there/old"), b"old").expect("placed");
        std::fs::set_permissions(path("there/old"), Permissions::from_mode(0o640)).expect("set");
        symlink("there/new", path("dangling")).expect("linked");
        symlink("there/old", path("link")).expect("linked");
        symlink("link", path("twice")).expect("linked");
        for (link, file) in [("dangling", "there/new"), ("twice", "there/old")] {
            write_file(&path(link), b"written").expect("placed");
            assert!(path(link).is_symlink());
            assert_eq!(std::fs::read(path(file)).expect("readable"), b"written");
        }
        let mode = path("there/old")
            .metadata()
            .expect("is there")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o640);
        assert_eq!(names(&path("there")), ["new", "old"]);
        symlink("loop", path("loop")).expect("linked");
        let error = write_file(&path("loop"), b"").expect_err("it leads nowhere");
        assert!(error.to_string().contains("loop"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nothing_but_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        for path in [pipe.as_path(), Path::new("/dev/null"), folder.path()] {
            let error = write_file(path, b"x").expect_err("refused");
            assert!(error.to_string().starts_with("cannot replace"), "{error}");
        }
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = AtomicFile::create(Path::new("/nonexistent/table.parquet"))
            .expect_err("there is no such folder");
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }
}
