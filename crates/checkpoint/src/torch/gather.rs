//! The tensors of a state dictionary, with dotted names where it is nested, or of a whole module.

use std::borrow::Cow;

use super::rebuild::{self, Rebuilt};
use super::structure::{Structure, attributes, item, key_text, mapping, structure};
use crate::checkpoint::Note;
use crate::error::shown;
use crate::pickle::{Node, Pickle, Value};
use crate::source::Source;
use crate::tidy::counted;
use crate::{CheckpointError, limits};

/// Values looked at, beyond which a file refers to the same dictionaries over and over.
const STEPS: usize = 2_000_000;

/// Most names of what is no tensor that are noted.
const NOTED: usize = 12;

/// A named tensor.
pub(crate) struct Gathered {
    pub(crate) name: String,
    pub(crate) tensor: Result<Rebuilt, String>,
}

/// The tensors in one place of a file.
pub(crate) struct Gathering {
    pub(crate) tensors: Vec<Gathered>,
    pub(crate) notes: Vec<Note>,
}

/// The tensors within `value`.
///
/// # Errors
/// None at all, more than the limit, or dictionaries too deep in each other.
pub(crate) fn gather(
    source: &Source,
    pickle: &Pickle,
    value: Value,
) -> Result<Gathering, CheckpointError> {
    let mut gatherer = Gatherer {
        source,
        pickle,
        steps: 0,
        others: Vec::new(),
        gathered: Gathering {
            tensors: Vec::new(),
            notes: Vec::new(),
        },
    };
    gatherer.value("", value, 0)?;
    let Gatherer {
        mut gathered,
        others,
        ..
    } = gatherer;
    let packed = packed(pickle, &gathered.tensors);
    if gathered.tensors.is_empty() {
        let reason = packed.first().map_or_else(
            || "no tensor is in the chosen place; leave `key` out to see where tensors are".into(),
            ToString::to_string,
        );
        return Err(CheckpointError::Key {
            path: source.path().to_owned(),
            reason,
            candidates: Vec::new(),
        });
    }
    gathered.notes.extend(packed);
    if !others.is_empty() {
        gathered.notes.push(Note::NoTensors { names: others });
    }
    Ok(gathered)
}

/// A note for each type of the quantised tensors in a file that are not among those that were gathered.
fn packed(pickle: &Pickle, gathered: &[Gathered]) -> Vec<Note> {
    let all = counted(rebuild::quantised(pickle)).into_iter();
    let left = all.filter_map(|(dtype, count)| {
        let tensors = gathered.iter().filter_map(|one| one.tensor.as_ref().ok());
        let read = tensors.filter(|tensor| tensor.dtype == dtype).count();
        let count = count.saturating_sub(read);
        (count > 0).then_some(Note::Packed { dtype, count })
    });
    left.collect()
}

struct Gatherer<'a> {
    source: &'a Source,
    pickle: &'a Pickle,
    steps: usize,
    /// Names of what is no tensor.
    others: Vec<String>,
    gathered: Gathering,
}

impl Gatherer<'_> {
    fn value(&mut self, name: &str, value: Value, depth: usize) -> Result<(), CheckpointError> {
        self.count(name, depth)?;
        match structure(self.pickle, value) {
            Structure::Tensor => self.tensor(name, value),
            Structure::Mapping(items) => self.items(name, &items, depth),
            Structure::Sequence(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.value(&joined(name, &index.to_string()), *value, depth + 1)?;
                }
                Ok(())
            }
            Structure::Module(attributes) => self.module(name, attributes, depth),
            Structure::Optimiser => Ok(()),
            Structure::Object(object) if depth == 0 => {
                let attributes = attributes(self.pickle, object);
                self.items(name, attributes.unwrap_or(&[]), depth)
            }
            Structure::Object(_) | Structure::Leaf => {
                if self.others.len() < NOTED {
                    self.others.push(shown(name));
                }
                Ok(())
            }
        }
    }

    fn count(&mut self, name: &str, depth: usize) -> Result<(), CheckpointError> {
        self.steps += 1;
        let place = || format!("`{}`", shown(name));
        if name.len() > limits::NAME_BYTES {
            let limit = format!("{} bytes", limits::NAME_BYTES);
            return Err(self.source.too_large(place(), "a longer name", limit));
        }
        if depth > limits::DEPTH {
            let limit = format!("{} levels", limits::DEPTH);
            return Err(self
                .source
                .too_large(place(), "dictionaries within each other", limit));
        }
        if self.gathered.tensors.len() > limits::TENSORS || self.steps > STEPS {
            let limit = format!("{} tensors", limits::TENSORS);
            return Err(self
                .source
                .too_large(place(), "more tensors or values", limit));
        }
        Ok(())
    }

    fn tensor(&mut self, name: &str, value: Value) -> Result<(), CheckpointError> {
        let name = match name {
            "" => "tensor",
            name => name,
        };
        if let Some(tensor) = rebuild::tensor(self.pickle, value) {
            self.gathered.tensors.push(Gathered {
                name: name.to_owned(),
                tensor,
            });
        }
        Ok(())
    }

    fn items(
        &mut self,
        name: &str,
        items: &[(Value, Value)],
        depth: usize,
    ) -> Result<(), CheckpointError> {
        self.steps += items.len();
        for (key, value) in items {
            if let Some(key) = key_text(self.pickle, *key) {
                self.value(&joined(name, &key), *value, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Parameters, buffers but for those that are not part of a state dictionary, then the modules within.
    fn module(
        &mut self,
        name: &str,
        attributes: &[(Value, Value)],
        depth: usize,
    ) -> Result<(), CheckpointError> {
        let passing = self.not_persistent(attributes);
        for part in ["_parameters", "_buffers", "_modules"] {
            let held = item(self.pickle, attributes, part);
            let items = held.and_then(|held| mapping(self.pickle, held));
            let items = items.as_deref().unwrap_or(&[]);
            self.steps += items.len();
            for (key, value) in items {
                let Some(key) = key_text(self.pickle, *key) else {
                    continue;
                };
                if *value == Value::None
                    || (part == "_buffers" && passing.iter().any(|name| **name == key))
                {
                    continue;
                }
                self.value(&joined(name, &key), *value, depth + 1)?;
            }
        }
        Ok(())
    }

    fn not_persistent(&self, attributes: &[(Value, Value)]) -> Vec<String> {
        let pickle = self.pickle;
        let set = item(pickle, attributes, "_non_persistent_buffers_set");
        let values = set.and_then(|set| match pickle.node(set)? {
            Node::Set(values) => Some(values.as_slice()),
            // `set([...])`, as protocol 2 has it.
            Node::Object(object) => {
                let list = pickle.sequence(object.arguments)?.first()?;
                pickle.sequence(*list)
            }
            _ => None,
        });
        let names = values.unwrap_or(&[]).iter();
        let names = names.take(limits::DEPTH);
        names
            .filter_map(|name| key_text(pickle, *name))
            .map(Cow::into_owned)
            .collect()
    }
}

fn joined(prefix: &str, name: &str) -> String {
    match prefix {
        "" => name.to_owned(),
        prefix => format!("{prefix}.{name}"),
    }
}
