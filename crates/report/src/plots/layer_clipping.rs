//! Number of dimensions that each layer needs: its spectra, and the accuracy with only the first eigenvectors.

use eigenscope_artifact::tables::layers::{ClippingRow, LayerSpectrumRow, LearnedDimensionsRow};
use eigenscope_artifact::{read_records, summarise};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::inputs::layers::{
    choose_layers, counted, distinct, in_words, layers_parameter, layers_with, the_one,
};
use crate::parts::chance::{Chance, accuracy_line, accuracy_range};
use crate::parts::layer_spectra::{RankAxis, Spectrum, curve, panel, warn_left_out};
use eigenscope_figure::{
    Axes, Axis, Content, Dash, Figure, INK, Layer, Legend, Line, Marker, MarkerShape, Panel,
    Points, Rgb, ticks,
};

/// Colour of the clipped model.
const CLIPPED: Rgb = Rgb::categorical(4);
/// Colour of the whole model.
const WHOLE: Rgb = Rgb::NEUTRAL;
/// Colour of the marks at the last eigenvalue above the Marchenko-Pastur law.
const SPIKES: Rgb = INK;
const SPIKES_NAME: &str = "last eigenvalue above the Marchenko-Pastur law";

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "layer-clipping",
        "spectrum of every layer, and accuracy by number of eigenvectors kept",
        task_function!(run),
    )
    .parameters::<Parameters>([layers_parameter("spectrum"), RankAxis::parameter()])
    .reads(Role::one(
        "spectrum",
        LayerSpectrumRow::KIND,
        "eigenvalues to draw",
    ))
    .reads(
        Role::one("clipping", ClippingRow::KIND, "accuracies to draw")
            .agrees(Agreement::task("clipping/bases", "spectrum")),
    )
    .reads(
        Role::one(
            "dimensions",
            LearnedDimensionsRow::KIND,
            "learned dimensions to mark",
        )
        .agrees(Agreement::task("dimensions", "clipping")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
    rank_axis: RankAxis,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("clipping")?;
    let clipping: Vec<ClippingRow> = read_records(&input.path)?;
    let spectrum: Vec<LayerSpectrumRow> = context.read("spectrum")?;
    let dimensions: Vec<LearnedDimensionsRow> = context.read("dimensions")?;
    let of = the_one(clipping.iter().map(|row| row.of.as_str()))?;
    if let Some(row) = dimensions.iter().find(|row| row.of != of) {
        return Err(format!(
            "the clipping is of the {of}, the learned dimensions of the {}",
            row.of
        )
        .into());
    }
    let all = distinct(clipping.iter().map(|row| row.layer.as_str()));
    let layers = choose_layers(
        context,
        &all,
        &[layers_with(&spectrum, &of)?],
        &parameters.layers,
    )?;
    let columns = layers
        .iter()
        .map(|layer| Column::new(layer, &spectrum, &clipping, &dimensions))
        .collect::<Result<Vec<_>, _>>()?;
    warn_left_out(context, columns.iter().flat_map(Column::spectra));
    let of_what = with_samples(&of, samples(context)?.as_deref(), &layers);
    let title = format!("How many dimensions each layer needs: eigenvectors of the {of_what}");
    let title = labels::titled(&counted(&title, columns.len(), all.len()), input);
    let ranks = parameters.rank_axis.of(&of);
    let chance = Chance::of(&context.about("clipping")?);
    write(context, draw(&columns, &of_what, ranks, chance, title)?)
}

/// What a sample of a convolution is in the covariance of activations, as the task of the bases was told; `None` if it was not.
fn samples(context: &Context) -> Result<Option<String>, TaskError> {
    let parameters = summarise(context.path("spectrum")?)?.provenance.parameters;
    Ok(parameters["samples"].as_str().map(str::to_owned))
}

/// `activations` followed by what a sample of a convolution is, if a layer is one.
fn with_samples(of: &str, samples: Option<&str>, layers: &[String]) -> String {
    match samples {
        Some("channels") => format!("{of}, channels at one place"),
        Some("windows") if layers.iter().any(|layer| layer.contains("conv")) => {
            format!("{of}, windows")
        }
        _ => of.to_owned(),
    }
}

/// Data of one layer.
struct Column<'a> {
    layer: &'a str,
    /// Series, each with its position among all of the table, which determines its colour.
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

    /// Accuracy of the whole model in %, if it is known.
    fn whole(&self) -> Option<f64> {
        self.dimensions.map(|row| 100.0 * row.accuracy_fraction)
    }

    /// Last rank of both panels, which have the same x axis.
    fn last(&self) -> f64 {
        let kept = self.kept.iter().copied();
        kept.chain(self.spectra().map(Spectrum::last_rank))
            .fold(1.0, f64::max)
    }

    fn spectrum_panel(&self, ranks: RankAxis) -> Result<Panel, TaskError> {
        let lines = self.series.iter().filter_map(|(place, series, spectrum)| {
            spectrum.line(series, Rgb::categorical(*place), dash(series))
        });
        let lines: Vec<Line> = lines.collect();
        let spikes = self.spikes().and_then(|rank| {
            let line = lines.first()?;
            let at = line.x.iter().position(|x| *x == rank)?;
            Some(spikes_mark(rank, line.y[at]))
        });
        let mut panel = panel(self.layer, lines, (ranks, self.last()))?;
        if let (Content::Axes(axes), Some(mark)) = (&mut panel.content, spikes) {
            axes.layers.push(Layer::Points(mark));
        }
        Ok(panel)
    }

    /// Number of eigenvalues above the Marchenko-Pastur law, if it is known and positive.
    fn spikes(&self) -> Option<f64> {
        let spikes = self.dimensions?.spikes?;
        (spikes > 0).then(|| f64::from(spikes))
    }

    fn clipping_panel(&self, ranks: RankAxis, range: (f64, f64), chance: Option<Chance>) -> Panel {
        let last = self.last();
        let guessed = accuracy_line((1.0, last.max(2.0)), range, chance);
        let mut layers: Vec<Layer> = guessed.into_iter().map(Layer::Line).collect();
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
        let at_spikes = self.spikes().zip(self.accuracy_at_spikes());
        layers.extend(at_spikes.map(|(rank, y)| Layer::Points(spikes_mark(rank, y))));
        let axes = Axes::new(
            ranks.axis("Eigenvectors kept", last),
            Axis::linear("Accuracy (%)", range).with_major(ticks::linear(range, 6)),
            layers,
        );
        Panel::axes(self.needed(), axes.with_aspect(0.8))
    }

    /// The point from which on almost no accuracy is lost.
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

    /// Accuracy in % with as many eigenvectors as eigenvalues above the Marchenko-Pastur law.
    fn accuracy_at_spikes(&self) -> Option<f64> {
        Some(100.0 * self.dimensions?.spikes_accuracy_fraction?)
    }

    /// A title with the learned dimensions, if they are known.
    fn needed(&self) -> String {
        let layer = self.layer;
        match self.dimensions.map(|row| (row.dimensions, row.inputs)) {
            Some((Some(dimensions), inputs)) => {
                format!("{layer}: {dimensions} of {inputs} eigenvectors suffice")
            }
            Some((None, inputs)) => format!("{layer}: none of {inputs} suffices"),
            None => format!("{layer}: accuracy"),
        }
    }

    /// Number of spikes and cost of clipping to them: "layer1 42 (accuracy −1.2 points)".
    fn cost_of_spikes(&self) -> Option<String> {
        let spikes = self.dimensions?.spikes?;
        let cost = match self.accuracy_at_spikes().zip(self.whole()) {
            Some((clipped, whole)) => {
                let points = ticks::decimal(clipped - whole, 1);
                format!(" (accuracy {points} points)")
            }
            None => String::new(),
        };
        Some(format!("{} {spikes}{cost}", self.layer))
    }

    /// The first rank within the tolerance, if a larger one is not: "layer1 14".
    fn first_only(&self) -> Option<String> {
        let row = self.dimensions?;
        let first = row.first_dimensions?;
        (row.dimensions != Some(first)).then(|| format!("{} {first}", self.layer))
    }
}

