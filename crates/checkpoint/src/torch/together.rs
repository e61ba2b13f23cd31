//! Dictionaries of tensors that belong together: the parts of one state dictionary, or copies of it.

use std::collections::{BTreeMap, BTreeSet};

/// Dictionaries with tensors, as a walk came to them.
pub(super) struct Places<'a> {
    /// The visit from which each visit was made; those before come first.
    pub(super) parents: &'a [Option<usize>],
    /// Visits with tensors.
    pub(super) held: &'a [usize],
}

/// What some places are to each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Parts of what this visit holds.
    Parts(usize),
    /// Copies of each other, or places that have nothing to do with each other: each of these visits holds one.
    Apart(Vec<usize>),
}

impl Places<'_> {
    /// The relation of the places; `tensors` are the names and shapes of the tensors of one. Places are copies if they hold equal
    /// ones; `is_dictionary` says whether a visit is a dictionary or list.
    pub(super) fn relation(
        &self,
        tensors: impl Fn(usize) -> BTreeSet<(String, Vec<usize>)>,
        is_dictionary: impl Fn(usize) -> bool,
    ) -> Relation {
        let top = self.common(self.held);
        let mut groups: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for &place in self.held {
            let chain = self.chain(place);
            let below = chain.iter().position(|&visit| visit == top);
            let child = below.and_then(|at| chain.get(at + 1).copied());
            groups.entry(child).or_default().push(place);
        }
        let is_reached = self.held.iter().all(|&place| {
            let chain = self.chain(place);
            let inner = chain.iter().skip_while(|&&visit| visit != top).skip(1);
            inner.copied().all(&is_dictionary)
        });
        let of_group = |places: &Vec<usize>| -> BTreeSet<(String, Vec<usize>)> {
            places.iter().flat_map(|&place| tensors(place)).collect()
        };
        let held: Vec<BTreeSet<(String, Vec<usize>)>> = groups.values().map(of_group).collect();
        let is_copied = (1..held.len()).any(|at| held[..at].contains(&held[at]));
        // Tensors beside dictionaries at the very top are statistics as often as weights.
        let is_mixed = top == 0 && groups.contains_key(&None);
        match is_reached && !is_copied && !is_mixed {
            true => Relation::Parts(top),
            false => {
                let groups = groups.values();
                Relation::Apart(groups.map(|places| self.common(places)).collect())
            }
        }
    }

    /// From the first visit to this one.
    fn chain(&self, visit: usize) -> Vec<usize> {
        let mut chain: Vec<usize> =
            std::iter::successors(Some(visit), |&at| self.parents[at]).collect();
        chain.reverse();
        chain
    }

    /// The last visit on the way to all of these.
    fn common(&self, places: &[usize]) -> usize {
        let chains: Vec<Vec<usize>> = places.iter().map(|&place| self.chain(place)).collect();
        let Some((first, rest)) = chains.split_first() else {
            return 0;
        };
        let shared = first.iter().enumerate().take_while(|(depth, visit)| {
            rest.iter().all(|chain| chain.get(*depth) == Some(*visit))
        });
        shared.last().map_or(0, |(_, &visit)| visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 holds 1 and 2; 1 holds 3 and 4; 2 holds 5 and 6.
    const PARENTS: [Option<usize>; 7] =
        [None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)];

    fn relation(held: &[usize], names: &[&str]) -> Relation {
        let places = Places {
            parents: &PARENTS,
            held,
        };
        let tensors = |visit: usize| BTreeSet::from([(names[visit].to_owned(), vec![3])]);
        places.relation(tensors, |visit| visit != 6)
    }

    #[test]
    fn parts_of_one_dictionary_are_told_from_copies() {
        let names = ["", "", "", "a", "b", "a", "b"];
        assert_eq!(relation(&[3, 4], &names), Relation::Parts(1));
        assert_eq!(relation(&[1, 3, 4], &names), Relation::Parts(1));
        assert_eq!(relation(&[4, 5], &names), Relation::Parts(0));
        // Copies, each in two parts.
        let copies = ["", "", "", "a", "b", "b", "a"];
        let deep = ["", "", "", "a", "b", "a", "a"];
        assert_eq!(relation(&[3, 4, 5], &names), Relation::Parts(0));
        assert_eq!(relation(&[3, 5], &deep), Relation::Apart(vec![3, 5]));
        assert_eq!(
            relation(&[3, 4, 5, 6], &copies),
            Relation::Apart(vec![1, 2])
        );
        // Tensors at the top, and an object on the way.
        assert_eq!(relation(&[0, 3], &names), Relation::Apart(vec![0, 3]));
        assert_eq!(relation(&[5, 6], &names), Relation::Apart(vec![5, 6]));
    }
}
