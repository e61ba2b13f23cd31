//! Measures models, eigenpairs and bases: tidy tables of numbers for the figures and the comparison.
//!
//! One analysis a file: [`truncation`] and [`truncation_summary`], [`similarity`] and [`similarity_map`],
//! [`clipping`], [`final_rows`] and [`scaling`], and of embeddings [`confusion`], [`neighbours`] and [`embeddings::t_sne`]. Groups are
//! averaged in one place (`aggregate`), the only one that knows polars. Results are the same bytes for any number of threads.

pub mod bilinear;
pub mod clipping;
mod compatibility;
pub mod confusion;
pub mod embeddings;
mod error;
pub mod final_rows;
pub mod layers;
pub mod neighbours;
pub mod scaling;
pub mod similarity;
pub mod similarity_map;
mod split_images;
pub mod statistics;
pub mod truncation;
pub mod truncation_summary;

pub use error::MetricError;

use eigenscope_stage::TaskKind;

/// The task kinds of this program.
pub fn kinds() -> Vec<TaskKind> {
    vec![
        truncation::kind(),
        truncation_summary::kind(),
        similarity::kind(),
        similarity_map::kind(),
        clipping::kind(),
        final_rows::kind(),
        scaling::kind(),
        confusion::kind(),
        neighbours::kind(),
        embeddings::t_sne::kind(),
    ]
}
