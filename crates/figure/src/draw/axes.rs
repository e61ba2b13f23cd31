//! Drawing of axes: grid lines, axis lines, ticks and labels.

use super::ink;
use crate::axis::{Axis, Tick};
use crate::description::Axes;
use crate::error::Result;
use crate::layout::{Label, PanelLayout, Rect, tick_labels, tick_length};
use crate::scale::AxisScale;
use crate::svg::{Anchor, Lettering, SvgWriter};
use crate::text::{Font, TextStyle};
use crate::theme;

/// Distance of the break of an axis from its low end, as a fraction of its length.
const BREAK_AT: f64 = 0.045;
/// Half of the gap in the axis line, and how far the strokes at its ends reach to both sides, px.
const BREAK_HALF: f64 = 2.0;
const BREAK_REACH: f64 = 4.0;

/// Scale of the x axis.
pub(super) fn x_scale(axes: &Axes, plot: Rect) -> AxisScale {
    AxisScale::new(&axes.x, plot.x, plot.right())
}

/// Scale of the y axis, upwards.
pub(super) fn y_scale(axes: &Axes, plot: Rect) -> AxisScale {
    AxisScale::new(&axes.y, plot.bottom(), plot.y)
}

/// Draws the grid, which is below the data.
pub(super) fn draw_behind(writer: &mut SvgWriter, axes: &Axes, place: &PanelLayout) {
    let plot = place.plot;
    writer.group("grid");
    if axes.x.grid {
        let scale = x_scale(axes, plot);
        for x in place.x_ticks.iter().map(|tick| scale.px(tick.at)) {
            writer.line((x, plot.y), (x, plot.bottom()), theme::GRID_LINE, 1.0);
        }
    }
    if axes.y.grid {
        let scale = y_scale(axes, plot);
        for y in place.y_ticks.iter().map(|tick| scale.px(tick.at)) {
            writer.line((plot.x, y), (plot.right(), y), theme::GRID_LINE, 1.0);
        }
    }
    writer.end();
}

/// Draws axis lines, ticks and labels, which are above the data.
pub(super) fn draw_before(
    writer: &mut SvgWriter,
    font: &Font<'_>,
    axes: &Axes,
    place: &PanelLayout,
) -> Result<()> {
    writer.group("x-axis");
    x_axis(writer, font, axes, place)?;
    writer.end();
    writer.group("y-axis");
    y_axis(writer, font, axes, place)?;
    writer.end();
    Ok(())
}

fn x_axis(writer: &mut SvgWriter, font: &Font<'_>, axes: &Axes, place: &PanelLayout) -> Result<()> {
    let (axis, plot, turned) = (&axes.x, place.plot, place.x_labels_turned);
    let scale = x_scale(axes, plot);
    let base = plot.bottom();
    if axis.line {
        writer.line((plot.x, base), (plot.right(), base), theme::AXIS_LINE, 1.0);
        for (tick, length) in ticks(axis, &place.x_ticks) {
            let x = scale.px(tick.at);
            writer.line((x, base), (x, base + length), theme::AXIS_LINE, 1.0);
        }
    }
    let text_top = base + tick_length(axis) + theme::TICK_GAP;
    let mut label = |tick: &Tick, lettering: Lettering| {
        let x = scale.px(tick.at);
        let style = lettering.style;
        if turned {
            let lettering = Lettering {
                anchor: Anchor::End,
                ..lettering.turned()
            };
            writer.label(x + style.middle_drop(), text_top, &tick.text, lettering)
        } else {
            writer.label(x, text_top + style.ascent(), &tick.text, lettering)
        }
    };
    for tick in &place.x_ticks {
        label(tick, ink(theme::TICK_LABEL, Anchor::Middle))?;
    }
    let minor_ticks = tick_labels::labelled_minor(font, axis, &place.x_ticks, plot.width, !turned)?;
    for tick in minor_ticks {
        label(tick, minor(Anchor::Middle))?;
    }
    let Label { x, y, lines } = &place.x_label;
    let label = ink(theme::AXIS_LABEL, Anchor::Middle);
    super::lines(writer, (*x, *y), lines, label)
}

fn y_axis(writer: &mut SvgWriter, font: &Font<'_>, axes: &Axes, place: &PanelLayout) -> Result<()> {
    let (axis, plot) = (&axes.y, place.plot);
    let scale = y_scale(axes, plot);
    if axis.line {
        y_line(writer, axis, plot);
        for (tick, length) in ticks(axis, &place.y_ticks) {
            let y = scale.px(tick.at);
            writer.line((plot.x - length, y), (plot.x, y), theme::AXIS_LINE, 1.0);
        }
    }
    let x = plot.x - tick_length(axis) - theme::TICK_GAP;
    let mut label = |tick: &Tick, style: TextStyle, lettering: Lettering| {
        let y = scale.px(tick.at) + style.middle_drop();
        writer.label(x, y, &tick.text, lettering)
    };
    for tick in &place.y_ticks {
        label(tick, theme::TICK_LABEL, ink(theme::TICK_LABEL, Anchor::End))?;
    }
    for tick in tick_labels::labelled_minor(font, axis, &place.y_ticks, plot.height, false)? {
        label(tick, theme::MINOR_TICK_LABEL, minor(Anchor::End))?;
    }
    let Label { x, y, lines } = &place.y_label;
    let label = ink(theme::AXIS_LABEL, Anchor::Middle).turned();
    super::lines(writer, (*x, *y), lines, label)
}

/// The line of the y axis, broken above a floor, which is on another scale.
fn y_line(writer: &mut SvgWriter, axis: &Axis, plot: Rect) {
    let mut line = |from: (f64, f64), to| writer.line(from, to, theme::AXIS_LINE, 1.0);
    if axis.floor.is_none() {
        return line((plot.x, plot.y), (plot.x, plot.bottom()));
    }
    let middle = plot.bottom() - BREAK_AT * plot.height;
    for (y, end) in [
        (middle - BREAK_HALF, plot.y),
        (middle + BREAK_HALF, plot.bottom()),
    ] {
        line((plot.x, end), (plot.x, y));
        let (left, right) = (plot.x - BREAK_REACH, plot.x + BREAK_REACH);
        line((left, y + BREAK_HALF), (right, y - BREAK_HALF));
    }
}

fn ticks<'a>(axis: &'a Axis, major: &'a [Tick]) -> impl Iterator<Item = (&'a Tick, f64)> {
    let major = major.iter().map(|tick| (tick, theme::TICK_LENGTH));
    let minor = axis
        .minor
        .iter()
        .map(|tick| (tick, theme::MINOR_TICK_LENGTH));
    major.chain(minor)
}

fn minor(anchor: Anchor) -> Lettering {
    Lettering::new(theme::MINOR_TICK_LABEL, anchor, theme::SOFT_INK)
}
