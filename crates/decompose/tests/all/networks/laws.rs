//! What holds for all activations and weights: orthogonality, the range of r^2, what a rotation does, and the
//! covariance of drawn weights.

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_decompose::DecomposeError;
use eigenscope_decompose::linear_algebra::singular_system;
use eigenscope_decompose::networks::{
    CovarianceFactors, CrossMoments, LinearSamples, align_columns, overlaps,
};
use eigenscope_models::{Layer, Window};
use eigenscope_stage::{Seed, Stream};
use faer::Mat;
use proptest::prelude::*;

/// A convolution that reads `channels` x 2 x 3.
fn layer(channels: usize) -> Layer {
    Layer {
        name: "conv2".to_owned(),
        input: InputShape {
            channels,
            height: 2,
            width: 3,
        },
        outputs: 1,
        window: Some(Window::new(2, 1)),
        groups: 1,
        bias: false,
    }
}

const PLACES: usize = 6;

fn normal(stream: &mut Stream, count: usize) -> Vec<f32> {
    (0..count).map(|_| stream.normal() as f32).collect()
}

fn moments(reference: (usize, &[f32]), other: (usize, &[f32])) -> CrossMoments {
    let (first, second) = (layer(reference.0), layer(other.0));
    let mut moments =
        CrossMoments::new(&first, &second, LinearSamples::Images).expect("the same places");
    moments.add(reference.1, other.1);
    moments
}

fn orthogonal(stream: &mut Stream, size: usize) -> Mat<f64> {
    let matrix = Mat::from_fn(size, size, |_, _| stream.normal());
    singular_system(matrix.as_ref()).expect("converges").left
}

fn distance(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (a - b).norm_max()
}

