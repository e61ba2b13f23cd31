//! Heat maps and colour bars for plotly.js.

use serde_json::{Value, json};

use super::Paper;
use super::text::{number, numbers, rich};
use crate::axis::Axis;
use crate::colour::{ColourScale, Rgb};
use crate::description::{Axes, ColourBar};
use crate::error::Result;
use crate::layer::{Image, Layer};
use crate::layout::{BarLayout, PanelLayout, cell_texts};
use crate::matrix::Matrix;
use crate::text::Font;
use crate::theme;

/// Pieces of a colour scale. Within a piece, colours are interpolated.
const PIECES: usize = 64;
/// Most cells of a heat map whose labels name row and column.
const MOST_NAMED: usize = 100_000;

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

/// The attributes of the colours of a heat map without a colour bar.
fn own_colours(colours: &ColourScale) -> [(&'static str, Value); 3] {
    [
        ("zmin", number(colours.range.0)),
        ("zmax", number(colours.range.1)),
        ("colorscale", scale(colours)),
    ]
}

/// The trace of an image layer.
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
    let names = |axis: &Axis, first: (f64, f64), count: usize| match rows * columns {
        0..=MOST_NAMED => names(axis, first, count),
        _ => Ok(None),
    };
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
    if let Some((texts, style)) = cell_texts(font, image, axes, place.plot)? {
        let texts = texts
            .iter()
            .map(|text| rich(text))
            .collect::<Result<Vec<_>>>()?;
        trace["text"] = texts.chunks(columns).map(|row| json!(row)).collect();
        trace["texttemplate"] = json!("%{text}");
        trace["textfont"] = json!({"size": style.size});
    }
    Ok(trace)
}

/// Rectangles below the heat maps of a plot, visible where they have no value.
pub(super) fn grounds(axes: &Axes, suffix: &str) -> impl Iterator<Item = Value> {
    let images = axes.layers.iter().filter_map(|layer| match layer {
        Layer::Image(image) => Some(image),
        _ => None,
    });
    images.map(move |image| ground(image.x, image.y, image.colours.missing, suffix))
}

/// A rectangle below everything, between these ends of x and y.
pub(super) fn ground(x: (f64, f64), y: (f64, f64), colour: Rgb, suffix: &str) -> Value {
    json!({
        "type": "rect",
        "layer": "below",
        "xref": format!("x{suffix}"),
        "yref": format!("y{suffix}"),
        "x0": number(x.0),
        "x1": number(x.1),
        "y0": number(y.0),
        "y1": number(y.1),
        "fillcolor": colour.hex(),
        "line": {"width": 1, "color": theme::HAIRLINE.hex()},
    })
}

/// Tick labels of all cells along an axis, if each cell has a tick in its middle.
fn names(axis: &Axis, (first, step): (f64, f64), count: usize) -> Result<Option<Vec<String>>> {
    let at = |index: usize| {
        let middle = first + step * index as f64;
        let near = |tick: &&crate::axis::Tick| (tick.at - middle).abs() < 0.01 * step.abs();
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

/// Lets heat maps that have the same colours as a colour bar use a colour axis.
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

/// The colour axis of a panel with the colours of this bar, which has a place beside it or stands elsewhere.
pub(super) fn colour_axis(
    bar: &ColourBar,
    place: Option<&BarLayout>,
    paper: Paper,
) -> Result<Value> {
    let mut axis = json!({
        "cmin": number(bar.colours.range.0),
        "cmax": number(bar.colours.range.1),
        "colorscale": scale(&bar.colours),
        "showscale": place.is_some(),
    });
    if let Some(place) = place {
        axis["colorbar"] = colour_bar(place, paper)?;
    }
    Ok(axis)
}

fn colour_bar(place: &BarLayout, paper: Paper) -> Result<Value> {
    let rect = place.ramp;
    let texts = place
        .ticks
        .iter()
        .map(|tick| rich(&tick.text))
        .collect::<Result<Vec<_>>>()?;
    Ok(json!({
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
        "tickvals": numbers(place.ticks.iter().map(|tick| &tick.at)),
        "ticktext": texts,
        "tickfont": {"size": theme::TICK_LABEL.size},
        "ticks": "outside",
        "ticklen": theme::TICK_LENGTH,
        "tickcolor": theme::AXIS_LINE.hex(),
        "outlinewidth": 0,
        "title": {"text": rich(&place.label)?, "side": "right", "font": {"size": theme::AXIS_LABEL.size}},
    }))
}
