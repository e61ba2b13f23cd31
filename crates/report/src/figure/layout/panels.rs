//! Where panels and their parts go, once the columns' widths are known.

use super::super::axis::Axis;
use super::super::description::{Axes, Content, Figure, Panel};
use super::super::error::Result;
use super::super::layer::Layer;
use super::super::scale::AxisScale;
use super::super::text::Font;
use super::super::{theme, validate};
use super::columns::Columns;
use super::margins::{Below, Sides};
use super::{PanelLayout, Rect, fits, tick_labels};

/// Places all panels, row by row from `top` down; also gives the lowest y that they reach.
pub(super) fn place_panels(
    figure: &Figure,
    font: &Font<'_>,
    columns: &Columns,
    top: f64,
) -> Result<(Vec<PanelLayout>, f64)> {
    let count = figure.columns.len();
    let mut panels = Vec::with_capacity(figure.panels.len());
    let mut y = top;
    for (row, in_row) in figure.panels.chunks(count).enumerate() {
        let mut parts = Vec::with_capacity(in_row.len());
        for (column, panel) in in_row.iter().enumerate() {
            let place = validate::panel_place(row * count + column, panel);
            let (_, width, after) = columns.widths[column];
            parts.push(Below::new(font, panel, width, after, place)?);
        }
        let above = parts.iter().map(|part| part.top).fold(0.0, f64::max);
        let filled = row_height(in_row, &parts, columns);
        let mut x = theme::EDGE;
        let mut bottom = y + above;
        for (column, (panel, part)) in in_row.iter().zip(parts).enumerate() {
            let (before, width, after) = columns.widths[column];
            let height = part.height.unwrap_or(filled);
            let plot = Rect {
                x: x + before,
                y: y + above,
                width: part.width,
                height,
            };
            let sides = &columns.sides[row * count + column];
            let placed = place_parts(
                font,
                panel,
                part,
                sides,
                plot,
                Cell {
                    left: x,
                    top: y,
                    right: x + before + width + after,
                    y_label_distance: columns.y_label_distance(column),
                },
            )?;
            bottom = bottom.max(placed.1);
            panels.push(placed.0);
            x += before + width + after + theme::COLUMN_GAP;
        }
        y = bottom + theme::ROW_GAP;
    }
    Ok((panels, y - theme::ROW_GAP))
}

/// The height of plots that fill their row.
fn row_height(in_row: &[Panel], parts: &[Below], columns: &Columns) -> f64 {
    let fixed = parts
        .iter()
        .filter_map(|part| part.height)
        .fold(0.0, f64::max);
    let free = in_row
        .iter()
        .zip(&columns.widths)
        .filter(|(panel, _)| matches!(&panel.content, Content::Axes(axes) if axes.aspect.is_none()))
        .map(|(_, (_, width, _))| theme::ASPECT * width)
        .fold(0.0, f64::max);
    if fixed > 0.0 { fixed } else { free }
}

/// What a panel may use of its place in the grid.
struct Cell {
    left: f64,
    top: f64,
    right: f64,
    y_label_distance: f64,
}

/// The parts of a panel, and how far down they reach.
fn place_parts(
    font: &Font<'_>,
    panel: &Panel,
    part: Below,
    sides: &Sides,
    plot: Rect,
    cell: Cell,
) -> Result<(PanelLayout, f64)> {
    let place = part.place.as_str();
    let (mut x_label, mut y_label) = (plot.x + plot.width / 2.0, plot.y + plot.height / 2.0);
    let lowest = plot.bottom() + part.bottom;
    if let Content::Axes(axes) = &panel.content {
        check_texts(font, axes, plot, place)?;
        tick_labels::check_vertical(&axes.y, plot.height, &format!("{place}, y axis"))?;
        let width = font.width(&axes.x.label, theme::AXIS_LABEL)?;
        fits(
            place,
            "the x label",
            &axes.x.label,
            width,
            cell.right - cell.left,
        )?;
        x_label = x_label
            .min(cell.right - width / 2.0)
            .max(cell.left + width / 2.0);
        let height = font.width(&axes.y.label, theme::AXIS_LABEL)?;
        fits(
            place,
            "the y label",
            &axes.y.label,
            height,
            lowest - cell.top,
        )?;
        y_label = y_label
            .min(lowest - height / 2.0)
            .max(cell.top + height / 2.0);
    }
    let colour_bar = panel.colour_bar.as_ref().map(|_| {
        let height = match &panel.content {
            Content::Axes(_) => plot.height,
            Content::Images(_) => plot.height.min(theme::COLOUR_BAR_HIGHEST),
        };
        Rect {
            x: plot.right() + theme::SIDE_GAP,
            y: plot.y + (plot.height - height) / 2.0,
            width: theme::COLOUR_BAR_WIDTH,
            height,
        }
    });
    if let (Some(bar), Some(rect)) = (&panel.colour_bar, &colour_bar) {
        let width = font.width(&bar.label, theme::AXIS_LABEL)?;
        fits(
            place,
            "the colour bar's label",
            &bar.label,
            width,
            plot.height,
        )?;
        let scale = Axis::linear("", bar.colours.range).with_major(bar.ticks.clone());
        tick_labels::check_vertical(&scale, rect.height, &format!("{place}, colour bar"))?;
    }
    let legend = sides.legend.clone().map(|legend| {
        let x = plot.right() + sides.colour_bar + theme::SIDE_GAP;
        (legend, x, plot.y)
    });
    let legend_bottom = legend
        .as_ref()
        .map_or(0.0, |(legend, _, y)| y + legend.height);
    let layout = PanelLayout {
        plot,
        title_y: cell.top + theme::PANEL_TITLE.ascent(),
        title: part.title,
        x_label: (x_label, plot.bottom() + part.x_label_distance),
        y_label: (plot.x - cell.y_label_distance, y_label),
        x_labels_turned: part.x_labels_turned,
        images: part.images,
        colour_bar,
        legend,
    };
    Ok((layout, lowest.max(legend_bottom)))
}

/// Refuses a text at a data point that reaches beyond the plot.
fn check_texts(font: &Font<'_>, axes: &Axes, plot: Rect, place: &str) -> Result<()> {
    let x_scale = AxisScale::new(&axes.x, plot.x, plot.right());
    let y_scale = AxisScale::new(&axes.y, plot.bottom(), plot.y);
    let room = |middle: f64, start: f64, end: f64| 2.0 * (middle - start).min(end - middle);
    for layer in &axes.layers {
        let Layer::Texts(texts) = layer else { continue };
        for ((x, y), text) in texts.x.iter().zip(&texts.y).zip(&texts.texts) {
            let width = font.width(text, theme::DATA_TEXT)?;
            let across = room(x_scale.px(*x), plot.x, plot.right());
            fits(place, "the text at a point", text, width, across)?;
            let height = theme::DATA_TEXT.line_height();
            let upright = room(y_scale.px(*y), plot.y, plot.bottom());
            fits(place, "the text at a point", text, height, upright)?;
        }
    }
    Ok(())
}
