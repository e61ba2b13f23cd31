//! Measures models, eigenpairs and bases: tidy tables of numbers for the figures and the comparison.
//!
//! One analysis a file: [`truncation`] and [`truncation_summary`], [`similarity`] and [`similarity_map`],
//! [`clipping`], [`final_rows`] and [`scaling`], and of embeddings [`confusion`], [`neighbours`] and [`t_sne`]. Groups are
//! averaged in one place (`aggregate`), the only one that knows polars. Results are the same bytes for any number of threads.

mod aggregate;
mod clipped_layer;
pub mod clipping;
mod compatibility;
pub mod confusion;
mod error;
pub mod final_rows;
mod groups;
mod labels;
mod layer_bases;
pub mod nearest;
pub mod nearest_of_all;
pub mod neighbours;
pub mod power_law;
pub mod principal_components;
pub mod scaling;
mod seed_pairs;
pub mod similarity;
pub mod similarity_map;
mod split_images;
pub mod student;
pub mod t_sne;
pub mod truncation;
pub mod truncation_summary;
pub mod vote;

pub use clipped_layer::ClippedLayer;
pub use error::MetricError;
pub use seed_pairs::{ModelVectors, SeedPair, Variant};

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
        t_sne::kind(),
    ]
}
