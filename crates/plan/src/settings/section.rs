//! One section of the settings: its keys checked against their descriptions. They need not be given, unless `require` asks for one.

use std::slice::from_ref;

use eigenscope_stage::Parameter;
use serde_json::{Map, Value};

use crate::file::{Entry, Problems, Raw, default, fields, unknown_key, wrong_type};

/// The values that a section gives. Without meaning if a problem was reported.
#[derive(Debug, Default)]
pub(super) struct Section<'a> {
    entries: &'a [Entry],
    values: Map<String, Value>,
}

impl<'a> Section<'a> {
    /// Reads the table `entry`, which messages call `container`. The keys `others` are left to the caller.
    pub(super) fn read(
        entry: &'a Entry,
        container: &str,
        known: &[Parameter],
        others: &[&str],
        problems: &mut Problems,
    ) -> Self {
        let Raw::Table(entries) = &entry.node.raw else {
            if entry.node.raw != Raw::Broken {
                problems.add(|| {
                    wrong_type(&entry.key, "a table", &entry.node.found())
                        .at(&entry.node.span, "should be a table")
                        .help(format!("start the section with a line {container}"))
                });
            }
            return Self::default();
        };
        let mut values = Map::new();
        for entry in entries {
            match known.iter().find(|one| one.name == entry.key) {
                Some(parameter) => {
                    let (one, known) = (from_ref(entry), from_ref(parameter));
                    let value = fields(one, &entry.key_span, known, container, "", problems);
                    values.extend(value.unwrap_or_default());
                }
                None if others.contains(&entry.key.as_str()) => {}
                None => {
                    let names: Vec<&str> = known.iter().map(|one| one.name.as_str()).collect();
                    let names = [names.as_slice(), others].concat();
                    problems.add(|| unknown_key(entry, container, names));
                }
            }
        }
        Self { entries, values }
    }

    /// Reports a parameter without a default that the table `entry` does not give.
    pub(super) fn require(
        &self,
        entry: &Entry,
        container: &str,
        parameter: &Parameter,
        problems: &mut Problems,
    ) {
        if matches!(entry.node.raw, Raw::Table(_)) && self.entry(&parameter.name).is_none() {
            default(parameter, &entry.key_span, container, container, problems);
        }
    }

    /// The entry of a key, with its place.
    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that was found to be good.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        Some(self.value(key)?.as_str()?.to_owned())
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let items = self.value(key).and_then(Value::as_array);
        let texts = items.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    pub(super) fn whole(&self, key: &str) -> Option<u64> {
        self.value(key)?.as_u64()
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.value(key)?.as_f64()
    }
}
