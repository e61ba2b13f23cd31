//! The real programs in a temporary folder: from a pipeline file to figures, and everything that can be
//! wrong on the way.

mod sandbox;

mod browser;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{PIPELINE, Sandbox, TASKS, name, stderr, stdout};

#[test]
fn from_pixels_to_figures_and_nothing_the_second_time() {
    let sandbox = Sandbox::new(PIPELINE);
    let nothing = sandbox.call(&["timeline", "p.toml"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("no run of `p` is recorded in"));
    assert!(sandbox.run().contains(&format!("{TASKS} ran")));
    let figures = sandbox.path("artifacts/p/figures");
    let mut names: Vec<String> = fs::read_dir(&figures)
        .expect("figures")
        .map(|entry| name(&entry.expect("readable").path()))
        .collect();
    names.sort();
    let figure = |figure: &str| [format!("{figure}.png"), format!("{figure}.svg")];
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
        let bytes = fs::read(figures.join(&name)).expect("the link leads to a file");
        let start: &[u8] = if name.ends_with("svg") {
            b"<svg"
        } else {
            b"\x89PNG"
        };
        assert!(
            bytes
                .windows(start.len())
                .take(200)
                .any(|window| window == start),
            "{name}"
        );
    }
    assert!(
        sandbox
            .run()
            .contains(&format!("tasks: {TASKS} up to date"))
    );
    let status = sandbox.call(&["status", "p.toml", "--check"]);
    assert_eq!(status.status.code(), Some(0));
    assert_eq!(
        stdout(&status),
        format!("{TASKS} of {TASKS} tasks are up to date\n")
    );
    let timeline = sandbox.call(&["timeline", "p.toml", "--output", "run.svg"]);
    assert_eq!(timeline.status.code(), Some(0), "{}", stderr(&timeline));
    let drawing = fs::read_to_string(sandbox.path("run.svg")).expect("drawn");
    assert!(drawing.contains(&format!("p: {TASKS} tasks in")));
    assert!(sandbox.path("run.png").exists());
}

