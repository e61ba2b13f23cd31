//! What holds for the covariance of any activations and any weights, and for the Marchenko-Pastur law.

use std::f64::consts::PI;

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_decompose::layers::{
    ActivationCovariance, Eigenbasis, MarchenkoPastur, weight_covariance,
};
use eigenscope_models::{Layer, ParameterShape, Start, Window};
use eigenscope_stage::Seed;
use faer::Mat;
use proptest::prelude::*;

fn layer(input: [usize; 3], outputs: usize, window: Option<Window>) -> Layer {
    Layer {
        name: "a".to_owned(),
        input: InputShape::from(input),
        outputs,
        window,
        groups: 1,
        bias: false,
    }
}

/// A layer with the inputs of some images.
fn activations() -> impl Strategy<Value = (Layer, Vec<f32>, usize)> {
    let window = prop::option::of((1_usize..4, 1_usize..3));
    (1_usize..3, 3_usize..8, 3_usize..8, window, 1_usize..40).prop_flat_map(
        |(channels, height, width, window, images)| {
            let window = window.map(|(kernel, stride)| Window::new(kernel, stride));
            let layer = layer([channels, height, width], 1, window);
            let values = prop::collection::vec(-2.0_f32..2.0, images * layer.input.len());
            (Just(layer), values, Just(images))
        },
    )
}

fn weights() -> impl Strategy<Value = (Layer, NamedTensor)> {
    (1_usize..20, 1_usize..20).prop_flat_map(|(outputs, inputs)| {
        prop::collection::vec(-2.0_f32..2.0, outputs * inputs).prop_map(move |data| {
            let tensor = NamedTensor {
                name: "a.weight".to_owned(),
                shape: vec![outputs, inputs],
                data,
            };
            (layer([inputs, 1, 1], outputs, None), tensor)
        })
    })
}

/// The whole matrix C from any division of the images into pieces.
fn covariance(layer: &Layer, pieces: &[&[f32]]) -> Mat<f64> {
    let mut covariance = ActivationCovariance::new(layer.clone());
    for piece in pieces {
        covariance.add(piece);
    }
    let lower = covariance.mean();
    Mat::from_fn(lower.nrows(), lower.ncols(), |row, column| {
        lower[(row.max(column), row.min(column))]
    })
}

/// C from its definition: sums over images and places of products of pixels.
fn by_hand(layer: &Layer, inputs: &[f32]) -> Mat<f64> {
    let InputShape {
        channels,
        height,
        width,
    } = layer.input;
    let whole = (height, width, 1, 1, 1);
    let (tall, wide, down, along, stride) = layer.window.map_or(whole, |window| {
        let Window { kernel, stride, .. } = window;
        let places = |side: usize| (side - kernel) / stride + 1;
        (kernel, kernel, places(height), places(width), stride)
    });
    let images = inputs.len() / layer.input.len();
    let size = channels * tall * wide;
    let pixel = |image: usize, place: usize, at: usize| {
        let row = at / wide % tall + stride * (place / along);
        let column = at % wide + stride * (place % along);
        let channel = image * channels + at / (tall * wide);
        f64::from(inputs[(channel * height + row) * width + column])
    };
    Mat::from_fn(size, size, |a, b| {
        let samples =
            (0..images).flat_map(|image| (0..down * along).map(move |place| (image, place)));
        let sum: f64 = samples
            .map(|(image, place)| pixel(image, place, a) * pixel(image, place, b))
            .sum();
        sum / (images * down * along) as f64
    })
}

fn distance(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (a - b).norm_max()
}

