//! Most of the nearest others of every point, by comparing it with the points of near cells only.
//!
//! The nearest others of 512 points are found exactly first. They say how many cells each point must be compared with for the
//! wanted part of its neighbours, and what part that is. Where neighbours are spread over most cells, as those of
//! unstructured data are, all points are compared.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::cells::{Cells, reordered};
use super::nearest::{Neighbour, nearest, squared_distance_by_lanes};
use super::nearest_of_all::{Candidates, Neighbours, PointSet, centred, products_of};

/// Points whose neighbours are found exactly, to know the recall.
const SAMPLE: usize = 512;
/// Part of the neighbours that the sample must have found.
const WANTED: f64 = 0.985;
/// Points whose neighbours are looked for together.
const QUERIES: usize = 2048;
/// Of these, as many as want a cell are compared with it at a time.
const BLOCK: usize = 128;
/// Part of all points that may be compared before all of them are: selecting cells costs more than it saves then.
const WORTHWHILE: f64 = 0.4;

/// Points in a new order and most of the nearest others of each.
#[derive(Debug, Clone, PartialEq)]
pub struct NearNeighbours {
    /// The index of every point, which the neighbours know by its position in this list.
    pub order: Vec<u32>,
    /// `min(count, n - 1)` near others of every point in the new order.
    pub neighbours: Neighbours,
    /// Part of the nearest others of 512 points that is among those found.
    pub recall: f64,
}

/// `min(count, n - 1)` near others of each of the n >= 1 `points` `[n, width]`, which are finite: at least 98.5 % of the nearest ones of
/// a sample, with distances in f64.
///
/// O(n sqrt(n) width) for points in clusters. Memory: `8 n width` bytes for the points in a new order and minus their mean, `16 n count`
/// for the result, and for each thread the candidates of 2048 points, as in [`nearest_of_all`](super::nearest_of_all()). The same bytes for
/// any number of threads.
///
/// # Panics
/// Panics if `width` is 0 or there is no point.
pub fn nearest_by_cells(points: &[f32], width: usize, count: usize) -> NearNeighbours {
    let cells = Cells::new(&centred(points, width), width);
    let points = reordered(points, width, &cells.order);
    let set = PointSet::new(&points, &cells.points, width);
    let search = Search {
        count: count.min(set.len() - 1),
        set,
        cells: &cells,
    };
    let effort = search.effort();
    let (neighbours, recall) = if effort.compared > WORTHWHILE {
        (search.set.nearest(count), 1.0)
    } else {
        (search.neighbours(effort.cells), effort.recall)
    };
    NearNeighbours {
        order: cells.order,
        neighbours,
        recall,
    }
}

/// What a search costs and gives.
struct Effort {
    /// Cells that every point is compared with.
    cells: usize,
    /// Part of all points that it is compared with on average.
    compared: f64,
    /// Part of the nearest others that are found.
    recall: f64,
}

struct Search<'a> {
    set: PointSet<'a>,
    cells: &'a Cells,
    count: usize,
}

