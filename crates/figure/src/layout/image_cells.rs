//! Cells of a grid of small images, sized such that all pixels of an image are equally large.

use super::Rect;
use crate::error::{FigureError, Result};
use crate::image_grid::ImageGrid;
use crate::markup;
use crate::text::Font;
use crate::theme;
use crate::ticks;

/// Most images and columns of a grid that are drawn.
const MOST_IMAGES: usize = 640;
const MOST_COLUMNS: usize = 32;
/// Greatest height of a grid, px: images shrink until their longer sides are the smallest, then rows are left out.
const HIGHEST: f64 = 6000.0;
const SMALLEST_IMAGE: f64 = 24.0;
/// Greatest ratio of the sides of a cell. Images of more extreme shapes are stretched.
const MOST_EXTREME: f64 = 8.0;
/// Greatest height of an image, relative to the largest width that the grid allows.
const TALLEST: f64 = 2.0;
/// Columns are at least as wide as the longest word in their labels and captions, up to this width, px.
const WIDEST_WORD: f64 = 64.0;
/// Smallest distance of rows with labels, px.
const ROW_STEP: f64 = 14.0;
/// Longest row label, px.
pub(super) const LONGEST_LABEL: f64 = 150.0;
/// Most lines of a caption, and of a column label.
const CAPTION_LINES: usize = 6;
const LABEL_LINES: usize = 2;
/// Additional distance of a first column that is set apart, px.
const APART: f64 = 14.0;

/// The drawn part of a grid, and the sizes of all its cells, px.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImageCells {
    /// Number of drawn rows, which are the first ones.
    pub rows: usize,
    /// Number of drawn columns, which are the first ones.
    pub columns: usize,
    pub cell_width: f64,
    pub cell_height: f64,
    /// Height of the caption above each image.
    pub caption_height: f64,
    /// Distance of neighbouring columns.
    pub column_step: f64,
    /// Additional distance of the first column from the others.
    apart: f64,
    /// Distance of neighbouring rows.
    pub row_step: f64,
    /// Width of all images.
    pub width: f64,
    /// Height of all images with their captions.
    pub height: f64,
    /// Labels of the rows, shortened if they are long.
    pub row_labels: Vec<String>,
    /// Lines of the label of each column; empty without labels.
    pub column_labels: Vec<Vec<String>>,
    /// Note about rows and columns that are not drawn; empty for none.
    pub left_out: String,
}

impl ImageCells {
    /// Fits a grid into `width` px. Cells are as large as possible up to the grid's largest cell, for a screen rounded down such that a
    /// pixel of an image is a multiple of half a px. The grid is wider than `width` if its columns need more.
    ///
    /// # Errors
    /// An empty grid, and as [`Font::width`].
    pub(crate) fn new(
        font: &Font<'_>,
        grid: &ImageGrid,
        width: f64,
        is_on_paper: bool,
    ) -> Result<Self> {
        let Some(first) = grid.cells().next() else {
            return Err(FigureError::empty("grid of images", "it"));
        };
        let columns = grid.columns().min(MOST_COLUMNS);
        let rows = grid.rows.len().min((MOST_IMAGES / columns).max(1));
        let least = longest_word(font, grid, (rows, columns))?.min(WIDEST_WORD) - ROOM_BESIDE;
        let apart = if grid.first_apart && columns > 1 {
            APART
        } else {
            0.0
        };
        let room = (width - apart + theme::GRID_GAP) / columns as f64 - theme::GRID_GAP;
        let shape = (first.picture.columns() as f64, first.picture.rows() as f64);
        let smallest = SMALLEST_IMAGE * (shape.0 / shape.1).min(1.0);
        let room = room.max(least).max(smallest);
        let largest = room.min(grid.largest_cell);
        // Captions take more lines above smaller images: first measured with the largest, then with the actual ones.
        let lines = caption_height(font, grid, (rows, columns), largest.max(least))?;
        let row = HIGHEST / rows as f64 - lines - theme::GRID_GAP;
        let tallest = (TALLEST * grid.largest_cell).min(row.max(SMALLEST_IMAGE));
        let (cell_width, cell_height) = match is_on_paper {
            true => largest_size(shape, largest, tallest),
            false => cell_size(shape, largest, tallest),
        };
        let column_width = cell_width.max(least);
        let caption_height = caption_height(font, grid, (rows, columns), column_width)?;
        let mut row_step = caption_height + cell_height + theme::GRID_GAP;
        if grid.rows.iter().any(|row| !row.label.is_empty()) {
            row_step = row_step.max(ROW_STEP);
        }
        let drawn = rows.min((HIGHEST / row_step).ceil() as usize);
        let labels: Vec<&str> = grid.rows[..drawn]
            .iter()
            .map(|row| row.label.as_str())
            .collect();
        let column_labels = grid.column_labels.iter().take(columns);
        let column_step = column_width + theme::GRID_GAP;
        Ok(Self {
            rows: drawn,
            columns,
            cell_width,
            cell_height,
            caption_height,
            column_step,
            row_step,
            apart,
            width: columns as f64 * column_step - theme::GRID_GAP + apart,
            height: drawn as f64 * row_step - theme::GRID_GAP,
            row_labels: font.shortened(&labels, theme::TICK_LABEL, LONGEST_LABEL)?,
            column_labels: column_labels
                .map(|label| {
                    font.lines(
                        label,
                        theme::CAPTION,
                        column_width + ROOM_BESIDE,
                        LABEL_LINES,
                    )
                })
                .collect::<Result<_>>()?,
            left_out: left_out(grid.rows.len() - drawn, grid.columns() - columns),
        })
    }

