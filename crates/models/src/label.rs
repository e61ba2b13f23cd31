//! The stored name of a network with the sizes that were chosen.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Name and sizes of a network, for people and messages. Nothing is computed from it.
///
/// In JSON a name (`"convnet"`), or a table with the sizes in their order (`{"bilinear": {"hidden": 300, "bias": false}}`).
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkLabel {
    name: String,
    sizes: Fields<SizeValue>,
}

/// Value of a parameter of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SizeValue {
    /// Whether there is something.
    Flag(bool),
    Number(usize),
    /// A size for each of several layers.
    List(Vec<usize>),
}

impl NetworkLabel {
    pub(crate) fn new(name: &str, sizes: Vec<(&str, SizeValue)>) -> Self {
        let sizes = sizes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Self {
            name: name.to_owned(),
            sizes: Fields(sizes.collect()),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Serialize for NetworkLabel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.sizes.0.as_slice() {
            [] => self.name.serialize(serializer),
            _ => serializer.collect_map([(&self.name, &self.sizes)]),
        }
    }
}

impl<'de> Deserialize<'de> for NetworkLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected the name of a network, or its name with its sizes"
        )]
        enum Stored {
            Name(String),
            Sized(Fields<Fields<SizeValue>>),
        }
        match Stored::deserialize(deserializer)? {
            Stored::Name(name) => Ok(Self {
                name,
                sizes: Fields(Vec::new()),
            }),
            Stored::Sized(Fields(networks)) => match <[_; 1]>::try_from(networks) {
                Ok([(name, sizes)]) => Ok(Self { name, sizes }),
                Err(networks) => Err(serde::de::Error::invalid_length(
                    networks.len(),
                    &"one network",
                )),
            },
        }
    }
}

/// The fields of a JSON object in their order.
#[derive(Debug, Clone, PartialEq)]
struct Fields<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for Fields<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(Vec<(String, T)>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Fields<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Fields<T>, A::Error> {
                while let Some(field) = map.next_entry()? {
                    self.0.push(field);
                }
                Ok(Fields(self.0))
            }
        }

        deserializer.deserialize_map(InOrder(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks;

    #[test]
    fn labels_keep_their_bytes() {
        for (network, text) in [
            (networks::convnet(), r#""convnet""#),
            (
                networks::bilinear(300, false),
                r#"{"bilinear":{"hidden":300,"bias":false}}"#,
            ),
            (
                networks::bilinear_blocks(300, true, 1, true),
                r#"{"bilinear":{"hidden":300,"residual":true,"bias":true}}"#,
            ),
            (
                networks::bilinear_blocks(300, false, 3, false),
                r#"{"bilinear":{"hidden":300,"blocks":3,"bias":false}}"#,
            ),
            (networks::mlp(vec![4, 2]), r#"{"mlp":{"widths":[4,2]}}"#),
            (networks::cnn(vec![]), r#"{"cnn":{"channels":[]}}"#),
            (
                networks::embedding_net(3),
                r#"{"embedding-net":{"embedding":3}}"#,
            ),
        ] {
            let label = NetworkLabel::new(network.name(), network.sizes());
            assert_eq!(serde_json::to_string(&label).expect("serialises"), text);
            assert_eq!(
                serde_json::from_str::<NetworkLabel>(text).expect("reads back"),
                label
            );
        }
        for text in [
            r#"{"mlp":{},"cnn":{}}"#,
            r#"{"mlp":{"widths":"many"}}"#,
            "7",
        ] {
            assert!(
                serde_json::from_str::<NetworkLabel>(text).is_err(),
                "{text}"
            );
        }
    }
}
