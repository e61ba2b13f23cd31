//! "To add an analysis" of ARCHITECTURE.md, step by step in a copy of this workspace: a kind of table, a metric, a figure, a
//! pipeline; nothing else is touched, and the result is drawn.

use eigenscope_stage::Stage;
use eigenscope_testing::{WorkspaceCopy, section_of};
use serde_json::json;

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

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{GapRow, read_records, write_records, KindName};
use eigenscope_stage::{
    Context, TaskKindDescription, Resources, Role, TaskError, TaskKind, task_function,
};

pub fn kind() -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: "gap".to_owned(),
            summary: "training accuracy minus test accuracy".to_owned(),
            parameters: Vec::new(),
            roles: vec![Role::many("histories", HistoryRow::KIND, "training histories")],
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

use eigenscope_artifact::{GapRow, read_records, KindName};
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

/// The steps, in a copy of the workspace.
fn follow_the_steps(copy: &WorkspaceCopy) {
    copy.append("artifact/src/tables.rs", TABLE);
    copy.edit(
        "artifact/src/kind.rs",
        "    /// A figure as vector graphics.",
        "    /// Training minus test accuracy.\n    Gap = \"gap\", 1, \"parquet\";\n    /// A figure as vector graphics.",
    );
    copy.edit("artifact/src/lib.rs", "FinalRow, ", "FinalRow, GapRow, ");

    copy.add("metrics/src/tasks/gap.rs", METRIC);
    let metrics = "metrics/src/tasks/mod.rs";
    copy.edit(metrics, "mod neighbours;", "mod gap;\nmod neighbours;");
    copy.edit(
        metrics,
        "scaling::kind(),",
        "scaling::kind(),\n        gap::kind(),",
    );

    copy.add("report/src/plots/gap.rs", FIGURE);
    let plots = "report/src/plots/mod.rs";
    copy.edit(plots, "mod labels;", "mod gap;\nmod labels;");
    copy.edit(
        plots,
        "training::kind(),",
        "training::kind(),\n        gap::kind(),",
    );
}

#[test]
fn the_steps_of_the_architecture_page_are_enough() {
    let steps = section_of("ARCHITECTURE.md", "## To add an analysis");
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

    let copy = WorkspaceCopy::new(PIPELINE);
    follow_the_steps(&copy);
    let project = copy.build(&[Stage::Metric, Stage::Figure]);
    project.run();
    let figure = project.read("artifacts/p/figures/gap.svg");
    assert!(
        figure.contains("<svg") && figure.contains(">Gap<"),
        "{figure}"
    );

    // The numbers are those of another table of the same models.
    let query = "select max(abs(g.gap_fraction - (f.train_accuracy_fraction - f.test_accuracy_fraction))) as off, \
                 count(*) as models from metric_gap g join metric_final f on g.model = f.model";
    let answer = project.json(&["sql", "p.toml", query]);
    assert_eq!(answer["rows"], json!([[0.0, 2]]));
}
