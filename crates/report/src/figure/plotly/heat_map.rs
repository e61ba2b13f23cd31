//! Matrices in colours, and the key to the colours.

use serde_json::{Value, json};

use super::super::axis::Axis;
use super::super::colour::ColourScale;
use super::super::description::{Axes, ColourBar};
use super::super::error::Result;
use super::super::layer::Image;
use super::super::layout::{PanelLayout, Rect, fitting_style};
use super::super::matrix::Matrix;
use super::super::scale::AxisScale;
use super::super::text::Font;
use super::super::theme;
use super::Paper;
use super::text::{number, numbers, rich};

/// Pieces that a colour scale is divided into; in between, colours are interpolated.
const PIECES: usize = 64;

/// A heat map with one unit a cell.
pub(super) fn cells(values: &Matrix, colours: &ColourScale, what: &str) -> Value {
    let rows = values.values().chunks(values.columns());
    let mut trace = json!({
        "type": "heatmap",
        "z": rows.map(numbers).collect::<Vec<_>>(),
        "showscale": false,
        "showlegend": false,
        "hoverongaps": false,
        "meta": {"what": what},
    });
    for (name, value) in own_colours(colours) {
        trace[name] = value;
    }
    trace
}

/// What says the colours of a heat map that has no key.
fn own_colours(colours: &ColourScale) -> [(&'static str, Value); 3] {
    [
        ("zmin", number(colours.range.0)),
        ("zmax", number(colours.range.1)),
        ("colorscale", scale(colours)),
    ]
}

/// A layer of a plot.
pub(super) fn image(
    image: &Image,
    axes: &Axes,
    place: &PanelLayout,
    font: &Font<'_>,
) -> Result<Value> {
    let (rows, columns) = (image.values.rows(), image.values.columns());
    let mut trace = cells(&image.values, &image.colours, "image");
    let middles = |(start, end): (f64, f64), count: usize| {
        let step = (end - start) / count as f64;
        (start + step / 2.0, step)
    };
    let ((x0, dx), (y0, dy)) = (middles(image.x, columns), middles(image.y, rows));
    trace["x0"] = number(x0);
    trace["dx"] = number(dx);
    trace["y0"] = number(y0);
    trace["dy"] = number(dy);
    let across = names(&axes.x, (x0, dx), columns)?;
    let upright = names(&axes.y, (y0, dy), rows)?;
    let label = |axis: &Axis, other: &str| match axis.label.as_str() {
        "" => Ok(other.to_owned()),
        label => rich(label),
    };
    let (x, y) = (label(&axes.x, "x")?, label(&axes.y, "y")?);
    trace["hovertemplate"] = match (across, upright) {
        (Some(across), Some(upright)) => {
            let row = |row: &String| {
                let cells = across
                    .iter()
                    .map(|column| format!("{y}: {row}<br>{x}: {column}"));
                cells.collect::<Vec<_>>()
            };
            trace["hovertext"] = json!(upright.iter().map(row).collect::<Vec<_>>());
            json!("%{hovertext}<br><b>%{z:.6~g}</b><extra></extra>")
        }
        _ => json!(format!(
            "{x}: %{{x:.6~g}}<br>{y}: %{{y:.6~g}}<br><b>%{{z:.6~g}}</b><extra></extra>"
        )),
    };
    if let Some(texts) = &image.cell_texts {
        let texts = texts
            .iter()
            .map(|text| rich(text))
            .collect::<Result<Vec<_>>>()?;
        let area = |axis: &Axis, (start, end): (f64, f64), length: f64| {
            let scale = AxisScale::new(axis, 0.0, length);
            (scale.px(end) - scale.px(start)).abs()
        };
        let cell = (
            0.92 * area(&axes.x, image.x, place.plot.width) / columns as f64,
            0.92 * area(&axes.y, image.y, place.plot.height) / rows as f64,
        );
        let sizes = (theme::CELL_TEXT_SMALLEST, theme::CELL_TEXT_LARGEST);
        let plain = image.cell_texts.as_deref().unwrap_or_default();
        let style = fitting_style(font, plain, cell, sizes, "image layer")?;
        trace["text"] = texts.chunks(columns).map(|row| json!(row)).collect();
        trace["texttemplate"] = json!("%{text}");
        trace["textfont"] = json!({"size": style.size});
    }
    Ok(trace)
}

/// The ticks' texts at the middles of all cells along an axis, if there are such.
fn names(axis: &Axis, (first, step): (f64, f64), count: usize) -> Result<Option<Vec<String>>> {
    let at = |index: usize| {
        let middle = first + step * index as f64;
        let near = |tick: &&super::super::axis::Tick| (tick.at - middle).abs() < 0.01 * step.abs();
        axis.major.iter().find(near)
    };
    let ticks: Option<Vec<_>> = (0..count).map(at).collect();
    ticks
        .map(|ticks| ticks.into_iter().map(|tick| rich(&tick.text)).collect())
        .transpose()
}

fn scale(colours: &ColourScale) -> Value {
    let (low, high) = colours.range;
    let stop = |piece: usize| {
        let fraction = piece as f64 / PIECES as f64;
        json!([
            fraction,
            colours.colour(low + fraction * (high - low)).hex()
        ])
    };
    (0..=PIECES).map(stop).collect()
}

/// Lets the panel's heat maps in the colours of its key take them from there.
pub(super) fn share_colours(traces: &mut [Value], bar: &ColourBar, axis: &str) {
    let key = own_colours(&bar.colours);
    for trace in traces.iter_mut().filter_map(Value::as_object_mut) {
        if key
            .iter()
            .all(|(name, value)| trace.get(*name) == Some(value))
        {
            trace.retain(|name, _| key.iter().all(|(known, _)| known != name));
            trace.insert("coloraxis".to_owned(), json!(axis));
        }
    }
}

/// The key to the colours of a panel.
pub(super) fn colour_axis(bar: &ColourBar, rect: Rect, paper: Paper) -> Result<Value> {
    let texts = bar
        .ticks
        .iter()
        .map(|tick| rich(&tick.text))
        .collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "cmin": number(bar.colours.range.0),
        "cmax": number(bar.colours.range.1),
        "colorscale": scale(&bar.colours),
        "colorbar": {
            "x": paper.x(rect.x),
            "xanchor": "left",
            "xpad": 0,
            "y": paper.y(rect.y + rect.height / 2.0),
            "yanchor": "middle",
            "ypad": 0,
            "len": rect.height,
            "lenmode": "pixels",
            "thickness": rect.width,
            "tickmode": "array",
            "tickvals": numbers(bar.ticks.iter().map(|tick| &tick.at)),
            "ticktext": texts,
            "tickfont": {"size": theme::TICK_LABEL.size},
            "ticks": "outside",
            "ticklen": theme::TICK_LENGTH,
            "tickcolor": theme::AXIS_LINE.hex(),
            "outlinewidth": 0,
            "title": {"text": rich(&bar.label)?, "side": "right", "font": {"size": theme::AXIS_LABEL.size}},
        },
    }))
}
