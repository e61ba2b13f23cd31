//! Errors of writing a page.

use std::path::PathBuf;

use eigenscope_artifact::ArtifactError;

/// A page that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A figure that cannot be read.
    #[error("cannot read {path}, the figure of {task}", path = path.display())]
    Read {
        /// Task that drew it.
        task: String,
        /// Path of the figure.
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file that is not a figure of this version.
    #[error("{path} is not a figure for pages of version {expected}; draw it again with `{again}`", path = path.display())]
    Malformed {
        /// Path of the figure.
        path: PathBuf,
        expected: u32,
        /// Command that draws it again.
        again: String,
        /// Cause; `None` for another version.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A table that cannot be read.
    #[error(transparent)]
    Table(#[from] ArtifactError),
    /// A report file that contradicts itself.
    #[error("the report file contradicts itself: {0}")]
    Inconsistent(String),
    /// A template that cannot be filled.
    #[error("cannot write the page")]
    Template(#[from] askama::Error),
    /// A version of the crate `plotly` with another structure.
    #[error("plotly.js is not where the crate `plotly` used to keep it; lock the version before")]
    Library,
}
