//! Quantities of every task's results, such as sizes of images: followed from table to table, and checked against what
//! parameters and readers demand of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use eigenscope_stage::{
    Demand, Effect, Examined, Feature, Parameter, ParameterType, Relation, Role,
};
use serde_json::Value;

use super::examine::Examinations;
use super::expand::ExpandedTable;
use super::features::provided as stated;
use super::table::{InputKey, Table};
use crate::file::{FileError, Problems};
use crate::plan::{PlannedInput, PlannedTask};

/// What is known about the results of a task, by the name of the quantity.
pub(super) type Quantities<'a> = Rc<BTreeMap<&'a str, u64>>;

/// Checks every table: one problem for each parameter or role and each number that it cannot work with. Returns what is known
/// about the results of every task.
pub(crate) fn check<'a>(
    expanded: &[ExpandedTable<'a>],
    tasks: &[PlannedTask],
    examinations: &'a Examinations,
    problems: &mut Problems,
) -> Vec<Quantities<'a>> {
    let mut known: Vec<Quantities<'a>> = Vec::with_capacity(tasks.len());
    for table in expanded {
        let mut reported = HashSet::new();
        for task in tasks.get(table.tasks.clone()).unwrap_or_default() {
            let examined = examinations.of(known.len());
            check_roles(
                (table, task, examined),
                tasks,
                &known,
                &mut reported,
                problems,
            );
            let provides = table.kind.provides.iter().chain(stated(examined));
            let mut walk = Walk {
                known: provided(provides, task, &known),
                violations: Vec::new(),
            };
            for parameter in &table.kind.parameters {
                let value = task.parameters.get(&parameter.name);
                walk.parameter(parameter, value.unwrap_or(&Value::Null), &task.parameters);
            }
            for violation in walk.violations {
                if reported.insert(violation.text()) {
                    problems.add(|| violation.error(table));
                }
            }
            known.push(walk.known);
        }
    }
    known
}

/// What the guess of the duration of every task is multiplied by, from what is known about the results that it reads.
pub(crate) fn duration_factors(
    expanded: &[ExpandedTable<'_>],
    tasks: &[PlannedTask],
    known: &[Quantities<'_>],
) -> Vec<f64> {
    let of_table = |table: &ExpandedTable<'_>| {
        let roles = table.kind.roles.iter();
        let scaling: Vec<&Role> = roles
            .filter(|role| !role.duration_units.is_empty())
            .collect();
        let tasks = tasks.get(table.tasks.clone()).unwrap_or_default();
        let factors = tasks.iter().map(|task| {
            let of_role = |role: &&Role| {
                let quantities = common(task, &role.name, known);
                let units = role.duration_units.iter();
                let factors = units.map(|(name, unit)| match quantities.get(name.as_str()) {
                    Some(&count) => count as f64 / unit,
                    None => 1.0,
                });
                factors.product::<f64>()
            };
            scaling.iter().map(of_role).product()
        });
        factors.collect::<Vec<f64>>()
    };
    expanded.iter().flat_map(of_table).collect()
}

/// What a task states and inherits, before its parameters change it.
fn provided<'a>(
    provides: impl Iterator<Item = &'a Feature>,
    task: &PlannedTask,
    before: &[Quantities<'a>],
) -> Quantities<'a> {
    let mut known: Quantities<'a> = Rc::default();
    for feature in provides {
        match feature {
            Feature::Quantity { name, amount } => {
                let count = amount.count(
                    &task.parameters,
                    |name| known.get(name).copied(),
                    |role, name| common(task, role, before).get(name).copied(),
                );
                if let Some(count) = count {
                    Rc::make_mut(&mut known).insert(name, count);
                }
            }
            Feature::Quantities { role } | Feature::Inherited { role } => {
                let inherited = common(task, role, before);
                match known.is_empty() {
                    true => known = inherited,
                    false => {
                        let inherited = inherited.iter().map(|(&name, &count)| (name, count));
                        Rc::make_mut(&mut known).extend(inherited);
                    }
                }
            }
            _ => {}
        }
    }
    known
}

