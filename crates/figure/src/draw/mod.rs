//! Drawing of a figure as SVG: layout first, then panel by panel, back to front.

mod axes;
mod colour_bar;
mod images;
mod layers;
mod legend;
mod markers;
mod pixels;

pub(super) use layers::gapless_runs;

use crate::bitmap::Bitmap;
use crate::colour::Rgb;
use crate::description::{Content, Figure, Panel};
use crate::error::Result;
use crate::layout::{Layout, PanelLayout, Rect, layout};
use crate::paper;
use crate::spelling::drawable;
use crate::svg::{Anchor, Lettering, SvgWriter, number};
use crate::text::{Font, TextStyle};
use crate::theme;

/// Draws a figure as SVG text. It is self-contained except for the font, which is named with fallbacks. Words that the font
/// cannot draw are written in other letters: [`spellings`](crate::spellings()).
///
/// # Errors
/// A description that cannot be drawn, and an image that cannot be encoded.
pub fn svg(figure: &Figure) -> Result<String> {
    let font = Font::bundled()?;
    let mut writer = SvgWriter::default();
    let drawn = drawable(figure, &font);
    let layout = layout(&drawn)?;
    open(&mut writer, figure, &layout)?;
    let title = Lettering::new(theme::FIGURE_TITLE, Anchor::Start, theme::INK);
    let baseline = theme::EDGE + theme::FIGURE_TITLE.ascent();
    lines(&mut writer, (theme::EDGE, baseline), &layout.title, title)?;
    for (panel, place) in drawn.panels.iter().zip(&layout.panels) {
        draw_panel(&mut writer, &font, panel, place)?;
    }
    if let Some((entries, x, y)) = &layout.legend {
        legend::draw(&mut writer, entries, *x, *y)?;
    }
    Ok(writer.finish())
}

fn open(writer: &mut SvgWriter, figure: &Figure, layout: &Layout) -> Result<()> {
    let page = page(figure, layout);
    let (width, height) = (number(page.width), number(page.height));
    let sides = match figure.paper {
        None => [width.clone(), height.clone()],
        Some(paper) => {
            let mm = |px: f64| format!("{}mm", number(paper.width_mm * px / page.width));
            [mm(page.width), mm(page.height)]
        }
    };
    let corner = [page.x, page.y].map(number).join(" ");
    writer
        .tag("svg")
        .attribute("xmlns", "http://www.w3.org/2000/svg")
        .attribute("width", &sides[0])
        .attribute("height", &sides[1])
        .attribute("viewBox", &format!("{corner} {width} {height}"))
        .attribute("role", "img")
        .attribute("font-family", "Roboto, 'Helvetica Neue', Arial, sans-serif")
        .attribute("fill", "none")
        .open();
    writer.tag("title").content(&figure.plain_title()?);
    writer.tag("desc").content(&figure.description);
    if !figure.metadata.is_empty() {
        writer.tag("metadata").content(&figure.metadata);
    }
    writer
        .tag("rect")
        .rect(page)
        .colour("fill", Rgb::WHITE)
        .close();
    Ok(())
}

/// The visible part of the layout: all of it on a screen; on paper as much of the margin is cut off as possible, and a layout that
/// is narrower stands in the middle.
fn page(figure: &Figure, layout: &Layout) -> Rect {
    let (cut, beside) = match figure.paper {
        None => (0.0, 0.0),
        Some(_) => (paper::CUT, (figure.width - layout.width).max(0.0)),
    };
    Rect {
        x: cut - beside / 2.0,
        y: cut,
        width: layout.width + beside - 2.0 * cut,
        height: layout.height - 2.0 * cut,
    }
}

fn draw_panel(
    writer: &mut SvgWriter,
    font: &Font<'_>,
    panel: &Panel,
    place: &PanelLayout,
) -> Result<()> {
    writer.group("panel");
    let title = Lettering::new(theme::PANEL_TITLE, Anchor::Start, theme::INK);
    lines(writer, (place.title_x, place.title_y), &place.title, title)?;
    match &panel.content {
        Content::Axes(axes) => {
            axes::draw_behind(writer, axes, place);
            layers::draw(writer, font, axes, place.plot)?;
            axes::draw_before(writer, font, axes, place)?;
        }
        Content::Images(grid) => {
            if let Some(cells) = &place.images {
                images::draw(writer, font, grid, cells, place)?;
            }
        }
    }
    if let Some(place) = &place.colour_bar {
        colour_bar::draw(writer, font, place)?;
    }
    if let Some((entries, x, y)) = &place.legend {
        legend::draw(writer, entries, *x, *y)?;
    }
    writer.end();
    Ok(())
}

/// Writes lines of text, the first with its baseline at this point.
fn lines(
    writer: &mut SvgWriter,
    (x, y): (f64, f64),
    texts: &[String],
    lettering: Lettering,
) -> Result<()> {
    let step = lettering.style.line_height();
    for (index, text) in texts.iter().enumerate() {
        writer.label(x, y + index as f64 * step, text, lettering)?;
    }
    Ok(())
}

/// The data URI of a bitmap (`data:image/png;base64,...`).
///
/// # Errors
/// An image that cannot be encoded.
pub(super) fn picture_uri(bitmap: &Bitmap) -> Result<String> {
    pixels::data_uri(bitmap, pixels::Order::default())
}

/// Lettering in the colour of text.
fn ink(style: TextStyle, anchor: Anchor) -> Lettering {
    Lettering::new(style, anchor, theme::INK)
}
