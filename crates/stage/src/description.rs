//! What a stage program can do, told to the orchestrator as JSON by its `describe` command.
//!
//! The orchestrator checks pipeline files against these descriptions and knows no stage otherwise.

use std::collections::BTreeMap;

use eigenscope_artifact::KindName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agreement::Agreement;
use crate::code::Code;
use crate::device::CardSupport;
use crate::feature::{CLASSES, Feature, LabelOf, NamesOf, Need, TRANSFORMS};
use crate::quantity::{Amount, Demand, Effect, Relation, quantities};

/// A stage program, and the section of a pipeline file that it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// `[data.NAME]`, served by `eigenscope-ingest`.
    Data,
    /// `[train.NAME]`, served by `eigenscope-train`.
    Train,
    /// `[model.NAME]`, served by `eigenscope-import`.
    Model,
    /// `[decompose.NAME]`, served by `eigenscope-decompose`.
    Decompose,
    /// `[metric.NAME]`, served by `eigenscope-metrics`.
    Metric,
    /// `[figure.NAME]`, served by `eigenscope-report`.
    Figure,
}

impl Stage {
    /// Every stage, in the order in which results flow.
    pub const ALL: [Stage; 6] = [
        Stage::Data,
        Stage::Train,
        Stage::Model,
        Stage::Decompose,
        Stage::Metric,
        Stage::Figure,
    ];

    /// Name of its section in pipeline files and task ids.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Data => "data",
            Stage::Train => "train",
            Stage::Model => "model",
            Stage::Decompose => "decompose",
            Stage::Metric => "metric",
            Stage::Figure => "figure",
        }
    }

    /// File name of its program.
    pub const fn program(self) -> &'static str {
        match self {
            Stage::Data => "eigenscope-ingest",
            Stage::Train => "eigenscope-train",
            Stage::Model => "eigenscope-import",
            Stage::Decompose => "eigenscope-decompose",
            Stage::Metric => "eigenscope-metrics",
            Stage::Figure => "eigenscope-report",
        }
    }
}

/// Answer of a stage program to `describe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Version of this contract; see [`crate::TASK_VERSION`].
    pub version: u32,
    /// The stage.
    pub section: Stage,
    /// Its task kinds.
    pub kinds: Vec<TaskKindDescription>,
    /// The code that computes each, by the name of the kind.
    pub code: BTreeMap<String, Code>,
}

/// One kind of task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskKindDescription {
    /// Name, unique in its section.
    pub name: String,
    /// Names that it had before, for the errors about old pipeline files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_names: Vec<String>,
    /// Keys that it lacks although other kinds of the stage have them, and what to do instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unsupported_keys: BTreeMap<String, String>,
    /// One line for help and errors.
    pub summary: String,
    /// What can be set.
    pub parameters: Vec<Parameter>,
    /// What it reads.
    pub roles: Vec<Role>,
    /// What it writes.
    pub outputs: Vec<KindName>,
    /// What is true of what it writes.
    pub provides: Vec<Feature>,
    /// Whether the result depends on the seed. If not, the seed is not part of the cache key.
    pub random: bool,
    /// What one task of this kind needs.
    pub resources: Resources,
    /// What it needs to compute on a graphics card; `None`: it computes on the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardSupport>,
    /// Whether the program is asked about every task while a pipeline file is read ([`Question`](crate::Question)).
    #[serde(default, skip_serializing_if = "is_false")]
    pub examined: bool,
    /// Whether it is the kind of a table that gives none and whose name is not that of another kind.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fallback: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl TaskKindDescription {
    /// The agreements of all its roles.
    pub fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        self.roles.iter().flat_map(|role| &role.agreements)
    }
}

/// What a task needs while it runs; the orchestrator starts tasks while the sum fits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Threads it can use.
    pub threads: usize,
    /// Threads it can use beyond these while they would be idle. They are lent and taken back as it runs
    /// ([`Context::thread_budget`](crate::Context::thread_budget)).
    #[serde(default)]
    pub extra_threads: usize,
    /// Peak memory in MiB for data of MNIST's size.
    pub memory_mib: u64,
    /// Guess of the duration in seconds, until a run has measured it (see [`Parameter::proportional`]).
    pub seconds: f64,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            threads: 1,
            extra_threads: 0,
            memory_mib: 512,
            seconds: 1.0,
        }
    }
}

/// A setting of a task kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Key in the pipeline file.
    pub name: String,
    /// One line, with the unit.
    pub summary: String,
    /// Values it takes.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// Value when it is not given; `None`: it must be given.
    pub default: Option<Value>,
    /// For a parameter of a task kind that is a text or a list of texts: each one is a name of a part of what
    /// is read; an empty list means all parts, an empty text as the default that the task chooses one.
    pub names_of: Option<NamesOf>,
    /// For a text: it names a label of what is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_of: Option<LabelOf>,
    /// A value of this parameter, or the sum of a list; a task with twice that value is guessed to take twice
    /// [`Resources::seconds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_unit: Option<f64>,
    /// What it has to do with quantities of the result, unless it has its default value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// Another parameter of the kind, which must not be given as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excludes: Option<String>,
    /// Whether other values than the default are for graphics cards only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub card_only: bool,
}

