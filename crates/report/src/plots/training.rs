//! Loss and accuracy by epoch, a line for each model.

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{read_records, summarise};
use eigenscope_stage::{Context, Input, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::inputs::looks::{Look, Looks};
use crate::parts::chance::{Chance, accuracy_line, accuracy_range};
use crate::parts::floor::Floored;
use crate::parts::layer_spectra::curve;
use crate::parts::series::{span, whole_ticks};
use eigenscope_figure::{Axes, Axis, Figure, Layer, Legend, Line, Panel, ticks};

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

struct Run {
    look: Look,
    rows: Vec<HistoryRow>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let inputs = context.inputs("histories")?;
    let looks = Looks::of(inputs);
    let shared = looks.shared(inputs);
    let mut changes = Vec::new();
    let mut runs = Vec::with_capacity(inputs.len());
    for (look, input) in looks.members.into_iter().zip(inputs) {
        changes.extend(change(input)?);
        let rows = read_records(&input.path)?;
        runs.push(Run { look, rows });
    }
    // Legend entries have the order of the layers.
    runs.sort_by_key(|run| run.look.place);
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
    let chance = Chance::of(&context.about("histories")?);
    write(
        context,
        draw(&runs, title, looks.legend, chance, &changed, &shared),
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

fn draw(
    runs: &[Run],
    title: String,
    legend: Legend,
    chance: Option<Chance>,
    noise: &str,
    shared: &str,
) -> Figure {
    // Training and test have one scale.
    let rows = || runs.iter().flat_map(|run| &run.rows);
    let losses = || rows().flat_map(|row| [row.train_loss_nats, row.test_loss_nats]);
    let losses = Floored::around(losses);
    let loss = losses.ticked_axis("Cross-entropy (nats)");
    let accuracies =
        rows().flat_map(|row| [row.train_accuracy_fraction, row.test_accuracy_fraction]);
    let range = accuracy_range(accuracies.map(|fraction| 100.0 * fraction), chance);
    let guessed = accuracy_line(epochs(runs), range, chance);
    let accuracy = Axis::linear("Accuracy (%)", range).with_major(ticks::linear(range, 6));
    let panels = vec![
        panel(runs, "Training loss", &loss, None, |row| {
            losses.place(row.train_loss_nats)
        }),
        panel(runs, "Test loss", &loss, None, |row| {
            losses.place(row.test_loss_nats)
        }),
        panel(
            runs,
            "Training accuracy",
            &accuracy,
            guessed.as_ref(),
            |row| 100.0 * row.train_accuracy_fraction,
        ),
        panel(runs, "Test accuracy", &accuracy, guessed.as_ref(), |row| {
            100.0 * row.test_accuracy_fraction
        }),
    ];
    let ends = runs.iter().filter_map(|run| run.rows.last());
    let ends = ends.map(|row| 100.0 * row.test_accuracy_fraction);
    let end = span(ends, |accuracy| ticks::decimal(accuracy, 1));
    let end = end.map_or_else(String::new, |end| {
        format!(" The test accuracy after the last epoch is {end} %.")
    });
    let figure = Figure::new(
        title,
        format!(
            "Loss, on a logarithmic axis, and accuracy on training batches{noise} and on the test images after every epoch, {}.{shared}{end}{}",
            match runs.len() {
                1 => "one model".to_owned(),
                models => format!("{models} models"),
            },
            Chance::in_words(chance)
        ),
        860.0,
        2,
        panels,
    );
    match (runs, guessed) {
        ([_], None) => figure,
        ([_], Some(_)) => figure.with_legend(Legend::below("")),
        _ => figure.with_legend(legend),
    }
}

fn panel(
    runs: &[Run],
    title: &str,
    y: &Axis,
    guessed: Option<&Line>,
    pick: impl Fn(&HistoryRow) -> f64,
) -> Panel {
    let lines = runs.iter().filter(|run| !run.rows.is_empty()).map(|run| {
        let line = curve(
            run.rows.iter().map(|row| f64::from(row.epoch)).collect(),
            run.rows.iter().map(&pick).collect(),
            run.look.colour,
        );
        // The title names a single one.
        let name = (runs.len() > 1).then(|| run.look.name.clone());
        Layer::Line(Line {
            width: 1.2,
            name,
            ..line
        })
    });
    let layers = lines.chain(guessed.cloned().map(Layer::Line)).collect();
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
