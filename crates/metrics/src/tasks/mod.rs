//! The task kinds: one file each, with the description and the function that runs a task.

mod accuracy;
mod clipping;
mod confusion;
mod final_accuracy;
mod masks;
mod neighbours;
mod participation;
mod representation_similarity;
mod scaling;
mod shared_basis;
mod similarity;
mod similarity_map;
mod t_sne;
mod truncation;
mod truncation_summary;
mod unit_circle;

use eigenscope_stage::TaskKind;

/// The task kinds of this program.
pub fn kinds() -> Vec<TaskKind> {
    vec![
        truncation::kind(),
        truncation_summary::kind(),
        masks::kind(),
        participation::kind(),
        shared_basis::kind(),
        similarity::kind(),
        similarity_map::kind(),
        representation_similarity::kind(),
        clipping::kind(),
        final_accuracy::kind(),
        accuracy::kind(),
        scaling::kind(),
        confusion::kind(),
        neighbours::kind(),
        t_sne::kind(),
        unit_circle::kind(),
    ]
}
