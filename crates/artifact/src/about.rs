//! What all rows of a table are about, in its metadata.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{ArtifactError, summarise};

/// Metadata entry with what a table is about, as JSON.
const ABOUT: &str = "about";

/// The network, the data and their sizes that all rows of a table are about. What a table does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct About {
    /// Name of the network, such as `bilinear`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Name of the data, such as `mnist`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Number of classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<u64>,
    /// Number of values of an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<u64>,
}

impl About {
    /// What a table tells.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        match summarise(path)?.metadata.get(ABOUT) {
            None => Ok(Self::default()),
            Some(text) => serde_json::from_str(text).map_err(|error| {
                let reason = format!("metadata entry `{ABOUT}` cannot be read: {error}");
                ArtifactError::invalid(path, reason)
            }),
        }
    }

    /// What all of these tell alike.
    #[must_use]
    pub fn common(all: impl IntoIterator<Item = Self>) -> Self {
        let same = |one: Self, other: Self| Self {
            network: agreed(one.network, other.network),
            data: agreed(one.data, other.data),
            classes: agreed(one.classes, other.classes),
            values: agreed(one.values, other.values),
        };
        all.into_iter().reduce(same).unwrap_or_default()
    }

    /// Adds this to the metadata of a table.
    pub(crate) fn write(
        &self,
        path: &Path,
        metadata: &mut BTreeMap<String, String>,
    ) -> Result<(), ArtifactError> {
        if *self != Self::default() {
            let text = serde_json::to_string(self)
                .map_err(|error| ArtifactError::unwritable(path, error.to_string()))?;
            metadata.insert(ABOUT.to_owned(), text);
        }
        Ok(())
    }
}

fn agreed<T: PartialEq>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.filter(|value| other.as_ref() == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_all_tell_alike_is_common() {
        let about = |data: &str, classes: Option<u64>| About {
            network: Some("bilinear".to_owned()),
            data: Some(data.to_owned()),
            classes,
            values: None,
        };
        let one = about("mnist", Some(10));
        assert_eq!(About::common([one.clone(), one.clone()]), one);
        assert_eq!(
            About::common([one, about("digits", None)]),
            About {
                network: Some("bilinear".to_owned()),
                ..About::default()
            }
        );
        assert_eq!(About::common([]), About::default());
    }
}
