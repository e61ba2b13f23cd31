//! "To add an analysis" of ARCHITECTURE.md, step by step in a copy of this workspace: a kind of table, a metric, a figure, a
//! pipeline; nothing else is touched, and the result is drawn.

use eigenscope_stage::Stage;
use eigenscope_testing::{WorkspaceCopy, section_of};
use serde_json::json;

/// Step 1, in the tables about training.
const TABLE: &str = r#"
records! {
    /// How much better a model is on the images it was trained on.
    pub struct GapRow: "gap", 1 => {
        /// Id of the training task.
        model: String,
        /// `factor` times the difference of training and test accuracy after the last epoch.
        gap_fraction: f64,
    }
}
"#;

/// Step 2.
const METRIC: &str = r#"//! The task kind `gap`: training accuracy minus test accuracy of every model.

use eigenscope_artifact::read_records;
use eigenscope_artifact::tables::training::{GapRow, HistoryRow};
use eigenscope_stage::{Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function};
use serde::Deserialize;

pub(super) fn kind() -> TaskKind {
    TaskKind::new("gap", "training accuracy minus test accuracy", task_function!(run))
        .parameters::<Parameters>([Parameter::optional("factor", ParameterType::at_least(1), 1, "factor")])
        .reads(Role::many("histories", HistoryRow::KIND, "training histories"))
        .writes(GapRow::KIND)
        .memory_mib(64)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    factor: f64,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { factor } = context.parameters()?;
    let mut rows = Vec::new();
    for input in context.inputs("histories")? {
        let history: Vec<HistoryRow> = read_records(&input.path)?;
        let last = history.last().ok_or("a history without epochs")?;
        rows.push(GapRow {
            model: input.task.clone(),
            gap_fraction: factor * (last.train_accuracy_fraction - last.test_accuracy_fraction),
        });
    }
    context.write(&rows)
}
"#;

/// Step 3.
const FIGURE: &str = r#"//! The gap of every model.

use eigenscope_artifact::tables::training::GapRow;
use eigenscope_figure::{Axes, Axis, Figure, Layer, Line, Panel, Rgb};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::parts::series::padded_range;

pub(super) fn kind() -> TaskKind {
    figure_kind("gap", "the gap of every model", task_function!(run))
        .reads(Role::one("gaps", GapRow::KIND, "gaps to draw"))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let rows: Vec<GapRow> = context.read("gaps")?;
    let gaps: Vec<f64> = rows.iter().map(|row| row.gap_fraction).collect();
    let models: Vec<f64> = (1..=rows.len()).map(|model| model as f64).collect();
    let x = Axis::linear("model", (0.5, rows.len() as f64 + 0.5));
    let y = Axis::linear("gap", padded_range(gaps.iter().copied()));
    let line = Layer::Line(Line::new(models, gaps, Rgb::categorical(0)));
    let panel = Panel::axes("Gap", Axes::new(x, y, vec![line]));
    write(context, Figure::new("Gap", "Training minus test accuracy.", 400.0, 1, vec![panel]))
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
factor = 2

[figure.gap]
gaps = "metric.gap"
"#;

/// The steps, in a copy of the workspace.
fn follow_the_steps(copy: &WorkspaceCopy) {
    copy.append("artifact/src/tables/training.rs", TABLE);

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
    copy.edit(plots, "mod map;", "mod gap;\nmod map;");
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
        "crates/artifact/src/tables",
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
    let query = "select max(abs(g.gap_fraction - 2 * (f.train_accuracy_fraction - f.test_accuracy_fraction))) as off, \
                 count(*) as models from metric_gap g join metric_final f on g.model = f.model";
    let answer = project.json(&["sql", "p.toml", query]);
    assert_eq!(answer["rows"], json!([[0.0, 2]]));
}
