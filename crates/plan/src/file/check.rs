//! Values against the types that a stage program describes: checked, completed and made canonical.
//!
//! Canonical means that equal parameters have equal JSON: numbers are always floating, keys are sorted,
//! defaults are filled in, a variant without fields is a plain word.

use std::collections::HashSet;

use eigenscope_stage::{Parameter, ParameterType, Variant};
use serde_json::{Map, Value};

use super::describe::{describe, describe_with_maximum, written_form};
use super::error::{FileError, Problems, Span, named};
use super::suggest::{did_you_mean, listed};
use super::syntax::{Entry, Node, Raw, from_json};

/// The canonical value of `node` as a `kind`; `None` if a problem was reported. `what` names it.
pub(crate) fn value(
    node: &Node,
    kind: &ParameterType,
    what: &str,
    problems: &mut Problems,
) -> Option<Value> {
    match (kind, &node.raw) {
        (_, Raw::Broken) => None,
        (ParameterType::Boolean, Raw::Boolean(value)) => Some(Value::from(*value)),
        (ParameterType::Integer { minimum, maximum }, Raw::Integer(value)) => {
            if (minimum..=maximum).contains(&value) {
                return Some(Value::from(*value));
            }
            out_of_bounds(node, kind, what, problems)
        }
        (ParameterType::Number { minimum, maximum }, Raw::Integer(_) | Raw::Number(_)) => {
            let number = match node.raw {
                Raw::Integer(value) => value as f64,
                Raw::Number(value) => value,
                _ => return None,
            };
            if (minimum..=maximum).contains(&&number) {
                return Some(Value::from(number));
            }
            out_of_bounds(node, kind, what, problems)
        }
        (ParameterType::Text, Raw::Text(text)) => Some(Value::from(text.as_str())),
        (ParameterType::Choice(words), Raw::Text(text)) => {
            if words.contains(text) {
                return Some(Value::from(text.as_str()));
            }
            let words = words.iter().map(String::as_str);
            unknown_word(&node.span, text, words, what, problems)
        }
        (
            ParameterType::List {
                item,
                distinct,
                length,
                filled,
            },
            Raw::List(nodes),
        ) => {
            let is_empty = *filled && nodes.is_empty();
            if is_empty || length.is_some_and(|length| length != nodes.len()) {
                let found = match nodes.len() {
                    1 => "1 item".to_owned(),
                    count => format!("{count} items"),
                };
                problems.add(|| {
                    wrong_type(what, &describe(kind), &found).at(&node.span, "wrong length")
                });
                return None;
            }
            let values: Vec<Option<Value>> = nodes
                .iter()
                .enumerate()
                .map(|(index, node)| value(node, item, &format!("{what}[{index}]"), problems))
                .collect();
            let values = values.into_iter().collect::<Option<Vec<Value>>>()?;
            if *distinct && repeats(nodes, &values, what, problems) {
                return None;
            }
            Some(Value::from(values))
        }
        (ParameterType::OneOf(variants), Raw::Text(_) | Raw::Table(_)) => {
            one_of(node, variants, what, problems)
        }
        (ParameterType::Either(kinds), _) => either(node, kind, kinds, what, problems),
        (ParameterType::Free { .. }, raw) if !matches!(raw, Raw::List(_)) => {
            free(node, what, problems)
        }
        _ => not_of_type(node, kind, what, problems),
    }
}

/// The canonical object of a table with fields: all of `parameters`, nothing else. Messages call the table
/// `container` and put `prefix` before the names of its fields.
pub fn fields(
    entries: &[Entry],
    span: &Span,
    parameters: &[Parameter],
    container: &str,
    prefix: &str,
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    let mut complete = true;
    for entry in entries {
        if !parameters.iter().any(|known| known.name == entry.key) {
            complete = false;
            let names = parameters.iter().map(|parameter| parameter.name.as_str());
            problems.add(|| unknown_key(entry, container, names));
        }
    }
    let mut sorted: Vec<&Parameter> = parameters.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut object = Map::new();
    for parameter in sorted {
        let path = format!("{prefix}{}", parameter.name);
        let found = match entries.iter().find(|entry| entry.key == parameter.name) {
            Some(entry) => value(&entry.node, &parameter.kind, &path, problems),
            None => default(parameter, span, container, container, problems),
        };
        match found {
            Some(value) => {
                object.insert(parameter.name.clone(), value);
            }
            None => complete = false,
        }
    }
    complete.then_some(object)
}

