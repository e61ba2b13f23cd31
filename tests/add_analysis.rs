//! "To add an analysis" of ARCHITECTURE.md, step by step in a copy of this workspace: a kind of table, a metric, a figure, a
//! pipeline; nothing else is touched, and the result is drawn.
//!
//! Only what the steps make other code is compiled, without optimisation: libraries are taken from this workspace's target
//! folder, which is not written to, and so are the stage programs that no step touches.

mod sandbox;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::{Sandbox, stderr, stdout};

/// Step 1, in `tables.rs`.
const TABLE: &str = r#"
records! {
    /// How much better a model is on the images it was trained on.
    pub struct GapRow: Kind::Gap => {
        /// Id of the training task.
        model: String,
        /// Training accuracy minus test accuracy after the last epoch.
        gap_fraction: f64,
    }
}
"#;

/// Step 2.
const METRIC: &str = r#"//! The task kind `gap`: training accuracy minus test accuracy of every model.

use eigenscope_artifact::{GapRow, HistoryRow, Kind, read_records, write_records};
use eigenscope_stage::{
    Context, KindDescription, Resources, Role, TaskError, TaskKind, task_function,
};

pub fn kind() -> TaskKind {
    TaskKind {
        description: KindDescription {
            name: "gap".to_owned(),
            summary: "training accuracy minus test accuracy".to_owned(),
            parameters: Vec::new(),
            roles: vec![Role::many("histories", Kind::History, "training histories")],
            outputs: vec![Kind::Gap],
            provides: Vec::new(),
            random: false,
            resources: Resources { memory_mib: 64, ..Resources::default() },
        },
        run: task_function!(run),
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let mut rows = Vec::new();
    for input in context.inputs("histories")? {
        let history: Vec<HistoryRow> = read_records(&input.path)?;
        let last = history.last().ok_or("a history without epochs")?;
        rows.push(GapRow {
            model: input.task.clone(),
            gap_fraction: last.train_accuracy_fraction - last.test_accuracy_fraction,
        });
    }
    write_records(context.output(Kind::Gap)?, &rows, context.provenance())?;
    Ok(())
}
"#;

/// Step 3.
const FIGURE: &str = r#"//! The gap of every model.

use eigenscope_artifact::{GapRow, Kind, read_records};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use super::series::padded_range;
use crate::figure::{Axes, Axis, Figure, Layer, Line, Panel, Rgb};

pub(super) fn kind() -> TaskKind {
    let roles = vec![Role::one("gaps", Kind::Gap, "gaps to draw")];
    figure_kind("gap", "the gap of every model", vec![], roles, task_function!(run))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let rows: Vec<GapRow> = read_records(&context.input("gaps")?.path)?;
    let gaps: Vec<f64> = rows.iter().map(|row| row.gap_fraction).collect();
    let models: Vec<f64> = (1..=rows.len()).map(|model| model as f64).collect();
    let x = Axis::linear("model", (0.5, rows.len() as f64 + 0.5));
    let y = Axis::linear("gap", padded_range(gaps.iter().copied()));
    let line = Layer::Line(Line::new(models, gaps, Rgb::categorical(0)));
    let panel = Panel::axes("Gap", Axes::new(x, y, vec![line]));
    write(context, Figure::new("Gap", "Training minus test accuracy.".to_owned(), 400.0, 1, vec![panel]))
}
"#;

/// Step 4.
const PIPELINE: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 2
batch = 64

[metric.final]
histories = "train.bilinear"

[metric.gap]
histories = "train.bilinear"

[figure.gap]
gaps = "metric.gap"
"#;

/// Programs that hold code of the steps, and the orchestrator, which checks all tables.
const REBUILT: [&str; 3] = ["eigenscope", "eigenscope-metrics", "eigenscope-report"];

/// Programs that no step touches.
const UNTOUCHED: [&str; 3] = [
    "eigenscope-ingest",
    "eigenscope-train",
    "eigenscope-decompose",
];

fn root() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).expect("the workspace")
}

/// Folder of the programs of this workspace.
fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_eigenscope"))
        .parent()
        .expect("a folder")
}

fn copy_all(from: &Path, to: &Path, link: fn(&Path, &Path) -> std::io::Result<()>) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("created");
        for entry in fs::read_dir(from).expect("readable") {
            let path = entry.expect("readable").path();
            copy_all(&path, &to.join(path.file_name().expect("a name")), link);
        }
    } else {
        link(from, to).expect("copied");
    }
}

/// A copy with the time of the original, which cargo compares.
fn copy_with_time(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    fs::File::options()
        .append(true)
        .open(to)?
        .set_modified(modified)
}

