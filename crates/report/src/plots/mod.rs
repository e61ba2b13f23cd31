//! The task kinds of the section `figure`: tables in, figure out.

mod eigenspectrum;
mod eigenvectors;
mod ground_truth;
mod labels;
mod layer_clipping;
mod layer_overlap;
mod layer_spectra;
mod layers;
mod output;
mod rainbow;
mod samples;
mod series;
mod similarity;
mod similarity_map;
mod training;
mod truncation;

use eigenscope_stage::TaskKind;

/// Every figure that can be drawn.
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
    ]
}
