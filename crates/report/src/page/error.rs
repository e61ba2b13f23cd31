//! Why a page cannot be written.

use std::path::PathBuf;

/// A page that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A figure that should be there.
    #[error("cannot read {path}, the figure of {task}", path = path.display())]
    Read {
        /// The task.
        task: String,
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A file that is no figure of this version.
    #[error("{path} is not a figure for pages of version {expected}; draw it again with `{again}`", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The version that is read.
        expected: u32,
        /// The command that draws it.
        again: String,
        /// What is wrong with it.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A report file that contradicts itself.
    #[error("the report file contradicts itself: {0}")]
    Inconsistent(String),
    /// The crate `plotly` has changed.
    #[error("plotly.js is not where the crate `plotly` used to keep it; lock the version before")]
    Library,
}
