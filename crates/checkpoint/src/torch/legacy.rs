//! The files of PyTorch before 1.6: pickles of a magic number, a version, the machine, the object and the keys of its storages, then
//! the storages in that order, each with its number of values before it.

use std::collections::HashMap;

use super::contents;
use super::rebuild::{StorageRef, storage_of};
use crate::CheckpointError;
use crate::checkpoint::Contents;
use crate::error::shown;
use crate::layout::Data;
use crate::pickle::{self, Node, Pickle, PickleBytes, Value};
use crate::source::Source;

/// What such files begin with, but for the version of the pickle protocol: 0x1950a86a20f9469cfc6c.
const MAGIC: [u8; 12] = [
    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
];
const VERSION: i64 = 1001;

/// Whether a file that begins with `head` is such a file.
pub(crate) fn is_legacy(head: &[u8]) -> bool {
    head.first() == Some(&0x80)
        && head
            .windows(MAGIC.len())
            .take(16)
            .any(|bytes| bytes == MAGIC)
}

/// Reads the file in `source`.
///
/// # Errors
/// Damage, no state dictionary or several of them.
pub(crate) fn open_legacy(source: &Source, key: Option<&str>) -> Result<Contents, CheckpointError> {
    let input = source.reader(0..source.len());
    let mut bytes = PickleBytes::new(source, "pickle", Box::new(input), source.len());
    pickle::read(&mut bytes)?;
    let version = pickle::read(&mut bytes)?.root;
    if version != Value::Int(VERSION) {
        return Err(bytes.unsupported("a version of the format that is not known"));
    }
    let machine = pickle::read(&mut bytes)?;
    let big_endian = is_big_endian(&machine);
    let pickle = pickle::read(&mut bytes)?;
    let keys = pickle::read(&mut bytes)?;
    let storages = storages(source, &pickle, &keys, bytes.position(), big_endian)?;
    let storage = |key: &str| {
        storages.get(key).cloned().ok_or_else(|| {
            let place = format!("storage `{}`", shown(key));
            source.damaged(
                place,
                "a tensor's values should be there, the file lists no such storage",
            )
        })
    };
    contents(source, &pickle, key, &storage, big_endian)
}

fn is_big_endian(machine: &Pickle) -> bool {
    let Some(Node::Dict(items)) = machine.node(machine.root) else {
        return false;
    };
    items.iter().any(|(key, value)| {
        machine.text(*key) == Some("little_endian") && *value == Value::Bool(false)
    })
}

/// Where the storages are, by key; the first begins at `position`.
fn storages(
    source: &Source,
    pickle: &Pickle,
    keys: &Pickle,
    mut position: u64,
    big_endian: bool,
) -> Result<HashMap<String, Data>, CheckpointError> {
    let mut bits: HashMap<&str, u64> = HashMap::new();
    for node in &pickle.nodes {
        if let Node::Persistent(identity) = node
            && let Ok(StorageRef { key, dtype, .. }) = storage_of(pickle, *identity)
        {
            bits.insert(key, dtype.map_or(8, |dtype| dtype.bits()));
        }
    }
    let list = keys.sequence(keys.root);
    let list = list.ok_or_else(|| source.damaged("keys of the storages", "no list"))?;
    let mut storages = HashMap::new();
    for key in list {
        let key = keys.text(*key);
        let key = key.ok_or_else(|| source.damaged("keys of the storages", "a key is no text"))?;
        let place = || format!("storage `{}`", shown(key));
        let bits = bits.get(key);
        let bits = *bits.ok_or_else(|| source.damaged(place(), "no tensor says its type"))?;
        let mut count = [0; 8];
        source.read_at(position, &mut count)?;
        let count = match big_endian {
            true => u64::from_be_bytes(count),
            false => u64::from_le_bytes(count),
        };
        let start = position + 8;
        let len = count.checked_mul(bits / 8);
        let end = len.and_then(|len| start.checked_add(len));
        let (Some(len), Some(end)) = (len, end.filter(|&end| end <= source.len())) else {
            let reason = format!("its {count} values go beyond the file's end: it is cut");
            return Err(source.damaged(place(), reason));
        };
        let data = Data::Range {
            source: 0,
            start,
            len,
        };
        if storages.insert(key.to_owned(), data).is_some() {
            return Err(source.damaged(place(), "listed twice"));
        }
        position = end;
    }
    Ok(storages)
}
