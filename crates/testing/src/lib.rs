//! Support for the tests of all crates; nothing but tests and benches depends on it.
//!
//! * Numbers: [`assert_close`] with a [`Tolerance`], [`fixture`] and [`hexadecimal`] for what other programs computed.
//! * Inputs: [`Digits`], [`image_header`] and [`noise`], files by [`idx`], and with the feature `models` `model_with` and `untrained`.
//! * One task: a [`TestTask`] run by the real stage program in a [`TestFolder`], which gives a [`TaskOutcome`].
//! * Everything: a [`TestProject`], a pipeline file on which the real `eigenscope` is run, which gives [`Answer`]s.
//! * Cards: an [`emulated_cuda()`].
//! * Slurm: a [`Cluster`] of three nodes.
//! * Changes of the code: a [`WorkspaceCopy`].
//! * Benches: [`cpu_seconds`] and their [`median`].
//! * Pages: a [`Browser`].

#![allow(missing_docs, reason = "tests say what they use it for")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod answer;
mod browser;
mod closeness;
#[cfg(unix)]
mod cluster;
mod damage;
mod digits;
mod emulated_cuda;
mod folder;
mod images;
mod make;
mod measured;
#[cfg(feature = "models")]
mod models;
mod paths;
mod pipeline;
mod project;
mod reference;
mod task;
mod workspace_copy;

pub use answer::Answer;
pub use browser::Browser;
pub use closeness::{Tolerance, assert_close};
#[cfg(unix)]
pub use cluster::{Cluster, Job};
pub use damage::{DAMAGES, Damage};
pub use digits::Digits;
pub use emulated_cuda::emulated_cuda;
pub use folder::{TestFolder, cut, made_by, provenance, provenance_of};
pub use images::{class_names, idx, image_header, noise, write_images};
pub use make::make;
pub use measured::{KEEP_MEMORY, cpu_seconds, median};
#[cfg(feature = "models")]
pub use models::{model_with, untrained};
pub use paths::{
    describe, examine, file_name, file_names, files_below, program, programs, workspace,
};
pub use pipeline::{PIPELINE, SWEEP, SWEEP_TASKS, TASKS};
#[cfg(unix)]
pub use project::fake_stages;
pub use project::{Artifacts, RunCounts, TestProject, assert_same_artifacts, interrupt};
pub use reference::{fixture, floats, hexadecimal, numbers};
pub use task::{TaskOutcome, TestTask};
pub use workspace_copy::{WorkspaceCopy, section_of};
