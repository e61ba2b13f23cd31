//! The task kinds: one file each, with the description and the function that runs a task.

mod activation_covariance;
mod alignment;
mod completeness;
mod covariances;
mod embedding;
mod explanation;
mod ground_truth;
mod hosvd;
mod interaction;
mod masks;
mod merges;
mod overlap;
mod rainbow;
mod shared_basis;
mod surgery;
mod weight_covariance;
mod weight_quality;

use eigenscope_stage::TaskKind;

/// The task kinds of this program.
pub fn kinds() -> Vec<TaskKind> {
    vec![
        interaction::kind(),
        ground_truth::kind(),
        masks::kind(),
        hosvd::kind(),
        explanation::kind(),
        completeness::kind(),
        shared_basis::kind(),
        activation_covariance::kind(),
        weight_covariance::kind(),
        weight_quality::kind(),
        alignment::kind(),
        overlap::kind(),
        rainbow::kind(),
        embedding::kind(),
        surgery::kind(),
        merges::kind(),
    ]
}
