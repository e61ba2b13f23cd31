//! What the points of a map do to each other, through a grid.
//!
//! ```text
//! Z + n = sum over i, j of w(y_i - y_j)     force_i = sum over j of k(y_i - y_j)
//! w(r) = 1 / (1 + |r|^2)                    k(r) = w(r)^2 r
//! ```
//!
//! Both kernels are interpolated by cubic splines on a square grid, in y_i and in y_j: points become charges of the 16
//! nodes around them, charges become forces at the nodes by a convolution, and forces go back to the points by the same
//! weights. O(n) for the points and O(m log m) for the m nodes, where the tree needs O(n log n). Linderman et al., *Fast
//! interpolation-based t-SNE for improved visualization of single-cell RNA-seq data* (2019), interpolate by parabolas within
//! boxes; splines have no jumps between boxes, forces are convolved as they are rather than taken from differences
//! of sums, and Z needs no transform of its own (Parseval). Since charges and forces are interpolated alike, forces of two points on each
//! other are opposite, and a point does not push itself.
//!
//! The transforms are in f32, weights and sums over them in f64.

use std::f64::consts::TAU;

use rayon::prelude::*;

use super::fourier::{Fourier, LANES, Signals, times};
use super::gradient::Repulsion;

/// Distance of neighbouring nodes, unless the map is small or very large.
const SPACING: f64 = 1.0 / 3.0;
/// A map that is small has this many nodes across, closer together.
const LEAST_ACROSS: f64 = 100.0;
/// A very large map has this many, further apart: so memory is bounded.
const MOST_ACROSS: f64 = 2030.0;
/// Nodes of a spline in each direction.
const WEIGHTS: usize = 4;
/// Nodes that separate the map from its periodic images, so that the jump of the kernels between them is not felt:
/// its interpolation falls by 0.268 a node.
const MARGIN: usize = 24;
/// Charges are summed in this many parts, whatever the number of threads.
const PARTS: usize = 4;
/// Rows that are transformed together: two real ones make a complex one.
const ROWS: usize = 2 * LANES;
/// Points that are given their forces together.
const BLOCK: usize = 1024;

/// Forces and Z by interpolation. Keeps what the next map of the same extent needs as well.
#[derive(Debug, Default)]
pub struct Interpolation {
    kernels: Option<Kernels>,
}

impl Interpolation {
    /// Both sums for the points of `map`, which are finite.
    ///
    /// Forces together are off by less than 2 % in the 2-norm, and by 0.5 % for 1,500 points spread over a square of side 100. Memory: 16 bytes a
    /// point and about 40 bytes a node of the padded grid, which has at most 4,096^2. The same bytes for any
    /// number of threads.
    pub fn repulsion(&mut self, map: &[[f64; 2]]) -> Repulsion {
        let frame = Frame::around(map);
        let kernels = match self.kernels.take() {
            Some(kernels) if kernels.fits(&frame) => kernels,
            _ => Kernels::new(&frame),
        };
        let charges = frame.charges(map);
        let (columns, squares) =
            kernels.convolve_columns(&frame, &kernels.transform_rows(&frame, &charges));
        let forces = frame.forces(map, &kernels.forces(&frame, &columns));
        self.kernels = Some(kernels);
        Repulsion {
            forces,
            normaliser: squares - map.len() as f64,
        }
    }
}

/// Where the nodes are.
#[derive(Debug, Clone, PartialEq)]
struct Frame {
    low: [f64; 2],
    spacing: f64,
    /// Nodes in each direction that points have weight on.
    nodes: usize,
}

/// The nodes around a point: the first one in each direction, and the weights of four.
struct Place {
    first: [usize; 2],
    weights: [[f32; WEIGHTS]; 2],
}

