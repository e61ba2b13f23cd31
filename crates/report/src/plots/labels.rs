//! How figures call the inputs that they are drawn from: by their labels, and by what tells several of them apart.

use std::collections::BTreeSet;

use eigenscope_artifact::Labels;
use eigenscope_stage::Input;
use serde_json::Value;

/// A title with all labels of an input behind it: "Eigenvectors (hidden 300, seed 0)".
pub(super) fn titled(title: &str, input: &Input) -> String {
    let labels = input.labels.iter();
    let labels: Vec<String> = labels.map(|(name, value)| words(name, value)).collect();
    match labels.as_slice() {
        [] => title.to_owned(),
        labels => format!("{title} ({})", labels.join(", ")),
    }
}

/// For each input what tells it from the others: the part of its table's name that differs, then the labels that do.
/// Empty where nothing does.
pub(super) fn distinct(inputs: &[&Input]) -> Vec<String> {
    let tables = distinct_tables(inputs);
    let differing = differing_labels(&label_maps(inputs));
    let text = |(table, input): (String, &&Input)| {
        let labels = input
            .labels
            .iter()
            .filter(|(name, _)| differing.contains(name));
        let labels = labels.map(|(name, value)| words(name, value));
        let table = Some(table).filter(|table| !table.is_empty());
        table.into_iter().chain(labels).collect::<Vec<_>>()
    };
    let parts = tables.into_iter().zip(inputs).map(text);
    parts.map(|parts| parts.join(", ")).collect()
}

/// What several inputs differ in, for a legend: its title, and an entry for each input.
///
/// Of inputs that differ in their labels alone, the title names these labels and the entries are their values. Others are
/// models, called as [`distinct`] does, or by their tasks where nothing differs.
pub(super) fn legend(inputs: &[Input]) -> (String, Vec<String>) {
    let references: Vec<&Input> = inputs.iter().collect();
    let of_one_table = distinct_tables(&references).iter().all(String::is_empty);
    match headed(&label_maps(&references)) {
        Some(headed) if of_one_table => headed,
        _ => {
            let entries = distinct(&references).into_iter().zip(inputs);
            let entries = entries.map(|(entry, input)| match entry.as_str() {
                "" => input.task.clone(),
                _ => entry,
            });
            ("model".to_owned(), entries.collect())
        }
    }
}

/// A legend of what differs in labels alone: the names of these labels, and for each of `all` their values. `None` where
/// nothing differs or some lack a label.
pub(super) fn headed(all: &[&Labels]) -> Option<(String, Vec<String>)> {
    let differing = differing_labels(all);
    if differing.is_empty() {
        return None;
    }
    let values = |labels: &&Labels| -> Option<String> {
        let values = differing.iter().map(|name| labels.get(*name));
        let values: Option<Vec<String>> = values.map(|found| found.map(written)).collect();
        Some(values?.join(", "))
    };
    let entries: Option<Vec<String>> = all.iter().map(values).collect();
    let names: Vec<String> = differing.iter().map(|name| spoken(name)).collect();
    Some((names.join(", "), entries?))
}

/// Names of the labels that not all inputs have with the same value, as they are spoken.
pub(super) fn differing(inputs: &[&Input]) -> Vec<String> {
    let names = differing_labels(&label_maps(inputs));
    names.into_iter().map(|name| spoken(name)).collect()
}

fn label_maps<'a>(inputs: &[&'a Input]) -> Vec<&'a Labels> {
    inputs.iter().map(|input| &input.labels).collect()
}

/// Labels that not all have with the same value.
fn differing_labels<'a>(all: &[&'a Labels]) -> BTreeSet<&'a String> {
    let names: BTreeSet<&String> = all.iter().flat_map(|labels| labels.keys()).collect();
    let differs = |name: &&String| {
        let first = all.first().and_then(|labels| labels.get(*name));
        all.iter().any(|labels| labels.get(*name) != first)
    };
    names.into_iter().filter(differs).collect()
}

/// Tables without the words that all begin or end with: "rainbow-mlp" and "rainbow-cnn" are "mlp" and "cnn".
fn distinct_tables(inputs: &[&Input]) -> Vec<String> {
    let mut tables: Vec<Vec<&str>> = inputs
        .iter()
        .map(|input| table(input).split('-').collect())
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

/// How many words all tables begin with, such that each has one left.
fn shared_start(tables: &[Vec<&str>]) -> usize {
    let shortest = tables.iter().map(Vec::len).min().unwrap_or(0);
    let shared = |index: &usize| {
        tables
            .windows(2)
            .all(|pair| pair[0][*index] == pair[1][*index])
    };
    (0..shortest.saturating_sub(1)).take_while(shared).count()
}

/// Name of the table of an input's task, without its section and the labels.
fn table(input: &Input) -> &str {
    let id = input.task.as_str();
    let id = id.split_once('[').map_or(id, |(table, _)| table);
    id.split_once('.').map_or(id, |(_, name)| name)
}

/// "hidden 300".
pub(super) fn words(name: &str, value: &Value) -> String {
    format!("{} {}", spoken(name), written(value))
}

/// A value; a text stands without its quotes.
fn written(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

fn spoken(label: &str) -> String {
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
                vec!["a.rainbow[epochs=5,seed=0]".to_owned()]
            )
        );
        let mixed = [input("a.mlp", &[]), input("a.cnn", &[("seed", json!(1))])];
        assert_eq!(called(&mixed), ["mlp", "cnn, seed 1"]);
        let called = vec!["mlp".to_owned(), "cnn, seed 1".to_owned()];
        assert_eq!(legend(&mixed), ("model".to_owned(), called));
    }
}
