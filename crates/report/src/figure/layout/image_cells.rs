//! The boxes of a grid of small images, sized so that image pixels are drawn equally large.

use super::super::error::{FigureError, Result};
use super::super::image_grid::ImageGrid;
use super::super::text::Font;
use super::super::theme;
use super::{Rect, fits};

/// Sizes shared by all images of a grid, px, relative to the grid's top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageCells {
    /// Of an image.
    pub cell_width: f64,
    /// Of an image.
    pub cell_height: f64,
    /// Above each image, for its caption.
    pub caption_height: f64,
    /// From one column to the next.
    pub column_step: f64,
    /// Of all images.
    pub width: f64,
    /// Of all images with their captions.
    pub height: f64,
    /// Above the images, for the columns' title and labels.
    pub header: f64,
}

impl ImageCells {
    /// Fits the grid into `width` px: as large as possible up to the grid's largest cell, rounded down so that a
    /// pixel of an image is a multiple of half a px.
    ///
    /// # Errors
    /// [`FigureError::TextTooWide`] when a column's label, or a word of a caption that cannot be broken, is wider than
    /// its column.
    pub fn new(font: &Font<'_>, grid: &ImageGrid, width: f64, place: &str) -> Result<Self> {
        let Some(first) = grid.cells().next() else {
            return Err(FigureError::Empty {
                place: place.to_owned(),
                what: "the grid of images",
            });
        };
        let columns = grid.columns() as f64;
        let room = (width - (columns - 1.0) * theme::GRID_GAP) / columns;
        let across = first.picture.columns() as f64;
        let fitting = room.min(grid.largest_cell);
        let pixel = match (2.0 * fitting / across).floor() / 2.0 {
            0.0 => fitting / across,
            pixel => pixel,
        };
        let cell_width = pixel * across;
        if cell_width < 4.0 {
            return Err(FigureError::TooNarrow {
                width,
                left: width,
                needed: columns * (4.0 + theme::GRID_GAP),
            });
        }
        let cell_height = pixel * first.picture.rows() as f64;
        let caption_height = caption_height(font, grid, cell_width, place)?;
        for text in &grid.column_labels {
            check_width(font, text, cell_width, place)?;
        }
        let column_step = cell_width + theme::GRID_GAP;
        let rows = grid.rows.len() as f64;
        let height = rows * (caption_height + cell_height + theme::GRID_GAP) - theme::GRID_GAP;
        Ok(Self {
            cell_width,
            cell_height,
            caption_height,
            column_step,
            width: columns * column_step - theme::GRID_GAP,
            height,
            header: header(grid),
        })
    }

    /// The lines that a caption is broken into.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn caption_lines(&self, font: &Font<'_>, caption: &str) -> Result<Vec<String>> {
        font.wrap(caption, theme::CAPTION, text_room(self.cell_width))
    }

    /// The box of an image in a grid whose top left corner is that of `plot`.
    pub fn rect(&self, plot: Rect, row: usize, column: usize) -> Rect {
        let row_step = self.caption_height + self.cell_height + theme::GRID_GAP;
        Rect {
            x: half(plot.x) + column as f64 * self.column_step,
            y: half(plot.y + row as f64 * row_step + self.caption_height),
            width: self.cell_width,
            height: self.cell_height,
        }
    }
}

/// Room for a text above an image: a little of the gap beside the image, too.
fn text_room(cell_width: f64) -> f64 {
    cell_width + theme::GRID_GAP - 2.0
}

fn check_width(font: &Font<'_>, text: &str, cell_width: f64, place: &str) -> Result<()> {
    let needed = font.width(text, theme::CAPTION)?;
    fits(place, "the caption", text, needed, text_room(cell_width))
}

/// Room above every image for the caption of most lines; 0 without captions.
fn caption_height(font: &Font<'_>, grid: &ImageGrid, cell_width: f64, place: &str) -> Result<f64> {
    let mut most = 0;
    for cell in grid.cells() {
        let lines = font.wrap(&cell.caption, theme::CAPTION, text_room(cell_width))?;
        for line in &lines {
            check_width(font, line, cell_width, place)?;
        }
        most = lines.len().max(most);
    }
    Ok(match most {
        0 => 0.0,
        lines => lines as f64 * theme::CAPTION.line_height() + 1.0,
    })
}

/// Rounded to half px, a whole pixel of a picture drawn twice as large.
fn half(px: f64) -> f64 {
    (2.0 * px).round() / 2.0
}

fn header(grid: &ImageGrid) -> f64 {
    let line = |shown: bool, style: super::super::text::TextStyle| {
        if shown {
            style.line_height() + 2.0
        } else {
            0.0
        }
    };
    line(!grid.column_title.is_empty(), theme::AXIS_LABEL)
        + match line(!grid.column_labels.is_empty(), theme::CAPTION) {
            0.0 => 0.0,
            labels => labels + 3.0,
        }
}
