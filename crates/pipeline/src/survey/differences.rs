//! What differs between the key inputs of the last result and those of now: one function per reason.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{CodeChange, Reason};
use crate::store::{InputRecord, KeyInputs};

/// All differences, `changes` being those of the code. Inputs are compared only if those of `new` are complete.
pub(super) fn all(
    old: &KeyInputs,
    new: &KeyInputs,
    changes: Vec<CodeChange>,
    complete: bool,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    reasons.extend(kind(old, new));
    reasons.extend(parameters(old, new));
    reasons.extend(seed(old, new));
    reasons.extend(device(old, new));
    reasons.extend(code(old, new, changes));
    if complete {
        let (before, now) = (by_name(&old.inputs), by_name(&new.inputs));
        reasons.extend(inputs_added(&before, &now));
        reasons.extend(inputs_removed(&before, &now));
        reasons.extend(inputs_changed(&before, &now));
        reasons.extend(inputs_relabelled(&before, &now));
        reasons.extend(inputs_reordered(old, new));
    }
    reasons
}

fn kind(old: &KeyInputs, new: &KeyInputs) -> Option<Reason> {
    (old.kind != new.kind).then(|| Reason::KindChanged {
        old: old.kind.clone(),
        new: new.kind.clone(),
    })
}

fn parameters(old: &KeyInputs, new: &KeyInputs) -> Vec<Reason> {
    let mut reasons = Vec::new();
    compare_values(
        "",
        Some(&old.parameters),
        Some(&new.parameters),
        &mut reasons,
    );
    reasons
}

fn compare_values(name: &str, old: Option<&Value>, new: Option<&Value>, reasons: &mut Vec<Reason>) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            compare_tables(name, old, new, reasons)
        }
        _ if old == new => {}
        _ => reasons.push(Reason::ParameterChanged {
            name: name.to_owned(),
            old: old.cloned(),
            new: new.cloned(),
        }),
    }
}

fn compare_tables(
    name: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    reasons: &mut Vec<Reason>,
) {
    let fields: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for field in fields {
        let path = match name {
            "" => field.clone(),
            name => format!("{name}.{field}"),
        };
        compare_values(&path, old.get(field), new.get(field), reasons);
    }
}

fn seed(old: &KeyInputs, new: &KeyInputs) -> Option<Reason> {
    (old.seed != new.seed).then_some(Reason::SeedChanged {
        old: old.seed,
        new: new.seed,
    })
}

fn device(old: &KeyInputs, new: &KeyInputs) -> Option<Reason> {
    (old.device != new.device).then(|| Reason::DeviceChanged {
        old: old.device.clone(),
        new: new.device.clone(),
    })
}

fn code(old: &KeyInputs, new: &KeyInputs, changes: Vec<CodeChange>) -> Option<Reason> {
    (old.fingerprint != new.fingerprint).then(|| Reason::CodeChanged {
        old: old.fingerprint.clone(),
        new: new.fingerprint.clone(),
        changes,
    })
}

/// Inputs by role and task.
type Inputs<'a> = BTreeMap<(&'a str, &'a str), &'a InputRecord>;

fn by_name(inputs: &[InputRecord]) -> Inputs<'_> {
    inputs
        .iter()
        .map(|input| ((input.role.as_str(), input.task.as_str()), input))
        .collect()
}

fn inputs_added(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let added = new.keys().filter(|name| !old.contains_key(*name));
    added
        .map(|&(role, task)| Reason::InputAdded {
            role: role.to_owned(),
            task: task.to_owned(),
        })
        .collect()
}

fn inputs_removed(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    removed
        .map(|&(role, task)| Reason::InputRemoved {
            role: role.to_owned(),
            task: task.to_owned(),
        })
        .collect()
}

fn inputs_changed(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let changed = |(name, input): &(&(&str, &str), &&InputRecord)| {
        old.get(*name)
            .is_some_and(|old| old.content != input.content)
    };
    new.iter()
        .filter(changed)
        .map(|(&(role, task), _)| Reason::InputChanged {
            role: role.to_owned(),
            task: task.to_owned(),
        })
        .collect()
}

fn inputs_relabelled(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let relabelled = |(name, input): &(&(&str, &str), &&InputRecord)| {
        old.get(*name).is_some_and(|old| old.labels != input.labels)
    };
    new.iter()
        .filter(relabelled)
        .map(|(&(role, task), _)| Reason::InputRelabelled {
            role: role.to_owned(),
            task: task.to_owned(),
        })
        .collect()
}

fn inputs_reordered(old: &KeyInputs, new: &KeyInputs) -> Option<Reason> {
    let names = |inputs: &[InputRecord]| -> Vec<(String, String)> {
        inputs
            .iter()
            .map(|input| (input.role.clone(), input.task.clone()))
            .collect()
    };
    let (mut before, mut now) = (names(&old.inputs), names(&new.inputs));
    let moved = before != now;
    before.sort();
    now.sort();
    (moved && before == now).then_some(Reason::InputsReordered)
}
