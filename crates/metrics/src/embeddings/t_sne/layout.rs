//! From vectors to a map: neighbours, affinities, a start, the descent; and how faithful the result is.

use eigenscope_artifact::tables::embeddings::MapQualityRow;
use rayon::prelude::*;

use super::affinities::Affinities;
use super::descent::descend;
use super::exact::exact_divergence;
use crate::embeddings::nearest_of_all;
use crate::embeddings::two_principal_components;
use crate::embeddings::vote_accuracy;
use crate::embeddings::{Neighbour, nearest_others};
use crate::error::MetricError;

/// Neighbours that vote on a class when the map is judged.
const VOTERS: usize = 10;
/// Standard deviation of the first coordinate at the start.
const START_STD: f64 = 1e-4;

/// Vectors laid out in two dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Place of every vector on the map.
    pub map: Vec<[f64; 2]>,
    /// KL(P || Q) in nats, as [`exact_divergence`]. The descent lowers that of P over the nearest `3 perplexity + 1`
    /// neighbours, as in scikit-learn.
    pub kl_divergence_nats: f64,
    /// Vectors that cannot have the perplexity, since more others than that are equally near.
    pub unreached: usize,
    /// Nearest others of every vector among the vectors, [`VOTERS`] where there are so many.
    neighbours: Vec<Vec<Neighbour>>,
}

impl Layout {
    /// Lays out `points` `[n, width]`, with n > `perplexity` + 1. `progress` is told the steps done of [`STEPS`](super::descent::STEPS).
    ///
    /// O(n^2 width) for the neighbours and for the divergence, and O(n (perplexity + log n)) a step. Memory:
    /// about `300 n perplexity` bytes.
    ///
    /// # Errors
    /// Returns an error if the vectors have one component or are all equal.
    pub fn new(
        points: &[f32],
        width: usize,
        perplexity: f64,
        progress: impl FnMut(u32),
    ) -> Result<Self, MetricError> {
        let mut map = start(points, width)?;
        let relevant = (3.0 * perplexity + 1.0) as usize;
        let neighbours = nearest_of_all(points, width, relevant.max(VOTERS));
        let rows: Vec<&[Neighbour]> = neighbours.rows().collect();
        let first = |count: usize| rows.iter().map(move |row| &row[..count.min(row.len())]);
        let affinities = Affinities::new(&first(relevant).collect::<Vec<_>>(), perplexity);
        descend(&affinities, &mut map, progress);
        Ok(Self {
            kl_divergence_nats: exact_divergence(points, width, perplexity, &map),
            unreached: affinities.unreached,
            neighbours: first(VOTERS).map(<[Neighbour]>::to_vec).collect(),
            map,
        })
    }

    /// How faithful the map is, for images of the given classes.
    pub(crate) fn quality(&self, labels: &[u16], perplexity: f64) -> MapQualityRow {
        let voters = VOTERS.min(self.map.len() - 1);
        let on_map: Vec<Vec<Neighbour>> = (0..self.map.len())
            .into_par_iter()
            .map(|point| nearest_others(self.map.as_flattened(), 2, point, voters))
            .collect();
        MapQualityRow {
            images: self.map.len() as u32,
            perplexity,
            kl_divergence_nats: self.kl_divergence_nats,
            neighbours: voters as u32,
            neighbour_accuracy_fraction: vote_accuracy(&on_map, labels),
            embedding_neighbour_accuracy_fraction: vote_accuracy(&self.neighbours, labels),
        }
    }
}

/// The scores of the first two principal components, scaled so that those of the first have standard deviation
/// (denominator n) [`START_STD`]: where scikit-learn starts.
fn start(points: &[f32], width: usize) -> Result<Vec<[f64; 2]>, MetricError> {
    let mut scores = two_principal_components(points, width)?;
    let variance = scores.iter().map(|score| score[0].powi(2)).sum::<f64>() / scores.len() as f64;
    let scale = START_STD / variance.sqrt();
    for score in &mut scores {
        *score = score.map(|value| value * scale);
    }
    Ok(scores)
}