/// Orthonormal vectors, descending eigenvalues that add up to the trace and belong to the vectors, fixed signs.
fn check_basis(basis: &Eigenbasis, matrix: &Mat<f64>) -> Result<(), TestCaseError> {
    let (v, values) = (&basis.vectors, &basis.eigenvalues);
    let (inputs, ranks) = v.shape();
    prop_assert_eq!(values.len(), ranks);
    let scale = matrix.norm_max().max(1e-3);
    prop_assert!(distance(&(v.transpose() * v), &Mat::identity(ranks, ranks)) < 1e-12);
    let trace: f64 = (0..inputs).map(|at| matrix[(at, at)]).sum();
    prop_assert!((values.iter().sum::<f64>() - trace).abs() < 1e-11 * scale);
    let scaled = Mat::from_fn(inputs, ranks, |row, column| {
        v[(row, column)] * values[column]
    });
    prop_assert!(distance(&(matrix * v), &scaled) < 1e-11 * scale);
    prop_assert!(values.is_sorted_by(|a, b| a >= b));
    prop_assert!(values.iter().all(|value| *value > -1e-12 * scale));
    for column in v.col_iter() {
        let largest = column
            .iter()
            .fold(0.0_f64, |a, b| if b.abs() > a.abs() { *b } else { a });
        prop_assert!(largest > 0.0);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_covariance_of_activations_is_its_definition((layer, inputs, _) in activations()) {
        let found = covariance(&layer, &[&inputs]);
        prop_assert!(distance(&found, &by_hand(&layer, &inputs)) < 1e-13);
        check_basis(&Eigenbasis::of_covariance("a", found.as_ref()).expect("converges"), &found)?;
    }

    #[test]
    fn pieces_make_no_difference((layer, inputs, images) in activations(), cut in 0.0..1.0) {
        let cut = (cut * images as f64) as usize * layer.input.len();
        let pieces = [&inputs[..cut], &inputs[cut..]];
        prop_assert!(distance(&covariance(&layer, &pieces), &covariance(&layer, &[&inputs])) < 1e-13);
    }

    #[test]
    fn a_covariance_of_weights_is_its_definition((layer, weight) in weights()) {
        let (outputs, inputs) = (layer.outputs, layer.inputs());
        let w = Mat::from_fn(outputs, inputs, |row, column| f64::from(weight.data[row * inputs + column]));
        let matrix = (w.transpose() * &w) * faer::Scale(1.0 / outputs as f64);
        let basis = weight_covariance(&layer, &weight).expect("converges");
        prop_assert_eq!(basis.vectors.shape(), (inputs, inputs.min(outputs)));
        check_basis(&basis, &matrix)?;
    }

    #[test]
    fn the_law_is_a_distribution(exponent in -3.0..3.0_f64, variance in 0.01..10.0) {
        let law = MarchenkoPastur::new(variance, 10_f64.powf(exponent)).expect("positive");
        let (a, b) = law.edges();
        // The midpoint rule in the angle t, x = (a + b)/2 + (b - a)/2 cos t.
        let steps = 4000;
        let mass: f64 = (0..steps)
            .map(|step| {
                let t = PI * (f64::from(step) + 0.5) / f64::from(steps);
                law.density(0.5 * (a + b) + 0.5 * (b - a) * t.cos()) * 0.5 * (b - a) * t.sin() * PI
            })
            .sum();
        prop_assert!((mass / f64::from(steps) + law.zeros() - 1.0).abs() < 1e-4);
        prop_assert!((law.quantile(0.0) - b).abs().max((law.quantile(1.0) - a).abs()) < 1e-8 * b);
        let parts = [0.0, 1e-6, 0.1, 0.5, 0.9, 1.0 - 1e-6, 1.0];
        let quantiles = parts.map(|part| law.quantile(part));
        prop_assert!(quantiles.is_sorted_by(|x, y| x > y));
        for (part, x) in parts.into_iter().zip(quantiles) {
            let expected = 1.0 - (1.0 - law.zeros()) * part;
            prop_assert!((law.cumulative(x) - expected).abs() < 1e-10);
        }
    }
}

/// Weights as they are initialised: their eigenvalues fill the law, up to its edges.
#[test]
fn initial_weights_follow_the_law() {
    for (outputs, inputs) in [(400, 800), (800, 400), (600, 600)] {
        let mut stream = Seed(3).stream("test", 0);
        let weight = ParameterShape {
            name: "a.weight".to_owned(),
            shape: vec![outputs, inputs],
            start: Start::Uniform { fan_in: inputs },
            trained: true,
        };
        let weight = weight.initial(|| stream.uniform());
        let basis = weight_covariance(&layer([inputs, 1, 1], outputs, None), &weight);
        let found = basis.expect("converges").eigenvalues;
        let variance = 1.0 / (3.0 * inputs as f64);
        let law = MarchenkoPastur::new(variance, inputs as f64 / outputs as f64).expect("positive");
        for (rank, &value) in found.iter().enumerate() {
            let above = (1.0 - law.cumulative(value)) / (1.0 - law.zeros());
            let part = (rank as f64 + 0.5) / found.len() as f64;
            assert!(
                (above - part).abs() < 0.01,
                "{outputs} x {inputs}: {above} {part}"
            );
        }
        let (a, b) = law.edges();
        assert!((found[0] / b - 1.0).abs() < 0.03, "{} {b}", found[0]);
        let lowest = found[found.len() - 1];
        assert!((lowest - a).abs() < 0.01 * b, "{lowest} {a}");
    }
}
