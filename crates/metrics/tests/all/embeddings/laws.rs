//! Laws of neighbours and of t-SNE, whatever the points are.

use std::collections::BTreeMap;

use eigenscope_metrics::MetricError;
use eigenscope_metrics::embeddings::t_sne::Layout;
use eigenscope_metrics::embeddings::t_sne::affinities::{Affinities, Conditional, Probability};
use eigenscope_metrics::embeddings::t_sne::exact::exact_divergence;
use eigenscope_metrics::embeddings::t_sne::gradient::{
    Repulsion, divergence, gradient, interpolated_gradient,
};
use eigenscope_metrics::embeddings::t_sne::interpolation::Interpolation;
use eigenscope_metrics::embeddings::t_sne::tree::{Rectangle, Tree};
use eigenscope_metrics::embeddings::{
    NearNeighbours, Neighbour, nearest_by_cells, nearest_of_all, nearest_on_map, nearest_others,
};
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
fn affinities<T: Probability>(points: &[[f64; 2]], count: usize, perplexity: f64) -> Affinities<T> {
    let neighbours = all_neighbours(points);
    let rows: Vec<&[Neighbour]> = neighbours.iter().map(|row| &row[..count]).collect();
    Affinities::new(&rows, perplexity)
}

/// |a - b| / |b| in the 2-norm of all coordinates.
fn relative_error(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let squared = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let (a, b) = (a.as_flattened(), b.as_flattened());
    let difference = squared(&mut a.iter().zip(b).map(|(a, b)| a - b));
    (difference / squared(&mut b.iter().copied())).sqrt()
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
    fn neighbours_on_a_map_are_those_of_brute_force(
        places in vec([-6i8..6, -6i8..6], 1..200),
        stretched in prop_oneof![Just(1.0), Just(0.0), Just(1e-9), Just(37.3)],
        count in 0usize..20,
    ) {
        let places = places.iter();
        let map: Vec<[f64; 2]> = places
            .map(|&[x, y]| [f64::from(x) / 3.0, stretched * f64::from(y) / 7.0])
            .collect();
        for (point, row) in nearest_on_map(&map, count).iter().enumerate() {
            prop_assert_eq!(row, &nearest_others(map.as_flattened(), 2, point, count));
        }
    }

    #[test]
    fn neighbours_by_cells_are_points_at_their_distances(
        (vectors, width) in tied_vectors(),
        count in 0usize..20,
    ) {
        let found = nearest_by_cells(&vectors, width, count);
        let points = vectors.len() / width;
        let mut order = found.order.clone();
        order.sort_unstable();
        prop_assert_eq!(order, (0..points as u32).collect::<Vec<_>>());
        prop_assert_eq!(found.neighbours.count(), count.min(points - 1));
        for (&point, row) in found.order.iter().zip(found.neighbours.rows()) {
            let all = nearest_others(&vectors, width, point as usize, points);
            let mut seen: Vec<u32> = row.iter().map(|other| other.index).collect();
            for other in row {
                let index = found.order[other.index as usize];
                let true_one = all.iter().find(|one| one.index == index).expect("another point");
                let difference = true_one.squared_distance - other.squared_distance;
                prop_assert!(difference.abs() <= 1e-12 * true_one.squared_distance);
            }
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), row.len());
        }
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
        let affinities: Affinities = affinities(&points, 12, perplexity);
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
        let affinities: Affinities = affinities(&points, 10, 4.0);
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
        let affinities: Affinities = affinities(&points, 10, 4.0);
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
        prop_assert!(relative_error(&fast.forces, &exact.forces) < 0.02);
    }

    #[test]
    fn interpolated_forces_are_nearly_those_of_all_pairs(
        points in map(100..400),
        // From a map at the start, all within one distance of nodes, to a sparse one.
        side in prop_oneof![Just(1e-4), Just(1.0), Just(10.0), Just(40.0)],
        repeated in 0usize..40,
        [right, up] in [-50.0..50.0, -50.0..50.0],
    ) {
        let mut points: Vec<[f64; 2]> = points
            .iter()
            .map(|point| [right + side * point[0] / 10.0, up + side * point[1] / 10.0])
            .collect();
        points.extend(vec![points[0]; repeated]);
        let exact = Repulsion::new(&Tree::new(&points), 0.0);
        let fast = Interpolation::default().repulsion(&points);
        prop_assert!((fast.normaliser / exact.normaliser - 1.0).abs() < 0.005);
        let error = relative_error(&fast.forces, &exact.forces);
        prop_assert!(error < 0.02, "{error}");
    }

    #[test]
    fn the_interpolated_gradient_is_nearly_the_exact_one(
        points in map(100..300),
        exaggeration in prop_oneof![Just(1.0), Just(12.0)],
    ) {
        let map: Vec<[f64; 2]> = points.iter().map(|point| [point[1] * 3.0, point[0]]).collect();
        let exact = gradient(&affinities(&points, 31, 10.0), &map, exaggeration, 0.0);
        let affinities = affinities(&points, 31, 10.0);
        let fast = interpolated_gradient(&affinities, &map, exaggeration, &mut Interpolation::default());
        let error = relative_error(&fast, &exact);
        prop_assert!(error < 0.02, "{error}");
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
    let interpolated = Interpolation::default().repulsion(&[[1.0, -2.0]; 40]);
    assert!((interpolated.normaliser / repulsion.normaliser - 1.0).abs() < 1e-5);
    let longest = interpolated
        .forces
        .as_flattened()
        .iter()
        .fold(0.0, |a, b| b.abs().max(a));
    assert!(longest < 1e-4, "{longest}");
}

