//! Files that the user asked for by path: a report, a picture, a lock file, a manual page.
//!
//! A regular file is replaced in one step. A named pipe or a device is written to.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::ArtifactError;
use crate::atomic::{AtomicFile, parent};
use crate::destination::Destination;

/// First characters of the name of a temporary file that stands outside the store. It is locked as long as its writer lives,
/// so one left by a killed process can be told and is removed by the next.
const PREFIX: &str = ".tmp-output-";

/// Longest time that a named pipe is waited for to be read.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes `bytes` to the file, pipe or device that `path` leads to.
///
/// # Errors
/// `path` leads to a folder or to a named pipe that nobody reads, or cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
    let failed = |source| ArtifactError::io("write", path, source);
    match Destination::of(path)? {
        Destination::Stream { .. } => open_stream(path)
            .and_then(|mut stream| stream.write_all(bytes))
            .map_err(failed),
        Destination::File {
            path: file,
            permissions,
        } => {
            remove_abandoned(parent(&file));
            let mut output = loop {
                let output = AtomicFile::replacing(file.clone(), permissions.clone(), PREFIX)?;
                let temporary = output.temporary();
                // Where files cannot be locked, none is removed. Before it was locked, another writer may have taken it for
                // abandoned.
                if temporary.as_file().lock().is_err() || temporary.path().exists() {
                    break output;
                }
            };
            output.write_all(bytes).map_err(failed)?;
            output.place()
        }
    }
}

/// Opens a pipe or device for writing. Opening a named pipe waits for a program that reads it, but not for ever.
fn open_stream(path: &Path) -> io::Result<File> {
    let (sender, opened) = mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || sender.send(File::options().append(true).open(path)));
    opened.recv_timeout(READER_TIMEOUT).unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "it is a named pipe that no program reads; start the reader first",
        ))
    })
}

/// Returns `true` if `path` is a temporary output whose writer is alive, or may be.
pub fn is_being_written(path: &Path) -> bool {
    is_temporary(path) && unused(path).is_none()
}

/// Removes what killed processes left in `folder`.
fn remove_abandoned(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let temporaries = entries
        .map(|entry| entry.path())
        .filter(|path| is_temporary(path));
    for path in temporaries {
        if let Some(_lock) = unused(&path) {
            // Another writer may have been faster.
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_file = path.symlink_metadata().is_ok_and(|found| found.is_file());
    is_file && name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// The file, locked, if nobody else has locked it.
fn unused(path: &Path) -> Option<File> {
    let file = File::options().read(true).write(true).open(path).ok()?;
    file.try_lock().is_ok().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporaries(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("readable").flatten();
        entries.filter(|entry| is_temporary(&entry.path())).count()
    }

    #[test]
    fn what_a_killed_process_left_is_removed_by_the_next_and_what_lives_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path(".tmp-output-dead"), "half").expect("written");
        std::fs::write(path(".tmp-output-alive"), "half").expect("written");
        std::fs::write(path(".tmp-other"), "not ours").expect("written");
        let alive = File::open(path(".tmp-output-alive")).expect("opened");
        alive.lock().expect("locked");
        write(&path("page.html"), b"page").expect("written");
        assert!(!path(".tmp-output-dead").exists());
        assert!(path(".tmp-output-alive").exists());
        assert!(is_being_written(&path(".tmp-output-alive")));
        assert!(path(".tmp-other").exists());
        assert_eq!(std::fs::read(path("page.html")).expect("readable"), b"page");
        drop(alive);
        write(&path("page.html"), b"new").expect("written");
        assert_eq!(temporaries(folder.path()), 0);
        assert_eq!(std::fs::read(path("page.html")).expect("readable"), b"new");
    }

    #[test]
    fn writers_at_the_same_time_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = folder.path().join(format!("{writer}.html"));
                scope.spawn(move || {
                    for _ in 0..25 {
                        write(&path, b"page").expect("written");
                    }
                });
            }
        });
        assert_eq!(temporaries(folder.path()), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_and_a_device_are_written_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).expect("readable")
        });
        write(&pipe, b"page").expect("written");
        assert_eq!(reader.join().expect("ended"), b"page");
        write(Path::new("/dev/null"), b"page").expect("written");
        use std::os::unix::fs::FileTypeExt;
        let still = |path: &Path| path.symlink_metadata().expect("is there").file_type();
        assert!(still(&pipe).is_fifo());
        assert!(still(Path::new("/dev/null")).is_char_device());
        let error = write(&pipe, b"page").expect_err("nobody reads");
        let source = std::error::Error::source(&error).expect("a reason");
        assert!(source.to_string().contains("no program reads"), "{source}");
        let error = write(folder.path(), b"page").expect_err("a folder");
        assert!(error.to_string().contains("cannot replace"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_open_file_of_a_process_is_written_to() {
        use std::os::fd::AsRawFd;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("log");
        std::fs::write(&path, "before ").expect("written");
        let open = File::options().append(true).open(&path).expect("opened");
        let descriptor = format!("/dev/fd/{}", open.as_raw_fd());
        write(Path::new(&descriptor), b"page").expect("written");
        assert_eq!(std::fs::read(&path).expect("readable"), b"before page");
    }
}
