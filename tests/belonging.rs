//! Inputs that do not belong together are refused when the pipeline file is read, whatever the task kind.
//!
//! The pipeline of the digits uses every kind. A copy of it with models of its own gives every input a counterpart of
//! another origin, and one with its classes in another order gives every data set one. Each input is exchanged for
//! its counterpart in turn. A new kind with several inputs has to be in the pipeline and to state what they share.

use std::collections::BTreeSet;
use std::path::Path;

use eigenscope_plan::parse;
use eigenscope_plan::programs::Programs;
use eigenscope_stage::Stage;
use eigenscope_testing::workspace;
use toml::Value;

/// Inputs that may come from models of different origin: the kind compares two networks.
const DIFFERENT_NETWORKS: [(&str, &str); 2] = [
    ("decompose/alignment", "reference"),
    ("decompose/alignment", "other"),
];

/// A table of the pipeline file.
#[derive(Clone)]
struct Table {
    section: String,
    name: String,
    kind: String,
    keys: toml::Table,
}

impl Table {
    /// The table as it stands in a file, under a name with a prefix. The prefix also goes before the names of all `copied`
    /// tables that it refers to.
    fn copy(&self, prefix: &str, copied: &[&Table]) -> String {
        let Self {
            section,
            name,
            kind,
            keys,
        } = self;
        let mut text = format!("[{section}.{prefix}{name}]\nkind = \"{kind}\"\n");
        for (key, value) in keys {
            text.push_str(&format!("{key} = {}\n", renamed(value, prefix, copied)));
        }
        text
    }
}

/// A value with `prefix` before the names of all `copied` tables.
fn renamed(value: &Value, prefix: &str, copied: &[&Table]) -> Value {
    match value {
        Value::Array(items) => {
            let items = items.iter();
            Value::Array(items.map(|item| renamed(item, prefix, copied)).collect())
        }
        Value::String(text) => {
            let table = text.split('[').next().unwrap_or_default();
            let is_copied = |other: &&&Table| table == format!("{}.{}", other.section, other.name);
            Value::String(match copied.iter().find(is_copied) {
                Some(Table { section, .. }) => {
                    text.replacen(&format!("{section}."), &format!("{section}.{prefix}"), 1)
                }
                None => text.clone(),
            })
        }
        other => other.clone(),
    }
}

/// The tables of a pipeline file, those of repeated blocks written out, with a reference for every role.
fn tables(text: &str, programs: &Programs) -> Vec<Table> {
    let mut file: toml::Table = text.parse().expect("TOML");
    let mut stages = Vec::new();
    for block in file
        .remove("repeat")
        .iter()
        .flat_map(|blocks| blocks.as_array().expect("blocks"))
    {
        let mut block = block.as_table().expect("a block").clone();
        let rows = block.remove("each").expect("rows");
        for row in rows.as_array().expect("rows") {
            stages.push(filled(
                &Value::Table(block.clone()),
                row.as_table().expect("a row"),
            ));
        }
    }
    stages.push(Value::Table(file));
    let mut tables = Vec::new();
    for section in Stage::ALL {
        let stages = stages
            .iter()
            .filter_map(|stages| stages.get(section.name()));
        for (name, keys) in stages.flat_map(|tables| tables.as_table().expect("tables")) {
            let mut keys = keys.as_table().expect("a table").clone();
            keys.remove("section");
            let kind = match keys.remove("kind") {
                Some(kind) => kind.as_str().expect("a kind").to_owned(),
                None => name.clone(),
            };
            if let Some(from) = keys.remove("from") {
                let known = programs
                    .kinds(section)
                    .iter()
                    .find(|known| known.name == kind);
                for role in &known.expect("a kind").roles {
                    keys.entry(role.name.clone()).or_insert(from.clone());
                }
            }
            tables.push(Table {
                section: section.name().to_owned(),
                name: name.clone(),
                kind,
                keys,
            });
        }
    }
    tables
}

