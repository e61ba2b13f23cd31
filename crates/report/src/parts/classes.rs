//! Looks of classes, and a sentence about classes without images.

use eigenscope_figure::{ColourMap, INK, Marker, MarkerShape, Rgb, Texts, markup};

/// Number of colours that are easy to tell apart.
const COLOURS: usize = 10;
/// Most classes whose names stand in a plot.
const MOST_NAMES: usize = 20;
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

/// The names of the classes, each beside the median of its points; `None` if there are too many. `write` is given a name and its points.
pub(crate) fn names(
    classes: &[String],
    points: impl Iterator<Item = (usize, (f64, f64))>,
    write: impl Fn(String, &[(f64, f64)]) -> String,
) -> Option<Texts> {
    if classes.len() > MOST_NAMES {
        return None;
    }
    let mut own = vec![Vec::new(); classes.len()];
    for (class, point) in points {
        own.get_mut(class)?.push(point);
    }
    let mut texts = Texts {
        x: Vec::new(),
        y: Vec::new(),
        texts: Vec::new(),
        colour: INK,
        beside: true,
    };
    for (name, points) in classes.iter().zip(&own) {
        let middle = |pick: fn(&(f64, f64)) -> f64| median(points.iter().map(pick));
        if let Some((x, y)) = middle(|point| point.0).zip(middle(|point| point.1)) {
            texts.x.push(x);
            texts.y.push(y);
            texts.texts.push(write(markup::of_name(name), points));
        }
    }
    Some(texts)
}

/// The middle of the values in ascending order, the upper one of two; `None` without values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
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
    fn names_stand_at_medians() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median(std::iter::empty()), None);
        let classes = ["a", "b", "c"].map(str::to_owned);
        let points = [
            (0, (1.0, 0.0)),
            (2, (4.0, 5.0)),
            (0, (3.0, 1.0)),
            (0, (2.0, 9.0)),
        ];
        let texts = names(&classes, points.into_iter(), |name, points| {
            format!("{name} {}", points.len())
        });
        let texts = texts.expect("few classes");
        assert_eq!(texts.texts, ["a 3", "c 1"]);
        assert_eq!((texts.x, texts.y), (vec![2.0, 4.0], vec![1.0, 5.0]));
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
