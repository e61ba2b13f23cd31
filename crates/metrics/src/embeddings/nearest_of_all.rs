//! The nearest others of every point, through matrix products.
//!
//! ```text
//! |x - y|^2 = |x|^2 + |y|^2 - 2 x . y
//! ```
//!
//! with x . y from blocked f32 products says who may be a neighbour; exact f64 distances decide. The products are of points minus
//! their mean: those of points far from the origin would be too large to tell distances. No neighbour is lost to rounding: a
//! product of D terms, summed in any order, with or without fused multiply-add, is off by at most D u / (1 - D u) sum |x_k y_k|
//! with u = 2^-24 (Higham, *Accuracy and Stability of Numerical Algorithms*, section 3.1), which is at most D u (|x|^2 + |y|^2) for
//! D u <= 1/2, and by 2^-126 a term for numbers too small to be normal. A component minus that of the mean is off by at most u
//! times itself, so that |x - y|^2 of such x and y is off by at most (4 u + 2 u^2) (|x|^2 + |y|^2). So every squared distance has a
//! lower and an upper bound, and a point whose lower bound exceeds the k-th smallest upper bound is none of the k nearest.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::nearest::{Neighbour, nearest, squared_distance};
use super::principal_components::mean;

/// Points whose neighbours are looked for at a time.
const BLOCK: usize = 128;
/// Points that they are compared with at a time: products of 512 KiB.
const TILE: usize = 1024;
/// Unit roundoff of f32, 2^-24.
const UNIT: f64 = f32::EPSILON as f64 / 2.0;

/// The nearest others of every point.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    count: usize,
    all: Vec<Neighbour>,
}

impl Neighbours {
    /// `count` neighbours of each point, one point after the other.
    pub(super) fn new(count: usize, all: Vec<Neighbour>) -> Self {
        Self { count, all }
    }

    /// Number of neighbours of each point.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The neighbours of every point, nearest first; equal distances in the order of the points.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Neighbour]> {
        self.all.chunks_exact(self.count.max(1))
    }
}

/// The `min(count, n - 1)` nearest others of each of the `points` `[n, width]`, which are finite.
///
/// O(n^2 width) in f32. Memory: `4 n width` bytes for the points minus their mean, `16 n count` for the result, 0.6 MiB a thread for the
/// products, and the candidates of 128 points a thread, which are few more than `count` each unless the points lie closer together
/// than f32 can tell at their distance from the mean. The same bytes for any number of threads.
///
/// # Panics
/// Panics if `width` is 0.
pub fn nearest_of_all(points: &[f32], width: usize, count: usize) -> Neighbours {
    PointSet::new(points, &centred(points, width), width).nearest(count)
}

/// The points `[n, width]` minus their mean, in f32.
pub(super) fn centred(points: &[f32], width: usize) -> Vec<f32> {
    let mean: Vec<f32> = mean(points, width).iter().map(|&m| m as f32).collect();
    let points = points.chunks_exact(width);
    points
        .flat_map(|point| point.iter().zip(&mean).map(|(value, mean)| value - mean))
        .collect()
}

/// |x|^2 of every point.
pub(super) fn squares(points: &[f32], width: usize) -> Vec<f64> {
    let points = points.par_chunks_exact(width);
    points
        .map(|point| point.iter().map(|&value| f64::from(value).powi(2)).sum())
        .collect()
}

pub(super) struct PointSet<'a> {
    /// `[n, width]`.
    points: &'a [f32],
    /// The points minus their mean.
    centred: &'a [f32],
    width: usize,
    /// |x|^2 of every centred point.
    squares: Vec<f64>,
}

impl<'a> PointSet<'a> {
    /// `centred` are the points as [`centred`] makes them.
    pub(super) fn new(points: &'a [f32], centred: &'a [f32], width: usize) -> Self {
        Self {
            points,
            centred,
            width,
            squares: squares(centred, width),
        }
    }
}

impl PointSet<'_> {
    pub(super) fn len(&self) -> usize {
        self.squares.len()
    }

    /// The point itself, from which distances are measured.
    pub(super) fn point(&self, index: usize) -> &[f32] {
        &self.points[index * self.width..][..self.width]
    }

    /// The centred points `start..start + length`.
    pub(super) fn rows(&self, start: usize, length: usize) -> &[f32] {
        &self.centred[start * self.width..][..length * self.width]
    }

    /// The `min(count, n - 1)` nearest others of every point.
    pub(super) fn nearest(&self, count: usize) -> Neighbours {
        let count = count.min(self.len().saturating_sub(1));
        let blocks = self.len().div_ceil(BLOCK);
        let all: Vec<Vec<Neighbour>> = (0..blocks)
            .into_par_iter()
            .map(|block| self.neighbours_of_block(block * BLOCK, count))
            .collect();
        Neighbours::new(count, all.concat())
    }

    /// The `count` nearest others of [`BLOCK`] points from `start`, one point after the other.
    fn neighbours_of_block(&self, start: usize, count: usize) -> Vec<Neighbour> {
        let rows = BLOCK.min(self.len() - start);
        let queries: Vec<usize> = (start..start + rows).collect();
        self.neighbours_of(&queries, self.rows(start, rows), count)
    }

    /// The `count` nearest others of the points `queries`, whose centred values are `rows`, one point after the other.
    pub(super) fn neighbours_of(
        &self,
        queries: &[usize],
        rows: &[f32],
        count: usize,
    ) -> Vec<Neighbour> {
        if count == 0 {
            return Vec::new();
        }
        let total = self.len();
        let mut candidates: Vec<Candidates> =
            queries.iter().map(|_| Candidates::new(count)).collect();
        let mut products = vec![0.0f32; queries.len() * TILE];
        for first in (0..total).step_by(TILE) {
            let columns = TILE.min(total - first);
            let products = &mut products[..queries.len() * columns];
            products_of(rows, self.rows(first, columns), self.width, products);
            let products = products.chunks_exact(columns);
            for ((&query, products), candidates) in
                queries.iter().zip(products).zip(&mut candidates)
            {
                self.offer(query, first, products, candidates);
            }
        }
        let lists = candidates.into_iter().zip(queries);
        lists
            .flat_map(|(candidates, &query)| self.decide(query, candidates, count))
            .collect()
    }

    /// Considers the points from `first` on, whose products with the point `query` are given.
    pub(super) fn offer(
        &self,
        query: usize,
        first: usize,
        products: &[f32],
        candidates: &mut Candidates,
    ) {
        let error = RoundingError::of_products(self.width);
        let squares = &self.squares[first..][..products.len()];
        for (column, (&product, square)) in products.iter().zip(squares).enumerate() {
            let index = first + column;
            let (lower, upper) = error.bounds(self.squares[query] + square, product);
            if lower <= candidates.limit && index != query {
                let index = index as u32;
                candidates.push(Candidate {
                    index,
                    lower,
                    upper,
                });
            }
        }
    }

    fn decide(&self, query: usize, candidates: Candidates, count: usize) -> Vec<Neighbour> {
        let point = self.point(query);
        let exact = candidates.finish().into_iter().map(|index| Neighbour {
            index,
            squared_distance: squared_distance(point, self.point(index as usize)),
        });
        nearest(exact.collect(), count)
    }
}