impl Frame {
    fn around(map: &[[f64; 2]]) -> Self {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for point in map {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let side = (high[0] - low[0]).max(high[1] - low[1]).max(0.0);
        let spacing = if side > 0.0 {
            SPACING.min(side / LEAST_ACROSS).max(side / MOST_ACROSS)
        } else {
            SPACING
        };
        Self {
            low,
            spacing,
            nodes: (side / spacing) as usize + WEIGHTS + 1,
        }
    }

    fn place(&self, point: [f64; 2]) -> Place {
        let mut place = Place {
            first: [0; 2],
            weights: [[0.0; WEIGHTS]; 2],
        };
        for (axis, (value, low)) in point.into_iter().zip(self.low).enumerate() {
            let at = (value - low) / self.spacing;
            let first = (at as usize).min(self.nodes - WEIGHTS);
            place.first[axis] = first;
            place.weights[axis] = spline(at - first as f64);
        }
        place
    }

    /// Charges of the nodes in several parts, which are to be added: rows of y, columns of x.
    fn charges(&self, map: &[[f64; 2]]) -> Vec<Vec<f32>> {
        let part = map.len().div_ceil(PARTS).max(1);
        map.par_chunks(part)
            .map(|points| {
                let mut charges = vec![0.0; self.nodes * self.nodes];
                for &point in points {
                    let Place { first, weights } = self.place(point);
                    for (row, &of_row) in weights[1].iter().enumerate() {
                        let start = (first[1] + row) * self.nodes + first[0];
                        let charges = &mut charges[start..start + WEIGHTS];
                        for (charge, weight) in charges.iter_mut().zip(weights[0]) {
                            *charge += of_row * weight;
                        }
                    }
                }
                charges
            })
            .collect()
    }

    /// The forces on points from those at the nodes.
    fn forces(&self, map: &[[f64; 2]], at_nodes: &[[f32; 2]]) -> Vec<[f64; 2]> {
        let mut forces = vec![[0.0; 2]; map.len()];
        let blocks = forces.par_chunks_mut(BLOCK).zip(map.par_chunks(BLOCK));
        blocks.for_each(|(forces, points)| {
            for (force, &point) in forces.iter_mut().zip(points) {
                let Place { first, weights } = self.place(point);
                let mut sum = [0.0f32; 2];
                for (row, of_row) in weights[1].iter().enumerate() {
                    let start = (first[1] + row) * self.nodes + first[0];
                    let nodes = &at_nodes[start..start + WEIGHTS];
                    for (node, weight) in nodes.iter().zip(weights[0]) {
                        sum[0] += of_row * weight * node[0];
                        sum[1] += of_row * weight * node[1];
                    }
                }
                *force = sum.map(f64::from);
            }
        });
        forces
    }
}

/// The cubic B-splines of four nodes at `t` in 0..1 between the second and the third.
fn spline(t: f64) -> [f32; WEIGHTS] {
    let (u, t2, t3) = (1.0 - t, t * t, t * t * t);
    [
        u * u * u / 6.0,
        (3.0 * t3 - 6.0 * t2 + 4.0) / 6.0,
        (3.0 * (t + t2 - t3) + 1.0) / 6.0,
        t3 / 6.0,
    ]
    .map(|weight| weight as f32)
}

/// The transform of the splines of all nodes: 1 would be interpolation without a filter.
fn spline_transform(frequency: usize, length: usize) -> f64 {
    (2.0 + (TAU * frequency as f64 / length as f64).cos()) / 3.0
}

/// Transforms of the kernels on a grid, with the filter that makes the splines go through the kernels at the nodes, and the
/// factor of the transforms there and back. Both kernels' are real but for a factor i; tables hold the first half of the frequencies in
/// each direction, `[frequency of y, frequency of x]`.
#[derive(Debug)]
struct Kernels {
    spacing: f64,
    fourier: Fourier,
    /// Values of a row of a table.
    pitch: usize,
    /// That of w.
    weight: Vec<f32>,
    /// Imaginary part of that of the first component of k: odd by the frequency of x, even by that of y.
    force_x: Vec<f32>,
    /// The same of the second component: exchanges x and y.
    force_y: Vec<f32>,
}

impl Kernels {
    fn padded(frame: &Frame) -> usize {
        Fourier::length_from(2 * frame.nodes + MARGIN)
    }

