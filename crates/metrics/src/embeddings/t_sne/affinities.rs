//! How alike the points are: the symmetric joint probabilities P of t-SNE.
//!
//! ```text
//! p_{j|i} = exp(-b_i |x_i - x_j|^2) / sum over the neighbours k of i of exp(-b_i |x_i - x_k|^2)
//! P_ij = (p_{j|i} + p_{i|j}) / 2n
//! ```
//!
//! with b_i such that exp(-sum_j p_{j|i} ln p_{j|i}) is the perplexity asked for. Only neighbours count, as in the
//! Barnes-Hut t-SNE of scikit-learn and openTSNE: for all others p_{j|i} is taken to be 0. van der Maaten and Hinton,
//! *Visualizing data using t-SNE* (2008); van der Maaten, *Accelerating t-SNE using tree-based algorithms* (2014).

use rayon::prelude::*;

use crate::embeddings::Neighbour;

/// The entropy of a row is that of the perplexity up to this many nats.
pub(super) const TOLERANCE: f64 = 1e-10;
/// Steps of the search for one b; 60 suffice unless the perplexity cannot be reached.
pub(super) const MAXIMUM_STEPS: u32 = 200;
/// Rows of P that are made at a time.
const PART: usize = 16_384;

/// P without its zeros, symmetric to the last bit: 12 bytes an entry in f64 and 8 in f32, of which a point has on average at
/// most twice as many as neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct Affinities<T = f64> {
    /// Where the entries of every point begin, and where the last ones end.
    starts: Vec<usize>,
    others: Vec<u32>,
    values: Vec<T>,
    /// Points that cannot have the perplexity, since more others than that are equally near.
    pub unreached: usize,
}

/// What P is kept in.
pub trait Probability: Copy + Default + PartialEq + Into<f64> + Send + Sync {
    fn rounded(value: f64) -> Self;
}

impl Probability for f64 {
    fn rounded(value: f64) -> Self {
        value
    }
}

impl Probability for f32 {
    fn rounded(value: f64) -> Self {
        value as f32
    }
}

impl<T: Probability> Affinities<T> {
    /// P from the nearest neighbours of every point: more than `perplexity`, sorted, the point itself not
    /// among them.
    ///
    /// Memory beside the result: twice the size of a `T` and 4 bytes for every neighbour of a point.
    pub fn new(neighbours: &[&[Neighbour]], perplexity: f64) -> Self {
        let twice = (2 * neighbours.len()) as f64;
        let halves: Vec<(Vec<T>, bool)> = neighbours
            .par_iter()
            .map(|row| {
                let found = Conditional::new(row, perplexity);
                let halves = found.probabilities.iter().map(|p| T::rounded(p / twice));
                (halves.collect(), found.reached)
            })
            .collect();
        let unreached = halves.iter().filter(|(_, reached)| !reached).count();
        let halves: Vec<Vec<T>> = halves.into_iter().map(|(halves, _)| halves).collect();
        let incoming = Incoming::new(neighbours, &halves);
        let rows = |point: usize| {
            let own = neighbours[point].iter().map(|neighbour| neighbour.index);
            let mut row: Vec<(u32, T)> = own.zip(halves[point].iter().copied()).collect();
            row.extend(incoming.row(point));
            add_up(&mut row);
            row
        };
        Self::from_rows(neighbours.len(), rows, unreached)
    }

    /// A part of the rows at a time, which is small beside the whole.
    fn from_rows(
        points: usize,
        row: impl Fn(usize) -> Vec<(u32, T)> + Sync,
        unreached: usize,
    ) -> Self {
        let mut affinities = Self {
            starts: vec![0],
            others: Vec::new(),
            values: Vec::new(),
            unreached,
        };
        for first in (0..points).step_by(PART) {
            let part = first..points.min(first + PART);
            let rows: Vec<Vec<(u32, T)>> = part.into_par_iter().map(&row).collect();
            for (other, value) in rows.iter().flatten() {
                affinities.others.push(*other);
                affinities.values.push(*value);
            }
            let starts = rows.iter().scan(affinities.starts[first], |start, row| {
                *start += row.len();
                Some(*start)
            });
            let starts: Vec<usize> = starts.collect();
            affinities.starts.extend(starts);
        }
        affinities
    }

    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The (j, P_ij) of a point i that are not 0, in ascending order of j.
    pub fn row(&self, point: usize) -> impl ExactSizeIterator<Item = (usize, f64)> {
        let (others, values) = self.entries(point);
        let others = others.iter();
        others
            .zip(values)
            .map(|(&other, &value)| (other as usize, value.into()))
    }

