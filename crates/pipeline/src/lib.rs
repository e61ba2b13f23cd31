//! From a pipeline file to results: checked plan, what is stale and why, execution.
//!
//! This crate knows the contract of a stage program and no stage. [`programs`] asks the stage programs
//! what they can do; [`mod@file`] reads a pipeline file against those descriptions and lowers it to a
//! [`plan::Plan`]; [`store`] keeps results by key; [`survey`] walks the plan once and says of every task
//! whether it is up to date and, if not, why; [`execute`] runs what is stale; [`report`] is a page about it.

pub mod accept;
mod cell_values;
pub mod compare;
pub mod execute;
pub mod file;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod gc;
pub mod graph;
mod grouping;
pub mod invoke;
pub mod ledger;
pub mod plan;
pub mod programs;
pub mod report;
pub mod show;
pub mod store;
pub mod survey;
pub mod task_patterns;
pub mod text_table;
pub mod timeline;
pub mod verify;
mod version;

/// Re-exported for what the program writes itself.
pub use eigenscope_artifact::output;
