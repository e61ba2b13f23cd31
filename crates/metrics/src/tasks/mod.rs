//! The task kinds: one file each, with the description and the function that runs a task.

mod accuracy;
mod clipping;
mod confusion;
mod final_accuracy;
mod neighbours;
mod scaling;
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
        similarity::kind(),
        similarity_map::kind(),
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