    /// Breaks a caption into lines.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub(crate) fn caption_lines(&self, font: &Font<'_>, caption: &str) -> Result<Vec<String>> {
        caption_lines(font, caption, self.column_step - theme::GRID_GAP)
    }

    /// The rectangle of an image in a grid whose top left corner is that of `plot`.
    pub(crate) fn rect(&self, plot: Rect, row: usize, column: usize) -> Rect {
        let beside = (self.column_step - theme::GRID_GAP - self.cell_width) / 2.0;
        let apart = if column == 0 { 0.0 } else { self.apart };
        Rect {
            x: half(plot.x + column as f64 * self.column_step + apart + beside),
            y: half(plot.y + row as f64 * self.row_step + self.caption_height),
            width: self.cell_width,
            height: self.cell_height,
        }
    }

    /// Height of the column labels with the gap below them; 0 without labels.
    pub(super) fn label_height(&self) -> f64 {
        match self.column_labels.iter().map(Vec::len).max() {
            None | Some(0) => 0.0,
            Some(lines) => lines as f64 * theme::CAPTION.line_height() + 5.0,
        }
    }
}

/// Part of the gap between images that a text above an image may take, px.
const ROOM_BESIDE: f64 = theme::GRID_GAP - 3.0;

/// Size of an image of this shape (columns, rows), at most `widest` by `tallest` px.
fn largest_size((across, upright): (f64, f64), widest: f64, tallest: f64) -> (f64, f64) {
    let pixel = (widest / across).min(tallest / upright);
    let (width, height) = (pixel * across, pixel * upright);
    let shortest = width.max(height) / MOST_EXTREME;
    (width.max(shortest), height.max(shortest))
}

/// The same size with pixels of multiples of half a px.
fn cell_size((across, upright): (f64, f64), widest: f64, tallest: f64) -> (f64, f64) {
    let (width, height) = largest_size((across, upright), widest, tallest);
    let whole = |side: f64, pixels: f64| {
        let pixel = side / pixels;
        match (2.0 * pixel).floor() / 2.0 {
            0.0 => pixel * pixels,
            pixel => pixel * pixels,
        }
    };
    (whole(width, across), whole(height, upright))
}

fn caption_lines(font: &Font<'_>, caption: &str, column_width: f64) -> Result<Vec<String>> {
    font.lines(
        caption,
        theme::CAPTION,
        column_width + ROOM_BESIDE,
        CAPTION_LINES,
    )
}

/// Captions in the first rows and columns of a grid.
fn captions(grid: &ImageGrid, (rows, columns): (usize, usize)) -> impl Iterator<Item = &String> {
    let rows = grid.rows.iter().take(rows);
    let cells = rows.flat_map(move |row| row.cells.iter().take(columns).flatten());
    cells.map(|cell| &cell.caption)
}

/// Width of the longest word of all captions and column labels, px.
fn longest_word(font: &Font<'_>, grid: &ImageGrid, drawn: (usize, usize)) -> Result<f64> {
    let labels = grid.column_labels.iter().take(drawn.1);
    let words = captions(grid, drawn)
        .chain(labels)
        .flat_map(|text| markup::words(text));
    font.widest(words, theme::CAPTION)
}

/// Height of the caption with the most lines, px; 0 without captions.
fn caption_height(
    font: &Font<'_>,
    grid: &ImageGrid,
    drawn: (usize, usize),
    column_width: f64,
) -> Result<f64> {
    let mut most = 0;
    for caption in captions(grid, drawn) {
        let lines = caption_lines(font, caption, column_width)?;
        most = lines.len().max(most);
    }
    Ok(match most {
        0 => 0.0,
        lines => lines as f64 * theme::CAPTION.line_height() + 1.0,
    })
}

/// Note below a grid about what is not drawn: "… and 12 more rows".
fn left_out(rows: usize, columns: usize) -> String {
    let counted = |count: usize, what: &str| {
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{} more {what}{plural}", ticks::grouped(count as u64)))
    };
    let parts: Vec<String> = counted(rows, "row")
        .into_iter()
        .chain(counted(columns, "column"))
        .collect();
    match parts.as_slice() {
        [] => String::new(),
        parts => format!("… and {}", parts.join(" and ")),
    }
}

/// Rounds to half px, which is a pixel of a PNG of scale 2.
fn half(px: f64) -> f64 {
    (2.0 * px).round() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_keep_their_proportions_unless_they_are_extreme() {
        assert_eq!(cell_size((28.0, 28.0), 90.0, 180.0), (84.0, 84.0));
        assert_eq!(cell_size((14.0, 28.0), 90.0, 180.0), (84.0, 168.0));
        assert_eq!(cell_size((1.0, 1.0), 90.0, 180.0), (90.0, 90.0));
        let (width, height) = cell_size((128.0, 3.0), 84.0, 168.0);
        assert_eq!((width, height), (64.0, 10.5));
        let (width, height) = cell_size((3.0, 128.0), 84.0, 168.0);
        assert_eq!((width, height), (21.0, 128.0));
    }

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(left_out(0, 0), "");
        assert_eq!(left_out(1, 0), "… and 1 more row");
        assert_eq!(
            left_out(1200, 3),
            "… and 1,200 more rows and 3 more columns"
        );
    }
}
