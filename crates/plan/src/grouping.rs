//! Tasks grouped by their tables, or by any other name.

use std::collections::{BTreeSet, HashMap};

/// Items grouped by name, and which group reads which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping<'a> {
    /// Each name with the indices of its items, in the order of first occurrence.
    pub groups: Vec<(&'a str, Vec<usize>)>,
    /// Pairs of positions in `groups`: a group and one that reads it.
    pub arrows: BTreeSet<(usize, usize)>,
}

impl<'a> Grouping<'a> {
    /// Groups `items`: the index and name of each, and the indices of the items that it reads. Indices of items that are not
    /// among them are ignored.
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
