//! Points in space for plotly.js.

use serde_json::{Value, json};

use super::Paper;
use super::layers::name;
use super::text::{number, rich};
use crate::colour::Rgb;
use crate::error::Result;
use crate::layer::{Marker, MarkerShape};
use crate::layout::PanelLayout;
use crate::space::{Point, Space, SpaceFrame, SpacePoints, graticule};
use crate::theme;

/// Degrees between meridians and between parallels of the sphere.
const STEP: usize = 30;
/// Segments of a circle.
const PIECES: usize = 72;
/// Ends of the axes outside of the unit sphere, and positions of their names.
const AXIS: [f64; 2] = [1.15, 1.27];
/// Half of the range along each axis, which includes the names.
const REACH: f64 = 1.3;
/// Ratio of the size of a marker in plotly.js to its radius in px.
const SIZE: f64 = 1.3;
/// Edge of the cube around the sphere, and diagonal of the box around other points, in units of plotly.js: the scene is a
/// little less than two units high.
const CUBE: f64 = 1.8;
const DIAGONAL: f64 = 1.7;
/// Distance of the camera in the same units. It has no effect on a parallel projection.
const DISTANCE: f64 = 1.5;

/// Traces of the points, the curves and the frame.
pub(super) fn traces(space: &Space) -> Result<Vec<Value>> {
    let mut traces = match space.frame {
        SpaceFrame::Box => Vec::new(),
        SpaceFrame::Sphere => sphere(space)?,
    };
    traces.extend(
        space
            .curves
            .iter()
            .map(|curve| line(&curve.points, curve.colour, 3.0)),
    );
    for group in &space.groups {
        traces.push(points(group, space)?);
    }
    Ok(traces)
}

fn points(group: &SpacePoints, space: &Space) -> Result<Value> {
    let Marker { shape, radius, .. } = group.marker;
    // plotly.js has no triangle in space.
    let symbol = match shape {
        MarkerShape::Circle => "circle",
        MarkerShape::Square => "square",
        MarkerShape::Diamond => "diamond",
        MarkerShape::Triangle => "cross",
    };
    let mut trace = in_space(&group.points, "points");
    trace["mode"] = json!("markers");
    trace["marker"] = json!({
        "symbol": symbol,
        "size": number(SIZE * radius),
        "color": group.colour.hex(),
        "line": {"width": 1, "color": Rgb::WHITE.hex()},
    });
    let axes = space.axes.iter().zip(["x", "y", "z"]);
    let lines = axes.map(|(axis, name)| Ok(format!("{}: %{{{name}:.4~g}}", rich(axis)?)));
    let lines = lines.collect::<Result<Vec<_>>>()?.join("<br>");
    trace["hovertemplate"] = json!(format!(
        "<b>%{{fullData.name}}</b><br>{lines}<extra></extra>"
    ));
    name(&mut trace, Some(&group.name))?;
    Ok(trace)
}

fn in_space(points: &[Point], what: &str) -> Value {
    let along = |axis: usize| {
        points
            .iter()
            .map(|point| number(point[axis]))
            .collect::<Value>()
    };
    json!({
        "type": "scatter3d",
        "x": along(0),
        "y": along(1),
        "z": along(2),
        "meta": {"what": what},
    })
}

fn line(points: &[Point], colour: Rgb, width: f64) -> Value {
    let mut trace = in_space(points, "frame");
    trace["mode"] = json!("lines");
    trace["line"] = json!({"color": colour.hex(), "width": width});
    trace["hoverinfo"] = json!("skip");
    trace
}

/// The unit sphere: meridians and parallels, and the ends of the axes with their names.
fn sphere(space: &Space) -> Result<Vec<Value>> {
    let mut traces = Vec::new();
    // One trace, in which missing values interrupt the line.
    let gap = [f64::NAN; 3];
    let circles = graticule(STEP, PIECES).flat_map(|circle| circle.into_iter().chain([gap]));
    traces.push(line(&circles.collect::<Vec<_>>(), theme::HAIRLINE, 1.5));
    for (axis, name) in space.axes.iter().enumerate() {
        let at = |length: f64| {
            let mut point = [0.0; 3];
            point[axis] = length;
            point
        };
        let [end, text] = AXIS;
        traces.push(line(&[at(1.0), at(end)], theme::AXIS_LINE, 3.0));
        let mut label = in_space(&[at(text)], "frame");
        label["mode"] = json!("text");
        label["text"] = json!([rich(name)?]);
        label["textfont"] = json!({"color": theme::SOFT_INK.hex(), "size": theme::AXIS_LABEL.size});
        label["hoverinfo"] = json!("skip");
        traces.push(label);
    }
    Ok(traces)
}

/// Edges of the scene, such that equal differences have equal lengths on all axes.
fn edges(space: &Space) -> Point {
    if space.frame == SpaceFrame::Sphere {
        return [CUBE; 3];
    }
    let edges = [0, 1, 2].map(|axis| {
        let points = space.groups.iter().flat_map(|group| &group.points);
        let values = points.map(|point| point[axis]);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        high - low
    });
    let diagonal = edges.iter().copied().fold(0.0, f64::hypot);
    // plotly.js chooses a range for an axis with a single value.
    let share = |edge: f64| if edge > 0.0 { edge / diagonal } else { 0.1 };
    match diagonal > 0.0 {
        true => edges.map(|edge| DIAGONAL * share(edge)),
        false => [1.0; 3],
    }
}

/// Position of the scene and of its camera.
pub(super) fn scene(space: &Space, place: &PanelLayout, paper: Paper) -> Result<Value> {
    let (across, upright) = paper.domain(place.plot);
    let vector = |[x, y, z]: Point, length: f64| json!({"x": number(length * x), "y": number(length * y), "z": number(length * z)});
    let mut scene = json!({
        "domain": {"x": across, "y": upright},
        "aspectmode": "manual",
        "aspectratio": vector(edges(space), 1.0),
        "dragmode": "orbit",
        "bgcolor": "#ffffff",
        "camera": {
            "eye": vector(space.view.towards(), DISTANCE),
            "up": vector(space.view.up(), 1.0),
            "projection": {"type": "orthographic"},
        },
    });
    for (key, text) in ["xaxis", "yaxis", "zaxis"].into_iter().zip(&space.axes) {
        scene[key] = match space.frame {
            SpaceFrame::Sphere => json!({"visible": false, "range": [-REACH, REACH]}),
            SpaceFrame::Box => json!({
                "title": {"text": rich(text)?},
                "gridcolor": theme::GRID_LINE.hex(),
                "linecolor": theme::AXIS_LINE.hex(),
                "zerolinecolor": theme::GRID_LINE.hex(),
                "showspikes": false,
                "nticks": 5,
            }),
        };
    }
    Ok(scene)
}
