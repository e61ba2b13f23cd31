//! From a pipeline file to a checked plan: every task with its parameters and inputs.
//!
//! [`programs`] asks the stage programs what they can do; [`pipeline_file`] reads a pipeline file against those
//! descriptions and expands it to a [`Plan`]; [`file`](mod@file) is what the readers of all files of users share: values
//! with spans, checks and errors. Nothing here knows a particular task kind, and nothing here runs or stores anything.
//!
//! Modules use each other in one direction: `file` ← `label` ← `reference` ← `plan` ← `programs` ← `pipeline_file`, and `programs` ←
//! `data_set`.

#![allow(
    missing_docs,
    reason = "the docs say what types are for and what holds; names of fields say the rest"
)]

mod data_set;
pub mod file;
pub mod graph;
pub mod grouping;
pub mod kinds;
pub mod label;
mod lacking_files;
pub mod pipeline_file;
mod plan;
pub mod programs;
pub mod progress;
pub mod reference;
pub mod settings;
pub mod task_patterns;

pub use data_set::DataSet;
/// Pipeline files are replaced in one step.
pub use eigenscope_artifact::atomic::write_file;
pub use lacking_files::lacking_files;
pub use pipeline_file::{parse, read, read_showing};
pub use plan::{
    CodeParts, MAXIMUM_INPUTS, MAXIMUM_TASKS, Plan, PlannedInput, PlannedTask, TaskDevice, needed,
};
