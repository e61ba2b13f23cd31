//! Grids of small images for plotly.js: each image is a trace, with its position in px as in the still picture.

use serde_json::{Map, Value, json};

use super::axes::turned_label;
use super::layers::name;
use super::text::{number, rich, rich_lines};
use super::{Note, Paper, heat_map};
use crate::draw::picture_uri;
use crate::error::Result;
use crate::image_grid::{GridCell, ImageGrid, Picture};
use crate::layout::{ImageCells, Label, PanelLayout, Rect};
use crate::text::{Font, TextStyle};
use crate::theme;

/// Traces of the images, row by row.
pub(super) fn traces(
    grid: &ImageGrid,
    cells: &ImageCells,
    place: &PanelLayout,
) -> Result<Vec<Value>> {
    let mut traces = Vec::new();
    for (row, column, cell) in placed(grid, cells) {
        let area = cells.rect(place.plot, row, column);
        let mut trace = match &cell.picture {
            Picture::Numbers(values) => {
                let mut trace = heat_map::cells(values, &grid.colours, "cell");
                trace["hovertemplate"] =
                    json!("%{fullData.name}<br><b>%{z:.6~g}</b><extra></extra>");
                trace
            }
            Picture::Colours(bitmap) => json!({
                "type": "image",
                "source": picture_uri(bitmap)?,
                "hovertemplate": "%{fullData.name}<extra></extra>",
                "meta": {"what": "picture"},
            }),
        };
        let step = (
            area.width / cell.picture.columns() as f64,
            area.height / cell.picture.rows() as f64,
        );
        trace["x0"] = number(area.x + step.0 / 2.0);
        trace["y0"] = number(area.y + step.1 / 2.0);
        trace["dx"] = number(step.0);
        trace["dy"] = number(step.1);
        name(&mut trace, Some(&in_words(grid, row, column, cell)))?;
        trace["meta"]["size"] = json!([cell.picture.rows(), cell.picture.columns()]);
        traces.push(trace);
    }
    Ok(traces)
}

/// The drawn images with their rows and columns.
fn placed<'a>(
    grid: &'a ImageGrid,
    cells: &ImageCells,
) -> impl Iterator<Item = (usize, usize, &'a GridCell)> {
    let columns = cells.columns;
    let rows = grid.rows.iter().take(cells.rows).enumerate();
    rows.flat_map(move |(row, line)| {
        let cells = line.cells.iter().take(columns).enumerate();
        cells.filter_map(move |(column, cell)| Some((row, column, cell.as_ref()?)))
    })
}

/// Name of an image: the labels of its row and column, and its caption.
fn in_words(grid: &ImageGrid, row: usize, column: usize, cell: &GridCell) -> String {
    let titled = |title: &str, label: &str| match (title, label) {
        (_, "") => String::new(),
        ("", label) => label.to_owned(),
        (title, label) => format!("{title} {label}"),
    };
    let column = grid.column_labels.get(column).map_or("", String::as_str);
    let column_title = grid.column_title.split(';').next().unwrap_or_default();
    let parts = [
        titled(&grid.row_title, &grid.rows[row].label),
        titled(column_title, column),
        cell.caption.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => format!("image {}", row * grid.columns() + 1),
        parts => parts.join(", "),
    }
}

/// Adds invisible axes in px of the drawing, downwards.
pub(super) fn insert_axes(
    layout: &mut Map<String, Value>,
    place: &PanelLayout,
    paper: Paper,
    suffix: &str,
) {
    let plot = place.plot;
    let (across, upright) = paper.domain(plot);
    let axis = |domain: Value, anchor: String, range: [f64; 2]| json!({"visible": false, "domain": domain, "anchor": anchor, "range": range, "constrain": "domain"});
    let x = axis(across, format!("y{suffix}"), [plot.x, plot.right()]);
    let mut y = axis(upright, format!("x{suffix}"), [plot.bottom(), plot.y]);
    y["scaleanchor"] = json!(format!("x{suffix}"));
    layout.insert(format!("xaxis{suffix}"), x);
    layout.insert(format!("yaxis{suffix}"), y);
}

