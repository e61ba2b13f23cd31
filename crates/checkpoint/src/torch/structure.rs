//! What the values of a pickle are to somebody who looks for tensors.

use std::borrow::Cow;

use super::rebuild;
use crate::limits;
use crate::pickle::{Node, Object, Pickle, Value};

/// Most attributes of a module.
const ATTRIBUTES: usize = 256;

/// What a value is.
pub(crate) enum Structure<'a> {
    Tensor,
    /// A dictionary of any class.
    Mapping(Cow<'a, [(Value, Value)]>),
    Sequence(&'a [Value]),
    /// The state of an optimiser.
    Optimiser,
    /// A whole pickled `torch.nn.Module`, by its attributes.
    Module(&'a [(Value, Value)]),
    /// An object of another class.
    Object(&'a Object),
    /// Numbers, texts, names.
    Leaf,
}

/// What `value` is.
pub(crate) fn structure(pickle: &Pickle, value: Value) -> Structure<'_> {
    match pickle.node(value) {
        Some(Node::List(values) | Node::Tuple(values)) => Structure::Sequence(values),
        Some(Node::Dict(_)) => match mapping(pickle, value) {
            Some(items) if is_optimiser(pickle, &items) => Structure::Optimiser,
            Some(items) => Structure::Mapping(items),
            None => Structure::Leaf,
        },
        Some(Node::Object(object)) => match () {
            () if rebuild::tensor(pickle, value).is_some() => Structure::Tensor,
            () => match (mapping(pickle, value), attributes(pickle, object)) {
                (_, Some(attributes)) if is_module(pickle, attributes) => {
                    Structure::Module(attributes)
                }
                (Some(items), _) => Structure::Mapping(items),
                _ => Structure::Object(object),
            },
        },
        _ => Structure::Leaf,
    }
}

/// The pairs of a dictionary of any class.
pub(crate) fn mapping(pickle: &Pickle, value: Value) -> Option<Cow<'_, [(Value, Value)]>> {
    match pickle.node(value)? {
        Node::Dict(items) => Some(Cow::Borrowed(items)),
        Node::Object(object) if !object.items.is_empty() => Some(Cow::Borrowed(&object.items)),
        Node::Object(object) => {
            let global = pickle.global(object.class)?;
            if !(global.module == "collections" && global.name.ends_with("Dict")) {
                return None;
            }
            // Python 2 gives all pairs as the one argument.
            let pairs = pickle.sequence(object.arguments)?.first();
            let pairs = pairs.and_then(|pairs| pickle.sequence(*pairs));
            let pairs = pairs.unwrap_or(&[]).iter();
            pairs
                .map(|pair| match pickle.sequence(*pair) {
                    Some([key, value]) => Some((*key, *value)),
                    _ => None,
                })
                .collect::<Option<_>>()
                .map(Cow::Owned)
        }
        _ => None,
    }
}

/// The attributes that an object would have been given.
pub(crate) fn attributes<'a>(pickle: &'a Pickle, object: &Object) -> Option<&'a [(Value, Value)]> {
    let dict = |value| match pickle.node(value)? {
        Node::Dict(items) => Some(items.as_slice()),
        _ => None,
    };
    let state = object.state?;
    match pickle.node(state)? {
        // (dictionary, slots)
        Node::Tuple(parts) => parts.iter().take(2).find_map(|part| dict(*part)),
        _ => dict(state),
    }
}

/// The value of the key `name`.
pub(crate) fn item(pickle: &Pickle, items: &[(Value, Value)], name: &str) -> Option<Value> {
    // The last one counts, as in Python.
    let mut found = items.iter().rev();
    found
        .find(|(key, _)| pickle.text(*key) == Some(name))
        .map(|(_, value)| *value)
}

fn is_optimiser(pickle: &Pickle, items: &[(Value, Value)]) -> bool {
    items.len() < 16
        && item(pickle, items, "state").is_some()
        && item(pickle, items, "param_groups").is_some()
}

fn is_module(pickle: &Pickle, attributes: &[(Value, Value)]) -> bool {
    attributes.len() <= ATTRIBUTES
        && item(pickle, attributes, "_parameters").is_some()
        && item(pickle, attributes, "_modules").is_some()
}

/// The text of a key of a dictionary; of one that is too long for a name, no more than shows that.
pub(crate) fn key_text(pickle: &Pickle, key: Value) -> Option<Cow<'_, str>> {
    match key {
        Value::Int(number) => Some(Cow::Owned(number.to_string())),
        other => {
            let text = pickle.text(other)?;
            let end = text.floor_char_boundary(limits::NAME_BYTES + 4);
            Some(Cow::Borrowed(&text[..end]))
        }
    }
}

/// Whether objects of a class are plain values that nobody misses.
pub(crate) fn is_plain(class: &str) -> bool {
    matches!(
        class,
        "torch.Size" | "torch.device" | "torch.dtype" | "numpy.dtype" | "_codecs.encode"
    ) || (class.starts_with("numpy.") && class.ends_with(".multiarray.scalar"))
        || class.starts_with("collections.")
        || ["set", "frozenset", "complex", "bytearray", "slice", "range"]
            .iter()
            .any(|name| class.split_once('.') == Some(("builtins", name)))
        || class == "__builtin__.set"
}
