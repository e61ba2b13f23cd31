//! Fields of a step, with errors that name the field.

use serde_json::{Map, Value};

use super::error::{Faults, StepError};
use super::kinds::Outputs;

/// Largest number that a field takes: more values than any tensor has room for.
const LARGEST: u64 = 1 << 26;

/// The fields of one step. What is wrong with one is added to the faults, and something harmless stands in its place, so that
/// the others are read, too.
pub(super) struct Fields<'a, 'b> {
    pub(super) kind: &'static str,
    known: &'static [&'static str],
    fields: &'a Map<String, Value>,
    faults: &'b mut Faults,
}

impl<'a, 'b> Fields<'a, 'b> {
    /// The fields of a step of this kind; a field that is not among `known` is a fault.
    pub(super) fn new(
        kind: &'static str,
        known: &'static [&'static str],
        fields: &'a Map<String, Value>,
        faults: &'b mut Faults,
    ) -> Self {
        for name in fields.keys() {
            if !known.contains(&name.as_str()) {
                let error = StepError::new(format!("`{kind}` has no field `{name}`"));
                let help = did_you_mean(name, known, "its fields are");
                faults.add(error.with_help(help).of_key(name));
            }
        }
        Self {
            kind,
            known,
            fields,
            faults,
        }
    }

    /// Adds a fault of the value of a field.
    pub(super) fn refuse(&mut self, name: &str, error: StepError) {
        self.faults.enter_field(name);
        self.faults.add(error);
        self.faults.leave();
    }

    /// A field that must be given.
    fn required<T>(
        &mut self,
        name: &str,
        stand_in: T,
        read: impl Fn(&Value) -> Result<T, StepError>,
    ) -> T {
        // A word that is meant to be this one is a fault already.
        let is_misspelt = |word: &String| {
            !self.known.contains(&word.as_str()) && closest(word, self.known) == Some(name)
        };
        if !self.fields.contains_key(name) && !self.fields.keys().any(is_misspelt) {
            let kind = self.kind;
            let message = format!("`{kind}` needs the field `{name}`");
            let help = format!("write {{ {kind} = {{ {name} = ... }} }}");
            self.faults.add(StepError::new(message).with_help(help));
        }
        self.optional(name, stand_in, read)
    }

    fn optional<T>(
        &mut self,
        name: &str,
        default: T,
        read: impl Fn(&Value) -> Result<T, StepError>,
    ) -> T {
        match self.fields.get(name).map(read) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.refuse(name, error);
                default
            }
        }
    }

    /// A whole number that must be given.
    pub(super) fn count(&mut self, name: &str) -> usize {
        self.required(name, 1, |value| whole(value, name, 1))
    }

    /// A whole number from `least`.
    pub(super) fn count_or(&mut self, name: &str, least: u64, default: usize) -> usize {
        self.optional(name, default, |value| whole(value, name, least))
    }

    pub(super) fn outputs(&mut self) -> Outputs {
        self.required("outputs", Outputs::Classes, outputs)
    }

    pub(super) fn flag_or(&mut self, name: &str, default: bool) -> bool {
        self.optional(name, default, |value| {
            let error = || wrong(value, &format!("`{name}`"), "true or false");
            value.as_bool().ok_or_else(error)
        })
    }

    /// A finite number for which `is_allowed`; `range` says in words which these are.
    pub(super) fn number(
        &mut self,
        name: &str,
        range: &str,
        is_allowed: impl Fn(f64) -> bool,
    ) -> Option<f64> {
        self.optional(name, None, |value| {
            number(value, name, range, &is_allowed).map(Some)
        })
    }

    /// One of several words.
    pub(super) fn word(&mut self, name: &str, words: &[&'static str]) -> Option<&'static str> {
        self.optional(name, None, |value| {
            let text = value.as_str();
            match words.iter().find(|word| Some(**word) == text) {
                Some(word) => Ok(Some(*word)),
                None => {
                    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                    Err(wrong(value, &format!("`{name}`"), &words.join(" or ")))
                }
            }
        })
    }

    /// The name that the user gives a step, or nothing.
    pub(super) fn name(&mut self) -> String {
        self.optional("name", String::new(), name)
    }
}

/// A whole number; `what` is the field or kind that it belongs to.
pub(super) fn whole(value: &Value, what: &str, least: u64) -> Result<usize, StepError> {
    let range = format!("a whole number from {least} to {LARGEST}");
    let found = value
        .as_u64()
        .filter(|found| (least..=LARGEST).contains(found));
    let found = found.and_then(|found| usize::try_from(found).ok());
    found.ok_or_else(|| wrong(value, &format!("`{what}`"), &range))
}

/// A finite number for which `is_allowed`.
pub(super) fn number(
    value: &Value,
    what: &str,
    range: &str,
    is_allowed: impl Fn(f64) -> bool,
) -> Result<f64, StepError> {
    let found = value.as_f64().filter(|found| found.is_finite());
    let found = found.filter(|found| is_allowed(*found));
    found.ok_or_else(|| wrong(value, &format!("`{what}`"), range))
}

/// A number of outputs, or `"classes"`.
pub(super) fn outputs(value: &Value) -> Result<Outputs, StepError> {
    match value {
        Value::String(text) if text == "classes" => Ok(Outputs::Classes),
        Value::Number(_) => whole(value, "outputs", 1).map(Outputs::Number),
        _ => Err(wrong(value, "`outputs`", "a whole number or `classes`")),
    }
}

/// The name of a step: part of the names of its tensors.
fn name(value: &Value) -> Result<String, StepError> {
    const LONGEST: usize = 100;
    let rule = "a text of at most 100 letters, digits, `_`, `-` and `.`, without a `.` at an end or beside another";
    let fits = |text: &&str| {
        let character = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        text.len() <= LONGEST
            && text.chars().all(character)
            && text.split('.').all(|part| !part.is_empty())
    };
    let text = value.as_str().filter(fits);
    text.map(str::to_owned)
        .ok_or_else(|| wrong(value, "`name`", rule))
}

pub(super) fn wrong(value: &Value, what: &str, expected: &str) -> StepError {
    StepError::new(format!("{what} is {expected}, not {}", shown(value)))
}

/// A value in a message.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::String(text) if text.chars().count() > 40 => "a longer text".to_owned(),
        Value::String(text) => format!("`{text}`"),
        value => value.to_string(),
    }
}

/// Help with a word that is none of `known`.
pub(super) fn did_you_mean(word: &str, known: &[&str], listed: &str) -> String {
    let list = match known {
        [] => "it has none".to_owned(),
        known => format!("{listed} {}", known.join(", ")),
    };
    match closest(word, known) {
        Some(close) => format!("did you mean `{close}`? {list}"),
        None => list,
    }
}

/// The known word most like `word`, whatever its case, its separators and PyTorch's `2d`.
fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let plain = |word: &str| -> String {
        let letters = word.chars().filter(|c| c.is_ascii_alphanumeric());
        let word: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        let stem = word.strip_suffix("2d").or_else(|| word.strip_suffix("1d"));
        stem.map_or(word.clone(), str::to_owned)
    };
    let word = plain(word);
    let close = known.iter().filter_map(|known| {
        let other = plain(known);
        let distance = strsim::osa_distance(&word, &other);
        (distance <= (word.len().max(other.len()) / 3).max(1) && distance < word.len())
            .then_some((distance, *known))
    });
    close
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