/// What cargo has compiled of other people's crates. Libraries are never changed in place, so names for the same files do; what
/// cargo notes about them is copied.
fn borrow_libraries(target: &Path) {
    let mut libraries = 0;
    for folder in ["deps", ".fingerprint", "build"] {
        fs::create_dir_all(target.join(folder)).expect("created");
        for entry in fs::read_dir(built().join(folder)).expect("built by cargo") {
            let path = entry.expect("readable").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if name.contains("eigenscope") {
                continue;
            }
            let to = target.join(folder).join(&name);
            match folder {
                "deps" if name.starts_with("lib") => {
                    libraries += 1;
                    fs::hard_link(&path, &to)
                        .or_else(|_| copy_with_time(&path, &to))
                        .expect("linked");
                }
                "deps" => {}
                _ => copy_all(&path, &to, copy_with_time),
            }
        }
    }
    // Without them everything would be compiled, which takes a quarter of an hour.
    assert!(
        libraries > 100,
        "{libraries} libraries in {}",
        built().display()
    );
}

/// Replaces a piece of a file, which must be there.
#[track_caller]
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("readable");
    assert!(text.contains(from), "{} has no `{from}`", file.display());
    fs::write(file, text.replacen(from, to, 1)).expect("written");
}

/// The steps, in the copy of the workspace in `copy`.
fn follow_the_steps(copy: &Path) {
    let source = |file: &str| copy.join("crates").join(file);
    let tables = source("artifact/src/tables.rs");
    let text = fs::read_to_string(&tables).expect("readable");
    fs::write(&tables, text + TABLE).expect("written");
    edit(
        &source("artifact/src/kind.rs"),
        "    /// A figure as vector graphics.",
        "    /// Training minus test accuracy.\n    Gap = \"gap\", 1, \"parquet\";\n    /// A figure as vector graphics.",
    );
    edit(
        &source("artifact/src/lib.rs"),
        "FinalRow, ",
        "FinalRow, GapRow, ",
    );

    fs::write(source("metrics/src/gap.rs"), METRIC).expect("written");
    let metrics = source("metrics/src/lib.rs");
    edit(&metrics, "mod labels;", "pub mod gap;\nmod labels;");
    edit(
        &metrics,
        "final_rows::kind(),",
        "final_rows::kind(),\n        gap::kind(),",
    );

    fs::write(source("report/src/plots/gap.rs"), FIGURE).expect("written");
    let plots = source("report/src/plots/mod.rs");
    edit(&plots, "mod labels;", "mod gap;\nmod labels;");
    edit(
        &plots,
        "training::kind(),",
        "training::kind(),\n        gap::kind(),",
    );
}

#[test]
fn the_steps_of_the_architecture_page_are_enough() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let steps = page
        .split("## To add an analysis")
        .nth(1)
        .expect("the steps");
    let steps = steps.split("\n## ").next().expect("the steps");
    for file in [
        "crates/artifact/src/tables.rs",
        "kind.rs",
        "lib.rs",
        "crates/metrics/src",
        "crates/report/src/plots",
        "pipelines/digits.toml",
        "`kinds()`",
    ] {
        assert!(steps.contains(file), "the steps do not name {file}");
    }

    let sandbox = Sandbox::new(PIPELINE);
    let copy = sandbox.path("workspace");
    for part in ["Cargo.toml", "Cargo.lock", "crates", "tests"] {
        fs::create_dir_all(&copy).expect("created");
        copy_all(&root().join(part), &copy.join(part), |from, to| {
            fs::copy(from, to).map(drop)
        });
    }
    follow_the_steps(&copy);
    let target = sandbox.path("target/release");
    borrow_libraries(&target);
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--release",
            "--workspace",
            "--locked",
            "--offline",
            "--quiet",
        ])
        .args(REBUILT.iter().flat_map(|program| ["--bin", program]))
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", sandbox.path("target"))
        // Of the workspace only: libraries keep the levels of `Cargo.toml`.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
    let built_now = cargo.output().expect("cargo runs");
    assert!(built_now.status.success(), "{}", stderr(&built_now));
    for program in UNTOUCHED {
        fs::copy(built().join(program), target.join(program)).expect("copied");
    }

    let mut run = Command::new(target.join("eigenscope"));
    let run = sandbox
        .set_up(&mut run)
        .args(["run", "p.toml", "--offline"]);
    let run = run.output().expect("the program starts");
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let figure = fs::read_to_string(sandbox.path("artifacts/p/figures/gap.svg")).expect("drawn");
    assert!(
        figure.contains("<svg") && figure.contains(">Gap<"),
        "{figure}"
    );

    // The numbers are those of another table of the same models.
    let mut sql = Command::new(target.join("eigenscope"));
    let query = "select max(abs(g.gap_fraction - (f.train_accuracy_fraction - f.test_accuracy_fraction))) as off, \
                 count(*) as models from metric_gap g join metric_final f on g.model = f.model";
    let sql = sandbox
        .set_up(&mut sql)
        .args(["sql", "p.toml", query, "--csv"]);
    let sql = sql.output().expect("the program starts");
    assert_eq!(stdout(&sql), "off,models\n0.0,2\n", "{}", stderr(&sql));
}
