//! What stands where a file is to be written.

use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::ArtifactError;
use crate::atomic::parent;
use crate::regular;

/// Most links that are followed, as in Linux.
const LINKS: usize = 40;

/// Where a path leads.
pub(crate) enum Destination {
    /// To a regular file, or to nothing yet.
    File {
        /// The path behind all links.
        path: PathBuf,
        /// Permissions of the file that stands there.
        permissions: Option<Permissions>,
    },
    /// To a named pipe, a device, or an open file of a process: something to write to and not to replace.
    Stream {
        /// What it is, as the reason why it is not replaced.
        not_a_file: io::Error,
    },
}

impl Destination {
    /// Follows the links from `path`.
    ///
    /// # Errors
    /// `path` leads to a folder, or in a circle.
    pub(crate) fn of(path: &Path) -> Result<Self, ArtifactError> {
        let refused = |source| ArtifactError::io("replace", path, source);
        let mut target = path.to_owned();
        for _ in 0..LINKS {
            // A path that cannot be looked at cannot be written either, which says more.
            let Ok(found) = target.symlink_metadata() else {
                return Ok(Self::File {
                    path: target,
                    permissions: None,
                });
            };
            if !found.is_symlink() {
                return match regular::check(found.file_type()) {
                    Ok(()) => Ok(Self::File {
                        path: target,
                        permissions: Some(found.permissions()),
                    }),
                    Err(error) if error.kind() == ErrorKind::IsADirectory => Err(refused(error)),
                    Err(not_a_file) => Ok(Self::Stream { not_a_file }),
                };
            }
            let folder = parent(&target);
            if is_list_of_open_files(folder) {
                return Ok(Self::Stream {
                    not_a_file: io::Error::new(
                        ErrorKind::InvalidInput,
                        "it is a file that a process has open",
                    ),
                });
            }
            let next = std::fs::read_link(&target).map_err(refused)?;
            target = folder.join(next);
        }
        let circle = io::Error::new(ErrorKind::InvalidInput, "its links lead in a circle");
        Err(refused(circle))
    }
}

/// Whether `folder` is the `fd` of a process, in which links lead to open files and not to paths.
fn is_list_of_open_files(folder: &Path) -> bool {
    folder
        .canonicalize()
        .is_ok_and(|folder| folder.starts_with("/proc") && folder.ends_with("fd"))
}