fn tensor(matrix: &Mat<f64>) -> NamedTensor {
    let columns = matrix.ncols();
    NamedTensor {
        name: "conv2".to_owned(),
        shape: vec![matrix.nrows(), columns],
        data: (0..matrix.nrows() * columns)
            .map(|at| matrix[(at / columns, at % columns)] as f32)
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn alignments_are_partial_isometries_and_explain_a_part(
        first in 1_usize..8, second in 1_usize..8, images in 1_usize..12, seed: u64,
    ) {
        let mut stream = Seed(seed).stream("test", 0);
        let phi = normal(&mut stream, images * first * PLACES);
        let psi = normal(&mut stream, images * second * PLACES);
        let moments = moments((first, &phi), (second, &psi));
        prop_assert_eq!(moments.samples as usize, images * PLACES);
        let map = moments.alignment().expect("finite");
        let narrow = if first <= second { &map * map.transpose() } else { map.transpose() * &map };
        let size = first.min(second);
        prop_assert!(distance(&narrow, &Mat::identity(size, size)) < 1e-12);

        let r_squared = moments.r_squared(map.as_ref()).expect("not zero");
        prop_assert!((0.0..=1.0 + 1e-12).contains(&r_squared));
        let values = singular_system(moments.cross.as_ref()).expect("converges").values;
        let scale = (moments.reference_square * moments.other_square).sqrt();
        prop_assert!((r_squared - values.iter().sum::<f64>() / scale).abs() < 1e-12);
    }

    #[test]
    fn a_rotation_of_the_channels_is_found(channels in 1_usize..6, seed: u64) {
        let mut stream = Seed(seed).stream("test", 0);
        let images = 40;
        let phi = normal(&mut stream, images * channels * PLACES);
        let rotation = orthogonal(&mut stream, channels);
        // psi = Q^T phi at every place, written as rows times Q.
        let psi: Vec<f32> = align_columns(&phi, PLACES, rotation.as_ref())
            .into_iter()
            .map(|value| value as f32)
            .collect();
        let moments = moments((channels, &phi), (channels, &psi));
        let map = moments.alignment().expect("finite");
        prop_assert!(distance(&map, &rotation) < 1e-5);
        let r_squared = moments.r_squared(map.as_ref()).expect("not zero");
        prop_assert!((r_squared - 1.0).abs() < 1e-6);
    }

    #[test]
    fn no_other_orthogonal_map_explains_more(channels in 1_usize..6, seed: u64) {
        let mut stream = Seed(seed).stream("test", 0);
        let [phi, psi] = [0, 1].map(|_| normal(&mut stream, 5 * channels * PLACES));
        let moments = moments((channels, &phi), (channels, &psi));
        let best = moments.alignment().expect("finite");
        let best = moments.r_squared(best.as_ref()).expect("not zero");
        for _ in 0..5 {
            let map = orthogonal(&mut stream, channels);
            prop_assert!(moments.r_squared(map.as_ref()).expect("not zero") <= best + 1e-12);
        }
    }

    #[test]
    fn full_bases_overlap_in_unit_rows_and_a_network_overlaps_with_itself(
        channels in 1_usize..5, inner in 1_usize..5, seed: u64,
    ) {
        let mut stream = Seed(seed).stream("test", 0);
        let size = channels * inner;
        let [first, second] = [0, 1].map(|_| tensor(&orthogonal(&mut stream, size)));
        let map = tensor(&orthogonal(&mut stream, channels));
        let between = overlaps(&first, &second, &map, size).expect("they fit");
        for row in between.row_iter() {
            prop_assert!((row.norm_l2() - 1.0).abs() < 1e-5);
        }
        let identity = tensor(&Mat::identity(channels, channels));
        let itself = overlaps(&first, &first, &identity, size).expect("they fit");
        prop_assert!(distance(&itself, &Mat::identity(size, size)) < 1e-5);
    }

    #[test]
    fn a_basis_moved_by_the_alignment_overlaps_with_itself(
        channels in 1_usize..5, inner in 1_usize..5, seed: u64,
    ) {
        let mut stream = Seed(seed).stream("test", 0);
        let size = channels * inner;
        let first = tensor(&orthogonal(&mut stream, size));
        let map = orthogonal(&mut stream, channels);
        let moved = align_columns(&first.data, inner, map.as_ref());
        let second = NamedTensor {
            data: moved.into_iter().map(|value| value as f32).collect(),
            ..first.clone()
        };
        let found = overlaps(&first, &second, &tensor(&map), size).expect("they fit");
        prop_assert!(distance(&found, &Mat::identity(size, size)) < 1e-5);
    }

    #[test]
    fn drawn_rows_have_the_covariance_of_the_weight(
        rows in 1_usize..7, columns in 1_usize..7, seed: u64,
    ) {
        const DRAWS: usize = 20_000;
        let mut stream = Seed(seed).stream("test", 0);
        let weight = normal(&mut stream, rows * columns);
        let factors = CovarianceFactors::new("layer1", &weight, rows).expect("converges");
        let noise: Vec<f64> = (0..rows.min(columns) * DRAWS).map(|_| stream.normal()).collect();
        prop_assert_eq!(factors.noise_len(), rows * rows.min(columns));
        let drawn = factors.draw(&noise);
        let w = Mat::from_fn(rows, columns, |row, column| f64::from(weight[row * columns + column]));
        let expected = w.transpose() * &w / (rows as f64);
        let d = Mat::from_fn(DRAWS, columns, |row, column| drawn[row * columns + column]);
        let found = d.transpose() * &d / (DRAWS as f64);
        // The standard deviation of an entry is at most sqrt(2 / DRAWS) = 0.01 of the largest variance.
        prop_assert!(distance(&found, &expected) < 0.06 * expected.norm_max());
    }
}

#[test]
fn many_images_are_added_as_few_are() {
    let mut stream = Seed(1).stream("test", 0);
    let [phi, psi] = [0, 1].map(|_| normal(&mut stream, 1000 * 3 * PLACES));
    let whole = moments((3, &phi), (3, &psi));
    let mut parts = CrossMoments::new(&layer(3), &layer(3), LinearSamples::Images).expect("alike");
    for (phi, psi) in phi.chunks(7 * 3 * PLACES).zip(psi.chunks(7 * 3 * PLACES)) {
        parts.add(phi, psi);
    }
    assert_eq!(parts.samples, whole.samples);
    assert!(distance(&parts.cross, &whole.cross) < 1e-10);
    assert!((parts.reference_square - whole.reference_square).abs() < 1e-9);
}

#[test]
fn what_cannot_be_aligned_says_why() {
    let zeros = vec![0.0; 2 * PLACES];
    let ones = vec![1.0; 2 * PLACES];
    let silent = moments((2, &zeros), (2, &ones));
    let map = silent.alignment().expect("any isometry");
    let error = silent
        .r_squared(map.as_ref())
        .expect_err("no variance")
        .to_string();
    assert_eq!(
        error,
        "layer `conv2` reads nothing but zeros in the reference network; r^2 is not defined"
    );
    let infinite = vec![f32::INFINITY; 2 * PLACES];
    let error = moments((2, &ones), (2, &infinite)).alignment();
    assert!(matches!(error, Err(DecomposeError::Numerics { .. })));

    let taller = Layer {
        input: InputShape {
            height: 3,
            ..layer(2).input
        },
        ..layer(2)
    };
    let error = CrossMoments::new(&layer(2), &taller, LinearSamples::Images);
    assert_eq!(
        error.expect_err("other places").to_string(),
        "layer `conv2` reads [2, 3] (height, width) in the reference and [3, 3] in the other network; an alignment \
         pairs place with place"
    );
    let linear = |layer: Layer| Layer {
        window: None,
        ..layer
    };
    let samples = LinearSamples::Images;
    CrossMoments::new(&linear(layer(2)), &linear(taller), samples).expect("one sample an image");
}
