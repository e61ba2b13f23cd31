//! Names of objects. They are made of digests and of our own names only, so that nothing in a name needs escaping.

use eigenscope_artifact::{Digest, FileDigest, KindName};

use crate::store::{Key, RECORD_NAME};

/// What all names begin with.
pub(super) const ROOT: &str = "v1";

pub(super) fn record(key: Key, machine: &str) -> String {
    format!("v1/{key}/{machine}/{RECORD_NAME}")
}

pub(super) fn folder(key: Key) -> String {
    format!("v1/{key}")
}

pub(super) fn output(key: Key, kind: &KindName, file: FileDigest) -> String {
    format!("v1/{key}/{}.{}", file.blake3, kind.file_name())
}

pub(super) fn machine(machine: &str) -> String {
    format!("v1/machines/{machine}.json")
}

/// The last pushed result of a task of a pipeline.
pub(super) fn last(pipeline: &str, task: &str) -> String {
    let digest = Digest::of(format!("{pipeline}\0{task}").as_bytes());
    format!("v1/tasks/{digest}/{RECORD_NAME}")
}

/// Returns whether an entry in the folder of a key with this name belongs to a kind of machine.
pub(super) fn is_machine(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
