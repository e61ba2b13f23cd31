//! From a plan to results: what is stale and why, execution, and what is done with results.
//!
//! [`store`] keeps results by key; [`survey`] walks the plan once and says of every task whether it is up to date and, if
//! not, why; [`execute`] runs what is stale, or takes it from where it is [shared](sharing); [`verify`] computes results again, [`mod@compare`] compares them with published
//! numbers, [`mod@diff`] with those of another file or run, and [`report`] writes a page about them. This crate knows the contract of a stage program and no stage; pipeline
//! files are read by `eigenscope-plan`.

#![allow(
    missing_docs,
    reason = "the docs say what types are for and what holds; names of fields say the rest"
)]

pub mod accept;
mod cell_values;
pub mod compare;
pub mod diff;
pub mod execute;
pub mod export;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod gc;
pub mod host;
pub mod invoke;
pub mod ledger;
pub mod machine;
mod plain;
pub mod rename;
pub mod report;
pub mod sharing;
pub mod show;
pub mod store;
pub mod survey;
pub mod text_table;
pub mod timeline;
pub mod tone;
pub mod verify;
mod version;
pub mod watch;
pub mod wrapping;

/// Re-exported for what the program writes itself.
pub use eigenscope_artifact::output;
