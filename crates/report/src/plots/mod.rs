//! The task kinds of the stage `figure`, one file each.

mod confusion;
mod eigenspectrum;
mod eigenvectors;
mod embedding_space;
mod ground_truth;
mod kernels;
mod layer_clipping;
mod layer_overlap;
mod map;
mod mistakes;
mod neighbours;
mod output;
mod rainbow;
mod samples;
mod scaling;
mod similarity;
mod similarity_map;
mod surgery;
mod timeline;
mod training;
mod truncation;
mod unit_circle;

use eigenscope_stage::TaskKind;

/// All task kinds of the stage `figure`.
pub fn kinds() -> Vec<TaskKind> {
    vec![
        training::kind(),
        similarity::kind(),
        similarity_map::kind(),
        truncation::kind(),
        eigenvectors::kind(),
        ground_truth::kind(),
        eigenspectrum::kind(),
        layer_clipping::kind(),
        layer_overlap::kind(),
        samples::kind(),
        rainbow::kind(),
        surgery::kind(),
        embedding_space::kind(),
        unit_circle::kind(),
        map::kind(),
        neighbours::kind(),
        confusion::kind(),
        mistakes::kind(),
        kernels::kind(),
        scaling::kind(),
        timeline::kind(),
    ]
}
