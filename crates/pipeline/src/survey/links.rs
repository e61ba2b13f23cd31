//! Readable names that do not lead where they should.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::{FEW, State, Survey};
use crate::store::{FigureNames, Key, Store};
use eigenscope_plan::Plan;

/// The tasks that are up to date and whose readable names do not lead to their results, with the keys of these; only some of
/// them once `cancel` is set.
pub fn unlinked(
    plan: &Plan,
    store: &Store,
    survey: &Survey,
    figures: &FigureNames,
    cancel: &AtomicBool,
) -> Vec<(usize, Key)> {
    let tasks = (0..plan.tasks.len()).into_par_iter().with_min_len(FEW);
    let unlinked = tasks.filter_map(|task| {
        if cancel.load(Ordering::Relaxed) {
            return None;
        }
        let State::Current { key, .. } = survey.get(task)? else {
            return None;
        };
        (!store.is_linked(plan, task, figures, *key)).then_some((task, *key))
    });
    unlinked.collect()
}
