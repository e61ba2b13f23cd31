//! Values against the types that a stage program describes: checked, completed and made canonical.
//!
//! Canonical means that equal parameters have equal JSON: numbers are always floating, keys are sorted,
//! defaults are filled in, a variant without fields is a plain word.

use std::collections::HashSet;

use eigenscope_stage::{Parameter, ParameterType, Variant};
use serde_json::{Map, Value};

use super::describe::{describe, describe_with_maximum, written_form};
use super::error::{FileError, Problems, named};
use super::problem::Problem;
use super::suggest::did_you_mean;
use super::syntax::{Entry, Node, Raw, Span, from_json};

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
            },
            Raw::List(nodes),
        ) => {
            if length.is_some_and(|length| length != nodes.len()) {
                return wrong_length(node, nodes.len(), kind, what, problems);
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
        _ => wrong_type(node, kind, what, problems),
    }
}

/// The canonical object of a table with fields: all of `parameters`, nothing else. Messages call the table
/// `place` and put `prefix` before the names of its fields.
pub(crate) fn fields(
    entries: &[Entry],
    span: &Span,
    parameters: &[Parameter],
    place: &str,
    prefix: &str,
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    let mut complete = true;
    for entry in entries {
        if !parameters.iter().any(|known| known.name == entry.key) {
            complete = false;
            let names = parameters.iter().map(|parameter| parameter.name.as_str());
            problems.add(|| unknown_key(entry, place, names));
        }
    }
    let mut sorted: Vec<&Parameter> = parameters.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut object = Map::new();
    for parameter in sorted {
        let path = format!("{prefix}{}", parameter.name);
        let found = match entries.iter().find(|entry| entry.key == parameter.name) {
            Some(entry) => value(&entry.node, &parameter.kind, &path, problems),
            None => default(parameter, span, place, place, problems),
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
    place: &str,
    kind: &str,
    problems: &mut Problems,
) -> Option<Value> {
    let Some(json) = &parameter.default else {
        problems.add(|| {
            let problem = Problem::MissingKey {
                name: parameter.name.clone(),
                place: place.to_owned(),
            };
            let help = format!(
                "`{}` is {}: {}",
                parameter.name,
                describe(&parameter.kind),
                parameter.summary
            );
            FileError::at(span, format!("`{}` is missing", parameter.name), problem).help(help)
        });
        return None;
    };
    let mut scratch = Problems::default();
    let node = from_json(json, span);
    let found = value(&node, &parameter.kind, &parameter.name, &mut scratch);
    if found.is_none() {
        problems.add(|| {
            let problem = Problem::FaultyDescription {
                kind: kind.to_owned(),
                parameter: parameter.name.clone(),
            };
            let help = format!(
                "a defect of the program, not of this file; until it is mended, give `{}`",
                parameter.name
            );
            FileError::at(span, "needs this default", problem).help(help)
        });
    }
    found
}

/// A key that nothing reads, with the keys that could have been meant.
pub(crate) fn unknown_key<'a>(
    entry: &Entry,
    place: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> FileError {
    let problem = Problem::UnknownKey {
        key: named(&entry.key),
        place: place.to_owned(),
    };
    FileError::at(&entry.key_span, "not known here", problem).help(did_you_mean(
        "known keys",
        &entry.key,
        names,
    ))
}

fn one_of(node: &Node, variants: &[Variant], what: &str, problems: &mut Problems) -> Option<Value> {
    let (name, span, given) = match &node.raw {
        Raw::Text(word) => (word, &node.span, None),
        Raw::Table(entries) => match entries.as_slice() {
            [entry] => (&entry.key, &entry.key_span, Some(&entry.node)),
            _ => {
                problems.add(|| {
                    let problem = Problem::WrongType {
                        what: what.to_owned(),
                        expected: "a word or a table with one key".to_owned(),
                        found: format!("a table with {} keys", entries.len()),
                    };
                    let names = variants.iter().map(|variant| variant.name.as_str());
                    FileError::at(&node.span, "one key only", problem)
                        .help(super::suggest::listed("known keys", names))
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
    let no_fields = Vec::new();
    let entries = match given.map(|node| &node.raw) {
        None => &no_fields,
        Some(Raw::Table(entries)) => entries,
        Some(Raw::Broken) => return None,
        Some(_) => {
            problems.add(|| {
                let node = given.unwrap_or(node);
                let problem = Problem::WrongType {
                    what: path.clone(),
                    expected: "a table".to_owned(),
                    found: node.found(),
                };
                FileError::at(&node.span, "should be a table", problem)
                    .help(format!("write it as {}", written_form(variant)))
            });
            return None;
        }
    };
    let prefix = format!("{path}.");
    let object = fields(entries, span, &variant.fields, &path, &prefix, problems)?;
    if variant.fields.is_empty() {
        return Some(Value::from(name.as_str()));
    }
    Some(Value::Object(Map::from_iter([(
        name.clone(),
        Value::Object(object),
    )])))
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
        _ => wrong_type(node, kind, what, problems),
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
    }
}

fn wrong_type(
    node: &Node,
    kind: &ParameterType,
    what: &str,
    problems: &mut Problems,
) -> Option<Value> {
    problems.add(|| {
        let problem = Problem::WrongType {
            what: what.to_owned(),
            expected: describe(kind),
            found: node.found(),
        };
        let error = FileError::at(&node.span, "wrong type", problem);
        match kind {
            ParameterType::List { .. } => error.help(
                "a list is one value; a sweep is a list of such lists, as in [[16], [32, 16]]",
            ),
            _ => error,
        }
    });
    None
}

fn wrong_length(
    node: &Node,
    items: usize,
    kind: &ParameterType,
    what: &str,
    problems: &mut Problems,
) -> Option<Value> {
    problems.add(|| {
        let problem = Problem::WrongType {
            what: what.to_owned(),
            expected: describe(kind),
            found: match items {
                1 => "1 item".to_owned(),
                _ => format!("{items} items"),
            },
        };
        FileError::at(&node.span, "wrong length", problem)
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
                let problem = Problem::RepeatedItem {
                    what: what.to_owned(),
                    value: named(&value.to_string()),
                };
                FileError::at(&node.span, "given before", problem).help("leave one of them out")
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
        let problem = Problem::OutOfBounds {
            what: what.to_owned(),
            expected: match above {
                true => describe_with_maximum(kind),
                false => describe(kind),
            },
            found: node.found(),
        };
        FileError::at(&node.span, "out of bounds", problem)
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
        let problem = Problem::UnknownWord {
            what: what.to_owned(),
            word: named(word),
        };
        FileError::at(span, "not one of the known words", problem).help(did_you_mean(
            "known words",
            word,
            words,
        ))
    });
    None
}
