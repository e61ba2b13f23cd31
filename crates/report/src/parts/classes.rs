//! Looks of classes, and choice of images if a figure has no room for all.

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

/// Positions of `count` images, or of all if there are fewer, in ascending order: the first ones of each class, and the same
/// number of every class if there are enough.
pub(crate) fn evenly(labels: &[u16], count: usize) -> Vec<usize> {
    let mut seen = vec![0usize; 1 + labels.iter().copied().max().map_or(0, usize::from)];
    let occurrence = |label: &u16| {
        let seen = &mut seen[usize::from(*label)];
        *seen += 1;
        *seen
    };
    let occurrences: Vec<usize> = labels.iter().map(occurrence).collect();
    let mut chosen: Vec<usize> = (0..labels.len()).collect();
    chosen.sort_by_key(|position| occurrences[*position]);
    chosen.truncate(count);
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_share_of_the_images() {
        let labels = [0, 0, 0, 0, 2, 1, 2, 2];
        assert_eq!(evenly(&labels, 3), [0, 4, 5]);
        assert_eq!(evenly(&labels, 5), [0, 1, 4, 5, 6]);
        assert_eq!(evenly(&labels, 6), [0, 1, 2, 4, 5, 6]);
        assert_eq!(evenly(&labels, 100), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(evenly(&[], 3).is_empty());
    }

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
