//! How much of the quadratic form of each class lies in the leading subspace of each, as maps.

use eigenscope_artifact::tables::interactions::CompletenessRow;
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::heat_map::{self, Side};
use crate::parts::series::enumerate;
use eigenscope_figure::{ColourBar, ColourMap, ColourScale, Figure, Panel, ticks};

/// Most maps, and most cells of all maps but the first.
const MOST_MAPS: usize = 4;
const MOST_CELLS: usize = 40_000;
/// Maps in a row.
const COLUMNS: usize = 2;
/// Room beside the maps, px.
const MARGINS: f64 = 200.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "completeness",
        "share of each class's quadratic form in the leading subspace of each class, as maps",
        task_function!(run),
    )
    .reads(Role::one(
        "completeness",
        CompletenessRow::KIND,
        "shares to draw",
    ))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("completeness")?;
    let rows: Vec<CompletenessRow> = context.read("completeness")?;
    let title = labels::titled("One class in the leading subspace of another", input);
    let figure = draw(&rows, title)?;
    let left_out = distinct(&rows, |row| row.kept).len() - figure.panels.len();
    if left_out > 0 {
        context.warn(format!(
            "there is room for {} maps; those of {left_out} further numbers of eigenvectors are left out",
            figure.panels.len()
        ));
    }
    write(context, figure)
}

/// The values of a column, each once, in the order in which they come.
fn distinct<T: PartialEq>(
    rows: &[CompletenessRow],
    pick: impl Fn(&CompletenessRow) -> T,
) -> Vec<T> {
    let mut values = Vec::new();
    for value in rows.iter().map(pick) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

fn draw(rows: &[CompletenessRow], title: String) -> Result<Figure, TaskError> {
    let mut all_kept = distinct(rows, |row| row.kept);
    if all_kept.is_empty() {
        return Err("the table has no rows".into());
    }
    let classes = distinct(rows, |row| row.class.clone());
    let room = MOST_CELLS / (classes.len() * classes.len());
    all_kept.truncate(room.clamp(1, MOST_MAPS));
    let colours = ColourScale::new(ColourMap::Viridis, (0.0, 1.0));
    let mut panels = Vec::new();
    for kept in &all_kept {
        let of = rows.iter().filter(|row| row.kept == *kept);
        panels.push(panel(
            of,
            &classes,
            format!("{kept} eigenvectors"),
            &colours,
        )?);
    }
    let mut bar = ColourBar::new("Share of the norm kept", colours);
    bar.ticks = ticks::at(&[0.0, 0.2, 0.4, 0.6, 0.8, 1.0], |value| {
        ticks::decimal(value, 1)
    });
    if let Some(last) = panels.last_mut() {
        last.colour_bar = Some(bar);
    }
    let found = all_kept.iter().map(|kept| {
        let mean = |is_own: bool| {
            let of = rows.iter().filter(|row| row.kept == *kept);
            let of = of.filter(|row| (row.class == row.subspace) == is_own);
            let shares: Vec<f64> = of.map(|row| row.share).collect();
            ticks::decimal(shares.iter().sum::<f64>() / shares.len().max(1) as f64, 2)
        };
        let (own, other) = (mean(true), mean(false));
        format!("{own} in its own and {other} in another's with {kept}")
    });
    let found = match classes.len() {
        1 => String::new(),
        _ => format!(" A class keeps on average {}.", enumerate(found)),
    };
    let columns = panels.len().min(COLUMNS);
    let side = heat_map::side(classes.len() as f64);
    Ok(Figure::new(
        title,
        format!(
            "Norm of the quadratic form of each class (rows) in the subspace that the {} strongest eigenvectors of each class (columns) \
             span, as a share of its norm. The diagonal is a class in its own subspace.{found}",
            enumerate(all_kept.iter()),
        ),
        MARGINS + side * columns as f64,
        columns,
        panels,
    ))
}

fn panel<'a>(
    rows: impl Iterator<Item = &'a CompletenessRow>,
    classes: &[String],
    title: String,
    colours: &ColourScale,
) -> Result<Panel, TaskError> {
    let mut values = vec![f64::NAN; classes.len() * classes.len()];
    for row in rows {
        let place = |name: &String| classes.iter().position(|class| class == name);
        let (Some(class), Some(subspace)) = (place(&row.class), place(&row.subspace)) else {
            return Err(format!("class {} has no form of its own", row.subspace).into());
        };
        values[class * classes.len() + subspace] = row.share.min(1.0);
    }
    let sides = (
        Side::new("Form of class", classes.to_vec()),
        Side::new("Subspace of class", classes.to_vec()),
    );
    heat_map::panel(title, sides, values, 2, colours.clone())
}
