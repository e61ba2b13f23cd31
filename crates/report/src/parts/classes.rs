//! Looks of classes, and a sentence about classes without images.

use eigenscope_figure::{ColourMap, Marker, MarkerShape, Rgb};

/// Number of colours that are easy to tell apart.
const COLOURS: usize = 10;
/// Shapes, for more classes than colours.
const SHAPES: [MarkerShape; 4] = [
    MarkerShape::Circle,
    MarkerShape::Diamond,
    MarkerShape::Triangle,
    MarkerShape::Square,
];

/// Colour and marker of a class.
///
/// Up to 40 classes have ten colours and four shapes. The colours of more classes run from dark to light, and neighbours have
/// different shapes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) colour: Rgb,
    shape: MarkerShape,
}

impl Look {
    /// The look of one of `count` classes.
    pub(crate) fn new(class: usize, count: usize) -> Self {
        if count <= COLOURS * SHAPES.len() {
            return Self {
                colour: Rgb::categorical(class),
                shape: SHAPES[class / COLOURS % SHAPES.len()],
            };
        }
        Self {
            colour: ColourMap::Viridis.at(class as f64 / (count - 1) as f64),
            shape: SHAPES[class % SHAPES.len()],
        }
    }

    /// A marker without a rim.
    pub(crate) fn marker(self, radius: f64) -> Marker {
        Marker {
            shape: self.shape,
            ..Marker::dot(radius)
        }
    }
}

/// A sentence about the classes without images, to be appended to a description; empty if there are none.
pub(crate) fn without_images(names: &[String], has_images: impl Fn(usize) -> bool) -> String {
    let without = names.iter().enumerate();
    let without = without.filter(|(class, _)| !has_images(*class));
    let without: Vec<&str> = without.map(|(_, name)| name.as_str()).collect();
    match without.is_empty() {
        true => String::new(),
        false => format!(" Classes without images: {}.", without.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_without_images_are_named() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(without_images(&names, |_| true), "");
        let text = without_images(&names, |class| class == 1);
        assert_eq!(text, " Classes without images: a, c.");
    }

    #[test]
    fn classes_look_different() {
        for count in [40, 62, 256] {
            let looks: Vec<Look> = (0..count).map(|class| Look::new(class, count)).collect();
            for (class, look) in looks.iter().enumerate() {
                assert!(!looks[..class].contains(look), "{class} of {count}");
            }
        }
        assert_eq!(Look::new(3, 10).colour, Rgb::categorical(3));
    }
}