/// A value of a repeated block with the values of a row in place of their names.
fn filled(value: &Value, row: &toml::Table) -> Value {
    let text = |text: &str| {
        row.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default())
        })
    };
    match value {
        Value::String(found) => {
            let name = found
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            let whole = name.and_then(|name| row.get(name));
            whole.cloned().unwrap_or_else(|| Value::String(text(found)))
        }
        Value::Table(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| (text(key), filled(value, row)));
            Value::Table(entries.collect())
        }
        other => other.clone(),
    }
}

fn programs() -> Programs {
    Programs::describe(&eigenscope_testing::programs()).expect("built programs")
}

/// Codes and places of the problems of a pipeline; empty if there are none.
fn problems(text: &str, programs: &Programs) -> Vec<String> {
    match parse("test", Path::new("test.toml"), text, programs) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.errors().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_input_of_another_origin_is_refused() {
    let programs = programs();
    let text = std::fs::read_to_string(workspace("pipelines/digits.toml")).expect("readable");
    let tables = tables(&text, &programs);
    let (data, made): (Vec<&Table>, Vec<&Table>) =
        tables.iter().partition(|table| table.section == "data");

    let mut base = String::new();
    for table in &tables {
        base.push_str(&table.copy("", &[]));
    }
    for table in &made {
        base.push_str(&table.copy("x-", &made));
    }
    for table in &data {
        let mut table = (*table).clone();
        let is_binary = table.keys.contains_key("similarity_label");
        let classes: Vec<Value> = match is_binary {
            true => [1, 0].map(Value::Integer).to_vec(),
            false => (0..10).rev().map(Value::Integer).collect(),
        };
        table
            .keys
            .insert("classes".to_owned(), Value::Array(classes));
        base.push_str(&table.copy("x-", &data));
    }
    let plan = parse("test", Path::new("test.toml"), &base, &programs).expect("a plan");
    let sections: BTreeSet<_> = plan.tasks.iter().map(|task| task.stage).collect();

    let mut seen = BTreeSet::new();
    let mut refused = 0;
    for table in &made {
        let mut kinds = sections.iter().flat_map(|&section| {
            let kinds = programs.kinds(section).iter();
            kinds.map(move |kind| (section.name(), kind))
        });
        let (_, kind) = kinds
            .find(|(section, kind)| *section == table.section && kind.name == table.kind)
            .expect("a kind");
        let kind_name = format!("{}/{}", table.section, table.kind);
        seen.insert(kind_name.clone());
        let is_images = |role: &str| {
            let mut roles = kind.roles.iter();
            roles.any(|known| known.name == role && known.kind.as_str() == "images")
        };
        let models = kind.roles.iter().filter(|role| !is_images(&role.name));
        let several = models.count() > 1;
        for role in &kind.roles {
            let images = is_images(&role.name);
            let may_differ = DIFFERENT_NETWORKS.contains(&(kind_name.as_str(), role.name.as_str()));
            if kind.roles.len() < 2 || may_differ || !(images || several) {
                continue;
            }
            let others = if images { &data } else { &made };
            let mut exchanged = (*table).clone();
            let value = renamed(&table.keys[&role.name], "x-", others);
            assert_ne!(
                value, table.keys[&role.name],
                "{kind_name} reads {}",
                role.name
            );
            exchanged.keys.insert(role.name.clone(), value);
            let mixture = base.replace(&table.copy("", &[]), &exchanged.copy("", &[]));
            let found = problems(&mixture, &programs);
            let place = format!("`{}.{}", table.section, table.name);
            assert!(
                found.iter().any(|problem| problem.starts_with(&place)),
                "{kind_name} reads {} of another origin, but the problems are {found:?}",
                role.name
            );
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused} mixtures");
    for section in sections {
        for kind in programs.kinds(section) {
            let name = format!("{}/{}", section.name(), kind.name);
            assert!(
                kind.roles.len() < 2 || seen.contains(&name),
                "no table of pipelines/digits.toml is of kind {name}, so nothing tells whether its inputs belong together"
            );
        }
    }
}

/// Models of different classes or seeds in roles that read several, and data sets that differ in more than classes.
#[test]
fn data_sets_must_have_the_classes_of_the_model() {
    let programs = programs();
    let base = r#"
[data.d]
kind = "digits"
[data.half]
kind = "digits"
train_fraction = 0.5
[data.named]
kind = "digits"
classes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
[data.two]
kind = "digits"
classes = [3, 6]
[data.fashion]
kind = "fashion-mnist"
transforms = ["scale", { resize = { height = 8, width = 8 } }]
[data.like6]
kind = "digits"
similarity_label = { similar-to = { train_image = 6, threshold = 0.7 } }
[data.like7]
kind = "digits"
similarity_label = { similar-to = { train_image = 7, threshold = 0.7 } }
[train.m]
kind = "bilinear"
data = "data.d"
hidden = 4
batch = 32
[train.two]
kind = "bilinear"
data = "data.two"
hidden = 4
batch = 32
[train.like6]
kind = "bilinear"
data = "data.like6"
hidden = 4
batch = 32
bias = true
[decompose.m]
kind = "interaction"
model = "train.m"
[decompose.two]
kind = "interaction"
model = "train.two"
"#;
    let embedding = |model: &str, data: &str| {
        format!(
            "[decompose.e]\nkind = \"embedding\"\nlayer = \"embed\"\nmodel = \"train.{model}\"\ndata = \"data.{data}\"\n"
        )
    };
    let cases = [
        (embedding("m", "d"), true),
        (embedding("m", "half"), true),
        (embedding("m", "named"), true),
        (embedding("m", "two"), false),
        (embedding("m", "fashion"), false),
        (embedding("m", "like6"), false),
        (embedding("two", "d"), false),
        (embedding("two", "two"), true),
        (embedding("like6", "like6"), true),
        (embedding("like6", "like7"), false),
        (
            "[metric.similarity-map]\neigenpairs = [\"decompose.m\", \"decompose.two\"]\n"
                .to_owned(),
            false,
        ),
    ];
    for (table, fits) in cases {
        let found = problems(&format!("{base}{table}"), &programs);
        assert_eq!(found.is_empty(), fits, "{table}{found:?}");
        let classes = found
            .iter()
            .all(|problem| problem.ends_with("which differ in classes"));
        assert!(classes, "{found:?}");
    }
}

/// Other transforms than in training are a warning with both lists, and stay one over surgery.
#[test]
fn other_transforms_than_in_training_are_warned_of() {
    let text = r#"
[data.d]
kind = "digits"
[data.norm]
kind = "digits"
transforms = ["scale", { normalise = { mean = [0.3], std = [0.1] } }]
[train.m]
kind = "mlp"
data = "data.d"
widths = [4]
[decompose.e]
kind = "embedding"
model = "train.m"
data = "data.d"
layer = "layer1"
[decompose.s]
kind = "surgery"
model = "train.m"
embeddings = "decompose.e"
[decompose.after]
kind = "embedding"
model = "decompose.s"
data = "data.norm"
layer = "layer1"
"#;
    let plan = parse("test", Path::new("test.toml"), text, &programs()).expect("a plan");
    let warnings = plan.tasks.iter().flat_map(|task| {
        let warnings = task.warnings.iter();
        warnings.map(|warning| (task.id.as_str(), warning.as_str()))
    });
    let expected = [(
        "decompose.after",
        "transforms differ: decompose.s has [\"scale\"], data.norm has \
         [\"scale\", { normalise = { mean = [0.3], std = [0.1] } }]",
    )];
    assert_eq!(warnings.collect::<Vec<_>>(), expected);
}
