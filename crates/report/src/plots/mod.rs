//! The task kinds of the stage `figure`, one file each.

mod completeness;
mod confusion;
mod eigenspectrum;
mod eigenvector_grid;
mod eigenvectors;
mod embedding_space;
mod explanation;
mod ground_truth;
mod hosvd;
mod kernels;
mod layer_clipping;
mod layer_overlap;
mod map;
mod masks;
mod merges;
mod mistakes;
mod neighbours;
mod output;
mod participation;
mod rainbow;
mod representation_similarity;
mod samples;
mod scaling;
mod shared_basis;
mod similarity;
mod similarity_map;
mod style;
mod surgery;
mod timeline;
mod training;
mod truncation;
mod unit_circle;
mod weight_quality;

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
        eigenvector_grid::kind(),
        masks::kind(),
        hosvd::kind(),
        explanation::kind(),
        participation::kind(),
        completeness::kind(),
        shared_basis::kind(),
        layer_clipping::kind(),
        layer_overlap::kind(),
        weight_quality::kind(),
        representation_similarity::kind(),
        samples::kind(),
        rainbow::kind(),
        surgery::kind(),
        merges::kind(),
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
