//! What merging each two classes does: cosines before and after, accuracy on the two after, and its change on the others, as maps.

use eigenscope_artifact::tables::surgery::MergeRow;
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::heat_map::{self, Side};
use eigenscope_figure::{ColourBar, ColourMap, ColourScale, Figure, Panel, ticks};

/// Most classes on the maps.
const MOST_CLASSES: usize = 100;
/// Room beside the maps, px.
const MARGINS: f64 = 340.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "merges",
        "what merging each two classes does to the accuracy on them and on the others, as maps",
        task_function!(run),
    )
    .reads(Role::one("merges", MergeRow::KIND, "merged pairs to draw"))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("merges")?;
    let rows: Vec<MergeRow> = context.read("merges")?;
    let mut classes = classes(&rows);
    if classes.is_empty() {
        return Err("the table has no rows: there are not two classes that can be merged".into());
    }
    if classes.len() > MOST_CLASSES {
        context.warn(format!(
            "there is room for {MOST_CLASSES} classes; {} further ones are left out",
            classes.len() - MOST_CLASSES
        ));
        classes.truncate(MOST_CLASSES);
    }
    let title = labels::titled("What merging two classes does", input);
    write(context, draw(&rows, &classes, title)?)
}

/// Most classes whose cells have room for a decimal of a change.
const FEW: usize = 6;

/// The classes in the order in which they come.
fn classes(rows: &[MergeRow]) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    // The second class of the first row may come later, where pairs are missing.
    let first = rows.iter().map(|row| &row.first_class);
    let second = rows.iter().map(|row| &row.second_class);
    for name in first.chain(second) {
        if !classes.contains(name) {
            classes.push(name.clone());
        }
    }
    classes
}

fn draw(rows: &[MergeRow], classes: &[String], title: String) -> Result<Figure, TaskError> {
    let cosines = ColourScale::new(ColourMap::RedBlue, (-1.0, 1.0));
    let accuracies = ColourScale::new(ColourMap::Viridis, (0.0, 100.0));
    let map = |title, pick: &dyn Fn(&MergeRow) -> Option<f64>, decimals, colours: &ColourScale| {
        panel(
            title,
            values(rows, classes, pick),
            classes,
            decimals,
            colours,
        )
    };
    let percent = |fraction: f64| 100.0 * fraction;
    let largest = rows.iter().filter_map(change).map(f64::abs);
    let largest = percent(largest.fold(0.01, f64::max));
    let changes = ColourScale::new(ColourMap::RedBlue, (-largest, largest));
    let mut panels = vec![
        map("Cosine before", &|row| Some(row.cosine_before), 2, &cosines)?,
        map("Cosine after", &|row| Some(row.cosine_after), 2, &cosines)?,
        map(
            "Accuracy on the two after",
            &|row| Some(percent(row.pair_accuracy_after_fraction)),
            0,
            &accuracies,
        )?,
        map(
            "Change of accuracy on the others",
            &|row| change(row).map(percent),
            usize::from(classes.len() <= FEW),
            &changes,
        )?,
    ];
    let mut cosine_bar = ColourBar::new("Cosine", cosines);
    cosine_bar.ticks = ticks::at(&[-1.0, -0.5, 0.0, 0.5, 1.0], |value| {
        ticks::decimal(value, 1)
    });
    let mut accuracy_bar = ColourBar::new("Accuracy (%)", accuracies);
    accuracy_bar.ticks = ticks::at(&[0.0, 20.0, 40.0, 60.0, 80.0, 100.0], ticks::plain);
    panels[1].colour_bar = Some(cosine_bar);
    panels[2].colour_bar = Some(accuracy_bar);
    panels[3].colour_bar = Some(ColourBar::new("Change (points)", changes));
    Ok(Figure::new(
        title,
        format!(
            "Each cell is one pair of classes, merged alone by editing the weight of the layer that makes the embeddings: the cosine of \
             their mean embeddings before and after, the accuracy on the images of the two classes after, and how much that on the \
             images of all other classes changes.{}{}",
            missing(rows, classes),
            extremes(rows)
        ),
        MARGINS + 2.0 * heat_map::side(classes.len() as f64),
        2,
        panels,
    ))
}

/// A note on pairs that have no cell.
fn missing(rows: &[MergeRow], classes: &[String]) -> &'static str {
    let is_shown =
        |row: &&MergeRow| classes.contains(&row.first_class) && classes.contains(&row.second_class);
    let shown = rows.iter().filter(is_shown).count();
    match shown < classes.len() * (classes.len() - 1) / 2 {
        true => " Pairs without values cannot be merged.",
        false => "",
    }
}

/// The accuracy on the other classes after the merge minus that before, as a fraction; `None` without other classes.
fn change(row: &MergeRow) -> Option<f64> {
    Some(row.rest_accuracy_after_fraction? - row.rest_accuracy_before_fraction?)
}

/// The pairs whose merging is best and worst for the others, in words.
fn extremes(rows: &[MergeRow]) -> String {
    let changes = rows.iter().filter_map(|row| Some((row, change(row)?)));
    let changes: Vec<_> = changes.collect();
    let best = changes.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let worst = changes.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let (Some(best), Some(worst)) = (best, worst) else {
        return String::new();
    };
    let in_words = |(row, change): &(&MergeRow, f64)| {
        let percent =
            |fraction: Option<f64>| ticks::decimal(100.0 * fraction.unwrap_or(f64::NAN), 1);
        let goes = match *change {
            change if change > 0.0 => "rises",
            change if change < 0.0 => "falls",
            _ => "goes",
        };
        format!(
            "{goes} from {} to {} % when {} and {} are merged",
            percent(row.rest_accuracy_before_fraction),
            percent(row.rest_accuracy_after_fraction),
            row.first_class,
            row.second_class,
        )
    };
    format!(
        " The accuracy on the others {}, the best of all pairs, and {}, the worst.",
        in_words(best),
        in_words(worst)
    )
}

/// One value for each two classes, in both orders; NaN on the diagonal and where there is none.
fn values(
    rows: &[MergeRow],
    classes: &[String],
    pick: &dyn Fn(&MergeRow) -> Option<f64>,
) -> Vec<f64> {
    let mut values = vec![f64::NAN; classes.len() * classes.len()];
    let place = |name: &String| classes.iter().position(|class| class == name);
    for row in rows {
        if let (Some(first), Some(second)) = (place(&row.first_class), place(&row.second_class)) {
            let value = pick(row).unwrap_or(f64::NAN);
            values[first * classes.len() + second] = value;
            values[second * classes.len() + first] = value;
        }
    }
    values
}

fn panel(
    title: &str,
    values: Vec<f64>,
    classes: &[String],
    decimals: usize,
    colours: &ColourScale,
) -> Result<Panel, TaskError> {
    let side = || Side::new("Class", classes.to_vec());
    heat_map::panel(title, (side(), side()), values, decimals, colours.clone())
}
