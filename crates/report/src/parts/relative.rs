//! Pictures that are each scaled to their own largest absolute value.

use eigenscope_artifact::InputShape;
use eigenscope_figure::{
    ColourBar, ColourScale, GridCell, INK, ImageGrid, Matrix, Panel, Rgb, ticks,
};
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

/// How eigenvalues are written above pictures: of small ones a multiple, so that two digits are seen.
#[derive(Clone, Copy)]
pub(crate) struct Eigenvalues {
    /// Power of ten that they are multiplied by.
    exponent: i32,
}

/// Largest eigenvalue of those that are multiplied.
const SMALL: f64 = 0.1;

impl Eigenvalues {
    pub(crate) fn of(eigenvalues: impl Iterator<Item = f64>) -> Self {
        let largest = eigenvalues.map(f64::abs).fold(0.0, f64::max);
        let is_small = largest > 0.0 && largest < SMALL;
        Self {
            exponent: if is_small {
                -largest.log10().floor() as i32
            } else {
                0
            },
        }
    }

    /// What the numbers are: λ or a multiple of it.
    pub(crate) fn symbol(self) -> String {
        match self.exponent {
            0 => "λ".to_owned(),
            exponent => format!("10^{{{exponent}}} λ"),
        }
    }

    pub(crate) fn text(self, eigenvalue: f64) -> String {
        match self.exponent {
            0 => ticks::decimal(eigenvalue, 2),
            exponent => ticks::decimal(eigenvalue * 10f64.powi(exponent), 1),
        }
    }
}

/// The colours of such pictures.
pub(crate) fn colours() -> ColourScale {
    ColourScale::diverging(1.0)
}

/// A panel of such pictures with a colour bar, [explained](channels::explain).
pub(crate) fn panel(title: &str, mut grid: ImageGrid, shape: InputShape) -> Panel {
    channels::explain(&mut grid, shape);
    let bar = ColourBar::new("Component / largest", colours());
    Panel::images(title, grid).with_colour_bar(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_eigenvalues_are_multiplied() {
        let written = |eigenvalues: [f64; 2]| {
            let all = Eigenvalues::of(eigenvalues.into_iter());
            (all.symbol(), eigenvalues.map(|value| all.text(value)))
        };
        let expected =
            |symbol: &str, texts: [&str; 2]| (symbol.to_owned(), texts.map(str::to_owned));
        assert_eq!(
            written([2.483, -0.1]),
            expected("λ", ["2.48", "\u{2212}0.10"])
        );
        assert_eq!(
            written([-0.0713, 0.0009]),
            expected("10^{2} λ", ["\u{2212}7.1", "0.1"])
        );
        assert_eq!(written([0.0, 0.0]), expected("λ", ["0.00", "0.00"]));
    }

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
