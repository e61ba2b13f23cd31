//! The images whose embeddings are nearest to that of an image.

use eigenscope_artifact::Embeddings;
use eigenscope_artifact::tables::embeddings::NeighbourRow;

use super::nearest::nearest_others;

/// The `count` nearest others of the image at position `query`, nearest first. Distances are exact in f64; of
/// equal ones the image that comes first is the nearer. (The published notebook lists the farthest: it sorts
/// similarities and takes the wrong end.)
///
/// # Panics
/// Panics if the position is out of bounds.
pub fn neighbours(embeddings: &Embeddings, query: usize, count: usize) -> Vec<NeighbourRow> {
    let width = embeddings.header.width;
    let label = |image: usize| u32::from(embeddings.labels[image]);
    let nearest = nearest_others(&embeddings.vectors, width, query, count);
    let ranked = nearest.into_iter().zip(1..);
    ranked
        .map(|(neighbour, rank)| {
            let image = neighbour.index as usize;
            NeighbourRow {
                query_index: embeddings.indices[query],
                query_label: label(query),
                rank,
                index: embeddings.indices[image],
                label: label(image),
                distance: neighbour.squared_distance.sqrt(),
            }
        })
        .collect()
}
