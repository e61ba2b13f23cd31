//! How many dimensions of its inputs every layer needs: its spectra, and the accuracy with only the first eigenvectors.

use eigenscope_artifact::{
    ClippingRow, Kind, LayerSpectrumRow, LearnedDimensionsRow, read_records,
};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};
use serde::Deserialize;

use super::labels;
use super::layer_spectra::{Spectrum, curve, first_column, panel, rank_axis, warn_left_out};
use super::layers::{choose_layers, distinct, layers_parameter, layers_with, the_one};
use super::output::{figure_kind, write};
use super::series::{enumerate, percentage_range};
use crate::figure::{
    Axes, Axis, Dash, Figure, Layer, Legend, Line, Marker, MarkerShape, Panel, Points, Rgb, ticks,
};

/// Accuracy of the clipped model.
const CLIPPED: Rgb = Rgb::categorical(4);
/// Accuracy of the whole model.
const WHOLE: Rgb = Rgb::categorical(7);

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "layer-clipping",
        "spectrum of every layer, and accuracy by number of eigenvectors kept",
        vec![layers_parameter()],
        vec![
            Role::one("spectrum", Kind::LayerSpectrum, "eigenvalues to draw"),
            Role::one("clipping", Kind::Clipping, "accuracies to draw")
                .agrees(Agreement::task("clipping/bases", "spectrum")),
            Role::one(
                "dimensions",
                Kind::LearnedDimensions,
                "learned dimensions to mark",
            )
            .agrees(Agreement::task("dimensions", "clipping")),
        ],
        task_function!(run),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("clipping")?;
    let clipping: Vec<ClippingRow> = read_records(&input.path)?;
    let spectrum: Vec<LayerSpectrumRow> = read_records(&context.input("spectrum")?.path)?;
    let dimensions: Vec<LearnedDimensionsRow> = read_records(&context.input("dimensions")?.path)?;
    let of = the_one(clipping.iter().map(|row| row.of.as_str()))?;
    if let Some(row) = dimensions.iter().find(|row| row.of != of) {
        return Err(format!(
            "the clipping is of the {of}, the learned dimensions of the {}",
            row.of
        )
        .into());
    }
    let layers = choose_layers(
        context,
        &distinct(clipping.iter().map(|row| row.layer.as_str())),
        &[layers_with(&spectrum, &of)?],
        &parameters.layers,
    )?;
    let columns = layers
        .iter()
        .map(|layer| Column::new(layer, &spectrum, &clipping, &dimensions))
        .collect::<Result<Vec<_>, _>>()?;
    warn_left_out(context, columns.iter().flat_map(Column::spectra));
    let title = format!("How many dimensions each layer needs: eigenvectors of the {of}");
    write(context, draw(&columns, &of, labels::titled(&title, input))?)
}

/// What is known of one layer.
struct Column<'a> {
    layer: &'a str,
    /// Each series with its place among all of the table, which gives its colour.
    series: Vec<(usize, String, Spectrum)>,
    kept: Vec<f64>,
    accuracies: Vec<f64>,
    dimensions: Option<&'a LearnedDimensionsRow>,
}

impl<'a> Column<'a> {
    fn new(
        layer: &'a str,
        spectrum: &[LayerSpectrumRow],
        clipping: &[ClippingRow],
        dimensions: &'a [LearnedDimensionsRow],
    ) -> Result<Self, TaskError> {
        let series = distinct(spectrum.iter().map(|row| row.series.as_str()))
            .into_iter()
            .enumerate()
            .map(|(place, series)| {
                let spectrum = Spectrum::new(spectrum, layer, &series)?;
                Ok((place, series, spectrum))
            })
            .collect::<Result<Vec<_>, TaskError>>()?;
        let mut own: Vec<&ClippingRow> = clipping.iter().filter(|row| row.layer == layer).collect();
        own.sort_by_key(|row| row.kept);
        Ok(Self {
            layer,
            series,
            kept: own.iter().map(|row| f64::from(row.kept)).collect(),
            accuracies: own
                .iter()
                .map(|row| 100.0 * row.accuracy_fraction)
                .collect(),
            dimensions: dimensions.iter().find(|row| row.layer == layer),
        })
    }

    fn spectra(&self) -> impl Iterator<Item = &Spectrum> {
        self.series.iter().map(|(_, _, spectrum)| spectrum)
    }

