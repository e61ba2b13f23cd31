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
    /// What is wrong with it.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl StepError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
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

    /// The error of a value, as one of the table that has it under `key`.
    pub(super) fn in_field(mut self, key: &str) -> Self {
        self.path.insert(0, PathPart::Key(key.to_owned()));
        self
    }

    /// The error of a value, as one of the list that has it at `index`.
    pub(super) fn at(mut self, index: usize) -> Self {
        self.path.insert(0, PathPart::Index(index));
        self
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
