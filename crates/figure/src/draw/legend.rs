//! Drawing of legends: for each name a handle that looks like its layers, and the name.

use super::layers::dashed;
use super::{ink, markers};
use crate::error::Result;
use crate::layout::{LegendLayout, Rect};
use crate::legend::LegendEntry;
use crate::svg::{Anchor, Path, SvgWriter};
use crate::theme;

/// Height of a band in a handle, px.
const BAND: f64 = 10.0;

/// Draws a legend with its top left corner at `(x, y)`.
pub(super) fn draw(writer: &mut SvgWriter, legend: &LegendLayout, x: f64, y: f64) -> Result<()> {
    writer.group("legend");
    for (right, down, text) in &legend.title {
        let title = ink(theme::LEGEND_TITLE, Anchor::Start);
        writer.label(x + right, y + down, text, title)?;
    }
    let name = ink(theme::LEGEND_TEXT, Anchor::Start);
    let drop = theme::LEGEND_TEXT.middle_drop();
    for placed in &legend.entries {
        let (x, middle) = (x + placed.x, y + placed.y);
        draw_handle(writer, &placed.entry, x, middle);
        let text_x = x + theme::LEGEND_HANDLE + theme::LEGEND_HANDLE_GAP;
        for (number, line) in placed.lines.iter().enumerate() {
            let down = number as f64 * theme::LEGEND_TEXT.line_height();
            writer.label(text_x, middle + drop + down, line, name)?;
        }
    }
    if let Some((right, down, text)) = &legend.more {
        writer.label(x + right, y + down + drop, text, name)?;
    }
    writer.end();
    Ok(())
}

fn draw_handle(writer: &mut SvgWriter, entry: &LegendEntry, x: f64, middle: f64) {
    if let Some((colour, opacity)) = entry.band {
        let area = Rect {
            x,
            y: middle - BAND / 2.0,
            width: theme::LEGEND_HANDLE,
            height: BAND,
        };
        writer
            .tag("rect")
            .rect(area)
            .colour("fill", colour)
            .number("fill-opacity", opacity)
            .close();
    }
    if let Some((colour, width, dash)) = entry.line {
        let end = (x + theme::LEGEND_HANDLE, middle);
        let path = Path::default().to((x, middle)).to(end);
        let tag = writer
            .tag("path")
            .attribute("d", path.data())
            .colour("stroke", colour)
            .number("stroke-width", width);
        dashed(tag, dash, width).close();
    }
    if let Some((colour, mut marker)) = entry.marker {
        // A single dot of a cloud is hard to see.
        marker.radius = marker.radius.clamp(3.0, 5.0);
        let centre = (x + theme::LEGEND_HANDLE / 2.0, middle);
        markers::draw(writer, &[centre], marker, colour, 1.0);
    }
}
