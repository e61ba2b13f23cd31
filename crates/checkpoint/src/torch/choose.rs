//! Finding the state dictionary in what a file holds.
//!
//! Candidates are dictionaries that hold a tensor of floating-point numbers with at least one dimension directly, and whole modules.
//! Each value is looked at once, however often it is referred to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::rebuild;
use super::structure::{Structure, attributes, is_plain, key_text, structure};
use super::together::{Places, Relation};
use crate::CheckpointError;
use crate::checkpoint::Note;
use crate::error::shown;
use crate::pickle::{Node, Pickle, Value};
use crate::source::Source;

/// The key of everything in a file.
const WHOLE: &str = ".";

/// Most places that a message lists, most classes that are noted.
const LISTED: usize = 12;

/// Chooses what `key` leads to, or the only candidate; with notes about what else the file holds.
///
/// # Errors
/// No candidate or several; a key that leads nowhere.
pub(crate) fn choose(
    source: &Source,
    pickle: &Pickle,
    key: Option<&str>,
) -> Result<(Value, Vec<Note>), CheckpointError> {
    let mut walk = Walk::new(pickle);
    walk.run();
    let mut notes = walk.notes();
    let chosen = match key {
        Some(WHOLE) => pickle.root,
        Some(key) => {
            let found = find(pickle, pickle.root, key, 0);
            found.ok_or_else(|| walk.refuse(source, &format!("nothing is at `{}`", shown(key))))?
        }
        None => {
            let (chosen, note) = walk.only(source)?;
            notes.extend(note);
            chosen
        }
    };
    Ok((chosen, notes))
}

/// A value that was come to, and from where.
struct Visit {
    value: Value,
    parent: Option<usize>,
    key: Key,
}

enum Key {
    Of(Value),
    Index(usize),
}

/// A walk through everything that can be reached.
struct Walk<'a> {
    pickle: &'a Pickle,
    visits: Vec<Visit>,
    seen: Vec<bool>,
    /// Indices of visits, with how many tensors are directly there.
    candidates: Vec<(usize, usize)>,
    /// The same for lists of tensors, which count only if there is nothing else.
    lists: Vec<(usize, usize)>,
    optimisers: Vec<usize>,
    /// Classes that are passed over, with the first place and how often.
    classes: BTreeMap<String, (usize, usize)>,
}

impl<'a> Walk<'a> {
    fn new(pickle: &'a Pickle) -> Self {
        Self {
            pickle,
            visits: vec![Visit {
                value: pickle.root,
                parent: None,
                key: Key::Index(0),
            }],
            seen: vec![false; pickle.nodes.len()],
            candidates: Vec::new(),
            lists: Vec::new(),
            optimisers: Vec::new(),
            classes: BTreeMap::new(),
        }
    }

    fn run(&mut self) {
        let mut next = 0;
        while next < self.visits.len() {
            self.visit(next);
            next += 1;
        }
    }

    fn visit(&mut self, index: usize) {
        let pickle = self.pickle;
        match structure(pickle, self.visits[index].value) {
            Structure::Mapping(items) => {
                let tensors = items.iter().filter(|(key, value)| {
                    key_text(pickle, *key).is_some() && is_weight(pickle, *value)
                });
                let tensors = tensors.count();
                if tensors > 0 {
                    self.candidates.push((index, tensors));
                }
                self.push_items(index, &items);
            }
            Structure::Sequence(values) => {
                let tensors = values.iter().filter(|value| is_weight(pickle, **value));
                let tensors = tensors.count();
                if tensors > 0 {
                    self.lists.push((index, tensors));
                }
                self.push_values(index, values);
            }
            Structure::Module(_) => self.candidates.push((index, 0)),
            Structure::Optimiser => self.optimisers.push(index),
            Structure::Object(object) => {
                let class = pickle.class_name(object);
                if !is_plain(&class) {
                    self.classes.entry(class).or_insert((index, 0)).1 += 1;
                }
                let state = attributes(pickle, object);
                self.push_items(index, state.unwrap_or(&[]));
                self.push_values(index, pickle.sequence(object.arguments).unwrap_or(&[]));
                self.push_values(index, &object.elements);
            }
            Structure::Tensor | Structure::Leaf => {}
        }
    }

    fn push_items(&mut self, parent: usize, items: &[(Value, Value)]) {
        for (key, value) in items {
            self.push(parent, *value, Key::Of(*key));
        }
    }

