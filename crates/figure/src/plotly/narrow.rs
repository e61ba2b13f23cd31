//! The layout for small screens.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::keys::Keys;
use super::{PageLayout, view};
use crate::description::{Content, Figure, Panel};
use crate::error::Result;
use crate::layer::Layer;
use crate::layout::{Layout, PanelLayout, PointText, cell_texts, layout, point_texts};
use crate::legend::{Legend, LegendPlace};
use crate::text::Font;

/// Width, px.
const NARROW: f64 = 344.0;

/// The layout in one column with a single legend below; `None` if the figure needs more width or its data depend on the
/// width.
pub(super) fn narrow(
    figure: &Figure,
    font: &Font<'_>,
    wide: &Layout,
    keys: &Keys,
) -> Result<Option<PageLayout>> {
    let images = |panel: &Panel| matches!(panel.content, Content::Images(_));
    if figure.width <= NARROW || figure.panels.iter().any(images) {
        return Ok(None); // The positions of images are part of the data.
    }
    let order = figure.stacking_order();
    let mut figure = Figure {
        width: NARROW,
        columns: vec![1.0],
        ..figure.clone()
    };
    let below = |legend: Legend| Legend {
        place: LegendPlace::Below,
        ..legend
    };
    figure.legend = figure.legend.map(below);
    if let (None, [panel]) = (&figure.legend, figure.panels.as_mut_slice()) {
        figure.legend = panel.legend.take().map(below);
    }
    // Traces have names only if the wide legends have room for them.
    let legends = wide.panels.iter().filter_map(|panel| panel.legend.as_ref());
    let entries = legends
        .chain(&wide.legend)
        .flat_map(|(legend, ..)| &legend.entries);
    let known: BTreeSet<&str> = entries.map(|placed| placed.entry.name.as_str()).collect();
    for panel in &mut figure.panels {
        if let Content::Axes(axes) = &mut panel.content {
            axes.layers
                .retain(|layer| layer.name().is_none_or(|name| known.contains(name)));
        }
    }
    let place = stacked(&figure, &order)?;
    let same_texts = figure.panels.iter().zip(&place.panels).zip(&wide.panels);
    let mut same_texts = same_texts.map(|((panel, narrow), wide)| {
        Ok(texts_within(font, panel, narrow)? == texts_within(font, panel, wide)?)
    });
    let fits = place.width <= NARROW + 1.0
        && same_texts.try_fold(true, |all, same: Result<bool>| same.map(|same| all && same))?;
    fits.then(|| view(&figure, font, &place, keys)).transpose()
}

/// The layout with the panels in this order from the top. The places have the order of the panels in the figure.
fn stacked(figure: &Figure, order: &[usize]) -> Result<Layout> {
    let panels = order.iter().map(|index| figure.panels[*index].clone());
    let mut place = layout(&Figure {
        panels: panels.collect(),
        ..figure.clone()
    })?;
    let mut places: Vec<_> = order.iter().zip(place.panels).collect();
    places.sort_by_key(|(index, _)| **index);
    place.panels = places.into_iter().map(|(_, place)| place).collect();
    Ok(place)
}

/// Texts at points of a plot, and those in cells.
type TextsWithin<'p> = (Vec<PointText>, Vec<Cow<'p, [String]>>);

fn texts_within<'p>(
    font: &Font<'_>,
    panel: &'p Panel,
    place: &PanelLayout,
) -> Result<TextsWithin<'p>> {
    let mut texts = Vec::new();
    let mut cells = Vec::new();
    if let Content::Axes(axes) = &panel.content {
        for layer in &axes.layers {
            match layer {
                Layer::Texts(layer) => texts.extend(point_texts(font, layer, axes, place.plot)?),
                Layer::Image(image) => {
                    let texts = cell_texts(font, image, axes, place.plot)?;
                    cells.extend(texts.map(|(texts, _)| texts));
                }
                _ => {}
            }
        }
    }
    Ok((texts, cells))
}
