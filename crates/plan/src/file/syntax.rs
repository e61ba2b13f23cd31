//! TOML as values that know where they stand, in file order.

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::brackets::innermost_open;
use super::error::{FileError, Problems, Span, named};

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Span,
    pub raw: Raw,
    /// Whether messages say only of what type it is.
    pub is_secret: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Date,
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A problem was reported; nothing more can be said.
    Broken,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
}

impl Node {
    pub fn new(span: Span, raw: Raw) -> Self {
        Self {
            span,
            raw,
            is_secret: false,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.raw {
            Raw::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A description for messages, such as "the integer 3".
    pub fn found(&self) -> String {
        match &self.raw {
            Raw::Boolean(_) if self.is_secret => "a boolean".to_owned(),
            Raw::Integer(_) if self.is_secret => "an integer".to_owned(),
            Raw::Number(_) if self.is_secret => "a number".to_owned(),
            Raw::Text(_) if self.is_secret => "a text".to_owned(),
            Raw::Boolean(value) => format!("`{value}`"),
            Raw::Integer(value) => format!("the integer {value}"),
            Raw::Number(value) => format!("the number {value:?}"),
            Raw::Text(text) => format!("the text \"{}\"", named(text)),
            Raw::Date => "a date".to_owned(),
            Raw::List(items) if items.is_empty() => "an empty list".to_owned(),
            Raw::List(_) => "a list".to_owned(),
            Raw::Table(_) => "a table".to_owned(),
            Raw::Broken => "something else".to_owned(),
        }
    }
}

/// The entries of the document `text`, which starts at `offset` of the sources that spans point into. `None` if it is not
/// TOML; repeated keys alone do not stop the reading.
pub fn document(text: &str, offset: usize, problems: &mut Problems) -> Option<Vec<Entry>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let place = |error: &toml::de::Error| error.span().unwrap_or(0..0);
    let is_duplicate = |error: &&toml::de::Error| error.message() == "duplicate key";
    // What follows an error of syntax may be read as something else, so that the first one is all that is certain.
    let syntax = errors.iter().filter(|error| !is_duplicate(error));
    if let Some(first) = syntax.min_by_key(|error| place(error).start) {
        problems.add(|| broken(text, &place(first), first.message(), offset));
        return None;
    }
    for error in errors.iter().filter(is_duplicate) {
        let local = place(error);
        problems.add(|| {
            let key = named(text.get(local.clone()).unwrap_or_default());
            FileError::new("duplicate_key", format!("`{key}` is given twice"))
                .at(&shifted(&local, offset), "given again here")
        });
    }
    Some(entries(table.into_inner(), offset, problems))
}

/// An error of syntax at `place`. If a bracket of an earlier line is still open there, it is probably that one that is not closed.
fn broken(text: &str, place: &Span, message: &str, offset: usize) -> FileError {
    let here = shifted(place, offset);
    let before = text.get(..place.start).unwrap_or_default();
    let line = before.rfind('\n').unwrap_or(0);
    let Some((at, bracket)) = innermost_open(&text[..line]) else {
        return FileError::new("syntax", message).at(&here, "here");
    };
    let opened = shifted(&(at..at + 1), offset);
    let line = text[line..].trim_start_matches('\n').lines().next();
    match starts_anew(line.unwrap_or_default()) {
        true => FileError::new("syntax", format!("`{bracket}` is not closed"))
            .at(&opened, "opened here")
            .at(&here, "read as part of it"),
        false => FileError::new("syntax", message)
            .at(&here, "here")
            .at(&opened, format!("this `{bracket}` is open")),
    }
}

/// Returns whether a line looks like the header of a table or a key with its value, which do not stand within brackets.
fn starts_anew(line: &str) -> bool {
    let is_key = |text: &str| {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.\"' ".contains(letter);
        !text.trim().is_empty() && text.chars().all(is_part)
    };
    let line = line.trim();
    match (line.strip_prefix('['), line.split_once('=')) {
        (Some(header), _) => header
            .split_once(']')
            .is_some_and(|(name, _)| is_key(name.trim_start_matches('['))),
        (None, Some((key, _))) => is_key(key),
        (None, None) => false,
    }
}

fn shifted(span: &Span, offset: usize) -> Span {
    span.start + offset..span.end + offset
}

/// Entries in file order: the map of the parser is sorted by key.
fn entries(table: DeTable<'_>, offset: usize, problems: &mut Problems) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: shifted(&key.span(), offset),
            key: key.into_inner().into_owned(),
            node: node(value, offset, problems),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

/// Recursion is bounded: the parser refuses deep nesting.
fn node(value: Spanned<DeValue<'_>>, offset: usize, problems: &mut Problems) -> Node {
    let span = shifted(&value.span(), offset);
    let raw = match value.into_inner() {
        DeValue::Boolean(value) => Raw::Boolean(value),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) => Raw::Integer(value),
            Err(_) => {
                problems.add(|| {
                    FileError::new("integer_range", "an integer does not fit in 64 bits")
                        .at(&span, "too large")
                });
                Raw::Broken
            }
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            // Adding zero turns -0.0 into 0.0: both are the same parameter.
            Ok(value) if value.is_finite() => Raw::Number(value + 0.0),
            _ => {
                problems.add(|| {
                    let message = format!("`{}` is not a finite number", named(float.as_str()));
                    FileError::new("not_finite", message).at(&span, "not finite")
                });
                Raw::Broken
            }
        },
        DeValue::String(text) => Raw::Text(text.into_owned()),
        DeValue::Datetime(_) => Raw::Date,
        DeValue::Array(items) => {
            let items = items.into_iter();
            Raw::List(items.map(|item| node(item, offset, problems)).collect())
        }
        DeValue::Table(table) => Raw::Table(entries(table, offset, problems)),
    };
    Node::new(span, raw)
}

/// Reads a whole file of one form.
///
/// # Errors
/// The text is not TOML or not of this form; the error points to the first place that is not.
pub fn deserialize<T: DeserializeOwned>(text: &str) -> Result<T, FileError> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        FileError::new("syntax", error.message()).at(&span, "here")
    })
}

/// JSON as if it stood at `span`.
pub(crate) fn from_json(json: &Value, span: &Span) -> Node {
    let raw = match json {
        Value::Null => Raw::Broken,
        Value::Bool(value) => Raw::Boolean(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Raw::Integer(value),
            (None, Some(value)) => Raw::Number(value + 0.0),
            (None, None) => Raw::Broken,
        },
        Value::String(text) => Raw::Text(text.clone()),
        Value::Array(items) => Raw::List(items.iter().map(|item| from_json(item, span)).collect()),
        Value::Object(object) => Raw::Table(
            object
                .iter()
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    key_span: span.clone(),
                    node: from_json(value, span),
                })
                .collect(),
        ),
    };
    Node::new(span.clone(), raw)
}
