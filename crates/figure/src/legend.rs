//! Legends: which entries there are, and where they stand.

use std::collections::BTreeMap;

use crate::colour::Rgb;
use crate::error::{FigureError, Result};
use crate::layer::{Dash, Layer, Marker};

/// Where a legend stands; always outside the plots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendPlace {
    /// A column (or several, when one is too high) to the right.
    Right,
    /// Rows below, for the whole figure only.
    Below,
}

/// The key to named layers, in the order of their first appearance.
#[derive(Clone, Debug, PartialEq)]
pub struct Legend {
    /// Above (or, below the figure, before) the entries; empty for none.
    pub title: String,
    /// For the figure's legend; a panel's own legend always stands to its right.
    pub place: LegendPlace,
    /// Whether names and colours follow one order, so that some of them explain the others. Of entries without room,
    /// those left out are then spread evenly.
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

    /// The same legend, of names in an order that their colours follow.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }
}

/// An entry: the parts that all layers of one name contribute.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendEntry {
    /// What the layers share.
    pub name: String,
    /// Colour, width (px) and pattern.
    pub line: Option<(Rgb, f64, Dash)>,
    /// Colour and opacity.
    pub band: Option<(Rgb, f64)>,
    /// Colour and marker.
    pub marker: Option<(Rgb, Marker)>,
}

/// Collects the entries of named layers; layers of the same name are merged.
///
/// # Errors
/// Two layers of one name that look different.
pub fn entries<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> Result<Vec<LegendEntry>> {
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

/// A legend without a single named layer.
pub(crate) fn nameless(place: &str) -> FigureError {
    FigureError::invalid(place, "a legend needs at least one layer with a name")
}
