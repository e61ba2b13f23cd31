//! Layers of plots for plotly.js.

use serde_json::{Value, json};

use super::heat_map;
use super::text::{number, numbers, rich};
use crate::axis::{Axis, AxisKind};
use crate::colour::Rgb;
use crate::description::Axes;
use crate::draw::gapless_runs;
use crate::error::Result;
use crate::layer::{Band, Dash, Layer, Line, Marker, MarkerShape, Points, Texts};
use crate::layout::{PanelLayout, point_texts};
use crate::markup;
use crate::text::Font;
use crate::theme;

/// Traces of a panel, back to front. Successive layers of points that look the same are merged, and every `step`th of their
/// points is included.
pub(super) fn traces(
    axes: &Axes,
    place: &PanelLayout,
    font: &Font<'_>,
    step: usize,
) -> Result<Vec<Value>> {
    let mut traces = Vec::new();
    let mut pending: Vec<Cloud> = Vec::new();
    for layer in &axes.layers {
        if let Layer::Points(points) = layer {
            match pending.iter_mut().find(|cloud| cloud.takes(points)) {
                Some(cloud) => cloud.add(points),
                None => pending.push(Cloud::of(points)),
            }
            continue;
        }
        for cloud in pending.drain(..) {
            traces.push(cloud.trace(axes, step)?);
        }
        traces.push(match layer {
            Layer::Line(layer) => line(layer, axes)?,
            Layer::Band(layer) => band(layer, axes)?,
            Layer::Image(layer) => heat_map::image(layer, axes, place, font)?,
            Layer::Texts(layer) => texts(layer, axes, place, font)?,
            Layer::Points(_) => continue,
        });
    }
    for cloud in pending {
        traces.push(cloud.trace(axes, step)?);
    }
    Ok(traces)
}

fn line(line: &Line, axes: &Axes) -> Result<Value> {
    let mode = if line.marker.is_some() {
        "lines+markers"
    } else {
        "lines"
    };
    // Those of the library grow with the width: a key of a legend would show one dash of a thick line.
    let dash = match line.dash {
        Dash::Solid => "solid".to_owned(),
        Dash::Dashed => lengths(line.width, [3.5, 2.2], [10.0, 5.0]),
        Dash::Dotted => lengths(line.width, [1.0, 1.6], [3.0, 4.0]),
    };
    let mut trace = json!({
        "type": "scatter",
        "mode": mode,
        "x": numbers(&line.x),
        "y": numbers(&line.y),
        "line": {"color": line.colour.hex(), "width": line.width, "dash": dash},
        "meta": {"what": "line"},
        "hovertemplate": hovers(axes, line)?,
    });
    if let Some(marker) = line.drawn_marker() {
        trace["marker"] = self::marker(marker, line.colour);
    }
    name(&mut trace, line.name.as_deref())?;
    Ok(trace)
}

/// Dash and gap in widths of the line, as still pictures have them, but of at most so many px.
fn lengths(width: f64, in_widths: [f64; 2], most: [f64; 2]) -> String {
    let [dash, gap] = [0, 1].map(|index| (in_widths[index] * width).min(most[index]));
    format!("{dash:.1}px,{gap:.1}px")
}

/// The trace of a band: a closed outline for every range without gaps, along the upper edge and back along the lower one.
fn band(band: &Band, axes: &Axes) -> Result<Value> {
    // On a logarithmic axis, an edge at or below zero is infinitely far down.
    let floor = match axes.y.kind {
        AxisKind::Log => axes.y.range.0.min(axes.y.range.1) / 1e3,
        AxisKind::Linear => f64::NEG_INFINITY,
    };
    let gap = |index: usize| band.lower[index].is_nan() || band.upper[index].is_nan();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for run in gapless_runs(band.x.len(), gap) {
        if !x.is_empty() {
            x.push(Value::Null);
            y.push(Value::Null);
        }
        for index in run.clone() {
            x.push(number(band.x[index]));
            y.push(number(band.upper[index].max(floor)));
        }
        for index in run.rev() {
            x.push(number(band.x[index]));
            y.push(number(band.lower[index].max(floor)));
        }
    }
    if x.is_empty() {
        // An entry in the legend without an area.
        x.push(Value::Null);
        y.push(Value::Null);
    }
    let mut trace = json!({
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "fill": "toself",
        "fillcolor": translucent(band.colour, band.opacity),
        "line": {"width": 0, "color": band.colour.hex()},
        "hoverinfo": "skip",
        "meta": {"what": "band"},
    });
    name(&mut trace, band.name.as_deref())?;
    Ok(trace)
}

