//! Questions to the stage programs about tasks that their descriptions say too little about, and what becomes of the answers.

use std::collections::{BTreeMap, HashMap, HashSet};

use eigenscope_stage::{
    Device, Examined, Fault, Known, ParameterType, Question, Stage, TaskKindDescription, quantities,
};
use serde_json::Value;

use super::expand::ExpandedTable;
use super::features::{self, Features, features};
use super::sizes::{self, Quantities};
use super::table::Table;
use crate::file::{FileError, Node, Problems, Raw, Span};
use crate::plan::PlannedTask;
use crate::programs::{ProgramError, Programs};

/// Largest number of questions to one program; equal ones count once.
const MAXIMUM_QUESTIONS: usize = 10_000;

/// What the programs have answered.
#[derive(Debug, Default)]
pub(crate) struct Examinations {
    answers: Vec<Examined>,
    /// Positions of the answers by positions of the tasks; empty if nothing was asked.
    of_task: Vec<Option<usize>>,
}

impl Examinations {
    /// The answer about the task at this position; `None` if it was not asked about, or not answered.
    pub(crate) fn of(&self, task: usize) -> Option<&Examined> {
        let answer = self.of_task.get(task).copied().flatten()?;
        self.answers.get(answer)
    }

    /// Hands warnings and needs over to the tasks.
    pub(crate) fn add_to(&self, tasks: &mut [PlannedTask]) {
        for (position, task) in tasks.iter_mut().enumerate() {
            let Some(answer) = self.of(position) else {
                continue;
            };
            task.warnings.extend_from_slice(&answer.warnings);
            if let Some(Fault { message, .. }) = &answer.unusable {
                task.warnings.push(message.clone());
                task.lacks_file = true;
            }
            let resources = &mut task.resources;
            resources.memory_mib = answer.memory_mib.unwrap_or(resources.memory_mib);
            if let (Device::Cuda, Some(card)) = (task.device.computes, answer.card_memory_mib) {
                task.device.card_memory_mib = card;
            }
            resources.seconds = answer.seconds.unwrap_or(resources.seconds);
        }
    }
}

