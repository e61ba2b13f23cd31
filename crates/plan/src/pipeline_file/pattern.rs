//! Tasks from a table: what all of them have in common, what swept values change, and what each reads.

use std::collections::HashMap;
use std::sync::Arc;

use eigenscope_artifact::KindName;
use eigenscope_stage::{Resources, Seed, TaskKindDescription};
use serde_json::{Map, Value};

use super::axis::AxisValue;
use super::expand::Selected;
use super::sweep::Row;
use super::table::{SEED, Table};
use crate::label::task_id;
use crate::plan::{PlannedInput, PlannedTask, TaskDevice};
use crate::programs::Programs;

/// What the swept values make of a task, whatever it reads.
pub(super) struct Variant<'a> {
    /// The labels of the swept values.
    labels: Vec<(&'a str, &'a Value)>,
    parameters: Arc<Value>,
    /// The seed, if it is given.
    seed: Option<u64>,
    resources: Resources,
}

/// The variants of a table, in the order of `combinations`. Those that differ in the seed only have the same parameters in memory.
pub(super) fn variants<'a>(
    table: &'a Table<'_>,
    kind: &TaskKindDescription,
    combinations: &[Vec<&'a AxisValue>],
) -> Vec<Variant<'a>> {
    let is_seed = |name: &str| name == SEED && kind.random;
    let swept: Vec<bool> = table.axes.iter().map(|axis| !is_seed(&axis.name)).collect();
    let mut known: HashMap<Vec<*const AxisValue>, (Arc<Value>, Resources)> = HashMap::new();
    let variants = combinations.iter().map(|combination| {
        let values = || table.axes.iter().zip(combination).zip(&swept);
        let make = || {
            let mut parameters = table.parameters.clone();
            for ((axis, value), _) in values().filter(|(_, swept)| **swept) {
                parameters.insert(axis.name.clone(), value.value.clone());
            }
            let resources = resources(kind, &parameters);
            (Arc::new(Value::Object(parameters)), resources)
        };
        let (parameters, resources) = match swept.iter().all(|&swept| swept) {
            true => make(),
            false => {
                let swept = values().filter(|(_, swept)| **swept);
                let swept = swept.map(|((_, value), _)| std::ptr::from_ref(*value));
                known.entry(swept.collect()).or_insert_with(make).clone()
            }
        };
        let seed = values().find(|(_, swept)| !**swept);
        Variant {
            labels: values()
                .map(|((axis, value), _)| (axis.name.as_str(), &value.label))
                .collect(),
            parameters,
            seed: seed.map_or(table.seed, |((_, value), _)| value.value.as_u64()),
            resources,
        }
    });
    variants.collect()
}

/// What all tasks of a table have in common.
pub(super) struct Pattern<'a> {
    table: &'a Table<'a>,
    random: bool,
    kind: Arc<str>,
    heading: Option<Arc<str>>,
    formerly: Option<Arc<str>>,
    fingerprint: Arc<str>,
    outputs: Arc<[KindName]>,
    /// The inputs under each key, with the names of their role and kind.
    inputs: Vec<(&'a Selected<'a>, Arc<str>, Arc<KindName>)>,
}

impl<'a> Pattern<'a> {
    pub(super) fn new(
        programs: &Programs,
        table: &'a Table<'a>,
        kind: &TaskKindDescription,
        selected: &'a [Selected<'a>],
    ) -> Self {
        let code = programs.code(table.stage, &kind.name);
        let inputs = selected.iter().map(|one| {
            let role = &one.key.role;
            (one, role.name.as_str().into(), Arc::new(role.kind.clone()))
        });
        Self {
            table,
            random: kind.random,
            kind: kind.name.as_str().into(),
            heading: table.heading.as_deref().map(Into::into),
            formerly: table.formerly.as_ref().map(|(id, _)| id.as_str().into()),
            fingerprint: code.map_or("", |code| &code.fingerprint).into(),
            outputs: kind.outputs.as_slice().into(),
            inputs: inputs.collect(),
        }
    }

    /// The task that reads a row of inputs; `seed` is that of the pipeline.
    pub(super) fn task(&self, row: &Row, variant: &Variant<'_>, seed: u64) -> PlannedTask {
        let mut labels = Arc::clone(&row.labels);
        if !variant.labels.is_empty() {
            let own = variant.labels.iter();
            let own = own.map(|&(name, label)| (name.to_owned(), label.clone()));
            Arc::make_mut(&mut labels).extend(own);
        }
        let id = task_id(&self.table.id, &labels);
        let mut task = PlannedTask {
            id,
            formerly: self.formerly.clone(),
            stage: self.table.stage,
            kind: Arc::clone(&self.kind),
            labels,
            parameters: Arc::clone(&variant.parameters),
            // Without chance the seed is part of nothing, so it must not differ between equal tasks.
            seed: variant.seed.unwrap_or_default(),
            seed_is_derived: self.random && variant.seed.is_none(),
            random: self.random,
            heading: self.heading.clone(),
            resources: variant.resources,
            device: TaskDevice::default(),
            fingerprint: Arc::clone(&self.fingerprint),
            inputs: self.inputs_of(row),
            outputs: Arc::clone(&self.outputs),
            warnings: Vec::new(),
            lacks_file: false,
        };
        if task.seed_is_derived {
            task.seed = Seed::derive(seed, &task.first_id()).0;
        }
        task
    }

    fn inputs_of(&self, row: &Row) -> Vec<PlannedInput> {
        let read = |one: &Selected<'_>| {
            if one.key.role.many {
                one.tasks.len()
            } else {
                1
            }
        };
        let count = self.inputs.iter().map(|(one, ..)| read(one)).sum();
        let mut inputs = Vec::with_capacity(count);
        let mut one_by_one = row.tasks.iter();
        for (selected, role, kind) in &self.inputs {
            let read = match selected.key.role.many {
                true => selected.tasks.as_slice(),
                false => one_by_one
                    .next()
                    .map(std::slice::from_ref)
                    .unwrap_or_default(),
            };
            inputs.extend(read.iter().map(|&task| PlannedInput {
                role: Arc::clone(role),
                task,
                kind: Arc::clone(kind),
            }));
        }
        inputs
    }
}

/// What a task needs, its duration guessed from its parameters.
fn resources(kind: &TaskKindDescription, parameters: &Map<String, Value>) -> Resources {
    let mut resources = kind.resources;
    for parameter in &kind.parameters {
        let value = parameters.get(&parameter.name).and_then(size);
        if let (Some(unit), Some(value)) = (parameter.duration_unit, value) {
            resources.seconds *= value / unit;
        }
    }
    resources
}

/// A number, or the sum of a list of numbers.
fn size(value: &Value) -> Option<f64> {
    match value {
        Value::Array(items) => items.iter().map(size).sum(),
        number => number.as_f64(),
    }
}
