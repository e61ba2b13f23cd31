//! Grids of small images: numbers on one colour scale, or pictures in their own colours.

use crate::bitmap::Bitmap;
use crate::colour::{ColourScale, Rgb};
use crate::matrix::Matrix;
use crate::theme;

/// A grid of small images of one shape.
///
/// Images keep their proportions up to a ratio of 8 to 1. Of a large grid, the first rows and columns are drawn, with a note
/// that says how many are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageGrid {
    /// Rows from the top; they may differ in length.
    pub rows: Vec<GridRow>,
    /// Label above each column; empty for none.
    pub column_labels: Vec<String>,
    /// Title above the column labels; empty for none. What follows a semicolon explains the images and is no part of their names.
    pub column_title: String,
    /// Vertical title left of the row labels; empty for none.
    pub row_title: String,
    /// Colour scale of images of numbers.
    pub colours: ColourScale,
    /// Largest width of an image, px.
    pub largest_cell: f64,
    /// Sets the first column apart from the others by a wider gap.
    pub first_apart: bool,
}

/// A row of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridRow {
    /// Label left of the row; empty for none.
    pub label: String,
    /// Images from the left; `None` leaves a cell empty.
    pub cells: Vec<Option<GridCell>>,
}

/// A small image.
#[derive(Clone, Debug, PartialEq)]
pub struct GridCell {
    /// Caption above the image; empty for none.
    pub caption: String,
    /// Colour of the caption.
    pub colour: Rgb,
    /// The image.
    pub picture: Picture,
}

/// Content of a small image.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// Numbers, coloured by the scale of the grid.
    Numbers(Matrix),
    /// Colours.
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
    /// A grid without column labels and titles.
    pub fn new(rows: Vec<GridRow>, colours: ColourScale) -> Self {
        Self {
            rows,
            column_labels: Vec::new(),
            column_title: String::new(),
            row_title: String::new(),
            colours,
            largest_cell: 90.0,
            first_apart: false,
        }
    }

    /// A grid without labels and titles, with `columns` images in each row but the last.
    pub fn wrapped(cells: Vec<GridCell>, columns: usize, colours: ColourScale) -> Self {
        let cells: Vec<_> = cells.into_iter().map(Some).collect();
        let rows = cells.chunks(columns.max(1)).map(|cells| GridRow {
            label: String::new(),
            cells: cells.to_vec(),
        });
        Self::new(rows.collect(), colours)
    }

    /// Length of the longest row.
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
    /// An image with a caption.
    pub fn new(caption: impl Into<String>, picture: impl Into<Picture>) -> Self {
        Self {
            caption: caption.into(),
            colour: theme::INK,
            picture: picture.into(),
        }
    }

    /// The same image with its caption in this colour.
    #[must_use]
    pub fn coloured(mut self, colour: Rgb) -> Self {
        self.colour = colour;
        self
    }
}