    fn fits(&self, frame: &Frame) -> bool {
        self.spacing == frame.spacing && self.fourier.length() == Self::padded(frame)
    }

    fn new(frame: &Frame) -> Self {
        let length = Self::padded(frame);
        let half = length / 2;
        let mut kernels = Self {
            spacing: frame.spacing,
            fourier: Fourier::new(length),
            pitch: (half + 1).next_multiple_of(LANES),
            weight: Vec::new(),
            force_x: Vec::new(),
            force_y: Vec::new(),
        };
        let rows = kernels.kernel_rows();
        let blocks = kernels.kernel_columns(&rows);
        let size = kernels.pitch * kernels.pitch;
        kernels.weight = vec![0.0; size];
        kernels.force_x = vec![0.0; size];
        kernels.force_y = vec![0.0; size];
        for (block, columns) in blocks.iter().enumerate() {
            let first = block * LANES;
            for row in 0..=half {
                let start = row * kernels.pitch + first;
                for lane in 0..LANES {
                    let column = first + lane;
                    let filter = spline_transform(column, length) * spline_transform(row, length);
                    let factor = 1.0 / (filter * length as f64).powi(2);
                    let scaled = |value: f32| (f64::from(value) * factor) as f32;
                    kernels.weight[start + lane] = scaled(columns.real[row][lane]);
                    let force = scaled(columns.imaginary[row][lane]);
                    kernels.force_x[start + lane] = force;
                    kernels.force_y[column * kernels.pitch + row] = force;
                }
            }
        }
        kernels
    }

    /// Transforms by x of w, and the imaginary parts of those of the first component of k, one after the other for every
    /// x frequency of the first half: 16 rows a block.
    fn kernel_rows(&self) -> Vec<Vec<[f32; 2]>> {
        let length = self.fourier.length();
        let half = length / 2;
        let distance = |node: usize| {
            let signed = if node > half {
                node as f64 - length as f64
            } else {
                node as f64
            };
            signed * self.spacing
        };
        (0..(half + 1).div_ceil(LANES))
            .into_par_iter()
            .map_init(
                || (Signals::zeros(length), Signals::zeros(length)),
                |(signals, scratch), block| {
                    for node in 0..length {
                        let x = distance(node);
                        for lane in 0..LANES {
                            let y = distance((block * LANES + lane).min(half));
                            let weight = 1.0 / (1.0 + x * x + y * y);
                            signals.real[node][lane] = weight as f32;
                            // The jump from one end to the other has no side.
                            let x = if node == half { 0.0 } else { x };
                            signals.imaginary[node][lane] = (weight * weight * x) as f32;
                        }
                    }
                    self.fourier.forward(signals, scratch);
                    // An even part, and i times i times an odd one.
                    (0..=half)
                        .flat_map(|k| {
                            let (here, there) =
                                (signals.real[k], signals.real[(length - k) % length]);
                            std::array::from_fn::<_, LANES, _>(|lane| {
                                [
                                    0.5 * (here[lane] + there[lane]),
                                    0.5 * (there[lane] - here[lane]),
                                ]
                            })
                        })
                        .collect()
                },
            )
            .collect()
    }

