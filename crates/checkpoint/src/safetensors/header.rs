//! The header of JSON, in the order of the file.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};

use crate::limits;

/// All entries of a header.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) tensors: Vec<(String, Stored)>,
}

/// What a header says about a tensor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    /// First byte and the one after the last, counted from the end of the header.
    pub(super) data_offsets: [u64; 2],
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of tensors")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Header, M::Error> {
        let mut header = Header::default();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(M::Error::custom(format!(
                    "`{}` occurs twice",
                    crate::error::shown(&name)
                )));
            }
            if name == "__metadata__" {
                map.next_value::<BTreeMap<String, String>>()?;
                continue;
            }
            if header.tensors.len() == limits::TENSORS {
                return Err(M::Error::custom(format!(
                    "more than {} tensors",
                    limits::TENSORS
                )));
            }
            let stored = map.next_value()?;
            header.tensors.push((name, stored));
        }
        Ok(header)
    }
}