    /// Accuracy of the whole model, if it is known.
    fn whole(&self) -> Option<f64> {
        self.dimensions.map(|row| 100.0 * row.accuracy_fraction)
    }

    /// The last rank of either panel, so that both have one x axis.
    fn last(&self) -> f64 {
        let kept = self.kept.iter().copied();
        kept.chain(self.spectra().map(Spectrum::last_rank))
            .fold(1.0, f64::max)
    }

    fn spectrum_panel(&self, column: usize) -> Result<Panel, TaskError> {
        let lines = self.series.iter().filter_map(|(place, series, spectrum)| {
            spectrum.line(series, Rgb::categorical(*place), dash(series))
        });
        panel(self.layer, lines.collect(), self.last(), column)
    }

    fn clipping_panel(&self, column: usize, range: (f64, f64)) -> Panel {
        let last = self.last();
        let mut layers = Vec::new();
        if let Some(whole) = self.whole() {
            let line = Line::new(vec![1.0, last.max(2.0)], vec![whole; 2], WHOLE);
            layers.push(Layer::Line(Line {
                width: 1.0,
                dash: Dash::Dashed,
                ..line.named("whole model")
            }));
        }
        let line = curve(self.kept.clone(), self.accuracies.clone(), CLIPPED);
        layers.push(Layer::Line(line.named("layer clipped")));
        layers.extend(self.learned_dimensions().map(Layer::Points));
        let label = first_column(column, "Accuracy (%)");
        let axes = Axes::new(
            rank_axis("Eigenvectors kept", last),
            Axis::linear(label, range).with_major(ticks::linear(range, 6)),
            layers,
        );
        Panel::axes(self.needed(), axes.with_aspect(0.8))
    }

    /// The point of the curve from which on almost no accuracy is lost.
    fn learned_dimensions(&self) -> Option<Points> {
        let row = self.dimensions?;
        let rank = f64::from(row.dimensions?);
        let at = self.kept.iter().position(|kept| *kept == rank)?;
        let marker = Marker::new(MarkerShape::Circle);
        let points = Points::new(vec![rank], vec![self.accuracies[at]], CLIPPED, marker);
        Some(points.named(format!(
            "within {} of the whole model",
            points_of(row.within_fraction)
        )))
    }

    /// The learned dimensions in words; empty if the table has none of the layer.
    fn needed(&self) -> String {
        match self.dimensions {
            Some(row) => match row.dimensions {
                Some(dimensions) => format!("{dimensions} of {} eigenvectors suffice", row.inputs),
                None => format!("none of {} suffices", row.inputs),
            },
            None => String::new(),
        }
    }
}

/// A difference of accuracies in points: "1 point".
fn points_of(fraction: f64) -> String {
    let points = (1e4 * fraction).round() / 1e2;
    let unit = if points == 1.0 { "point" } else { "points" };
    format!("{} {unit}", ticks::plain(points))
}

/// What the network learned is drawn solid, what it is compared with is not.
fn dash(series: &str) -> Dash {
    match series {
        "initial weights" => Dash::Dashed,
        "Marchenko-Pastur" => Dash::Dotted,
        _ => Dash::Solid,
    }
}

fn draw(columns: &[Column<'_>], of: &str, title: String) -> Result<Figure, TaskError> {
    let accuracies = columns
        .iter()
        .flat_map(|column| column.accuracies.iter().copied().chain(column.whole()));
    let range = percentage_range(accuracies);
    let above = columns.iter().enumerate();
    let mut panels = above
        .map(|(index, column)| column.spectrum_panel(index))
        .collect::<Result<Vec<_>, _>>()?;
    let below = columns.iter().enumerate();
    panels.extend(below.map(|(index, column)| column.clipping_panel(index, range)));
    let count = columns.len();
    Ok(Figure {
        legend: Some(Legend::below("")),
        ..Figure::new(
            title,
            format!(
                "Above, for the layers {}, eigenvalues against their rank, both axes logarithmic. Below, the accuracy of \
                 the model when the weight of that layer is projected on the first eigenvectors of the {of}, against \
                 their number on a logarithmic axis.",
                enumerate(columns.iter().map(|column| column.layer)),
            ),
            130.0 + 290.0 * count as f64,
            count,
            panels,
        )
    })
}
