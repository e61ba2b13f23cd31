//! Comparison of two networks: spectra of each layer in both, and overlap of their eigenvectors.

use eigenscope_artifact::read_records;
use eigenscope_artifact::tables::layers::{LayerSpectrumRow, OverlapRow, RSquaredRow};
use eigenscope_stage::{Agreement, Context, Input, Role, TaskError, TaskKind, task_function};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::inputs::layers::{
    choose_layers, counted, distinct, in_words, layers_parameter, layers_with, the_one,
};
use crate::parts::layer_spectra::{RankAxis, Spectrum, panel, warn_left_out};
use crate::parts::series::{enumerate, whole_ticks};
use eigenscope_figure::{
    Axes, Axis, ColourBar, ColourMap, ColourScale, Dash, Figure, Image, Layer, Legend, Matrix,
    Panel, Rgb, ticks,
};

/// Tolerance of overlaps above 1, which are products of unit vectors in single precision.
const ROUNDING: f64 = 1e-4;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "layer-overlap",
        "spectra of every layer of two networks, and the overlap of their eigenvectors",
        task_function!(run),
    )
    .parameters::<Parameters>([layers_parameter("reference"), RankAxis::parameter()])
    .reads(Role::one(
        "reference",
        LayerSpectrumRow::KIND,
        "eigenvalues of the first network",
    ))
    .reads(Role::one(
        "other",
        LayerSpectrumRow::KIND,
        "eigenvalues of the second network",
    ))
    .reads(
        Role::one("overlap", OverlapRow::KIND, "overlaps to draw")
            .agrees(Agreement::task("overlap/reference", "reference"))
            .agrees(Agreement::task("overlap/other", "other")),
    )
    .reads(
        Role::one("fit", RSquaredRow::KIND, "quality of the alignment")
            .agrees(Agreement::task("overlap/alignment", "fit")),
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
    let overlap: Vec<OverlapRow> = context.read("overlap")?;
    let fit: Vec<RSquaredRow> = context.read("fit")?;
    let inputs = [context.input("reference")?, context.input("other")?];
    let mut spectra = Vec::new();
    for input in inputs {
        spectra.push(read_records::<LayerSpectrumRow>(&input.path)?);
    }
    let of = the_one(overlap.iter().map(|row| row.of.as_str()))?;
    let with_spectrum = spectra.iter().map(|rows| layers_with(rows, &of));
    let all = distinct(overlap.iter().map(|row| row.layer.as_str()));
    let layers = choose_layers(
        context,
        &all,
        &with_spectrum.collect::<Result<Vec<_>, _>>()?,
        &parameters.layers,
    )?;
    let columns = layers
        .iter()
        .map(|layer| Column::new(layer, &of, &spectra, &overlap, &fit))
        .collect::<Result<Vec<_>, _>>()?;
    warn_left_out(context, columns.iter().flat_map(|column| &column.spectra));
    let title = format!("Do two networks learn the same dimensions? Eigenvectors of the {of}");
    let title = counted(&title, columns.len(), all.len());
    let ranks = parameters.rank_axis.of(&of);
    write(
        context,
        draw(&columns, title, ranks, &network_names(inputs))?,
    )
}

/// "first network (seed 0)" and "second network (seed 1)".
fn network_names(inputs: [&Input; 2]) -> [String; 2] {
    let mut distinct = labels::distinct(&inputs).into_iter();
    ["first", "second"].map(|ordinal| match distinct.next() {
        Some(label) if !label.is_empty() => format!("{ordinal} network ({label})"),
        _ => format!("{ordinal} network"),
    })
}

/// Data of one layer.
struct Column<'a> {
    layer: &'a str,
    /// Spectra of the first and the second network.
    spectra: Vec<Spectrum>,
    /// Overlaps `[eigenvectors of the second network, eigenvectors of the first]`.
    overlap: Matrix,
    fit: Vec<&'a RSquaredRow>,
}

impl<'a> Column<'a> {
    fn new(
        layer: &'a str,
        of: &str,
        spectra: &[Vec<LayerSpectrumRow>],
        overlap: &[OverlapRow],
        fit: &'a [RSquaredRow],
    ) -> Result<Self, TaskError> {
        let spectra = spectra.iter().map(|rows| Spectrum::new(rows, layer, of));
        let own: Vec<&OverlapRow> = overlap.iter().filter(|row| row.layer == layer).collect();
        Ok(Self {
            layer,
            spectra: spectra.collect::<Result<_, _>>()?,
            overlap: overlap_matrix(layer, &own)?,
            fit: fit.iter().filter(|row| row.layer == layer).collect(),
        })
    }

    fn spectra_panel(&self, ranks: RankAxis, networks: &[String; 2]) -> Result<Panel, TaskError> {
        let looks = [
            (Rgb::categorical(0), Dash::Solid),
            // Dashes leave a nearly equal curve below visible.
            (Rgb::categorical(1), Dash::Dashed),
        ];
        let lines = self.spectra.iter().zip(networks).zip(looks);
        let lines = lines.filter_map(|((spectrum, network), (colour, dash))| {
            spectrum.line(network, colour, dash)
        });
        let last = self
            .spectra
            .iter()
            .map(Spectrum::last_rank)
            .fold(1.0, f64::max);
        panel(self.layer, lines.collect(), (ranks, last))
    }

