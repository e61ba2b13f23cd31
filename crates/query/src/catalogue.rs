//! The tables there are: their names in SQL, their columns, and the files they consist of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eigenscope_artifact::arrow::datatypes::{DataType, Schema};
use eigenscope_artifact::{KindName, TableReader};
use eigenscope_pipeline::store::Store;
use eigenscope_pipeline::survey::{State, Survey};
use eigenscope_plan::{Plan, PlannedTask};
use serde::Serialize;
use serde_json::Value;

use crate::value::Type;

/// Name of the column that holds the id of the task.
pub(crate) const TASK: &str = "task";

/// All tables of a pipeline, by name in SQL.
#[derive(Debug, Default, Serialize)]
pub struct Catalogue {
    /// In order of their names.
    pub tables: Vec<Table>,
}

/// The tables of one kind that the tasks of one sweep have written.
#[derive(Debug, Serialize)]
pub struct Table {
    pub name: String,
    /// The table of the pipeline file, such as `train.bilinear`.
    pub tasks: String,
    pub kind: KindName,
    /// Rows of all files.
    pub rows: u64,
    pub columns: Vec<Column>,
    /// Tasks that have written one of its files.
    pub current: Vec<String>,
    /// Tasks that are not up to date; their rows are missing.
    pub missing: Vec<String>,
    /// Why it cannot be read. Other tables can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    #[serde(skip)]
    pub(crate) parts: Vec<Part>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    pub name: String,
    /// Its type in a word or two.
    #[serde(rename = "type")]
    pub type_name: String,
    #[serde(skip)]
    pub(crate) value_type: Type,
    /// Where its values come from.
    #[serde(skip)]
    pub(crate) source: Source,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The id of the task.
    Task,
    /// A label of the task.
    Label(String, LabelType),
    /// The file: position of the column there.
    File(usize),
}

/// One file of a table.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) task: String,
    pub(crate) labels: BTreeMap<String, Value>,
    pub(crate) path: PathBuf,
}

impl Catalogue {
    /// The tables of the tasks of `plan` that are up to date according to `survey`.
    pub fn of(plan: &Plan, survey: &Survey, store: &Store) -> Self {
        let mut groups: BTreeMap<(&str, &KindName), Vec<(usize, &PlannedTask)>> = BTreeMap::new();
        for (index, task) in plan.tasks.iter().enumerate() {
            let tables = task.outputs.iter().filter(|kind| kind.is_table());
            for kind in tables {
                let group = groups.entry((task.table(), kind)).or_default();
                group.push((index, task));
            }
        }
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (table, _) in groups.keys() {
            *kinds.entry(table).or_default() += 1;
        }
        let mut tables = Vec::new();
        for ((table, kind), tasks) in &groups {
            let name = match kinds.get(table) {
                Some(1) => (*table).to_owned(),
                _ => format!("{table}.{kind}"),
            };
            tables.push(Table::read(name, table, kind, tasks, survey, store));
        }
        Self {
            tables: with_plain_names(tables),
        }
    }

    /// The table with this name in SQL, or with this name in the pipeline.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.position(name).map(|position| &self.tables[position])
    }

    /// Names in SQL of the tables that the tasks of a table of the pipeline have written, which may be named as in SQL.
    pub(crate) fn of_table(&self, name: &str) -> Vec<&str> {
        let same = |table: &&Table| plain(&table.tasks).eq_ignore_ascii_case(&plain(name));
        let found = self.tables.iter().filter(same);
        found.map(|table| table.name.as_str()).collect()
    }

    /// Where the table with this name stands. Names in another case are found if only one table has the name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let named = |name: &str| self.tables.iter().position(|table| table.name == name);
        named(name).or_else(|| named(&plain(name))).or_else(|| {
            let same = |table: &Table| plain(&table.name).eq_ignore_ascii_case(&plain(name));
            let mut found = (0..self.tables.len()).filter(|&at| same(&self.tables[at]));
            found.next().filter(|_| found.next().is_none())
        })
    }
}

/// A name that needs no quotes.
fn plain(name: &str) -> String {
    name.replace(|c: char| !c.is_alphanumeric(), "_")
}

/// Letters, digits and underscores need no quotes. Names that would be the same without the rest keep it.
pub(crate) fn with_plain_names(mut tables: Vec<Table>) -> Vec<Table> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for table in &tables {
        *uses.entry(plain(&table.name)).or_default() += 1;
    }
    for table in &mut tables {
        let plain = plain(&table.name);
        if uses.get(&plain) == Some(&1) {
            table.name = plain;
        }
    }
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    tables
}

