//! Colours, colour maps, and scales that map numbers to colours.

use crate::colour_tables as tables;

/// An opaque sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb {
    /// Red channel.
    pub red: u8,
    /// Green channel.
    pub green: u8,
    /// Blue channel.
    pub blue: u8,
}

impl Rgb {
    /// `#000000`.
    pub const BLACK: Self = Self::from_hex(0x000000);
    /// `#ffffff`.
    pub const WHITE: Self = Self::from_hex(0xffffff);

    /// The colour `0xrrggbb`; higher bits are ignored.
    pub const fn from_hex(code: u32) -> Self {
        Self {
            red: (code >> 16) as u8,
            green: (code >> 8) as u8,
            blue: code as u8,
        }
    }

    /// The colour written as `#rrggbb`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }

    /// Colour `index` of ten that are easy to tell apart; after ten, they repeat.
    pub const fn categorical(index: usize) -> Self {
        Self::from_hex(tables::CATEGORICAL[index % tables::CATEGORICAL.len()])
    }

    /// Mixes in a `fraction` of `other`, channel by channel, rounded to nearest.
    pub fn mix(self, other: Self, fraction: f64) -> Self {
        let channel = |from: u8, to: u8| {
            (f64::from(from) + (f64::from(to) - f64::from(from)) * fraction).round() as u8
        };
        Self {
            red: channel(self.red, other.red),
            green: channel(self.green, other.green),
            blue: channel(self.blue, other.blue),
        }
    }

    /// Relative luminance of WCAG 2, from 0 (black) to 1 (white).
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Black or white, whichever contrasts more with this colour.
    pub fn readable_text(self) -> Self {
        // Equal contrast where (l + 0.05)^2 = 1.05 * 0.05.
        if self.luminance() > 0.179 {
            Self::BLACK
        } else {
            Self::WHITE
        }
    }
}

/// A continuous map from the fractions 0 to 1 to colours.
#[derive(Clone, Debug, PartialEq)]
pub enum ColourMap {
    /// Dark violet to yellow, perceptually uniform.
    Viridis,
    /// Dark blue to yellow, perceptually uniform also for colour-blind readers.
    Cividis,
    /// Red over near-white to blue, for values around zero.
    RedBlue,
    /// Near-white to dark orange.
    Oranges,
    /// Black at 0 to white at 1.
    Grey,
    /// White at 0 to black at 1.
    GreyReversed,
    /// Evenly spaced colours; an empty list is black.
    Custom(Vec<Rgb>),
}

impl ColourMap {
    /// The colour at `fraction`, interpolated linearly. Fractions outside of 0 to 1 have the colours of the ends.
    pub fn at(&self, fraction: f64) -> Rgb {
        match self {
            Self::Viridis => sample(&tables::VIRIDIS, fraction),
            Self::Cividis => sample(&tables::CIVIDIS, fraction),
            Self::RedBlue => sample(&tables::RED_BLUE, fraction),
            Self::Oranges => sample(&tables::ORANGES, fraction),
            Self::Grey => sample(&tables::GREY, fraction),
            Self::GreyReversed => sample(&tables::GREY, 1.0 - fraction),
            Self::Custom(colours) => interpolate(colours.len(), |index| colours[index], fraction),
        }
    }

    /// `count` colours for an ordered series of lines on white, evenly spaced over the darker 88 % of the map.
    pub fn series(&self, count: usize) -> Vec<Rgb> {
        let last = count.saturating_sub(1).max(1) as f64;
        (0..count)
            .map(|index| self.at(0.88 * index as f64 / last))
            .collect()
    }
}

fn sample(table: &[u32], fraction: f64) -> Rgb {
    interpolate(table.len(), |index| Rgb::from_hex(table[index]), fraction)
}

fn interpolate(count: usize, colour: impl Fn(usize) -> Rgb, fraction: f64) -> Rgb {
    let Some(last) = count.checked_sub(1) else {
        return Rgb::BLACK;
    };
    let position = fraction.clamp(0.0, 1.0) * last as f64;
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    colour(below).mix(colour(above), position - below as f64)
}

/// Treatment of numbers outside the range of a colour scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRange {
    /// The figure is refused with an error.
    Refuse,
    /// They have the colour of the nearer end. The label of the colour bar should say so.
    EndColour,
}

/// A colour map over a range of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ColourScale {
    /// Colour map.
    pub map: ColourMap,
    /// Numbers at the fractions 0 and 1 of the map, ascending.
    pub range: (f64, f64),
    /// The number at the middle of the map, if it is not the middle of the range. Both sides are then scaled separately.
    pub centre: Option<f64>,
    /// Colour of a missing value (NaN).
    pub missing: Rgb,
    /// Treatment of numbers outside the range.
    pub out_of_range: OutOfRange,
}