/// What all that `task` reads in `role` have in common.
pub(super) fn common<'a>(
    task: &PlannedTask,
    role: &str,
    before: &[Quantities<'a>],
) -> Quantities<'a> {
    let inputs = task.inputs.iter().filter(|input| *input.role == *role);
    let mut read = inputs.filter_map(|input| before.get(input.task));
    let Some(first) = read.next() else {
        return Rc::default();
    };
    let mut common = Rc::clone(first);
    for other in read.filter(|other| *other != first) {
        Rc::make_mut(&mut common).retain(|name, count| other.get(name) == Some(&*count));
    }
    common
}

/// Reports what `table` reads and cannot work with.
fn check_roles(
    (table, task, examined): (&ExpandedTable<'_>, &PlannedTask, Option<&Examined>),
    tasks: &[PlannedTask],
    known: &[Quantities<'_>],
    reported: &mut HashSet<String>,
    problems: &mut Problems,
) {
    for key in &table.table.inputs {
        let asked = examined.and_then(|examined| examined.demands.get(&key.role.name));
        let demands = key.role.demands.iter().chain(asked.into_iter().flatten());
        if demands.clone().next().is_none() {
            continue;
        }
        for demand in demands.clone() {
            check_among((table.table, task, key), demand, known, reported, problems);
        }
        let inputs = task.inputs.iter();
        for input in inputs.filter(|input| *input.role == *key.role.name) {
            for demand in demands.clone() {
                let count = known
                    .get(input.task)
                    .and_then(|known| known.get(demand.quantity.as_str()));
                let violation = count.filter(|_| demand.relation != Relation::Among);
                let violation = violation.and_then(|&count| {
                    let amount = demand.violated(&task.parameters, count)?;
                    Some((amount, count))
                });
                let Some((amount, count)) = violation else {
                    continue;
                };
                let violation = Violation {
                    what: table.table.id.clone(),
                    parameter: None,
                    demand,
                    amount,
                    count,
                    of: tasks.get(input.task).map(|read| read.id.as_str()),
                };
                // Rows and columns that are too few for one reason are one problem.
                let cause = format!("{} {amount} {count} {:?}", demand.because, violation.of);
                if reported.insert(cause) {
                    problems.add(|| {
                        FileError::new("wrong_count", violation.text())
                            .at(&key.span, "read here")
                            .help(reason(table.table, demand))
                    });
                }
            }
        }
    }
}

/// Reports that nothing that a task reads in a role has a number that one of them must have, if the numbers of all are known.
fn check_among(
    (table, task, key): (&Table<'_>, &PlannedTask, &InputKey<'_>),
    demand: &Demand,
    known: &[Quantities<'_>],
    reported: &mut HashSet<String>,
    problems: &mut Problems,
) {
    if demand.relation != Relation::Among {
        return;
    }
    let inputs = task.inputs.iter();
    let inputs = inputs.filter(|input| *input.role == *key.role.name);
    let count = |input: &PlannedInput| {
        let known = known.get(input.task)?;
        known.get(demand.quantity.as_str()).copied()
    };
    let Some(counts) = inputs.map(count).collect::<Option<BTreeSet<u64>>>() else {
        return;
    };
    let mut amounts = demand.amount.values(&task.parameters).into_iter();
    let Some(amount) = amounts.find(|amount| !counts.contains(amount)) else {
        return;
    };
    let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
    let message = format!(
        "`{}` needs {amount} {} of one of its `{}`, but they have {}",
        table.id,
        demand.quantity,
        key.role.name,
        counts.join(", ")
    );
    if reported.insert(message.clone()) {
        let given = demand.amount.parameters().into_iter();
        let mut given = given.filter_map(|name| table.value_spans.get(name.as_str()));
        let (span, label) = match given.next() {
            Some(span) => (span, "this value"),
            None => (&key.span, "read here"),
        };
        problems.add(|| {
            FileError::new("wrong_count", message)
                .at(span, label)
                .help(reason(table, demand))
        });
    }
}

/// Why something is demanded, and whether by a default of the table.
fn reason(table: &Table<'_>, demand: &Demand) -> String {
    let because = &demand.because;
    match demand.amount.parameters().as_slice() {
        [name] if !table.value_spans.contains_key(name.as_str()) => {
            format!("{because}; `{name}` is not given and has its default")
        }
        _ => because.clone(),
    }
}

/// Quantities on their way through the parameters of a task.
struct Walk<'a> {
    known: Quantities<'a>,
    violations: Vec<Violation<'a>>,
}

impl<'a> Walk<'a> {
    /// Follows the effects of a parameter and of the variants that its value chooses.
    fn parameter(&mut self, parameter: &'a Parameter, value: &Value, all: &Value) {
        let is_default = parameter
            .default
            .as_ref()
            .is_some_and(|default| same(default, value));
        if !is_default && !value.is_null() {
            for effect in &parameter.effects {
                self.effect(effect, all, &parameter.name, &parameter.name);
            }
        }
        self.variants(&parameter.kind, value, &parameter.name);
    }

    fn variants(&mut self, kind: &'a ParameterType, value: &Value, parameter: &'a str) {
        match kind {
            ParameterType::List { item, .. } => {
                for value in value.as_array().into_iter().flatten() {
                    self.variants(item, value, parameter);
                }
            }
            ParameterType::OneOf(variants) => {
                let chosen = match value {
                    Value::Object(object) => object.iter().next(),
                    _ => None,
                };
                let name = chosen.map(|(name, _)| name.as_str()).or(value.as_str());
                let fields = chosen.map_or(&Value::Null, |(_, fields)| fields);
                if let Some(variant) = variants
                    .iter()
                    .find(|known| Some(known.name.as_str()) == name)
                {
                    let what = format!("{parameter}: {}", variant.name);
                    for effect in &variant.effects {
                        self.effect(effect, fields, &what, parameter);
                    }
                }
            }
            _ => {}
        }
    }

    fn effect(&mut self, effect: &'a Effect, parameters: &Value, what: &str, parameter: &'a str) {
        match effect {
            Effect::Demands(demand) => {
                let count = self.known.get(demand.quantity.as_str()).copied();
                let amount = count.and_then(|count| demand.violated(parameters, count));
                if let (Some(count), Some(amount)) = (count, amount) {
                    self.violations.push(Violation {
                        what: what.to_owned(),
                        parameter: Some(parameter),
                        demand,
                        amount,
                        count,
                        of: None,
                    });
                }
            }
            Effect::Sets { quantity, amount } => match amount.values(parameters)[..] {
                [count] => {
                    Rc::make_mut(&mut self.known).insert(quantity, count);
                }
                _ => self.forget(quantity),
            },
            Effect::Forgets(quantity) => self.forget(quantity),
        }
    }

    fn forget(&mut self, quantity: &str) {
        if self.known.contains_key(quantity) {
            Rc::make_mut(&mut self.known).remove(quantity);
        }
    }
}

/// Returns whether a canonical value is a default, which need not be canonical.
fn same(default: &Value, value: &Value) -> bool {
    default == value || (default.is_number() && default.as_f64() == value.as_f64())
}

/// A demand that is not met.
struct Violation<'a> {
    /// Parameter or table that demands.
    what: String,
    parameter: Option<&'a str>,
    demand: &'a Demand,
    amount: u64,
    /// How many there are.
    count: u64,
    /// The task that has so many, if it is another one.
    of: Option<&'a str>,
}

impl Violation<'_> {
    fn text(&self) -> String {
        let Self {
            what,
            amount,
            count,
            demand,
            of,
            ..
        } = self;
        let quantity = &demand.quantity;
        let has = match of {
            Some(task) => format!("`{task}` has {count}"),
            None if *count == 1 => "there is 1".to_owned(),
            None => format!("there are {count}"),
        };
        match demand.relation {
            Relation::Equals | Relation::Among => {
                format!("`{what}` needs {amount} {quantity}, but {has}")
            }
            Relation::AtMost => format!("`{what}` needs at least {amount} {quantity}, but {has}"),
            Relation::AtLeast => format!("`{what}` takes at most {amount} {quantity}, but {has}"),
            Relation::Below => {
                format!(
                    "`{what}` names number {amount} of the {quantity}, counted from 0, but {has}"
                )
            }
        }
    }

    fn error(&self, table: &ExpandedTable<'_>) -> FileError {
        let table = table.table;
        let span = self.parameter.and_then(|name| table.value_spans.get(name));
        FileError::new("wrong_count", self.text())
            .at(span.unwrap_or(&table.header), "this value")
            .help(self.demand.because.clone())
    }
}
