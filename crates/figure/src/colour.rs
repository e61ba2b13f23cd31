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

    /// Colour `index` of ten that are easy to tell apart, by colour-blind readers as well; after ten, they repeat.
    pub const fn categorical(index: usize) -> Self {
        Self::from_hex(tables::CATEGORICAL[index % tables::CATEGORICAL.len()])
    }

    /// A grey of the categorical colours, for what others are compared with.
    pub const NEUTRAL: Self = Self::categorical(8);
    /// A dark red of the categorical colours.
    pub const RED: Self = Self::categorical(2);

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
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Red, green and blue light, from 0 to 1.
    fn linear(self) -> [f64; 3] {
        [self.red, self.green, self.blue].map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        })
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

    type Matrix = [[f64; 3]; 3];

    /// What the eye sees of linear red, green and blue without one kind of cones, severity 1.0 (G. M. Machado, M. M. Oliveira and
    /// L. A. F. Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009, table 1), and with all.
    const EYES: [(&str, Matrix); 4] = [
        (
            "all cones",
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        ),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        ),
    ];
    /// Smallest distance of colours that are told apart at a glance, in CIE L*a*b*, where about 2.3 is just visible.
    const APART: f64 = 15.0;

    fn product(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// CIE L*a*b* of linear sRGB with the white point D65.
    fn lab(light: [f64; 3]) -> [f64; 3] {
        let to_xyz = [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ];
        let [x, y, z] = product(&to_xyz, light);
        let root = |t: f64| match t > 216.0 / 24389.0 {
            true => t.cbrt(),
            false => (24389.0 / 27.0 * t + 16.0) / 116.0,
        };
        let (x, y, z) = (root(x / 0.95047), root(y), root(z / 1.08883));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// Smallest distance of two colours as an eye sees them.
    fn smallest_distance(eye: &Matrix, colours: &[u32]) -> f64 {
        let seen: Vec<[f64; 3]> = colours
            .iter()
            .map(|code| {
                lab(product(eye, Rgb::from_hex(*code).linear()).map(|light| light.clamp(0.0, 1.0)))
            })
            .collect();
        let mut smallest = f64::INFINITY;
        for (index, one) in seen.iter().enumerate() {
            for other in &seen[index + 1..] {
                let squares = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b));
                smallest = smallest.min(squares.sum::<f64>().sqrt());
            }
        }
        smallest
    }

    #[test]
    fn categorical_colours_are_told_apart_by_every_eye() {
        let mut colours = tables::CATEGORICAL.to_vec();
        colours.push(0xffffff);
        for (name, eye) in &EYES {
            let distance = smallest_distance(eye, &colours);
            assert!(distance > APART, "{name}: {distance}");
        }
    }

    #[test]
    fn colours_that_some_eyes_confuse_are_found() {
        // Three of Tableau 10: green and orange look alike without long-wave cones.
        let confused = [0x2ca02c, 0xff7f0e, 0xd62728];
        let distances = EYES.map(|(_, eye)| smallest_distance(&eye, &confused));
        assert!(distances[0] > 40.0 && distances[1] < 5.0, "{distances:?}");
        let [lightness, a, b] = lab(Rgb::from_hex(0xff0000).linear());
        // Red of sRGB is L* 53.24, a* 80.09, b* 67.20.
        assert!(
            (lightness - 53.24).abs() < 0.01 && (a - 80.09).abs() < 0.01 && (b - 67.2).abs() < 0.01
        );
    }
}
