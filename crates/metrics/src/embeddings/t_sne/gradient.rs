//! The gradient of the Kullback-Leibler divergence by the places on the map.
//!
//! ```text
//! w_ij = 1 / (1 + |y_i - y_j|^2)     Z = sum over i != j of w_ij     Q_ij = w_ij / Z
//! dKL/dy_i = 4 (sum_j e P_ij w_ij (y_i - y_j)  -  1/Z sum_j w_ij^2 (y_i - y_j))
//! ```
//!
//! with e = 1, or more to exaggerate the attraction. The first sum runs over the entries of P, the second over the
//! bodies of a [`Tree`], for 16 points that are close to each other at once, or through a grid
//! ([`Interpolation`]).

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::affinities::{Affinities, Probability};
use super::interpolation::Interpolation;
use super::tree::{Body, Rectangle, Tree};

/// Points that share a list of bodies.
const LANES: usize = 16;
/// Points whose attraction is summed up by one thread at a time.
const BLOCK: usize = 256;

/// Cells whose side is less than this part of their distance repel as one body: the value of scikit-learn.
pub const THETA: f64 = 0.5;

/// What the points of a map do to each other whatever P is.
#[derive(Debug, Clone, PartialEq)]
pub struct Repulsion {
    /// sum_j w_ij^2 (y_i - y_j) of every point.
    pub forces: Vec<[f64; 2]>,
    /// Z.
    pub normaliser: f64,
}

impl Repulsion {
    /// Both sums over the bodies that `theta` < 1/sqrt(2) allows; exact for 0.
    pub fn new(tree: &Tree, theta: f64) -> Self {
        let groups: Vec<Lanes> = tree
            .points
            .par_chunks(LANES)
            .map_init(Vec::new, |bodies, points| {
                tree.bodies(&Rectangle::around(points), theta, bodies);
                Arch::new().dispatch(Repel { points, bodies })
            })
            .collect();
        let mut forces = vec![[0.0; 2]; tree.points.len()];
        let mut normaliser = 0.0;
        for (lanes, order) in groups.iter().zip(tree.order.chunks(LANES)) {
            for (lane, &point) in order.iter().enumerate() {
                forces[point as usize] = [lanes.x[lane], lanes.y[lane]];
                // Every point is among its own bodies, with w = 1 and no force.
                normaliser += lanes.weight[lane] - 1.0;
            }
        }
        Self { forces, normaliser }
    }
}

/// Sums of up to 16 points.
#[derive(Debug, Clone, Copy)]
struct Lanes {
    x: [f64; LANES],
    y: [f64; LANES],
    weight: [f64; LANES],
}

/// Adds up what `bodies` do to `points`, 1 to 16 of them.
struct Repel<'a> {
    points: &'a [[f64; 2]],
    bodies: &'a [Body],
}

impl WithSimd for Repel<'_> {
    type Output = Lanes;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Lanes {
        let (mut x, mut y) = ([0.0; LANES], [0.0; LANES]);
        for (lane, point) in self.points.iter().enumerate() {
            (x[lane], y[lane]) = (point[0], point[1]);
        }
        let mut sums = Lanes {
            x: [0.0; LANES],
            y: [0.0; LANES],
            weight: [0.0; LANES],
        };
        for body in self.bodies {
            for lane in 0..LANES {
                let (dx, dy) = (x[lane] - body.position[0], y[lane] - body.position[1]);
                let one = 1.0 / (1.0 + dx * dx + dy * dy);
                let weight = body.mass * one;
                let force = weight * one;
                sums.weight[lane] += weight;
                sums.x[lane] += force * dx;
                sums.y[lane] += force * dy;
            }
        }
        sums
    }
}

/// sum_j P_ij w_ij (y_i - y_j) of every point, in f64.
fn attraction(affinities: &Affinities, map: &[[f64; 2]]) -> Vec<[f64; 2]> {
    map.par_iter()
        .enumerate()
        .with_min_len(64)
        .map(|(point, here)| {
            let mut force = [0.0; 2];
            for (other, probability) in affinities.row(point) {
                let there = map[other];
                let (dx, dy) = (here[0] - there[0], here[1] - there[1]);
                let pull = probability / (1.0 + dx * dx + dy * dy);
                force[0] += pull * dx;
                force[1] += pull * dy;
            }
            force
        })
        .collect()
}

/// The same in f32, 16 entries at once, for many points.
fn attraction_in_lanes(affinities: &Affinities<f32>, map: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let map: Vec<[f32; 2]> = map.iter().map(|point| point.map(|x| x as f32)).collect();
    let mut forces = vec![[0.0; 2]; map.len()];
    let blocks = forces.par_chunks_mut(BLOCK).enumerate();
    blocks.for_each(|(block, forces)| {
        Arch::new().dispatch(Attract {
            affinities,
            map: &map,
            first: block * BLOCK,
            forces,
        });
    });
    forces
}

