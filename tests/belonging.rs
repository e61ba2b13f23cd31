//! Inputs that do not belong together are refused when the pipeline file is read, whatever the task kind.
//!
//! The pipeline of the digits uses every kind. A copy of it with models of its own gives every input a counterpart of
//! another origin, and one with its classes in another order gives every data set one. Each input is exchanged for
//! its counterpart in turn. A new kind with several inputs has to be in the pipeline and to state what they share.

use std::collections::BTreeSet;
use std::path::Path;

use eigenscope_plan::parse;
use eigenscope_plan::programs::Programs;
use eigenscope_testing::workspace;

/// Inputs that may come from models of different origin: the kind compares two networks.
const DIFFERENT_NETWORKS: [(&str, &str); 2] = [
    ("decompose/alignment", "reference"),
    ("decompose/alignment", "other"),
];

/// A table of the pipeline file.
struct Table {
    section: String,
    name: String,
    kind: String,
    lines: Vec<String>,
}

impl Table {
    /// The table under another name; `prefix` goes before the names of all `copied` tables that it refers to.
    fn copy(&self, prefix: &str, copied: &[&Table], lines: &[String]) -> String {
        let Self {
            section,
            name,
            kind,
            ..
        } = self;
        let own = lines.iter().filter(|line| !line.starts_with("kind = "));
        let own: Vec<String> = own.map(|line| renamed(line, prefix, copied)).collect();
        format!(
            "[{section}.{prefix}{name}]\nkind = \"{kind}\"\n{}\n",
            own.join("\n")
        )
    }
}

/// A line with `prefix` before the names of all `copied` tables.
fn renamed(line: &str, prefix: &str, copied: &[&Table]) -> String {
    let mut line = line.to_owned();
    for Table { section, name, .. } in copied {
        for end in ["\"", "["] {
            let from = format!("\"{section}.{name}{end}");
            line = line.replace(&from, &format!("\"{section}.{prefix}{name}{end}"));
        }
    }
    line
}

/// What stands before the first table, and the tables.
fn tables(text: &str) -> (String, Vec<Table>) {
    let mut head = String::new();
    let mut tables: Vec<Table> = Vec::new();
    for line in text.lines() {
        let header = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        if let Some((section, name)) = header.and_then(|header| header.split_once('.')) {
            tables.push(Table {
                section: section.to_owned(),
                name: name.to_owned(),
                kind: name.to_owned(),
                lines: Vec::new(),
            });
        } else if let Some(table) = tables.last_mut() {
            if let Some(kind) = line.strip_prefix("kind = ") {
                table.kind = kind.trim_matches('"').to_owned();
            }
            table.lines.push(line.to_owned());
        } else {
            head.push_str(line);
            head.push('\n');
        }
    }
    (head, tables)
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
    let (head, tables) = tables(&text);
    let (data, made): (Vec<&Table>, Vec<&Table>) =
        tables.iter().partition(|table| table.section == "data");

    let mut base = head;
    for table in &tables {
        base.push_str(&table.copy("", &[], &table.lines));
    }
    for table in &made {
        base.push_str(&table.copy("x-", &made, &table.lines));
    }
    for table in &data {
        let is_binary = table.lines.iter().any(|line| line.contains("similar-to"));
        let classes = match is_binary {
            true => "classes = [1, 0]",
            false => "classes = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]",
        };
        let mut lines = table.lines.clone();
        lines.retain(|line| !line.starts_with("classes = "));
        lines.insert(0, classes.to_owned());
        base.push_str(&table.copy("x-", &data, &lines));
    }
    let plan = parse("test", Path::new("test.toml"), &base, &programs).expect("a plan");
    let sections: BTreeSet<_> = plan.tasks.iter().map(|task| task.section).collect();

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
            let exchanged: Vec<String> = table
                .lines
                .iter()
                .map(
                    |line| match line.starts_with(&format!("{} = ", role.name)) {
                        true => renamed(line, "x-", if images { &data } else { &made }),
                        false => line.clone(),
                    },
                )
                .collect();
            assert_ne!(exchanged, table.lines, "{kind_name} reads {}", role.name);
            let mixture = base.replace(
                &table.copy("", &[], &table.lines),
                &table.copy("", &[], &exchanged),
            );
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