impl Parameter {
    /// A parameter that must be given.
    pub fn required(name: &str, kind: ParameterType, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            summary: summary.to_owned(),
            kind,
            default: None,
            names_of: None,
            label_of: None,
            duration_unit: None,
            effects: Vec::new(),
            excludes: None,
            card_only: false,
        }
    }

    /// A parameter with a default value.
    pub fn optional(
        name: &str,
        kind: ParameterType,
        default: impl Into<Value>,
        summary: &str,
    ) -> Self {
        Self {
            default: Some(default.into()),
            ..Self::required(name, kind, summary)
        }
    }

    /// The same parameter, which the duration of a task is proportional to; [`Resources::seconds`] is for the value
    /// `unit`.
    pub fn proportional(self, unit: f64) -> Self {
        let duration_unit = Some(unit);
        Self {
            duration_unit,
            ..self
        }
    }

    /// The same parameter, which is given instead of another one.
    pub fn instead_of(self, other: &str) -> Self {
        let excludes = Some(other.to_owned());
        Self { excludes, ..self }
    }

    /// The same parameter, whose default is all that the processor can do.
    pub fn for_cards(self) -> Self {
        let card_only = true;
        Self { card_only, ..self }
    }

    /// The same parameter with effects on quantities of the result.
    pub fn with(self, effects: impl IntoIterator<Item = Effect>) -> Self {
        let effects = effects.into_iter().collect();
        Self { effects, ..self }
    }

    /// The same parameter, whose value is a label of what is read.
    pub fn label(self, of: LabelOf) -> Self {
        let label_of = Some(of);
        Self { label_of, ..self }
    }

    /// The same parameter, whose words name parts of what is read in `role`: members of `set`.
    pub fn naming(self, role: &str, set: &str) -> Self {
        Self {
            names_of: Some(NamesOf {
                role: role.to_owned(),
                set: set.to_owned(),
            }),
            ..self
        }
    }
}

/// Values that a parameter takes. A list of such values is a sweep; for [`ParameterType::List`] that is a list of lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ParameterType {
    /// `true` or `false`.
    Boolean,
    /// A whole number within bounds, both included.
    Integer {
        /// Smallest value.
        minimum: i64,
        /// Largest value.
        maximum: i64,
    },
    /// A finite number within bounds, both included.
    Number {
        /// Smallest value.
        minimum: f64,
        /// Largest value.
        maximum: f64,
    },
    /// Any text.
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// A list of items of one type.
    List {
        /// Type of each.
        item: Box<ParameterType>,
        /// Whether no item may come twice.
        #[serde(default)]
        distinct: bool,
        /// How many items it must have; `None`: any number.
        #[serde(default)]
        length: Option<usize>,
        /// Whether it must have an item.
        #[serde(default, skip_serializing_if = "is_false")]
        filled: bool,
    },
    /// A word (variant without fields) or a table with one key (variant with fields).
    OneOf(Vec<Variant>),
    /// One of these types; the first that fits.
    Either(Vec<ParameterType>),
    /// Any value but a list, which the program checks itself when it is asked about the task
    /// ([`TaskKindDescription::examined`]). A struct of parameters reads it as a `serde_json::Value`.
    Free {
        /// What it must be, in words: "a step such as \"relu\"".
        expected: String,
    },
}

/// One alternative of [`ParameterType::OneOf`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The word or key.
    pub name: String,
    /// Its fields, when it has any.
    pub fields: Vec<Parameter>,
    /// What it has to do with quantities of the result; amounts are those of its fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
}

impl Variant {
    /// An alternative; without fields it is written as a plain word.
    pub fn new(name: &str, fields: Vec<Parameter>) -> Self {
        Self {
            name: name.to_owned(),
            fields,
            effects: Vec::new(),
        }
    }

    /// The same alternative with effects on quantities of the result.
    pub fn with(self, effects: impl IntoIterator<Item = Effect>) -> Self {
        let effects = effects.into_iter().collect();
        Self { effects, ..self }
    }
}

impl ParameterType {
    /// A whole number of at least `minimum` (and at most 2^53, so that every reader agrees on it).
    pub const fn at_least(minimum: i64) -> Self {
        ParameterType::Integer {
            minimum,
            maximum: 1 << 53,
        }
    }

    /// A number in `minimum..=maximum`.
    pub const fn between(minimum: f64, maximum: f64) -> Self {
        ParameterType::Number { minimum, maximum }
    }

