//! Legends and their entries.

use std::collections::BTreeMap;

use crate::colour::Rgb;
use crate::error::{FigureError, Result};
use crate::layer::{Dash, Layer, Marker};

/// Place of a figure's legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendPlace {
    /// In columns to the right of the panels.
    Right,
    /// In rows below the panels.
    Below,
}

/// A legend of named layers, in the order of their first appearance.
#[derive(Clone, Debug, PartialEq)]
pub struct Legend {
    /// Title; empty for none.
    pub title: String,
    /// Place, if it is the legend of the figure. A panel's own legend is always to its right.
    pub place: LegendPlace,
    /// States that names and colours have the same order, so that some entries explain the others. If there is not enough
    /// room, the entries that are left out are spread evenly.
    pub ordered: bool,
}

impl Legend {
    /// A legend to the right.
    pub fn right(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            place: LegendPlace::Right,
            ordered: false,
        }
    }

    /// A legend below the panels.
    pub fn below(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            place: LegendPlace::Below,
            ordered: false,
        }
    }

    /// The same legend, with `ordered` set.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }
}

/// An entry: the parts of all layers of one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LegendEntry {
    pub name: String,
    /// Colour, width (px) and pattern.
    pub line: Option<(Rgb, f64, Dash)>,
    /// Colour and opacity.
    pub band: Option<(Rgb, f64)>,
    /// Colour and marker.
    pub marker: Option<(Rgb, Marker)>,
}

/// Collects the entries of named layers, one for each name.
///
/// # Errors
/// Layers of one name that look different.
pub(crate) fn entries<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> Result<Vec<LegendEntry>> {
    let mut entries: Vec<LegendEntry> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for layer in layers {
        let (name, line, band, marker) = parts(layer);
        let Some(name) = name else { continue };
        let index = match places.get(name) {
            Some(index) => *index,
            None => {
                places.insert(name.clone(), entries.len());
                entries.push(LegendEntry {
                    name: name.clone(),
                    line: None,
                    band: None,
                    marker: None,
                });
                entries.len() - 1
            }
        };
        let entry = &mut entries[index];
        merge(&mut entry.line, line, name, "line")?;
        merge(&mut entry.band, band, name, "band")?;
        merge(&mut entry.marker, marker, name, "marker")?;
    }
    Ok(entries)
}

type Parts<'a> = (
    Option<&'a String>,
    Option<(Rgb, f64, Dash)>,
    Option<(Rgb, f64)>,
    Option<(Rgb, Marker)>,
);

fn parts(layer: &Layer) -> Parts<'_> {
    match layer {
        Layer::Line(line) => (
            line.name.as_ref(),
            Some((line.colour, line.width, line.dash)),
            None,
            line.marker.map(|marker| (line.colour, marker)),
        ),
        Layer::Band(band) => (
            band.name.as_ref(),
            None,
            Some((band.colour, band.opacity)),
            None,
        ),
        Layer::Points(points) => (
            points.name.as_ref(),
            None,
            None,
            Some((points.colour, points.marker)),
        ),
        Layer::Image(_) | Layer::Texts(_) => (None, None, None, None),
    }
}

fn merge<T: PartialEq>(
    held: &mut Option<T>,
    new: Option<T>,
    name: &str,
    part: &'static str,
) -> Result<()> {
    match (&held, new) {
        (_, None) => Ok(()),
        (None, new) => {
            *held = new;
            Ok(())
        }
        (Some(old), Some(new)) if *old == new => Ok(()),
        _ => Err(FigureError::invalid(
            "legend",
            format!("the entry \"{name}\" stands for two different {part}s"),
        )),
    }
}

/// The error of a legend without an entry.
pub(crate) fn nameless(place: &str) -> FigureError {
    FigureError::invalid(place, "a legend needs at least one layer with a name")
}
