//! Grids of small images: numbers on one colour scale, or pictures in their own colours.

use crate::bitmap::Bitmap;
use crate::colour::{ColourScale, Rgb};
use crate::error::Result;
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
    /// Parts that all images of numbers consist of, such as channels.
    pub tiling: Option<Tiling>,
    /// Vertical title left of the row labels; empty for none.
    pub row_title: String,
    /// Colour scale of images of numbers.
    pub colours: ColourScale,
    /// Largest width of an image, px.
    pub largest_cell: f64,
    /// Sets the first column apart from the others by a wider gap.
    pub first_apart: bool,
}

/// Parts of one size that an image consists of: row by row from the top left, with pixels without a value between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiling {
    /// Number of parts.
    pub count: usize,
    /// Number of parts in a row.
    pub across: usize,
    /// Rows and columns of pixels between neighbouring parts.
    pub gap: usize,
    /// What the title above the columns says about images with 1, 2 and more parts in a row.
    pub in_words: Vec<String>,
}

impl Tiling {
    /// An image with so many parts in a row.
    fn rearranged(&self, image: &Matrix, across: usize) -> Result<Matrix> {
        let Self { count, gap, .. } = *self;
        let sides = |across: usize| (count.div_ceil(across.max(1)), across);
        let side =
            |pixels: usize, parts: usize| ((pixels + gap) / parts.max(1)).saturating_sub(gap);
        let (down, beside) = sides(self.across);
        let (height, width) = (side(image.rows(), down), side(image.columns(), beside));
        let place = |part: usize, across: usize| {
            let (row, column) = (part / across.max(1), part % across.max(1));
            (row * (height + gap), column * (width + gap))
        };
        let (down, beside) = sides(across);
        let (rows, columns) = (
            (down * (height + gap)).saturating_sub(gap),
            (beside * (width + gap)).saturating_sub(gap),
        );
        let mut values = vec![f64::NAN; rows * columns];
        for part in 0..count {
            let (from, to) = (place(part, self.across), place(part, across));
            for row in 0..height {
                let start = (from.0 + row) * image.columns() + from.1;
                let end = (to.0 + row) * columns + to.1;
                let line = &image.values()[start..start + width];
                values[end..end + width].copy_from_slice(line);
            }
        }
        Matrix::new(rows, columns, values)
    }
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
            tiling: None,
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

    /// The title above the columns with what it says about the parts of the images.
    pub(crate) fn heading(&self) -> String {
        let tiling = self.tiling.as_ref();
        let parts = tiling.and_then(|tiling| tiling.in_words.get(tiling.across.checked_sub(1)?));
        match (self.column_title.as_str(), parts) {
            (title, None) => title.to_owned(),
            ("", Some(parts)) => parts.clone(),
            (title, Some(parts)) => format!("{title}; {parts}"),
        }
    }

    /// The same grid with so many parts of its images in a row. Parts stay as large as they may be.
    ///
    /// # Errors
    /// Images that are not made of such parts.
    pub(crate) fn retiled(&self, across: usize) -> Result<Self> {
        let mut grid = self.clone();
        let Some(tiling) = &self.tiling else {
            return Ok(grid);
        };
        grid.largest_cell *= across as f64 / tiling.across as f64;
        let rows = grid.rows.iter_mut();
        for cell in rows.flat_map(|row| row.cells.iter_mut().flatten()) {
            if let Picture::Numbers(values) = &mut cell.picture {
                *values = tiling.rearranged(values, across)?;
            }
        }
        grid.tiling = Some(Tiling {
            across,
            ..tiling.clone()
        });
        Ok(grid)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_images_are_arranged_again() {
        let gap = f64::NAN;
        let image = vec![1.0, 2.0, gap, 3.0, 4.0, gap, 5.0, 6.0];
        let image = Matrix::new(1, 8, image).unwrap();
        let cells = vec![Some(GridCell::new("", image))];
        let rows = vec![GridRow {
            label: String::new(),
            cells,
        }];
        let mut grid = ImageGrid::new(rows, ColourScale::diverging(6.0));
        grid.largest_cell = 90.0;
        grid.column_title = "Rank".to_owned();
        grid.tiling = Some(Tiling {
            count: 3,
            across: 3,
            gap: 1,
            in_words: ["from the top", "two in a row", "side by side"]
                .map(str::to_owned)
                .to_vec(),
        });
        assert_eq!(grid.heading(), "Rank; side by side");
        let arranged = |across: usize| {
            let grid = grid.retiled(across).unwrap();
            let Some(GridCell {
                picture: Picture::Numbers(image),
                ..
            }) = grid.cells().next()
            else {
                panic!("an image of numbers");
            };
            let values = image.values().iter();
            let values = values.map(|value| (!value.is_nan()).then_some(*value as u8));
            let sides = (image.rows(), image.columns());
            (
                sides,
                values.collect::<Vec<_>>(),
                grid.heading(),
                grid.largest_cell,
            )
        };
        let (sides, values, heading, largest) = arranged(1);
        assert_eq!((sides, largest), ((5, 2), 30.0));
        assert_eq!(heading, "Rank; from the top");
        let row = |first: u8| [Some(first), Some(first + 1)];
        let none = [None, None];
        assert_eq!(values, [row(1), none, row(3), none, row(5)].concat());
        let (sides, values, ..) = arranged(2);
        assert_eq!(sides, (3, 5));
        assert_eq!(values[..5], [&row(1)[..], &[None], &row(3)].concat());
        assert_eq!(values[10..12], row(5));
        assert_eq!(arranged(3).1[6..], row(5));
    }
}
