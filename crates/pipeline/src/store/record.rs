//! `task.json`: what a result was made from and what it consists of.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use eigenscope_artifact::atomic::write_file;
use eigenscope_artifact::{Digest, FileDigest, KindName, regular};
use eigenscope_stage::ExternalFile;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{KeyInputs, StoreError};
use crate::machine::Machine;
use crate::plain::make_plain;
use crate::version::Versioned;

/// Version of `task.json`; a record of another version is not read.
pub const RECORD_VERSION: u32 = 1;

/// Name of the record in a result's folder.
pub(crate) const RECORD_NAME: &str = "task.json";

/// The record of one result. It holds no time, host or place: equal results have equal records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub version: u32,
    /// Id of the task that made the result (another pipeline may use it under another id).
    pub task: String,
    /// The id under which that task was first computed, if its table has been renamed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formerly: Option<String>,
    /// What it was made from.
    #[serde(rename = "ingredients")]
    pub key_inputs: KeyInputs,
    /// Fingerprints of the code that computed the result, and of code that it was accepted for since, oldest first. None: it
    /// was computed by the code of the key inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_from: Vec<String>,
    /// The kind of machine that computed the result, if it was taken from elsewhere and that is another kind than the one
    /// it was taken to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_on: Option<Machine>,
    pub outputs: Outputs,
    /// Files outside the store that were read, in the order of their paths.
    pub external_files: Vec<ExternalFile>,
    /// Places outside the store where a file would have been read, had there been one, in the order of their paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent_files: Vec<String>,
    /// What the task warned about.
    pub warnings: Vec<String>,
}

/// The outputs of a result.
pub type Outputs = BTreeMap<KindName, OutputRecord>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRecord {
    /// Size and digest of the file.
    pub file: FileDigest,
    /// Digest of the content, which later tasks depend on. For a figure, the digest of the file.
    pub content: Digest,
}

/// A record as it stands in its file: with a digest of the rest, so that damage which leaves it readable is found, too.
#[derive(Serialize)]
struct Sealed<'a> {
    #[serde(flatten)]
    record: &'a Record,
    checksum: Digest,
}

/// Why a record of somebody else cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordFlaw {
    /// It is of another version, and most likely as it should be.
    #[error("cannot be read: {0}; both sides need one version of eigenscope")]
    Version(String),
    #[error("is damaged, not the JSON that eigenscope writes: {0}")]
    Damage(String),
}

/// Name of the field behind the record's own. A record without it was written before there were checksums.
const CHECKSUM: &str = "checksum";

impl Record {
    /// Reads the record in `folder`; `None` if there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, String> {
        let bytes = match regular::read(&folder.join(RECORD_NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        Self::parse(&bytes).map(Some)
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let broken = |error: serde_json::Error| error.to_string();
        let mut fields: serde_json::Map<String, Value> =
            serde_json::from_slice(text).map_err(broken)?;
        // The version comes first: a record of another version may have other fields.
        let versioned: Versioned = serde_json::from_slice(text).map_err(broken)?;
        versioned.expect(RECORD_VERSION)?;
        let checksum = fields.remove(CHECKSUM);
        // Others may have written it, and what it says is printed. Parameters and labels are part of the key as they are, and printed as JSON.
        let mut fields = Value::Object(fields);
        make_plain(&mut fields, &["parameters", "labels"]);
        let record = Self::deserialize(fields).map_err(broken)?;
        if let Some(checksum) = checksum {
            let written = Digest::deserialize(checksum).map_err(broken)?;
            // The text counts as it stands: earlier versions wrote the outputs in another order.
            if Digest::of(&without_checksum(text)) != written {
                return Err(
                    "its checksum is that of another record: it is damaged or has been edited"
                        .to_owned(),
                );
            }
        }
        Ok(record)
    }

    /// Reads a record that somebody else may have written.
    pub(crate) fn parse_shared(text: &[u8]) -> Result<Self, RecordFlaw> {
        Self::parse(text).map_err(|reason| {
            let versioned: Result<Versioned, _> = serde_json::from_slice(text);
            let is_other =
                versioned.is_ok_and(|versioned| versioned.expect(RECORD_VERSION).is_err());
            match is_other {
                true => RecordFlaw::Version(reason),
                false => RecordFlaw::Damage(reason),
            }
        })
    }

    fn checksum(&self) -> Result<Digest, serde_json::Error> {
        serde_json::to_vec(self).map(|text| Digest::of(&text))
    }

    fn to_text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let checksum = self.checksum()?;
        let record = self;
        let mut text = serde_json::to_vec_pretty(&Sealed { record, checksum })?;
        text.push(b'\n');
        Ok(text)
    }

    /// Writes the record into `folder` in one step.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(RECORD_NAME);
        let text = self
            .to_text()
            .map_err(|error| StoreError::io("write", &path, error.into()))?;
        Ok(write_file(&path, &text)?)
    }
}

