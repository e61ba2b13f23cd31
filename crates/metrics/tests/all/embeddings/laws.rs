//! Laws of neighbours and of t-SNE, whatever the points are.

use std::collections::BTreeMap;

use eigenscope_metrics::MetricError;
use eigenscope_metrics::embeddings::t_sne::Layout;
use eigenscope_metrics::embeddings::t_sne::affinities::{Affinities, Conditional};
use eigenscope_metrics::embeddings::t_sne::exact::exact_divergence;
use eigenscope_metrics::embeddings::t_sne::gradient::{Repulsion, divergence, gradient};
use eigenscope_metrics::embeddings::t_sne::tree::{Rectangle, Tree};
use eigenscope_metrics::embeddings::{Neighbour, nearest_of_all, nearest_others};
use eigenscope_metrics::statistics::PowerLaw;
use proptest::collection::vec;
use proptest::prelude::*;

/// Vectors on a coarse grid, so that many are equal and many distances tie, far from the origin or not.
fn tied_vectors() -> impl Strategy<Value = (Vec<f32>, usize)> {
    (
        1usize..6,
        1usize..80,
        prop_oneof![Just(0.0f32), Just(300.0), Just(1e6)],
    )
        .prop_flat_map(|(width, points, offset)| {
            let value = (-3i8..3).prop_map(move |value| offset + f32::from(value) / 4.0);
            (vec(value, width * points), Just(width))
        })
}

/// Vectors of all magnitudes that f32 has.
fn wild_vectors() -> impl Strategy<Value = (Vec<f32>, usize)> {
    let finite = prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO;
    (1usize..5, 1usize..40)
        .prop_flat_map(move |(width, points)| (vec(finite, width * points), Just(width)))
}

fn assert_exact(vectors: &[f32], width: usize, count: usize) {
    let all = nearest_of_all(vectors, width, count);
    let points = vectors.len() / width;
    assert_eq!(all.count(), count.min(points - 1));
    for (point, row) in all.rows().enumerate() {
        assert_eq!(row, nearest_others(vectors, width, point, count));
    }
}

/// Places on a map.
fn map(points: std::ops::Range<usize>) -> impl Strategy<Value = Vec<[f64; 2]>> {
    vec([-5.0..5.0, -5.0..5.0], points)
}

fn all_neighbours(map: &[[f64; 2]]) -> Vec<Vec<Neighbour>> {
    let others = map.len() - 1;
    let points = 0..map.len();
    points
        .map(|point| nearest_others(map.as_flattened(), 2, point, others))
        .collect()
}

/// P over the nearest neighbours of `points`, by brute force.
fn affinities(points: &[[f64; 2]], count: usize, perplexity: f64) -> Affinities {
    let neighbours = all_neighbours(points);
    let rows: Vec<&[Neighbour]> = neighbours.iter().map(|row| &row[..count]).collect();
    Affinities::new(&rows, perplexity)
}

