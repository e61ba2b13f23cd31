//! Legends: which entries there are, and where they stand.

use super::colour::Rgb;
use super::error::{FigureError, Result};
use super::layer::{Dash, Layer, Marker};
use super::text::Font;
use super::theme;

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
}

impl Legend {
    /// A legend to the right.
    pub fn right(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            place: LegendPlace::Right,
        }
    }

    /// A legend below the panels.
    pub fn below(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            place: LegendPlace::Below,
        }
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
/// [`FigureError::LegendConflict`] when two layers of one name look different.
pub fn entries<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> Result<Vec<LegendEntry>> {
    let mut entries: Vec<LegendEntry> = Vec::new();
    for layer in layers {
        let (name, line, band, marker) = parts(layer);
        let Some(name) = name else { continue };
        let index = match entries.iter().position(|entry| entry.name == *name) {
            Some(index) => index,
            None => {
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
        _ => Err(FigureError::LegendConflict {
            name: name.to_owned(),
            part,
        }),
    }
}

/// A legend with the place of every entry, relative to its own top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendLayout {
    /// Start of the title's baseline, px, and the title.
    pub title: Option<(f64, f64, String)>,
    /// Each entry and the left end of its row's middle line, px.
    pub entries: Vec<(LegendEntry, f64, f64)>,
    /// Of all, px.
    pub width: f64,
    /// Of all, px.
    pub height: f64,
}

impl LegendLayout {
    /// In columns of at most `height` px.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn columns(
        font: &Font<'_>,
        title: &str,
        entries: Vec<LegendEntry>,
        height: f64,
    ) -> Result<Self> {
        let header = if title.is_empty() {
            0.0
        } else {
            theme::LEGEND_ROW + 2.0
        };
        let fitting = ((height - header) / theme::LEGEND_ROW).floor().max(1.0) as usize;
        let columns = entries.len().div_ceil(fitting).max(1);
        let rows = entries.len().div_ceil(columns).max(1);
        let step = entry_width(font, &entries)? + theme::LEGEND_COLUMN_GAP;
        let width = columns as f64 * step - theme::LEGEND_COLUMN_GAP;
        let placed = entries
            .into_iter()
            .enumerate()
            .map(|(index, entry)| {
                let x = (index / rows) as f64 * step;
                let y = header + ((index % rows) as f64 + 0.5) * theme::LEGEND_ROW;
                (entry, x, y)
            })
            .collect();
        Ok(Self {
            title: (!title.is_empty())
                .then(|| (0.0, theme::LEGEND_TITLE.ascent(), title.to_owned())),
            entries: placed,
            width: width.max(font.width(title, theme::LEGEND_TITLE)?),
            height: header + rows as f64 * theme::LEGEND_ROW,
        })
    }

    /// In rows of at most `width` px, the title before the first.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn rows(
        font: &Font<'_>,
        title: &str,
        entries: Vec<LegendEntry>,
        width: f64,
    ) -> Result<Self> {
        let indent = match title {
            "" => 0.0,
            _ => font.width(title, theme::LEGEND_TITLE)? + theme::LEGEND_COLUMN_GAP,
        };
        let count = entries.len().max(1);
        let mut starts = column_starts(font, &entries, count)?;
        let fits = |starts: &[f64]| starts.len() <= 2 || indent + starts[starts.len() - 1] <= width;
        let mut rows = 1;
        while !fits(&starts) {
            rows += 1;
            starts = column_starts(font, &entries, count.div_ceil(rows))?;
        }
        let columns = starts.len() - 1;
        let placed = entries
            .into_iter()
            .enumerate()
            .map(|(index, entry)| {
                let x = indent + starts[index % columns];
                let y = ((index / columns) as f64 + 0.5) * theme::LEGEND_ROW;
                (entry, x, y)
            })
            .collect();
        let baseline = 0.5 * theme::LEGEND_ROW + theme::LEGEND_TITLE.middle_drop();
        Ok(Self {
            title: (!title.is_empty()).then(|| (0.0, baseline, title.to_owned())),
            entries: placed,
            width: indent + starts[columns],
            height: count.div_ceil(columns) as f64 * theme::LEGEND_ROW,
        })
    }
}

/// Where each of `columns` columns starts when entries run along rows, and where the last ends.
fn column_starts(font: &Font<'_>, entries: &[LegendEntry], columns: usize) -> Result<Vec<f64>> {
    let mut starts = vec![0.0];
    let mut end = 0.0;
    for column in 0..columns {
        let in_column: Vec<_> = entries
            .iter()
            .skip(column)
            .step_by(columns)
            .cloned()
            .collect();
        end = starts[column] + entry_width(font, &in_column)?;
        starts.push(end + theme::LEGEND_COLUMN_GAP);
    }
    starts[columns] = end;
    Ok(starts)
}

fn entry_width(font: &Font<'_>, entries: &[LegendEntry]) -> Result<f64> {
    let names = entries.iter().map(|entry| entry.name.as_str());
    let text = font.widest(names, theme::LEGEND_TEXT)?;
    Ok(theme::LEGEND_HANDLE + theme::LEGEND_HANDLE_GAP + text)
}
