//! The file of published numbers: read against its format and against the plan.

use eigenscope_artifact::KindName;
use eigenscope_stage::{Parameter, ParameterType};
use serde_json::{Map, Value};

use super::published::{Aggregate, Condition, Expected, Published, PublishedNumber};
use eigenscope_plan::file::{
    Entry, FileError, Node, Problems, Raw, Span, did_you_mean, document, fields, listed, named,
    unknown_key, wrong_type,
};
use eigenscope_plan::label::{label_is, table_of};
use eigenscope_plan::pipeline_file::NOT_SWEPT;
use eigenscope_plan::reference::{Located, Reference};
use eigenscope_plan::{Plan, PlannedTask};

/// Key of the only list of the file.
const PUBLISHED: &str = "published";
/// Key of what the numbers are.
const TITLE: &str = "title";
/// How messages call one of its tables.
const CONTAINER: &str = "[[published]]";
/// Key of the conditions.
const WHERE: &str = "where";

/// The published numbers of a file; without meaning if a problem was reported. Those of an inherited file that do not apply to the plan
/// are left out.
pub(super) fn published(
    text: &str,
    plan: &Plan,
    is_inherited: bool,
    problems: &mut Problems,
) -> Published {
    let (mut title, mut numbers, mut left_out) = (None, Vec::new(), 0);
    for entry in document(text, 0, problems).unwrap_or_default() {
        match (&entry.node.raw, entry.key.as_str()) {
            (Raw::Text(text), TITLE) => title = Some(text.clone()),
            (Raw::List(items), PUBLISHED) => {
                let (applying, others): (Vec<&Node>, Vec<&Node>) = items
                    .iter()
                    .partition(|node| !is_inherited || applies(node, text, plan));
                left_out += others.len();
                let applying = applying.into_iter();
                numbers.extend(applying.filter_map(|node| number(node, text, plan, problems)));
            }
            (_, key) => problems.add(|| {
                let message =
                    format!("unknown key `{}` in the file of published numbers", named(key));
                FileError::new("unknown_key", message)
                    .at(&entry.key_span, "here")
                    .help("the file holds a `title`, a text, and a list: start each number with a line [[published]]",
                    )
            }),
        }
    }
    if numbers.is_empty() && left_out == 0 && problems.is_empty() {
        problems.add(|| FileError::new("empty", "the file holds no published number"));
    }
    Published {
        title,
        numbers,
        left_out,
    }
}

/// Returns whether the plan has the tasks that a number is made from; `true` for an entry that cannot be read, which is reported elsewhere.
fn applies(node: &Node, text: &str, plan: &Plan) -> bool {
    let Raw::Table(entries) = &node.raw else {
        return true;
    };
    let given = |name: &str| entries.iter().find(|entry| entry.key == name);
    let located = given("table")
        .and_then(|entry| Located::read(&entry.node, "table", text, &mut Problems::default()));
    let Some(located) = located else {
        return true;
    };
    let conditions = conditions(given(WHERE), &mut Problems::default());
    tasks(&located, plan, &mut Problems::default()).is_some()
        && conditions
            .iter()
            .flatten()
            .all(|condition| is_there(condition, plan))
}

/// Returns whether a condition may hold in the plan: its value is not that of a label which no task has, or a task that is not there.
fn is_there(Condition { column, value }: &Condition, plan: &Plan) -> bool {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let mut labels = plan.tasks.iter().filter_map(|task| task.labels.get(column));
    let is_label = labels.clone().next().is_some();
    if is_label && !labels.any(|label| label_is(label, &text)) {
        return false;
    }
    let Ok(reference) = Reference::parse(&text) else {
        return true;
    };
    let mut tasks = plan.tasks.iter();
    tasks.any(|task| table_of(&task.id) == reference.table && reference.accepts(&task.labels))
}

fn parameters() -> Vec<Parameter> {
    let number = ParameterType::between(f64::MIN, f64::MAX);
    let aggregates: Vec<&str> = Aggregate::NAMES.iter().map(|(name, _)| *name).collect();
    let required = |name, summary| Parameter::required(name, ParameterType::Text, summary);
    let mut parameters = vec![
        required("name", "what the number is"),
        required("source", "where it was published"),
        required("table", "the task whose table holds ours"),
        required("column", "the column of ours"),
        Parameter::optional("aggregate", ParameterType::choice(&aggregates), "mean", ""),
    ];
    // Not given is something else than any value: these keys are only known when they are there.
    for name in ["value", "minimum", "maximum"] {
        parameters.push(Parameter::required(
            name,
            number.clone(),
            "the published number",
        ));
    }
    let tolerance = ParameterType::between(0.0, f64::MAX);
    parameters.push(Parameter::required(
        "tolerance",
        tolerance,
        "largest absolute difference",
    ));
    parameters.push(required("note", "what is known of a difference"));
    parameters.push(Parameter::required(
        "kind",
        ParameterType::Text,
        "kind of table",
    ));
    parameters
}

