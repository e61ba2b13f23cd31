//! The file system that a folder lies on, for messages.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// ENOLCK of Linux and of macOS: the file system could lock, but its server does not.
const NO_LOCKS_AVAILABLE: [i32; 2] = [37, 77];

/// Returns whether an attempt to lock a file failed because the file system cannot.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    error.kind() == ErrorKind::Unsupported
        || code.is_some_and(|code| NO_LOCKS_AVAILABLE.contains(&code))
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    pub kind: String,
    pub mounted_at: PathBuf,
}

impl FileSystem {
    /// The file system that `path` lies on, where the operating system lists them.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
        Self::among(&mounts, &path.canonicalize().ok()?)
    }

    /// The last of the innermost ones: a later mount hides an earlier one at the same place.
    fn among(mounts: &str, path: &Path) -> Option<Self> {
        let mounts = mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let mounted_at = PathBuf::from(unescaped(fields.next()?));
            let kind = fields.next()?.to_owned();
            Some(Self { kind, mounted_at })
        });
        mounts
            .filter(|mount| path.starts_with(&mount.mounted_at))
            .max_by_key(|mount| mount.mounted_at.components().count())
    }
}

/// A path of `/proc/self/mounts`, in which blanks and backslashes are written in octal.
fn unescaped(path: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(path.to_owned(), |path, (escaped, character)| {
        path.replace(escaped, character)
    })
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, mounted at {}", self.kind, self.mounted_at.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_that_cannot_lock_are_told_from_other_errors() {
        let error = io::Error::from_raw_os_error;
        // ENOLCK, EOPNOTSUPP, ENOSYS; EIO, EACCES.
        #[cfg(target_os = "linux")]
        for (code, expected) in [(37, true), (95, true), (38, true), (5, false), (13, false)] {
            assert_eq!(has_no_locks(&error(code)), expected, "{code}");
        }
    }

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\n\
                      server:/a /data\\040of\\040all nfs4 rw 0 0\n\
                      tmpfs /data tmpfs rw 0 0\n\
                      lustre /data lustre rw 0 0\n";
        let of = |path| FileSystem::among(mounts, Path::new(path)).expect("there is a root");
        assert_eq!(of("/home/x").to_string(), "ext4, mounted at /");
        assert_eq!(of("/data/x").kind, "lustre");
        assert_eq!(of("/database").kind, "ext4");
        assert_eq!(of("/data of all/x/y").kind, "nfs4");
    }
}
