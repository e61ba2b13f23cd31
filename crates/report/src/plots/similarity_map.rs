//! Similarity of first eigenvectors by pair of hidden sizes.

use eigenscope_artifact::tables::bilinear::SimilarityMapRow;
use eigenscope_artifact::{Labelled, read_labelled};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use super::similarity::{random_words, variant_words};
use crate::inputs::groups::groups;
use crate::inputs::labels::{self, Differences};
use crate::parts::heat_map::{self, Side};
use eigenscope_figure::{ColourBar, ColourMap, ColourScale, Figure, Panel, ticks};

/// Most maps in a row.
const MOST_COLUMNS: usize = 3;
/// Room beside the maps, px.
const MARGINS: f64 = 200.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "similarity-map",
        "cosine similarity of the first eigenvector, by pair of sizes",
        task_function!(run),
    )
    .reads(Role::one(
        "map",
        SimilarityMapRow::KIND,
        "similarities to draw",
    ))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("map")?;
    let rows = read_labelled(&input.path)?;
    let values = context.about("map")?.values;
    // The title says it in words.
    let mut named = input.clone();
    named.labels.remove("variant");
    write(
        context,
        draw(&rows, values, |title| labels::titled(title, &named))?,
    )
}

fn draw(
    rows: &[Labelled<SimilarityMapRow>],
    values: Option<u64>,
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let variants = rows.iter().map(|row| row.row.variant.as_str());
    let (ranking, pairs) = variant_words(variants)?;
    let colours = ColourScale::new(ColourMap::Viridis, (0.0, 1.0));
    let groups = groups(rows);
    let names = Differences::of(groups.iter().map(|(labels, _)| *labels)).in_words();
    let mut panels = Vec::new();
    for ((_, rows), name) in groups.iter().zip(names) {
        panels.push(panel(name, rows, &colours)?);
    }
    let mut bar = ColourBar::new("|cosine| of the first eigenvectors", colours);
    bar.ticks = ticks::at(&[0.0, 0.2, 0.4, 0.6, 0.8, 1.0], |value| {
        ticks::decimal(value, 1)
    });
    if let Some(last) = panels.last_mut() {
        last.colour_bar = Some(bar);
    }
    let known = rows.iter().filter_map(|row| {
        let similarity = row.row.similarity_mean?;
        Some((similarity, row.row.row_hidden, row.row.column_hidden))
    });
    let in_words = |(similarity, one, other): (f64, u32, u32)| {
        format!(
            "{} (sizes {one} and {other})",
            ticks::decimal(similarity, 2)
        )
    };
    let least = known.clone().min_by(|one, other| one.0.total_cmp(&other.0));
    let most = known.max_by(|one, other| one.0.total_cmp(&other.0));
    let found = least.zip(most).map_or_else(String::new, |(least, most)| {
        format!(" It is {} to {}.", in_words(least), in_words(most))
    });
    let columns = panels.len().min(MOST_COLUMNS);
    // There is a row for each pair of sizes.
    let sizes = groups.iter().map(|(_, rows)| (rows.len() as f64).sqrt());
    let side = heat_map::side(sizes.fold(0.0, f64::max));
    Ok(Figure::new(
        titled(&format!("First eigenvectors between sizes: {pairs}")),
        format!(
            "Mean absolute cosine between the first input-space eigenvectors ({ranking}) of equal class, by \
             pair of hidden sizes; {pairs}. A dash marks sizes without a pair.{found}{}",
            random_words(values)
        ),
        MARGINS + side * columns as f64,
        columns,
        panels,
    ))
}

/// The map of one group.
fn panel(
    name: String,
    rows: &[&SimilarityMapRow],
    colours: &ColourScale,
) -> Result<Panel, TaskError> {
    let mut sizes: Vec<u32> = rows.iter().map(|row| row.row_hidden).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut values = vec![f64::NAN; sizes.len() * sizes.len()];
    for row in rows {
        let (Ok(at_row), Ok(at_column)) = (
            sizes.binary_search(&row.row_hidden),
            sizes.binary_search(&row.column_hidden),
        ) else {
            return Err(format!("hidden size {} has no row of its own", row.column_hidden).into());
        };
        values[at_row * sizes.len() + at_column] = row.similarity_mean.unwrap_or(f64::NAN);
    }
    let side = || Side::new("Hidden size", sizes.iter().map(u32::to_string).collect());
    heat_map::panel(name, (side(), side()), values, 2, colours.clone())
}
