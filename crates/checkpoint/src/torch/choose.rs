//! Finding the state dictionary in what a file holds.
//!
//! Candidates are dictionaries that hold a tensor of floating-point numbers with at least one dimension directly, and whole modules.
//! In a file without any, as of a quantised model, tensors of other types count as well: what they are is said where they are used.
//! Each value is looked at once, however often it is referred to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::rebuild;
use super::structure::{Structure, attributes, is_plain, key_text, structure};
use super::together::{Places, Relation};
use crate::checkpoint::Note;
use crate::error::shown;
use crate::pickle::{Node, Pickle, Value};
use crate::source::Source;
use crate::{CheckpointError, limits};

/// The key of everything in a file.
const WHOLE: &str = ".";

/// Most places that a message lists, most classes that are noted.
const LISTED: usize = 12;

/// Values looked at, beyond which a file refers to the same ones over and over.
const STEPS: usize = 1 << 25;

/// Chooses what `key` leads to, or the only candidate; with notes about what else the file holds.
///
/// # Errors
/// No candidate or several; a key that leads nowhere.
pub(crate) fn choose(
    source: &Source,
    pickle: &Pickle,
    key: Option<&str>,
) -> Result<(Value, Vec<Note>), CheckpointError> {
    let mut walk = Walk::new(pickle, is_weight);
    walk.run(source)?;
    if walk.candidates.is_empty() && walk.lists.is_empty() {
        walk = Walk::new(pickle, is_tensor);
        walk.run(source)?;
    }
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
    /// Visits on the way to it.
    depth: usize,
}

enum Key {
    Of(Value),
    Index(usize),
}

/// A walk through everything that can be reached.
struct Walk<'a> {
    pickle: &'a Pickle,
    /// Which values are looked for.
    is_sought: fn(&Pickle, Value) -> bool,
    visits: Vec<Visit>,
    seen: Vec<bool>,
    steps: usize,
    /// Tensors in dictionaries.
    tensors: usize,
    /// Indices of visits, with how many tensors are directly there.
    candidates: Vec<(usize, usize)>,
    /// The same for lists of tensors, which count only if there is nothing else.
    lists: Vec<(usize, usize)>,
    optimisers: Vec<usize>,
    /// Classes that are passed over, with the first place and how often.
    classes: BTreeMap<String, (usize, usize)>,
}

impl<'a> Walk<'a> {
    fn new(pickle: &'a Pickle, is_sought: fn(&Pickle, Value) -> bool) -> Self {
        let mut seen = vec![false; pickle.nodes.len()];
        if let Value::Node(root) = pickle.root {
            seen[root as usize] = true;
        }
        Self {
            pickle,
            is_sought,
            visits: vec![Visit {
                value: pickle.root,
                parent: None,
                key: Key::Index(0),
                depth: 0,
            }],
            seen,
            steps: 0,
            tensors: 0,
            candidates: Vec::new(),
            lists: Vec::new(),
            optimisers: Vec::new(),
            classes: BTreeMap::new(),
        }
    }

    fn run(&mut self, source: &Source) -> Result<(), CheckpointError> {
        let mut next = 0;
        while next < self.visits.len() {
            self.visit(next);
            next += 1;
            if self.steps > STEPS || self.tensors > limits::TENSORS {
                let limit = format!("{} tensors", limits::TENSORS);
                return Err(source.too_large("the pickle", "more tensors or values", limit));
            }
        }
        Ok(())
    }