/// Adds up what attracts the points from `first` on.
struct Attract<'a> {
    affinities: &'a Affinities<f32>,
    map: &'a [[f32; 2]],
    first: usize,
    forces: &'a mut [[f64; 2]],
}

impl WithSimd for Attract<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (point, force) in (self.first..).zip(self.forces) {
            let [x, y] = self.map[point];
            let (others, probabilities) = self.affinities.entries(point);
            let (mut sum_x, mut sum_y) = ([0.0f32; LANES], [0.0f32; LANES]);
            let chunks = others.chunks(LANES).zip(probabilities.chunks(LANES));
            for (others, probabilities) in chunks {
                // Lanes without an entry have probability 0.
                let mut p = [0.0; LANES];
                p[..probabilities.len()].copy_from_slice(probabilities);
                let (mut dx, mut dy) = ([0.0; LANES], [0.0; LANES]);
                for (lane, &other) in others.iter().enumerate() {
                    let there = self.map[other as usize];
                    (dx[lane], dy[lane]) = (x - there[0], y - there[1]);
                }
                for lane in 0..LANES {
                    let pull = p[lane] / (1.0 + dx[lane] * dx[lane] + dy[lane] * dy[lane]);
                    sum_x[lane] += pull * dx[lane];
                    sum_y[lane] += pull * dy[lane];
                }
            }
            *force = [sum_x, sum_y].map(|sum| f64::from(sum.iter().sum::<f32>()));
        }
    }
}

/// The gradient for `exaggeration` e at `map` by [`Interpolation`], for many points. The same bytes for any number of
/// threads.
pub fn interpolated_gradient(
    affinities: &Affinities<f32>,
    map: &[[f64; 2]],
    exaggeration: f64,
    interpolation: &mut Interpolation,
) -> Vec<[f64; 2]> {
    let repulsion = interpolation.repulsion(map);
    difference(
        &attraction_in_lanes(affinities, map),
        &repulsion,
        exaggeration,
    )
}

/// The gradient for `exaggeration` e at `map`, as precise as `theta` allows and exact for 0.
///
/// The same bits for any number of threads: every point's sums run in the order of P and of the tree, Z in the
/// order of the tree.
pub fn gradient(
    affinities: &Affinities,
    map: &[[f64; 2]],
    exaggeration: f64,
    theta: f64,
) -> Vec<[f64; 2]> {
    let (attraction, repulsion) = rayon::join(
        || attraction(affinities, map),
        || Repulsion::new(&Tree::new(map), theta),
    );
    difference(&attraction, &repulsion, exaggeration)
}

fn difference(attraction: &[[f64; 2]], repulsion: &Repulsion, exaggeration: f64) -> Vec<[f64; 2]> {
    let forces = attraction.iter().zip(&repulsion.forces);
    forces
        .map(|(pull, push)| {
            [0, 1].map(|axis| 4.0 * (exaggeration * pull[axis] - push[axis] / repulsion.normaliser))
        })
        .collect()
}

/// KL(P || Q) = sum over i != j of P_ij ln(P_ij / Q_ij), in nats: Z over all pairs in f64, and P of `affinities`. It is what [`gradient`] is
/// the derivative of, which tests show; the descent does not need it.
pub fn divergence(affinities: &Affinities, map: &[[f64; 2]]) -> f64 {
    let normaliser = Repulsion::new(&Tree::new(map), 0.0).normaliser;
    divergence_with(affinities, map, normaliser)
}

/// The same for many points, with the Z of [`Interpolation`].
pub fn interpolated_divergence(affinities: &Affinities<f32>, map: &[[f64; 2]]) -> f64 {
    let normaliser = Interpolation::default().repulsion(map).normaliser;
    divergence_with(affinities, map, normaliser)
}

fn divergence_with<T: Probability>(
    affinities: &Affinities<T>,
    map: &[[f64; 2]],
    normaliser: f64,
) -> f64 {
    let rows: Vec<f64> = (0..affinities.len())
        .into_par_iter()
        .map(|point| {
            let terms = affinities
                .row(point)
                .filter(|(_, probability)| *probability > 0.0);
            terms
                .map(|(other, probability)| {
                    let (dx, dy) = (map[point][0] - map[other][0], map[point][1] - map[other][1]);
                    probability * (probability * normaliser * (1.0 + dx * dx + dy * dy)).ln()
                })
                .sum()
        })
        .collect();
    rows.iter().sum()
}
