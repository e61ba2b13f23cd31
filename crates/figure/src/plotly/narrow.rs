//! The layout for small screens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::keys::Keys;
use super::legend::{Entries, Sizes};
use super::{PageLayout, data, view};
use crate::description::{Content, Figure};
use crate::error::Result;
use crate::layout::{Layout, layout};
use crate::legend::{Legend, LegendPlace};
use crate::text::Font;

/// Width, px, and that of a figure that needs more at most: it is made smaller on the screen.
pub(super) const NARROW: f64 = 344.0;
const WIDEST: f64 = 1.4 * NARROW;

/// The layout for large screens, with what it is made of.
pub(super) struct Wide<'a> {
    pub(super) figure: &'a Figure,
    pub(super) place: &'a Layout,
    pub(super) keys: &'a Keys,
    pub(super) legends: &'a BTreeMap<String, Entries<'a>>,
    pub(super) sizes: &'a BTreeMap<String, Sizes>,
    pub(super) data: &'a [Value],
}

/// The layout in one column with a single legend below; `None` if the figure needs more width or has another number of
/// traces there.
pub(super) fn narrow(font: &Font<'_>, wide: &Wide<'_>) -> Result<Option<PageLayout>> {
    let Wide { figure, keys, .. } = *wide;
    if figure.width <= NARROW {
        return Ok(None);
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
    let legends = wide
        .place
        .panels
        .iter()
        .filter_map(|panel| panel.legend.as_ref());
    let entries = legends
        .chain(&wide.place.legend)
        .flat_map(|(legend, ..)| &legend.entries);
    let known: BTreeSet<&str> = entries.map(|placed| placed.entry.name.as_str()).collect();
    for panel in &mut figure.panels {
        if let Content::Axes(axes) = &mut panel.content {
            axes.layers
                .retain(|layer| layer.name().is_none_or(|name| known.contains(name)));
        }
    }
    let place = stacked(&figure, &order)?;
    if place.width > WIDEST {
        return Ok(None);
    }
    let own = data(&figure, font, &place, keys, wide.legends)?;
    let Some(changes) = changes(wide.data, &own) else {
        return Ok(None);
    };
    let view = view(&figure, font, &place, keys, wide.sizes)?;
    Ok(Some(PageLayout { changes, ..view }))
}

/// What differs between two lists of traces, one for each: `null` for what only the first has. `None` if they are not as many.
fn changes(wide: &[Value], narrow: &[Value]) -> Option<Vec<Map<String, Value>>> {
    if wide.len() != narrow.len() {
        return None;
    }
    let none = Map::new();
    let change = |(wide, narrow): (&Value, &Value)| {
        let own = |trace| Value::as_object(trace).unwrap_or(&none);
        let (wide, narrow) = (own(wide), own(narrow));
        let missing = wide.keys().filter(|key| !narrow.contains_key(*key));
        let missing = missing.map(|key| (key.clone(), Value::Null));
        let different = narrow
            .iter()
            .filter(|(key, value)| wide.get(*key) != Some(value));
        let different = different.map(|(key, value)| (key.clone(), value.clone()));
        missing.chain(different).collect()
    };
    Some(wide.iter().zip(narrow).map(change).collect())
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
