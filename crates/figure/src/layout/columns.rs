//! Division of the width of a figure among its columns of panels.

use super::grid::Grid;
use super::image_cells::ImageCells;
use super::margins::Sides;
use crate::description::{Axes, Content, Figure, Panel};
use crate::error::Result;
use crate::layer::Layer;
use crate::text::Font;
use crate::theme;

/// Widths of all columns of panels.
pub(super) struct Columns {
    pub(super) grid: Grid,
    pub(super) sides: Vec<Sides>,
    /// For each column the width left of its plots, of the plots, and right of them.
    pub(super) widths: Vec<(f64, f64, f64)>,
}

impl Columns {
    /// Divides `width` px, or more if plots would become too narrow.
    pub(super) fn new(figure: &Figure, font: &Font<'_>, grid: Grid, width: f64) -> Result<Self> {
        let count = figure.columns.len();
        let sides = figure
            .panels
            .iter()
            .enumerate()
            .map(|(index, panel)| Sides::new(font, panel, figure.y_label(index), figure.width))
            .collect::<Result<Vec<_>>>()?;
        let widest = |column: usize, side: fn(&Sides) -> f64| {
            let own = grid.in_column(column).map(|panel| side(&sides[panel]));
            own.fold(0.0, f64::max)
        };
        let margins: Vec<(f64, f64)> = (0..count)
            .map(|column| (widest(column, Sides::left), widest(column, Sides::right)))
            .collect();
        let taken: f64 = margins.iter().map(|(left, right)| left + right).sum();
        let left = width - taken - (count - 1) as f64 * theme::COLUMN_GAP;
        let weights: f64 = figure.columns.iter().sum();
        let widths = margins
            .into_iter()
            .zip(&figure.columns)
            .enumerate()
            .map(|(column, ((before, after), weight))| {
                let share = left * (weight / weights);
                let panels = grid.in_column(column).map(|panel| &figure.panels[panel]);
                let plot = plots_width(font, panels, share)?;
                let narrowest = match figure.paper {
                    None => theme::NARROWEST_COLUMN,
                    Some(_) => theme::NARROWEST_PLOT,
                };
                let after = after.max(narrowest - before - plot);
                Ok((before, plot, after))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            grid,
            sides,
            widths,
        })
    }

    /// Width of all columns and the gaps between them.
    pub(super) fn total_width(&self) -> f64 {
        let columns = self
            .widths
            .iter()
            .map(|(before, plot, after)| before + plot + after);
        columns.sum::<f64>() + (self.widths.len() - 1) as f64 * theme::COLUMN_GAP
    }

    /// Left end of a column.
    pub(super) fn left(&self, column: usize) -> f64 {
        let before = self.widths[..column].iter();
        let before = before.map(|(left, plot, right)| left + plot + right + theme::COLUMN_GAP);
        theme::EDGE + before.sum::<f64>()
    }

    /// Distance from the plots of a column to the baselines of their y labels.
    pub(super) fn y_label_distance(&self, column: usize) -> f64 {
        let own = self.grid.in_column(column);
        own.map(|panel| self.sides[panel].y_label_distance)
            .fold(0.0, f64::max)
    }
}

/// Width of the plots of a column with this share of the figure. A column with nothing but grids of images or tables of few cells takes
/// what they need.
fn plots_width<'a>(
    font: &Font<'_>,
    panels: impl Iterator<Item = &'a Panel>,
    share: f64,
) -> Result<f64> {
    let mut width: f64 = 0.0;
    for panel in panels {
        width = width.max(match &panel.content {
            Content::Axes(axes) => share
                .min(widest(font, panel, axes)?)
                .max(theme::NARROWEST_PLOT),
            Content::Images(grid) => ImageCells::new(font, grid, share)?.width,
        });
    }
    Ok(width)
}

/// Greatest width of a plot. That of a heat map of few cells is limited, but its colour bar's label is no longer than it is high.
fn widest(font: &Font<'_>, panel: &Panel, axes: &Axes) -> Result<f64> {
    let columns = axes.layers.iter().map(|layer| match layer {
        Layer::Image(image) => Some(image.values.columns()),
        Layer::Texts(_) => Some(0),
        _ => None,
    });
    let (Some(columns @ 1..), Some(aspect)) = (columns.sum::<Option<usize>>(), axes.aspect) else {
        return Ok(f64::INFINITY);
    };
    let cells = columns as f64 * theme::WIDEST_CELL;
    let label = panel.colour_bar.as_ref().map_or("", |bar| &bar.label);
    let label = font.width(label, theme::AXIS_LABEL)?;
    Ok(cells.max(label / aspect))
}
