//! Heat maps with a number in each cell.

use eigenscope_figure::{Axes, Axis, ColourScale, Image, Layer, Matrix, Panel, ticks};
use eigenscope_stage::TaskError;

/// Most rows or columns with numbers in the cells.
const MOST_NUMBERED: usize = 40;
/// Side of a cell with a number, and smallest and largest side of a map, px.
const CELL: f64 = 25.0;
const SMALLEST: f64 = 400.0;
const LARGEST: f64 = 1000.0;

/// The side of a map of this many rows or columns, px.
pub(crate) fn side(cells: f64) -> f64 {
    (CELL * cells).clamp(SMALLEST, LARGEST)
}

/// One side of a map: its title and the names of its cells.
pub(crate) struct Side {
    pub(crate) title: String,
    pub(crate) names: Vec<String>,
}

impl Side {
    pub(crate) fn new(title: &str, names: Vec<String>) -> Self {
        let title = title.to_owned();
        Self { title, names }
    }
}

/// A map of values `[rows, columns]`, the first row at the top, with numbers of so many decimals; NaN is a cell without a value.
///
/// # Errors
/// Returns an error for another number of values.
pub(crate) fn panel(
    title: impl Into<String>,
    (rows, columns): (Side, Side),
    values: Vec<f64>,
    decimals: usize,
    colours: ColourScale,
) -> Result<Panel, TaskError> {
    let text = |value: &f64| match value.is_nan() {
        true => "–".to_owned(),
        false => ticks::decimal(*value, decimals),
    };
    let texts = values.iter().map(text).collect();
    let (height, width) = (rows.names.len(), columns.names.len());
    let mut image = Image::new(Matrix::new(height, width, values)?, colours);
    image.cell_texts = (height.max(width) <= MOST_NUMBERED).then_some(texts);
    let x = Axis::categories(columns.title, columns.names);
    let y = Axis::categories(rows.title, rows.names).reversed();
    let aspect = height as f64 / width as f64;
    let axes = Axes::new(x, y, vec![Layer::Image(image)]).with_aspect(aspect.clamp(0.2, 5.0));
    Ok(Panel::axes(title, axes))
}
