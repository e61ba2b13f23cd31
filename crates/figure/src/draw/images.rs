//! Drawing of grids of small images.

use super::{ink, lines, pixels};
use crate::bitmap::Bitmap;
use crate::colour::ColourScale;
use crate::error::Result;
use crate::image_grid::{ImageGrid, Picture};
use crate::layout::{ImageCells, Label, PanelLayout, Rect};
use crate::svg::{Anchor, Lettering, SvgWriter};
use crate::text::Font;
use crate::theme;

/// Draws a grid into a panel.
pub(super) fn draw(
    writer: &mut SvgWriter,
    font: &Font<'_>,
    grid: &ImageGrid,
    cells: &ImageCells,
    place: &PanelLayout,
) -> Result<()> {
    draw_labels(writer, cells, place)?;
    for (row, line) in grid.rows.iter().take(cells.rows).enumerate() {
        for (column, cell) in line.cells.iter().take(cells.columns).enumerate() {
            let Some(cell) = cell else { continue };
            let area = cells.rect(place.plot, row, column);
            draw_picture(writer, &cell.picture, &grid.colours, area)?;
            writer
                .tag("rect")
                .rect(area)
                .colour("stroke", theme::HAIRLINE)
                .number("stroke-width", 0.5)
                .close();
            let caption = cells.caption_lines(font, &cell.caption)?;
            let above = caption.len().saturating_sub(1) as f64 * theme::CAPTION.line_height();
            let start = (area.x + area.width / 2.0, area.y - 3.5 - above);
            let lettering = Lettering::new(theme::CAPTION, Anchor::Middle, cell.colour);
            lines(writer, start, &caption, lettering)?;
        }
    }
    Ok(())
}

fn draw_picture(
    writer: &mut SvgWriter,
    picture: &Picture,
    colours: &ColourScale,
    area: Rect,
) -> Result<()> {
    let order = pixels::Order::default();
    match picture {
        Picture::Numbers(values) => {
            pixels::draw(writer, &Bitmap::coloured(values, colours), order, area)
        }
        Picture::Colours(bitmap) => pixels::draw(writer, bitmap, order, area),
    }
}

fn draw_labels(writer: &mut SvgWriter, cells: &ImageCells, place: &PanelLayout) -> Result<()> {
    let plot = place.plot;
    let Label { x, y, lines: texts } = &place.y_label;
    let row_title = ink(theme::AXIS_LABEL, Anchor::Middle).turned();
    lines(writer, (*x, *y), texts, row_title)?;
    for (row, text) in cells.row_labels.iter().enumerate() {
        let area = cells.rect(plot, row, 0);
        let y = area.y + area.height / 2.0 + theme::TICK_LABEL.middle_drop();
        let label = ink(theme::TICK_LABEL, Anchor::End);
        writer.label(plot.x - 2.0 * theme::TICK_GAP, y, text, label)?;
    }
    let Label { x, y, lines: texts } = &place.column_title;
    let title = ink(theme::AXIS_LABEL, Anchor::Start);
    lines(writer, (*x, *y), texts, title)?;
    for (column, texts) in cells.column_labels.iter().enumerate() {
        let area = cells.rect(plot, 0, column);
        let label = ink(theme::CAPTION, Anchor::Middle);
        let above = texts.len().saturating_sub(1) as f64 * theme::CAPTION.line_height();
        let start = (area.x + area.width / 2.0, plot.y - 5.0 - above);
        lines(writer, start, texts, label)?;
    }
    let left_out = ink(theme::AXIS_LABEL, Anchor::Start);
    let y = plot.bottom() + theme::LABEL_GAP + theme::AXIS_LABEL.ascent();
    writer.label(plot.x, y, &cells.left_out, left_out)
}
