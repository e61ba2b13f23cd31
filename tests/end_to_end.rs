//! The real programs in a temporary folder: from a pipeline file to figures, and what happens when it is edited.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use eigenscope_testing::{
    Answer, PIPELINE, RunCounts, TASKS, TestProject, file_name, file_names, interrupt, workspace,
};

#[test]
fn from_pixels_to_figures_and_nothing_the_second_time() {
    let project = TestProject::new(PIPELINE);
    project
        .call(&["timeline", "p.toml"])
        .refuses(&["no run of `p` is recorded in"]);
    assert_eq!(project.run().ran, TASKS);
    let names = file_names(&project.path("artifacts/p/figures"));
    let figure = |figure: &str| ["pdf", "png", "svg"].map(|ending| format!("{figure}.{ending}"));
    let expected: Vec<String> = [
        "eigenspectrum",
        "eigenvectors-6-0",
        "ground-truth-corrected",
        "ground-truth-published",
        "similarity-corrected",
        "similarity-map",
        "similarity-published",
        "training",
        "truncation",
    ]
    .into_iter()
    .flat_map(figure)
    .collect();
    assert_eq!(names, expected);
    for name in names {
        let bytes = fs::read(project.path("artifacts/p/figures").join(&name));
        let bytes = bytes.expect("the link leads to a file");
        let start: &[u8] = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("svg") => b"<svg",
            Some("pdf") => b"%PDF-1.4",
            _ => b"\x89PNG",
        };
        let mut beginning = bytes.windows(start.len()).take(200);
        assert!(beginning.any(|window| window == start), "{name}");
    }
    assert_eq!(project.run(), RunCounts::all_up_to_date(TASKS));
    let status = project.call(&["status", "p.toml", "--check"]).expect(0);
    assert_eq!(
        status.stdout,
        format!("{TASKS} of {TASKS} tasks are up to date\n")
    );
    project
        .call(&["timeline", "p.toml", "--output", "run.svg"])
        .expect(0);
    let drawing = project.read("run.svg");
    assert!(drawing.contains(&format!("p: {TASKS} tasks in")));
    assert!(project.path("run.png").exists() && project.path("run.pdf").exists());
}

#[test]
fn the_bytes_do_not_depend_on_jobs_or_folder() {
    let project = TestProject::new(PIPELINE);
    let run = |folder: &str, jobs: &str| {
        let options = ["--offline", "--jobs", jobs, "--artifacts", folder];
        project
            .call(&[&["run", "p.toml"][..], &options].concat())
            .expect(0);
        project.artifacts(folder)
    };
    let (one, four) = (run("one", "1"), run("four", "4"));
    assert!(one.len() > TASKS);
    assert!(one.keys().eq(four.keys()));
    for (name, bytes) in &one {
        assert!(bytes == &four[name], "{name} differs");
    }
}

#[test]
fn only_what_an_edit_changes_runs_again() {
    let project = TestProject::new(PIPELINE);
    project.run();
    project.edit("count = 4", "count = 3");
    project.call(&["status", "p.toml", "--check"]).expect(3);
    let explained = project.json(&["explain", "p.toml", "figure.similarity[variant=corrected]"]);
    let last = &explained["explanations"][0]["chain"][1];
    assert_eq!(last["task"], "metric.similarity[variant=corrected]");
    assert_eq!(last["reasons"][0], "parameter `count` changed from 4 to 3");
    // Two similarity tables and their two figures.
    assert_eq!(project.run().ran, 4);
    project.edit("count = 3", "count = 4");
    let again = project.run();
    assert_eq!(
        again,
        RunCounts::all_up_to_date(TASKS),
        "old results are kept"
    );
}

#[test]
fn only_results_whose_code_alone_changed_are_accepted() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let accept = |options: &[&str]| project.call(&[&["accept", "p.toml"], options].concat());
    accept(&["metric.*"]).expect(0).explains(&["up to date"]);
    project.edit("count = 4", "count = 3");
    for options in [
        &["metric.similarity"][..],
        &["--dry-run", "metric.similarity"],
    ] {
        let refused = accept(options).expect(1).explains(&[
            "refused metric.similarity[variant=corrected]: parameter `count` changed from 4 to 3",
        ]);
        assert_eq!(refused.stdout, "");
    }
    accept(&["nothing"]).expect(2);
}