impl ColourScale {
    /// A uniform scale that refuses numbers outside the range and shows missing ones in light grey.
    pub fn new(map: ColourMap, range: (f64, f64)) -> Self {
        Self {
            map,
            range,
            centre: None,
            missing: Rgb::from_hex(0xd9d9d9),
            out_of_range: OutOfRange::Refuse,
        }
    }

    /// A scale from red at `-limit` over near-white to blue at `limit`; missing values are grey. A limit of zero counts as 1.
    pub fn diverging(limit: f64) -> Self {
        let limit = if limit == 0.0 { 1.0 } else { limit };
        Self {
            missing: Rgb::from_hex(0x9a9a9a),
            ..Self::new(ColourMap::RedBlue, (-limit, limit))
        }
    }

    /// The same scale with `centre` at the middle of the map.
    #[must_use]
    pub fn centred(mut self, centre: f64) -> Self {
        self.centre = Some(centre);
        self
    }

    /// The same scale, with [`OutOfRange::EndColour`].
    #[must_use]
    pub fn clipped(mut self) -> Self {
        self.out_of_range = OutOfRange::EndColour;
        self
    }

    /// The colour of `value`.
    pub fn colour(&self, value: f64) -> Rgb {
        if value.is_nan() {
            return self.missing;
        }
        let (low, high) = self.range;
        let fraction = match self.centre {
            Some(centre) if value < centre => 0.5 * (value - low) / (centre - low),
            Some(centre) => 0.5 + 0.5 * (value - centre) / (high - centre),
            None => (value - low) / (high - low),
        };
        self.map.at(fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_their_published_ends() {
        let ends = |map: ColourMap| (map.at(0.0).hex(), map.at(1.0).hex());
        let pair = |low: &str, high: &str| (low.to_owned(), high.to_owned());
        assert_eq!(ends(ColourMap::Viridis), pair("#440154", "#fde725"));
        assert_eq!(ends(ColourMap::Cividis), pair("#00224e", "#fee838"));
        assert_eq!(ends(ColourMap::RedBlue), pair("#67001f", "#053061"));
        assert_eq!(ends(ColourMap::Oranges), pair("#fff5eb", "#7f2704"));
        assert_eq!(ends(ColourMap::Grey), pair("#000000", "#ffffff"));
        assert_eq!(ends(ColourMap::GreyReversed), pair("#ffffff", "#000000"));
    }

    #[test]
    fn the_diverging_scale_is_near_white_at_zero() {
        let scale = ColourScale::diverging(0.3);
        assert_eq!(scale.colour(0.0).hex(), "#f7f7f7");
        assert_eq!(scale.colour(-0.3).hex(), "#67001f");
        assert_eq!(scale.colour(0.3).hex(), "#053061");
        // A fifth of the way towards blue is the next colour of the table.
        assert_eq!(scale.colour(0.06).hex(), "#d1e5f0");
    }

    #[test]
    fn an_uneven_scale_keeps_its_centre() {
        let scale = ColourScale::new(ColourMap::RedBlue, (-0.4, 0.8)).centred(0.0);
        assert_eq!(scale.colour(0.0).hex(), "#f7f7f7");
        assert_eq!(scale.colour(-0.4).hex(), "#67001f");
        assert_eq!(scale.colour(0.8).hex(), "#053061");
        assert_eq!(scale.colour(0.16).hex(), "#d1e5f0");
        assert_eq!(scale.colour(-0.08).hex(), "#fddbc7");
    }

    #[test]
    fn missing_values_have_the_declared_colour() {
        let mut scale = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
        scale.missing = Rgb::from_hex(0xff00ff);
        assert_eq!(scale.colour(f64::NAN).hex(), "#ff00ff");
        assert_eq!(scale.colour(0.5).hex(), "#808080");
    }

    #[test]
    fn text_contrasts_with_what_is_below() {
        assert_eq!(Rgb::from_hex(0x440154).readable_text(), Rgb::WHITE);
        assert_eq!(Rgb::from_hex(0xfde725).readable_text(), Rgb::BLACK);
    }

    #[test]
    fn a_series_starts_dark_and_stops_before_yellow() {
        let series = ColourMap::Viridis.series(3);
        assert_eq!(series[0].hex(), "#440154");
        assert_eq!(series[2], ColourMap::Viridis.at(0.88));
        assert_eq!(ColourMap::Viridis.series(1), [series[0]]);
        assert!(ColourMap::Viridis.series(0).is_empty());
    }
}