/// The canonical default of a parameter that is not given. `kind` says who describes it.
pub(crate) fn default(
    parameter: &Parameter,
    span: &Span,
    container: &str,
    kind: &str,
    problems: &mut Problems,
) -> Option<Value> {
    let Some(json) = &parameter.default else {
        problems.add(|| {
            let Parameter {
                name,
                kind,
                summary,
                ..
            } = parameter;
            FileError::new("missing_key", format!("`{name}` is missing in {container}"))
                .at(span, format!("`{name}` is missing"))
                .help(format!("`{name}` is {}: {summary}", describe(kind)))
        });
        return None;
    };
    let mut scratch = Problems::default();
    let node = from_json(json, span);
    let found = value(&node, &parameter.kind, &parameter.name, &mut scratch);
    if found.is_none() {
        problems.add(|| {
            let name = &parameter.name;
            let message = format!(
                "the stage program describes `{name}` of `{kind}` wrongly: its default does not fit"
            );
            FileError::new("faulty_description", message)
                .at(span, "needs this default")
                .help(format!(
                    "a defect of the program, not of this file; until it is mended, give `{name}`"
                ))
        });
    }
    found
}

/// A key that nothing reads, with the keys that could have been meant.
pub fn unknown_key<'a>(
    entry: &Entry,
    container: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> FileError {
    let message = format!("unknown key `{}` in {container}", named(&entry.key));
    FileError::new("unknown_key", message)
        .at(&entry.key_span, "not known here")
        .help(did_you_mean("known keys", &entry.key, names))
}

/// A value as it stands, for a program that checks it itself. Recursion is bounded: the parser refuses deep nesting.
fn free(node: &Node, what: &str, problems: &mut Problems) -> Option<Value> {
    match &node.raw {
        Raw::Broken => None,
        Raw::Boolean(value) => Some(Value::from(*value)),
        Raw::Integer(value) => Some(Value::from(*value)),
        Raw::Number(value) => Some(Value::from(*value)),
        Raw::Text(text) => Some(Value::from(text.as_str())),
        Raw::Date => {
            problems
                .add(|| wrong_type(what, "no date", &node.found()).at(&node.span, "wrong type"));
            None
        }
        Raw::List(items) => {
            let items: Vec<Option<Value>> = items
                .iter()
                .enumerate()
                .map(|(index, item)| free(item, &format!("{what}[{index}]"), problems))
                .collect();
            items.into_iter().collect()
        }
        Raw::Table(entries) => {
            let entries: Vec<Option<(String, Value)>> = entries
                .iter()
                .map(|entry| {
                    let value = free(&entry.node, &format!("{what}.{}", entry.key), problems)?;
                    Some((entry.key.clone(), value))
                })
                .collect();
            let entries: Option<Map<String, Value>> = entries.into_iter().collect();
            entries.map(Value::Object)
        }
    }
}

fn one_of(node: &Node, variants: &[Variant], what: &str, problems: &mut Problems) -> Option<Value> {
    let (name, span, given) = match &node.raw {
        Raw::Text(word) => (word, &node.span, None),
        Raw::Table(entries) => match entries.as_slice() {
            [entry] => (&entry.key, &entry.key_span, Some(&entry.node)),
            _ => {
                problems.add(|| {
                    let found = format!("a table with {} keys", entries.len());
                    let names = variants.iter().map(|variant| variant.name.as_str());
                    wrong_type(what, "a word or a table with one key", &found)
                        .at(&node.span, "one key only")
                        .help(listed("known keys", names))
                });
                return None;
            }
        },
        _ => return None,
    };
    let Some(variant) = variants.iter().find(|variant| variant.name == *name) else {
        let names = variants.iter().map(|variant| variant.name.as_str());
        return unknown_word(span, name, names, what, problems);
    };
    let path = format!("{what}.{name}");
    let prefix = format!("{path}.");
    let mut given_fields =
        |entries: &[Entry]| fields(entries, span, &variant.fields, &path, &prefix, problems);
    let object = match given.map(|node| (&node.raw, node)) {
        None => given_fields(&[])?,
        Some((Raw::Table(entries), _)) => given_fields(entries)?,
        Some((Raw::Broken, _)) => return None,
        Some((_, node)) => match variant.fields.as_slice() {
            [field] => only_field(field, node, &prefix, problems)?,
            _ => {
                problems.add(|| {
                    wrong_type(&path, "a table", &node.found())
                        .at(&node.span, "should be a table")
                        .help(format!("write it as {}", written_form(variant)))
                });
                return None;
            }
        },
    };
    if variant.fields.is_empty() {
        return Some(Value::from(name.as_str()));
    }
    Some(Value::Object(Map::from_iter([(
        name.clone(),
        Value::Object(object),
    )])))
}

