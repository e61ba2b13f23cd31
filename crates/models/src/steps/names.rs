//! Names of layers, norms and blocks: given by the user, or by kind and number within their list.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Faults, StepError};
use super::kinds::{ListedStep, Operation, Residual};

/// Gives every step that has tensors, and every block, its full name: that of the blocks around it and its own.
///
/// Without a name of its own, a step is called by its kind and its number among those of its kind in the list. A single
/// linear or bilinear layer of a list has no number.
///
/// Two steps of one name are a fault.
pub(super) fn assign(steps: &mut [ListedStep], faults: &mut Faults) {
    let mut names = BTreeSet::new();
    assign_within("", steps, &mut names, faults);
}

fn assign_within(
    prefix: &str,
    steps: &mut [ListedStep],
    names: &mut BTreeSet<String>,
    faults: &mut Faults,
) {
    let mut totals = BTreeMap::new();
    for stem in steps.iter().filter_map(|step| stem(&step.operation)) {
        *totals.entry(stem).or_insert(0_usize) += 1;
    }
    let mut numbers = BTreeMap::new();
    for (index, step) in steps.iter_mut().enumerate() {
        let Some(stem) = stem(&step.operation) else {
            continue;
        };
        let number = numbers.entry(stem).or_insert(0_usize);
        *number += 1;
        let alone = totals[stem] == 1 && (stem == "linear" || stem == "bilinear");
        let own = match (step.name.is_empty(), alone) {
            (false, _) => step.name.clone(),
            (true, true) => stem.to_owned(),
            (true, false) => format!("{stem}{number}"),
        };
        step.name = format!("{prefix}{own}");
        faults.enter_item(index);
        if !names.insert(step.name.clone()) {
            let message = format!("a step before this one is called `{}`, too", step.name);
            let help = "give one of them another `name`";
            faults.add(StepError::new(message).with_help(help));
        }
        let prefix = format!("{}.", step.name);
        if let Operation::Residual(block) = &mut step.operation {
            block.enter_branch(faults);
            assign_within(&prefix, &mut block.steps, names, faults);
            block.leave_branch(faults);
            if let Some(shortcut) = &mut block.shortcut {
                let within = format!("{prefix}shortcut.");
                Residual::enter_shortcut(faults);
                assign_within(&within, shortcut, names, faults);
                Residual::leave_shortcut(faults);
            }
        }
        faults.leave();
    }
}

/// What steps of this kind are called; none for those without a name.
fn stem(operation: &Operation) -> Option<&'static str> {
    match operation {
        Operation::Linear { .. } => Some("linear"),
        Operation::Bilinear { .. } => Some("bilinear"),
        Operation::Convolution { .. } => Some("conv"),
        Operation::BatchNorm { .. } => Some("norm"),
        Operation::Residual(_) => Some("residual"),
        _ => None,
    }
}

/// The names of steps with a weight that is a matrix.
pub(super) fn of_layers(steps: &[ListedStep]) -> Vec<&str> {
    let mut names = Vec::new();
    collect(steps, &mut names, |operation| {
        matches!(
            operation,
            Operation::Linear { .. } | Operation::Bilinear { .. } | Operation::Convolution { .. }
        )
    });
    names
}

/// The names of batch normalisations.
pub(super) fn of_norms(steps: &[ListedStep]) -> Vec<&str> {
    let mut names = Vec::new();
    collect(steps, &mut names, |operation| {
        matches!(operation, Operation::BatchNorm { .. })
    });
    names
}

fn collect<'a>(steps: &'a [ListedStep], names: &mut Vec<&'a str>, wanted: fn(&Operation) -> bool) {
    for step in steps {
        if wanted(&step.operation) {
            names.push(&step.name);
        }
        if let Operation::Residual(block) = &step.operation {
            collect(&block.steps, names, wanted);
            collect(block.shortcut.as_deref().unwrap_or_default(), names, wanted);
        }
    }
}
