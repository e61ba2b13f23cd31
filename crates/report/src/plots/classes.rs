//! How classes look, and which images stand for them in figures that have no room for all.

use eigenscope_stage::TaskError;

use crate::figure::{Marker, MarkerShape, Rgb};

/// Colours that are easy to tell apart.
const COLOURS: usize = 10;
/// Shapes for more classes than there are colours.
const SHAPES: [MarkerShape; 4] = [
    MarkerShape::Circle,
    MarkerShape::Diamond,
    MarkerShape::Triangle,
    MarkerShape::Square,
];

/// Refuses more classes than colours and shapes can tell apart.
pub(super) fn check(classes: &[String]) -> Result<(), TaskError> {
    let most = COLOURS * SHAPES.len();
    if classes.len() > most {
        let found = classes.len();
        return Err(
            format!("{found} classes are more than the {most} that can be told apart").into(),
        );
    }
    Ok(())
}

/// The colour of a class; repeats after ten.
pub(super) fn colour(class: usize) -> Rgb {
    Rgb::categorical(class)
}

/// The marker of a class, without a rim: classes of equal colour have different shapes.
pub(super) fn marker(class: usize, radius: f64) -> Marker {
    Marker {
        shape: SHAPES[class / COLOURS % SHAPES.len()],
        ..Marker::dot(radius)
    }
}

/// A sentence on the classes that `has_images` denies, to be appended to a description; nothing if there are none.
pub(super) fn without_images(names: &[String], has_images: impl Fn(usize) -> bool) -> String {
    let without = names.iter().enumerate();
    let without = without.filter(|(class, _)| !has_images(*class));
    let without: Vec<&str> = without.map(|(_, name)| name.as_str()).collect();
    match without.is_empty() {
        true => String::new(),
        false => format!(" Classes without images: {}.", without.join(", ")),
    }
}

/// Positions of `count` images, or of all if there are fewer, in ascending order: as many of every class as of the others
/// where it has that many, the first ones of each.
pub(super) fn evenly(labels: &[u16], count: usize) -> Vec<usize> {
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
    fn forty_classes_look_different() {
        let looks: Vec<_> = (0..40)
            .map(|class| (colour(class), marker(class, 2.0)))
            .collect();
        for (class, look) in looks.iter().enumerate() {
            assert!(!looks[..class].contains(look), "{class}");
        }
        assert!(check(&vec![String::new(); 40]).is_ok());
        let error = check(&vec![String::new(); 41]).expect_err("refused");
        assert!(error.to_string().starts_with("41 classes are more than"));
    }
}
