//! A pipeline file as it is in a revision of Git.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A pipeline file of a revision, with the files beside it that it may extend, in a folder that is removed when this is dropped.
#[derive(Debug)]
pub struct RevisionFile {
    folder: TempDir,
    name: PathBuf,
}

/// Why a file of a revision cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    #[error("cannot run git, which knows what {file} was in {revision}")]
    NoGit {
        file: String,
        revision: String,
        #[source]
        source: std::io::Error,
    },
    #[error("git knows no revision `{revision}` in {folder}: {message}")]
    Unknown {
        revision: String,
        folder: String,
        message: String,
    },
    #[error("{file} does not exist in {revision}")]
    NoFile { file: String, revision: String },
    #[error("cannot write a file of {revision} into a temporary folder")]
    Write {
        revision: String,
        #[source]
        source: std::io::Error,
    },
}

impl RevisionFile {
    /// Takes `file` and its neighbours that end in `.toml` out of `revision`. Nothing in the repository changes.
    ///
    /// # Errors
    /// There is no git, no such revision, or no such file in it.
    pub fn new(file: &Path, revision: &str) -> Result<Self, RevisionError> {
        let name = Path::new(file.file_name().unwrap_or_default());
        let beside = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let git = |arguments: &[&OsStr]| {
            let mut git = Command::new("git");
            let output = git.arg("-C").arg(beside).args(arguments).output();
            output.map_err(|source| RevisionError::NoGit {
                file: file.display().to_string(),
                revision: revision.to_owned(),
                source,
            })
        };
        let commit = format!("{revision}^{{commit}}");
        let verify = ["rev-parse", "--verify", "--end-of-options", &commit];
        let found = git(&verify.map(OsStr::new))?;
        if !found.status.success() {
            let message = String::from_utf8_lossy(&found.stderr);
            return Err(RevisionError::Unknown {
                revision: revision.to_owned(),
                folder: beside.display().to_string(),
                message: message.trim().trim_start_matches("fatal: ").to_owned(),
            });
        }
        let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        let listed = git(&["ls-tree", "--name-only", "-z", &commit].map(OsStr::new))?;
        let written = |source| RevisionError::Write {
            revision: revision.to_owned(),
            source,
        };
        let folder = tempfile::tempdir().map_err(written)?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for neighbour in listed.split('\0').filter(|name| name.ends_with(".toml")) {
            let blob = format!("{commit}:./{neighbour}");
            let content = git(&["cat-file", "blob", &blob].map(OsStr::new))?;
            if content.status.success() {
                let path = folder.path().join(neighbour);
                std::fs::write(path, content.stdout).map_err(written)?;
            }
        }
        if !folder.path().join(name).exists() {
            return Err(RevisionError::NoFile {
                file: file.display().to_string(),
                revision: revision.to_owned(),
            });
        }
        let name = name.to_owned();
        Ok(Self { folder, name })
    }

    /// The folder that stands for that of the file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the file lies.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }
}
