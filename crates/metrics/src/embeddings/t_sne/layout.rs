//! From vectors to a map: neighbours, affinities, a start, the descent; and how faithful the result is.

use super::affinities::Affinities;
use super::descent::{STEPS, STEPS_OF_MANY, descend, descend_many};
use super::exact::exact_divergence;
use super::gradient::interpolated_divergence;
use crate::embeddings::{
    NearNeighbours, Neighbour, nearest_by_cells, nearest_of_all, nearest_on_map,
    two_principal_components, vote_accuracy,
};
use crate::error::MetricError;
use eigenscope_artifact::tables::embeddings::MapQualityRow;

/// More points than this are many: they are laid out through a grid, from most of their nearest neighbours.
const FEW: usize = 10_000;

/// Neighbours that vote on a class when the map is judged.
const VOTERS: usize = 10;
/// Standard deviation of the first coordinate at the start.
const START_STD: f64 = 1e-4;

/// Steps of the descent of that many points.
pub fn steps(points: usize) -> u32 {
    if points > FEW { STEPS_OF_MANY } else { STEPS }
}

/// Bytes that [`Layout::new`] takes at most beside the vectors, about.
pub fn memory_bytes(points: usize, perplexity: f64) -> f64 {
    let neighbours = relevant(perplexity).max(VOTERS).min(points);
    let pairs = points as f64 * neighbours as f64;
    match points > FEW {
        // Grids are seldom larger.
        true => 60.0 * pairs + f64::from(1 << 27),
        false => 100.0 * pairs,
    }
}

/// Vectors laid out in two dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Place of every vector on the map.
    pub map: Vec<[f64; 2]>,
    /// KL(P || Q) in nats, as [`exact_divergence`]. The descent lowers that of P over the nearest `3 perplexity + 1`
    /// neighbours, as in scikit-learn. Of more than 10,000 vectors it is that of the descent's P, and Z is interpolated.
    pub kl_divergence_nats: f64,
    /// Part of the nearest neighbours that was found: 1 for up to 10,000 vectors, otherwise of a sample of 512.
    pub recall: f64,
    /// Vectors that cannot have the perplexity, since more others than that are equally near.
    pub unreached: usize,
    /// Nearest others of every vector among the vectors, [`VOTERS`] where there are so many.
    neighbours: Vec<Vec<Neighbour>>,
}

impl Layout {
    /// Lays out `points` `[n, width]`, with n > `perplexity` + 1. `progress` receives the number of steps done, of [`steps`] in all.
    ///
    /// Up to 10,000 points: O(n^2 width) for the neighbours and for the divergence, and O(n (perplexity + log n)) a step. More: O(n
    /// sqrt(n) width) for the neighbours, as long as they are in clusters, and O(n perplexity) a step. Memory: about `300 n perplexity`
    /// bytes of few points; of many about `90 n perplexity`, two copies of them, and 40 bytes a node of a grid of at most 4,096^2.
    ///
    /// # Errors
    /// Returns an error if a value is not finite, or if the vectors have one component or are all equal.
    pub fn new(
        points: &[f32],
        width: usize,
        perplexity: f64,
        progress: impl FnMut(u32),
    ) -> Result<Self, MetricError> {
        if let Some(at) = points.iter().position(|value| !value.is_finite()) {
            return Err(MetricError::Undefined(format!(
                "value {} of vector {} is {}: only finite vectors have distances",
                at % width,
                at / width,
                points[at]
            )));
        }
        let map = start(points, width)?;
        if map.len() > FEW {
            Ok(Self::of_many(points, width, perplexity, map, progress))
        } else {
            Ok(Self::of_few(points, width, perplexity, map, progress))
        }
    }

    fn of_few(
        points: &[f32],
        width: usize,
        perplexity: f64,
        mut map: Vec<[f64; 2]>,
        progress: impl FnMut(u32),
    ) -> Self {
        let relevant = relevant(perplexity);
        let neighbours = nearest_of_all(points, width, relevant.max(VOTERS));
        let rows: Vec<&[Neighbour]> = neighbours.rows().collect();
        let affinities = Affinities::new(&first(&rows, relevant), perplexity);
        descend(&affinities, &mut map, progress);
        let voters = first(&rows, VOTERS);
        Self {
            kl_divergence_nats: exact_divergence(points, width, perplexity, &map),
            recall: 1.0,
            unreached: affinities.unreached,
            neighbours: voters.into_iter().map(<[Neighbour]>::to_vec).collect(),
            map,
        }
    }

    /// Points are worked on in the order of their cells: those that attract each other are close in memory.
    fn of_many(
        points: &[f32],
        width: usize,
        perplexity: f64,
        start: Vec<[f64; 2]>,
        progress: impl FnMut(u32),
    ) -> Self {
        let relevant = relevant(perplexity);
        let NearNeighbours {
            order,
            neighbours: near,
            recall,
        } = nearest_by_cells(points, width, relevant.max(VOTERS));
        let rows: Vec<&[Neighbour]> = near.rows().collect();
        let affinities: Affinities<f32> = Affinities::new(&first(&rows, relevant), perplexity);
        let mut neighbours = vec![Vec::new(); order.len()];
        for (row, &point) in first(&rows, VOTERS).iter().zip(&order) {
            let row = row.iter().map(|neighbour| Neighbour {
                index: order[neighbour.index as usize],
                ..*neighbour
            });
            neighbours[point as usize] = row.collect();
        }
        drop(rows);
        drop(near);
        let mut places: Vec<[f64; 2]> = order.iter().map(|&point| start[point as usize]).collect();
        descend_many(&affinities, &mut places, progress);
        let mut map = start;
        for (&place, &point) in places.iter().zip(&order) {
            map[point as usize] = place;
        }
        Self {
            kl_divergence_nats: interpolated_divergence(&affinities, &places),
            recall,
            unreached: affinities.unreached,
            neighbours,
            map,
        }
    }

    /// How faithful the map is, for images of the given classes.
    pub(crate) fn quality(&self, labels: &[u16], perplexity: f64) -> MapQualityRow {
        let voters = VOTERS.min(self.map.len() - 1);
        let on_map = nearest_on_map(&self.map, voters);
        MapQualityRow {
            images: self.map.len() as u32,
            perplexity,
            neighbours_found_fraction: self.recall,
            kl_divergence_nats: self.kl_divergence_nats,
            neighbours: voters as u32,
            neighbour_accuracy_fraction: vote_accuracy(&on_map, labels),
            embedding_neighbour_accuracy_fraction: vote_accuracy(&self.neighbours, labels),
        }
    }
}

/// Neighbours that P is made of.
fn relevant(perplexity: f64) -> usize {
    (3.0 * perplexity + 1.0) as usize
}

/// The first `count` of every row, or all.
fn first<'a>(rows: &[&'a [Neighbour]], count: usize) -> Vec<&'a [Neighbour]> {
    let rows = rows.iter();
    rows.map(|row| &row[..count.min(row.len())]).collect()
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
