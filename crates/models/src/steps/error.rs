//! What is wrong with a list of steps, and where.

use std::fmt;

/// A key of a table, or a position in a list, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathPart {
    /// A field of a table.
    Key(String),
    /// An item of a list.
    Index(usize),
}

/// A list of steps that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}{}", Place(path), Help(help.as_deref()))]
pub struct StepError {
    /// From the list to the value that is wrong.
    pub path: Vec<PathPart>,
    /// Whether the key at the end of the path is wrong, not its value.
    pub of_key: bool,
    /// What is wrong with it.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl StepError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            of_key: false,
            message: message.into(),
            help: None,
        }
    }

    /// The path as a JSON pointer (RFC 6901), such as `/2/conv/kernel`; empty for the list itself.
    pub fn pointer(&self) -> String {
        let part = |part: &PathPart| match part {
            PathPart::Index(index) => format!("/{index}"),
            PathPart::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        };
        self.path.iter().map(part).collect()
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The error of a table as one of its key `key`.
    pub(super) fn of_key(mut self, key: &str) -> Self {
        self.path.push(PathPart::Key(key.to_owned()));
        self.of_key = true;
        self
    }
}

/// Everything that is wrong with a list of steps: at least one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepErrors(Vec<StepError>);

impl StepErrors {
    /// The errors, those of the reading before those of shapes.
    pub fn all(&self) -> &[StepError] {
        &self.0
    }
}

impl From<StepError> for StepErrors {
    fn from(error: StepError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for StepErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join("; "))
    }
}

impl std::error::Error for StepErrors {}

/// Errors found so far, and the place that is looked at.
#[derive(Debug, Default)]
pub(super) struct Faults {
    place: Vec<PathPart>,
    errors: Vec<StepError>,
}

impl Faults {
    /// Goes to the value under a key.
    pub(super) fn enter_field(&mut self, key: &str) {
        self.place.push(PathPart::Key(key.to_owned()));
    }

    /// Goes to an item of a list.
    pub(super) fn enter_item(&mut self, index: usize) {
        self.place.push(PathPart::Index(index));
    }

    /// Goes back to the table or list around.
    pub(super) fn leave(&mut self) {
        self.place.pop();
    }

    /// Adds an error of the value at the current place.
    pub(super) fn add(&mut self, mut error: StepError) {
        error.path.splice(0..0, self.place.iter().cloned());
        self.errors.push(error);
    }

    /// Returns `value` if nothing is wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, StepErrors> {
        match self.errors.is_empty() {
            true => Ok(value),
            false => Err(StepErrors(self.errors)),
        }
    }
}

/// A path before a message: `[2].conv.kernel: `.
struct Place<'a>(&'a [PathPart]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            match part {
                PathPart::Index(index) => write!(f, "[{index}]")?,
                PathPart::Key(key) if at == 0 => f.write_str(key)?,
                PathPart::Key(key) => write!(f, ".{key}")?,
            }
        }
        f.write_str(if self.0.is_empty() { "" } else { ": " })
    }
}

/// Help after a message.
struct Help<'a>(Option<&'a str>);

impl fmt::Display for Help<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}
