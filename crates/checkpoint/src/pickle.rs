//! Pickles as data: what a pickle describes is built, nothing that it names is imported or called.
//!
//! A class or function is a name ([`Node::Global`]); a call is an [`Object`] that holds the name, the arguments and whatever state
//! follows. What such an object means is decided by the reader of the file, for the few that it knows. Everything lies in one table
//! and refers to the rest by index, so that a value which contains itself does no harm, and nothing is copied or dropped recursively.

mod bytes;
mod machine;

pub(crate) use bytes::PickleBytes;
pub(crate) use machine::read;

/// A value: small ones themselves, others as an index into the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Node(u32),
}

/// A value that has an identity or a size.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Box<str>),
    /// Bytes, which nothing here is interested in.
    Bytes,
    /// An integer of more than 64 bits, likewise.
    Integer,
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Set(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    /// A class or function by name.
    Global(Box<Global>),
    /// Something the pickle would have had called.
    Object(Box<Object>),
    /// Something outside of the pickle, by what identifies it.
    Persistent(Value),
}

/// The name of a class or function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Global {
    pub(crate) module: String,
    pub(crate) name: String,
}

/// A call that did not take place.
#[derive(Debug)]
pub(crate) struct Object {
    /// What would have been called.
    pub(crate) class: Value,
    /// With which tuple.
    pub(crate) arguments: Value,
    /// The state that the result would have been given.
    pub(crate) state: Option<Value>,
    /// What would have been appended to it.
    pub(crate) elements: Vec<Value>,
    /// What would have been stored in it by key.
    pub(crate) items: Vec<(Value, Value)>,
}

/// A pickle as a table.
#[derive(Debug)]
pub(crate) struct Pickle {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: Value,
}

impl Pickle {
    pub(crate) fn node(&self, value: Value) -> Option<&Node> {
        match value {
            Value::Node(index) => self.nodes.get(index as usize),
            _ => None,
        }
    }

    pub(crate) fn text(&self, value: Value) -> Option<&str> {
        match self.node(value)? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn sequence(&self, value: Value) -> Option<&[Value]> {
        match self.node(value)? {
            Node::List(values) | Node::Tuple(values) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn global(&self, value: Value) -> Option<&Global> {
        match self.node(value)? {
            Node::Global(global) => Some(global),
            _ => None,
        }
    }

    pub(crate) fn object(&self, value: Value) -> Option<&Object> {
        match self.node(value)? {
            Node::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The class of an object as `module.name`.
    pub(crate) fn class_name(&self, object: &Object) -> String {
        match self.global(object.class) {
            Some(global) => format!("{}.{}", global.module, global.name),
            None => "an unnamed class".to_owned(),
        }
    }
}
