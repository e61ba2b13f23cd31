//! Division of the width of a figure among its columns of panels.

use super::bars::bars;
use super::grid::Grid;
use super::image_cells::ImageCells;
use super::margins::Sides;
use crate::description::{Axes, Content, Figure, Panel};
use crate::error::Result;
use crate::layer::Layer;
use crate::text::Font;
use crate::theme;

/// Widths of all columns of panels, and of the parts of these.
pub(super) struct Columns {
    pub(super) grid: Grid,
    pub(super) sides: Vec<Sides>,
    /// Parts of the width of its column that every panel has.
    pub(super) parts: Vec<Parts>,
    /// Total width of every column.
    widths: Vec<f64>,
    /// Distances from the left end of every column to the titles of its panels.
    titles: Vec<f64>,
}

/// Parts of the width of a column, px.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Parts {
    /// Left of the plot, of the plot, and right of it.
    pub(super) before: f64,
    pub(super) plot: f64,
    pub(super) after: f64,
    /// Distance from the plot to the baseline of its y label.
    pub(super) y_label_distance: f64,
}

/// Panels of a column whose plots have the same right end: what stands beside others, such as a colour bar, would leave a blank beside
/// them. The plots of all but grids of images have the same left end. Panels with one of their kind in their row are as wide as that, and
/// keep to what all panels of the column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alignment {
    Images,
    HeatMaps,
    Plots,
}

impl Alignment {
    const ALL: [Self; 3] = [Self::Images, Self::HeatMaps, Self::Plots];

    fn of(panel: &Panel) -> Self {
        let is_map = |layer: &Layer| matches!(layer, Layer::Image(_));
        match &panel.content {
            Content::Images(_) => Self::Images,
            Content::Axes(axes) if axes.layers.iter().any(is_map) => Self::HeatMaps,
            Content::Axes(_) => Self::Plots,
        }
    }

    fn has_same_left(self, other: Self) -> bool {
        (self == Self::Images) == (other == Self::Images)
    }
}

impl Columns {
    /// Divides `width` px, or more if plots would become too narrow.
    pub(super) fn new(figure: &Figure, font: &Font<'_>, grid: Grid, width: f64) -> Result<Self> {
        let count = figure.columns.len();
        let bars = bars(figure);
        let sides = figure
            .panels
            .iter()
            .zip(&bars)
            .enumerate()
            .map(|(index, (panel, bar))| {
                Sides::new(font, panel, figure.y_label(index), *bar, figure.width)
            })
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
        let mut columns = Self {
            grid,
            sides,
            parts: vec![Parts::default(); figure.panels.len()],
            widths: Vec::with_capacity(count),
            titles: Vec::with_capacity(count),
        };
        for ((column, weight), margins) in figure.columns.iter().enumerate().zip(margins) {
            columns.divide(figure, font, column, (margins, left * (weight / weights)))?;
        }
        Ok(columns)
    }

