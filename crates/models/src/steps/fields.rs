//! Fields of a step, with errors that name the field.

use serde_json::{Map, Value};

use super::error::StepError;
use super::kinds::Outputs;

/// Largest number that a field takes: more values than any tensor has room for.
const LARGEST: u64 = 1 << 26;

/// The fields of one step.
pub(super) struct Fields<'a> {
    pub(super) kind: &'static str,
    fields: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// # Errors
    /// Returns an error if there is a field that is not one of `known`.
    pub(super) fn new(
        kind: &'static str,
        known: &[&str],
        fields: &'a Map<String, Value>,
    ) -> Result<Self, StepError> {
        for name in fields.keys() {
            if !known.contains(&name.as_str()) {
                let error = StepError::new(format!("`{kind}` has no field `{name}`"));
                let help = did_you_mean(name, known, "its fields are");
                return Err(error.with_help(help).in_field(name));
            }
        }
        Ok(Self { kind, fields })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name)
    }

    fn required<T>(
        &self,
        name: &'static str,
        read: impl Fn(&Value) -> Result<T, StepError>,
    ) -> Result<T, StepError> {
        let error = || {
            let (kind, message) = (
                self.kind,
                format!("`{}` needs the field `{name}`", self.kind),
            );
            StepError::new(message).with_help(format!("write {{ {kind} = {{ {name} = ... }} }}"))
        };
        let value = self.get(name).ok_or_else(error)?;
        read(value).map_err(|error| error.in_field(name))
    }

    fn optional<T>(
        &self,
        name: &str,
        default: T,
        read: impl Fn(&Value) -> Result<T, StepError>,
    ) -> Result<T, StepError> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => read(value).map_err(|error| error.in_field(name)),
        }
    }

    /// A whole number that must be given.
    pub(super) fn count(&self, name: &'static str) -> Result<usize, StepError> {
        self.required(name, |value| whole(value, name, 1))
    }

    /// A whole number from `least`.
    pub(super) fn count_or(
        &self,
        name: &str,
        least: u64,
        default: usize,
    ) -> Result<usize, StepError> {
        self.optional(name, default, |value| whole(value, name, least))
    }

    pub(super) fn outputs(&self) -> Result<Outputs, StepError> {
        self.required("outputs", outputs)
    }

    pub(super) fn flag_or(&self, name: &str, default: bool) -> Result<bool, StepError> {
        self.optional(name, default, |value| {
            let error = || wrong(value, &format!("`{name}`"), "true or false");
            value.as_bool().ok_or_else(error)
        })
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, StepError> {
        self.optional(name, None, |value| number(value, name).map(Some))
    }

    /// One of several words.
    pub(super) fn word(&self, name: &str, words: &[&str]) -> Result<Option<&'a str>, StepError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_str().filter(|word| words.contains(word)) {
            Some(word) => Ok(Some(word)),
            None => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                let error = wrong(value, &format!("`{name}`"), &words.join(" or "));
                Err(error.in_field(name))
            }
        }
    }

    /// The name that the user gives a step, or nothing.
    pub(super) fn name(&self) -> Result<String, StepError> {
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

/// A finite number.
pub(super) fn number(value: &Value, what: &str) -> Result<f64, StepError> {
    let found = value.as_f64().filter(|found| found.is_finite());
    found.ok_or_else(|| wrong(value, &format!("`{what}`"), "a number"))
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
