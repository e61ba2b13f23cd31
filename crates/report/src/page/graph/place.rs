//! Layout of a graph: columns such that arrows lead to the right, and rows such that they are short.
//!
//! Columns are layers by longest path (Sugiyama, Tagawa and Toda 1981), separately for each group of nodes. Rows are found in
//! sweeps: the nodes of a column are sorted by the mean rows of their neighbours, and placed at the nearest rows that are at
//! least one apart, by least squares.

/// Number of sweeps in each direction. More make no visible difference.
const SWEEPS: usize = 12;

/// A graph: the group of each node, and arrows from nodes to later ones.
pub(super) struct Net<'a> {
    pub(super) groups: &'a [usize],
    pub(super) arrows: &'a [(usize, usize)],
}

/// Positions of the nodes.
#[derive(Debug)]
pub(super) struct Places {
    /// Column of each node. Lower groups have lower columns.
    pub(super) columns: Vec<usize>,
    /// Row of each node, from 0. Rows are at least one apart in a column.
    pub(super) rows: Vec<f64>,
}

impl Net<'_> {
    /// Computes the positions of all nodes.
    pub(super) fn places(&self) -> Places {
        let columns = self.columns();
        let rows = self.rows(&columns);
        Places { columns, rows }
    }

    fn columns(&self) -> Vec<usize> {
        let mut columns = vec![0; self.groups.len()];
        let mut groups: Vec<usize> = self.groups.to_vec();
        groups.sort_unstable();
        groups.dedup();
        let mut first = 0;
        for group in groups {
            let mut next = first;
            for node in (0..columns.len()).filter(|&node| self.groups[node] == group) {
                let before = self
                    .sources(node)
                    .filter(|&from| self.groups[from] == group);
                let column = before.map(|from| columns[from] + 1).max().unwrap_or(first);
                columns[node] = column;
                next = next.max(column + 1);
            }
            first = next;
        }
        columns
    }

    fn rows(&self, columns: &[usize]) -> Vec<f64> {
        let count = columns.iter().max().map_or(0, |last| last + 1);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut rows = vec![0.0; columns.len()];
        for (node, &column) in columns.iter().enumerate() {
            rows[node] = members[column].len() as f64;
            members[column].push(node);
        }
        for sweep in 0..2 * SWEEPS {
            let leftwards = sweep % 2 == 0;
            for step in 0..count {
                let column = if leftwards { count - 1 - step } else { step };
                let mut wanted: Vec<(f64, usize)> = members[column]
                    .iter()
                    .map(|&node| (self.wanted_row(node, leftwards, &rows), node))
                    .collect();
                wanted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
                let nearest = one_apart(wanted.iter().map(|(row, _)| *row));
                for ((_, node), row) in wanted.iter().zip(nearest) {
                    rows[*node] = row;
                }
            }
        }
        let top = rows.iter().copied().fold(f64::INFINITY, f64::min);
        rows.iter_mut().for_each(|row| *row -= top);
        rows
    }

    /// Mean row of the neighbours on one side, or else on the other, or else the node's own row.
    fn wanted_row(&self, node: usize, leftwards: bool, rows: &[f64]) -> f64 {
        let right = || mean(self.readers(node).map(|other| rows[other]));
        let left = || mean(self.sources(node).map(|other| rows[other]));
        let wanted = match leftwards {
            true => right().or_else(left),
            false => left().or_else(right),
        };
        wanted.unwrap_or(rows[node])
    }

    fn sources(&self, node: usize) -> impl Iterator<Item = usize> {
        let arrows = self.arrows.iter().filter(move |(_, to)| *to == node);
        arrows.map(|(from, _)| *from)
    }

    fn readers(&self, node: usize) -> impl Iterator<Item = usize> {
        let arrows = self.arrows.iter().filter(move |(from, _)| *from == node);
        arrows.map(|(_, to)| *to)
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
}

/// The values at least one apart with the smallest squared distance from `wanted`, which ascend. They are found by pooling of
/// adjacent violators (Ayer et al. 1955) in `wanted` minus the position.
fn one_apart(wanted: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (position, value) in wanted.enumerate() {
        let mut pool = (value - position as f64, 1);
        while let Some(&(before, size)) = pools.last()
            && before > pool.0
        {
            pools.pop();
            let sum = before * size as f64 + pool.0 * pool.1 as f64;
            let size = size + pool.1;
            pool = (sum / size as f64, size);
        }
        pools.push(pool);
    }
    let values = pools
        .into_iter()
        .flat_map(|(value, size)| std::iter::repeat_n(value, size));
    let placed = values.enumerate();
    placed
        .map(|(position, value)| value + position as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_moved_apart_no_further_than_needed() {
        let cases: [(&[f64], &[f64]); 4] = [
            (&[0.0, 5.0, 9.0], &[0.0, 5.0, 9.0]),
            (&[2.0, 2.0], &[1.5, 2.5]),
            (&[0.0, 3.0, 3.0, 3.0], &[0.0, 2.0, 3.0, 4.0]),
            (&[0.0, 0.0, 0.0, 0.5], &[-1.375, -0.375, 0.625, 1.625]),
        ];
        for (wanted, expected) in cases {
            assert_eq!(one_apart(wanted.iter().copied()), expected);
        }
    }

    #[test]
    fn arrows_lead_to_the_right_and_no_two_nodes_meet() {
        // Two chains, one reading a node of its own group, and a node that joins them.
        let groups = [0, 0, 1, 1, 2, 2, 2, 3];
        let arrows = [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7), (6, 7)];
        let groups = &groups;
        let Places { columns, rows } = Net {
            groups,
            arrows: &arrows,
        }
        .places();
        assert_eq!(columns, [0, 0, 1, 1, 2, 2, 3, 4]);
        for (from, to) in arrows {
            assert!(columns[from] < columns[to], "{from} -> {to}");
        }
        for one in 0..rows.len() {
            for other in 0..one {
                let apart = (rows[one] - rows[other]).abs();
                assert!(
                    columns[one] != columns[other] || apart > 0.999,
                    "{one} {other}"
                );
            }
        }
        assert!(rows.iter().all(|row| *row >= 0.0));
        // The chains do not cross.
        assert!(rows[0] < rows[1] && rows[2] < rows[3] && rows[4] < rows[5]);
    }

    #[test]
    fn a_graph_of_nothing_has_no_places() {
        let (groups, arrows) = (&[], &[]);
        assert!(Net { groups, arrows }.places().rows.is_empty());
    }
}
