//! All texts that a figure draws.

use crate::axis::{Axis, Tick};
use crate::description::{Axes, ColourBar, Content, Figure, Panel};
use crate::image_grid::ImageGrid;
use crate::layer::Layer;
use crate::legend::Legend;
use crate::space::Space;

impl Figure {
    /// Calls `visit` with each text that is drawn, in a fixed order. Description and metadata are not drawn.
    pub(crate) fn for_each_text(&mut self, visit: &mut impl FnMut(&mut String)) {
        visit(&mut self.title);
        legend(&mut self.legend, visit);
        for panel in &mut self.panels {
            self::panel(panel, visit);
        }
    }
}

fn panel(panel: &mut Panel, visit: &mut impl FnMut(&mut String)) {
    visit(&mut panel.title);
    match &mut panel.content {
        Content::Axes(axes) => self::axes(axes, visit),
        Content::Images(grid) => images(grid, visit),
    }
    if let Some(space) = &mut panel.space {
        self::space(space, visit);
    }
    if let Some(ColourBar { label, ticks, .. }) = &mut panel.colour_bar {
        visit(label);
        self::ticks(ticks, visit);
    }
    legend(&mut panel.legend, visit);
}

fn axes(axes: &mut Axes, visit: &mut impl FnMut(&mut String)) {
    for axis in [&mut axes.x, &mut axes.y] {
        let Axis {
            label,
            major,
            minor,
            floor,
            ..
        } = axis;
        visit(label);
        ticks(major, visit);
        ticks(minor, visit);
        floor.iter_mut().for_each(&mut *visit);
    }
    for layer in &mut axes.layers {
        match layer {
            Layer::Line(line) => line.name.iter_mut().for_each(&mut *visit),
            Layer::Band(band) => band.name.iter_mut().for_each(&mut *visit),
            Layer::Points(points) => points.name.iter_mut().for_each(&mut *visit),
            Layer::Image(image) => image.cell_texts.iter_mut().flatten().for_each(&mut *visit),
            Layer::Texts(texts) => texts.texts.iter_mut().for_each(&mut *visit),
        }
    }
}

fn images(grid: &mut ImageGrid, visit: &mut impl FnMut(&mut String)) {
    visit(&mut grid.row_title);
    visit(&mut grid.column_title);
    let tiling = grid.tiling.iter_mut();
    tiling
        .flat_map(|tiling| &mut tiling.in_words)
        .for_each(&mut *visit);
    grid.column_labels.iter_mut().for_each(&mut *visit);
    for row in &mut grid.rows {
        visit(&mut row.label);
        for cell in row.cells.iter_mut().flatten() {
            visit(&mut cell.caption);
        }
    }
}

fn space(space: &mut Space, visit: &mut impl FnMut(&mut String)) {
    for group in &mut space.groups {
        visit(&mut group.name);
    }
    space.axes.iter_mut().for_each(&mut *visit);
}

fn ticks(ticks: &mut [Tick], visit: &mut impl FnMut(&mut String)) {
    for tick in ticks {
        visit(&mut tick.text);
    }
}

fn legend(legend: &mut Option<Legend>, visit: &mut impl FnMut(&mut String)) {
    if let Some(legend) = legend {
        visit(&mut legend.title);
    }
}
