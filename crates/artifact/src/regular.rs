//! Regular files: the only ones that are read, and the only ones that are replaced.
//!
//! Opening a named pipe blocks until somebody opens its other end, and reading a device may never end.

use std::fs::{File, FileType};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Opens the regular file at `path` for reading. Links are followed.
///
/// # Errors
/// As [`File::open`], and [`ErrorKind::InvalidInput`] if something else stands there, such as a named pipe.
pub fn open(path: &Path) -> io::Result<File> {
    check(std::fs::metadata(path)?.file_type())?;
    File::open(path)
}

/// Reads the regular file at `path`. Links are followed.
///
/// # Errors
/// As [`open`] and [`std::fs::read`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the regular file at `path` as text. Links are followed.
///
/// # Errors
/// As [`open`] and [`std::fs::read_to_string`].
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Returns an error if `path` leads to anything but a regular file. Nothing at all is no error: it can be created.
///
/// # Errors
/// As [`open`].
pub fn check_writable(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        found => check(found?.file_type()),
    }
}

pub(crate) fn check(found: FileType) -> io::Result<()> {
    let (kind, what) = match found {
        found if found.is_file() => return Ok(()),
        found if found.is_dir() => (ErrorKind::IsADirectory, "a folder"),
        found => (ErrorKind::InvalidInput, name_of_kind(found)),
    };
    Err(io::Error::new(kind, format!("it is {what}, not a file")))
}

#[cfg(unix)]
pub(crate) fn name_of_kind(found: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match found {
        found if found.is_fifo() => "a named pipe",
        found if found.is_socket() => "a socket",
        found if found.is_symlink() => "a link",
        _ => "a device",
    }
}

#[cfg(not(unix))]
pub(crate) fn name_of_kind(_: FileType) -> &'static str {
    "a device"
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "text").expect("written");
        let made = std::process::Command::new("mkfifo")
            .arg(path("pipe"))
            .status();
        assert!(made.expect("mkfifo runs").success());
        for (name, target) in [("to-file", "file"), ("to-pipe", "pipe")] {
            std::os::unix::fs::symlink(target, path(name)).expect("linked");
        }
        assert_eq!(read_to_string(&path("file")).expect("readable"), "text");
        assert_eq!(read(&path("to-file")).expect("readable"), b"text");
        let reason = |path: &Path| open(path).expect_err("refused").to_string();
        assert_eq!(reason(&path("pipe")), "it is a named pipe, not a file");
        assert_eq!(reason(&path("to-pipe")), "it is a named pipe, not a file");
        assert_eq!(reason(Path::new("/dev/zero")), "it is a device, not a file");
        assert_eq!(reason(folder.path()), "it is a folder, not a file");
        let absent = open(&path("absent")).expect_err("absent");
        assert_eq!(absent.kind(), ErrorKind::NotFound);
        assert!(check_writable(&path("absent")).is_ok());
        assert!(check_writable(&path("to-pipe")).is_err());
    }
}