/// Rectangles below the images, visible at their edges and where they have no value.
pub(super) fn grounds<'a>(
    grid: &'a ImageGrid,
    cells: &'a ImageCells,
    place: &'a PanelLayout,
    suffix: &'a str,
) -> impl Iterator<Item = Value> + 'a {
    placed(grid, cells).map(move |(row, column, _)| {
        let area = cells.rect(place.plot, row, column);
        let ends = ((area.x, area.right()), (area.y, area.bottom()));
        heat_map::ground(ends.0, ends.1, grid.colours.missing, suffix)
    })
}

/// Captions, which are attached to their images, and labels of rows and columns.
pub(super) fn labels(
    grid: &ImageGrid,
    cells: &ImageCells,
    place: &PanelLayout,
    paper: Paper,
    font: &Font<'_>,
    suffix: &str,
) -> Result<Vec<Value>> {
    let plot = place.plot;
    let (x_axis, y_axis) = (json!(format!("x{suffix}")), json!(format!("y{suffix}")));
    let mut notes = Vec::new();
    for (row, column, cell) in placed(grid, cells) {
        let area = cells.rect(plot, row, column);
        let lines = cells.caption_lines(font, &cell.caption)?;
        if !lines.is_empty() {
            let mut note = centred(rich_lines(&lines)?, theme::CAPTION).value();
            note["x"] = number(middle(area));
            note["y"] = number(area.y - 1.0);
            note["xref"] = x_axis.clone();
            note["yref"] = y_axis.clone();
            if cell.colour != theme::INK {
                note["font"]["color"] = json!(cell.colour.hex());
            }
            notes.push(note);
        }
    }
    let rows = cells.row_labels.iter().enumerate();
    for (row, label) in rows.filter(|(_, label)| !label.is_empty()) {
        let area = cells.rect(plot, row, 0);
        let note = Note {
            anchors: ("right", "middle"),
            x: paper.x(plot.x - 2.0 * theme::TICK_GAP),
            ..centred(rich(label)?, theme::TICK_LABEL)
        };
        let mut note = note.value();
        note["y"] = number(area.y + area.height / 2.0);
        note["yref"] = y_axis.clone();
        notes.push(note);
    }
    for (column, label) in cells.column_labels.iter().enumerate() {
        let mut note = Note {
            y: paper.y(plot.y - 3.0),
            ..centred(rich_lines(label)?, theme::CAPTION)
        }
        .value();
        note["x"] = number(middle(cells.rect(plot, 0, column)));
        note["xref"] = x_axis.clone();
        notes.push(note);
    }
    let Label { x, y, lines } = &place.column_title;
    let beside = |y: f64| Note {
        x: paper.x(*x),
        y: paper.y(y),
        anchors: ("left", "top"),
        ..centred(String::new(), theme::AXIS_LABEL)
    };
    if !lines.is_empty() {
        let title = Note {
            text: rich_lines(lines)?,
            ..beside(y - theme::AXIS_LABEL.ascent())
        };
        notes.push(title.value());
    }
    if !cells.left_out.is_empty() {
        let left_out = Note {
            text: rich(&cells.left_out)?,
            x: paper.x(plot.x),
            ..beside(plot.bottom() + theme::LABEL_GAP)
        };
        notes.push(left_out.value());
    }
    notes.extend(turned_label(place, paper)?);
    Ok(notes)
}

fn middle(area: Rect) -> f64 {
    area.x + area.width / 2.0
}

/// A text centred above a position.
fn centred(text: String, style: TextStyle) -> Note {
    Note {
        text,
        x: 0.0,
        y: 0.0,
        anchors: ("center", "bottom"),
        style,
    }
}
