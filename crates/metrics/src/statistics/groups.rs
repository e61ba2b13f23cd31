//! Which models are averaged: those that differ in one label, by default `seed`.
//!
//! All other labels, such as a learning rate, tell groups apart. Every summary groups its inputs here.

use std::cmp::Ordering;
use std::collections::HashMap;

use eigenscope_artifact::{LabelValue, Labelled, Labels};
use eigenscope_stage::task_id::table_of;
use eigenscope_stage::{Input, LabelOf, Parameter, ParameterType};
use serde::Deserialize;

use crate::error::MetricError;

/// The parameters of a summary without further ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Over {
    pub(crate) over: String,
}

/// The parameter `over` of a summary of what it reads in a role. `own` are labels that its table has columns for.
pub(crate) fn over_parameter(role: &str, own: &[&str]) -> Parameter {
    Parameter::optional(
        "over",
        ParameterType::Text,
        "seed",
        "label to average over; all other labels are groups with rows of their own",
    )
    .label(LabelOf::averaged(role).or(&["seed"]).but(own))
}

/// Inputs that agree in all labels but the one averaged over and the table's own.
#[derive(Debug)]
pub(crate) struct Group<'a, T> {
    /// The labels in which they agree.
    pub(crate) labels: Labels,
    /// Each input with what was read from it, in pipeline order.
    pub(crate) members: Vec<(&'a Input, T)>,
}

impl<'a, T> Group<'a, T> {
    /// Groups inputs, in the order in which the groups first come.
    ///
    /// `own` are labels that the table has columns for, whose values are measured rather than read from labels: the
    /// hidden size, the number of images.
    ///
    /// # Errors
    /// Returns an error if no input has the label `over`, unless it is `seed`, or if `over` is one of `own`.
    pub(crate) fn all(
        members: impl IntoIterator<Item = (&'a Input, T)>,
        over: &str,
        own: &[&str],
    ) -> Result<Vec<Self>, MetricError> {
        let mut groups: Vec<Self> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut known = Labels::new();
        for (input, value) in members {
            known.extend(input.labels.clone());
            let mut labels = input.labels.clone();
            labels.retain(|name, _| name != over && !own.contains(&name.as_str()));
            let place = *places.entry(words(&labels)).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.members.push((input, value)),
                None => groups.push(Self {
                    labels,
                    members: vec![(input, value)],
                }),
            }
        }
        let unknown = over != "seed" && !known.contains_key(over);
        if unknown || own.contains(&over) {
            let known = known.into_keys();
            let known: Vec<String> = known.filter(|name| !own.contains(&name.as_str())).collect();
            return Err(MetricError::Unknown(format!(
                "no input has a label `{over}` to average over; labels: {}",
                match known.as_slice() {
                    [] => "none".to_owned(),
                    known => known.join(", "),
                }
            )));
        }
        Ok(groups)
    }

    /// Refuses members that would be averaged (those of equal `key`) although they do not differ in the label `over`, or
    /// stem from different tables of the pipeline file, which may set anything else differently.
    ///
    /// # Errors
    /// Returns an error if there are two such members.
    pub(crate) fn check<K: PartialEq>(
        &self,
        over: &str,
        key: impl Fn(&T) -> K,
    ) -> Result<(), MetricError> {
        for (position, (first, one)) in self.members.iter().enumerate() {
            for (second, other) in &self.members[position + 1..] {
                let differs = order(first.labels.get(over), second.labels.get(over)).is_ne();
                if key(one) == key(other) && !(differs && table(first) == table(second)) {
                    return Err(MetricError::Mismatch(format!(
                        "{} and {} cannot be averaged: they are not two values of `{over}` in one sweep. Sweep over \
                         `{over}` in one table of the pipeline file, or summarise them apart",
                        first.task, second.task
                    )));
                }
            }
        }
        Ok(())
    }

    /// Rows of this group's averages.
    pub(crate) fn label<R>(&self, rows: Vec<R>) -> impl Iterator<Item = Labelled<R>> {
        let labels = self.labels.clone();
        rows.into_iter().map(move |row| Labelled {
            labels: labels.clone(),
            row,
        })
    }
}

/// Labels in words, such as "learning_rate = 0.1, batch = 32"; empty without labels.
pub(crate) fn words(labels: &Labels) -> String {
    let words = labels
        .iter()
        .map(|(name, value)| format!("{name} = {value}"));
    words.collect::<Vec<_>>().join(", ")
}

/// The rank of each value of a label among all different values, in ascending order from 0.
pub(crate) fn label_ranks(values: &[Option<&LabelValue>]) -> Vec<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| order(*one, *other));
    sorted.dedup_by(|one, other| order(*one, *other).is_eq());
    let place = |value: &Option<&LabelValue>| {
        sorted.partition_point(|other| order(*other, *value).is_lt()) as u64
    };
    values.iter().map(place).collect()
}