#[test]
fn every_result_says_what_its_code_consists_of() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let record = project.read("artifacts/p/metric.final/task.json");
    let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    let fingerprint = record["ingredients"]["fingerprint"].as_str();
    let fingerprint = fingerprint.expect("a text");
    let code = project.read(&format!("artifacts/code/{fingerprint}.json"));
    let code: BTreeMap<String, String> = serde_json::from_str(&code).expect("JSON");
    assert!(code.contains_key("crates/metrics/src/training/final_rows.rs"));
    assert!(!code.contains_key("crates/metrics/src/bilinear/similarity.rs"));
}

#[test]
fn lists_are_swept_and_selected() {
    let pipeline = "[data.digits]\ntrain_count = 100\n\
         [train.mlp]\ndata = \"data.digits\"\nwidths = [[], [4], [4, 3]]\nepochs = 1\n\
         [metric.final]\nkind = \"final-accuracy\"\nhistories = \"train.mlp[widths=none|4-3]\"\n";
    let project = TestProject::new(pipeline);
    project.run();
    let query = "select widths from train_mlp_history where epoch = 1 order by widths";
    let answer = project.json(&["sql", "p.toml", query]);
    let expected = serde_json::json!([["4"], ["4-3"], ["none"]]);
    assert_eq!(answer["rows"], expected);
}

/// The analyses of layers, of two models of one kind.
fn layer_pipeline(network: &str, recipe: &str) -> String {
    format!(
        r#"
[data.digits]
transforms = ["scale", {{ resize = {{ height = 16, width = 16 }} }}]
train_fraction = 0.2

[train.model]
kind = "{network}"
data = "data.digits"
seed = [0, 1]
epochs = 4
batch = 16
{recipe}

[decompose.activations]
kind = "activation-covariance"
model = "train.model"
data = "data.digits"

[decompose.weights]
kind = "weight-covariance"
model = "train.model"

[decompose.alignment]
reference = "train.model[seed=0]"
other = "train.model[seed=1]"
data = "data.digits"

[decompose.overlap]
reference = "decompose.weights[seed=0]"
other = "decompose.weights[seed=1]"
alignment = "decompose.alignment"

[metric.clipping]
model = "train.model"
bases = "decompose.activations"
data = "data.digits"

[figure.layer-clipping]
spectrum = "decompose.activations"
clipping = "metric.clipping"
dimensions = "metric.clipping"

[figure.layer-overlap]
reference = "decompose.weights[seed=0]"
other = "decompose.weights[seed=1]"
overlap = "decompose.overlap"
fit = "decompose.alignment"
"#
    )
}

#[test]
fn layers_of_every_model_are_analysed() {
    for (network, recipe, last) in [
        ("mlp", "widths = [8, 6]\nlearning_rate = 0.05", "layer3"),
        ("cnn", "channels = [4, 6]\nlearning_rate = 0.05", "linear"),
        (
            "bilinear",
            "hidden = 6\nbias = true\nlearning_rate = 0.01",
            "unembed",
        ),
    ] {
        let project = TestProject::new(&layer_pipeline(network, recipe));
        project.run();
        let number = |table: &str, kind: &str, conditions: &str, column: &str, minimum: f64| {
            format!(
                "[[published]]\nname = \"{table} {column}\"\nsource = \"a law\"\ntable = \"{table}\"\n\
                 kind = \"{kind}\"\nwhere = {{ {conditions} }}\ncolumn = \"{column}\"\n\
                 minimum = {minimum:?}\nmaximum = 1.000001\n\n"
            )
        };
        let layer = format!("layer = \"{last}\"");
        let split = format!("{layer}, split = \"test\"");
        let first = format!("{layer}, reference_rank = 1, other_rank = 1");
        let laws = [
            number("decompose.alignment", "r-squared", &split, "r_squared", 0.2),
            number("decompose.overlap", "overlap", &first, "overlap", 0.0),
            number(
                "metric.clipping",
                "clipping",
                &layer,
                "accuracy_fraction",
                0.1,
            ),
        ];
        project.write("p.published.toml", laws.concat());
        project.call(&["compare", "p.toml"]).expect(0);
    }
}

#[test]
fn compare_tells_hits_from_misses() {
    let project = TestProject::new(PIPELINE);
    let publish = |value: &str| {
        let row = format!(
            "[[published]]\nname = \"accuracy\"\nsource = \"a test\"\ntable = \"metric.final\"\n\
             where = {{ hidden = 6 }}\ncolumn = \"test_accuracy_fraction\"\nvalue = {value}\ntolerance = 0.5\n"
        );
        project.write("p.published.toml", row);
        project.call(&["compare", "p.toml"])
    };
    // Nothing has been computed yet.
    publish("0.5").expect(1);
    project.run();
    publish("0.5").expect(0);
    publish("7.0").expect(1);
}

