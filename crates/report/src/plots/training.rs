//! Loss and accuracy by epoch, a line for each model.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{read_records, summarise};
use eigenscope_stage::{Context, Input, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels::{self, Differences};
use crate::parts::floor::Floored;
use crate::parts::layer_spectra::curve;
use crate::parts::series::{enumerate, percentage_range, whole_ticks};
use eigenscope_figure::{Axes, Axis, ColourMap, Figure, Layer, Legend, Line, Panel, Rgb, ticks};

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "training",
        "training and test loss and accuracy by epoch",
        task_function!(run),
    )
    .reads(Role::many(
        "histories",
        HistoryRow::KIND,
        "histories to draw",
    ))
}

/// Most models with categorical colours. Colours of more models run from dark to light.
const CATEGORIES: usize = 10;

struct Run {
    /// Entry in the legend.
    name: String,
    colour: Rgb,
    rows: Vec<HistoryRow>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let inputs = context.inputs("histories")?;
    let Groups {
        legend,
        names,
        colours,
    } = Groups::of(inputs);
    let shared = shared_colours(inputs, &names);
    let mut changes = Vec::new();
    let mut runs = Vec::with_capacity(inputs.len());
    for (name, input) in names.into_iter().zip(inputs) {
        changes.extend(change(input)?);
        runs.push(Run {
            colour: colours.get(&name).map_or(Rgb::BLACK, |(_, colour)| *colour),
            rows: read_records(&input.path)?,
            name,
        });
    }
    // Legend entries have the order of the layers.
    runs.sort_by_key(|run| colours.get(&run.name).map(|(place, _)| *place));
    let word = match changes.iter().all(|change| *change == "with noise") {
        true => "with noise",
        false => "augmented",
    };
    let changed = match changes.len() {
        0 => String::new(),
        all if all == runs.len() => format!(" ({word})"),
        _ => format!(" (of some models {word})"),
    };
    let title = labels::titled_by_all("Training", inputs);
    write(context, draw(&runs, title, legend, &changed, &shared))
}

/// A sentence about the labels in which runs of one name, and so of one colour, differ; empty if they differ in none.
fn shared_colours(inputs: &[Input], names: &[String]) -> String {
    let mut groups: BTreeMap<&String, Vec<&Input>> = BTreeMap::new();
    for (name, input) in names.iter().zip(inputs) {
        groups.entry(name).or_default().push(input);
    }
    let differing: BTreeSet<String> = groups
        .values()
        .flat_map(|group| Differences::of(group.iter().map(|input| &input.labels)).names())
        .collect();
    if differing.is_empty() {
        return String::new();
    }
    format!(
        " Curves of one colour differ in {}.",
        enumerate(differing.iter())
    )
}

/// What is done to the training images, if anything, according to the parameters in the provenance.
fn change(input: &Input) -> Result<Option<&'static str>, TaskError> {
    let parameters = summarise(&input.path)?.provenance.parameters;
    let noise = parameters["noise_std"].as_f64();
    let has_noise = noise.is_some_and(|noise| noise > 0.0);
    let augment = parameters["augment"].as_array();
    let mut augment = augment.into_iter().flatten();
    Ok(match augment.all(|step| step.get("noise").is_some()) {
        false => Some("augmented"),
        true if has_noise || parameters["augment"][0].is_object() => Some("with noise"),
        true => None,
    })
}

/// Names and colours of runs, which several can share.
struct Groups {
    legend: Legend,
    /// Name of each run.
    names: Vec<String>,
    /// Position among all and colour of each name.
    colours: BTreeMap<String, (usize, Rgb)>,
}