    /// The j and the P_ij of [`Affinities::row`].
    pub(super) fn entries(&self, point: usize) -> (&[u32], &[T]) {
        let entries = self.starts[point]..self.starts[point + 1];
        (&self.others[entries.clone()], &self.values[entries])
    }
}

/// What others give to a point: p_{i|j} / 2n of the points j that have i among their neighbours, in the order of j.
struct Incoming<T> {
    /// Where those of every point begin, and where the last ones end.
    starts: Vec<usize>,
    entries: Vec<(u32, T)>,
}

impl<T: Probability> Incoming<T> {
    fn new(neighbours: &[&[Neighbour]], halves: &[Vec<T>]) -> Self {
        let mut starts = vec![0; neighbours.len() + 1];
        for neighbour in neighbours.iter().copied().flatten() {
            starts[neighbour.index as usize + 1] += 1;
        }
        for point in 0..neighbours.len() {
            starts[point + 1] += starts[point];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, T::default()); starts[neighbours.len()]];
        for (point, (row, halves)) in neighbours.iter().zip(halves).enumerate() {
            for (neighbour, &half) in row.iter().zip(halves) {
                let next = &mut next[neighbour.index as usize];
                entries[*next] = (point as u32, half);
                *next += 1;
            }
        }
        Self { starts, entries }
    }

    fn row(&self, point: usize) -> &[(u32, T)] {
        &self.entries[self.starts[point]..self.starts[point + 1]]
    }
}

/// Sorts by index and adds up the values of equal indices, at most two: p_{j|i} and p_{i|j}.
fn add_up<T: Probability>(row: &mut Vec<(u32, T)>) {
    row.sort_unstable_by_key(|entry| entry.0);
    row.dedup_by(|second, first| {
        let same = second.0 == first.0;
        if same {
            first.1 = T::rounded(first.1.into() + second.1.into());
        }
        same
    });
}

/// p_{j|i} over the neighbours j of one point i.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    /// In the order of the neighbours; they sum to 1.
    pub probabilities: Vec<f64>,
    /// Whether they have the perplexity asked for.
    pub reached: bool,
}

impl Conditional {
    /// Finds the b of the formula above by bisection. `neighbours` are sorted, and more than `perplexity` > 1.
    ///
    /// The entropy falls from ln(number of neighbours) at b = 0 to ln(number of nearest ones) for large b. If those
    /// are already too many, the limit for large b is what remains.
    pub fn new(neighbours: &[Neighbour], perplexity: f64) -> Self {
        let nearest = neighbours
            .first()
            .map_or(0.0, |first| first.squared_distance);
        let excess: Vec<f64> = neighbours
            .iter()
            .map(|neighbour| neighbour.squared_distance - nearest)
            .collect();
        let target = perplexity.ln();
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mean = excess.iter().sum::<f64>() / excess.len().max(1) as f64;
        let mut precision = if mean > 0.0 { 1.0 / mean } else { 1.0 };
        for _ in 0..MAXIMUM_STEPS {
            let (probabilities, entropy) = softmax(&excess, precision);
            if (entropy - target).abs() <= TOLERANCE {
                return Self {
                    probabilities,
                    reached: true,
                };
            }
            if entropy > target {
                low = precision;
            } else {
                high = precision;
            }
            precision = if high.is_finite() {
                low + (high - low) / 2.0
            } else {
                2.0 * low
            };
        }
        Self {
            probabilities: softmax(&excess, precision).0,
            reached: false,
        }
    }
}

/// exp(-b e) / sum exp(-b e) over the `excess` distances e >= 0, one of which is 0, and the entropy in nats.
fn softmax(excess: &[f64], precision: f64) -> (Vec<f64>, f64) {
    let mut probabilities: Vec<f64> = excess.iter().map(|e| (-precision * e).exp()).collect();
    let sum: f64 = probabilities.iter().sum();
    let mut mean = 0.0;
    for (probability, e) in probabilities.iter_mut().zip(excess) {
        *probability /= sum;
        mean += *probability * e;
    }
    (probabilities, sum.ln() + precision * mean)
}