    fn overlap_panel(&self, colours: &ColourScale) -> Panel {
        let ends = |count: usize| (0.5, count as f64 + 0.5);
        let (x, y) = (ends(self.overlap.columns()), ends(self.overlap.rows()));
        let image = Image {
            x,
            y,
            ..Image::new(self.overlap.clone(), colours.clone())
        };
        let axes = Axes::new(
            map_axis("Rank in first network", x),
            map_axis("Rank in second network", y).reversed(),
            vec![Layer::Image(image)],
        );
        Panel::axes(self.explained(), axes.with_aspect(1.0))
    }

    /// A title with the quality of the alignment, which the layer that reads the images has none of.
    fn explained(&self) -> String {
        let part = |row: &&RSquaredRow| match row.r_squared {
            share if share.is_finite() => {
                format!("{} ({})", ticks::decimal(share, 3), row.split)
            }
            _ => format!("undefined ({})", row.split),
        };
        match self.fit.as_slice() {
            [] => format!("{}: overlap", self.layer),
            rows => format!(
                "{}: r² = {}",
                self.layer,
                rows.iter().map(part).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

fn map_axis(label: &str, range: (f64, f64)) -> Axis {
    let axis = Axis::linear(label, range).with_major(whole_ticks(range));
    Axis {
        grid: false,
        ..axis
    }
}

/// Overlaps `[ranks of the second network, ranks of the first]`, NaN in a null space.
///
/// # Errors
/// Pairs of ranks that are missing or occur twice, and values outside of 0 to 1.
fn overlap_matrix(layer: &str, rows: &[&OverlapRow]) -> Result<Matrix, TaskError> {
    let last = |rank: fn(&OverlapRow) -> u32| rows.iter().map(|row| rank(row) as usize).max();
    let width = last(|row| row.reference_rank).unwrap_or(0);
    let height = last(|row| row.other_rank).unwrap_or(0);
    if height.checked_mul(width) != Some(rows.len()) {
        return Err(format!(
            "the overlap of {layer} has {} entries for {width} x {height} ranks",
            rows.len()
        )
        .into());
    }
    let mut values = vec![f64::NAN; rows.len()];
    let mut nothing = vec![false; rows.len()];
    for row in rows {
        let (at, of) = (row.reference_rank as usize, row.other_rank as usize);
        let place = at.checked_sub(1).zip(of.checked_sub(1));
        let value = place.and_then(|(at, of)| values.get_mut(of * width + at));
        let good = (0.0..=1.0 + ROUNDING).contains(&row.overlap);
        match value {
            Some(value) if good && value.is_nan() => {
                *value = row.overlap.min(1.0);
                nothing[(of - 1) * width + at - 1] = row.null_space;
            }
            _ => {
                return Err(format!(
                    "the overlap of {layer} has {} at ranks {at} and {of}, expected each pair of ranks from 1 on once, \
                     with a number from 0 to 1",
                    row.overlap
                )
                .into());
            }
        }
    }
    // Directions in a null space are arbitrary.
    for (value, _) in values
        .iter_mut()
        .zip(nothing)
        .filter(|(_, nothing)| *nothing)
    {
        *value = f64::NAN;
    }
    Ok(Matrix::new(height, width, values)?)
}

fn draw(
    columns: &[Column<'_>],
    title: String,
    ranks: RankAxis,
    networks: &[String; 2],
) -> Result<Figure, TaskError> {
    let colours = ColourScale::new(ColourMap::Cividis, (0.0, 1.0));
    let mut panels = columns
        .iter()
        .map(|column| column.spectra_panel(ranks, networks))
        .collect::<Result<Vec<_>, _>>()?;
    panels.extend(columns.iter().map(|column| column.overlap_panel(&colours)));
    if let Some(last) = panels.last_mut() {
        last.colour_bar = Some(ColourBar::new("Overlap", colours));
    }
    let grey = match columns
        .iter()
        .any(|column| column.overlap.values().iter().any(|value| value.is_nan()))
    {
        true => {
            " Grey where an eigenvalue is below 1e-7 of the largest of its layer: that direction is arbitrary."
        }
        false => "",
    };
    let [first, second] = networks;
    let count = columns.len();
    // One layer's panels stand side by side.
    let across = count.max(2);
    let aligned = columns.iter().filter(|column| !column.fit.is_empty());
    let aligned: Vec<&str> = aligned.map(|column| column.layer).collect();
    let after_alignment = match aligned.len() {
        0 => String::new(),
        all if all == count => " after alignment".to_owned(),
        _ => format!(" (for {} after alignment)", enumerate(aligned.iter())),
    };
    let firsts = columns.iter().filter_map(|column| {
        let overlap = column.overlap.values().first()?;
        Some(format!(
            "{} in {}",
            ticks::decimal(*overlap, 2),
            column.layer
        ))
    });
    let firsts: Vec<String> = firsts.collect();
    let figure = Figure::new(
        title,
        format!(
            "For the {}, eigenvalues of both networks on a logarithmic axis against their rank on a {} one, \
                 and the absolute product of each of the first eigenvectors of the {first} with each of the \
                 {second}{after_alignment}: 0 for none, 1 for the same direction. That of the two first ones is {}.{grey}",
            in_words(columns.iter().map(|column| column.layer)),
            ranks.in_words(),
            enumerate(firsts.iter()),
        ),
        180.0 + 280.0 * across as f64,
        across,
        panels,
    );
    Ok(figure.by_column().with_legend(Legend::below("")))
}