fn texts(texts: &Texts, axes: &Axes, place: &PanelLayout, font: &Font<'_>) -> Result<Value> {
    let placed = point_texts(font, texts, axes, place.plot)?;
    let words = placed.iter().map(|placed| rich(&placed.text));
    let words = words.collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "type": "scatter",
        "mode": "text",
        "x": numbers(placed.iter().map(|placed| &placed.x)),
        "y": numbers(placed.iter().map(|placed| &placed.y)),
        "text": words,
        "textfont": {"color": texts.colour.hex(), "size": theme::DATA_TEXT.size},
        "hoverinfo": "skip",
        "showlegend": false,
        "meta": {"what": "texts"},
    }))
}

/// Points that look the same.
struct Cloud {
    first: Points,
    layers: usize,
}

impl Cloud {
    fn of(points: &Points) -> Self {
        Self {
            first: points.clone(),
            layers: 1,
        }
    }

    fn takes(&self, points: &Points) -> bool {
        let look = |points: &Points| (points.colour, points.opacity.to_bits(), points.name.clone());
        look(&self.first) == look(points) && self.first.marker == points.marker
    }

    fn add(&mut self, points: &Points) {
        self.first.x.extend(&points.x);
        self.first.y.extend(&points.y);
        self.layers += 1;
    }

    fn trace(self, axes: &Axes, step: usize) -> Result<Value> {
        let points = self.first;
        let mut marker = marker(points.marker, points.colour);
        let mut trace = json!({
            "type": "scatter",
            "mode": "markers",
            "x": numbers(points.x.iter().step_by(step)),
            "y": numbers(points.y.iter().step_by(step)),
            "meta": {"what": "points"},
            "hovertemplate": hover(axes, points.name.is_some())?,
        });
        // Overlapping points of one layer do not add up, those of several layers do.
        match self.layers {
            1 => trace["opacity"] = json!(points.opacity),
            _ => marker["opacity"] = json!(points.opacity),
        }
        trace["marker"] = marker;
        if points.x.is_empty() {
            // An entry in the legend without points.
            trace["x"] = json!([null]);
            trace["y"] = json!([null]);
        }
        name(&mut trace, points.name.as_deref())?;
        Ok(trace)
    }
}

pub(super) fn marker(marker: Marker, colour: Rgb) -> Value {
    let symbol = match marker.shape {
        MarkerShape::Circle => "circle",
        MarkerShape::Square => "square",
        MarkerShape::Diamond => "diamond",
        MarkerShape::Triangle => "triangle-up",
    };
    let rim = if marker.rim { 0.8 } else { 0.0 };
    json!({
        "symbol": symbol,
        "size": 2.0 * marker.radius,
        "color": colour.hex(),
        "line": {"width": rim, "color": Rgb::WHITE.hex()},
    })
}

/// Sets the name for the legend and, without markup, for tables.
pub(super) fn name(trace: &mut Value, name: Option<&str>) -> Result<()> {
    if let Some(name) = name {
        trace["name"] = json!(rich(name)?);
        trace["meta"]["name"] = json!(markup::plain(name)?);
    }
    Ok(())
}

fn translucent(colour: Rgb, opacity: f64) -> String {
    format!("{}{:02x}", colour.hex(), (255.0 * opacity).round() as u8)
}

/// Labels of the points of a line: one template for all, or one for each if some are at the floor of the axis.
fn hovers(axes: &Axes, line: &Line) -> Result<Value> {
    let named = line.name.is_some();
    let usual = hover(axes, named)?;
    let low = axes.y.range.0.min(axes.y.range.1);
    let Some(floor) = &axes.y.floor else {
        return Ok(json!(usual));
    };
    let lowest = usual.replace("%{y:.6~g}", &rich(floor)?);
    let texts = line.y.iter().map(|y| match *y <= low {
        true => json!(lowest),
        false => json!(usual),
    });
    Ok(texts.collect())
}

/// Template of the label of a point.
fn hover(axes: &Axes, named: bool) -> Result<String> {
    let mut lines = Vec::new();
    if named {
        lines.push("<b>%{fullData.name}</b>".to_owned());
    }
    for (name, axis) in [("x", &axes.x), ("y", &axes.y)] {
        if is_measured(axis) {
            let label = if axis.label.is_empty() {
                name.to_owned()
            } else {
                rich(&axis.label)?
            };
            lines.push(format!("{label}: %{{{name}:.6~g}}"));
        }
    }
    Ok(lines.join("<br>") + "<extra></extra>")
}

/// Returns true if positions along an axis are values. On an axis that is not drawn they are not.
fn is_measured(axis: &Axis) -> bool {
    axis.line || !axis.major.is_empty()
}