/// A mark at the last spike of a curve.
fn spikes_mark(rank: f64, y: f64) -> Points {
    let marker = Marker::new(MarkerShape::Diamond);
    Points::new(vec![rank], vec![y], SPIKES, marker).named(SPIKES_NAME)
}

/// A difference of accuracies in percentage points, such as "1 point".
fn points_of(fraction: f64) -> String {
    let points = (1e4 * fraction).round() / 1e2;
    let unit = if points == 1.0 { "point" } else { "points" };
    format!("{} {unit}", ticks::plain(points))
}

/// Dash pattern of a series: solid for what the network learned, dashed or dotted for what it is compared with.
fn dash(series: &str) -> Dash {
    match series {
        "initial weights" | "fresh draw of PyTorch's default initialisation" => Dash::Dashed,
        "Marchenko-Pastur" => Dash::Dotted,
        _ => Dash::Solid,
    }
}

fn draw(
    columns: &[Column<'_>],
    of: &str,
    ranks: RankAxis,
    chance: Option<Chance>,
    title: String,
) -> Result<Figure, TaskError> {
    let accuracies = columns
        .iter()
        .flat_map(|column| column.accuracies.iter().copied().chain(column.whole()));
    let range = accuracy_range(accuracies, chance);
    let mut panels = columns
        .iter()
        .map(|column| column.spectrum_panel(ranks))
        .collect::<Result<Vec<_>, _>>()?;
    panels.extend(
        columns
            .iter()
            .map(|column| column.clipping_panel(ranks, range, chance)),
    );
    // One layer's panels stand side by side.
    let count = columns.len().max(2);
    let needed: Vec<String> = columns.iter().map(Column::needed).collect();
    let mut notes = match columns.iter().any(|column| column.dimensions.is_some()) {
        true => format!(" {}.", needed.join("; ")),
        false => String::new(),
    };
    let firsts: Vec<String> = columns.iter().filter_map(Column::first_only).collect();
    if !firsts.is_empty() {
        notes.push_str(&format!(
            " A circle marks the number from which on the accuracy stays that close; smaller ones that reach it once: {}.",
            firsts.join(", ")
        ));
    }
    let spikes: Vec<String> = columns.iter().filter_map(Column::cost_of_spikes).collect();
    if !spikes.is_empty() {
        notes.push_str(&format!(
            " Eigenvalues above the upper edge of the Marchenko-Pastur law of an untrained layer, and what clipping to as \
             many eigenvectors costs: {}.",
            spikes.join(", ")
        ));
    }
    let figure = Figure::new(
        title,
        format!(
            "For the {}, eigenvalues on a logarithmic axis against their rank on a {} one, and the accuracy of the model \
                 when the weight of that layer is projected on the first eigenvectors of the {of}, \
                 against their number on the same axis.{notes}{}",
            in_words(columns.iter().map(|column| column.layer)),
            ranks.in_words(),
            Chance::in_words(chance),
        ),
        130.0 + 290.0 * count as f64,
        count,
        panels,
    );
    Ok(figure.by_column().with_legend(Legend::below("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_convolutions_are_named() {
        let of = |samples, layer: &str| with_samples("activations", samples, &[layer.to_owned()]);
        assert_eq!(
            of(Some("channels"), "conv2"),
            "activations, channels at one place"
        );
        assert_eq!(of(Some("windows"), "conv2"), "activations, windows");
        assert_eq!(of(Some("windows"), "layer2"), "activations");
        assert_eq!(of(None, "conv2"), "activations");
    }
}
