//! The key of a task: one digest of everything that can change its result.
//!
//! The key is BLAKE3, in key-derivation mode with the context `CONTEXT`, of this byte string:
//!
//! ```text
//! task   = text(kind) json(parameters) seed text(device) text(fingerprint) count input* names*
//! seed   = 0 | 1 u64             the seed, only if the task is random
//! input  = text(role) text(task) json(labels) text(content)
//! names  = position '{' count (text(first id) text(present id))*    only of inputs with renamed tasks
//! json   = 'z' | 't' | 'f' | 'n' text | 's' text | '[' count json* | '{' count (text json)*
//! text   = u64 length, bytes     numbers are written as in JSON, objects in the order of their keys
//! ```
//!
//! `count`, `position`, lengths and seed are 64-bit little-endian, digests hexadecimal. No two different tasks have the same encoding. Of an
//! input its role, the id and labels of its task and its *content* count: a file with other metadata and the same rows
//! leaves the key as it is. A renamed task changes the keys of its readers only where its name can appear in results: of metrics and
//! figures, which know it by its present id. The others know it by the [first](eigenscope_plan::PlannedTask::first_id).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use eigenscope_artifact::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names the encoding; changed with it.
const CONTEXT: &str = "eigenscope 2026 task key, encoding 1";

/// Names the folder of a result in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Digest);

impl Key {
    /// The first 12 hexadecimal digits, for messages and temporary names.
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Everything that can change the result of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyInputs {
    /// Task kind, such as `train/bilinear`.
    pub kind: String,
    /// All parameters, defaults included.
    pub parameters: Value,
    /// Seed of the random streams; `None` for a task that uses no chance.
    pub seed: Option<u64>,
    /// Kind of device that computes.
    pub device: String,
    /// Digest of the code that computes this kind.
    pub fingerprint: String,
    /// What the task reads, in order.
    pub inputs: Vec<InputRecord>,
}

/// One input as the task sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRecord {
    pub role: String,
    /// Id of the task that made it, as the reader knows it.
    pub task: String,
    pub labels: BTreeMap<String, Value>,
    pub content: Digest,
    /// First and present ids of renamed tasks that the reader shows: of that task and of what it read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<String, String>,
}

impl InputRecord {
    /// The id by which results know the task that made it.
    pub fn first_id(&self) -> &str {
        let mut renamed = self.renamed.iter();
        let own = renamed.find(|(_, present)| **present == self.task);
        own.map_or(&self.task, |(first, _)| first)
    }
}

impl KeyInputs {
    /// The key of a task with these key inputs.
    pub fn key(&self) -> Key {
        let inputs = self.inputs.iter().map(|input| BorrowedInput {
            role: &input.role,
            task: Cow::Borrowed(input.task.as_str()),
            labels: &input.labels,
            content: input.content,
            renamed: Cow::Borrowed(&input.renamed),
        });
        BorrowedKeyInputs {
            kind: &self.kind,
            parameters: &self.parameters,
            seed: self.seed,
            device: &self.device,
            fingerprint: &self.fingerprint,
        }
        .key(inputs)
    }
}

/// [`KeyInputs`] without the inputs, as they stand in a plan.
pub(crate) struct BorrowedKeyInputs<'a> {
    pub(crate) kind: &'a str,
    pub(crate) parameters: &'a Value,
    pub(crate) seed: Option<u64>,
    pub(crate) device: &'a str,
    pub(crate) fingerprint: &'a str,
}

/// An [`InputRecord`] as it stands in a plan.
pub(crate) struct BorrowedInput<'a> {
    pub(crate) role: &'a str,
    pub(crate) task: Cow<'a, str>,
    pub(crate) labels: &'a BTreeMap<String, Value>,
    pub(crate) content: Digest,
    pub(crate) renamed: Cow<'a, BTreeMap<String, String>>,
}

impl BorrowedKeyInputs<'_> {
    /// The key of a task with these key inputs and `inputs`.
    pub(crate) fn key<'a>(&self, inputs: impl ExactSizeIterator<Item = BorrowedInput<'a>>) -> Key {
        let mut encoding = Encoding(Vec::with_capacity(1024));
        encoding.text(self.kind);
        encoding.json(self.parameters);
        match self.seed {
            None => encoding.byte(0),
            Some(seed) => {
                encoding.byte(1);
                encoding.number(seed);
            }
        }
        encoding.text(self.device);
        encoding.text(self.fingerprint);
        encoding.number(inputs.len() as u64);
        let mut names = Encoding(Vec::new());
        for (position, input) in inputs.enumerate() {
            encoding.text(input.role);
            encoding.text(&input.task);
            encoding.object(input.labels.iter());
            encoding.text(&input.content.to_string());
            if !input.renamed.is_empty() {
                names.number(position as u64);
                names.names(&input.renamed);
            }
        }
        encoding.0.extend(names.0);
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&encoding.0);
        Key(hasher.finalize().into())
    }
}

struct Encoding(Vec<u8>);

impl Encoding {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(b'z'),
            Value::Bool(true) => self.byte(b't'),
            Value::Bool(false) => self.byte(b'f'),
            Value::Number(number) => {
                self.byte(b'n');
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.byte(b's');
                self.text(text);
            }
            Value::Array(items) => {
                self.byte(b'[');
                self.number(items.len() as u64);
                for item in items {
                    self.json(item);
                }
            }
            Value::Object(fields) => {
                // Sorted here: the order of serde_json's map depends on how it was compiled.
                let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
                self.object(sorted.into_iter());
            }
        }
    }

    fn names(&mut self, names: &BTreeMap<String, String>) {
        self.byte(b'{');
        self.number(names.len() as u64);
        for (first, present) in names {
            self.text(first);
            self.text(present);
        }
    }

    fn object<'a>(&mut self, fields: impl ExactSizeIterator<Item = (&'a String, &'a Value)>) {
        self.byte(b'{');
        self.number(fields.len() as u64);
        for (name, value) in fields {
            self.text(name);
            self.json(value);
        }
    }
}
