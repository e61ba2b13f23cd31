//! Drawing of layers, clipped to the plot.

use super::axes::{x_scale, y_scale};
use super::{markers, pixels};
use crate::bitmap::Bitmap;
use crate::description::Axes;
use crate::error::Result;
use crate::layer::{Band, Dash, Image, Layer, Line, Points, Texts};
use crate::layout::{Rect, cell_texts, point_texts};
use crate::scale::AxisScale;
use crate::svg::{Anchor, Lettering, Path, SvgWriter, number};
use crate::text::Font;
use crate::theme;

/// Width by which strokes on the edge of the plot may reach beyond it, px.
const BLEED: f64 = 1.0;

struct Scales {
    x: AxisScale,
    y: AxisScale,
}

impl Scales {
    fn new(axes: &Axes, plot: Rect) -> Self {
        Self {
            x: x_scale(axes, plot),
            y: y_scale(axes, plot),
        }
    }

    fn px(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.px(x), self.y.px(y))
    }
}

/// Draws all layers. Markers are not clipped: they are drawn whole if their centre is inside the plot.
pub(super) fn draw(writer: &mut SvgWriter, font: &Font<'_>, axes: &Axes, plot: Rect) -> Result<()> {
    let scales = Scales::new(axes, plot);
    writer.group("layers");
    let is_cut = |layer: &Layer| matches!(layer, Layer::Line(_) | Layer::Band(_));
    // Neighbours are clipped together: a renderer draws every clipped part on a canvas of its own.
    for run in axes.layers.chunk_by(|one, other| {
        let marked = matches!(one, Layer::Line(line) if line.marker.is_some());
        is_cut(one) && is_cut(other) && !marked
    }) {
        if is_cut(&run[0]) {
            open_clip(writer, plot, BLEED);
        }
        for layer in run {
            match layer {
                Layer::Line(line) => draw_line(writer, line, &scales),
                Layer::Band(band) => draw_band(writer, band, &scales),
                Layer::Points(points) => draw_points(writer, points, &scales),
                Layer::Image(image) => draw_image(writer, font, image, axes, plot)?,
                Layer::Texts(texts) => draw_texts(writer, font, texts, axes, plot)?,
            }
        }
        if is_cut(&run[0]) {
            writer.end();
        }
        if let Some(Layer::Line(line)) = run.last() {
            draw_markers(writer, line, &scales);
        }
    }
    writer.end();
    Ok(())
}

/// Opens a nested drawing that clips to the plot and has the same coordinates.
fn open_clip(writer: &mut SvgWriter, plot: Rect, bleed: f64) {
    let clip = Rect {
        x: plot.x - bleed,
        y: plot.y - bleed,
        width: plot.width + 2.0 * bleed,
        height: plot.height + 2.0 * bleed,
    };
    let sides = [clip.x, clip.y, clip.width, clip.height].map(number);
    writer
        .tag("svg")
        .rect(clip)
        .attribute("viewBox", &sides.join(" "))
        .attribute("preserveAspectRatio", "none")
        .attribute("overflow", "hidden")
        .open();
}

fn draw_line(writer: &mut SvgWriter, line: &Line, scales: &Scales) {
    let mut path = Path::default();
    for run in gapless_runs(line.x.len(), |index| line.y[index].is_nan()) {
        match run.len() {
            1 => path.dot(scales.px(line.x[run.start], line.y[run.start])),
            _ => run.for_each(|index| path.add(scales.px(line.x[index], line.y[index]))),
        }
        path.lift();
    }
    let tag = writer
        .tag("path")
        .attribute("d", path.data())
        .colour("stroke", line.colour)
        .number("stroke-width", line.width)
        .attribute("stroke-linejoin", "round");
    dashed(tag, line.dash, line.width).close();
}

fn draw_markers(writer: &mut SvgWriter, line: &Line, scales: &Scales) {
    if let Some(marker) = line.drawn_marker() {
        let centres = line.x.iter().zip(&line.y);
        let centres = centres.filter(|(x, y)| scales.x.contains(**x) && scales.y.contains(**y));
        let centres: Vec<_> = centres.map(|(x, y)| scales.px(*x, *y)).collect();
        markers::draw(writer, &centres, marker, line.colour, 1.0);
    }
}

/// Width from which a line is a bar, px: its ends are where its values are.
const BAR: f64 = 6.0;

