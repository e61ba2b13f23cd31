//! One task table checked against its kind: parameters, sweeps, seed and references.

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_stage::{
    DeviceChoice, NamesOf, Parameter, ParameterType, Role, Stage, TaskKindDescription,
};
use serde_json::{Map, Value};

use super::axis::{Axis, axis};
use super::device::{self, DEVICE};
use crate::file::{
    self, Entry, FileError, Node, Problems, Raw, Span, did_you_mean, from_json, listed, named,
    unknown_key, wrong_type,
};
use crate::reference::Located;

/// Key of the seed, and its label when it is swept.
pub(crate) const SEED: &str = "seed";
pub(crate) const KIND: &str = "kind";
/// Key of the reference that stands for all roles that are not given.
const FROM: &str = "from";
/// Key of the heading that a report shows the table's tasks under.
const SECTION: &str = "section";
/// Key of the id under which the table was first computed.
pub(crate) const FORMERLY: &str = "formerly";

/// A checked table.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    pub(crate) stage: Stage,
    /// `stage.name`.
    pub(crate) id: String,
    pub(crate) header: Span,
    /// `None` if the file names one that does not exist.
    pub(crate) kind: Option<&'a TaskKindDescription>,
    /// All parameters but the swept ones, which are null; keys sorted.
    pub(crate) parameters: Map<String, Value>,
    /// Where the values of the parameters stand that are given.
    pub(crate) value_spans: BTreeMap<&'a str, Span>,
    /// The values themselves, if the program is asked about them.
    pub(crate) nodes: BTreeMap<&'a str, Node>,
    /// Swept parameters by name; the seed may be one of them.
    pub(crate) axes: Vec<Axis>,
    /// A seed given as one number.
    pub(crate) seed: Option<u64>,
    /// On which device its tasks compute.
    pub(crate) device: Option<DeviceChoice>,
    /// What a report shows its tasks under.
    pub(crate) heading: Option<String>,
    /// The id under which it was first computed, if that was another one, and where that is said.
    pub(crate) formerly: Option<(String, Span)>,
    /// What it reads, by role in the order of the description.
    pub(crate) inputs: Vec<InputKey<'a>>,
    /// Parameters whose words are names of parts of what it reads.
    pub(crate) namings: Vec<Naming<'a>>,
    /// Whether its tasks are unknown because of an error already reported.
    pub(crate) faulty: bool,
}

/// The references under one key.
#[derive(Debug)]
pub(crate) struct InputKey<'a> {
    pub(crate) role: &'a Role,
    pub(crate) span: Span,
    pub(crate) references: Vec<Located>,
}

/// The words of a parameter that are names.
#[derive(Debug)]
pub(crate) struct Naming<'a> {
    pub(crate) parameter: &'a str,
    pub(crate) of: &'a NamesOf,
    /// All that occur, swept over or not, with their value_spans; a default stands at the header.
    pub(crate) words: Vec<(String, Span)>,
    /// Whether the task chooses one of the parts.
    pub(crate) is_left_open: bool,
}

/// The seeds that every JSON reader reads exactly.
pub(crate) const SEEDS: ParameterType = ParameterType::Integer {
    minimum: 0,
    maximum: 1 << 53,
};

/// What is known of the stage of a table, and of others.
pub(crate) struct Known<'a, 'b> {
    pub(crate) kinds: &'a [TaskKindDescription],
    /// Where the program of the stage should be, if it is not there.
    pub(crate) missing: Option<&'b Path>,
    /// The stage that has a kind of a name.
    pub(crate) stage_of: &'b dyn Fn(&str) -> Option<Stage>,
}

/// Checks the table `[stage.name]`.
pub(crate) fn table<'a>(
    stage: Stage,
    entry: &Entry,
    known: &Known<'a, '_>,
    source: &str,
    problems: &mut Problems,
) -> Table<'a> {
    let kinds = known.kinds;
    let mut table = Table {
        stage,
        id: format!("{}.{}", stage.name(), entry.key),
        header: entry.key_span.clone(),
        kind: None,
        parameters: Map::new(),
        value_spans: BTreeMap::new(),
        nodes: BTreeMap::new(),
        axes: Vec::new(),
        seed: None,
        device: None,
        heading: None,
        formerly: None,
        inputs: Vec::new(),
        namings: Vec::new(),
        faulty: true,
    };
    let Raw::Table(entries) = &entry.node.raw else {
        problems.add(|| {
            wrong_type(&named(&table.id), "a table", &entry.node.found())
                .at(&entry.node.span, "should be a table")
                .help(format!("start it with a line [{}]", named(&table.id)))
        });
        return table;
    };
    if let Some(program) = known.missing {
        problems.add(|| {
            let (program, stage) = (program.display(), stage.name());
            let message = format!(
                "the program {program}, which knows the kinds of stage `{stage}`, is missing"
            );
            FileError::new("missing_program", message)
                .at(&entry.key_span, "this table needs it")
                .help("build the whole workspace with `make`")
        });
        return table;
    }
    table.kind = find_kind(stage, entry, entries, known, problems);
    if let Some(kind) = table.kind {
        let mut reading = Reading {
            kind,
            kinds,
            is_kind_given: entries.iter().any(|entry| entry.key == KIND),
            container: format!("[{}]", table.id),
            header: &entry.key_span,
            source,
            problems,
        };
        table.faulty = !reading.read(entries, &mut table);
    }
    table
}