    /// Divides a column with these widest margins, which leave `share` px for plots.
    fn divide(
        &mut self,
        figure: &Figure,
        font: &Font<'_>,
        column: usize,
        ((left, right), share): ((f64, f64), f64),
    ) -> Result<()> {
        let panels: Vec<usize> = self.grid.in_column(column).collect();
        let alignment = |panel: usize| Alignment::of(&figure.panels[panel]);
        let mut all: Vec<(Alignment, Parts)> = Vec::new();
        for own in Alignment::ALL {
            let is_alone = panels
                .iter()
                .filter(|panel| alignment(**panel) == own)
                .all(|panel| self.mates(*panel).all(|mate| alignment(mate) != own));
            let widest = |side: fn(&Sides) -> f64, is_own: &dyn Fn(Alignment) -> bool| {
                let is_own = |panel: &&usize| !is_alone || is_own(alignment(**panel));
                let own = panels.iter().filter(is_own);
                let own = own.map(|panel| side(&self.sides[*panel]));
                own.fold(0.0, f64::max)
            };
            let before = widest(Sides::left, &|other| own.has_same_left(other));
            let after = widest(Sides::right, &|other| own == other);
            let aligned = panels.iter().filter(|panel| alignment(**panel) == own);
            let aligned = aligned.map(|panel| (&figure.panels[*panel], &self.sides[*panel]));
            let parts = Parts {
                before,
                plot: plots_width(
                    font,
                    aligned,
                    share + (left - before) + (right - after),
                    figure.paper.is_some(),
                )?,
                after,
                y_label_distance: widest(|sides| sides.y_label_distance, &|other| {
                    own.has_same_left(other)
                }),
            };
            if panels.iter().any(|panel| alignment(*panel) == own) {
                all.push((own, parts));
            }
        }
        let totals = all
            .iter()
            .map(|(_, parts)| parts.before + parts.plot + parts.after);
        let mut narrowest = match figure.paper {
            None => theme::NARROWEST_COLUMN,
            Some(_) => theme::NARROWEST_PLOT,
        };
        // Images need no more room than their titles.
        if panels
            .iter()
            .all(|panel| alignment(*panel) == Alignment::Images)
        {
            let titles = panels
                .iter()
                .map(|panel| figure.panels[*panel].title.as_str());
            narrowest = narrowest.min(font.widest(titles, theme::PANEL_TITLE)?);
        }
        let total = totals.fold(narrowest, f64::max);
        for panel in panels {
            if let Some((_, parts)) = all.iter().find(|(own, _)| *own == alignment(panel)) {
                let after = total - parts.before - parts.plot;
                self.parts[panel] = Parts { after, ..*parts };
            }
        }
        let befores = all.iter().map(|(_, parts)| parts.before);
        self.titles.push(befores.fold(f64::INFINITY, f64::min));
        self.widths.push(total);
        Ok(())
    }

    /// The other panels of the row of a panel.
    fn mates(&self, panel: usize) -> impl Iterator<Item = usize> {
        let rows = self.grid.rows().map(|(row, _)| row);
        let own = rows.filter(move |row| row.contains(&panel)).flatten();
        own.filter(move |other| *other != panel)
    }

    /// Number of columns.
    pub(super) fn count(&self) -> usize {
        self.widths.len()
    }

    /// Width of all columns and the gaps between them.
    pub(super) fn total_width(&self) -> f64 {
        self.widths.iter().sum::<f64>() + (self.count() - 1) as f64 * theme::COLUMN_GAP
    }

    /// Left end of a column.
    pub(super) fn left(&self, column: usize) -> f64 {
        let before = self.widths[..column].iter();
        theme::EDGE + before.map(|width| width + theme::COLUMN_GAP).sum::<f64>()
    }

    /// Left end of the titles of the panels of a column.
    pub(super) fn titles(&self, column: usize) -> f64 {
        self.left(column) + self.titles[column]
    }
}

/// Width of the plots of a column with this share of the figure. A column with nothing but grids of images or tables of few cells takes
/// what they need.
fn plots_width<'a>(
    font: &Font<'_>,
    panels: impl Iterator<Item = (&'a Panel, &'a Sides)>,
    share: f64,
    is_on_paper: bool,
) -> Result<f64> {
    let mut width: f64 = 0.0;
    for (panel, sides) in panels {
        width = width.max(match &panel.content {
            Content::Axes(axes) => share
                .min(widest(font, sides, axes)?)
                .max(theme::NARROWEST_PLOT),
            Content::Images(grid) => ImageCells::new(font, grid, share, is_on_paper)?.width,
        });
    }
    Ok(width)
}

/// Greatest width of a plot. That of a heat map of few cells is limited, but its colour bar's label is no longer than it is high.
fn widest(font: &Font<'_>, sides: &Sides, axes: &Axes) -> Result<f64> {
    let columns = axes.layers.iter().map(|layer| match layer {
        Layer::Image(image) => Some(image.values.columns()),
        Layer::Texts(_) => Some(0),
        _ => None,
    });
    let (Some(columns @ 1..), Some(aspect)) = (columns.sum::<Option<usize>>(), axes.aspect) else {
        return Ok(f64::INFINITY);
    };
    let cells = columns as f64 * theme::WIDEST_CELL;
    let label = sides.bar.as_ref().map_or("", |bar| &bar.label);
    let label = font.width(label, theme::AXIS_LABEL)?;
    Ok(cells.max(label / aspect))
}
