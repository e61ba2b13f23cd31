//! Pictures that are each scaled to their own largest absolute value.

use eigenscope_artifact::InputShape;
use eigenscope_figure::{ColourBar, ColourScale, GridCell, INK, ImageGrid, Matrix, Panel, Rgb};
use eigenscope_stage::TaskError;

use super::channels;

/// Blue, as are positive components in pictures.
pub(crate) const POSITIVE: Rgb = Rgb::from_hex(0x2166ac);
/// Red, as are negative components.
pub(crate) const NEGATIVE: Rgb = Rgb::from_hex(0xb2182b);

/// An image, reduced if it is large, divided by its largest absolute value; zeros stay zeros.
///
/// # Errors
/// Returns an error for another number of values than the shape has.
pub(crate) fn relative(shape: InputShape, values: &[f32]) -> Result<Matrix, TaskError> {
    let (shape, values) = channels::reduced(shape, values);
    let largest = values
        .iter()
        .fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let divisor = if largest > 0.0 { largest } else { 1.0 };
    let scaled: Vec<f32> = values.iter().map(|value| value / divisor).collect();
    channels::side_by_side(shape, &scaled)
}

/// As [`relative`], as a cell of a grid.
///
/// # Errors
/// As [`relative`].
pub(crate) fn cell(
    shape: InputShape,
    values: &[f32],
    caption: impl Into<String>,
) -> Result<Option<GridCell>, TaskError> {
    Ok(Some(GridCell::new(caption, relative(shape, values)?)))
}

/// Colour of a text about an eigenvalue: that of the end of [`colours`] with its sign.
pub(crate) fn sign_colour(eigenvalue: f64) -> Rgb {
    match eigenvalue {
        value if value > 0.0 => POSITIVE,
        value if value < 0.0 => NEGATIVE,
        _ => INK,
    }
}

/// The colours of such pictures.
pub(crate) fn colours() -> ColourScale {
    ColourScale::diverging(1.0)
}

/// A panel of such pictures with a colour bar. Pictures of several channels have more room, and the title of the columns says which
/// channel is where.
pub(crate) fn panel(title: &str, mut grid: ImageGrid, shape: InputShape) -> Panel {
    grid.largest_cell *= channels::across(shape) as f64;
    let in_words = channels::in_words(shape);
    grid.column_title = match (grid.column_title.is_empty(), in_words.is_empty()) {
        (_, true) => grid.column_title,
        (true, false) => in_words,
        (false, false) => format!("{}; {in_words}", grid.column_title),
    };
    let bar = ColourBar::new("Component / largest", colours());
    Panel::images(title, grid).with_colour_bar(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_component_is_one() {
        let shape = InputShape::from([1, 1, 3]);
        let scaled = relative(shape, &[1.0, -4.0, 2.0]).expect("drawn");
        assert_eq!(scaled.values(), [0.25, -1.0, 0.5]);
        let empty = relative(shape, &[0.0; 3]).expect("drawn");
        assert_eq!(empty.values(), [0.0; 3]);
        assert!(relative(shape, &[0.0; 2]).is_err());
    }
}