/// The text of a record on one line, without the checksum at its end: what the checksum is the digest of.
fn without_checksum(text: &[u8]) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let mut line: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = in_string,
                b'"' => in_string = !in_string,
                _ => {}
            }
            in_string || !byte.is_ascii_whitespace()
        })
        .collect();
    let field = format!(",\"{CHECKSUM}\":\"");
    let start = line
        .windows(field.len())
        .rposition(|window| window == field.as_bytes());
    if let Some(start) = start {
        line.truncate(start);
        line.push(b'}');
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::InputRecord;
    use eigenscope_artifact::TENSORS;
    use eigenscope_artifact::tables::training::HistoryRow;

    fn record() -> Record {
        let digest = Digest::of(b"something");
        let output = OutputRecord {
            file: FileDigest {
                bytes: 1234,
                blake3: digest,
            },
            content: digest,
        };
        Record {
            version: RECORD_VERSION,
            task: "train.m[hidden=1]".to_owned(),
            key_inputs: KeyInputs {
                kind: "train/fit".to_owned(),
                parameters: json!({"rate": 0.1, "steps": [1, -2.5e-300, "é\n"], "whole": 1.0, "large": u64::MAX}),
                seed: Some(7),
                device: "cpu".to_owned(),
                fingerprint: "code".to_owned(),
                inputs: vec![InputRecord {
                    role: "data".to_owned(),
                    task: "data.a".to_owned(),
                    labels: BTreeMap::from([("seed".to_owned(), json!(0))]),
                    content: digest,
                    renamed: BTreeMap::new(),
                }],
            },
            formerly: Some("train.first[hidden=1]".to_owned()),
            accepted_from: vec!["older code".to_owned()],
            computed_on: Some(Machine::this()),
            outputs: BTreeMap::from([(HistoryRow::KIND.into(), output)]),
            external_files: vec![ExternalFile {
                path: "file".to_owned(),
                bytes: 9,
                blake3: digest,
                instead: vec!["other".to_owned()],
            }],
            absent_files: vec!["better".to_owned()],
            warnings: vec!["a warning".to_owned()],
        }
    }

    #[test]
    fn a_record_is_read_as_written() {
        let text = record().to_text().expect("written");
        assert_eq!(Record::parse(&text), Ok(record()));
        assert!(text.starts_with(b"{\n  \"version\": 1,\n"));
    }

    #[test]
    fn a_record_from_before_there_were_checksums_is_read() {
        let text = serde_json::to_vec_pretty(&record()).expect("written");
        assert_eq!(Record::parse(&text), Ok(record()));
    }

    #[test]
    fn a_record_with_outputs_in_another_order_is_read() {
        let mut record = record();
        let output = record.outputs.values().next().copied().expect("one");
        record.outputs.insert(TENSORS.into(), output);
        let value = serde_json::to_string(&output).expect("written");
        let [history, tensors] = ["history", "tensors"].map(|name| format!("\"{name}\":{value}"));
        let line = serde_json::to_string(&record).expect("written");
        let sorted = format!("{history},{tensors}");
        assert!(line.contains(&sorted), "{line}");
        let other = line.replace(&sorted, &format!("{tensors},{history}"));
        let checksum = Digest::of(other.as_bytes());
        let checksum = serde_json::to_string(&checksum).expect("written");
        let open = other.strip_suffix('}').expect("an object");
        let sealed = format!("{open},\"checksum\":{checksum}}}");
        assert_eq!(Record::parse(sealed.as_bytes()), Ok(record));
    }

    #[test]
    fn no_changed_bit_changes_what_is_read() {
        let text = record().to_text().expect("written");
        for bit in 0..text.len() * 8 {
            let mut damaged = text.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = Record::parse(&damaged) {
                assert_eq!(read, record(), "bit {bit}");
            }
        }
        for length in 0..text.len() - 1 {
            assert!(Record::parse(&text[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn what_a_record_says_moves_no_cursor() {
        let mut written = record();
        written.warnings = vec!["a\u{1b}[2Jb\nc".to_owned()];
        written.external_files[0].path.push('\u{7}');
        let read = Record::parse(&written.to_text().expect("written")).expect("read");
        assert_eq!(read.warnings, ["a\\u{1b}[2Jb c"]);
        assert_eq!(read.external_files[0].path, "file\\u{7}");
        assert_eq!(read.key_inputs, written.key_inputs);
        let text = b"{\"version\": 1, \"a\\u001b[2J\": 1}";
        let error = Record::parse(text).expect_err("refused");
        assert!(!error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn another_version_is_named() {
        let error = Record::parse(b"{\"version\": 99, \"new\": 1}").expect_err("refused");
        assert_eq!(error, "it has version 99, this program reads version 1");
        let flaw = |text| Record::parse_shared(text).expect_err("refused");
        assert_eq!(
            flaw(b"{\"version\": 99, \"new\": 1}"),
            RecordFlaw::Version(error)
        );
        assert!(matches!(
            flaw(b"{\"version\": 1, \"new\": 1}"),
            RecordFlaw::Damage(_)
        ));
        assert!(matches!(flaw(b""), RecordFlaw::Damage(_)));
    }
}
