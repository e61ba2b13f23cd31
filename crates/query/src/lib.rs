//! SQL over the tables of a pipeline.
//!
//! [`Catalogue`] knows the tables of all results that are up to date: `metric.final` is the table `metric_final`; a task
//! that writes several tables has one of each kind, such as `train_bilinear_history`. The tasks of a sweep are one table,
//! told apart by the column `task` and by one column for each label. [`Catalogue::query`] reads the tables and columns
//! that a query names, and nothing else, into memory and lets polars answer.

mod answer;
mod catalogue;
mod error;
mod load;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use catalogue::{Catalogue, Column, Table};
pub use error::QueryError;