/// `count` vectors of `width` values in 0..1; the same for the same arguments.
fn scattered(count: usize, width: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut value = || {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count * width).map(|_| value()).collect()
}

/// Scattered vectors around 40 others.
fn in_clusters(count: usize, width: usize) -> Vec<f32> {
    let mut vectors = scattered(count + 40, width);
    let centres = vectors.split_off(count * width);
    for (at, vector) in vectors.chunks_exact_mut(width).enumerate() {
        let centre = &centres[at % 40 * width..][..width];
        for (value, centre) in vector.iter_mut().zip(centre) {
            *value = 0.3 * *value + centre;
        }
    }
    vectors
}

fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool").install(run)
}

/// Part of the nearest others by brute force that was found.
fn recall(found: &NearNeighbours, vectors: &[f32], width: usize) -> f64 {
    let rows = found.order.iter().zip(found.neighbours.rows());
    let hits = rows.map(|(&point, row)| {
        let all = nearest_others(vectors, width, point as usize, row.len());
        let indices: Vec<u32> = row
            .iter()
            .map(|other| found.order[other.index as usize])
            .collect();
        all.iter()
            .filter(|other| indices.contains(&other.index))
            .count()
    });
    hits.sum::<usize>() as f64 / (found.order.len() * found.neighbours.count()) as f64
}

#[test]
fn cells_hold_nearly_all_neighbours_of_vectors_in_clusters() {
    let vectors = in_clusters(4000, 12);
    let [one, two, three] =
        [1, 2, 3].map(|threads| with_threads(threads, || nearest_by_cells(&vectors, 12, 30)));
    assert!(one.recall >= 0.985, "{}", one.recall);
    let recall = recall(&one, &vectors, 12);
    assert!(recall >= 0.98, "{recall}");
    assert!(one == two && one == three);
}

#[test]
fn cells_of_vectors_far_from_the_origin_are_those_of_near_ones() {
    let mut vectors = in_clusters(4000, 12);
    vectors.iter_mut().for_each(|value| *value += 3000.0);
    let found = nearest_by_cells(&vectors, 12, 30);
    assert!(found.recall >= 0.985, "{}", found.recall);
    let recall = recall(&found, &vectors, 12);
    assert!(recall >= 0.98, "{recall}");
}

