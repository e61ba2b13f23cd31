//! Small multiples: a grid of small images, numbers on one colour scale or pictures in their own colours, with row,
//! column and single captions.

use crate::bitmap::Bitmap;
use crate::colour::ColourScale;
use crate::matrix::Matrix;

/// A grid of small images of one shape. Every image is drawn in a box of its proportions, or of 8 to 1 where its own are
/// more extreme. Of a large grid the first rows and columns are drawn, and how many are left out is written below them.
/// Texts are [markup](super::markup).
#[derive(Clone, Debug, PartialEq)]
pub struct ImageGrid {
    /// Top row first; a row may hold fewer cells than others.
    pub rows: Vec<GridRow>,
    /// One above each column; empty for none.
    pub column_labels: Vec<String>,
    /// What the columns are, above their labels; empty for none.
    pub column_title: String,
    /// What the rows are, turned, left of their labels; empty for none.
    pub row_title: String,
    /// Colours of the images that are numbers.
    pub colours: ColourScale,
    /// Width of a column at most, px: keeps few images from growing too large.
    pub largest_cell: f64,
}

/// A row of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridRow {
    /// Left of the row; empty for none.
    pub label: String,
    /// From the left; `None` leaves a place free.
    pub cells: Vec<Option<GridCell>>,
}

/// A small image.
#[derive(Clone, Debug, PartialEq)]
pub struct GridCell {
    /// Above the image, in a few lines where it is wider; empty for none.
    pub caption: String,
    /// What is shown.
    pub picture: Picture,
}

/// What a small image shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// Numbers, drawn in the colours of the grid's scale.
    Numbers(Matrix),
    /// Colours as they are.
    Colours(Bitmap),
}

impl Picture {
    /// Number of rows of pixels.
    pub fn rows(&self) -> usize {
        match self {
            Self::Numbers(values) => values.rows(),
            Self::Colours(bitmap) => bitmap.rows(),
        }
    }

    /// Number of columns of pixels.
    pub fn columns(&self) -> usize {
        match self {
            Self::Numbers(values) => values.columns(),
            Self::Colours(bitmap) => bitmap.columns(),
        }
    }
}

impl From<Matrix> for Picture {
    fn from(values: Matrix) -> Self {
        Self::Numbers(values)
    }
}

impl From<Bitmap> for Picture {
    fn from(bitmap: Bitmap) -> Self {
        Self::Colours(bitmap)
    }
}

impl ImageGrid {
    /// A grid without labels of its own beyond those of the rows.
    pub fn new(rows: Vec<GridRow>, colours: ColourScale) -> Self {
        Self {
            rows,
            column_labels: Vec::new(),
            column_title: String::new(),
            row_title: String::new(),
            colours,
            largest_cell: 90.0,
        }
    }

    /// Number of columns: the longest row's.
    pub fn columns(&self) -> usize {
        self.rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0)
    }

    /// All images, row by row.
    pub fn cells(&self) -> impl Iterator<Item = &GridCell> {
        self.rows.iter().flat_map(|row| row.cells.iter().flatten())
    }
}

impl GridCell {
    /// An image with a caption above.
    pub fn new(caption: impl Into<String>, picture: impl Into<Picture>) -> Self {
        Self {
            caption: caption.into(),
            picture: picture.into(),
        }
    }
}
