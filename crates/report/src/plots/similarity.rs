//! Similarity of eigenvectors to those of models of the reference size, by rank.

use std::collections::BTreeSet;

use eigenscope_artifact::tables::bilinear::SimilarityRow;
use eigenscope_artifact::{Labelled, read_labelled};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::groups::{Series, series};
use crate::inputs::labels;
use crate::parts::chance;
use crate::parts::series::{Curve, enumerate, interval_entry, whole_ticks};
use eigenscope_figure::{Axes, Axis, Figure, Layer, Legend, Panel, ticks};

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "similarity",
        "cosine similarity of eigenvectors between models, by rank",
        task_function!(run),
    )
    .reads(Role::one(
        "similarity",
        SimilarityRow::KIND,
        "similarities to draw",
    ))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("similarity")?;
    let rows = read_labelled(&input.path)?;
    let values = context.about("similarity")?.values;
    // The title says it in words.
    let mut named = input.clone();
    named.labels.remove("variant");
    write(
        context,
        draw(&rows, values, |title| labels::titled(title, &named))?,
    )
}

/// The ranking of eigenvectors and the pairing of models in the one variant of all rows, for titles.
pub(super) fn variant_words<'a>(
    variants: impl Iterator<Item = &'a str>,
) -> Result<(&'static str, &'static str), TaskError> {
    let mut variants: Vec<&str> = variants.collect();
    variants.sort_unstable();
    variants.dedup();
    match variants.as_slice() {
        ["corrected"] => Ok(("largest |λ| first", "distinct models only")),
        ["published"] => Ok((
            "most negative eigenvalue first",
            "same-seed pairs included, as published",
        )),
        [] => Err("the table has no rows: there was no pair of models to compare".into()),
        others => Err(format!(
            "the table is of variant {}, expected `corrected` or `published`",
            others.join(" and ")
        )
        .into()),
    }
}

/// A sentence about the first and the last rank of the models of the reference size, or of those that come last, after a space.
fn ends(curves: &[Series<'_, SimilarityRow>], reference: u32) -> String {
    let of_reference = curves.iter().find(|curve| curve.size == reference);
    let Some(curve) = of_reference.or(curves.last()) else {
        return String::new();
    };
    let words = |row: &SimilarityRow| {
        let mean = ticks::decimal(row.similarity_mean, 2);
        format!("{mean} at rank {}", row.rank + 1)
    };
    match (curve.rows.first(), curve.rows.last()) {
        (Some(first), Some(last)) if first.rank < last.rank => format!(
            " For hidden size {}, it is {} and {}.",
            curve.size,
            words(first),
            words(last)
        ),
        _ => String::new(),
    }
}

/// A sentence about the similarity of random directions of so many values, after a space; empty if their number is unknown.
pub(super) fn random_words(values: Option<u64>) -> String {
    values.map_or_else(String::new, |values| {
        let cosine = ticks::significant(chance::random_cosine(values), 2);
        format!(" Random directions of {values} values have {cosine} on average.")
    })
}

fn draw(
    rows: &[Labelled<SimilarityRow>],
    values: Option<u64>,
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let all = || rows.iter().map(|row| &row.row);
    let (ranking, pairs) = variant_words(all().map(|row| row.variant.as_str()))?;
    let (legend, curves) = series(rows, |row| row.hidden);
    let sizes: BTreeSet<u32> = curves.iter().map(|curve| curve.size).collect();
    let last_rank = all().map(|row| row.rank).max().unwrap_or(0);
    let reference = all().next().map_or(0, |row| row.reference_hidden);
    let found = ends(&curves, reference);
    let mut layers: Vec<Layer> = curves
        .into_iter()
        .flat_map(|curve| {
            let rows = curve.rows;
            Curve {
                name: curve.name,
                colour: curve.colour,
                x: rows.iter().map(|row| f64::from(row.rank) + 1.0).collect(),
                y: rows.iter().map(|row| row.similarity_mean).collect(),
                half_width: rows.iter().map(|row| row.half_width).collect(),
            }
            .layers()
        })
        .collect();
    layers.extend(interval_entry(&layers, "90 % interval"));
    let compared = match (sizes.first(), sizes.len()) {
        (Some(one), 1) if *one == reference => format!("of models of hidden size {reference}"),
        (Some(one), 1) => format!("of models of hidden size {reference} and of hidden size {one}"),
        _ => format!(
            "of models of hidden size {reference} and of hidden sizes {}",
            enumerate(sizes.iter())
        ),
    };
    let ranks = (1.0, f64::from(last_rank.max(1)) + 1.0);
    let random = values.map(chance::random_cosine);
    layers.extend(random.map(|cosine| {
        let name = format!("random ({})", ticks::decimal(cosine, 2));
        Layer::Line(chance::line(ranks, cosine, name))
    }));
    let x =
        Axis::linear(format!("Eigenvector rank ({ranking})"), ranks).with_major(whole_ticks(ranks));
    let range = (0.0, 1.0);
    let y = Axis::linear(format!("|cosine| with hidden size {reference}"), range)
        .with_major(ticks::linear(range, 6));
    let figure = Figure::new(
        titled(&format!(
            "Similarity of eigenvectors to hidden size {reference}: {pairs}"
        )),
        format!(
            "Mean absolute cosine between input-space eigenvectors of equal class and rank, {compared}; \
             {ranking}; {pairs}. Bands are 90 % Student-t intervals of the mean.{found}{}",
            random_words(values)
        ),
        720.0,
        1,
        vec![Panel::axes("", Axes::new(x, y, layers))],
    );
    Ok(figure.with_legend(Legend::right(legend).ordered()))
}
