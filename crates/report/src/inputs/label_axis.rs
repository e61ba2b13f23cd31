//! Labels as the rows and columns of a grid.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use eigenscope_artifact::{LabelValue, Labels};
use eigenscope_stage::TaskError;

use super::labels::{spoken, written};

/// The values of a label, each once: numbers by size, then all else in the order in which it comes.
#[derive(Debug)]
pub(crate) struct LabelAxis {
    name: String,
    values: Vec<LabelValue>,
}

impl LabelAxis {
    /// The values of the label `name`, which the parameter `parameter` of a figure names.
    ///
    /// # Errors
    /// Returns an error if one of `all` lacks the label.
    pub(crate) fn new(name: &str, parameter: &str, all: &[&Labels]) -> Result<Self, TaskError> {
        let mut values: Vec<LabelValue> = Vec::new();
        for labels in all {
            let Some(value) = labels.get(name) else {
                let known: BTreeSet<&str> = all
                    .iter()
                    .flat_map(|labels| labels.keys())
                    .map(String::as_str)
                    .collect();
                let known: Vec<&str> = known.into_iter().collect();
                let known = match known.is_empty() {
                    true => "no label".to_owned(),
                    false => known.join(", "),
                };
                return Err(format!(
                    "`{parameter} = \"{name}\"`, but not all that is read has a label `{name}`; there is {known}"
                )
                .into());
            };
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        values.sort_by(|a, b| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        Ok(Self {
            name: name.to_owned(),
            values,
        })
    }

    /// The position of the value of the label.
    pub(crate) fn position(&self, labels: &Labels) -> Option<usize> {
        let value = labels.get(&self.name)?;
        self.values.iter().position(|known| known == value)
    }

    /// The name of the label in words.
    pub(crate) fn title(&self) -> String {
        spoken(&self.name)
    }

    /// The values as texts.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |value: &LabelValue| match value.as_str() {
            // Of a choice with a number, such as "rotation_8".
            Some(_) => spoken(&written(value)),
            None => written(value),
        };
        self.values.iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels(value: serde_json::Value) -> Labels {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn numbers_are_sorted_and_texts_are_not() {
        let all = [0.4, 0.0, 0.4, 0.2].map(|noise| labels(json!({"noise_std": noise})));
        let all: Vec<&Labels> = all.iter().collect();
        let axis = LabelAxis::new("noise_std", "rows", &all).expect("all have it");
        assert_eq!(axis.names(), ["0.0", "0.2", "0.4"]);
        assert_eq!(
            (axis.title().as_str(), axis.position(all[3])),
            ("noise std", Some(1))
        );
        let texts = ["rotation_8", "a"].map(|text| labels(json!({"data": text})));
        let axis = LabelAxis::new("data", "rows", &texts.each_ref()).expect("all have it");
        assert_eq!(axis.names(), ["rotation 8", "a"]);
        let both = [json!("none"), json!(9), json!("all"), json!(4)];
        let both = both.map(|value| labels(json!({"rank": value})));
        let axis = LabelAxis::new("rank", "rows", &both.each_ref()).expect("all have it");
        assert_eq!(axis.names(), ["4", "9", "none", "all"]);
    }

    #[test]
    fn a_missing_label_is_named() {
        let all = [
            labels(json!({"seed": 1, "noise_std": 0.1})),
            labels(json!({"seed": 2})),
        ];
        let error = LabelAxis::new("noise_std", "rows", &all.each_ref()).expect_err("one lacks it");
        assert_eq!(
            error.to_string(),
            "`rows = \"noise_std\"`, but not all that is read has a label `noise_std`; there is noise_std, seed"
        );
    }
}
