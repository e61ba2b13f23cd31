//! Compatibility of results with their readers: needs of roles, and parameters that name parts.

use std::collections::HashSet;
use std::rc::Rc;

use eigenscope_artifact::KindName;
use eigenscope_stage::{Feature, Need};

use super::examine::Examinations;
use super::expand::ExpandedTable;
use super::features::{Features, features, provided};
use super::table::{InputKey, Naming};
use crate::file::{FileError, Problems, Span, did_you_mean, listed, named};
use crate::plan::PlannedTask;

/// Checks what every table reads: one problem for each table read that lacks something, and for each name.
pub(crate) fn check_compatibility(compatibility: &Compatibility<'_>, problems: &mut Problems) {
    let expanded = compatibility.expanded;
    for reader in expanded {
        for key in &reader.table.inputs {
            let namings = reader.table.namings.iter();
            let mut namings = namings
                .filter(|naming| naming.of.role == key.role.name)
                .peekable();
            if key.role.needs.is_empty() && namings.peek().is_none() {
                continue;
            }
            let read = compatibility.read(reader, key);
            compatibility.check_needs(reader, key, &read, problems);
            for naming in namings {
                compatibility.check_names(reader, key, naming, &read, problems);
            }
        }
    }
}

/// The tasks of a plan with their features.
pub(super) struct Compatibility<'a> {
    pub(super) expanded: &'a [ExpandedTable<'a>],
    pub(super) tasks: &'a [PlannedTask],
    pub(super) features: Vec<Rc<Features<'a>>>,
    examinations: &'a Examinations,
}