/// Asks about all tasks of kinds that are examined, those that others read first. Reports the faults that are found.
pub(crate) fn examine(
    expanded: &[ExpandedTable<'_>],
    tasks: &[PlannedTask],
    programs: &Programs,
    problems: &mut Problems,
) -> Examinations {
    let mut examinations = Examinations::default();
    if expanded.iter().all(|table| !table.kind.examined) {
        return examinations;
    }
    examinations.of_task = vec![None; tasks.len()];
    loop {
        let round = Round::new(expanded, tasks, &examinations);
        if round.of_program.is_empty() {
            break;
        }
        if let Err(error) = round.ask(programs, &mut examinations) {
            let (table, error) = *error;
            problems.add(|| error.at(&expanded[table].table.header, "asked about this table"));
            break;
        }
    }
    let requires_files = programs.require_files();
    for table in expanded {
        report(table, tasks, &examinations, requires_files, problems);
    }
    examinations
}

/// The questions that can be asked at one time, by the stage of the program.
struct Round {
    of_program: BTreeMap<Stage, Asked>,
}

/// Questions to one program.
#[derive(Default)]
struct Asked {
    questions: Vec<Question>,
    /// Positions in `questions` by their text.
    known: HashMap<String, usize>,
    /// Task, and position of its question.
    tasks: Vec<(usize, usize)>,
    /// The table that the first question is about.
    table: usize,
}

impl Round {
    /// Questions about tasks that read nothing that is still to be asked about.
    fn new(
        expanded: &[ExpandedTable<'_>],
        tasks: &[PlannedTask],
        examinations: &Examinations,
    ) -> Self {
        let features = features(expanded, tasks, examinations);
        let quantities = sizes::check(expanded, tasks, examinations, &mut Problems::default());
        let mut of_program: BTreeMap<Stage, Asked> = BTreeMap::new();
        let mut waits = vec![false; tasks.len()];
        for (number, table) in expanded.iter().enumerate() {
            for position in table.tasks.clone() {
                let task = &tasks[position];
                let is_open = table.kind.examined && examinations.of(position).is_none();
                let reads_open = task.inputs.iter().any(|input| waits[input.task]);
                waits[position] = is_open || reads_open;
                if is_open
                    && !reads_open
                    && let Some(parameters) = completed(&task.parameters, table.kind)
                {
                    let asked = of_program.entry(task.stage).or_insert_with(|| Asked {
                        table: number,
                        ..Asked::default()
                    });
                    let question = question(task, parameters, &features, &quantities);
                    asked.add(position, question);
                }
            }
        }
        Self { of_program }
    }

    /// Adds the answers; or returns the table that a program could not be asked about.
    fn ask(
        self,
        programs: &Programs,
        examinations: &mut Examinations,
    ) -> Result<(), Box<(usize, FileError)>> {
        for (stage, asked) in self.of_program {
            let count = asked.questions.len();
            if count > MAXIMUM_QUESTIONS {
                let message = format!(
                    "there are {count} different tasks of stage `{}` to examine, more than {MAXIMUM_QUESTIONS}",
                    stage.name()
                );
                let error = FileError::new("too_many_questions", message);
                return Err(Box::new((asked.table, error)));
            }
            let answers = programs
                .examine(stage, asked.questions)
                .map_err(|error| Box::new((asked.table, failed(&error))))?;
            let start = examinations.answers.len();
            examinations.answers.extend(answers);
            for (task, question) in asked.tasks {
                examinations.of_task[task] = Some(start + question);
            }
        }
        Ok(())
    }
}

impl Asked {
    fn add(&mut self, task: usize, question: Question) {
        let text = serde_json::to_string(&question).unwrap_or_default();
        let position = *self.known.entry(text).or_insert_with(|| {
            self.questions.push(question);
            self.questions.len() - 1
        });
        self.tasks.push((task, position));
    }
}

fn failed(error: &ProgramError) -> FileError {
    FileError::new("program_failed", error.to_string())
        .help("a defect of the program, not of this file")
}

/// The parameters with defaults where a problem was reported; `None` if there is none.
fn completed(parameters: &Value, kind: &TaskKindDescription) -> Option<Value> {
    let mut parameters = Value::clone(parameters);
    for (name, value) in parameters.as_object_mut()? {
        if value.is_null() {
            let parameter = kind.parameters.iter().find(|known| known.name == *name)?;
            *value = parameter.default.clone()?;
        }
    }
    Some(parameters)
}

fn question(
    task: &PlannedTask,
    parameters: Value,
    features: &[std::rc::Rc<Features<'_>>],
    quantities: &[Quantities<'_>],
) -> Question {
    let roles: HashSet<&str> = task.inputs.iter().map(|one| &*one.role).collect();
    let inputs = roles.into_iter().map(|role| {
        let features = features::common(task, role, features);
        let mut known = match features.uncertain {
            true => Known::default(),
            false => known(&features, &sizes::common(task, role, quantities)),
        };
        let count = task.inputs.iter().filter(|one| *one.role == *role).count();
        if count > 1 {
            let name = quantities::ARTIFACTS.to_owned();
            known.quantities.insert(name, count as u64);
        }
        (role.to_owned(), known)
    });
    Question {
        kind: task.kind.to_string(),
        parameters,
        inputs: inputs.collect(),
        thorough: false,
    }
}

fn known(features: &Features<'_>, quantities: &Quantities<'_>) -> Known {
    let names = features.names.iter();
    let attributes = features.attributes.iter();
    let quantities = quantities.iter();
    Known {
        flags: features.flags.iter().map(|&flag| flag.to_owned()).collect(),
        names: names
            .map(|(&set, names)| (set.to_owned(), names.clone()))
            .collect(),
        attributes: attributes
            .map(|(&name, value)| (name.to_owned(), Value::clone(value)))
            .collect(),
        quantities: quantities
            .map(|(&name, &count)| (name.to_owned(), count))
            .collect(),
    }
}

/// Reports the faults of the tasks of a table, each once; files that cannot be used if tasks need them.
fn report(
    table: &ExpandedTable<'_>,
    tasks: &[PlannedTask],
    examinations: &Examinations,
    requires_files: bool,
    problems: &mut Problems,
) {
    let mut reported = HashSet::new();
    for position in table.tasks.clone() {
        let answer = examinations.of(position);
        let unusable = answer.and_then(|answer| answer.unusable.as_ref());
        let faults = answer.into_iter().flat_map(|answer| &answer.faults);
        let faults = faults.filter(|fault| is_certain(fault, table.kind, &tasks[position]));
        for fault in faults.chain(unusable.filter(|_| requires_files)) {
            let span = place(table.table, &tasks[position], fault);
            if reported.insert((span.clone(), &fault.message)) {
                problems.add(|| error(table.table, &span, fault));
            }
        }
    }
}

/// Returns whether a fault is one of the task as it is written. Where a parameter has another problem, and the program was asked with the
/// default, only the faults of what nothing but the program understands are.
fn is_certain(fault: &Fault, kind: &TaskKindDescription, task: &PlannedTask) -> bool {
    if !features::has_problem(&task.parameters) {
        return true;
    }
    let name = fault.path.split('/').nth(1).unwrap_or_default();
    let mut parameters = kind.parameters.iter();
    let parameter = parameters.find(|parameter| parameter.name == name);
    let is_given = task
        .parameters
        .get(name)
        .is_some_and(|value| !value.is_null());
    is_given && parameter.is_some_and(|parameter| is_free(&parameter.kind))
}

fn is_free(kind: &ParameterType) -> bool {
    match kind {
        ParameterType::Free { .. } => true,
        ParameterType::List { item, .. } => is_free(item),
        _ => false,
    }
}

fn error(table: &Table<'_>, span: &Span, fault: &Fault) -> FileError {
    let label = match *span == table.header {
        true => "this table",
        false => "here",
    };
    let error = FileError::new("refused_value", fault.message.clone()).at(span, label);
    match &fault.help {
        Some(help) => error.help(help.clone()),
        None => error,
    }
}

/// Where the value that a fault is about stands: as deep as its path leads, else the header of the table.
fn place(table: &Table<'_>, task: &PlannedTask, fault: &Fault) -> Span {
    let mut path = fault
        .path
        .strip_prefix('/')
        .into_iter()
        .flat_map(|path| path.split('/'))
        .map(|part| part.replace("~1", "/").replace("~0", "~"));
    let Some(name) = path.next() else {
        return table.header.clone();
    };
    if let Some(key) = table.inputs.iter().find(|key| key.role.name == name) {
        return key.span.clone();
    }
    let Some(node) = table.nodes.get(name.as_str()) else {
        return table.header.clone();
    };
    let mut node = swept(table, task, &name, node);
    let mut key = None;
    for part in path {
        let (next, next_key) = match &node.raw {
            Raw::List(items) => {
                let item = part.parse().ok().and_then(|index: usize| items.get(index));
                (item, None)
            }
            Raw::Table(entries) => {
                let mut entries = entries.iter();
                let entry = entries.find(|entry| entry.key == part);
                (
                    entry.map(|entry| &entry.node),
                    entry.map(|entry| &entry.key_span),
                )
            }
            _ => (None, None),
        };
        let Some(next) = next else {
            return node.span.clone();
        };
        (node, key) = (next, next_key);
    }
    match key {
        Some(key) if fault.of_key => key.clone(),
        _ => node.span.clone(),
    }
}

/// The value that a task has of a swept parameter; `node` itself if it is not swept.
fn swept<'a>(table: &Table<'_>, task: &PlannedTask, name: &str, node: &'a Node) -> &'a Node {
    let axis = table.axes.iter().find(|axis| axis.name == name);
    let (Some(axis), Raw::List(items), Some(value)) = (axis, &node.raw, task.parameters.get(name))
    else {
        return node;
    };
    let position = axis.values.iter().position(|one| one.value == *value);
    position
        .and_then(|position| items.get(position))
        .unwrap_or(node)
}
