//! SQL over the tables of a pipeline.
//!
//! [`Catalogue`] knows the tables of all results that are up to date: `metric.final` is the table `metric_final`; a task
//! that writes several tables has one of each kind, such as `train_bilinear_history`. The tasks of a sweep are one table,
//! told apart by the column `task` and by one column for each label.
//!
//! [`Catalogue::query`] answers `select` and `with` in the dialect that standard SQL and DuckDB share. Integers have 64
//! bits and a sign. What engines answer differently, what has no value (a division by zero, an integer overflow) and what
//! is not known is refused with a sentence that says what to write instead. A query goes through three rooms: `parse`
//! (text to a syntax tree), `bind` (names, types, and the plan), `run` (rows, in memory). Tests compare the answers
//! with DuckDB's.

mod answer;
mod bind;
mod catalogue;
mod error;
mod load;
mod parse;
mod plan;
mod run;
#[cfg(test)]
mod tests;
mod value;

pub use answer::Answer;
pub use catalogue::{Catalogue, Column, Table};
pub use error::QueryError;
