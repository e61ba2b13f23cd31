//! The features of every task's results: what its kind states, and what it inherits from what it reads.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use eigenscope_stage::{AttributeValue, Examined, Feature};
use serde_json::{Map, Value};

use super::examine::Examinations;
use super::expand::ExpandedTable;
use crate::plan::PlannedTask;

/// What is true of the results of a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Features<'a> {
    pub(crate) flags: BTreeSet<&'a str>,
    /// Names of parts by set.
    pub(crate) names: BTreeMap<&'a str, BTreeSet<String>>,
    /// Attributes whose value is known.
    pub(crate) attributes: BTreeMap<&'a str, Rc<Value>>,
    /// Whether a problem with a parameter was reported, so that there may be others.
    pub(crate) uncertain: bool,
}

impl Features<'_> {
    /// Keeps what `other` has, too.
    fn intersect(&mut self, other: &Self) {
        self.flags.retain(|flag| other.flags.contains(flag));
        self.names.retain(|set, names| {
            let others = other.names.get(set);
            names.retain(|name| others.is_some_and(|others| others.contains(name)));
            others.is_some()
        });
        self.attributes
            .retain(|name, value| other.attributes.get(name) == Some(value));
        self.uncertain |= other.uncertain;
    }

    /// Adds what `other` has.
    fn unite(&mut self, other: Self) {
        self.flags.extend(other.flags);
        for (set, names) in other.names {
            self.names.entry(set).or_default().extend(names);
        }
        self.attributes.extend(other.attributes);
        self.uncertain |= other.uncertain;
    }
}

/// Features of every task of a plan. Equal ones are one value in memory: tasks are many, features few.
pub(crate) fn features<'a>(
    expanded: &[ExpandedTable<'a>],
    tasks: &[PlannedTask],
    examinations: &'a Examinations,
) -> Vec<Rc<Features<'a>>> {
    let mut distinct: HashSet<Rc<Features<'a>>> = HashSet::new();
    let mut features = Vec::with_capacity(tasks.len());
    for ExpandedTable {
        kind, tasks: range, ..
    } in expanded
    {
        // Of tasks with the same parameters that read what has the same features, one is looked at.
        let mut known: HashMap<Origin, Rc<Features<'a>>> = HashMap::new();
        for task in tasks.get(range.clone()).unwrap_or_default() {
            let examined = examinations.of(features.len());
            let origin = origin(task, examined, &features);
            if let Some(known) = known.get(&origin) {
                features.push(Rc::clone(known));
                continue;
            }
            let mut own = of_task(
                kind.provides.iter().chain(provided(examined)),
                task,
                &features,
            );
            let is_unknown = |one: &Examined| !one.faults.is_empty() || one.unusable.is_some();
            own.uncertain |= kind.examined && examined.is_none_or(is_unknown);
            let own = Rc::new(own);
            let shared = distinct.get(&own).map(Rc::clone);
            let shared = shared.unwrap_or_else(|| {
                distinct.insert(Rc::clone(&own));
                own
            });
            known.insert(origin, Rc::clone(&shared));
            features.push(shared);
        }
    }
    features
}

/// Where in memory everything is that the features of a task of a table follow from: parameters, what a program has stated, and
/// role and features of each input.
type Origin = (*const Value, *const Examined, Vec<(usize, usize)>);

fn origin(task: &PlannedTask, examined: Option<&Examined>, before: &[Rc<Features<'_>>]) -> Origin {
    let read = task.inputs.iter().map(|input| {
        let features = before.get(input.task);
        let place = features.map_or(0, |features| Rc::as_ptr(features).cast::<u8>().addr());
        (Arc::as_ptr(&input.role).cast::<u8>().addr(), place)
    });
    let mut read: Vec<_> = read.collect();
    read.dedup();
    let examined = examined.map_or(std::ptr::null(), std::ptr::from_ref);
    (Arc::as_ptr(&task.parameters), examined, read)
}

/// What a program has stated about the results of one task.
pub(super) fn provided(examined: Option<&Examined>) -> &[Feature] {
    examined.map_or(&[], |examined| &examined.provides)
}

/// `before` are the features of the tasks before it, and so of all that it reads.
fn of_task<'a>(
    provides: impl Iterator<Item = &'a Feature>,
    task: &PlannedTask,
    before: &[Rc<Features<'a>>],
) -> Features<'a> {
    let mut features = Features {
        uncertain: has_problem(&task.parameters),
        ..Features::default()
    };
    for feature in provides {
        match feature {
            Feature::Flag { name, when } => {
                if when
                    .as_ref()
                    .is_none_or(|when| when.holds(&task.parameters))
                {
                    features.flags.insert(name);
                }
            }
            Feature::Names { set, rules } => {
                let names = rules.iter().flat_map(|rule| rule.names(&task.parameters));
                features.names.entry(set).or_default().extend(names);
            }
            Feature::Attribute { name, value } => {
                let value = match value {
                    AttributeValue::Inherited { role } => shared(task, role, name, before),
                    own => own.value(&task.parameters).map(Rc::new),
                };
                if let Some(value) = value {
                    features.attributes.insert(name, value);
                }
            }
            // Followed by `sizes`, with what parameters make of them.
            Feature::Quantity { .. } | Feature::Quantities { .. } => {}
            Feature::Inherited { role } => {
                features.unite(common(task, role, before));
            }
        }
    }
    features
}

/// Returns whether a parameter has no value, for no type has null.
pub(super) fn has_problem(parameters: &Value) -> bool {
    let mut values = parameters.as_object().into_iter().flat_map(Map::values);
    values.any(Value::is_null)
}

/// The features of all that `task` reads in `role`.
fn read<'b, 'a>(
    task: &'b PlannedTask,
    role: &'b str,
    before: &'b [Rc<Features<'a>>],
) -> impl Iterator<Item = &'b Rc<Features<'a>>> {
    let inputs = task.inputs.iter().filter(move |input| *input.role == *role);
    inputs.filter_map(|input| before.get(input.task))
}

/// The attribute that all that `task` reads in `role` share, if it is certain.
fn shared<'a>(
    task: &PlannedTask,
    role: &str,
    attribute: &str,
    before: &[Rc<Features<'a>>],
) -> Option<Rc<Value>> {
    let mut values = read(task, role, before).map(|features| match features.uncertain {
        true => None,
        false => features.attributes.get(attribute),
    });
    let first = values.next()??;
    values
        .all(|value| value == Some(first))
        .then(|| Rc::clone(first))
}

/// What all that `task` reads in `role` have in common.
pub(super) fn common<'a>(
    task: &PlannedTask,
    role: &str,
    before: &[Rc<Features<'a>>],
) -> Features<'a> {
    let mut read = read(task, role, before);
    let Some(first) = read.next() else {
        return Features::default();
    };
    let mut common = Features::clone(first);
    for other in read.filter(|other| !Rc::ptr_eq(other, first)) {
        common.intersect(other);
    }
    common
}
