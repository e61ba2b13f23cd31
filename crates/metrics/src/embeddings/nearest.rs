//! The nearest others of a point by Euclidean distance, exactly: every distance is computed in f64.

use std::cmp::Ordering;

/// One neighbour of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    pub index: u32,
    pub squared_distance: f64,
}

impl Neighbour {
    /// Nearest first; equal distances in the order of the points.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.squared_distance
            .total_cmp(&other.squared_distance)
            .then(self.index.cmp(&other.index))
    }
}

/// |a - b|^2 in f64, summed from the first component to the last. Differences of f32 values are exact.
pub(crate) fn squared_distance<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    let differences = a.iter().zip(b).map(|(&a, &b)| a.into() - b.into());
    differences
        .map(|difference: f64| difference * difference)
        .sum()
}

/// Differences that [`squared_distance_by_lanes`] sums side by side.
const LANES: usize = 8;

/// |a - b|^2 in f64 as [`squared_distance`], but summed in eight lanes, for which a processor needs one instruction each.
#[inline(always)]
pub(crate) fn squared_distance_by_lanes(a: &[f32], b: &[f32]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let difference = f64::from(a[lane]) - f64::from(b[lane]);
            sums[lane] += difference * difference;
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        let difference = f64::from(*a) - f64::from(*b);
        sums[lane] += difference * difference;
    }
    sums.iter().sum()
}

/// The first `count` of `neighbours` in their order.
pub(crate) fn nearest(mut neighbours: Vec<Neighbour>, count: usize) -> Vec<Neighbour> {
    if count == 0 {
        return Vec::new();
    }
    if neighbours.len() > count {
        neighbours.select_nth_unstable_by(count - 1, Neighbour::order);
        neighbours.truncate(count);
        neighbours.shrink_to_fit();
    }
    neighbours.sort_unstable_by(Neighbour::order);
    neighbours
}

/// The `min(count, n - 1)` nearest others of the point `query` among `points` `[n, width]`, by comparing it
/// with all of them: `16 n` bytes.
///
/// # Panics
/// Panics if the point is out of bounds or `width` is 0.
pub fn nearest_others<T: Copy + Into<f64>>(
    points: &[T],
    width: usize,
    query: usize,
    count: usize,
) -> Vec<Neighbour> {
    let point = &points[query * width..][..width];
    let others = points
        .chunks_exact(width)
        .enumerate()
        .filter(|(index, _)| *index != query)
        .map(|(index, other)| Neighbour {
            index: index as u32,
            squared_distance: squared_distance(point, other),
        });
    nearest(others.collect(), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_follow_the_order_of_the_points_and_the_query_is_no_neighbour() {
        let points = [
            [0.0f32, 0.0],
            [0.0, 1.0],
            [0.0, 0.0],
            [1.0, 0.0],
            [5.0, 5.0],
        ]
        .concat();
        let found = |count| -> Vec<u32> {
            let neighbours = nearest_others(&points, 2, 2, count);
            neighbours.iter().map(|neighbour| neighbour.index).collect()
        };
        assert_eq!(found(4), [0, 1, 3, 4]);
        assert_eq!(found(2), [0, 1]);
        assert_eq!(found(0), [0; 0]);
        assert_eq!(found(9), [0, 1, 3, 4]);
    }
}