#[test]
fn vectors_without_structure_are_all_compared() {
    let vectors = scattered(700, 60);
    let found = nearest_by_cells(&vectors, 60, 25);
    assert_eq!(found.recall, 1.0);
    assert_eq!(recall(&found, &vectors, 60), 1.0);
}

#[test]
fn equal_vectors_are_neighbours_of_each_other() {
    let found = nearest_by_cells(&[0.5; 3 * 400], 3, 5);
    for (point, row) in found.neighbours.rows().enumerate() {
        assert_eq!(row.len(), 5);
        assert!(row.iter().all(|other| other.squared_distance == 0.0));
        assert!(row.iter().all(|other| other.index as usize != point));
    }
}

#[test]
fn many_vectors_are_laid_out_alike_by_any_number_of_threads() {
    // One more than few; some of them equal.
    let mut vectors = in_clusters(10_001, 8);
    vectors.copy_within(..50 * 8, 5000 * 8);
    let layout = |threads| {
        let mut steps = 0;
        let layout = with_threads(threads, || {
            Layout::new(&vectors, 8, 10.0, |step| steps = step)
        });
        (layout.expect("a map"), steps)
    };
    let (one, steps) = layout(1);
    assert_eq!((steps, one.unreached), (750, 0));
    assert_eq!(one, layout(3).0);
    assert!(one.recall >= 0.985, "{}", one.recall);
    assert!(one.map.as_flattened().iter().all(|value| value.is_finite()));
    assert!(
        one.kl_divergence_nats > 0.0 && one.kl_divergence_nats < 5.0,
        "{}",
        one.kl_divergence_nats
    );
    let near = nearest_on_map(&one.map, 10);
    let same = near.iter().enumerate().flat_map(|(point, row)| {
        let cluster = |point: usize| if (5000..5050).contains(&point) { point - 5000 } else { point } % 40;
        row.iter().filter(move |other| cluster(other.index as usize) == cluster(point))
    });
    let same = same.count() as f64 / (10.0 * 10_001.0);
    assert!(same > 0.9, "{same}");
}

#[test]
fn a_value_that_is_not_finite_is_refused() {
    for value in [f32::NAN, f32::INFINITY] {
        let mut vectors = in_clusters(40, 3);
        vectors[3 * 7 + 2] = value;
        let error = Layout::new(&vectors, 3, 5.0, |_| {}).expect_err("refused");
        assert!(
            error.to_string().starts_with("value 2 of vector 7 is "),
            "{error}"
        );
    }
}

#[test]
fn a_grid_is_used_again_only_for_maps_of_its_extent() {
    let spiral = |side: f64| -> Vec<[f64; 2]> {
        let place = |at: f64| [side * at.cos() * at / 900.0, side * at.sin() * at / 900.0];
        (0..900).map(|at| place(f64::from(at))).collect()
    };
    let mut kept = Interpolation::default();
    for side in [60.0, 60.1, 1.0, 100.0, 60.0, 0.0, 900.0] {
        let map = spiral(side);
        assert_eq!(
            kept.repulsion(&map),
            Interpolation::default().repulsion(&map)
        );
    }
    // Further apart than the most nodes allow.
    let found = kept.repulsion(&spiral(1500.0));
    assert!(
        found
            .forces
            .as_flattened()
            .iter()
            .all(|force| force.is_finite())
    );
}

#[test]
fn the_grid_gives_the_same_bits_for_any_number_of_threads() {
    let map: Vec<[f64; 2]> = (0..5000)
        .map(|at| {
            [
                f64::from(at * 7919 % 5003) / 70.0,
                f64::from(at * 104_729 % 4999) / 90.0,
            ]
        })
        .collect();
    let with = |threads| with_threads(threads, || Interpolation::default().repulsion(&map));
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(3));
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