impl Groups {
    /// Groups runs by hidden size if all have one, otherwise by their names.
    fn of(inputs: &[Input]) -> Self {
        let sizes = inputs.iter().map(|input| input.label_u64("hidden"));
        let sizes: Option<Vec<u64>> = sizes.collect();
        let by_size = sizes.is_some();
        let (title, names) = match sizes {
            Some(sizes) => (
                "Hidden size".to_owned(),
                sizes.iter().map(u64::to_string).collect(),
            ),
            None => {
                let (title, names) = labels::legend(inputs);
                (labels::capitalised(&title), names)
            }
        };
        let mut distinct: Vec<&String> = Vec::with_capacity(names.len());
        let mut seen = BTreeSet::new();
        distinct.extend(names.iter().filter(|name| seen.insert(*name)));
        let numbers = distinct.iter().map(|name| name.parse::<f64>().ok());
        let numbers: Option<Vec<f64>> = numbers.collect();
        let is_numeric = numbers.is_some();
        if let Some(numbers) = numbers {
            let mut order: Vec<usize> = (0..numbers.len()).collect();
            order.sort_by(|one, other| numbers[*one].total_cmp(&numbers[*other]));
            distinct = order.into_iter().map(|index| distinct[index]).collect();
        }
        let is_quantity = is_numeric && distinct.len() > 1 && title != "Seed";
        let ordered = by_size || is_quantity || distinct.len() > CATEGORIES;
        let looks: Vec<Rgb> = match ordered {
            true => ColourMap::Viridis.series(distinct.len()),
            false => (0..distinct.len()).map(Rgb::categorical).collect(),
        };
        let counted = |name: &String| match names.iter().filter(|other| *other == name).count() {
            0 | 1 => name.clone(),
            runs => format!("{name} (n = {runs})"),
        };
        let looks = looks.into_iter().enumerate();
        let colours = distinct.into_iter().map(counted).zip(looks).collect();
        let names = names.iter().map(counted).collect();
        let legend = Legend::right(title);
        Self {
            legend: if ordered { legend.ordered() } else { legend },
            names,
            colours,
        }
    }
}

fn draw(runs: &[Run], title: String, legend: Legend, noise: &str, shared: &str) -> Figure {
    // Training and test have one scale.
    let rows = || runs.iter().flat_map(|run| &run.rows);
    let losses = || rows().flat_map(|row| [row.train_loss_nats, row.test_loss_nats]);
    let losses = Floored::around(losses);
    let loss = losses.ticked_axis("Cross-entropy (nats)");
    let accuracies =
        rows().flat_map(|row| [row.train_accuracy_fraction, row.test_accuracy_fraction]);
    let range = percentage_range(accuracies.map(|fraction| 100.0 * fraction));
    let accuracy = Axis::linear("Accuracy (%)", range).with_major(ticks::linear(range, 6));
    let panels = vec![
        panel(runs, "Training loss", &loss, |row| {
            losses.place(row.train_loss_nats)
        }),
        panel(runs, "Test loss", &loss, |row| {
            losses.place(row.test_loss_nats)
        }),
        panel(runs, "Training accuracy", &accuracy, |row| {
            100.0 * row.train_accuracy_fraction
        }),
        panel(runs, "Test accuracy", &accuracy, |row| {
            100.0 * row.test_accuracy_fraction
        }),
    ];
    let figure = Figure::new(
        title,
        format!(
            "Loss, on a logarithmic axis, and accuracy on training batches{noise} and on the test images after every epoch, {}.{shared}",
            match runs.len() {
                1 => "one model".to_owned(),
                models => format!("{models} models"),
            }
        ),
        860.0,
        2,
        panels,
    );
    match runs {
        // The title names a single one.
        [_] => figure,
        _ => figure.with_legend(legend),
    }
}

fn panel(runs: &[Run], title: &str, y: &Axis, pick: impl Fn(&HistoryRow) -> f64) -> Panel {
    let layers = runs
        .iter()
        .filter(|run| !run.rows.is_empty())
        .map(|run| {
            let line = curve(
                run.rows.iter().map(|row| f64::from(row.epoch)).collect(),
                run.rows.iter().map(&pick).collect(),
                run.colour,
            );
            Layer::Line(Line {
                width: 1.2,
                ..line.named(run.name.clone())
            })
        })
        .collect();
    let epochs = epochs(runs);
    let x = Axis::linear("Epoch", epochs).with_major(whole_ticks(epochs));
    Panel::axes(title, Axes::new(x, y.clone(), layers))
}

/// Range of the epochs of all runs; a single epoch is extended by half an epoch on both sides.
fn epochs(runs: &[Run]) -> (f64, f64) {
    let all = runs.iter().flat_map(|run| &run.rows).map(|row| row.epoch);
    match (all.clone().min(), all.max()) {
        (Some(first), Some(last)) if first < last => (f64::from(first), f64::from(last)),
        (first, _) => {
            let epoch = f64::from(first.unwrap_or(1));
            (epoch - 0.5, epoch + 0.5)
        }
    }
}