/// Adds the attributes of a dash pattern. Solid lines have round caps such that a single point is visible; bars have flat ends.
pub(super) fn dashed(tag: crate::svg::Tag<'_>, dash: Dash, width: f64) -> crate::svg::Tag<'_> {
    let lengths = match dash {
        Dash::Solid if width >= BAR => return tag,
        Dash::Solid => return tag.attribute("stroke-linecap", "round"),
        Dash::Dashed => [3.5, 2.2],
        Dash::Dotted => [1.0, 1.6],
    };
    let lengths = lengths.map(|length| number(length * width));
    tag.attribute("stroke-dasharray", &lengths.join(" "))
}

fn draw_band(writer: &mut SvgWriter, band: &Band, scales: &Scales) {
    let gap = |index: usize| band.lower[index].is_nan() || band.upper[index].is_nan();
    let mut path = Path::default();
    for run in gapless_runs(band.x.len(), gap) {
        for index in run.clone() {
            path.add(scales.px(band.x[index], band.upper[index]));
        }
        for index in run.rev() {
            path.add(scales.px(band.x[index], band.lower[index]));
        }
        path.close();
    }
    writer
        .tag("path")
        .attribute("d", path.data())
        .colour("fill", band.colour)
        .number("fill-opacity", band.opacity)
        .close();
}

fn draw_points(writer: &mut SvgWriter, points: &Points, scales: &Scales) {
    let centres = points.x.iter().zip(&points.y);
    let inside = centres.filter(|(x, y)| scales.x.contains(**x) && scales.y.contains(**y));
    let centres: Vec<_> = inside.map(|(x, y)| scales.px(*x, *y)).collect();
    markers::draw(
        writer,
        &centres,
        points.marker,
        points.colour,
        points.opacity,
    );
}

fn draw_image(
    writer: &mut SvgWriter,
    font: &Font<'_>,
    image: &Image,
    axes: &Axes,
    plot: Rect,
) -> Result<()> {
    let scales = Scales::new(axes, plot);
    let (left, right) = (scales.x.px(image.x.0), scales.x.px(image.x.1));
    let (first, last) = (scales.y.px(image.y.0), scales.y.px(image.y.1));
    let area = Rect {
        x: left.min(right),
        y: first.min(last),
        width: (right - left).abs(),
        height: (last - first).abs(),
    };
    let order = pixels::Order {
        columns_reversed: right < left,
        rows_reversed: last < first,
    };
    open_clip(writer, plot, 0.0);
    let bitmap = Bitmap::coloured(&image.values, &image.colours);
    pixels::draw(writer, &bitmap, order, area)?;
    writer.end();
    let Some((texts, style)) = cell_texts(font, image, axes, plot)? else {
        return Ok(());
    };
    let (rows, columns) = (image.values.rows() as f64, image.values.columns() as f64);
    writer.group("cells");
    for (index, (text, value)) in texts.iter().zip(image.values.values()).enumerate() {
        let row = (index / image.values.columns()) as f64 + 0.5;
        let column = (index % image.values.columns()) as f64 + 0.5;
        let x = left + column / columns * (right - left);
        let y = first + row / rows * (last - first) + style.middle_drop();
        let colour = image.colours.colour(*value).readable_text();
        writer.label(x, y, text, Lettering::new(style, Anchor::Middle, colour))?;
    }
    writer.end();
    Ok(())
}

fn draw_texts(
    writer: &mut SvgWriter,
    font: &Font<'_>,
    texts: &Texts,
    axes: &Axes,
    plot: Rect,
) -> Result<()> {
    let scales = Scales::new(axes, plot);
    let style = theme::DATA_TEXT;
    let lettering = Lettering::new(style, Anchor::Middle, texts.colour).rimmed();
    writer.group("texts");
    for placed in point_texts(font, texts, axes, plot)? {
        let (x, y) = scales.px(placed.x, placed.y);
        writer.label(x, y + style.middle_drop(), &placed.text, lettering)?;
    }
    writer.end();
    Ok(())
}

/// Ranges of successive indices below `count` that are not gaps.
pub(crate) fn gapless_runs(
    count: usize,
    gap: impl Fn(usize) -> bool,
) -> Vec<std::ops::Range<usize>> {
    let mut runs = Vec::new();
    let mut start = None;
    for index in 0..count {
        match (gap(index), start) {
            (true, Some(from)) => {
                runs.push(from..index);
                start = None;
            }
            (false, None) => start = Some(index),
            _ => {}
        }
    }
    runs.extend(start.map(|from| from..count));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_divide_runs() {
        let gaps = [true, false, false, true, false];
        assert_eq!(gapless_runs(5, |index| gaps[index]), [1..3, 4..5]);
        assert!(gapless_runs(2, |_| true).is_empty());
    }
}