    fn push_values(&mut self, parent: usize, values: &[Value]) {
        for (index, value) in values.iter().enumerate() {
            self.push(parent, *value, Key::Index(index));
        }
    }

    /// Remembers a value to visit, unless it is a leaf or was come to before.
    fn push(&mut self, parent: usize, value: Value, key: Key) {
        let Value::Node(node) = value else { return };
        let node = node as usize;
        if self.seen[node] || matches!(self.pickle.nodes[node], Node::Text(_) | Node::Bytes) {
            return;
        }
        self.seen[node] = true;
        self.visits.push(Visit {
            value,
            parent: Some(parent),
            key,
        });
    }

    /// The dotted path of a visit; empty for the whole file.
    fn path(&self, index: usize) -> String {
        let mut parts = Vec::new();
        let mut at = &self.visits[index];
        while let Some(parent) = at.parent {
            parts.push(match at.key {
                Key::Of(key) => key_text(self.pickle, key).unwrap_or(Cow::Borrowed("?")),
                Key::Index(index) => Cow::Owned(index.to_string()),
            });
            if parts.len() > 32 {
                parts.push(Cow::Borrowed("…"));
                break;
            }
            at = &self.visits[parent];
        }
        parts.reverse();
        parts.join(".")
    }

    /// The one place that holds tensors, or what holds all parts of one state dictionary, with a note that says so.
    fn only(&self, source: &Source) -> Result<(Value, Option<Note>), CheckpointError> {
        if matches!(structure(self.pickle, self.pickle.root), Structure::Tensor) {
            return Ok((self.pickle.root, None));
        }
        match (self.candidates.as_slice(), self.lists.as_slice()) {
            ([(only, _)], _) | ([], [(only, _)]) => Ok((self.visits[*only].value, None)),
            ([], []) => Err(self.refuse(source, "it holds no tensors of weights")),
            _ => match self.relation() {
                Relation::Parts(top) => {
                    let parts = self.candidates.iter().take(LISTED);
                    let parts = parts.map(|&(part, _)| shown(&self.path(part)));
                    let note = Note::Parts {
                        at: shown(&self.path(top)),
                        parts: parts.collect(),
                        more: self.candidates.len().saturating_sub(LISTED),
                    };
                    Ok((self.visits[top].value, Some(note)))
                }
                Relation::Apart(_) => {
                    Err(self.refuse(source, "it holds tensors in several places"))
                }
            },
        }
    }

    /// What the places with tensors are to each other. Modules are never parts, for they hold their parts themselves.
    fn relation(&self) -> Relation {
        let held: Vec<usize> = self.candidates.iter().map(|&(index, _)| index).collect();
        if held.is_empty() || self.candidates.iter().any(|&(_, tensors)| tensors == 0) {
            return Relation::Apart(held);
        }
        let parents: Vec<Option<usize>> = self.visits.iter().map(|visit| visit.parent).collect();
        let places = Places {
            parents: &parents,
            held: &held,
        };
        let tensors = |index: usize| match structure(self.pickle, self.visits[index].value) {
            Structure::Mapping(items) => {
                let shapes = items.iter().filter_map(|(key, value)| {
                    let tensor = rebuild::tensor(self.pickle, *value)?;
                    let shape = tensor.map_or_else(|_| Vec::new(), |tensor| tensor.shape);
                    Some((key_text(self.pickle, *key)?.into_owned(), shape))
                });
                shapes.collect()
            }
            _ => BTreeSet::new(),
        };
        let is_dictionary = |index: usize| {
            let found = structure(self.pickle, self.visits[index].value);
            matches!(found, Structure::Mapping(_) | Structure::Sequence(_))
        };
        places.relation(tensors, is_dictionary)
    }

    /// The places that hold tensors, with descriptions; of parts that belong together, what holds them.
    fn places(&self) -> Vec<(String, String)> {
        let held = |place: usize| {
            let within = self.candidates.iter().filter(|&&(index, _)| {
                let mut above = std::iter::successors(Some(index), |&at| self.visits[at].parent);
                above.any(|visit| visit == place)
            });
            (place, within.map(|(_, tensors)| tensors).sum())
        };
        let all: Vec<(usize, usize)> = match (self.candidates.is_empty(), self.relation()) {
            (true, _) => self.lists.clone(),
            (false, Relation::Parts(_)) => self.candidates.clone(),
            (false, Relation::Apart(groups)) => groups.into_iter().map(held).collect(),
        };
        let places = all.into_iter().map(|(index, tensors)| {
            let path = match self.path(index) {
                path if path.is_empty() => WHOLE.to_owned(),
                path => path,
            };
            let called = match path.as_str() {
                WHOLE => format!("everything (key \"{WHOLE}\")"),
                path => format!("`{}`", shown(path)),
            };
            let held = match tensors {
                0 => "a module".to_owned(),
                1 => "1 tensor".to_owned(),
                count => format!("{count} tensors"),
            };
            (path, format!("{called} ({held})"))
        });
        places.collect()
    }

