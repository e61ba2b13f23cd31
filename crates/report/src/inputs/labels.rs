//! Names of inputs and groups in figures: their labels, and what tells several of them apart.

use std::collections::BTreeSet;

use eigenscope_artifact::Labels;
use eigenscope_stage::Input;
use eigenscope_stage::task_id::name_of;
use serde_json::Value;

/// A title followed by the network, the data and all labels of an input: "Eigenvectors (bilinear on mnist, hidden 300, seed 0)".
pub(crate) fn titled(title: &str, input: &Input) -> String {
    let labels = input.labels.iter();
    let labels = labels.map(|(name, value)| words(name, value));
    let parts: Vec<String> = subject(input).into_iter().chain(labels).collect();
    match parts.as_slice() {
        [] => title.to_owned(),
        parts => format!("{title} ({})", parts.join(", ")),
    }
}

/// A title followed by the network and the data of all inputs, if they are the same.
pub(crate) fn titled_by_all(title: &str, inputs: &[Input]) -> String {
    match inputs {
        [] => title.to_owned(),
        [input] => titled(title, input),
        [first, others @ ..] => match subject(first) {
            Some(name)
                if others
                    .iter()
                    .all(|input| subject(input).as_ref() == Some(&name)) =>
            {
                format!("{title} ({name})")
            }
            _ => title.to_owned(),
        },
    }
}

/// The network and the data of an input, or the embeddings that it was made from, as the pipeline names them now: "bilinear on mnist". `None` if
/// its file names none.
fn subject(input: &Input) -> Option<String> {
    let about = input.about().ok()?;
    match (about.network, about.data) {
        (Some(network), Some(data)) => Some(format!("{network} on {data}")),
        (network, data) => network.or(data).or_else(|| {
            let origins = input.origins("embeddings").ok()?;
            let [one] = origins.as_slice() else {
                return None;
            };
            Some(name_of(input.present_id(&one.task)).to_owned())
        }),
    }
}

/// The labels whose values differ among several inputs or groups of rows.
pub(crate) struct Differences<'a> {
    names: BTreeSet<&'a String>,
    all: Vec<&'a Labels>,
}

impl<'a> Differences<'a> {
    pub(crate) fn of(all: impl IntoIterator<Item = &'a Labels>) -> Self {
        let all: Vec<&Labels> = all.into_iter().collect();
        let mut names: BTreeSet<&String> = all.iter().flat_map(|labels| labels.keys()).collect();
        names.retain(|name| {
            all.windows(2)
                .any(|two| two[0].get(*name) != two[1].get(*name))
        });
        Self { names, all }
    }

    /// The names of the labels, such as "learning rate".
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.iter().map(|name| spoken(name)).collect()
    }

    /// The labels of each: "batch 32, learning rate 0.01".
    pub(crate) fn in_words(&self) -> Vec<String> {
        let own = |labels: &&Labels| {
            let own = labels.iter().filter(|(name, _)| self.names.contains(name));
            let words = own.map(|(name, value)| words(name, value));
            words.collect::<Vec<_>>().join(", ")
        };
        self.all.iter().map(own).collect()
    }

    /// A legend's title, such as "batch, learning rate", and an entry for each, such as "32, 0.01". `None` if nothing differs
    /// or some lack a label.
    pub(crate) fn legend(&self) -> Option<(String, Vec<String>)> {
        if self.names.is_empty() {
            return None;
        }
        let values = |labels: &&Labels| {
            let values = self.names.iter().map(|name| labels.get(*name).map(written));
            Some(values.collect::<Option<Vec<String>>>()?.join(", "))
        };
        let entries = self.all.iter().map(values).collect::<Option<_>>()?;
        Some((self.names().join(", "), entries))
    }
}

/// What tells each input from the others: the part of its table's name that differs, then the labels that differ. Empty if
/// nothing does.
pub(crate) fn distinct(inputs: &[&Input]) -> Vec<String> {
    let labels = Differences::of(inputs.iter().map(|input| &input.labels)).in_words();
    let parts = distinct_tables(inputs).into_iter().zip(labels);
    let names = parts.map(
        |(table, labels)| match (table.is_empty(), labels.is_empty()) {
            (false, false) => format!("{table}, {labels}"),
            _ => table + &labels,
        },
    );
    names.collect()
}

/// A legend of several inputs: its title and an entry for each.
///
/// If inputs differ in their labels only, the title names these labels, and the entries are their values. Otherwise the
/// title is "model", and the entries are the [`names`] of the inputs.
pub(crate) fn legend(inputs: &[Input]) -> (String, Vec<String>) {
    let references: Vec<&Input> = inputs.iter().collect();
    let of_one_table = distinct_tables(&references).iter().all(String::is_empty);
    match Differences::of(inputs.iter().map(|input| &input.labels)).legend() {
        Some(legend) if of_one_table => legend,
        _ => ("model".to_owned(), names(inputs)),
    }
}

