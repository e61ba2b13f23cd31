//! The divergence of a map from the embeddings, over all pairs.
//!
//! The descent knows the nearest neighbours only. Whether the map is faithful is asked of all pairs: p_{j|i} of
//! [`Affinities`](super::affinities::Affinities) over all j, with b_i such that the perplexity is reached over all of them.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::affinities::{MAXIMUM_STEPS, TOLERANCE};
use super::gradient::Repulsion;
use super::tree::Tree;
use crate::embeddings::nearest::squared_distance_by_lanes;

/// exp(-x) is taken to be 0 beyond this x: 1e-22, which all pairs together do not add up to the last digit of.
const NEGLIGIBLE: f64 = 50.0;
/// Points whose distances are computed together, so that each point is fetched once for all of them.
const BLOCK: usize = 16;

/// KL(P || Q) = sum over i != j of P_ij ln(P_ij / Q_ij) in nats, in f64, of the map of `points` `[n, width]`, P being that of
/// all pairs.
///
/// Distances are computed twice rather than kept: O(n^2 width) and `136 n` bytes a thread. The same bits for any number of
/// threads.
pub fn exact_divergence(points: &[f32], width: usize, perplexity: f64, map: &[[f64; 2]]) -> f64 {
    let rows: Vec<Row> = by_blocks(points, width, |point, distances| {
        let mut others = distances.to_vec();
        others.swap_remove(point);
        Row::new(&mut others, perplexity)
    });
    let normaliser = Repulsion::new(&Tree::new(map), 0.0).normaliser;
    let twice = (2 * map.len()) as f64;
    let sums: Vec<f64> = by_blocks(points, width, |point, distances| {
        let (own, [x, y]) = (rows[point], map[point]);
        let others = distances.iter().zip(&rows).zip(map).enumerate();
        let terms = others.filter(|(other, _)| *other != point);
        terms
            .map(|(_, ((&distance, row), there))| {
                let joint = (own.probability(distance) + row.probability(distance)) / twice;
                if joint > 0.0 {
                    let (dx, dy) = (x - there[0], y - there[1]);
                    joint * (joint * normaliser * (1.0 + dx * dx + dy * dy)).ln()
                } else {
                    0.0
                }
            })
            .sum()
    });
    sums.iter().sum()
}

/// What `row` makes of every point and its squared distances from all points, itself included.
fn by_blocks<T: Send>(
    points: &[f32],
    width: usize,
    row: impl Fn(usize, &[f64]) -> T + Sync,
) -> Vec<T> {
    let count = points.len() / width;
    let blocks: Vec<Vec<T>> = points
        .par_chunks(BLOCK * width)
        .enumerate()
        .map_init(Vec::new, |distances, (block, members)| {
            distances.resize(members.len() / width * count, 0.0);
            Arch::new().dispatch(Distances {
                members,
                points,
                width,
                distances,
            });
            let rows = distances.chunks_exact(count).enumerate();
            rows.take(members.len() / width)
                .map(|(at, distances)| row(block * BLOCK + at, distances))
                .collect()
        })
        .collect();
    blocks.into_iter().flatten().collect()
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
    /// Finds b for the squared distances of all others, which are reordered: first for the nearest ones, which decide nearly
    /// all of it.
    fn new(distances: &mut [f64], perplexity: f64) -> Self {
        let near = (3.0 * perplexity) as usize + 1;
        if near < distances.len() {
            distances.select_nth_unstable_by(near, f64::total_cmp);
        }
        let (first, _) = distances.split_at(near.min(distances.len()));
        let nearest = first.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = first.iter().map(|d| d - nearest).sum::<f64>() / first.len() as f64;
        let start = if mean > 0.0 { 1.0 / mean } else { 1.0 };
        let start = Self::search(first, nearest, perplexity, start).precision;
        Self::search(distances, nearest, perplexity, start)
    }

    /// Newton's method within a bracket: dH/db = -b Var(d).
    ///
    /// If more than `perplexity` others are nearest, the entropy stays above the target; the limit for large b remains.
    fn search(distances: &[f64], nearest: f64, perplexity: f64, start: f64) -> Self {
        let target = perplexity.ln();
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut row = Self {
            nearest,
            precision: start,
            sum: 0.0,
        };
        for _ in 0..MAXIMUM_STEPS {
            let b = row.precision;
            let (mut first, mut second) = (0.0, 0.0);
            row.sum = 0.0;
            for distance in distances {
                let excess = distance - nearest;
                let weight = negative_exponential(b * excess);
                row.sum += weight;
                first += weight * excess;
                second += weight * excess * excess;
            }
            let mean = first / row.sum;
            let too_much = row.sum.ln() + b * mean - target;
            if too_much.abs() <= TOLERANCE {
                return row;
            }
            if too_much > 0.0 {
                low = b;
            } else {
                high = b;
            }
            let variance = second / row.sum - mean * mean;
            let newton = b + too_much / (b * variance);
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
            .map(|distance| negative_exponential(row.precision * (distance - nearest)));
        row.sum = weights.sum();
        row
    }

    fn probability(&self, distance: f64) -> f64 {
        negative_exponential(self.precision * (distance - self.nearest)) / self.sum
    }
}

/// exp(-x), or 0 where that is negligible.
fn negative_exponential(x: f64) -> f64 {
    if x < NEGLIGIBLE { (-x).exp() } else { 0.0 }
}

/// Squared distances of some points from all points, `[members, points]`.
struct Distances<'a> {
    members: &'a [f32],
    points: &'a [f32],
    width: usize,
    distances: &'a mut [f64],
}

impl WithSimd for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let count = self.points.len() / self.width;
        for (other, there) in self.points.chunks_exact(self.width).enumerate() {
            for (at, here) in self.members.chunks_exact(self.width).enumerate() {
                self.distances[at * count + other] = squared_distance_by_lanes(here, there);
            }
        }
    }
}
