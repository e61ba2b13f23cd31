//! What holds for every direction, forest and pair of classes.

use eigenscope_decompose::embeddings::{EmbeddingLayer, IsolationForest, OutlierRule};
use eigenscope_decompose::linear_algebra::{eigensystem, orthonormal_basis, projector};
use eigenscope_stage::Seed;
use faer::Mat;
use proptest::prelude::*;

/// Unit vectors of 1 to 20 values, many of them zero or equal.
fn directions() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        Just(0.0),
        Just(1.0),
        Just(-1.0),
        -2.0..2.0_f64,
        -1e-9..1e-9_f64
    ];
    prop::collection::vec(value, 1..=20).prop_filter_map("a direction", |values| {
        let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        (norm > 0.0).then(|| values.into_iter().map(|value| value / norm).collect())
    })
}

/// Points `[points, width]` with many equal values.
fn points() -> impl Strategy<Value = (usize, Vec<f64>)> {
    (1_usize..5, 1_usize..60).prop_flat_map(|(width, points)| {
        let value = prop_oneof![(-3..3_i32).prop_map(f64::from), -3.0..3.0_f64];
        prop::collection::vec(value, width * points).prop_map(move |values| (width, values))
    })
}

fn forest(width: usize, points: &[f64], seed: u64) -> IsolationForest {
    let mut stream = Seed(seed).stream("forest", 0);
    IsolationForest::fit(points, width, 10, 32, &mut stream)
}

fn difference(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (a - b).norm_max()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_basis_is_orthonormal_and_starts_with_the_direction(direction in directions()) {
        let size = direction.len();
        let basis = orthonormal_basis(&direction);
        let identity = Mat::<f64>::identity(size, size);
        prop_assert!(difference(&(basis.transpose() * &basis), &identity) < 1e-14);
        for (row, value) in direction.iter().enumerate() {
            prop_assert_eq!(basis[(row, 0)], *value);
        }
    }

    #[test]
    fn the_projector_shrinks_one_direction(direction in directions(), shrink in 0.0..1.0_f64) {
        let size = direction.len();
        let found = projector(&direction, shrink);
        let closed = Mat::from_fn(size, size, |row, column| {
            let unit = if row == column { 1.0 } else { 0.0 };
            unit - (1.0 - shrink) * direction[row] * direction[column]
        });
        prop_assert!(difference(&found, &closed) < 1e-14);
        prop_assert!(difference(&found, &found.transpose().to_owned()) < 1e-15);
        let values = eigensystem(found.as_ref()).expect("converges").values;
        prop_assert!((values[0] - shrink).abs() < 1e-13);
        prop_assert!(values[1..].iter().all(|value| (value - 1.0).abs() < 1e-13));
        let twice = projector(&direction, shrink * shrink);
        prop_assert!(difference(&(&found * &found), &twice) < 1e-13);
    }

    #[test]
    fn scores_lie_between_0_and_1_and_belong_to_their_points(
        (width, points) in points(),
        seed in 0_u64..1000,
    ) {
        let forest = forest(width, &points, seed);
        let scores = forest.scores(&points);
        prop_assert_eq!(scores.len(), points.len() / width);
        prop_assert!(scores.iter().all(|score| 0.0 < *score && *score < 1.0));
        let backwards: Vec<f64> = points.chunks(width).rev().flatten().copied().collect();
        let mut turned = forest.scores(&backwards);
        turned.reverse();
        prop_assert_eq!(turned, scores);
    }

    #[test]
    fn a_merger_moves_all_embeddings_as_the_edited_layer_does(
        values in prop::collection::vec(-1.0..1.0_f64, 4 * 6 + 4 + 6 * 30),
        seed in 0_u64..1000,
    ) {
        let (weight, rest) = values.split_at(4 * 6);
        let (bias, inputs) = rest.split_at(4);
        let weight = Mat::from_fn(4, 6, |row, column| weight[row * 6 + column]);
        let forward = |weight: &Mat<f64>| -> Vec<f64> {
            let images = inputs.chunks(6);
            let value = |image: &[f64], row: usize| {
                let products = image.iter().enumerate().map(|(at, x)| weight[(row, at)] * x);
                products.sum::<f64>() + bias[row]
            };
            images.flat_map(|image| (0..4).map(move |row| value(image, row))).collect()
        };
        let mut layer = EmbeddingLayer {
            embeddings: forward(&weight),
            weight,
            bias: bias.to_vec(),
            labels: (0..30).map(|image| image % 3).collect(),
        };
        let rule = OutlierRule { trees: 20, samples: 8, threshold: 0.6 };
        for (pair, index) in [([0, 1], 0), ([2, 0], 2)] {
            let streams = [index, index + 1].map(|index| Seed(seed).stream("forest", index));
            let merger = layer.merge(pair, rule, 1e-5, streams).expect("merges");
            prop_assert!(merger.classes.iter().all(|class| class.inliers <= class.images));
            let expected = forward(&layer.weight);
            for (found, expected) in layer.embeddings.iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-12);
            }
        }
    }
}

/// Rounding of summed path lengths once made 36 equal embeddings outliers and 37 inliers.
#[test]
fn equal_embeddings_are_inliers_of_any_number() {
    for images in [2, 36, 37, 256, 300] {
        let mut layer = EmbeddingLayer {
            weight: Mat::identity(2, 2),
            bias: vec![0.0; 2],
            embeddings: [[0.3, 0.1].repeat(images), [0.1, 0.7].repeat(images)].concat(),
            labels: [vec![0; images], vec![1; images]].concat(),
        };
        let rule = OutlierRule {
            trees: 100,
            samples: 256,
            threshold: 0.5,
        };
        let streams = || [0, 1].map(|index| Seed(1).stream("forest", index));
        let merger = layer
            .merge([0, 1], rule, 1e-5, streams())
            .expect("two classes");
        for class in merger.classes {
            assert_eq!(
                (class.images, class.inliers, class.equal),
                (images, images, true)
            );
        }
        // Equal but for rounding: there is no direction to remove.
        layer.embeddings = [[0.3, 0.1].repeat(images), [0.3 + 1e-9, 0.1].repeat(images)].concat();
        let refused = layer.merge([0, 1], rule, 1e-5, streams());
        assert!(refused.is_err_and(|error| error.to_string().contains("same centroid")));
    }
}