/// Names of inputs: what [`distinct`] returns, or the tables with all labels if nothing differs.
pub(crate) fn names(inputs: &[Input]) -> Vec<String> {
    let distinct = distinct(&inputs.iter().collect::<Vec<_>>());
    let names = distinct.into_iter().zip(inputs);
    let names = names.map(|(name, input)| match name.is_empty() {
        true => {
            let labels = input.labels.iter();
            let labels = labels.map(|(name, value)| words(name, value));
            let table = std::iter::once(input.table().to_owned());
            table.chain(labels).collect::<Vec<_>>().join(", ")
        }
        false => name,
    });
    names.collect()
}

/// Names of tables without the words that all begin or end with: "rainbow-mlp" and "rainbow-cnn" are "mlp" and "cnn". Empty
/// if all are the same.
fn distinct_tables(inputs: &[&Input]) -> Vec<String> {
    let mut tables: Vec<Vec<&str>> = inputs
        .iter()
        .map(|input| input.table().split('-').collect())
        .collect();
    if tables.windows(2).all(|pair| pair[0] == pair[1]) {
        return vec![String::new(); tables.len()];
    }
    for _ in 0..2 {
        let shared = shared_start(&tables);
        for words in &mut tables {
            words.drain(..shared);
            words.reverse();
        }
    }
    tables.iter().map(|words| words.join("-")).collect()
}

/// Number of words that all tables begin with, such that each has one left.
fn shared_start(tables: &[Vec<&str>]) -> usize {
    let shortest = tables.iter().map(Vec::len).min().unwrap_or(0);
    let shared = |index: &usize| {
        tables
            .windows(2)
            .all(|pair| pair[0][*index] == pair[1][*index])
    };
    (0..shortest.saturating_sub(1)).take_while(shared).count()
}

/// A label with its value: "hidden 300".
fn words(name: &str, value: &Value) -> String {
    format!("{} {}", spoken(name), written(value))
}

/// A value; a text without quotes.
pub(crate) fn written(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

/// A text with a capital at its beginning, as sentences have.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A label in words: "learning rate".
pub(crate) fn spoken(label: &str) -> String {
    label.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eigenscope_artifact::Digest;
    use serde_json::json;

    use super::*;

    fn input(task: &str, labels: &[(&str, Value)]) -> Input {
        let labels = labels.iter().cloned();
        Input {
            task: task.to_owned(),
            labels: labels
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<BTreeMap<_, _>>(),
            path: "table.parquet".into(),
            content: Digest::of(&[]),
            renamed: BTreeMap::new(),
        }
    }

    fn called(inputs: &[Input]) -> Vec<String> {
        distinct(&inputs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn titles_end_with_the_labels() {
        let labels = [("batch_size", json!(64)), ("data", json!("mnist"))];
        let title = titled("Spectrum", &input("decompose.weights", &labels));
        assert_eq!(title, "Spectrum (batch size 64, data mnist)");
        assert_eq!(
            titled("Spectrum", &input("decompose.weights", &[])),
            "Spectrum"
        );
    }

    #[test]
    fn inputs_are_called_by_what_differs() {
        let tables = |names: &[&str]| -> Vec<String> {
            let inputs: Vec<Input> = names.iter().map(|name| input(name, &[])).collect();
            called(&inputs)
        };
        assert_eq!(
            tables(&["metric.rainbow-mlp", "metric.rainbow-cnn"]),
            ["mlp", "cnn"]
        );
        assert_eq!(tables(&["a.mlp-x-draws", "a.cnn-x-draws"]), ["mlp", "cnn"]);
        assert_eq!(
            tables(&["a.rainbow", "a.rainbow-cnn"]),
            ["rainbow", "rainbow-cnn"]
        );
        assert_eq!(tables(&["a.rainbow"]), [""]);
        assert!(tables(&[]).is_empty());
    }

    #[test]
    fn labels_that_all_share_tell_nothing() {
        let one = |seed: u32| {
            let task = format!("a.rainbow[epochs=5,seed={seed}]");
            input(&task, &[("epochs", json!(5)), ("seed", json!(seed))])
        };
        assert_eq!(called(&[one(0), one(1)]), ["seed 0", "seed 1"]);
        assert_eq!(called(&[one(0)]), [""]);
        let both = |rate: f64, seed: u32| Input {
            labels: [("rate_of", json!(rate)), ("seed", json!(seed))]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            ..one(seed)
        };
        let (title, entries) = legend(&[both(0.1, 0), both(0.2, 1)]);
        assert_eq!(
            (title.as_str(), entries),
            (
                "rate of, seed",
                vec!["0.1, 0".to_owned(), "0.2, 1".to_owned()]
            )
        );
        assert_eq!(
            legend(&[one(0), one(1)]),
            ("seed".to_owned(), vec!["0".to_owned(), "1".to_owned()])
        );
        assert_eq!(
            legend(&[one(0)]),
            (
                "model".to_owned(),
                vec!["rainbow, epochs 5, seed 0".to_owned()]
            )
        );
        let mixed = [input("a.mlp", &[]), input("a.cnn", &[("seed", json!(1))])];
        assert_eq!(called(&mixed), ["mlp", "cnn, seed 1"]);
        let called = vec!["mlp".to_owned(), "cnn, seed 1".to_owned()];
        assert_eq!(legend(&mixed), ("model".to_owned(), called));
    }
}
