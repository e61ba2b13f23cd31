//! Choice of the images that a figure shows: the first ones, or, where images are ordered by class, some of each class.

use std::collections::BTreeSet;

/// Positions of chosen images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examples {
    /// Ascending.
    pub positions: Vec<usize>,
    /// True for images that are ordered by class: their positions are spread over the classes.
    pub is_spread: bool,
}

impl Examples {
    /// Chooses `count` of the `candidates`, ascending positions in `labels`, or all if they are fewer: the first ones, unless all
    /// images of each class stand together, as those of a folder do. Then the first ones of each class are chosen, the same number
    /// of each as far as there are as many.
    ///
    /// # Panics
    /// Panics if a candidate is out of bounds.
    pub fn of(labels: &[u16], candidates: &[usize], count: usize) -> Self {
        let is_spread = stand_together(labels);
        if !is_spread || candidates.len() <= count {
            let positions = candidates.iter().take(count).copied().collect();
            return Self {
                positions,
                is_spread,
            };
        }
        let classes: Vec<&[usize]> = candidates
            .chunk_by(|one, other| labels[*one] == labels[*other])
            .collect();
        let mut positions = Vec::with_capacity(count);
        for round in 0.. {
            let left = count - positions.len();
            let next: Vec<usize> = classes
                .iter()
                .filter_map(|class| class.get(round).copied())
                .collect();
            if left == 0 || next.is_empty() {
                break;
            }
            // Fewer than classes: from the first on, evenly spaced.
            let taken = left.min(next.len());
            positions.extend((0..taken).map(|number| next[number * next.len() / taken]));
        }
        positions.sort_unstable();
        Self {
            positions,
            is_spread,
        }
    }

    /// Chooses `count` of all images, as [`Examples::of`] does.
    pub fn of_all(labels: &[u16], count: usize) -> Self {
        let all: Vec<usize> = (0..labels.len()).collect();
        Self::of(labels, &all, count)
    }
}

/// Returns true if there are several classes and the images of each stand next to each other.
fn stand_together(labels: &[u16]) -> bool {
    let pieces = labels.chunk_by(|one, other| one == other);
    let mut seen = BTreeSet::new();
    let mut is_new = pieces.map(|piece| seen.insert(piece[0]));
    is_new.all(|is_new| is_new) && seen.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(labels: &[u16], count: usize) -> Vec<usize> {
        Examples::of_all(labels, count).positions
    }

    #[test]
    fn the_first_images_stand_for_mixed_ones() {
        for labels in [&[0, 1, 0, 2][..], &[1, 1, 1], &[]] {
            let examples = Examples::of_all(labels, 2);
            assert_eq!(examples.positions, [0, 1][..labels.len().min(2)]);
            assert!(!examples.is_spread);
        }
    }

    #[test]
    fn ordered_images_give_some_of_each_class() {
        let labels = [0, 0, 0, 0, 1, 3, 3, 3];
        assert_eq!(chosen(&labels, 3), [0, 4, 5]);
        assert_eq!(chosen(&labels, 2), [0, 4]);
        assert_eq!(chosen(&labels, 5), [0, 1, 4, 5, 6]);
        assert_eq!(chosen(&labels, 7), [0, 1, 2, 4, 5, 6, 7]);
        assert_eq!(chosen(&labels, 20), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(Examples::of_all(&labels, 3).is_spread);
        let hundred: Vec<u16> = (0..200).map(|image| image / 2).collect();
        assert_eq!(chosen(&hundred, 4), [0, 50, 100, 150]);
        assert_eq!(Examples::of(&labels, &[1, 2, 3, 7], 2).positions, [1, 7]);
    }
}
