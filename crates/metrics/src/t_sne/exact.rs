//! The divergence of a map from the embeddings, over all pairs.
//!
//! The descent knows the nearest neighbours only. Whether the map is faithful is asked of all pairs: p_{j|i} of
//! [`Affinities`](super::affinities::Affinities) over all j, with b_i such that the perplexity is reached over all of them.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::gradient::Repulsion;
use super::tree::Tree;

/// The entropy of a row is that of the perplexity up to this many nats.
const TOLERANCE: f64 = 1e-10;
/// Steps of the search for one b; a handful suffices unless the perplexity cannot be reached.
const MAXIMUM_STEPS: u32 = 200;
/// Differences summed side by side.
const LANES: usize = 8;

/// KL(P || Q) = sum over i != j of P_ij ln(P_ij / Q_ij) in nats, in f64, of the map of `points` `[n, width]`, P being that of
/// all pairs.
///
/// Distances are computed twice rather than kept: O(n^2 width) and `16 n` bytes a thread. The same bits for any number of
/// threads.
pub fn exact_divergence(points: &[f32], width: usize, perplexity: f64, map: &[[f64; 2]]) -> f64 {
    let rows: Vec<Row> = (0..map.len())
        .into_par_iter()
        .map_init(Vec::new, |distances, point| {
            all_distances(points, width, point, distances);
            distances.swap_remove(point);
            Row::new(distances, perplexity)
        })
        .collect();
    let normaliser = Repulsion::new(&Tree::new(map), 0.0).normaliser;
    let twice = (2 * map.len()) as f64;
    let sums: Vec<f64> = (0..map.len())
        .into_par_iter()
        .map_init(Vec::new, |distances, point| {
            all_distances(points, width, point, distances);
            let (own, [x, y]) = (rows[point], map[point]);
            let others = distances.iter().zip(&rows).zip(map).enumerate();
            let terms = others.filter(|(other, _)| *other != point);
            terms
                .map(|(_, ((&distance, row), there))| {
                    let joint = (own.probability(distance) + row.probability(distance)) / twice;
                    let (dx, dy) = (x - there[0], y - there[1]);
                    match joint > 0.0 {
                        true => joint * (joint * normaliser * (1.0 + dx * dx + dy * dy)).ln(),
                        false => 0.0,
                    }
                })
                .sum()
        })
        .collect();
    sums.iter().sum()
}

/// p_{j|i} of one i as a function of the squared distance.
#[derive(Debug, Clone, Copy)]
struct Row {
    nearest: f64,
    /// b.
    precision: f64,
    /// Sum over j of exp(-b (d_j - nearest)).
    sum: f64,
}

impl Row {
    /// Finds b by Newton's method within a bracket: dH/db = -b Var(d).
    ///
    /// If more than `perplexity` others are nearest, the entropy stays above the target; the limit for large b remains.
    fn new(distances: &[f64], perplexity: f64) -> Self {
        let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        let target = perplexity.ln();
        let mean = distances.iter().map(|d| d - nearest).sum::<f64>() / distances.len() as f64;
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut row = Self {
            nearest,
            precision: if mean > 0.0 { 1.0 / mean } else { 1.0 },
            sum: 0.0,
        };
        for _ in 0..MAXIMUM_STEPS {
            let b = row.precision;
            let (mut first, mut second) = (0.0, 0.0);
            row.sum = 0.0;
            for distance in distances {
                let excess = distance - nearest;
                let weight = (-b * excess).exp();
                row.sum += weight;
                first += weight * excess;
                second += weight * excess * excess;
            }
            let mean = first / row.sum;
            let excess_entropy = row.sum.ln() + b * mean - target;
            if excess_entropy.abs() <= TOLERANCE {
                return row;
            }
            if excess_entropy > 0.0 {
                low = b;
            } else {
                high = b;
            }
            let variance = second / row.sum - mean * mean;
            let newton = b + excess_entropy / (b * variance);
            row.precision = if low < newton && newton < high {
                newton
            } else if high.is_finite() {
                low + (high - low) / 2.0
            } else {
                2.0 * low
            };
        }
        let weights = distances
            .iter()
            .map(|d| (-row.precision * (d - nearest)).exp());
        row.sum = weights.sum();
        row
    }

    fn probability(&self, distance: f64) -> f64 {
        (-self.precision * (distance - self.nearest)).exp() / self.sum
    }
}

/// Squared distances of a point from all points, itself included.
fn all_distances(points: &[f32], width: usize, point: usize, distances: &mut Vec<f64>) {
    distances.clear();
    Arch::new().dispatch(Distances {
        points,
        width,
        point,
        distances,
    });
}

struct Distances<'a> {
    points: &'a [f32],
    width: usize,
    point: usize,
    distances: &'a mut Vec<f64>,
}

impl WithSimd for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let here = &self.points[self.point * self.width..][..self.width];
        for there in self.points.chunks_exact(self.width) {
            let mut sums = [0.0; LANES];
            let (heres, here_rest) = here.as_chunks::<LANES>();
            let (theres, there_rest) = there.as_chunks::<LANES>();
            for (a, b) in heres.iter().zip(theres) {
                for lane in 0..LANES {
                    let difference = f64::from(a[lane]) - f64::from(b[lane]);
                    sums[lane] += difference * difference;
                }
            }
            for (lane, (a, b)) in here_rest.iter().zip(there_rest).enumerate() {
                let difference = f64::from(*a) - f64::from(*b);
                sums[lane] += difference * difference;
            }
            self.distances.push(sums.iter().sum());
        }
    }
}