    /// Transforms by y of the rows: w in the real and k in the imaginary part, 16 columns a block.
    fn kernel_columns(&self, rows: &[Vec<[f32; 2]>]) -> Vec<Signals> {
        let length = self.fourier.length();
        let half = length / 2;
        (0..self.pitch / LANES)
            .into_par_iter()
            .map_init(
                || Signals::zeros(length),
                |scratch, block| {
                    let mut signals = Signals::zeros(length);
                    for y in 0..length {
                        // Both are even.
                        let row = y.min(length - y);
                        for lane in 0..LANES {
                            let column = (block * LANES + lane).min(half);
                            let [weight, force] = rows[row / LANES][column * LANES + row % LANES];
                            signals.real[y][lane] = weight;
                            signals.imaginary[y][lane] = force;
                        }
                    }
                    self.fourier.forward(&mut signals, scratch);
                    signals
                },
            )
            .collect()
    }

    /// Transforms by x of the charges: blocks of 32 rows, in each the rows of one frequency after the other.
    fn transform_rows(&self, frame: &Frame, charges: &[Vec<f32>]) -> Vec<Vec<[f32; 2]>> {
        let length = self.fourier.length();
        let (half, nodes) = (length / 2, frame.nodes);
        (0..nodes.div_ceil(ROWS))
            .into_par_iter()
            .map_init(
                || (Signals::zeros(length), Signals::zeros(length)),
                |(signals, scratch), block| {
                    signals.real.fill([0.0; LANES]);
                    signals.imaginary.fill([0.0; LANES]);
                    for row in 0..ROWS.min(nodes - block * ROWS) {
                        let target = if row % 2 == 0 {
                            &mut signals.real
                        } else {
                            &mut signals.imaginary
                        };
                        for part in charges {
                            let values = &part[(block * ROWS + row) * nodes..][..nodes];
                            for (lanes, value) in target.iter_mut().zip(values) {
                                lanes[row / 2] += value;
                            }
                        }
                    }
                    self.fourier.forward(signals, scratch);
                    let mut found = Vec::with_capacity((half + 1) * ROWS);
                    for k in 0..=half {
                        let there = (length - k) % length;
                        let (real, imaginary) = (&signals.real[k], &signals.imaginary[k]);
                        let (real_there, imaginary_there) =
                            (&signals.real[there], &signals.imaginary[there]);
                        for lane in 0..LANES {
                            let (a, b) = (real[lane], imaginary[lane]);
                            let (c, d) = (real_there[lane], imaginary_there[lane]);
                            found.push([0.5 * (a + c), 0.5 * (b - d)]);
                            found.push([0.5 * (b + d), 0.5 * (c - a)]);
                        }
                    }
                    found
                },
            )
            .collect()
    }

    /// Transforms by y of the transformed rows, times the kernels, and back by y: for blocks of 16 frequencies of x, the frequencies and
    /// their opposites at every row of nodes. Beside it the sum over all i and j of w.
    fn convolve_columns(&self, frame: &Frame, rows: &[Vec<[f32; 2]>]) -> (Vec<[Columns; 2]>, f64) {
        let length = self.fourier.length();
        let half = length / 2;
        let blocks: Vec<([Columns; 2], f64)> = (0..self.pitch / LANES)
            .into_par_iter()
            .map_init(
                || [(); 4].map(|()| Signals::zeros(length)),
                |[signals, opposite, product, scratch], block| {
                    let lanes = LANES.min(half + 1 - block * LANES);
                    signals.real.fill([0.0; LANES]);
                    signals.imaginary.fill([0.0; LANES]);
                    for (at, rows) in rows.iter().enumerate() {
                        for lane in 0..lanes {
                            let values = &rows[(block * LANES + lane) * ROWS..][..ROWS];
                            let present = ROWS.min(frame.nodes - at * ROWS);
                            for (row, value) in values[..present].iter().enumerate() {
                                signals.real[at * ROWS + row][lane] = value[0];
                                signals.imaginary[at * ROWS + row][lane] = value[1];
                            }
                        }
                    }
                    self.fourier.forward(signals, scratch);
                    let squares = self.multiply(block, signals, product, opposite);
                    let columns = [product, opposite].map(|signals| {
                        self.fourier.backward(signals, scratch);
                        let lanes = signals.real.iter().zip(&signals.imaginary);
                        lanes
                            .take(frame.nodes)
                            .map(|(&real, &imaginary)| [real, imaginary])
                            .collect()
                    });
                    (columns, squares)
                },
            )
            .collect();
        let squares = blocks.iter().map(|(_, squares)| squares).sum();
        (
            blocks.into_iter().map(|(columns, _)| columns).collect(),
            squares,
        )
    }