fn find_kind<'a>(
    stage: Stage,
    entry: &Entry,
    entries: &[Entry],
    known: &Known<'a, '_>,
    problems: &mut Problems,
) -> Option<&'a TaskKindDescription> {
    let kinds = known.kinds;
    let given = entries.iter().find(|entry| entry.key == KIND);
    let (name, span) = match given {
        None => (entry.key.as_str(), &entry.key_span),
        Some(given) => match given.node.text() {
            Some(name) => (name, &given.node.span),
            None => {
                file::value(&given.node, &ParameterType::Text, KIND, problems);
                return None;
            }
        },
    };
    let named_kind = kinds.iter().find(|kind| kind.name == name);
    let fallback = || kinds.iter().find(|kind| kind.fallback);
    let found = match given {
        None => named_kind.or_else(fallback),
        Some(_) => named_kind,
    };
    let is_former = |kind: &&TaskKindDescription| kind.former_names.iter().any(|old| old == name);
    if let (None, Some(kind)) = (found, kinds.iter().find(is_former)) {
        problems.add(|| {
            let new = &kind.name;
            FileError::new(
                "renamed_kind",
                format!("the kind `{name}` is called `{new}` now"),
            )
            .at(span, "the old name")
            .help(format!(
                "write kind = \"{new}\"; the table can keep its name"
            ))
        });
    } else if found.is_none() {
        problems.add(|| {
            let (kind, stage) = (named(name), stage.name());
            let message = format!("unknown kind `{kind}` in stage `{stage}`");
            let kinds = kinds.iter().map(|kind| kind.name.as_str());
            let hint = match given {
                Some(_) => "",
                None => "the kind is the name of the table unless `kind` is given; ",
            };
            let help = match (known.stage_of)(name) {
                Some(other) => format!(
                    "`{kind}` is a kind of stage `{0}`: write [{0}.{1}]",
                    other.name(),
                    named(&entry.key)
                ),
                None => format!("{hint}{}", did_you_mean("known kinds", name, kinds)),
            };
            FileError::new("unknown_kind", message)
                .at(span, "no such kind")
                .help(help)
        });
    }
    found
}

/// State while one table is read.
struct Reading<'a, 'b> {
    kind: &'a TaskKindDescription,
    /// All kinds of the stage.
    kinds: &'a [TaskKindDescription],
    /// Whether the kind is not that of the table's name.
    is_kind_given: bool,
    /// The table in messages.
    container: String,
    header: &'b Span,
    source: &'b str,
    problems: &'b mut Problems,
}