impl<'a> Compatibility<'a> {
    pub(super) fn new(
        expanded: &'a [ExpandedTable<'a>],
        tasks: &'a [PlannedTask],
        examinations: &'a Examinations,
    ) -> Self {
        Self {
            expanded,
            tasks,
            features: features(expanded, tasks, examinations),
            examinations,
        }
    }

    /// Tasks that `reader` reads under `key` and whose features are certain: of each table the first with each
    /// features.
    fn read(&self, reader: &ExpandedTable<'_>, key: &InputKey<'_>) -> Vec<usize> {
        // All tasks of a table read the same in a role that reads many.
        let readers = self.tasks[reader.tasks.clone()].iter();
        let readers = readers.take(if key.role.many { 1 } else { usize::MAX });
        let inputs = readers.flat_map(|task| &task.inputs);
        let read = inputs.filter(|input| *input.role == *key.role.name);
        let mut seen = HashSet::new();
        read.map(|input| input.task)
            .filter(|&task| !self.features[task].uncertain)
            .filter(|&task| seen.insert((self.maker(task), Rc::as_ptr(&self.features[task]))))
            .collect()
    }

    /// Position of the table that a task belongs to.
    pub(super) fn maker(&self, task: usize) -> usize {
        self.expanded.partition_point(|one| one.tasks.end <= task)
    }

    /// A later need speaks of what meets the earlier ones, so a table is refused for the first only.
    fn check_needs(
        &self,
        reader: &ExpandedTable<'_>,
        key: &InputKey<'_>,
        read: &[usize],
        problems: &mut Problems,
    ) {
        let mut refused = HashSet::new();
        for need in &key.role.needs {
            for &task in read {
                let lacking = !self.features[task].flags.contains(need.flag.as_str());
                if lacking && refused.insert(self.maker(task)) {
                    problems.add(|| self.unmet_need(reader, key, need, task));
                }
            }
        }
    }

    fn check_names(
        &self,
        reader: &ExpandedTable<'_>,
        key: &InputKey<'_>,
        naming: &Naming<'_>,
        read: &[usize],
        problems: &mut Problems,
    ) {
        let mut refused = HashSet::new();
        let mut sets = Vec::new();
        for &task in read {
            let names = self.features[task].names.get(naming.of.set.as_str());
            match names.filter(|names| !(naming.is_left_open && names.is_empty())) {
                Some(names) => sets.push((task, names)),
                None if refused.insert(self.maker(task)) => {
                    problems.add(|| self.no_names(reader, key, naming, task));
                }
                None => {}
            }
        }
        for (word, span) in &naming.words {
            if let Some((task, _)) = sets.iter().find(|(_, names)| !names.contains(word)) {
                problems.add(|| self.unknown_name(reader, key, naming, *task, word, span));
            }
        }
    }

    fn unmet_need(
        &self,
        reader: &ExpandedTable<'_>,
        key: &InputKey<'_>,
        need: &Need,
        task: usize,
    ) -> FileError {
        let has = |features: &Features<'_>| features.flags.contains(need.flag.as_str());
        let Need { flag, because, .. } = need;
        let message = format!(
            "`{}` (kind {}) is not {flag}, which `{}` needs of its `{}`: {because}",
            self.lacking(task, has),
            self.tasks[task].kind,
            reader.table.id,
            key.role.name
        );
        let fits = |features: &Features<'_>| {
            let mut needs = key.role.needs.iter();
            needs.all(|need| features.flags.contains(need.flag.as_str()))
        };
        FileError::new("unmet_need", message)
            .at(self.reference(key, task), format!("not {flag}"))
            .help(self.alternatives(task, has, &key.role.kind, fits))
    }

    fn no_names(
        &self,
        reader: &ExpandedTable<'_>,
        key: &InputKey<'_>,
        naming: &Naming<'_>,
        task: usize,
    ) -> FileError {
        let set = &naming.of.set;
        let has = |features: &Features<'_>| {
            let names = features.names.get(set.as_str());
            names.is_some_and(|names| !(naming.is_left_open && names.is_empty()))
        };
        let message = format!(
            "`{}` (kind {}) has no {set}, but `{}` of `{}` chooses among those of its `{}`",
            self.lacking(task, has),
            self.tasks[task].kind,
            naming.parameter,
            reader.table.id,
            key.role.name
        );
        FileError::new("no_names", message)
            .at(self.reference(key, task), format!("no {set}"))
            .help(self.alternatives(task, has, &key.role.kind, has))
    }

    fn unknown_name(
        &self,
        reader: &ExpandedTable<'_>,
        key: &InputKey<'_>,
        naming: &Naming<'_>,
        task: usize,
        word: &str,
        span: &Span,
    ) -> FileError {
        let set = naming.of.set.as_str();
        let names = self.features[task].names.get(set);
        let has = |features: &Features<'_>| {
            let names = features.names.get(set);
            names.is_some_and(|names| names.contains(word))
        };
        let message = format!(
            "`{}` of `{}` names `{}`, which is not one of the {set} of `{}` (kind {})",
            naming.parameter,
            reader.table.id,
            named(word),
            self.lacking(task, has),
            self.tasks[task].kind
        );
        let label = match *span == reader.table.header {
            true => format!("the default of `{}`", naming.parameter),
            false => "no such name".to_owned(),
        };
        let names = names.into_iter().flatten().map(String::as_str);
        let within = format!("{}.", named(word));
        let mut parts = names
            .clone()
            .filter(|name| name.starts_with(&within))
            .peekable();
        let help = match parts.peek() {
            Some(_) => listed(&format!("{set} within it"), parts),
            None => did_you_mean(set, word, names),
        };
        FileError::new("unknown_name", message)
            .at(span, label)
            .at(self.reference(key, task), "read here")
            .help(help)
    }

    /// The task, or its table if none of its tasks has what the task lacks.
    fn lacking(&self, task: usize, has: impl Fn(&Features<'_>) -> bool) -> String {
        let maker = &self.expanded[self.maker(task)];
        let some_have = maker.tasks.clone().any(|task| has(&self.features[task]));
        match some_have {
            true => self.tasks[task].id.clone(),
            false => maker.table.id.clone(),
        }
    }

    /// Where `key` refers to the task.
    pub(super) fn reference<'b>(&self, key: &'b InputKey<'_>, task: usize) -> &'b Span {
        let (table, labels) = (
            &self.expanded[self.maker(task)].table.id,
            &self.tasks[task].labels,
        );
        let reference = key
            .references
            .iter()
            .find(|located| located.reference.table == *table && located.reference.accepts(labels));
        reference.map_or(&key.span, |located| &located.quoted.span)
    }

    /// Help for an artifact that lacks something: from where it inherits that, and what else could be read.
    fn alternatives(
        &self,
        task: usize,
        has: impl Fn(&Features<'_>) -> bool,
        kind: &KindName,
        fits: impl Fn(&Features<'_>) -> bool,
    ) -> String {
        let origin = self.origin(task, &has);
        let inherited = match origin == task {
            true => String::new(),
            false => {
                let (artifact, kind) = (self.lacking(origin, has), &self.tasks[origin].kind);
                format!("it is made from `{artifact}` (kind {kind}); ")
            }
        };
        let mut alternatives = Vec::new();
        let makers = self.expanded.iter();
        for maker in makers.filter(|maker| maker.kind.outputs.contains(kind)) {
            let tasks = maker
                .tasks
                .clone()
                .filter(|&task| fits(&self.features[task]));
            let tasks: Vec<&str> = tasks.map(|task| self.tasks[task].id.as_str()).collect();
            match tasks.len() == maker.tasks.len() {
                true => alternatives.push(maker.table.id.as_str()),
                false => alternatives.extend(tasks),
            }
        }
        let alternatives = listed(&format!("{kind} that would fit"), alternatives);
        format!("{inherited}{alternatives}")
    }

    /// The task that lacks something by itself: `task`, or what it inherits its features from.
    fn origin(&self, mut task: usize, has: impl Fn(&Features<'_>) -> bool) -> usize {
        loop {
            let provides = &self.expanded[self.maker(task)].kind.provides;
            let examined = provided(self.examinations.of(task));
            let inherits = |role: &str| {
                let mut features = provides.iter().chain(examined);
                features.any(
                    |feature| matches!(feature, Feature::Inherited { role: from } if from == role),
                )
            };
            let mut inputs = self.tasks[task].inputs.iter();
            match inputs.find(|input| inherits(&input.role) && !has(&self.features[input.task])) {
                Some(input) => task = input.task,
                None => return task,
            }
        }
    }
}