/// x . y of all rows x of `left` with all rows y of `right`, which have `width` values.
pub(super) fn products_of(left: &[f32], right: &[f32], width: usize, products: &mut [f32]) {
    let (rows, columns) = (left.len() / width, right.len() / width);
    matmul(
        MatMut::from_row_major_slice_mut(products, rows, columns),
        Accum::Replace,
        MatRef::from_row_major_slice(left, rows, width),
        MatRef::from_row_major_slice(right, columns, width).transpose(),
        1.0,
        Par::Seq,
    );
}

/// How far squared distances from products of centred f32 vectors may be from the truth.
struct RoundingError {
    /// Part of |x|^2 + |y|^2.
    relative: f64,
    absolute: f64,
    /// Whether the vectors are short enough for the bound to hold.
    known: bool,
}

impl RoundingError {
    fn of_products(terms: usize) -> Self {
        let terms = terms as f64;
        Self {
            relative: (2.0 * terms + 5.0) * UNIT,
            absolute: 2.0 * terms * f64::from(f32::MIN_POSITIVE),
            // Half of what the bound allows: room for the roundings of f64.
            known: terms * UNIT <= 0.25,
        }
    }

    /// Bounds of |x - y|^2 for `squares` = |x|^2 + |y|^2 and a computed x . y, which may have overflowed.
    #[inline]
    fn bounds(&self, squares: f64, product: f32) -> (f64, f64) {
        if !product.is_finite() || !self.known {
            return (f64::NEG_INFINITY, f64::INFINITY);
        }
        let estimate = squares - 2.0 * f64::from(product);
        let error = self.relative * squares + self.absolute;
        (estimate - error, estimate + error)
    }
}

/// A point that may be a neighbour, with bounds of its squared distance.
struct Candidate {
    index: u32,
    lower: f64,
    upper: f64,
}

/// The points that may be among the `wanted` nearest of one point.
pub(super) struct Candidates {
    wanted: usize,
    list: Vec<Candidate>,
    /// Length at which the list is looked through.
    full: usize,
    /// No smaller than the `wanted`-th smallest upper bound of all points: who is further away is no neighbour.
    limit: f64,
}

impl Candidates {
    pub(super) fn new(wanted: usize) -> Self {
        Self {
            wanted,
            list: Vec::new(),
            full: 2 * wanted,
            limit: f64::INFINITY,
        }
    }

    fn push(&mut self, candidate: Candidate) {
        self.list.push(candidate);
        if self.list.len() > self.full {
            self.drop_far();
            self.full = 2 * self.list.len();
        }
    }

    fn drop_far(&mut self) {
        if self.list.len() <= self.wanted {
            return;
        }
        let by_upper = |a: &Candidate, b: &Candidate| a.upper.total_cmp(&b.upper);
        let (_, last, _) = self.list.select_nth_unstable_by(self.wanted - 1, by_upper);
        self.limit = last.upper;
        let limit = self.limit;
        self.list.retain(|candidate| candidate.lower <= limit);
    }

    pub(super) fn finish(mut self) -> Vec<u32> {
        self.drop_far();
        self.list.iter().map(|candidate| candidate.index).collect()
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_stage::Seed;

    use super::*;

    #[test]
    fn a_common_offset_adds_no_candidates() {
        let (width, count) = (16, 30);
        let candidates = |offset: f32| {
            let mut stream = Seed(1).stream("test", 0);
            let points: Vec<f32> = (0..1000 * width)
                .map(|_| stream.normal() as f32 + offset)
                .collect();
            let centred = centred(&points, width);
            let set = PointSet::new(&points, &centred, width);
            let mut candidates = Candidates::new(count);
            let mut products = vec![0.0; set.len()];
            products_of(set.rows(0, 1), &centred, width, &mut products);
            set.offer(0, 0, &products, &mut candidates);
            candidates.finish().len()
        };
        for offset in [0.0, 300.0, -3000.0] {
            let found = candidates(offset);
            assert!((count..2 * count).contains(&found), "{offset}: {found}");
        }
    }
}