/// Missing values first, then numbers by size, then all else by its text.
fn order(one: Option<&LabelValue>, other: Option<&LabelValue>) -> Ordering {
    let number = |value: Option<&LabelValue>| value.and_then(LabelValue::as_f64);
    let text = |value: Option<&LabelValue>| value.map(LabelValue::to_string);
    match (number(one), number(other)) {
        (Some(a), Some(b)) => a
            .total_cmp(&b)
            // Whole numbers beyond 2^53 are equal as floats.
            .then_with(|| {
                one.and_then(LabelValue::as_u64)
                    .cmp(&other.and_then(LabelValue::as_u64))
            }),
        (Some(_), None) if other.is_some() => Ordering::Less,
        (None, Some(_)) if one.is_some() => Ordering::Greater,
        _ => text(one).cmp(&text(other)),
    }
}

/// The table of the pipeline file that an input's task belongs to.
fn table(input: &Input) -> &str {
    table_of(&input.task)
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::Digest;
    use serde_json::{Value, json};

    use super::*;

    fn input(table: &str, labels: Value) -> Input {
        Input {
            task: format!("{table}[...]"),
            labels: serde_json::from_value(labels).expect("an object"),
            path: "table.parquet".into(),
            content: Digest::of(&[]),
            renamed: std::collections::BTreeMap::new(),
        }
    }

    fn sweep() -> Vec<Input> {
        let mut inputs = Vec::new();
        for rate in [0.1, 0.2] {
            for seed in [0, 1] {
                let labels = json!({"hidden": 8, "rate": rate, "seed": seed});
                inputs.push(input("train.m", labels));
            }
        }
        inputs
    }

    fn groups<'a>(
        inputs: &'a [Input],
        over: &str,
        own: &[&str],
    ) -> Result<Vec<Group<'a, u32>>, MetricError> {
        Group::all(inputs.iter().map(|input| (input, 8)), over, own)
    }

    #[test]
    fn only_one_label_is_averaged_over() {
        let inputs = sweep();
        let found = |over, own: &[&str]| -> Vec<(Value, usize)> {
            let groups = groups(&inputs, over, own)
                .expect("known labels")
                .into_iter();
            groups
                .map(|group| (json!(group.labels), group.members.len()))
                .collect()
        };
        assert_eq!(
            found("seed", &["hidden"]),
            [(json!({"rate": 0.1}), 2), (json!({"rate": 0.2}), 2)]
        );
        assert_eq!(
            found("rate", &["hidden"]),
            [(json!({"seed": 0}), 2), (json!({"seed": 1}), 2)]
        );
        assert_eq!(found("seed", &[]).len(), 2);
        assert_eq!(found("seed", &[])[0].0, json!({"hidden": 8, "rate": 0.1}));
    }

    #[test]
    fn labels_that_cannot_be_averaged_over_are_refused() {
        let inputs = sweep();
        for over in ["sead", "hidden"] {
            let error = groups(&inputs, over, &["hidden"]).expect_err("no such label");
            let text = error.to_string();
            assert!(text.contains(over) && text.contains("rate, seed"), "{text}");
        }
        // Models without a sweep need no seed.
        let one = [input("train.m", json!({}))];
        assert_eq!(groups(&one, "seed", &[]).expect("one group").len(), 1);
    }

    #[test]
    fn models_that_nothing_tells_apart_are_not_averaged() {
        let refused = |inputs: &[Input], other: u32| {
            let values = inputs.iter().zip([8, other]);
            let groups = Group::all(values, "seed", &["hidden"]).expect("groups");
            groups
                .iter()
                .any(|group| group.check("seed", |key| *key).is_err())
        };
        let seed = |table, seed: u32| input(table, json!({"seed": seed}));
        assert!(!refused(&[seed("train.m", 0), seed("train.m", 1)], 8));
        assert!(refused(&[seed("train.m", 0), seed("train.n", 1)], 8));
        assert!(refused(&[seed("train.m", 0), seed("train.n", 0)], 8));
        assert!(!refused(&[seed("train.m", 0), seed("train.n", 0)], 16));
        let without = input("train.m", json!({}));
        assert!(refused(&[without.clone(), without], 8));
    }

    #[test]
    fn values_are_ordered_by_size() {
        let values = [json!(10), json!(9), json!("a"), json!(0.5), json!(10)];
        let mut values: Vec<Option<&Value>> = values.iter().map(Some).collect();
        values.push(None);
        assert_eq!(label_ranks(&values), [3, 2, 4, 1, 3, 0]);
        let large = [json!((1_u64 << 53) + 1), json!(1_u64 << 53)];
        assert_eq!(
            label_ranks(&large.iter().map(Some).collect::<Vec<_>>()),
            [1, 0]
        );
    }
}