impl Search<'_> {
    fn total(&self) -> usize {
        self.set.len()
    }

    /// The fewest cells with the wanted recall.
    fn effort(&self) -> Effort {
        let sampled = SAMPLE.min(self.total());
        let sample: Vec<usize> = (0..sampled).map(|at| at * self.total() / sampled).collect();
        let cells = self.cells.len();
        // Of every cell rank: neighbours found there, and points compared.
        let blocks: Vec<(Vec<usize>, Vec<usize>)> = sample
            .par_chunks(BLOCK / 2)
            .map(|queries| {
                let rows: Vec<f32> = queries
                    .iter()
                    .flat_map(|&query| self.set.rows(query, 1))
                    .copied()
                    .collect();
                let neighbours = self.set.neighbours_of(queries, &rows, self.count);
                let nearest = self.cells.nearest(&rows, cells);
                let (mut found, mut compared) = (vec![0; cells], vec![0; cells]);
                for (at, order) in nearest.chunks_exact(cells).enumerate() {
                    let mut rank_of = vec![0; cells];
                    for (rank, &cell) in order.iter().enumerate() {
                        rank_of[cell as usize] = rank;
                        compared[rank] +=
                            self.cells.starts[cell as usize + 1] - self.cells.starts[cell as usize];
                    }
                    for neighbour in &neighbours[at * self.count..][..self.count] {
                        found[rank_of[self.cells.cell_of(neighbour.index as usize)]] += 1;
                    }
                }
                (found, compared)
            })
            .collect();
        let sums = |rank: usize| {
            let of_block = |block: &(Vec<usize>, Vec<usize>)| [block.0[rank], block.1[rank]];
            let blocks = blocks.iter().map(of_block);
            blocks.fold([0, 0], |sum, block| [sum[0] + block[0], sum[1] + block[1]])
        };
        let (all, pairs) = (
            (sampled * self.count).max(1) as f64,
            (sampled * self.total()) as f64,
        );
        let mut effort = Effort {
            cells: 0,
            compared: 0.0,
            recall: 0.0,
        };
        for rank in 0..cells {
            effort.cells = rank + 1;
            let [found, compared] = sums(rank);
            effort.compared += compared as f64 / pairs;
            effort.recall += found as f64 / all;
            if effort.recall >= WANTED {
                break;
            }
        }
        effort
    }

    /// Near others of all points by comparing each with the points of `cells` cells.
    fn neighbours(&self, cells: usize) -> Neighbours {
        let mut all = vec![
            Neighbour {
                index: 0,
                squared_distance: 0.0
            };
            self.total() * self.count
        ];
        all.par_chunks_mut(QUERIES * self.count.max(1))
            .enumerate()
            .for_each(|(part, target)| {
                let first = part * QUERIES;
                let queries = QUERIES.min(self.total() - first);
                let candidates = self.candidates(first, queries, cells);
                let rows = target.chunks_exact_mut(self.count.max(1));
                for ((query, candidates), row) in (first..).zip(candidates).zip(rows) {
                    row.copy_from_slice(&self.decide(query, candidates));
                }
            });
        Neighbours::new(self.count, all)
    }

    fn candidates(&self, first: usize, queries: usize, cells: usize) -> Vec<Candidates> {
        let width = self.cells.width;
        let nearest = self.cells.nearest(self.set.rows(first, queries), cells);
        let mut wanted_by: Vec<Vec<usize>> = vec![Vec::new(); self.cells.len()];
        for (query, nearest) in nearest.chunks_exact(cells).enumerate() {
            for &cell in nearest {
                wanted_by[cell as usize].push(query);
            }
        }
        let mut candidates: Vec<Candidates> =
            (0..queries).map(|_| Candidates::new(self.count)).collect();
        let (mut rows, mut products) = (Vec::new(), Vec::new());
        for (range, wanting) in self.cells.starts.windows(2).zip(&wanted_by) {
            let members = self.set.rows(range[0], range[1] - range[0]);
            let columns = range[1] - range[0];
            if columns == 0 {
                continue;
            }
            for block in wanting.chunks(BLOCK) {
                rows.clear();
                for &query in block {
                    rows.extend_from_slice(self.set.rows(first + query, 1));
                }
                products.clear();
                products.resize(block.len() * columns, 0.0);
                products_of(&rows, members, width, &mut products);
                for (&query, products) in block.iter().zip(products.chunks_exact(columns)) {
                    self.set
                        .offer(first + query, range[0], products, &mut candidates[query]);
                }
            }
        }
        candidates
    }

    /// The nearest candidates by exact distances, or of all points where the cells hold too few.
    fn decide(&self, query: usize, candidates: Candidates) -> Vec<Neighbour> {
        let candidates = candidates.finish();
        if candidates.len() < self.count {
            let row = self.set.rows(query, 1);
            return self.set.neighbours_of(&[query], row, self.count);
        }
        let exact = Arch::new().dispatch(Measure {
            set: &self.set,
            point: self.set.point(query),
            candidates: &candidates,
        });
        nearest(exact, self.count)
    }
}

/// Measures the distances of `candidates` from `point` in f64, several differences at once.
struct Measure<'a> {
    set: &'a PointSet<'a>,
    point: &'a [f32],
    candidates: &'a [u32],
}

impl WithSimd for Measure<'_> {
    type Output = Vec<Neighbour>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<Neighbour> {
        let measured = self.candidates.iter().map(|&index| Neighbour {
            index,
            squared_distance: squared_distance_by_lanes(self.point, self.set.point(index as usize)),
        });
        measured.collect()
    }
}