proptest! {
    #[test]
    fn blocked_neighbours_are_those_of_brute_force(
        (vectors, width) in tied_vectors(),
        count in 0usize..20,
    ) {
        assert_exact(&vectors, width, count);
    }

    #[test]
    fn no_magnitude_loses_a_neighbour((vectors, width) in wild_vectors(), count in 0usize..8) {
        assert_exact(&vectors, width, count);
    }

    #[test]
    fn a_row_has_the_perplexity_asked_for(
        mut distances in vec(0.0..100.0f64, 12..40),
        perplexity in 2.0..10.0f64,
    ) {
        // As neighbours are given.
        distances.sort_by(f64::total_cmp);
        let row: Vec<Neighbour> = distances
            .iter()
            .map(|&squared_distance| Neighbour { index: 0, squared_distance })
            .collect();
        let found = Conditional::new(&row, perplexity);
        let terms = found.probabilities.iter().filter(|p| **p > 0.0);
        let entropy: f64 = -terms.map(|p| p * p.ln()).sum::<f64>();
        prop_assert!(found.reached);
        prop_assert!((entropy.exp() / perplexity - 1.0).abs() < 1e-9);
        prop_assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn joint_probabilities_are_symmetric_and_sum_to_one(
        points in map(20..60),
        perplexity in 2.0..9.0f64,
    ) {
        let affinities = affinities(&points, 12, perplexity);
        let entries: BTreeMap<(usize, usize), f64> = (0..affinities.len())
            .flat_map(|i| affinities.row(i).map(move |(j, value)| ((i, j), value)))
            .collect();
        prop_assert!((entries.values().sum::<f64>() - 1.0).abs() < 1e-12);
        for ((i, j), value) in &entries {
            prop_assert!(i != j);
            prop_assert_eq!(entries.get(&(*j, *i)), Some(value));
        }
    }

    #[test]
    fn the_exact_divergence_counts_all_pairs(
        (points, places) in (20..50_usize).prop_flat_map(|count| {
            (vec(-4.0..4.0f32, 9 * count), map(count..count + 1))
        }),
        perplexity in 2.0..15.0f64,
    ) {
        let others = places.len() - 1;
        let neighbours = nearest_of_all(&points, 9, others);
        let rows: Vec<&[Neighbour]> = neighbours.rows().collect();
        let expected = divergence(&Affinities::new(&rows, perplexity), &places);
        let found = exact_divergence(&points, 9, perplexity, &places);
        prop_assert!((found - expected).abs() < 1e-8 * expected.abs().max(1.0), "{found} {expected}");
    }

    #[test]
    fn the_gradient_is_the_derivative_of_the_divergence(points in map(15..40), at in 0usize..15) {
        let affinities = affinities(&points, 10, 4.0);
        let exact = gradient(&affinities, &points, 1.0, 0.0);
        for axis in 0..2 {
            let moved = |by: f64| {
                let mut map = points.clone();
                map[at][axis] += by;
                divergence(&affinities, &map)
            };
            let quotient = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            prop_assert!((exact[at][axis] - quotient).abs() < 1e-8, "{} {quotient}", exact[at][axis]);
        }
    }

    #[test]
    fn no_force_moves_the_whole_map(points in map(15..80)) {
        let affinities = affinities(&points, 10, 4.0);
        let gradient = gradient(&affinities, &points, 1.0, 0.0);
        for axis in 0..2 {
            prop_assert!(gradient.iter().map(|force| force[axis]).sum::<f64>().abs() < 1e-12);
        }
    }

    #[test]
    fn bodies_have_the_mass_and_the_centre_of_the_map(
        points in map(1..300),
        repeated in 0usize..40,
        theta in 0.0..0.7f64,
    ) {
        let mut points = points;
        points.extend(vec![points[0]; repeated]);
        let tree = Tree::new(&points);
        let mut bodies = Vec::new();
        tree.bodies(&Rectangle::around(&points[..1]), theta, &mut bodies);
        let mass: f64 = bodies.iter().map(|body| body.mass).sum();
        prop_assert_eq!(mass, points.len() as f64);
        for axis in 0..2 {
            let moment: f64 = bodies.iter().map(|body| body.mass * body.position[axis]).sum();
            let expected: f64 = points.iter().map(|point| point[axis]).sum();
            prop_assert!((moment - expected).abs() < 1e-9);
        }
        if theta == 0.0 {
            prop_assert!(bodies.iter().all(|body| body.mass == 1.0));
        }
    }

    #[test]
    fn cells_repel_nearly_as_their_points(points in map(100..400)) {
        let tree = Tree::new(&points);
        let (exact, fast) = (Repulsion::new(&tree, 0.0), Repulsion::new(&tree, 0.5));
        prop_assert!((fast.normaliser / exact.normaliser - 1.0).abs() < 0.01);
        let norm = |forces: &mut dyn Iterator<Item = f64>| forces.map(|x| x * x).sum::<f64>().sqrt();
        let pairs = || fast.forces.as_flattened().iter().zip(exact.forces.as_flattened());
        let difference = norm(&mut pairs().map(|(fast, exact)| fast - exact));
        prop_assert!(difference < 0.02 * norm(&mut pairs().map(|(_, exact)| *exact)));
    }

    #[test]
    fn a_power_law_is_found_again(coefficient in 0.01..10.0f64, exponent in -2.0..2.0f64) {
        let points: Vec<(f64, f64)> = [10.0, 40.0, 100.0, 900.0]
            .map(|x: f64| (x, coefficient * x.powf(exponent)))
            .into();
        let law = PowerLaw::fit(&points).expect("fits");
        prop_assert!((law.coefficient / coefficient - 1.0).abs() < 1e-9);
        prop_assert!((law.exponent - exponent).abs() < 1e-9);
        prop_assert!(law.exponent_half_width.expect("four points") < 1e-6);
    }
}

#[test]
fn points_that_are_too_alike_have_a_larger_perplexity() {
    let same = [Neighbour {
        index: 0,
        squared_distance: 3.0,
    }; 9];
    let found = Conditional::new(&same, 4.0);
    assert!(!found.reached);
    assert!(
        found
            .probabilities
            .iter()
            .all(|p| (p - 1.0 / 9.0).abs() < 1e-15)
    );
}

#[test]
fn all_points_of_a_map_in_one_place() {
    let tree = Tree::new(&[[1.0, -2.0]; 40]);
    let repulsion = Repulsion::new(&tree, 0.5);
    assert_eq!(repulsion.normaliser, 40.0 * 39.0);
    assert!(repulsion.forces.iter().all(|force| *force == [0.0; 2]));
}

#[test]
fn clusters_stay_apart_on_the_map() {
    // Three groups of 30 vectors, one at each of three corners; within a group they differ a little.
    let vectors: Vec<f32> = (0..90usize)
        .flat_map(|point| {
            (0..4).map(move |axis| {
                let jitter = ((7919 * (4 * point + axis)) % 1009) as f32 / 1009.0;
                jitter + if point / 30 == axis { 10.0 } else { 0.0 }
            })
        })
        .collect();
    let mut steps = 0;
    let layout = Layout::new(&vectors, 4, 10.0, |step| steps = step).expect("a map");
    assert_eq!((steps, layout.unreached), (1000, 0));
    assert!(layout.kl_divergence_nats > 0.0 && layout.kl_divergence_nats < 1.0);
    for (point, row) in all_neighbours(&layout.map).iter().enumerate() {
        assert!(
            row[..20]
                .iter()
                .all(|other| other.index as usize / 30 == point / 30)
        );
    }
}

#[test]
fn vectors_without_a_plane_are_refused() {
    for (vectors, width) in [(vec![2.0; 60], 3), ((0..60).map(|x| x as f32).collect(), 1)] {
        let error = Layout::new(&vectors, width, 5.0, |_| {}).expect_err("no plane");
        assert!(matches!(error, MetricError::Undefined(_)), "{error}");
    }
}

#[test]
fn what_no_power_law_goes_through() {
    let refused = |points: &[(f64, f64)]| PowerLaw::fit(points).expect_err("refused").to_string();
    for points in [&[][..], &[(10.0, 1.0)], &[(10.0, 1.0), (10.0, 2.0)]] {
        assert!(refused(points).contains("at two sizes or more"));
    }
    for y in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(&[(10.0, 1.0), (20.0, y)]).contains("at 20 has no logarithm"));
    }
    let two = PowerLaw::fit(&[(1.0, 3.0), (100.0, 0.3)]).expect("fits");
    assert_eq!(two.exponent_half_width, None);
    assert!((two.exponent + 0.5).abs() < 1e-12 && (two.coefficient - 3.0).abs() < 1e-12);
    let flat = PowerLaw::fit(&[(1.0, 3.0), (2.0, 3.0), (4.0, 3.0)]).expect("fits");
    assert_eq!((flat.exponent, flat.r_squared), (0.0, 0.0));
}