#[test]
fn the_bytes_do_not_depend_on_jobs_or_folder() {
    let sandbox = Sandbox::new(PIPELINE);
    for (folder, jobs) in [("one", "1"), ("four", "4")] {
        let output = sandbox.call(&[
            "run",
            "p.toml",
            "--offline",
            "--jobs",
            jobs,
            "--artifacts",
            folder,
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let (one, four) = (sandbox.artifacts("one"), sandbox.artifacts("four"));
    assert!(one.len() > TASKS);
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        four.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &one {
        assert!(bytes == &four[name], "{name} differs");
    }
}

#[test]
fn only_what_an_edit_changes_runs_again() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    sandbox.edit("count = 4", "count = 3");
    let status = sandbox.call(&["status", "p.toml", "--check"]);
    assert_eq!(status.status.code(), Some(3));
    let explained =
        stdout(&sandbox.call(&["explain", "p.toml", "figure.similarity[variant=corrected]"]));
    assert!(
        explained.contains("metric.similarity[variant=corrected]"),
        "{explained}"
    );
    assert!(explained.contains("count"), "{explained}");
    // Two similarity tables and their two figures.
    assert!(sandbox.run().contains("4 ran"));
    sandbox.edit("count = 3", "count = 4");
    assert!(
        sandbox
            .run()
            .contains(&format!("tasks: {TASKS} up to date")),
        "old results are kept"
    );
}

#[test]
fn only_results_whose_code_alone_changed_are_accepted() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let accept = |options: &[&str]| sandbox.call(&[&["accept", "p.toml"], options].concat());
    let output = accept(&["metric.*"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("up to date"),
        "{}",
        stderr(&output)
    );
    sandbox.edit("count = 4", "count = 3");
    for options in [
        &["metric.similarity"][..],
        &["--dry-run", "metric.similarity"],
    ] {
        let output = accept(options);
        assert_eq!(output.status.code(), Some(1));
        let refusal =
            "refused metric.similarity[variant=corrected]: parameter `count` changed from 4 to 3";
        assert!(stderr(&output).contains(refusal), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    assert_eq!(accept(&["nothing"]).status.code(), Some(2));
}

#[test]
fn every_result_says_what_its_code_consists_of() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let record = fs::read(sandbox.path("artifacts/p/metric.final/task.json")).expect("readable");
    let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
    let fingerprint = record["ingredients"]["fingerprint"]
        .as_str()
        .expect("a text");
    let code = sandbox.path(&format!("artifacts/code/{fingerprint}.json"));
    let code: BTreeMap<String, String> =
        serde_json::from_slice(&fs::read(code).expect("readable")).expect("JSON");
    assert!(code.contains_key("crates/metrics/src/final_rows.rs"));
    assert!(!code.contains_key("crates/metrics/src/similarity.rs"));
}

#[test]
fn mistakes_in_a_pipeline_file_are_all_named_with_their_places() {
    for (from, to, words) in [
        (
            "epochs = 3",
            "epoks = 3",
            &["epoks", "epochs", "p.toml:8"][..],
        ),
        (
            "hidden = [4, 6]",
            "hidden = [4, 4]",
            &["hidden", "p.toml:6"],
        ),
        ("hidden = [4, 6]", "hidden = []", &["hidden", "p.toml:6"]),
        (
            "\"train.bilinear\"\n\n[metric.final]",
            "\"train.linear\"\n\n[metric.final]",
            &["train.linear", "train.bilinear"],
        ),
        (
            "model = \"train.bilinear\"\n\n[metric.final]",
            "model = \"decompose.interaction\"\n\n[metric.final]",
            &["decompose.interaction"],
        ),
        ("hidden=6,seed=0", "hidden=7,seed=0", &["hidden=7"]),
    ] {
        let sandbox = Sandbox::new(PIPELINE);
        sandbox.edit(from, to);
        let output = sandbox.call(&["run", "p.toml"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{to}: {text}");
        for word in words {
            assert!(text.contains(word), "{to}: `{word}` is not in\n{text}");
        }
        assert!(
            !sandbox.path("artifacts").exists(),
            "{to}: something was written"
        );
    }
}

#[test]
fn an_analysis_that_is_not_defined_for_a_model_is_refused_before_anything_runs() {
    let mlp = "[train.mlp]\ndata = \"data.digits\"\n";
    for (reader, model, reason) in [
        (
            "[metric.truncation]",
            "train.mlp",
            "`train.mlp` (kind mlp) is not bilinear, which `metric.truncation` needs of its `model`: \
             only the logits of a bilinear layer are sums over eigenpairs",
        ),
        (
            "[metric.truncation]",
            "train.ground-truth",
            "`train.ground-truth` (kind bilinear) is not bias-free",
        ),
        (
            "[decompose.interaction]",
            "train.mlp",
            "`train.mlp` (kind mlp) is not bilinear",
        ),
        (
            "[decompose.ground-truth]",
            "train.bilinear[hidden=4,seed=0]",
            "`train.bilinear` (kind bilinear) is not biased",
        ),
    ] {
        let sandbox = Sandbox::new(&format!("{PIPELINE}{mlp}"));
        // Another model in place of the one given, which becomes a comment.
        let start = format!("{reader}\nmodel = \"");
        sandbox.edit(&start, &format!("{start}{model}\" # \""));
        let output = sandbox.call(&["run", "p.toml"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        // The report is broken into lines for the terminal.
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|&word| word != "│")
            .collect();
        assert!(words.join(" ").contains(reason), "{text}");
        assert!(!sandbox.path("artifacts").exists(), "something was written");
    }
}

#[test]
fn sizes_that_cannot_work_are_refused_before_anything_runs() {
    let data = |lines: &str| format!("[data.more]\nkind = \"digits\"\n{lines}\n");
    let cnn = "[train.cnn]\ndata = \"data.digits\"\n";
    let surgery = "[train.convnet]\ndata = \"data.more\"\nepochs = 1\n\
         [decompose.embedding]\nmodel = \"train.convnet\"\ndata = \"data.more\"\nlayer = \"embedding\"\n\
         [decompose.surgery]\nmodel = \"train.convnet\"\nembeddings = \"decompose.embedding\"\n";
    let large =
        data("classes = [0, 1, 2, 3]\ntransforms = [{ resize = { height = 16, width = 16 } }]");
    for (tables, reason) in [
        (
            cnn.to_owned(),
            "`train.cnn` needs at least 13 rows of pixels, but `data.digits` has 8",
        ),
        (
            data("train_count = 1438"),
            "`train_count` needs at least 1438 training images, but there are 1437",
        ),
        (
            data("train_count = 3\ntrain_fraction = 0.5"),
            "exclude each other",
        ),
        (
            data("classes = [10]"),
            "`classes` names number 10 of the classes, counted from 0, but there are 10",
        ),
        (data("classes = [3, 3]"), "`classes` has 3 twice"),
        (
            data("transforms = [\"grey\"]"),
            "`transforms: grey` needs 3 channels, but there is 1",
        ),
        (
            data("transforms = [{ normalise = { mean = [0, 0, 0], std = [1, 1, 1] } }]"),
            "`transforms: normalise` needs 3 channels, but there is 1",
        ),
        (
            data("transforms = [{ normalise = { mean = [0], std = [0] } }]"),
            "must be a positive number, found the integer 0",
        ),
        (
            format!("{large}{surgery}pairs = [[0, 4]]\n"),
            "`decompose.surgery` names number 4 of the classes, counted from 0, but `train.convnet` has 4",
        ),
    ] {
        let sandbox = Sandbox::new(&format!("{PIPELINE}{tables}"));
        let output = sandbox.call(&["run", "p.toml"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{tables}{text}");
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|&word| word != "│")
            .collect();
        assert!(words.join(" ").contains(reason), "{tables}{text}");
        assert!(!sandbox.path("artifacts").exists(), "something was written");
    }
}

#[test]
fn lists_are_swept_and_selected() {
    let pipeline = "[data.digits]\ntrain_count = 100\n\
         [train.mlp]\ndata = \"data.digits\"\nwidths = [[], [4], [4, 3]]\nepochs = 1\n\
         [metric.final]\nhistories = \"train.mlp[widths=none|4-3]\"\n";
    let sandbox = Sandbox::new(pipeline);
    let output = sandbox.call(&["run", "p.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let query = "select widths from train_mlp_history where epoch = 1 order by widths";
    let output = sandbox.call(&["sql", "p.toml", query, "--csv"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        ["widths", "4", "4-3", "none"]
    );
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
        let sandbox = Sandbox::new(&layer_pipeline(network, recipe));
        sandbox.run();
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
        fs::write(sandbox.path("p.published.toml"), laws.concat()).expect("written");
        let compare = sandbox.call(&["compare", "p.toml"]);
        assert_eq!(
            compare.status.code(),
            Some(0),
            "{network}: {}",
            stdout(&compare)
        );
    }
}

#[test]
fn unknown_pipelines_and_tasks_name_the_known_ones() {
    let sandbox = Sandbox::new(PIPELINE);
    fs::create_dir(sandbox.path("pipelines")).expect("created");
    fs::write(sandbox.path("pipelines/mine.toml"), PIPELINE).expect("written");
    let output = sandbox.call(&["run", "yours"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("known: mine"),
        "{}",
        stderr(&output)
    );
    let output = sandbox.call(&["status", "mine", "figure.similarty"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("did you mean `figure.similarity`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn missing_data_says_what_was_wanted_and_leaves_nothing() {
    let sandbox = Sandbox::new("[data.mnist]\n");
    let output = sandbox.call(&["run", "p.toml", "--offline", "--data-dir", "nowhere"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("train-images-idx3-ubyte"), "{text}");
    assert!(text.contains("nowhere"), "{text}");
    assert!(sandbox.temporaries().is_empty());
    assert!(!sandbox.path("artifacts/p/data.mnist").exists());
}

#[test]
fn a_garbage_data_file_is_refused_with_its_name() {
    let sandbox = Sandbox::new("[data.mnist]\n");
    fs::create_dir_all(sandbox.path("data/mnist")).expect("created");
    for name in [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ] {
        fs::write(
            sandbox.path("data/mnist").join(name),
            b"not an IDX file at all",
        )
        .expect("written");
    }
    let output = sandbox.call(&["run", "p.toml", "--offline"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("train-images-idx3-ubyte"),
        "{}",
        stderr(&output)
    );
    assert!(sandbox.temporaries().is_empty());
}

#[test]
fn diverging_training_stops_with_epoch_and_value() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.edit("epochs = 3", "epochs = 3\nlearning_rate = 1e5");
    let output = sandbox.call(&["run", "p.toml", "metric.final"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("training diverged in epoch"), "{text}");
    assert!(sandbox.temporaries().is_empty());
}

#[test]
fn an_output_folder_that_is_a_file_is_named() {
    let sandbox = Sandbox::new(PIPELINE);
    fs::write(sandbox.path("artifacts"), b"a file, not a folder").expect("written");
    let output = sandbox.call(&["run", "p.toml", "--offline"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("a file stands where a folder is needed"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn compare_tells_hits_from_misses() {
    let sandbox = Sandbox::new(PIPELINE);
    let row = |value: &str| {
        format!(
            "[[published]]\nname = \"accuracy\"\nsource = \"a test\"\ntable = \"metric.final\"\n\
             where = {{ hidden = 6 }}\ncolumn = \"test_accuracy_fraction\"\nvalue = {value}\ntolerance = 0.5\n"
        )
    };
    fs::write(sandbox.path("p.published.toml"), row("0.5")).expect("written");
    let output = sandbox.call(&["compare", "p.toml"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "nothing has been computed yet"
    );
    sandbox.run();
    let output = sandbox.call(&["compare", "p.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    fs::write(sandbox.path("p.published.toml"), row("7.0")).expect("written");
    assert_eq!(sandbox.call(&["compare", "p.toml"]).status.code(), Some(1));
}

/// On the embedded digits surgery merges two classes and leaves the others to be told apart.
#[test]
fn surgery_on_digits_spares_the_other_classes() {
    let pipelines = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../pipelines"));
    let read = |name: &str| fs::read_to_string(pipelines.join(name)).expect("readable");
    let sandbox = Sandbox::new(&read("digits.toml"));
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
    fs::write(sandbox.path("p.published.toml"), rows.concat()).expect("written");
    let tasks = ["metric.confusion-before", "metric.confusion-after"];
    let run = [&["run", "p.toml", "--offline"][..], &tasks].concat();
    let output = sandbox.call(&run);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let compare = sandbox.call(&["compare", "p.toml"]);
    assert_eq!(compare.status.code(), Some(0), "{}", stdout(&compare));
}

#[test]
fn every_shipped_pipeline_is_valid() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let sandbox = Sandbox::new(PIPELINE);
    let mut pipelines = 0;
    for entry in fs::read_dir(root.join("pipelines")).expect("pipelines") {
        let path = entry.expect("readable").path();
        // Not the files beside them: `digits.published.toml`, `digits.lock`.
        if path.extension().is_none_or(|end| end != "toml") || name(&path).matches('.').count() > 1
        {
            continue;
        }
        pipelines += 1;
        let path = path.display().to_string();
        let graph = sandbox.call(&["graph", &path]);
        assert_eq!(graph.status.code(), Some(0), "{}", stderr(&graph));
        // Nothing is computed here, so every published number is missing; but the file must be understood.
        let compare = sandbox.call(&["compare", &path]);
        assert_eq!(compare.status.code(), Some(1), "{}", stderr(&compare));
        assert!(stdout(&compare).contains(" 0 off"), "{}", stdout(&compare));
    }
    assert!(pipelines >= 3);
}

#[test]
fn status_and_compare_print_versioned_json() {
    let sandbox = Sandbox::new(PIPELINE);
    fs::write(
        sandbox.path("p.published.toml"),
        "[[published]]\nname = \"a\"\nsource = \"b\"\ntable = \"metric.final\"\n\
         column = \"test_accuracy_fraction\"\nvalue = 0.5\ntolerance = 0.1\n",
    )
    .expect("written");
    for arguments in [
        &["status", "p.toml", "--json"][..],
        &["compare", "p.toml", "--json"],
    ] {
        let output = sandbox.call(arguments);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(json["version"], 1, "{arguments:?}");
    }
    let missing = sandbox.call(&["compare", "p.toml", "--published", "nowhere.toml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        stderr(&missing).contains("nowhere.toml"),
        "{}",
        stderr(&missing)
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_everything_and_keeps_finished_work() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.edit("epochs = 3", "epochs = 100000");
    let child = sandbox
        .command(&["run", "p.toml", "--offline"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    let data = sandbox.path("artifacts/p/data.digits/task.json");
    while !data.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(data.exists());
    assert!(sandbox.temporaries().is_empty());
    sandbox.edit("epochs = 100000", "epochs = 3");
    sandbox.run();
}

#[test]
fn graph_and_show_print_to_standard_output() {
    let sandbox = Sandbox::new(PIPELINE);
    let dot = sandbox.call(&["graph", "p.toml"]);
    assert!(stdout(&dot).starts_with("digraph"), "{}", stdout(&dot));
    let mermaid = sandbox.call(&["graph", "p.toml", "--format", "mermaid"]);
    assert!(
        stdout(&mermaid).contains("train.bilinear"),
        "{}",
        stdout(&mermaid)
    );
    let dry = sandbox.call(&["run", "p.toml", "--dry-run"]);
    assert_eq!(stdout(&dry).lines().count(), TASKS);
    assert!(!sandbox.path("artifacts").exists());
    sandbox.run();
    let shown = stdout(&sandbox.call(&["show", "artifacts/p/train.bilinear,hidden-4,seed-0"]));
    for words in [
        "kind        history",
        "kind        tensors",
        "embed.weight",
        "train_loss_nats",
    ] {
        assert!(shown.contains(words), "`{words}` is not in\n{shown}");
    }
}
