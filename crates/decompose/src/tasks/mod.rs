//! The task kinds: one file each, with the description and the function that runs a task.

mod activation_covariance;
mod alignment;
mod covariances;
mod embedding;
mod ground_truth;
mod interaction;
mod overlap;
mod rainbow;
mod surgery;
mod weight_covariance;

use eigenscope_stage::TaskKind;

/// The task kinds of this program.
pub fn kinds() -> Vec<TaskKind> {
    vec![
        interaction::kind(),
        ground_truth::kind(),
        activation_covariance::kind(),
        weight_covariance::kind(),
        alignment::kind(),
        overlap::kind(),
        rainbow::kind(),
        embedding::kind(),
        surgery::kind(),
    ]
}