/// Keys that need not be given although they have no default.
const OPTIONAL: [&str; 6] = ["value", "minimum", "maximum", "tolerance", "note", "kind"];

fn number(
    node: &Node,
    text: &str,
    plan: &Plan,
    problems: &mut Problems,
) -> Option<PublishedNumber> {
    let Raw::Table(entries) = &node.raw else {
        problems.add(|| {
            wrong_type(PUBLISHED, "a list of tables", &node.found())
                .at(&node.span, "should be a table")
                .help("start each number with a line [[published]]")
        });
        return None;
    };
    let known = parameters();
    let names = || known.iter().map(|one| one.name.as_str()).chain([WHERE]);
    let mut plain = Vec::new();
    for entry in entries {
        match entry.key.as_str() {
            WHERE => {}
            key if names().any(|name| name == key) => plain.push(entry.clone()),
            _ => problems.add(|| unknown_key(entry, CONTAINER, names().collect::<Vec<_>>())),
        }
    }
    let given = |name: &str| entries.iter().find(|entry| entry.key == name);
    let parameters: Vec<Parameter> = known
        .iter()
        .filter(|one| !OPTIONAL.contains(&one.name.as_str()) || given(&one.name).is_some())
        .cloned()
        .collect();
    let object = fields(&plain, &node.span, &parameters, CONTAINER, "", problems);
    let conditions = conditions(given(WHERE), problems);
    let located = given("table")
        .and_then(|entry| Located::read(&entry.node, "table", text, problems))
        .and_then(|located| Some((tasks(&located, plan, problems)?, located)));
    let kind = located
        .as_ref()
        .and_then(|(tasks, located)| table_kind(given("kind"), located, tasks, problems));
    let object = object?;
    let expected = expected(&object, &node.span, problems);
    let text = |name: &str| Some(object.get(name)?.as_str()?.to_owned());
    let aggregate = text("aggregate")?;
    let aggregate = Aggregate::NAMES.iter().find(|(name, _)| *name == aggregate);
    Some(PublishedNumber {
        name: text("name")?,
        source: text("source")?,
        note: text("note"),
        kind: kind?,
        conditions: conditions?,
        column: text("column")?,
        aggregate: aggregate?.1,
        expected: expected?,
        reference: located?.1.reference,
    })
}

fn expected(object: &Map<String, Value>, span: &Span, problems: &mut Problems) -> Option<Expected> {
    let get = |name: &str| object.get(name).and_then(Value::as_f64);
    let (minimum, maximum) = (get("minimum"), get("maximum"));
    let bounded = minimum.is_some() || maximum.is_some();
    let message = match (get("value"), bounded, get("tolerance")) {
        (Some(value), false, Some(tolerance)) => return Some(Expected::Value { value, tolerance }),
        (None, true, None) if minimum.zip(maximum).is_none_or(|(low, high)| low <= high) => {
            return Some(Expected::Bounds { minimum, maximum });
        }
        (None, true, None) => "`minimum` is larger than `maximum`",
        (Some(_), false, None) => "`value` needs a `tolerance`",
        (Some(_), true, _) => "`value` and bounds exclude each other",
        (None, true, Some(_)) => "`tolerance` belongs to `value`, not to bounds",
        (None, false, _) => "there is nothing to compare with",
    };
    problems.add(|| {
        FileError::new("expectation", message)
            .at(span, "this number")
            .help("give `value` with `tolerance`, or `minimum`, or `maximum`, or both bounds")
    });
    None
}

fn conditions(entry: Option<&Entry>, problems: &mut Problems) -> Option<Vec<Condition>> {
    let Some(entry) = entry else {
        return Some(Vec::new());
    };
    let mut refuse = |node: &Node, what: &str, expected: &str| {
        if node.raw != Raw::Broken {
            problems.add(|| {
                wrong_type(&named(what), expected, &node.found()).at(&node.span, "wrong type")
            });
        }
    };
    let Raw::Table(entries) = &entry.node.raw else {
        refuse(&entry.node, "where", "a table of columns and values");
        return None;
    };
    let conditions: Vec<Option<Condition>> = entries
        .iter()
        .map(|entry| {
            let value = match &entry.node.raw {
                Raw::Boolean(value) => Value::from(*value),
                Raw::Integer(value) => Value::from(*value),
                Raw::Number(value) => Value::from(*value),
                Raw::Text(text) => Value::from(text.as_str()),
                _ => {
                    let what = format!("where.{}", entry.key);
                    refuse(&entry.node, &what, "a number, a text or a boolean");
                    return None;
                }
            };
            let column = entry.key.clone();
            Some(Condition { column, value })
        })
        .collect();
    conditions.into_iter().collect()
}

