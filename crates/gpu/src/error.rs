//! Errors of cards and of the libraries that drive them.

use std::path::PathBuf;

use crate::places::Library;

/// What a card or one of CUDA's libraries could not do.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// A library could not be loaded.
    #[error("cannot load {path}: {reason}", path = path.display())]
    Load { path: PathBuf, reason: String },
    /// A library is older than what is needed.
    #[error(
        "{path} has no function `{function}`: it is too old, {library} of CUDA 11.4 or later is needed",
        path = path.display()
    )]
    Function {
        library: Library,
        path: PathBuf,
        function: &'static str,
    },
    /// A function of a library failed.
    #[error("{library}: {function} failed: {reason}")]
    Call {
        library: Library,
        function: &'static str,
        reason: String,
    },
    /// A card that there is not.
    #[error("there is no card number {index}: the driver knows {count}")]
    NoCard { index: u32, count: u32 },
    /// The kernels do not compile for this card.
    #[error("NVRTC does not compile the kernels for {architecture}: {log}")]
    Compile { architecture: String, log: String },
    /// A card without room.
    #[error("{card} has {free_mib} MiB of memory free, the training needs {needed_mib} MiB")]
    Memory {
        card: String,
        free_mib: u64,
        needed_mib: u64,
    },
    /// Sizes that do not fit together, or that kernels cannot count.
    #[error("{0}")]
    Shape(String),
}
