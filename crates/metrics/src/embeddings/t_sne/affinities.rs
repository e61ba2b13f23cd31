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
const TOLERANCE: f64 = 1e-10;
/// Steps of the search; 60 suffice unless the perplexity cannot be reached.
const MAXIMUM_STEPS: u32 = 200;

/// P without its zeros, symmetric to the last bit: 12 bytes an entry, of which a point has on average at most
/// twice as many as neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct Affinities {
    /// Where the entries of every point begin, and where the last ones end.
    starts: Vec<usize>,
    others: Vec<u32>,
    values: Vec<f64>,
    /// Points that cannot have the perplexity, since more others than that are equally near.
    pub unreached: usize,
}

impl Affinities {
    /// P from the nearest neighbours of every point: more than `perplexity`, sorted, the point itself not
    /// among them.
    pub fn new(neighbours: &[&[Neighbour]], perplexity: f64) -> Self {
        let conditional: Vec<Conditional> = neighbours
            .par_iter()
            .map(|row| Conditional::new(row, perplexity))
            .collect();
        let points = neighbours.len();
        let mut entries: Vec<Vec<(u32, f64)>> = vec![Vec::new(); points];
        for (point, (row, conditional)) in neighbours.iter().zip(&conditional).enumerate() {
            for (neighbour, probability) in row.iter().zip(&conditional.probabilities) {
                let half = probability / (2 * points) as f64;
                entries[point].push((neighbour.index, half));
                entries[neighbour.index as usize].push((point as u32, half));
            }
        }
        entries.par_iter_mut().for_each(add_up);
        let unreached = conditional.iter().filter(|row| !row.reached).count();
        Self::from_rows(entries, unreached)
    }

    fn from_rows(rows: Vec<Vec<(u32, f64)>>, unreached: usize) -> Self {
        let mut affinities = Self {
            starts: vec![0],
            others: Vec::new(),
            values: Vec::new(),
            unreached,
        };
        for row in rows {
            for (other, value) in row {
                affinities.others.push(other);
                affinities.values.push(value);
            }
            affinities.starts.push(affinities.others.len());
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
        let entries = self.starts[point]..self.starts[point + 1];
        let others = self.others[entries.clone()].iter();
        others
            .zip(&self.values[entries])
            .map(|(&other, &value)| (other as usize, value))
    }
}

/// Sorts by index and adds up the values of equal indices, at most two: p_{j|i} and p_{i|j}.
fn add_up(row: &mut Vec<(u32, f64)>) {
    row.sort_unstable_by_key(|entry| entry.0);
    row.dedup_by(|second, first| {
        let same = second.0 == first.0;
        if same {
            first.1 += second.1;
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