/// The canonical fields of a variant with one field, which is given without its name: `{ noise = 0.4 }`.
fn only_field(
    field: &Parameter,
    node: &Node,
    prefix: &str,
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    let path = format!("{prefix}{}", field.name);
    let value = value(node, &field.kind, &path, problems)?;
    Some(Map::from_iter([(field.name.clone(), value)]))
}

/// The first alternative that fits. If none does and only one has the shape of the value, its problems.
fn either(
    node: &Node,
    kind: &ParameterType,
    kinds: &[ParameterType],
    what: &str,
    problems: &mut Problems,
) -> Option<Value> {
    let mut shaped = Vec::new();
    for alternative in kinds {
        let mut scratch = Problems::default();
        if let Some(value) = value(node, alternative, what, &mut scratch) {
            return Some(value);
        }
        if has_shape(node, alternative) {
            shaped.push(scratch);
        }
    }
    match (shaped.pop(), shaped.is_empty()) {
        (Some(scratch), true) => {
            problems.append(scratch);
            None
        }
        _ => not_of_type(node, kind, what, problems),
    }
}

fn has_shape(node: &Node, kind: &ParameterType) -> bool {
    match kind {
        ParameterType::Boolean => matches!(node.raw, Raw::Boolean(_)),
        ParameterType::Integer { .. } => matches!(node.raw, Raw::Integer(_)),
        ParameterType::Number { .. } => matches!(node.raw, Raw::Integer(_) | Raw::Number(_)),
        ParameterType::Text | ParameterType::Choice(_) => matches!(node.raw, Raw::Text(_)),
        ParameterType::List { .. } => matches!(node.raw, Raw::List(_)),
        ParameterType::OneOf(_) => matches!(node.raw, Raw::Text(_) | Raw::Table(_)),
        ParameterType::Either(kinds) => kinds.iter().any(|kind| has_shape(node, kind)),
        ParameterType::Free { .. } => !matches!(node.raw, Raw::List(_)),
    }
}

/// The error for a value of another type than expected. The caller says where it is.
pub fn wrong_type(what: &str, expected: &str, found: &str) -> FileError {
    let message = format!("`{what}` must be {expected}, found {found}");
    FileError::new("wrong_type", message)
}

fn not_of_type(
    node: &Node,
    kind: &ParameterType,
    what: &str,
    problems: &mut Problems,
) -> Option<Value> {
    problems.add(|| {
        let error = wrong_type(what, &describe(kind), &node.found()).at(&node.span, "wrong type");
        match kind {
            ParameterType::List { .. } => error.help(
                "a list is one value; a sweep is a list of such lists, as in [[16], [32, 16]]",
            ),
            _ => error,
        }
    });
    None
}

/// Reports every item of a list that came before; whether there is one.
fn repeats(nodes: &[Node], values: &[Value], what: &str, problems: &mut Problems) -> bool {
    let mut seen = HashSet::new();
    let mut found = false;
    for (node, value) in nodes.iter().zip(values) {
        if !seen.insert(value.to_string()) {
            found = true;
            problems.add(|| {
                let message = format!("`{what}` has {} twice", named(&value.to_string()));
                FileError::new("repeated_item", message)
                    .at(&node.span, "given before")
                    .help("leave one of them out")
            });
        }
    }
    found
}

fn out_of_bounds(
    node: &Node,
    kind: &ParameterType,
    what: &str,
    problems: &mut Problems,
) -> Option<Value> {
    let above = match (kind, &node.raw) {
        (ParameterType::Integer { maximum, .. }, Raw::Integer(value)) => value > maximum,
        _ => false,
    };
    problems.add(|| {
        let expected = match above {
            true => describe_with_maximum(kind),
            false => describe(kind),
        };
        let message = format!("`{what}` must be {expected}, found {}", node.found());
        FileError::new("out_of_bounds", message).at(&node.span, "out of bounds")
    });
    None
}

fn unknown_word<'a>(
    span: &Span,
    word: &str,
    words: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
    problems: &mut Problems,
) -> Option<Value> {
    problems.add(|| {
        let message = format!("`{what}` cannot be `{}`", named(word));
        FileError::new("unknown_word", message)
            .at(span, "not one of the known words")
            .help(did_you_mean("known words", word, words))
    });
    None
}
