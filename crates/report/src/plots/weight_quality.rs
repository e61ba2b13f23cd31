//! What the weights of every layer look like, a line for each model.

use eigenscope_artifact::read_records;
use eigenscope_artifact::tables::layers::WeightQualityRow;
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::inputs::layers::distinct;
use crate::inputs::looks::{Look, Looks};
use crate::parts::series::{enumerate, padded_range, span};
use eigenscope_figure::{
    Axes, Axis, Figure, Layer, Legend, Line, Marker, MarkerShape, Panel, ticks,
};

/// Width of a panel, and room for the legend, px.
const PANEL: f64 = 370.0;
const MARGINS: f64 = 120.0;
/// Most panels in a row.
const MOST_COLUMNS: usize = 2;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "weight-quality",
        "measures of the weights of every layer, a line for each model",
        task_function!(run),
    )
    .parameters::<Parameters>([Parameter::optional(
        "measures",
        ParameterType::set(ParameterType::choice(&MEASURES.map(|measure| measure.name))).filled(),
        vec!["alpha", "stable-rank", "soft-rank", "initial-distance"],
        "what is drawn, a panel each",
    )])
    .reads(Role::many(
        "quality",
        WeightQualityRow::KIND,
        "measures of any models, trained or imported",
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    measures: Vec<String>,
}

/// A column of the table as a panel.
#[derive(Clone, Copy)]
struct Measure {
    name: &'static str,
    title: &'static str,
    label: &'static str,
    of: fn(&WeightQualityRow) -> Option<f64>,
}

const MEASURES: [Measure; 8] = [
    Measure {
        name: "alpha",
        title: "Exponent of the tail of the spectrum",
        label: "α",
        of: |row| row.alpha,
    },
    Measure {
        name: "weighted-alpha",
        title: "Weighted exponent",
        label: "α log_{10} λ_{max}",
        of: |row| row.weighted_alpha,
    },
    Measure {
        name: "stable-rank",
        title: "Stable rank",
        label: "Stable rank",
        of: |row| row.stable_rank,
    },
    Measure {
        name: "soft-rank",
        title: "Soft rank",
        label: "Edge of the bulk / λ_{max}",
        of: |row| row.soft_rank,
    },
    Measure {
        name: "spikes",
        title: "Eigenvalues above the bulk",
        label: "Number",
        of: |row| row.spikes.map(f64::from),
    },
    Measure {
        name: "spectral-norm",
        title: "Spectral norm",
        label: "Largest singular value",
        of: |row| Some(row.spectral_norm),
    },
    Measure {
        name: "log-frobenius-norm",
        title: "Frobenius norm",
        label: "log_{10} of the norm",
        of: |row| row.log_frobenius_norm,
    },
    Measure {
        name: "initial-distance",
        title: "Distance from the initial weights",
        label: "Relative to their norm",
        of: |row| row.initial_relative_distance,
    },
];

struct Model {
    look: Look,
    rows: Vec<WeightQualityRow>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { measures } = context.parameters()?;
    let inputs = context.inputs("quality")?;
    let looks = Looks::of(inputs);
    let shared = looks.shared(inputs);
    let mut models = Vec::with_capacity(inputs.len());
    for (look, input) in looks.members.into_iter().zip(inputs) {
        let rows = read_records(&input.path)?;
        models.push(Model { look, rows });
    }
    // Legend entries have the order of the lines.
    models.sort_by_key(|model| model.look.place);
    if measures.is_empty() {
        return Err("`measures` is empty: name one".into());
    }
    let chosen = |name: &String| {
        MEASURES
            .into_iter()
            .find(|measure| measure.name == name.as_str())
    };
    let (measures, missing): (Vec<Measure>, Vec<Measure>) = measures
        .iter()
        .filter_map(chosen)
        .partition(|measure| is_known(*measure, &models));
    let missing: Vec<&str> = missing.iter().map(|measure| measure.name).collect();
    if measures.is_empty() {
        return Err(format!(
            "none of the models has {}; draw other `measures`",
            enumerate(missing.iter())
        )
        .into());
    }
    if !missing.is_empty() {
        context.warn(format!(
            "left out, as no model has it: {}",
            missing.join(", ")
        ));
    }
    let title = labels::titled_by_all("Weights of every layer", inputs);
    write(
        context,
        draw(&models, &measures, title, looks.legend, &shared),
    )
}

fn is_known(measure: Measure, models: &[Model]) -> bool {
    let mut rows = models.iter().flat_map(|model| &model.rows);
    rows.any(|row| (measure.of)(row).is_some())
}

fn draw(
    models: &[Model],
    measures: &[Measure],
    title: String,
    legend: Legend,
    shared: &str,
) -> Figure {
    let rows = models.iter().flat_map(|model| &model.rows);
    let layers = distinct(rows.map(|row| row.layer.as_str()));
    let panels = measures
        .iter()
        .map(|measure| panel(models, &layers, *measure));
    let panels: Vec<Panel> = panels.collect();
    let found = measures.iter().filter_map(|measure| {
        let rows = models.iter().flat_map(|model| &model.rows);
        let span = span(rows.filter_map(measure.of), |value| {
            ticks::significant(value, 2)
        })?;
        Some(format!("{} {span}", measure.title))
    });
    let found: Vec<String> = found.collect();
    let columns = panels.len().min(MOST_COLUMNS);
    let of = match models.len() {
        1 => "one model".to_owned(),
        models => format!("{models} models"),
    };
    Figure::new(
        title,
        format!(
            "From the squared singular values λ of the weight of every layer, of {of}. The tail of the largest is fitted by a density of λ to the power −α; the bulk is what \
             random weights of the same median would have. The stable rank is their sum over the largest. A soft rank below 1 means that eigenvalues exceed the bulk. Over all layers: {}.{shared}",
            found.join("; ")
        ),
        MARGINS + PANEL * columns as f64,
        columns,
        panels,
    )
    .with_legend(legend)
}

fn panel(models: &[Model], layers: &[String], measure: Measure) -> Panel {
    let lines = models.iter().map(|model| {
        let value = |layer: &String| {
            let row = model.rows.iter().find(|row| row.layer == *layer);
            row.and_then(measure.of).unwrap_or(f64::NAN)
        };
        let places = (0..layers.len()).map(|place| place as f64 + 0.5);
        let line = Line::new(
            places.collect(),
            layers.iter().map(value).collect(),
            model.look.colour,
        );
        Line {
            width: 1.2,
            marker: Some(Marker::new(MarkerShape::Circle)),
            ..line.named(model.look.name.clone())
        }
    });
    let lines: Vec<Line> = lines.collect();
    let range = padded_range(lines.iter().flat_map(|line| line.y.iter().copied()));
    let x = Axis::categories("", layers.iter().map(String::as_str));
    let y = Axis::linear(measure.label, range).with_major(ticks::linear(range, 6));
    let layers = lines.into_iter().map(Layer::Line).collect();
    Panel::axes(measure.title, Axes::new(x, y, layers))
}