impl<'a> Reading<'a, '_> {
    /// Fills `table` from `entries` and returns whether its tasks are known.
    fn read(&mut self, entries: &[Entry], table: &mut Table<'a>) -> bool {
        let mut sound = true;
        for entry in entries {
            self.refuse_unknown(entry);
        }
        let mut parameters: Vec<&'a Parameter> = self.kind.parameters.iter().collect();
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        for parameter in parameters {
            let given = entries.iter().find(|entry| entry.key == parameter.name);
            if let Some(entry) = given {
                table
                    .value_spans
                    .insert(&parameter.name, entry.node.span.clone());
                if self.kind.examined {
                    table.nodes.insert(&parameter.name, entry.node.clone());
                }
                self.refuse_both(entry, parameter, entries);
            }
            let value = match given.map(|entry| (entry, &entry.node.raw)) {
                Some((entry, Raw::List(items))) if is_sweep(&entry.node, &parameter.kind) => {
                    sound &= self.sweep(entry, items, &parameter.kind, table);
                    Value::Null
                }
                Some((entry, _)) => self.value(&entry.node, parameter),
                None => self.default(parameter),
            };
            table.parameters.insert(parameter.name.clone(), value);
            table.namings.extend(self.naming(parameter, given));
        }
        if self.kind.random {
            let given = entries.iter().find(|entry| entry.key == SEED);
            sound &= given.is_none_or(|entry| self.seed(entry, table));
        }
        table.axes.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(entry) = entries.iter().find(|entry| entry.key == SECTION) {
            let text = file::value(&entry.node, &ParameterType::Text, SECTION, self.problems);
            table.heading = text.as_ref().and_then(Value::as_str).map(str::to_owned);
        }
        if let Some(entry) = entries.iter().find(|entry| entry.key == FORMERLY) {
            let text = file::value(&entry.node, &ParameterType::Text, FORMERLY, self.problems);
            let text = text.as_ref().and_then(Value::as_str).map(str::to_owned);
            table.formerly = text.map(|id| (id, entry.node.span.clone()));
        }
        if let Some(entry) = entries.iter().find(|entry| entry.key == DEVICE) {
            table.device = device::choice(entry, self.problems);
        }
        sound & self.inputs(entries, table)
    }

    /// Reads the references of all roles; whether none is missing or faulty.
    fn inputs(&mut self, entries: &[Entry], table: &mut Table<'a>) -> bool {
        let mut sound = true;
        let roles = &self.kind.roles;
        let is_own = roles.is_empty() || roles.iter().any(|role| role.name == FROM);
        let from = entries.iter().find(|entry| entry.key == FROM && !is_own);
        let mut is_used = false;
        for role in &self.kind.roles {
            let own = entries.iter().find(|entry| entry.key == role.name);
            is_used |= own.is_none();
            match own.or(from) {
                Some(entry) => sound &= self.input(entry, role, table),
                None => {
                    sound = false;
                    self.missing_input(role);
                }
            }
        }
        if let Some(entry) = from.filter(|_| !is_used) {
            self.problems.add(|| {
                let message = format!("`{FROM}` of {} is read by no role", self.container);
                FileError::new("unused_reference", message)
                    .at(&entry.key_span, "stands for nothing")
                    .help("it stands for the roles that are not given by name, and all are; leave it out")
            });
        }
        sound
    }

    fn refuse_unknown(&mut self, entry: &Entry) {
        let kind = self.kind;
        let reserved = [KIND, SECTION, FORMERLY]
            .into_iter()
            .chain(kind.random.then_some(SEED))
            .chain(kind.card.is_some().then_some(DEVICE));
        let reserved = reserved.chain((!kind.roles.is_empty()).then_some(FROM));
        let parameters = kind.parameters.iter().map(|known| known.name.as_str());
        let roles = kind.roles.iter().map(|role| role.name.as_str());
        let mut names = reserved.chain(parameters).chain(roles);
        if names.clone().any(|name| name == entry.key) {
            return;
        }
        let container = &self.container;
        let of_others = self.of_other_kinds(&entry.key);
        self.problems.add(|| {
            let error = unknown_key(entry, container, names.by_ref().collect::<Vec<_>>());
            match of_others {
                _ if entry.key == SEED => {
                    error.help(format!("`{}` uses no random numbers", kind.name))
                }
                _ if entry.key == DEVICE => {
                    error.help(format!("`{}` always computes on the processor", kind.name))
                }
                Some(help) => error.help(help),
                None => error,
            }
        });
    }

    /// What to do about a key that other kinds of the stage have; `None` if none has it.
    fn of_other_kinds(&self, key: &str) -> Option<String> {
        let kind = &self.kind.name;
        if let Some(instead) = self.kind.unsupported_keys.get(key) {
            return Some(format!("`{key}` is no key of the kind `{kind}`: {instead}"));
        }
        let has = |kind: &&TaskKindDescription| {
            let mut parameters = kind.parameters.iter();
            parameters.any(|parameter| parameter.name == key)
        };
        let others: Vec<&TaskKindDescription> = self.kinds.iter().filter(has).collect();
        let first = others.first()?;
        let names = others.iter().map(|kind| kind.name.as_str());
        if first.fallback && !self.is_kind_given {
            return Some(format!(
                "the table is of kind `{kind}`, as it is called so, and `{key}` is no key of that; with `{key}`, call it otherwise or \
                 add kind = \"{}\"",
                first.name
            ));
        }
        let other = match (self.is_kind_given, first.fallback) {
            (true, true) => format!("leave out `kind` for one of kind `{}`", first.name),
            (true, false) => format!("write kind = \"{}\"", first.name),
            (false, _) => format!(
                "add kind = \"{}\" (without it the kind is the name of the table)",
                first.name
            ),
        };
        Some(format!(
            "`{key}` is no key of the kind `{kind}`; {}. Leave `{key}` out, or {other}",
            listed("kinds with it", names)
        ))
    }

    /// Refuses a parameter beside the one that it is given instead of.
    fn refuse_both(&mut self, entry: &Entry, parameter: &Parameter, entries: &[Entry]) {
        let other = parameter.excludes.as_ref();
        let Some(other) = other.and_then(|other| entries.iter().find(|entry| entry.key == *other))
        else {
            return;
        };
        self.problems.add(|| {
            let message = format!(
                "{} has both `{}` and `{}`, which exclude each other",
                self.container, entry.key, other.key
            );
            FileError::new("both_given", message)
                .at(&entry.key_span, "given here")
                .at(&other.key_span, "and here")
                .help("leave one of them out")
        });
    }

    fn value(&mut self, node: &Node, parameter: &Parameter) -> Value {
        file::value(node, &parameter.kind, &parameter.name, self.problems).unwrap_or_default()
    }

    fn default(&mut self, parameter: &Parameter) -> Value {
        let (container, kind) = (&self.container, &self.kind.name);
        file::default(parameter, self.header, container, kind, self.problems).unwrap_or_default()
    }

    fn naming(&self, parameter: &'a Parameter, given: Option<&Entry>) -> Option<Naming<'a>> {
        let of = parameter.names_of.as_ref()?;
        let is_left_open = given.is_none() && parameter.default == Some("".into());
        let words = match (given, &parameter.default) {
            (Some(entry), _) => words(&entry.node),
            (None, Some(default)) if !is_left_open => words(&from_json(default, self.header)),
            (None, _) => Vec::new(),
        };
        Some(Naming {
            parameter: &parameter.name,
            of,
            words,
            is_left_open,
        })
    }

    fn seed(&mut self, entry: &Entry, table: &mut Table<'a>) -> bool {
        if let Raw::List(items) = &entry.node.raw {
            return self.sweep(entry, items, &SEEDS, table);
        }
        let seed = file::value(&entry.node, &SEEDS, SEED, self.problems);
        table.seed = seed.as_ref().and_then(Value::as_u64);
        true
    }

    /// Adds the axis of a swept parameter; whether it has no problem.
    fn sweep(
        &mut self,
        entry: &Entry,
        items: &[Node],
        kind: &ParameterType,
        table: &mut Table<'a>,
    ) -> bool {
        let axis = axis(entry, items, kind, &self.container, self.problems);
        let sound = axis.is_some();
        table.axes.extend(axis);
        sound
    }

    fn input(&mut self, entry: &Entry, role: &'a Role, table: &mut Table<'a>) -> bool {
        let nodes = match &entry.node.raw {
            Raw::List(nodes) if role.many => nodes.as_slice(),
            Raw::List(_) => {
                self.problems.add(|| {
                    let message = format!(
                        "`{}` of {} reads one artifact at a time, so it takes one reference, not a list",
                        role.name, self.container
                    );
                    FileError::new("list_for_one", message)
                        .at(&entry.node.span, "a list")
                        .help(
                            "a reference to a swept table gives one task for each of its tasks; \
                             for several tables write one table each",
                        )
                });
                return false;
            }
            _ => std::slice::from_ref(&entry.node),
        };
        if nodes.is_empty() {
            self.problems.add(|| {
                let message = format!("`{}` of {} refers to nothing", role.name, self.container);
                FileError::new("no_reference", message).at(&entry.node.span, "no reference")
            });
            return false;
        }
        let references: Vec<Located> = nodes
            .iter()
            .filter_map(|node| Located::read(node, &role.name, self.source, self.problems))
            .collect();
        let sound = references.len() == nodes.len();
        table.inputs.push(InputKey {
            role,
            span: entry.key_span.clone(),
            references,
        });
        sound
    }

    fn missing_input(&mut self, role: &Role) {
        self.problems.add(|| {
            let Role {
                name,
                kind,
                summary,
                ..
            } = role;
            let message = format!(
                "{} has no `{name}`: nothing says which {kind} to read",
                self.container
            );
            FileError::new("missing_input", message)
                .at(self.header, format!("`{name}` is missing"))
                .help(format!(
                    "add `{name} = \"stage.name\"`, a task that writes {kind}: {summary}"
                ))
        });
    }
}

/// The text at `node`, or those of a list.
fn words(node: &Node) -> Vec<(String, Span)> {
    match &node.raw {
        Raw::Text(text) => vec![(text.clone(), node.span.clone())],
        Raw::List(items) => items.iter().flat_map(words).collect(),
        _ => Vec::new(),
    }
}

/// Returns whether `node` is a list of values of type `kind`, not one value: it is nested more deeply than a value can be.
fn is_sweep(node: &Node, kind: &ParameterType) -> bool {
    nesting(node) > nesting_of_type(kind)
}

fn nesting(node: &Node) -> usize {
    match &node.raw {
        Raw::List(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

fn nesting_of_type(kind: &ParameterType) -> usize {
    match kind {
        ParameterType::List { item, .. } => 1 + nesting_of_type(item),
        ParameterType::Either(kinds) => kinds.iter().map(nesting_of_type).max().unwrap_or(0),
        _ => 0,
    }
}
