//! Loss and accuracy by epoch, one line a model.

use std::collections::BTreeMap;

use eigenscope_artifact::{HistoryRow, Kind, read_records};
use eigenscope_stage::{Context, Input, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use super::series::{padded_range, size_colours};
use crate::figure::{Axes, Axis, Figure, Layer, Legend, Line, Panel, Rgb, ticks};

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "training",
        "training and test loss and accuracy by epoch",
        vec![],
        vec![Role::many("histories", Kind::History, "histories to draw")],
        task_function!(run),
    )
}

/// One training run with the name and colour of its group.
struct Run {
    group: String,
    colour: Rgb,
    rows: Vec<HistoryRow>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let inputs = context.inputs("histories")?;
    let (title, colours) = groups(inputs);
    let runs = inputs
        .iter()
        .map(|input| {
            let group = group(input);
            Ok(Run {
                colour: colours[&group],
                group,
                rows: read_records(&input.path)?,
            })
        })
        .collect::<Result<Vec<_>, TaskError>>()?;
    write(context, draw(&runs, title))
}

/// What a run is grouped by: its hidden size where the sweep has one, else its task.
fn group(input: &Input) -> String {
    input
        .label_u64("hidden")
        .map_or_else(|| input.task.clone(), |hidden| hidden.to_string())
}

fn groups(inputs: &[Input]) -> (&'static str, BTreeMap<String, Rgb>) {
    let mut sizes: Vec<u32> = inputs
        .iter()
        .filter_map(|input| input.label_u64("hidden")?.try_into().ok())
        .collect();
    if sizes.len() == inputs.len() {
        sizes.sort_unstable();
        sizes.dedup();
        let colours = size_colours(sizes.into_iter());
        let colours = colours
            .into_iter()
            .map(|(size, colour)| (size.to_string(), colour));
        return ("hidden size", colours.collect());
    }
    let colours = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| (group(input), Rgb::categorical(index)));
    ("model", colours.collect())
}

fn draw(runs: &[Run], legend: &str) -> Figure {
    let panels = vec![
        panel(runs, "Training loss", "cross-entropy (nats)", |row| {
            row.train_loss_nats
        }),
        panel(runs, "Test loss", "cross-entropy (nats)", |row| {
            row.test_loss_nats
        }),
        panel(runs, "Training accuracy", "accuracy (%)", |row| {
            100.0 * row.train_accuracy_fraction
        }),
        panel(runs, "Test accuracy", "accuracy (%)", |row| {
            100.0 * row.test_accuracy_fraction
        }),
    ];
    let mut figure = Figure::new(
        "Training",
        format!(
            "Loss and accuracy on training batches (with noise) and on the test images after every epoch, {}.",
            match runs.len() {
                1 => "one model".to_owned(),
                models => format!("{models} models"),
            }
        ),
        860.0,
        2,
        panels,
    );
    figure.legend = Some(Legend::right(legend));
    figure
}

fn panel(runs: &[Run], title: &str, label: &str, pick: impl Fn(&HistoryRow) -> f64) -> Panel {
    let epochs = runs.iter().map(|run| run.rows.len()).max().unwrap_or(1);
    let range = padded_range(runs.iter().flat_map(|run| run.rows.iter().map(&pick)));
    let mut ordered: Vec<&Run> = runs.iter().collect();
    // Legend entries follow the layers: by size where the group is a number.
    ordered.sort_by_key(|run| run.group.parse::<u32>().unwrap_or(0));
    let layers = ordered
        .iter()
        .map(|run| {
            let mut line = Line::new(
                run.rows.iter().map(|row| f64::from(row.epoch)).collect(),
                run.rows.iter().map(&pick).collect(),
                run.colour,
            )
            .named(run.group.clone());
            line.width = 1.2;
            Layer::Line(line)
        })
        .collect();
    let x = Axis::linear("epoch", (0.0, epochs as f64));
    let y = Axis::linear(label, range).with_major(ticks::linear(range, 6));
    Panel::axes(title, Axes::new(x, y, layers))
}