impl Table {
    fn read(
        name: String,
        tasks_table: &str,
        kind: &KindName,
        tasks: &[(usize, &PlannedTask)],
        survey: &Survey,
        store: &Store,
    ) -> Self {
        let mut table = Self {
            name,
            tasks: tasks_table.to_owned(),
            kind: kind.clone(),
            rows: 0,
            columns: Vec::new(),
            current: Vec::new(),
            missing: Vec::new(),
            problem: None,
            parts: Vec::new(),
        };
        let labels = label_types(tasks.iter().map(|(_, task)| &*task.labels));
        for (index, task) in tasks {
            let Some(State::Current { key, .. }) = survey.get(*index) else {
                table.missing.push(task.id.clone());
                continue;
            };
            table.current.push(task.id.clone());
            let part = Part {
                task: task.id.clone(),
                labels: (*task.labels).clone(),
                path: store.output(*key, kind),
            };
            if let Err(problem) = table.add(part, &labels) {
                table.problem.get_or_insert(problem);
            }
        }
        if table.current.is_empty() {
            table.problem = tasks.iter().find_map(|(index, task)| {
                let mut reasons = survey.get(*index)?.reasons().iter();
                let damage = reasons.find(|reason| reason.is_damage())?;
                Some(format!("of {}, {damage}", task.id))
            });
        }
        table
    }

    /// Adds a file, which must have the columns of those before it. Lists may differ in length.
    ///
    /// # Errors
    /// It has other columns, or cannot be read.
    pub(crate) fn add(
        &mut self,
        part: Part,
        labels: &BTreeMap<String, LabelType>,
    ) -> Result<(), String> {
        let reader = TableReader::open_named(&part.path, self.kind.as_str())
            .map_err(|error| error.to_string())?;
        let found = columns(&reader.summary().schema, labels);
        match self.parts.first() {
            None => self.columns = found,
            Some(first) if !alike(&self.columns, &found) => {
                return Err(format!(
                    "the tables of {} and {} have different columns",
                    first.task, part.task
                ));
            }
            Some(_) => {}
        }
        self.rows += reader.summary().rows;
        self.parts.push(part);
        Ok(())
    }
}

/// Whether columns have the same names and types. Lists of any length have one type.
fn alike(one: &[Column], other: &[Column]) -> bool {
    let pairs = || one.iter().zip(other);
    one.len() == other.len()
        && pairs().all(|(one, other)| one.name == other.name && one.type_name == other.type_name)
}

/// The task, its labels, and the columns of the file. A label that the file has a column of is `label_` and its name.
pub(crate) fn columns(schema: &Schema, labels: &BTreeMap<String, LabelType>) -> Vec<Column> {
    let free = |name: &str| match schema.column_with_name(name) {
        None => name.to_owned(),
        Some(_) => format!("label_{name}"),
    };
    let mut columns = vec![Column {
        name: free(TASK),
        type_name: "text".to_owned(),
        value_type: Type::Text,
        source: Source::Task,
    }];
    for (label, label_type) in labels {
        columns.push(Column {
            name: free(label),
            type_name: label_type.value_type().name().to_owned(),
            value_type: label_type.value_type(),
            source: Source::Label(label.clone(), *label_type),
        });
    }
    for (position, field) in schema.fields().iter().enumerate() {
        columns.push(Column {
            name: field.name().clone(),
            type_name: type_name(field.data_type()),
            value_type: value_type(field.data_type()),
            source: Source::File(position),
        });
    }
    columns
}

/// What holds all values of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelType {
    Boolean,
    Integer,
    Number,
    Text,
}

impl LabelType {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() => Self::Integer,
            Value::Number(_) => Self::Number,
            _ => Self::Text,
        }
    }

    /// What holds the values of both.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::Text,
        }
    }

    fn value_type(self) -> Type {
        match self {
            Self::Boolean => Type::Boolean,
            Self::Integer => Type::Integer,
            Self::Number => Type::Number,
            Self::Text => Type::Text,
        }
    }
}

/// Every label of some tasks with what holds all its values.
pub(crate) fn label_types<'a>(
    tasks: impl Iterator<Item = &'a BTreeMap<String, Value>>,
) -> BTreeMap<String, LabelType> {
    let mut types: BTreeMap<String, LabelType> = BTreeMap::new();
    for (label, value) in tasks.flatten() {
        let found = LabelType::of(value);
        types
            .entry(label.clone())
            .and_modify(|known| *known = known.with(found))
            .or_insert(found);
    }
    types
}

/// The type in SQL of the values of a column of a file.
fn value_type(data_type: &DataType) -> Type {
    match data_type {
        DataType::Boolean => Type::Boolean,
        DataType::FixedSizeBinary(_) => Type::Bytes,
        DataType::List(item) if *item.data_type() == DataType::UInt32 => Type::Integers,
        DataType::List(item) | DataType::FixedSizeList(item, _)
            if *item.data_type() == DataType::Float32 =>
        {
            Type::Numbers
        }
        DataType::Float32 | DataType::Float64 => Type::Number,
        other if other.is_integer() => Type::Integer,
        _ => Type::Text,
    }
}

fn type_name(data_type: &DataType) -> String {
    match (value_type(data_type), data_type) {
        (Type::Bytes, DataType::FixedSizeBinary(bytes)) => format!("{bytes} bytes"),
        (value_type, _) => value_type.name().to_owned(),
    }
}