    /// One of `words`.
    pub fn choice(words: &[&str]) -> Self {
        ParameterType::Choice(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// A positive number of at most `maximum`. Single precision, in which most stages compute, must not round it to 0.
    pub const fn positive(maximum: f64) -> Self {
        ParameterType::Number {
            minimum: f32::MIN_POSITIVE as f64,
            maximum,
        }
    }

    /// A value that the program checks itself; `expected` says in words what it must be.
    pub fn free(expected: &str) -> Self {
        ParameterType::Free {
            expected: expected.to_owned(),
        }
    }

    /// A list of `item`.
    pub fn list(item: ParameterType) -> Self {
        ParameterType::List {
            item: Box::new(item),
            distinct: false,
            length: None,
            filled: false,
        }
    }

    /// A list of `item`, none of which comes twice.
    pub fn set(item: ParameterType) -> Self {
        ParameterType::List {
            item: Box::new(item),
            distinct: true,
            length: None,
            filled: false,
        }
    }

    /// The same list, which must not be empty. Other types stay as they are.
    pub fn filled(mut self) -> Self {
        if let ParameterType::List { filled, .. } = &mut self {
            *filled = true;
        }
        self
    }

    /// A list of `length` values of `item`, none of which comes twice.
    pub fn distinct(length: usize, item: ParameterType) -> Self {
        ParameterType::List {
            item: Box::new(item),
            distinct: true,
            length: Some(length),
            filled: false,
        }
    }
}

/// What a task kind reads: artifacts of one kind under one key of the pipeline file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Key in the pipeline file.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Kind of artifact.
    pub kind: KindName,
    /// Whether the task reads all referenced artifacts at once. If not, there is one task for each.
    pub many: bool,
    /// Properties that every artifact must have.
    pub needs: Vec<Need>,
    /// What its artifacts have in common with those of other roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreements: Vec<Agreement>,
    /// What quantities of every artifact must be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<Demand>,
    /// Quantities that the guess of the duration is proportional to, where they are known, each with the value for which the guess
    /// is made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub duration_units: BTreeMap<String, f64>,
}

impl Role {
    /// One artifact; a reference to a sweep gives one task for each of its tasks.
    pub fn one(name: &str, kind: impl Into<KindName>, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            summary: summary.to_owned(),
            kind: kind.into(),
            many: false,
            needs: Vec::new(),
            agreements: Vec::new(),
            demands: Vec::new(),
            duration_units: BTreeMap::new(),
        }
    }

    /// All referenced artifacts together.
    pub fn many(name: &str, kind: impl Into<KindName>, summary: &str) -> Self {
        Self {
            many: true,
            ..Self::one(name, kind, summary)
        }
    }

    /// The same role; the guess of the duration is proportional to a quantity of its artifacts and made for the value `unit`.
    pub fn proportional(mut self, quantity: &str, unit: f64) -> Self {
        self.duration_units.insert(quantity.to_owned(), unit);
        self
    }

    /// The same role, for artifacts that meet a demand only.
    pub fn demands(mut self, demand: Demand) -> Self {
        self.demands.push(demand);
        self
    }

    /// The same role, for artifacts with the classes that a parameter names by their numbers.
    pub fn has_classes(self, parameter: &str) -> Self {
        let because = "classes are counted as the outputs of the model, from 0";
        let number = Amount::parameter(parameter);
        self.demands(Demand::new(
            number,
            Relation::Below,
            quantities::CLASSES,
            because,
        ))
    }

    /// The same role, for eigenpairs of which at least as many as a parameter says are stored, from whichever end of the spectrum.
    pub fn has_eigenpairs(self, parameter: &str) -> Self {
        self.demands(Demand::new(
            Amount::parameter(parameter),
            Relation::AtMost,
            quantities::EIGENPAIRS,
            "only so many are certain to be stored; raise `count` of the table that computes them",
        ))
    }

    /// The same role, for artifacts with the property `flag` only. `because` is a short clause.
    pub fn needs(mut self, flag: &str, because: &str) -> Self {
        self.needs.push(Need {
            flag: flag.to_owned(),
            because: because.to_owned(),
        });
        self
    }

    /// The same role, whose artifacts agree with those of another one. Both paths start at the task.
    pub fn agrees(mut self, agreement: Agreement) -> Self {
        self.agreements.push(agreement);
        self
    }

    /// The same role, whose images are shown to the model read as `model`: they have its classes and, unless the user is
    /// warned, the transforms of its training images.
    pub fn shown_to(self, model: &str) -> Self {
        let data = self.name.clone();
        self.agrees(Agreement::attribute(model, &data, CLASSES))
            .agrees(Agreement::expected(model, &data, TRANSFORMS))
    }
}
