//! Points divided into cells of near ones, by k-means (Lloyd's algorithm) on some of them.

use rayon::prelude::*;

use super::nearest_of_all::{products_of, squares};

/// Points that are compared with the centres at a time.
const BLOCK: usize = 512;
/// Points of the sample for each cell.
const SAMPLED_A_CELL: usize = 40;
/// Rounds of k-means; cells need not be the best ones.
const ROUNDS: usize = 6;

/// A division of points, which are reordered such that those of a cell follow each other.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    pub(super) width: usize,
    /// The index of every point before it was reordered; ascending within a cell.
    pub(super) order: Vec<u32>,
    /// The reordered points `[n, width]`.
    pub(super) points: Vec<f32>,
    /// Where every cell begins, and where the last one ends.
    pub(super) starts: Vec<usize>,
    centres: Centres,
}

impl Cells {
    /// About 2 sqrt(n) cells of the n >= 1 finite `points` `[n, width]`. The same for any number of threads.
    pub(super) fn new(points: &[f32], width: usize) -> Self {
        let count = points.len() / width;
        let cells = ((2.0 * (count as f64).sqrt()) as usize).clamp(1, count);
        let centres = Centres::of_sample(points, width, cells);
        let (order, starts) = by_cell(&centres.nearest(points), cells);
        Self {
            width,
            points: reordered(points, width, &order),
            order,
            starts,
            centres,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The cells of each of `points` `[n, width]` in the order of the distance of their centres, `count` of them, one
    /// point after the other.
    pub(super) fn nearest(&self, points: &[f32], count: usize) -> Vec<u32> {
        let mut nearest = Vec::with_capacity(points.len() / self.width * count);
        let mut distances = Vec::new();
        let mut order: Vec<u32> = Vec::new();
        for points in points.chunks(BLOCK * self.width) {
            self.centres.distances(points, &mut distances);
            for distances in distances.chunks_exact(self.len()) {
                let by_distance = |a: &u32, b: &u32| {
                    let [a_distance, b_distance] = [a, b].map(|cell| distances[*cell as usize]);
                    a_distance.total_cmp(&b_distance).then(a.cmp(b))
                };
                order.clear();
                order.extend(0..self.len() as u32);
                if count < order.len() {
                    order.select_nth_unstable_by(count, by_distance);
                }
                order[..count].sort_unstable_by(by_distance);
                nearest.extend_from_slice(&order[..count]);
            }
        }
        nearest
    }

    /// Cell of the point at a position of the new order.
    pub(super) fn cell_of(&self, position: usize) -> usize {
        self.starts.partition_point(|start| *start <= position) - 1
    }
}

/// The points `[n, width]` in the given order of their indices.
pub(super) fn reordered(points: &[f32], width: usize, order: &[u32]) -> Vec<f32> {
    let mut reordered = vec![0.0; points.len()];
    reordered
        .par_chunks_exact_mut(width)
        .zip(order)
        .for_each(|(target, &index)| {
            target.copy_from_slice(&points[index as usize * width..][..width]);
        });
    reordered
}

#[derive(Debug, Clone)]
struct Centres {
    width: usize,
    /// `[cells, width]`.
    values: Vec<f32>,
}

impl Centres {
    fn of_sample(points: &[f32], width: usize, cells: usize) -> Self {
        let count = points.len() / width;
        let sampled = (cells * SAMPLED_A_CELL).min(count);
        let row = |at: usize, of: usize| {
            let index = (at as u128 * count as u128 / of as u128) as usize;
            &points[index * width..][..width]
        };
        let sample: Vec<f32> = (0..sampled)
            .flat_map(|at| row(at, sampled))
            .copied()
            .collect();
        let mut centres = Self {
            width,
            values: (0..cells).flat_map(|at| row(at, cells)).copied().collect(),
        };
        for _ in 0..ROUNDS {
            let (order, starts) = by_cell(&centres.nearest(&sample), cells);
            centres.move_to_means(&sample, &order, &starts);
        }
        centres
    }

    /// Every centre becomes the mean of its points, and stays if there are none.
    fn move_to_means(&mut self, sample: &[f32], order: &[u32], starts: &[usize]) {
        let width = self.width;
        let centres = self.values.par_chunks_exact_mut(width);
        centres
            .zip(starts.par_windows(2))
            .for_each(|(centre, range)| {
                let members = &order[range[0]..range[1]];
                if members.is_empty() {
                    return;
                }
                let mut sums = vec![0.0; width];
                for &member in members {
                    let member = &sample[member as usize * width..][..width];
                    for (sum, &value) in sums.iter_mut().zip(member) {
                        *sum += f64::from(value);
                    }
                }
                for (value, sum) in centre.iter_mut().zip(sums) {
                    *value = (sum / members.len() as f64) as f32;
                }
            });
    }

    /// |c|^2 - 2 x . c of all centres c for all `points` x: the squared distance but for what is common to all centres.
    fn distances(&self, points: &[f32], distances: &mut Vec<f32>) {
        let squares = squares(&self.values, self.width);
        distances.clear();
        distances.resize(points.len() / self.width * squares.len(), 0.0);
        products_of(points, &self.values, self.width, distances);
        for distances in distances.chunks_exact_mut(squares.len()) {
            for (distance, square) in distances.iter_mut().zip(&squares) {
                *distance = *square as f32 - 2.0 * *distance;
            }
        }
    }

    /// The first of the nearest centres of every point.
    fn nearest(&self, points: &[f32]) -> Vec<u32> {
        let cells = self.values.len() / self.width;
        let blocks: Vec<Vec<u32>> = points
            .par_chunks(BLOCK * self.width)
            .map_init(Vec::new, |distances, points| {
                self.distances(points, distances);
                let first = |row: &[f32]| {
                    let nearest = row.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
                    nearest.map_or(0, |(cell, _)| cell as u32)
                };
                distances.chunks_exact(cells).map(first).collect()
            })
            .collect();
        blocks.concat()
    }
}

/// The positions with cell 0, with cell 1 and so on, and where each cell begins among them.
fn by_cell(cell_of: &[u32], cells: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; cells + 1];
    for &cell in cell_of {
        starts[cell as usize + 1] += 1;
    }
    for cell in 0..cells {
        starts[cell + 1] += starts[cell];
    }
    let mut next = starts.clone();
    let mut order = vec![0; cell_of.len()];
    for (position, &cell) in cell_of.iter().enumerate() {
        order[next[cell as usize]] = position as u32;
        next[cell as usize] += 1;
    }
    (order, starts)
}
