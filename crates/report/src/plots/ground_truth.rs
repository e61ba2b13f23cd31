//! Ground truth of a model with a similarity label: top eigenvector, linear term and target side by side.

use eigenscope_artifact::{PATTERNS, PatternRow, Patterns};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::channels;
use eigenscope_figure::{
    ColourBar, ColourMap, ColourScale, Figure, GridCell, GridRow, ImageGrid, Panel, ticks,
};

/// Width of one channel of an image, px.
const IMAGE: f64 = 196.0;
/// Width of the figure, px.
const WIDTH: f64 = 920.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "ground-truth",
        "top eigenvector, linear bias and target of a similarity label as images",
        task_function!(run),
    )
    .reads(Role::one("patterns", PATTERNS, "patterns to draw"))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("patterns")?;
    let patterns = Patterns::read(&input.path)?;
    let variant = input
        .labels
        .get("variant")
        .and_then(|variant| variant.as_str());
    let mut figure = draw(&patterns, variant)?;
    figure.title = labels::titled(&figure.title, input);
    write(context, figure)
}

fn draw(patterns: &Patterns, variant: Option<&str>) -> Result<Figure, TaskError> {
    let row = |name: &str| {
        patterns
            .get(name)
            .ok_or_else(|| TaskError::from(format!("there is no pattern `{name}`")))
    };
    let (top, linear, target) = (row("top eigenvector")?, row("linear bias")?, row("target")?);
    let panels = vec![
        panel(patterns, top, "Top eigenvector", "Component of E^{T}v")?,
        panel(patterns, linear, "Linear bias", "Slope of the logit")?,
        panel(patterns, target, "Target", "Pixel value")?,
    ];
    // Patterns of several channels are wide, and stand one below the other.
    let columns = match channels::across(patterns.shape) {
        1 => panels.len(),
        _ => 1,
    };
    let folding = match variant {
        Some("corrected") => ": constant unit left out",
        Some("published") => ": constant unit included, as published",
        _ => "",
    };
    Ok(Figure::new(
        format!("Top eigenvector and the image it should show{folding}"),
        format!(
            "Three images: the input-space eigenvector of the largest eigenvalue, the linear term of the logit, and \
             the training image that the labels were made from. Cosine with the target: eigenvector {}, linear term {}.",
            cosine(top),
            cosine(linear),
        ),
        WIDTH,
        columns,
        panels,
    ))
}

fn cosine(row: &PatternRow) -> String {
    row.cosine_with_target
        .map_or("undefined".to_owned(), |value| ticks::decimal(value, 3))
}

/// Caption of a pattern; never empty, so that all images are at the same height.
fn caption(row: &PatternRow) -> String {
    if row.name == "target" {
        return "training image".to_owned();
    }
    let eigenvalue = row
        .eigenvalue
        .map(|value| format!("λ = {}", ticks::decimal(value, 2)));
    let cosine = format!("cosine with target {}", cosine(row));
    let parts: Vec<String> = eigenvalue.into_iter().chain([cosine]).collect();
    parts.join(",  ")
}

/// A panel with one pattern. Signed patterns are coloured around zero, each on its own scale; the target is grey.
fn panel(
    patterns: &Patterns,
    row: &PatternRow,
    title: &str,
    label: &str,
) -> Result<Panel, TaskError> {
    let image = channels::side_by_side(patterns.shape, &row.vector)?;
    let colours = if row.name == "target" {
        let values = row.vector.iter().copied().map(f64::from);
        let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let range = if low < high { (low, high) } else { (0.0, 1.0) };
        ColourScale::new(ColourMap::Grey, range)
    } else {
        ColourScale::diverging(image.largest_magnitude())
    };
    let rows = vec![GridRow {
        label: String::new(),
        cells: vec![Some(GridCell::new(caption(row), image))],
    }];
    let mut grid = ImageGrid::new(rows, colours.clone());
    grid.largest_cell = IMAGE;
    channels::explain(&mut grid, patterns.shape);
    Ok(Panel::images(title, grid).with_colour_bar(ColourBar::new(label, colours)))
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::InputShape;

    use super::*;
    use eigenscope_figure::svg;

    fn patterns(channels: usize) -> Patterns {
        let row = |name: &str, cosine_with_target, vector: [f32; 4]| PatternRow {
            name: name.to_owned(),
            eigenvalue: None,
            bias_component: None,
            cosine_with_target,
            vector: vector.to_vec(),
        };
        Patterns {
            shape: InputShape {
                channels,
                height: 2,
                width: 2,
            },
            rows: vec![
                row("top eigenvector", Some(-0.5), [1.0, -2.0, 0.0, 0.5]),
                row("linear bias", None, [0.0; 4]),
                row("target", None, [0.0, 1.0, 0.5, 0.0]),
            ],
        }
    }

    #[test]
    fn even_an_empty_pattern_is_drawn() {
        let figure = draw(&patterns(1), Some("published")).expect("drawn");
        assert!(figure.title.ends_with("as published"));
        assert!(
            figure
                .description
                .contains("eigenvector −0.500, linear term undefined")
        );
        let drawing = svg(&figure).expect("a drawing");
        assert!(drawing.contains("cosine with target −0.500"));
        assert!(drawing.contains("cosine with target undefined"));
    }

    #[test]
    fn patterns_in_colour_stand_one_below_the_other() {
        let mut patterns = patterns(3);
        for row in &mut patterns.rows {
            row.vector = row.vector.repeat(3);
        }
        let figure = draw(&patterns, None).expect("drawn");
        assert_eq!(figure.columns.len(), 1);
        let drawing = svg(&figure).expect("a drawing");
        assert_eq!(drawing.matches("red, green, blue</text>").count(), 3);
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        let refusal = |patterns: &Patterns| draw(patterns, None).expect_err("refused").to_string();
        let mut without = patterns(1);
        without.rows.truncate(2);
        assert_eq!(refusal(&without), "there is no pattern `target`");
    }
}
