//! Positions of panels and their parts, once the widths of the columns are known.

use super::below::Below;
use super::columns::{Columns, Parts};
use super::margins::Sides;
use super::{BarLayout, Label, PanelLayout, Rect, tick_labels};
use crate::axis::Axis;
use crate::description::{ColourBar, Content, Figure, Panel};
use crate::error::Result;
use crate::text::Font;
use crate::theme;

/// Longest vertical label, px.
const LONGEST_UPRIGHT: f64 = 320.0;

/// Places all panels, row by row from `top` down; also returns their lower edge. A last row that is not full stands below what is
/// above its own panels, not below the whole row before.
pub(super) fn place_panels(
    figure: &Figure,
    font: &Font<'_>,
    columns: &Columns,
    top: f64,
) -> Result<(Vec<PanelLayout>, f64)> {
    let mut panels = Vec::with_capacity(figure.panels.len());
    let mut bottoms = vec![top; columns.count()];
    for (row, own_columns) in columns.grid.rows() {
        let in_row = &figure.panels[row.clone()];
        let sides = &columns.sides[row.clone()];
        let widths = &columns.parts[row.clone()];
        let parts = in_row.iter().zip(sides).zip(widths);
        let parts = parts
            .map(|((panel, sides), widths)| {
                Below::new(font, panel, sides, widths, figure.paper.is_some())
            })
            .collect::<Result<Vec<_>>>()?;
        let above = parts.iter().map(|part| part.top).fold(0.0, f64::max);
        let filled = filled_heights(in_row, &parts, widths);
        let gap = if row.start > 0 { theme::ROW_GAP } else { 0.0 };
        let y = gap + highest(&bottoms[own_columns.clone()]);
        let places = row.zip(own_columns).zip(filled);
        for (((index, column), filled), part) in places.zip(parts) {
            let Parts {
                before,
                plot: width,
                after,
                y_label_distance,
            } = columns.parts[index];
            let x = columns.left(column);
            let plot = Rect {
                x: x + before,
                y: y + above,
                width: part.width,
                height: part.height.unwrap_or(filled),
            };
            let (placed, bottom) = place_parts(
                font,
                &figure.panels[index],
                part,
                &columns.sides[index],
                plot,
                Cell {
                    top: y,
                    right: x + before + width + after,
                    y_label: figure.y_label(index),
                    title_x: columns.titles(column),
                    y_label_distance,
                },
            )?;
            bottoms[column] = bottom;
            panels.push(placed);
        }
    }
    Ok((panels, highest(&bottoms)))
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Heights of the plots that fill their row, by column: of one height, unless a plot beside something high would become a narrow tower.
fn filled_heights(in_row: &[Panel], parts: &[Below], widths: &[Parts]) -> Vec<f64> {
    let fixed = parts
        .iter()
        .filter_map(|part| part.height)
        .fold(0.0, f64::max);
    let widths = || widths.iter().map(|parts| parts.plot);
    let free = in_row
        .iter()
        .zip(widths())
        .filter(|(panel, _)| matches!(&panel.content, Content::Axes(axes) if axes.aspect.is_none()))
        .map(|(_, width)| theme::ASPECT * width)
        .fold(0.0, f64::max);
    let height = |width: f64| match fixed > 0.0 {
        true => fixed.min(theme::MOST_UPRIGHT * width),
        false => free,
    };
    widths().map(height).collect()
}

/// Room of a panel in the grid.
struct Cell<'a> {
    top: f64,
    right: f64,
    title_x: f64,
    y_label: &'a str,
    y_label_distance: f64,
}

/// Positions of the parts of a panel, and their lower edge.
fn place_parts(
    font: &Font<'_>,
    panel: &Panel,
    part: Below,
    sides: &Sides,
    plot: Rect,
    cell: Cell<'_>,
) -> Result<(PanelLayout, f64)> {
    let y_ticks = match &panel.content {
        Content::Axes(axes) => tick_labels::thinned(&axes.y, &sides.y_ticks, plot.height),
        Content::Images(_) => Vec::new(),
    };
    let y_text = font.elide(cell.y_label, theme::AXIS_LABEL, LONGEST_UPRIGHT)?;
    let y_length = font.width(&y_text, theme::AXIS_LABEL)?;
    let mut lowest = (plot.bottom() + part.bottom).max(cell.top + y_length);
    let y_middle = (plot.y + plot.height / 2.0)
        .min(lowest - y_length / 2.0)
        .max(cell.top + y_length / 2.0);
    let x_length = font.widest(part.x_label.iter().map(String::as_str), theme::AXIS_LABEL)?;
    let x_middle = (plot.x + plot.width / 2.0)
        .min(cell.right - x_length / 2.0)
        .max(plot.x + x_length / 2.0);
    let colour_bar = sides
        .bar
        .as_ref()
        .map(|bar| colour_bar(font, panel, bar, plot))
        .transpose()?;
    if let Some(bar) = &colour_bar {
        lowest = lowest.max(bar.ramp.bottom() + 0.5 * theme::TICK_LABEL.size);
    }
    let legend = sides.legend.clone().map(|legend| {
        let x = plot.right() + sides.colour_bar + theme::SIDE_GAP;
        (legend, x, plot.y)
    });
    let legend_bottom = legend
        .as_ref()
        .map_or(0.0, |(legend, _, y)| y + legend.height);
    let title_length = font.widest(
        part.column_title.iter().map(String::as_str),
        theme::AXIS_LABEL,
    )?;
    let layout = PanelLayout {
        plot,
        title_x: cell.title_x,
        title_y: cell.top + theme::PANEL_TITLE.ascent(),
        title: part.title,
        column_title: Label {
            x: plot.x + ((plot.width - title_length) / 2.0).max(0.0),
            y: plot.y - part.header + theme::AXIS_LABEL.ascent(),
            lines: part.column_title,
        },
        x_label: Label {
            x: x_middle,
            y: plot.bottom() + part.x_label_distance,
            lines: part.x_label,
        },
        y_label: Label {
            x: plot.x - cell.y_label_distance,
            y: y_middle,
            lines: vec![y_text],
        },
        x_ticks: part.x_ticks,
        y_ticks,
        x_labels_turned: part.x_labels_turned,
        images: part.images,
        colour_bar,
        legend,
    };
    Ok((layout, lowest.max(legend_bottom)))
}

/// Positions of the parts of a colour bar: as high as the plot, or higher for a long label; of limited height beside images.
fn colour_bar(font: &Font<'_>, panel: &Panel, bar: &ColourBar, plot: Rect) -> Result<BarLayout> {
    let label = font.elide(&bar.label, theme::AXIS_LABEL, LONGEST_UPRIGHT)?;
    let highest = match &panel.content {
        Content::Axes(_) => plot.height,
        Content::Images(_) => plot.height.min(theme::COLOUR_BAR_HIGHEST),
    };
    let height = highest
        .max(font.width(&label, theme::AXIS_LABEL)?)
        .max(theme::COLOUR_BAR_LOWEST);
    let scale = Axis::linear("", bar.colours.range);
    Ok(BarLayout {
        bar: bar.clone(),
        ticks: tick_labels::thinned(&scale, &bar.ticks, height),
        label,
        ramp: Rect {
            x: plot.right() + theme::SIDE_GAP,
            y: plot.y + ((plot.height - height) / 2.0).max(0.0),
            width: theme::COLOUR_BAR_WIDTH,
            height,
        },
    })
}
