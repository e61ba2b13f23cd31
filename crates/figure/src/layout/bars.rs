//! Which panels have a colour bar beside them.

use crate::colour::ColourScale;
use crate::description::{ColourBar, Content, Figure, Panel};
use crate::image_grid::Picture;
use crate::layer::Layer;

/// The colour bar of every panel. A figure may describe a bar once for all panels of its colours: it then stands once in each of their
/// rows, beside the last of them.
pub(super) fn bars(figure: &Figure) -> Vec<Option<&ColourBar>> {
    let own = figure.panels.iter().map(|panel| panel.colour_bar.as_ref());
    let mut bars: Vec<_> = own.collect();
    let described: Vec<&ColourBar> = bars.iter().copied().flatten().collect();
    let columns = figure.columns.len().max(1);
    for first in (0..figure.panels.len()).step_by(columns) {
        let row = first..figure.panels.len().min(first + columns);
        for panel in row.clone().rev() {
            let mut missing = described.iter().copied().filter(|bar| {
                let in_row = bars[row.clone()].iter().flatten();
                has_colours(&figure.panels[panel], &bar.colours)
                    && !in_row.clone().any(|other| other.colours == bar.colours)
            });
            if bars[panel].is_none() {
                bars[panel] = missing.next();
            }
        }
    }
    bars
}

/// The colour bar of a panel, or else one of its colours that another panel has.
pub(crate) fn bar_of(figure: &Figure, panel: usize) -> Option<&ColourBar> {
    let panel = &figure.panels[panel];
    let described = figure
        .panels
        .iter()
        .filter_map(|other| other.colour_bar.as_ref());
    let mut others = described.filter(|bar| has_colours(panel, &bar.colours));
    panel.colour_bar.as_ref().or_else(|| others.next())
}

/// Returns `true` if numbers of the panel have these colours.
fn has_colours(panel: &Panel, colours: &ColourScale) -> bool {
    match &panel.content {
        Content::Axes(axes) => axes.layers.iter().any(|layer| match layer {
            Layer::Image(image) => image.colours == *colours,
            _ => false,
        }),
        Content::Images(grid) => {
            let is_number = |picture: &Picture| matches!(picture, Picture::Numbers(_));
            grid.colours == *colours && grid.cells().any(|cell| is_number(&cell.picture))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axes, Axis, ColourMap, Image, Matrix};

    fn map(range: (f64, f64)) -> Panel {
        let colours = ColourScale::new(ColourMap::Viridis, range);
        let image = Image::new(Matrix::new(1, 1, vec![0.5]).unwrap(), colours);
        let axis = || Axis::linear("", (0.0, 1.0));
        Panel::axes("", Axes::new(axis(), axis(), vec![Layer::Image(image)]))
    }

    fn with_bar(range: (f64, f64)) -> Panel {
        let colours = ColourScale::new(ColourMap::Viridis, range);
        map(range).with_colour_bar(ColourBar::new("share", colours))
    }

    fn standing(columns: usize, panels: Vec<Panel>) -> Vec<bool> {
        let figure = Figure::new("Maps", "", 900.0, columns, panels);
        bars(&figure).iter().map(Option::is_some).collect()
    }

    #[test]
    fn a_bar_of_several_panels_stands_once_in_each_of_their_rows() {
        let (one, other) = ((0.0, 1.0), (0.0, 2.0));
        let line = || Panel::axes("", Axes::new(Axis::bare(one), Axis::bare(one), vec![]));
        let panels = || vec![map(one), with_bar(one), map(one), map(one)];
        assert_eq!(standing(2, panels()), [false, true, false, true]);
        assert_eq!(standing(1, panels()), [true; 4]);
        assert_eq!(standing(4, panels()), [false, true, false, false]);
        // Other colours have no bar, and neither have lines.
        let panels = vec![map(other), line(), with_bar(one), with_bar(one)];
        assert_eq!(standing(1, panels), [false, false, true, true]);
    }
}
