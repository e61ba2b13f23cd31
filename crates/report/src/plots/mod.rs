//! The task kinds of the stage `figure`, one file each.

mod album;
mod class_accuracy;
mod classes;
mod confusion;
mod eigenspectrum;
mod eigenvectors;
mod embedding_sample;
mod embedding_space;
mod floor;
mod ground_truth;
mod groups;
mod kernels;
mod labels;
mod layer_clipping;
mod layer_overlap;
mod layer_spectra;
mod layers;
mod map;
mod mistakes;
mod neighbours;
mod output;
mod rainbow;
mod samples;
mod scaling;
mod series;
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
