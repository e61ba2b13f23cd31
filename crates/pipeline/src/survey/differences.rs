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
        let ids = ComparedIds::new(new);
        let (before, now) = (ids.sorted(old), ids.sorted(new));
        reasons.extend(inputs_added(&before, &now));
        reasons.extend(inputs_removed(&before, &now));
        reasons.extend(inputs_changed(&before, &now));
        reasons.extend(inputs_relabelled(&before, &now));
        reasons.extend(inputs_reordered(ids.listed(old), ids.listed(new)));
        reasons.extend(tasks_renamed(old, new));
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

/// Inputs by role and compared id.
type Inputs<'a> = BTreeMap<(&'a str, &'a str), &'a InputRecord>;

/// The ids that inputs are compared by: a task that was renamed in between is the same.
struct ComparedIds<'a> {
    /// The first id of each input of now, by the id that it has now.
    first: BTreeMap<&'a str, &'a str>,
}

impl<'a> ComparedIds<'a> {
    fn new(new: &'a KeyInputs) -> Self {
        let inputs = new.inputs.iter();
        Self {
            first: inputs
                .map(|input| (input.task.as_str(), input.first_id()))
                .collect(),
        }
    }

    /// Role and compared id of each input, in order.
    fn listed<'b>(&self, key_inputs: &'b KeyInputs) -> Vec<(&'b str, &'b str)>
    where
        'a: 'b,
    {
        let id = |input: &'b InputRecord| {
            let now = self.first.get(input.task.as_str()).copied();
            (input.role.as_str(), now.unwrap_or_else(|| input.first_id()))
        };
        key_inputs.inputs.iter().map(id).collect()
    }

    fn sorted<'b>(&self, key_inputs: &'b KeyInputs) -> Inputs<'b>
    where
        'a: 'b,
    {
        let ids = self.listed(key_inputs).into_iter();
        ids.zip(&key_inputs.inputs).collect()
    }
}

fn inputs_added(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let added = new.iter().filter(|(id, _)| !old.contains_key(*id));
    added
        .map(|(_, input)| Reason::InputAdded {
            role: input.role.clone(),
            task: input.task.clone(),
        })
        .collect()
}

fn inputs_removed(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let removed = old.iter().filter(|(id, _)| !new.contains_key(*id));
    removed
        .map(|(_, input)| Reason::InputRemoved {
            role: input.role.clone(),
            task: input.task.clone(),
        })
        .collect()
}

fn inputs_changed(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let changed = |(id, input): &(&(&str, &str), &&InputRecord)| {
        old.get(*id).is_some_and(|old| old.content != input.content)
    };
    new.iter()
        .filter(changed)
        .map(|(_, input)| Reason::InputChanged {
            role: input.role.clone(),
            task: input.task.clone(),
        })
        .collect()
}

fn inputs_relabelled(old: &Inputs<'_>, new: &Inputs<'_>) -> Vec<Reason> {
    let relabelled = |(id, input): &(&(&str, &str), &&InputRecord)| {
        old.get(*id).is_some_and(|old| old.labels != input.labels)
    };
    new.iter()
        .filter(relabelled)
        .map(|(_, input)| Reason::InputRelabelled {
            role: input.role.clone(),
            task: input.task.clone(),
        })
        .collect()
}

fn inputs_reordered(mut before: Vec<(&str, &str)>, mut now: Vec<(&str, &str)>) -> Option<Reason> {
    let moved = before != now;
    before.sort_unstable();
    now.sort_unstable();
    (moved && before == now).then_some(Reason::InputsReordered)
}

/// Tasks whose names the task shows, and that had another name then.
fn tasks_renamed(old: &KeyInputs, new: &KeyInputs) -> Vec<Reason> {
    let names = |key_inputs: &'_ KeyInputs| -> BTreeMap<String, String> {
        let renamed = key_inputs.inputs.iter().map(|input| &input.renamed);
        renamed
            .flatten()
            .map(|(first, present)| (first.clone(), present.clone()))
            .collect()
    };
    let (before, now) = (names(old), names(new));
    let first_ids: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let renamed = first_ids.into_iter().filter_map(|first| {
        let [old, new] = [&before, &now].map(|names| names.get(first).unwrap_or(first));
        (old != new).then(|| Reason::TaskRenamed {
            old: old.clone(),
            new: new.clone(),
        })
    });
    renamed.collect()
}