    fn refuse(&self, source: &Source, found: &str) -> CheckpointError {
        let places = self.places();
        let mut reason = found.to_owned();
        let listed: Vec<&str> = places.iter().map(|(_, shown)| shown.as_str()).collect();
        match listed.split_at_checked(LISTED) {
            _ if listed.is_empty() => reason.push_str(&self.classes_held()),
            Some((head, rest)) if !rest.is_empty() => {
                let more = rest.len();
                reason += &format!(
                    ": {} and {more} more; choose one with `key`",
                    head.join(", ")
                );
            }
            _ => reason += &format!(": {}; choose one with `key`", listed.join(", ")),
        }
        CheckpointError::Key {
            path: source.path().to_owned(),
            reason,
            candidates: places.into_iter().map(|(path, _)| path).collect(),
        }
    }

    fn classes_held(&self) -> String {
        if self.classes.is_empty() {
            return "; save a state dictionary: `torch.save(model.state_dict(), 'weights.pt')`"
                .into();
        }
        let names: Vec<String> = self
            .classes
            .keys()
            .take(LISTED)
            .map(|name| shown(name))
            .collect();
        format!(
            ", only objects of {}, which cannot be read without their code; \
             save a state dictionary: `torch.save(model.state_dict(), 'weights.pt')`",
            names.join(", ")
        )
    }

    fn notes(&self) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        for (class, &(index, count)) in self.classes.iter().take(LISTED) {
            notes.push(Note::PassedOver {
                class: shown(class),
                at: shown(&self.path(index)),
                count,
            });
        }
        if self.classes.len() > LISTED {
            let count = self.classes.len() - LISTED;
            notes.push(Note::MoreClasses { count });
        }
        for &index in self.optimisers.iter().take(LISTED) {
            let at = shown(&self.path(index));
            notes.push(Note::Optimiser { at });
        }
        notes
    }
}

/// Whether a value is a tensor as weights are; one that cannot be read counts, so that it is named.
fn is_weight(pickle: &Pickle, value: Value) -> bool {
    match rebuild::tensor(pickle, value) {
        Some(Ok(tensor)) => tensor.dtype.is_float() && !tensor.shape.is_empty(),
        Some(Err(_)) => true,
        None => false,
    }
}

/// Follows a dotted path from `value`. Keys may have dots themselves: the longest that fits is tried first.
fn find(pickle: &Pickle, value: Value, path: &str, depth: usize) -> Option<Value> {
    if path.is_empty() {
        return Some(value);
    }
    if depth > crate::limits::DEPTH {
        return None;
    }
    let ends = path.match_indices('.').map(|(end, _)| end);
    let mut ends: Vec<usize> = ends.chain([path.len()]).collect();
    ends.reverse();
    ends.truncate(crate::limits::DEPTH);
    ends.into_iter().find_map(|end| {
        let inner = child(pickle, value, &path[..end])?;
        let rest = path.get(end + 1..).unwrap_or("");
        find(pickle, inner, rest, depth + 1)
    })
}

/// What is under `key` in a dictionary, an object or a list.
fn child(pickle: &Pickle, value: Value, key: &str) -> Option<Value> {
    let of = |items: &[(Value, Value)]| {
        let mut items = items.iter().rev();
        let found = items.find(|(name, _)| key_text(pickle, *name).as_deref() == Some(key));
        found.map(|(_, value)| *value)
    };
    match structure(pickle, value) {
        Structure::Mapping(items) => of(&items),
        Structure::Module(attributes) => of(attributes),
        Structure::Optimiser => None,
        Structure::Sequence(values) => values.get(key.parse::<usize>().ok()?).copied(),
        Structure::Object(object) => of(attributes(pickle, object)?),
        Structure::Tensor | Structure::Leaf => None,
    }
}