/// On the embedded digits surgery merges two classes and leaves the others to be told apart.
#[test]
fn surgery_on_digits_spares_the_other_classes() {
    let read = |name: &str| fs::read_to_string(workspace("pipelines").join(name)).expect("a file");
    let project = TestProject::new(&read("digits.toml"));
    let published = read("digits.published.toml");
    let rows = published.split("[[published]]");
    let rows: Vec<String> = rows
        .filter(|row| row.contains("name = \"A4"))
        .map(|row| format!("[[published]]{row}"))
        .collect();
    assert!(
        rows.iter()
            .any(|row| row.contains("metric.confusion-after"))
    );
    project.write("p.published.toml", rows.concat());
    let tasks = ["metric.confusion-before", "metric.confusion-after"];
    project
        .call(&[&["run", "p.toml", "--offline"][..], &tasks].concat())
        .expect(0);
    project.call(&["compare", "p.toml"]).expect(0);
}

#[test]
fn every_shipped_pipeline_is_valid() {
    let project = TestProject::new(PIPELINE);
    let mut pipelines = 0;
    for entry in fs::read_dir(workspace("pipelines")).expect("pipelines") {
        let path = entry.expect("readable").path();
        let name = file_name(&path);
        // Not the files beside them: `digits.published.toml`, `digits.lock`.
        if !name.ends_with(".toml") || name.matches('.').count() > 1 {
            continue;
        }
        pipelines += 1;
        let path = path.display().to_string();
        project.call(&["graph", &path]).expect(0);
        // Nothing is computed here, so every published number is missing; but the file must be understood.
        let compared = project.call(&["compare", &path, "--json"]).expect(1).json();
        let rows = compared["rows"].as_array().expect("rows");
        assert!(!rows.is_empty());
        for row in rows {
            assert_eq!(row["verdict"], "missing", "{row}");
        }
    }
    assert!(pipelines >= 3);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_everything_and_keeps_finished_work() {
    let project = TestProject::new(PIPELINE);
    project.edit("epochs = 3", "epochs = 100000");
    let child = project
        .command(&["run", "p.toml", "--offline"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    let data = project.path("artifacts/p/data.digits/task.json");
    while !data.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    Answer::from(output).expect(130);
    assert!(data.exists());
    assert!(project.temporaries().is_empty());
    project.edit("epochs = 100000", "epochs = 3");
    project.run();
}

#[test]
fn graph_and_show_print_to_standard_output() {
    let project = TestProject::new(PIPELINE);
    let dot = project.call(&["graph", "p.toml"]).stdout;
    assert!(dot.starts_with("digraph"), "{dot}");
    let mermaid = project.call(&["graph", "p.toml", "--format", "mermaid"]);
    let mermaid = mermaid.stdout;
    assert!(mermaid.contains("train.bilinear"), "{mermaid}");
    let dry = project.call(&["run", "p.toml", "--dry-run"]);
    assert_eq!(dry.stdout.lines().count(), TASKS);
    assert!(!project.path("artifacts").exists());
    project.run();
    let shown = project.call(&["show", "artifacts/p/train.bilinear,hidden-4,seed-0"]);
    for words in [
        "kind        history",
        "kind        tensors",
        "embed.weight",
        "train_loss_nats",
    ] {
        assert!(
            shown.stdout.contains(words),
            "`{words}` is not in\n{}",
            shown.stdout
        );
    }
}

/// The initial weights that are drawn again are those that training started from: with a learning rate of almost nothing it never leaves
/// them. They are unknown for an imported model.
#[test]
fn weights_are_measured_from_where_training_started() {
    let project = TestProject::new(
        "[data.digits]\n[train.convnet]\ndata = \"data.digits-large\"\nepochs = 1\nlearning_rate = [1e-12, 1e-3]\n\
         [data.digits-large]\nkind = \"digits\"\ntransforms = [\"scale\", { resize = { height = 16, width = 16 } }]\n\
         [decompose.weight-quality]\nmodel = \"train.convnet\"\n",
    );
    project.call(&["run", "p.toml"]).expect(0);
    let query = "select learning_rate, initial_relative_distance from decompose_weight_quality";
    let answer = project.json(&["sql", "p.toml", query]);
    let rows = answer["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 8);
    for row in rows {
        let [rate, distance] = [0, 1].map(|column| row[column].as_f64().expect("a number"));
        let moved = distance > 1e-3;
        assert!(
            moved == (rate > 1e-6) && (moved || distance < 1e-6),
            "{row}"
        );
    }
}
