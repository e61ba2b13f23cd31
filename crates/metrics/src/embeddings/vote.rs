//! How well the classes of neighbours tell the class of a point.

use crate::embeddings::Neighbour;

/// Fraction of the points whose `neighbours` vote for their own class, 0 without points. The class of most votes
/// wins, the first one of several. `labels` holds the class of every point.
pub fn vote_accuracy(neighbours: &[Vec<Neighbour>], labels: &[u16]) -> f64 {
    if neighbours.is_empty() {
        return 0.0;
    }
    let right = neighbours
        .iter()
        .zip(labels)
        .filter(|(neighbours, label)| elected(neighbours, labels) == Some(**label))
        .count();
    right as f64 / neighbours.len() as f64
}

fn elected(neighbours: &[Neighbour], labels: &[u16]) -> Option<u16> {
    let mut votes: Vec<u16> = neighbours
        .iter()
        .map(|neighbour| labels[neighbour.index as usize])
        .collect();
    votes.sort_unstable();
    let parties = votes.chunk_by(|a, b| a == b).rev();
    // Of equal parties the last one is taken, which is the first class.
    parties.max_by_key(|party| party.len())?.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_votes_win_and_the_first_class_of_equals() {
        let labels = [2, 1, 1, 2, 0];
        let vote = |indices: &[u32]| {
            let neighbours: Vec<Neighbour> = indices
                .iter()
                .map(|&index| Neighbour {
                    index,
                    squared_distance: 0.0,
                })
                .collect();
            elected(&neighbours, &labels)
        };
        assert_eq!(vote(&[0, 3, 1]), Some(2));
        assert_eq!(vote(&[0, 3, 1, 2]), Some(1));
        assert_eq!(vote(&[4, 0, 1]), Some(0));
        assert_eq!(vote(&[]), None);
    }
}
