//! Axes of plots for plotly.js.

use serde_json::{Map, Value, json};

use super::text::{number, rich, rich_lines, styled};
use super::{Note, Paper};
use crate::axis::{Axis, AxisKind, Tick};
use crate::description::Axes;
use crate::error::Result;
use crate::layout::{Label, PanelLayout, tick_labels};
use crate::text::Font;
use crate::theme;

/// Adds both axes of a panel.
pub(super) fn insert(
    layout: &mut Map<String, Value>,
    axes: &Axes,
    place: &PanelLayout,
    paper: Paper,
    font: &Font<'_>,
    suffix: &str,
) -> Result<()> {
    let (across, upright) = paper.domain(place.plot);
    let level = !place.x_labels_turned;
    let mut x = axis(&axes.x, &place.x_ticks, font, place.plot.width, level)?;
    x["domain"] = across;
    x["anchor"] = json!(format!("y{suffix}"));
    x["tickangle"] = json!(if level { 0 } else { -90 });
    let mut y = axis(&axes.y, &place.y_ticks, font, place.plot.height, false)?;
    y["domain"] = upright;
    y["anchor"] = json!(format!("x{suffix}"));
    if units_are_equal(axes, place) {
        y["scaleanchor"] = json!(format!("x{suffix}"));
        x["constrain"] = json!("domain");
        y["constrain"] = json!("domain");
    }
    layout.insert(format!("xaxis{suffix}"), x);
    layout.insert(format!("yaxis{suffix}"), y);
    Ok(())
}

/// Returns true if units have the same length on both axes, which is then kept when the reader zooms.
fn units_are_equal(axes: &Axes, place: &PanelLayout) -> bool {
    let unit = |axis: &Axis, length: f64| length / (axis.range.1 - axis.range.0);
    let linear = [&axes.x, &axes.y]
        .iter()
        .all(|axis| axis.kind == AxisKind::Linear);
    let ratio = unit(&axes.x, place.plot.width) / unit(&axes.y, place.plot.height);
    linear && (ratio.abs() - 1.0).abs() < 1e-6
}

fn axis(axis: &Axis, major: &[Tick], font: &Font<'_>, length: f64, level: bool) -> Result<Value> {
    let (range, kind) = match axis.kind {
        AxisKind::Linear => ([axis.range.0, axis.range.1], "linear"),
        AxisKind::Log => ([axis.range.0.log10(), axis.range.1.log10()], "log"),
    };
    let (mut at, mut texts) = (Vec::new(), Vec::new());
    for tick in major {
        at.push(number(tick.at));
        texts.push(rich(&tick.text)?);
    }
    let size = theme::MINOR_TICK_LABEL.size;
    for tick in tick_labels::labelled_minor(font, axis, major, length, level)? {
        at.push(number(tick.at));
        texts.push(format!(
            "<span style=\"font-size:{size}px\">{}</span>",
            rich(&tick.text)?
        ));
    }
    let minor = axis.minor.iter().map(|tick| &tick.at);
    let ticks = if axis.line { "outside" } else { "" };
    let mut value = json!({
        "type": kind,
        "range": range,
        "tickmode": "array",
        "tickvals": at,
        "ticktext": texts,
        "tickfont": {"size": theme::TICK_LABEL.size},
        "ticks": ticks,
        "ticklen": theme::TICK_LENGTH,
        "tickcolor": theme::AXIS_LINE.hex(),
        "showline": axis.line,
        "linecolor": theme::AXIS_LINE.hex(),
        "showgrid": axis.grid,
        "gridcolor": theme::GRID_LINE.hex(),
        "zeroline": false,
        "minor": {
            "tickmode": "array",
            "tickvals": super::text::numbers(minor),
            "ticks": ticks,
            "ticklen": theme::MINOR_TICK_LENGTH,
            "tickcolor": theme::AXIS_LINE.hex(),
        },
    });
    if axis.major.is_empty() && !axis.line {
        value["visible"] = json!(false);
    }
    Ok(value)
}

/// Keys of the axes whose tick labels are numbers, such that plotly.js may choose ticks when the reader zooms.
pub(super) fn adaptive(axes: &Axes, suffix: &str) -> impl Iterator<Item = String> {
    let named = [("xaxis", &axes.x), ("yaxis", &axes.y)].into_iter();
    let numbers = named.filter(|(_, axis)| axis.line && axis.major.iter().all(is_number));
    numbers.map(move |(name, _)| format!("{name}{suffix}"))
}

fn is_number(tick: &Tick) -> bool {
    let text = tick.text.replace('\u{2212}', "-").replace(',', "");
    let power = |text: &str| {
        let (factor, exponent) = text.split_once("10^{")?;
        let exponent: i32 = exponent.strip_suffix('}')?.parse().ok()?;
        let factor: f64 = match factor.strip_suffix('×') {
            Some(factor) => factor.parse().ok()?,
            None => factor.is_empty().then_some(1.0)?,
        };
        Some(factor * 10f64.powi(exponent))
    };
    let value = power(&text).or_else(|| text.parse().ok());
    value.is_some_and(|value| (value - tick.at).abs() <= 1e-6 * tick.at.abs())
}

/// Labels of the axes.
pub(super) fn labels(place: &PanelLayout, paper: Paper) -> Result<Vec<Value>> {
    let style = theme::AXIS_LABEL;
    let Label { x, y, lines } = &place.x_label;
    let more = lines.len().saturating_sub(1) as f64 * style.line_height();
    let note = Note {
        text: styled(&rich_lines(lines)?, style),
        x: paper.x(*x),
        y: paper.y(y - style.middle_drop() + more / 2.0),
        anchors: ("center", "middle"),
        style,
    };
    let note = (!lines.is_empty()).then(|| note.value());
    Ok(note
        .into_iter()
        .chain(turned_label(place, paper)?)
        .collect())
}

/// The vertical label left of a panel.
pub(super) fn turned_label(place: &PanelLayout, paper: Paper) -> Result<Option<Value>> {
    let style = theme::AXIS_LABEL;
    let Label { x, y, lines } = &place.y_label;
    let text = rich_lines(lines)?;
    let is_empty = text.is_empty();
    let note = Note {
        text: styled(&text, style),
        x: paper.x(x - style.middle_drop()),
        y: paper.y(*y),
        anchors: ("center", "middle"),
        style,
    };
    Ok((!is_empty).then(|| note.turned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_words() {
        let tick = |at: f64, text: &str| is_number(&Tick::new(at, text));
        assert!(tick(-0.5, "\u{2212}0.50") && tick(0.01, "10^{\u{2212}2}") && tick(6e4, "60,000"));
        assert!(tick(-2e-19, "\u{2212}2×10^{\u{2212}19}") && !tick(2.0, "2×10^{x}"));
        assert!(!tick(0.5, "3") && !tick(0.5, "cat") && !tick(0.01, "1 %") && !tick(3.0, ""));
    }
}