/// The tasks that a reference means.
fn tasks<'a>(
    located: &Located,
    plan: &'a Plan,
    problems: &mut Problems,
) -> Option<Vec<&'a PlannedTask>> {
    let reference = &located.reference;
    let all = plan.tasks.iter();
    let of_table: Vec<&PlannedTask> = all
        .filter(|task| table_of(&task.id) == reference.table)
        .collect();
    let Some(first) = of_table.first() else {
        problems.add(|| {
            let tables = plan.tasks.iter().map(|task| table_of(&task.id));
            let table = named(&reference.table);
            let span = located.quoted.part(&(0..reference.table.len()));
            FileError::new("unknown_table", format!("there is no table `{table}`"))
                .at(&span, "no such table")
                .help(did_you_mean("tables", &reference.table, tables))
        });
        return None;
    };
    for filter in &reference.filters {
        if !first.labels.contains_key(&filter.label) {
            problems.add(|| {
                let table = named(&reference.table);
                let label = named(&filter.label);
                let labels = first.labels.keys().map(String::as_str);
                let span = located.quoted.part(&filter.label_range);
                let message = format!("`{table}` has no label `{label}`");
                let error =
                    FileError::new("unknown_label", message).at(&span, "not swept over this");
                match first.labels.is_empty() {
                    true => error.help(NOT_SWEPT),
                    false => error.help(did_you_mean("labels", &filter.label, labels)),
                }
            });
            return None;
        }
        for (value, range) in &filter.values {
            let occurs = |task: &&PlannedTask| {
                let label = task.labels.get(&filter.label);
                label.is_some_and(|label| label_is(label, value))
            };
            if !of_table.iter().any(occurs) {
                problems.add(|| {
                    let message = format!(
                        "no task of `{}` has {}={}",
                        named(&reference.table),
                        named(&filter.label),
                        named(value)
                    );
                    FileError::new("unknown_value", message)
                        .at(&located.quoted.part(range), "no such value")
                });
                return None;
            }
        }
    }
    let selected: Vec<&PlannedTask> = of_table
        .into_iter()
        .filter(|task| reference.accepts(&task.labels))
        .collect();
    if selected.is_empty() {
        problems.add(|| {
            let reference = named(&reference.to_string());
            FileError::new("empty_selection", format!("no task matches `{reference}`"))
                .at(&located.quoted.span, "nothing selected")
        });
        return None;
    }
    Some(selected)
}

/// The table to read: the one asked for, else the only one.
fn table_kind(
    asked: Option<&Entry>,
    located: &Located,
    tasks: &[&PlannedTask],
    problems: &mut Problems,
) -> Option<KindName> {
    let outputs = tasks.first()?.outputs.iter();
    let written: Vec<&KindName> = outputs.filter(|kind| kind.is_table()).collect();
    let table = named(&located.reference.table);
    let (code, message, span) = match (asked, written.as_slice()) {
        (Some(entry), written) => {
            // Anything but a text has been reported with the other values.
            let asked = entry.node.text()?;
            if let Some(kind) = written.iter().find(|kind| kind.as_str() == asked) {
                return Some((*kind).clone());
            }
            let message = format!("`{table}` writes no {}", named(asked));
            ("no_output", message, &entry.node.span)
        }
        (None, [kind]) => return Some((*kind).clone()),
        (None, []) => {
            let message = format!("`{table}` writes no table");
            ("no_table", message, &located.quoted.span)
        }
        (None, _) => {
            let message = format!("`{table}` writes several tables");
            ("several_tables", message, &located.quoted.span)
        }
    };
    problems.add(|| {
        let error = FileError::new(code, message).at(span, "this");
        let names = written.iter().map(|kind| kind.as_str());
        match (asked, written.is_empty()) {
            (_, true) => error,
            (Some(_), false) => error.help(listed("tables that it writes", names)),
            (None, false) => error.help(format!(
                "set `kind`; {}",
                listed("tables that it writes", names)
            )),
        }
    });
    None
}