    /// The transform of force_x + i force_y at the x frequencies of a block and at their opposites, from that of the charges;
    /// and the share of these frequencies in the sum of w.
    fn multiply(
        &self,
        block: usize,
        charges: &Signals,
        product: &mut Signals,
        opposite: &mut Signals,
    ) -> f64 {
        let length = self.fourier.length();
        let half = length / 2;
        let mut squares = [0.0f64; LANES];
        for f in 0..length {
            let mirrored = (length - f) % length;
            let start = f.min(mirrored) * self.pitch + block * LANES;
            let tables = [&self.weight, &self.force_x, &self.force_y]
                .map(|table| &table[start..start + LANES]);
            let sign = if f > half { -1.0 } else { 1.0 };
            for lane in 0..LANES {
                let here = [charges.real[f][lane], charges.imaginary[f][lane]];
                // That of the opposite frequency of x, since charges are real.
                let there = [
                    charges.real[mirrored][lane],
                    -charges.imaginary[mirrored][lane],
                ];
                let (x, y) = (tables[1][lane], sign * tables[2][lane]);
                let (forces, opposite_forces) = (times(here, [-y, x]), times(there, [-y, -x]));
                product.real[f][lane] = forces[0];
                product.imaginary[f][lane] = forces[1];
                opposite.real[f][lane] = opposite_forces[0];
                opposite.imaginary[f][lane] = opposite_forces[1];
                let square = here[0] * here[0] + here[1] * here[1];
                squares[lane] += f64::from(square) * f64::from(tables[0][lane]);
            }
        }
        let shares = squares
            .iter()
            .enumerate()
            .map(|(lane, square)| match block * LANES + lane {
                column if column > half => 0.0,
                column if column == 0 || column == half => *square,
                _ => 2.0 * square,
            });
        shares.sum()
    }

    /// Back by x: the forces at all nodes, rows of y.
    fn forces(&self, frame: &Frame, columns: &[[Columns; 2]]) -> Vec<[f32; 2]> {
        let length = self.fourier.length();
        let (half, nodes) = (length / 2, frame.nodes);
        let mut forces = vec![[0.0; 2]; nodes * nodes];
        forces
            .par_chunks_mut(LANES * nodes)
            .enumerate()
            .for_each_init(
                || (Signals::zeros(length), Signals::zeros(length)),
                |(signals, scratch), (block, forces)| {
                    let rows = forces.len() / nodes;
                    for (at, [here, there]) in columns.iter().enumerate() {
                        for row in 0..rows {
                            let y = block * LANES + row;
                            for lane in 0..LANES.min(half + 1 - at * LANES) {
                                let k = at * LANES + lane;
                                signals.real[k][row] = here[y][0][lane];
                                signals.imaginary[k][row] = here[y][1][lane];
                                if 0 < k && k < half {
                                    signals.real[length - k][row] = there[y][0][lane];
                                    signals.imaginary[length - k][row] = there[y][1][lane];
                                }
                            }
                        }
                    }
                    self.fourier.backward(signals, scratch);
                    for (row, forces) in forces.chunks_exact_mut(nodes).enumerate() {
                        let lanes = signals.real.iter().zip(&signals.imaginary);
                        for (force, (real, imaginary)) in forces.iter_mut().zip(lanes) {
                            *force = [real[row], imaginary[row]];
                        }
                    }
                },
            );
        forces
    }
}

/// Values of 16 columns at every row of nodes: real and imaginary parts.
type Columns = Vec<[[f32; LANES]; 2]>;
