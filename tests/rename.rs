//! `eigenscope rename`: a table gets another name, and what it has computed is kept.

use eigenscope_testing::{Artifacts, RunCounts, TestProject, assert_same_artifacts};
use serde_json::Value;

/// Two models whose seeds are derived from their ids, and what is made from them.
const PIPELINE: &str = r#"# Two sizes of train.bilinear.
seed = 3

[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 2
batch = 64

[decompose.interaction]
model = "train.bilinear"

[metric.final]
kind = "final-accuracy"
histories = "train.bilinear"

[metric.similarity-map]
eigenpairs = "decompose.interaction"

[figure.training]
histories = "train.bilinear"

[figure.eigenvectors]
eigenpairs = "decompose.interaction[hidden=6]"

[figure.grid]
kind = "eigenvector-grid"
classes = [1, 2]
rows = "hidden"
columns = "class"
eigenpairs = "decompose.interaction"
histories = "train.bilinear"
"#;

/// Tasks that show the name of a model: the table of accuracies, a legend, a title, and a grid that looks for the history of each model.
const SHOW: usize = 4;
/// Tasks that do not: the data set, two models, their eigenvectors, and how alike these are.
const KEEP: usize = 6;

/// A pipeline that extends the other one.
const EXTENDING: &str = r#"extends = "p"

[train.bilinear] # shorter
epochs = 1

[metric.short]
kind = "final-accuracy"
histories = "train.bilinear[hidden=4]"
"#;

const PUBLISHED: &str = r#"[[published]]
name = "train.bilinear"
source = "first run"
table = "metric.final"
where = { model = "train.bilinear[hidden=4]" }
column = "test_accuracy_fraction"
minimum = 0.1
"#;

const TOLERANCES: &str = r#"[[tolerance]]
tasks = "train.bilin*"
columns = "history.*"
relative = 0.1
reason = "of another machine"

[[tolerance]]
tasks = "train.bilinear[hidden=6]"
columns = "history.*"
relative = 0.2
reason = "of another machine"
"#;

const FILES: [&str; 5] = [
    "p.toml",
    "short.toml",
    "p.published.toml",
    "p.tolerances.toml",
    "p.lock",
];

fn project() -> TestProject {
    let project = TestProject::new(PIPELINE);
    project.write("short.toml", EXTENDING);
    project.write("p.published.toml", PUBLISHED);
    project.write("p.tolerances.toml", TOLERANCES);
    project.run();
    project.call(&["lock", "p.toml"]).expect(0);
    project
}

fn texts(project: &TestProject) -> Vec<String> {
    FILES.iter().map(|file| project.read(file)).collect()
}

/// Artifacts without the records beside them, which name the task that made them first.
fn tables(project: &TestProject, folder: &str) -> Artifacts {
    let mut artifacts = project.artifacts(folder);
    artifacts.retain(|name, _| !name.ends_with("task.json"));
    artifacts
}

#[test]
fn only_what_shows_the_name_is_computed_again() {
    let project = project();
    let rename = ["rename", "p.toml", "train.bilinear", "train.wide"];
    project.call(&rename).expect(0);
    let explained = project
        .call(&["explain", "p.toml", "metric.final"])
        .expect(0);
    let words = "it shows the name of train.bilinear[hidden=4], which is train.wide[hidden=4] now";
    assert!(explained.stdout.contains(words), "{}", explained.stdout);
    assert!(!explained.stdout.contains("input"), "{}", explained.stdout);
    let status = project.call(&["explain", "p.toml", "train.wide", "decompose.interaction"]);
    assert_eq!(status.expect(0).stdout.matches("is up to date").count(), 4);

    let counts = project.run();
    assert_eq!((counts.ran, counts.up_to_date), (SHOW, KEEP), "{counts:?}");
    assert_eq!(project.run(), RunCounts::all_up_to_date(SHOW + KEEP));

    let models = project.json(&[
        "sql",
        "p.toml",
        "select model from metric_final order by hidden",
    ]);
    let expected = serde_json::json!([["train.wide[hidden=4]"], ["train.wide[hidden=6]"]]);
    assert_eq!(models["rows"], expected);
    let figure = project.read("artifacts/p/figures/eigenvectors-6.svg");
    assert!(
        figure.contains("(wide on digits, hidden 6)"),
        "the title has the new name"
    );
    let links = project.path("artifacts/p");
    assert!(links.join("train.wide,hidden-4").is_dir());
    assert!(!links.join("train.bilinear,hidden-4").is_symlink());

    // Computed again in a scratch folder, and in a folder of results that knows nothing of the old name.
    let verified = project.call(&["verify", "p.toml", "--bytes"]);
    verified.expect(0);
    project.run_with(&["--artifacts", "fresh"], &[]);
    assert_same_artifacts(
        &tables(&project, "artifacts"),
        &tables(&project, "fresh"),
        "fresh",
    );

    let diff = project.json(&["diff", "p.toml@1", "p.toml"]);
    for only in ["only_before", "only_after"] {
        assert_eq!(diff[only], Value::Array(Vec::new()), "{diff:#}");
    }
    let tasks = diff["tasks"].as_array().expect("tasks");
    let of_models = |task: &&Value| {
        task["task"]
            .as_str()
            .is_some_and(|id| id.starts_with("train."))
    };
    assert_eq!(tasks.iter().find(of_models), None, "{diff:#}");

    // Two runs, of which neither knows what the file says.
    project.edit("epochs = 2", "epochs = 1");
    project.run();
    let diff = project.json(&["diff", "p.toml@1", "p.toml@3"]);
    for only in ["only_before", "only_after"] {
        assert_eq!(diff[only], Value::Array(Vec::new()), "{diff:#}");
    }
    let tasks = diff["tasks"].as_array().expect("tasks");
    let models: Vec<&Value> = tasks.iter().filter(of_models).collect();
    assert_eq!(models.len(), 2, "{diff:#}");
    assert_eq!(models[0]["task"], "train.wide[hidden=4]");
    assert_eq!(models[0]["results"], "differ");
    let cause = "parameter `epochs` changed from 2 to 1";
    assert_eq!(models[0]["causes"], serde_json::json!([cause]));
    // Rows that name a model are matched, too, and called as they are called now.
    let accuracies = diff["numbers"].as_array().expect("numbers").iter();
    let accuracies = accuracies.filter(|number| {
        number["table"] == "metric.final" && number["column"] == "test_accuracy_fraction"
    });
    let named: Vec<&Value> = accuracies.map(|number| &number["row"]["model"]).collect();
    assert_eq!(named, ["train.wide", "train.wide"], "{diff:#}");
}

#[test]
fn all_files_that_say_the_name_change_together_and_back() {
    let project = project();
    let before = texts(&project);
    let rename = ["rename", "p.toml", "train.bilinear", "train.wide"];
    let dry = project
        .call(&[rename.as_slice(), &["--dry-run"]].concat())
        .expect(0);
    assert_eq!(texts(&project), before, "nothing is written");
    let done = project.call(&rename).expect(0);
    assert_eq!(dry.stdout, done.stdout);
    let words = "train.bilinear is train.wide; models and what is made from them are kept; 4 tasks of metrics and figures that show \
                 the name or read what does will be computed again: metric.final, figure.training, figure.eigenvectors, figure.grid; their values are no longer \
                 in the lock file until `eigenscope lock p.toml` writes them down";
    done.explains(&[words]);

    let expected = PIPELINE
        .replace(
            "[train.bilinear]",
            "[train.wide]\nkind = \"bilinear\"\nformerly = \"train.bilinear\"",
        )
        .replace("= \"train.bilinear\"", "= \"train.wide\"")
        .replace("formerly = \"train.wide\"", "formerly = \"train.bilinear\"");
    assert_eq!(project.read("p.toml"), expected);
    assert_eq!(
        project.read("short.toml"),
        EXTENDING.replace("bilinear", "wide")
    );
    let expected = PUBLISHED.replace("bilinear[", "wide[");
    assert_eq!(project.read("p.published.toml"), expected);
    let expected = TOLERANCES
        .replace("bilin*", "wide")
        .replace("bilinear[", "wide[");
    assert_eq!(project.read("p.tolerances.toml"), expected);
    let lock = project.read("p.lock");
    assert!(
        lock.contains("[task.\"train.wide[hidden=4]\".history]"),
        "{lock}"
    );
    assert!(!lock.contains("[task.\"train.bilinear"), "{lock}");
    let entries = |lock: &str| {
        let lines = lock.lines().filter(|line| line.starts_with("[task."));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    // What is computed again has no value that it should have.
    for shows in [
        "metric.final",
        "figure.training",
        "figure.eigenvectors",
        "figure.grid",
    ] {
        assert!(!lock.contains(&format!("[task.\"{shows}")), "{lock}");
    }
    project.run();
    let verified = project.call(&["verify", "p.toml", "--lock"]).expect(1);
    let said = verified.stdout;
    assert!(said.contains("it is not in the lock file"), "{said}");
    assert!(!said.contains("must be equal"), "{said}");
    project.call(&["lock", "p.toml"]).expect(0);
    project.call(&["verify", "p.toml", "--lock"]).expect(0);
    let diff = project.call(&["diff", "p.toml@1", "p.toml"]).expect(0);
    let said = "it shows the name of train.bilinear, which is train.wide now";
    assert_eq!(diff.stdout.matches(said).count(), SHOW, "{}", diff.stdout);

    project
        .call(&["rename", "p.toml", "train.wide", "train.bilinear"])
        .expect(0);
    let mut expected = before;
    // A pattern with `*` comes back as the name that it meant.
    expected[3] = expected[3].replace("bilin*", "bilinear");
    let found = texts(&project);
    assert_eq!(found[..4], expected[..4]);
    let mut kept = entries(&expected[4]);
    kept.retain(|line| !line.contains("metric.final") && !line.contains("[task.\"figure."));
    assert_eq!(entries(&found[4]), kept);
}

/// What is made from a table of numbers of each model, one after the other; only the first shows a name.
const TRUNCATION: &str = r#"
[metric.truncation]
model = "train.bilinear"
eigenpairs = "decompose.interaction"
data = "data.digits"

[metric.truncation-summary]
truncations = "metric.truncation"

[figure.truncation]
truncation = "metric.truncation-summary"
"#;

#[test]
fn what_reads_a_table_that_shows_the_name_is_no_longer_in_the_lock_file() {
    let project = TestProject::new(&format!("{PIPELINE}{TRUNCATION}"));
    project.run();
    project.call(&["lock", "p.toml"]).expect(0);
    let rename = ["rename", "p.toml", "train.bilinear", "train.wide"];
    let answer = project.call(&rename).expect(0);
    let counts = project.run();
    // One truncation for each model.
    assert_eq!((counts.ran, counts.up_to_date), (SHOW + 4, KEEP));
    answer.explains(&[
        &format!("{} tasks of metrics", counts.ran),
        "figure.truncation",
    ]);
    let lock = project.read("p.lock");
    assert!(!lock.contains("truncation"), "{lock}");
    let verified = project.call(&["verify", "p.toml", "--lock"]).expect(1);
    let said = verified.stdout;
    assert!(said.contains("it is not in the lock file"), "{said}");
    assert!(!said.contains("must be equal"), "{said}");
}

#[test]
fn keys_with_dots_and_smaller_pipelines_are_renamed_too() {
    let project = project();
    let small = r#"extends = "p"
train.bilinear.hidden = [8]
'train' . "bilinear" . epochs = 1
figure.eigenvectors.eigenpairs = "decompose.interaction[hidden=8]"
"#;
    project.write("small.toml", small);
    let published = "\n[[published]]\nname = \"loss\"\nsource = \"first run\"\ntable = \"train.bilinear[hidden=6]\"\nkind = \"history\"\n\
         column = \"validation_accuracy\"\nminimum = 0.0\n";
    project.write("p.published.toml", format!("{PUBLISHED}{published}"));
    let left_out = "2 numbers of p.published.toml are left out: this pipeline does not have the tables or labels that they are about";
    project
        .call(&["compare", "small.toml"])
        .expect(2)
        .explains(&[left_out, "write its own into small.published.toml"]);
    let own = PUBLISHED.replace("hidden=4", "hidden=8");
    project.write("small.published.toml", format!("{own}{published}"));
    let answer = project.call(&["compare", "small.toml"]).expect(2);
    answer.explains(&["no task of `train.bilinear` has hidden=6"]);
    project.write("small.published.toml", &own);

    project
        .call(&["rename", "p.toml", "train.bilinear", "train.wide"])
        .expect(0);
    assert_eq!(
        project.read("small.toml"),
        small.replace("bilinear", "wide")
    );
    let expected = own.replace("bilinear[", "wide[");
    assert_eq!(project.read("small.published.toml"), expected);
}

#[test]
fn what_cannot_be_renamed_is_refused_and_nothing_is_written() {
    let project = project();
    let before = texts(&project);
    let refused = |arguments: &[&str], words: &[&str]| {
        let answer = project.call(&[&["rename"], arguments].concat());
        answer.expect(2).explains(words);
        assert_eq!(texts(&project), before);
    };
    refused(
        &["p.toml", "train.bilinear[hidden=4]", "train.wide"],
        &[
            "labels, which are names and values of parameters",
            "Give the table, `train.bilinear`",
        ],
    );
    refused(
        &["short.toml", "train.bilinear", "train.wide"],
        &[
            "comes from p.toml, which this file extends",
            "eigenscope rename p.toml train.bilinear train.wide",
        ],
    );
    refused(
        &["p.toml", "metric.final", "metric.similarity-map"],
        &["there is such a table"],
    );
    let rule =
        "[[tolerance]]\ntasks = \"*l*\"\ncolumns = \"history.*\"\nrelative = 0.1\nreason = \"x\"\n";
    project.write("p.tolerances.toml", rule);
    let answer = project.call(&["rename", "p.toml", "train.bilinear", "train.mad"]);
    answer
        .expect(2)
        .explains(&["would not mean the same tasks"]);
    assert_eq!(project.read("p.toml"), PIPELINE);

    project.write("p.tolerances.toml", TOLERANCES);
    // The name that the table gets is that of another one in a pipeline that extends this one.
    let taken = "[train.wide]\nkind = \"bilinear\"\ndata = \"data.digits\"\nhidden = [4, 6, 8]\nbatch = 64\n";
    project.write("short.toml", format!("extends = \"p\"\n\n{taken}"));
    let answer = project.call(&["rename", "p.toml", "train.bilinear", "train.wide"]);
    answer
        .expect(2)
        .explains(&["nothing is changed: in short.toml, there would be other tasks"]);
    assert_eq!(project.read("p.toml"), PIPELINE);

    for (broken, said) in [
        ("epoch = 1", "epoch"),
        ("epochs ==", "eigenscope::file::syntax"),
    ] {
        project.write("short.toml", EXTENDING.replace("epochs = 1", broken));
        let answer = project.call(&["rename", "p.toml", "train.bilinear", "train.wide"]);
        answer.expect(2).explains(&[
            "short.toml extends the pipeline, or may, and cannot be planned",
            said,
        ]);
        assert_eq!(project.read("p.toml"), PIPELINE);
    }
    // What extends nothing does not matter, and of what cannot be read it is not known whether it does.
    project.write("short.toml", "x ==\n");
    project.write("latin.toml", b"extends = \"p\"\n# caf\xe9\n");
    let answer = project.call(&[
        "rename",
        "p.toml",
        "train.bilinear",
        "train.wide",
        "--dry-run",
    ]);
    let answer = answer.expect(0).explains(&[
        "note: latin.toml was not looked at: the file is not UTF-8 text, first in line 2; if it extends p.toml, change the name in it by hand",
    ]);
    assert_eq!(answer.stderr.matches("note: ").count(), 1);
}

#[test]
fn a_table_renamed_by_hand_is_recognised() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let by_hand = PIPELINE
        .replace("[train.bilinear]", "[train.wide]\nkind = \"bilinear\"")
        .replace("\"train.bilinear\"", "\"train.wide\"");
    project.write("p.toml", &by_hand);
    let words = "note: if [train.wide] is what was [train.bilinear], a line `formerly = \"train.bilinear\"` in it keeps its results";
    project
        .call(&["accept", "p.toml", "train.*"])
        .expect(1)
        .explains(&[words]);
    project
        .call(&["explain", "p.toml", "figure.training"])
        .expect(0)
        .explains(&[words]);

    project.edit(
        "[train.wide]",
        "[train.wide]\nformerly = \"train.bilinear\"",
    );
    let counts = project.run();
    assert_eq!((counts.ran, counts.up_to_date), (SHOW, KEEP), "{counts:?}");
}
