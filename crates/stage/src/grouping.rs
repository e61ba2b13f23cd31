//! Tasks by the tables of their pipeline file, or by another name that several share.

use std::collections::{BTreeSet, HashMap};

/// Groups of what has the same name, and which group reads which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping<'a> {
    /// Each name with the indices of its items; names in the order in which they first come.
    pub groups: Vec<(&'a str, Vec<usize>)>,
    /// From the group that is read to the one that reads, as positions in `groups`.
    pub arrows: BTreeSet<(usize, usize)>,
}

impl<'a> Grouping<'a> {
    /// Groups items that come as index, name and the indices of the items that they read. What is read and does not come is
    /// left out.
    pub fn new<S: IntoIterator<Item = usize>>(
        items: impl IntoIterator<Item = (usize, &'a str, S)>,
    ) -> Self {
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let mut group_of: HashMap<usize, usize> = HashMap::new();
        let mut reads = Vec::new();
        for (index, name, sources) in items {
            let position = *positions.entry(name).or_insert(groups.len());
            match groups.get_mut(position) {
                Some((_, members)) => members.push(index),
                None => groups.push((name, vec![index])),
            }
            group_of.insert(index, position);
            reads.push((sources, position));
        }
        let arrows = reads.into_iter().flat_map(|(sources, reader)| {
            let sources = sources.into_iter();
            let sources = sources.filter_map(|source| group_of.get(&source));
            sources.map(|&source| (source, reader)).collect::<Vec<_>>()
        });
        Self {
            arrows: arrows.collect(),
            groups,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_in_the_order_of_their_first_items() {
        let found = Grouping::new([
            (3, "b", vec![]),
            (4, "a", vec![3]),
            (7, "b", vec![1, 4]),
            (8, "c", vec![3, 7]),
        ]);
        let groups = [("b", vec![3, 7]), ("a", vec![4]), ("c", vec![8])];
        assert_eq!(found.groups, groups);
        assert_eq!(found.arrows, BTreeSet::from([(0, 1), (1, 0), (0, 2)]));
    }
}
