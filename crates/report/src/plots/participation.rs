//! Participation ratios of eigenvalues and eigenvectors over two swept parameters, as two maps.

use eigenscope_artifact::tables::interactions::ParticipationRow;
use eigenscope_artifact::{Labelled, Labels, read_labelled};
use eigenscope_stage::{
    Context, LabelOf, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::label_axis::LabelAxis;
use crate::inputs::labels::{self, capitalised};
use crate::parts::heat_map::{self, Side};
use crate::parts::series::span;
use eigenscope_figure::{ColourBar, ColourMap, ColourScale, Figure, Panel, ticks};

/// Room beside the maps, px.
const MARGINS: f64 = 300.0;

/// The path to what the ratios are of.
const MODELS: &str = "participation/eigenpairs";

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "participation",
        "participation ratios of eigenvalues and eigenvectors over two swept parameters, as two maps",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "rows",
            ParameterType::Text,
            "weight_decay",
            "label whose values are the rows",
        )
        .label(LabelOf::all(MODELS)),
        Parameter::optional(
            "columns",
            ParameterType::Text,
            "noise_std",
            "label whose values are the columns",
        )
        .label(LabelOf::all(MODELS)),
    ])
    .reads(Role::one(
        "participation",
        ParticipationRow::KIND,
        "participation ratios to draw",
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    rows: String,
    columns: String,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("participation")?;
    let rows = read_labelled(&input.path)?;
    write(
        context,
        draw(&rows, &parameters, |title| labels::titled(title, input))?,
    )
}

fn draw(
    rows: &[Labelled<ParticipationRow>],
    parameters: &Parameters,
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let labels: Vec<&Labels> = rows.iter().map(|row| &row.labels).collect();
    let down = LabelAxis::new(&parameters.rows, "rows", &labels)?;
    let across = LabelAxis::new(&parameters.columns, "columns", &labels)?;
    let Some(vectors) = rows.iter().map(|row| row.row.eigenvectors).max() else {
        return Err("the table has no rows".into());
    };
    let map = |title: &str, label: &str, pick: fn(&ParticipationRow) -> f64| {
        panel(rows, (&down, &across), title, label, pick)
    };
    let panels = vec![
        map(
            "Eigenvalues",
            "Participation ratio of the eigenvalues",
            |row| row.eigenvalue_ratio_mean,
        )?,
        map(
            "Eigenvectors in input space",
            "Participation ratio of the pixels",
            |row| row.eigenvector_ratio_mean,
        )?,
    ];
    let ratios = |pick: fn(&ParticipationRow) -> f64| {
        let values = rows.iter().map(|row| pick(&row.row));
        span(values, |value| ticks::decimal(value, 1)).unwrap_or_default()
    };
    let (eigenvalues, pixels) = (
        ratios(|row| row.eigenvalue_ratio_mean),
        ratios(|row| row.eigenvector_ratio_mean),
    );
    let side = heat_map::side(down.names().len().max(across.names().len()) as f64);
    Ok(Figure::new(
        titled(&format!(
            "Participation ratios by {} and {}",
            down.title(),
            across.title()
        )),
        format!(
            "Participation ratio, the square of the sum of absolute values over the sum of squares, by {} (rows) and {} (columns): of the \
             eigenvalues of a class, and of the pixels of its {vectors} largest eigenvectors; means over classes. The ratios are {eigenvalues} and {pixels}.",
            down.title(),
            across.title(),
        ),
        MARGINS + 2.0 * side,
        2,
        panels,
    ))
}

/// From the smallest to the largest value; around values that are the same, half of each more.
fn range(values: &[f64]) -> (f64, f64) {
    let known = values.iter().copied().filter(|value| !value.is_nan());
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match low < high {
        true => (low, high),
        false => (0.5 * low, 1.5 * low),
    }
}

fn panel(
    rows: &[Labelled<ParticipationRow>],
    (down, across): (&LabelAxis, &LabelAxis),
    title: &str,
    label: &str,
    pick: fn(&ParticipationRow) -> f64,
) -> Result<Panel, TaskError> {
    let (height, width) = (down.names().len(), across.names().len());
    let mut values = vec![f64::NAN; height * width];
    for Labelled { labels, row } in rows {
        let (Some(at_row), Some(at_column)) = (down.position(labels), across.position(labels))
        else {
            continue;
        };
        let value = &mut values[at_row * width + at_column];
        if !value.is_nan() {
            return Err(format!(
                "several models have {} {} and {} {}; average over their labels first, or draw some of them",
                down.title(),
                down.names()[at_row],
                across.title(),
                across.names()[at_column],
            )
            .into());
        }
        *value = pick(row);
    }
    let colours = ColourScale::new(ColourMap::Viridis, range(&values));
    let sides = (
        Side::new(&capitalised(&down.title()), down.names()),
        Side::new(&capitalised(&across.title()), across.names()),
    );
    let panel = heat_map::panel(title, sides, values, 1, colours.clone())?;
    Ok(panel.with_colour_bar(ColourBar::new(label, colours)))
}
