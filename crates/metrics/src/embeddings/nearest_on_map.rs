//! The nearest others of every point of a map, exactly, by looking into the squares around it.

use rayon::prelude::*;

use super::nearest::{Neighbour, nearest, squared_distance};

/// Points of a square on average.
const POINTS_A_SQUARE: f64 = 2.0;

/// The `min(count, n - 1)` nearest others of each of the finite points of `map`, nearest first; equal distances in the order of the points.
///
/// O(n count) where points are spread evenly. Memory beside the result: 20 bytes a point.
pub fn nearest_on_map(map: &[[f64; 2]], count: usize) -> Vec<Vec<Neighbour>> {
    let count = count.min(map.len().saturating_sub(1));
    let squares = Squares::new(map);
    (0..map.len())
        .into_par_iter()
        .map(|point| squares.nearest(point, count))
        .collect()
}

/// A map divided into squares, `across` in each direction.
struct Squares<'a> {
    map: &'a [[f64; 2]],
    low: [f64; 2],
    side: f64,
    across: usize,
    /// Where the points of every square begin in `order`, and where the last ones end: rows of squares.
    starts: Vec<usize>,
    order: Vec<u32>,
}

impl<'a> Squares<'a> {
    fn new(map: &'a [[f64; 2]]) -> Self {
        let extreme = |axis: usize, choose: fn(f64, f64) -> f64| {
            map.iter()
                .map(|point| point[axis])
                .reduce(choose)
                .unwrap_or(0.0)
        };
        let low = [0, 1].map(|axis| extreme(axis, f64::min));
        let extent = [0, 1]
            .map(|axis| extreme(axis, f64::max) - low[axis])
            .into_iter()
            .fold(0.0, f64::max);
        let across = ((map.len() as f64 / POINTS_A_SQUARE).sqrt() as usize).max(1);
        let side = if extent > 0.0 {
            extent / across as f64
        } else {
            1.0
        };
        let mut squares = Self {
            map,
            low,
            side,
            across,
            starts: vec![0; across * across + 1],
            order: vec![0; map.len()],
        };
        let places: Vec<usize> = map
            .iter()
            .map(|&point| {
                let [x, y] = squares.square(point);
                y * across + x
            })
            .collect();
        for &place in &places {
            squares.starts[place + 1] += 1;
        }
        for place in 0..across * across {
            squares.starts[place + 1] += squares.starts[place];
        }
        let mut next = squares.starts.clone();
        for (point, &place) in places.iter().enumerate() {
            squares.order[next[place]] = point as u32;
            next[place] += 1;
        }
        squares
    }

    fn square(&self, point: [f64; 2]) -> [usize; 2] {
        [0, 1].map(|axis| {
            let place = (point[axis] - self.low[axis]) / self.side;
            (place as usize).min(self.across - 1)
        })
    }

    /// Looks into rings of squares around that of the point until no nearer one can be further out.
    fn nearest(&self, point: usize, count: usize) -> Vec<Neighbour> {
        if count == 0 {
            return Vec::new();
        }
        let centre = self.square(self.map[point]);
        let mut found = Vec::new();
        for ring in 0..self.across {
            self.look_into_ring(point, centre, ring, &mut found);
            if found.len() >= count {
                found = nearest(found, count);
                // Rounding may have put points into the next square: one ring more than needed.
                let seen = ring.saturating_sub(1) as f64 * self.side;
                if found[count - 1].squared_distance < seen * seen {
                    break;
                }
            }
        }
        nearest(found, count)
    }

    fn look_into_ring(
        &self,
        point: usize,
        [x, y]: [usize; 2],
        ring: usize,
        found: &mut Vec<Neighbour>,
    ) {
        let last = self.across - 1;
        for row in y.saturating_sub(ring)..=(y + ring).min(last) {
            let whole = row + ring == y || row == y + ring;
            let mut look = |first: usize, end: usize| {
                let points = self.starts[row * self.across + first]
                    ..self.starts[row * self.across + end + 1];
                let others = self.order[points]
                    .iter()
                    .filter(|other| **other as usize != point);
                found.extend(others.map(|&index| Neighbour {
                    index,
                    squared_distance: squared_distance(&self.map[point], &self.map[index as usize]),
                }));
            };
            if whole {
                look(x.saturating_sub(ring), (x + ring).min(last));
            } else {
                if x >= ring {
                    look(x - ring, x - ring);
                }
                if x + ring <= last {
                    look(x + ring, x + ring);
                }
            }
        }
    }
}