    fn visit(&mut self, index: usize) {
        let pickle = self.pickle;
        match structure(pickle, self.visits[index].value) {
            Structure::Mapping(items) => {
                let tensors = items.iter().filter(|(key, value)| {
                    key_text(pickle, *key).is_some_and(|key| {
                        (self.is_sought)(pickle, *value) || is_packed(pickle, &key, *value)
                    })
                });
                let tensors = tensors.count();
                if tensors > 0 {
                    self.candidates.push((index, tensors));
                }
                self.tensors += tensors;
                self.push_items(index, &items);
            }
            Structure::Sequence(values) => {
                let tensors = values
                    .iter()
                    .filter(|value| (self.is_sought)(pickle, **value));
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
        self.steps += items.len();
        for (key, value) in items {
            self.push(parent, *value, Key::Of(*key));
        }
    }

    fn push_values(&mut self, parent: usize, values: &[Value]) {
        self.steps += values.len();
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
            depth: self.visits[parent].depth + 1,
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
            ([], []) => Err(self.refuse(source, "it holds no tensors")),
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

    /// What the places with tensors are to each other. Modules are never parts, for they hold their parts themselves; nor is what
    /// lies too deep to be read.
    fn relation(&self) -> Relation {
        let held: Vec<usize> = self.candidates.iter().map(|&(index, _)| index).collect();
        let is_apart = |&(index, tensors): &(usize, usize)| {
            tensors == 0 || self.visits[index].depth > limits::DEPTH
        };
        if held.is_empty() || self.candidates.iter().any(is_apart) {
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

    /// The places that hold tensors, each with the number of tensors in it; of parts that belong together, what holds them.
    fn held(&self) -> Vec<(usize, usize)> {
        let groups = match (self.candidates.is_empty(), self.relation()) {
            (true, _) => return self.lists.clone(),
            (false, Relation::Parts(_)) => return self.candidates.clone(),
            (false, Relation::Apart(groups)) => groups,
        };
        let mut held: BTreeMap<usize, usize> = groups.iter().map(|&place| (place, 0)).collect();
        for &(index, tensors) in &self.candidates {
            let above = std::iter::successors(Some(index), |&at| self.visits[at].parent);
            for visit in above.take(limits::DEPTH + 1) {
                if let Some(sum) = held.get_mut(&visit) {
                    *sum += tensors;
                }
            }
        }
        let counted = groups.into_iter().map(|place| (place, held[&place]));
        counted.collect()
    }

    /// The first places that hold tensors, with descriptions.
    fn places(&self, held: &[(usize, usize)]) -> Vec<(String, String)> {
        let places = held.iter().take(LISTED).map(|&(index, tensors)| {
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
        let held = self.held();
        let places = self.places(&held);
        let mut reason = found.to_owned();
        let listed: Vec<&str> = places.iter().map(|(_, shown)| shown.as_str()).collect();
        reason += &match held.len().saturating_sub(LISTED) {
            _ if listed.is_empty() => self.classes_held(),
            0 => format!(": {}; choose one with `key`", listed.join(", ")),
            more => format!(
                ": {} and {more} more; choose one with `key`",
                listed.join(", ")
            ),
        };
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

    /// Classes of objects that the walk did not come to, with how many there are: in modules and optimisers, or made by the pickle and
    /// thrown away.
    fn elsewhere(&self) -> BTreeMap<String, usize> {
        let mut classes = BTreeMap::new();
        for (index, node) in (0..).zip(&self.pickle.nodes) {
            let Node::Object(object) = node else { continue };
            if self.seen[index as usize] {
                continue;
            }
            let class = self.pickle.class_name(object);
            let is_passed_over = !is_plain(&class)
                && matches!(
                    structure(self.pickle, Value::Node(index)),
                    Structure::Object(_)
                );
            if is_passed_over {
                *classes.entry(class).or_insert(0) += 1;
            }
        }
        classes
    }

    fn notes(&self) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        for (class, &(index, count)) in self.classes.iter().take(LISTED) {
            notes.push(Note::PassedOver {
                class: shown(class),
                at: Some(shown(&self.path(index))),
                count,
            });
        }
        let elsewhere = self.elsewhere();
        for (class, &count) in elsewhere.iter().take(LISTED) {
            notes.push(Note::PassedOver {
                class: shown(class),
                at: None,
                count,
            });
        }
        let more = |classes: usize| classes.saturating_sub(LISTED);
        let count = more(self.classes.len()) + more(elsewhere.len());
        if count > 0 {
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

/// Whether a value is a tensor of any type that may be a quantised weight.
fn is_tensor(pickle: &Pickle, value: Value) -> bool {
    rebuild::tensor(pickle, value)
        .is_some_and(|tensor| tensor.map_or(true, |tensor| !tensor.shape.is_empty()))
}

/// Whether a value is the weight and bias of a quantised layer, which PyTorch stores as one tuple.
fn is_packed(pickle: &Pickle, key: &str, value: Value) -> bool {
    key.ends_with("_packed_params")
        && match structure(pickle, value) {
            Structure::Sequence(values) => values.iter().any(|value| is_tensor(pickle, *value)),
            _ => false,
        }
}

/// Follows a dotted path from `value`. Keys may have dots themselves: the longest that fits is tried first.
fn find(pickle: &Pickle, value: Value, path: &str, depth: usize) -> Option<Value> {
    if path.is_empty() {
        return Some(value);
    }
    if depth > limits::DEPTH {
        return None;
    }
    let ends = path.match_indices('.').map(|(end, _)| end);
    let mut ends: Vec<usize> = ends.chain([path.len()]).collect();
    ends.reverse();
    ends.truncate(limits::DEPTH);
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
