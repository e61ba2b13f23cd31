//! Patterns of tasks in the settings, read against a pipeline: those that mean nothing are most likely misspelt.

use std::collections::BTreeSet;

use eigenscope_stage::Stage;

use super::Slurm;
use super::slurm::fits;
use crate::file::{closest, named};
use crate::kinds::kinds;
use crate::plan::Plan;
use crate::programs::Programs;
use crate::task_patterns::{matches_glob, suggestion};

impl Slurm {
    /// A warning for each pattern that means no task of the plan and no kind of task at all. One that means a kind is of use to other
    /// pipelines, which share the settings.
    pub fn pattern_warnings(&self, plan: &Plan, programs: &Programs) -> Vec<String> {
        let kinds: BTreeSet<String> = kinds(programs)
            .iter()
            .map(|kind| kind.full_name())
            .collect();
        let is_known = |pattern: &str| {
            kinds.iter().any(|kind| matches_glob(kind, pattern))
                || plan.tasks.iter().any(|task| fits(task, pattern))
        };
        let unknown = self.places.iter().filter(|(text, _)| !is_known(text));
        let warnings = unknown.map(|(pattern, place)| {
            let meant = meant(plan, &kinds, pattern);
            let meant =
                meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            format!(
                "warning: {place}: `{}` means no task of {} and no kind of task{meant}",
                named(pattern),
                plan.name
            )
        });
        warnings.collect()
    }
}

/// What is most like a pattern that means nothing: a stage, a table, a task or a kind.
fn meant(plan: &Plan, kinds: &BTreeSet<String>, pattern: &str) -> Option<String> {
    if let Some((stage, rest)) = pattern.split_once('.')
        && !Stage::ALL.iter().any(|known| known.name() == stage)
    {
        let stages = Stage::ALL.iter().map(|known| known.name());
        return closest(stage, stages).map(|meant| format!("{meant}.{rest}"));
    }
    let of_plan = suggestion(plan, pattern);
    of_plan.or_else(|| closest(pattern, kinds.iter().map(String::as_str)).map(str::to_owned))
}
