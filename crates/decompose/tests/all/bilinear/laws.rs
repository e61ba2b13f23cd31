//! What holds for every weight matrix: trace, orthonormality, reconstruction, symmetry, and equal bits for
//! any number of threads.

use eigenscope_decompose::DecomposeError;
use eigenscope_decompose::bilinear::{BilinearMatrices, decompose, interaction_matrix};
use eigenscope_decompose::linear_algebra::eigensystem;
use eigenscope_models::BilinearWeights;
use faer::Mat;
use proptest::prelude::*;

fn weights(hidden: usize, inputs: usize, classes: usize) -> impl Strategy<Value = BilinearWeights> {
    let values = |count| prop::collection::vec(-2.0_f32..2.0, count);
    (
        values(hidden * inputs),
        values(hidden * hidden),
        values(hidden * hidden),
        values(classes * hidden),
    )
        .prop_map(move |(embed, left, right, unembed)| BilinearWeights {
            inputs,
            hidden,
            classes,
            embed,
            left,
            right,
            bias: None,
            unembed,
            residual: false,
        })
}

fn any_weights() -> impl Strategy<Value = BilinearWeights> {
    (1_usize..24, 1_usize..20, 1_usize..4)
        .prop_flat_map(|(hidden, inputs, classes)| weights(hidden, inputs, classes))
}

fn largest(matrix: &Mat<f64>) -> f64 {
    matrix.norm_max()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_eigensystem_is_one(weights in any_weights()) {
        let matrices = BilinearMatrices::new(&weights);
        let size = weights.hidden;
        for class in 0..weights.classes {
            let q = interaction_matrix(&matrices, class);
            prop_assert_eq!(&q, &q.transpose().to_owned());
            let scale = largest(&q).max(1.0);

            let found = eigensystem(q.as_ref()).expect("converges");
            prop_assert!(found.values.is_sorted());
            let trace: f64 = (0..size).map(|at| q[(at, at)]).sum();
            let sum: f64 = found.values.iter().sum();
            prop_assert!((trace - sum).abs() < 1e-10 * scale);

            let v = &found.vectors;
            prop_assert!(largest(&(v.transpose() * v - Mat::<f64>::identity(size, size))) < 1e-10);
            let scaled = Mat::from_fn(size, size, |row, column| v[(row, column)] * found.values[column]);
            prop_assert!(largest(&(scaled * v.transpose() - &q)) < 1e-10 * scale);
        }
    }

    #[test]
    fn the_quadratic_form_is_the_logit(weights in any_weights(), seed in 0_u32..1000) {
        let matrices = BilinearMatrices::new(&weights);
        let x = Mat::from_fn(weights.inputs, 1, |row, _| f64::from((seed + 7 * row as u32) % 13) / 13.0);
        let h = &matrices.embed * &x;
        let (l, r) = (&matrices.left * &h, &matrices.right * &h);
        let gated = Mat::from_fn(weights.hidden, 1, |row, _| l[(row, 0)] * r[(row, 0)]);
        let logits = &matrices.unembed * &gated;
        for class in 0..weights.classes {
            let form = h.transpose() * interaction_matrix(&matrices, class) * &h;
            let scale = logits[(class, 0)].abs().max(largest(&h).powi(2)).max(1.0);
            prop_assert!((form[(0, 0)] - logits[(class, 0)]).abs() < 1e-9 * scale);
        }
    }

    #[test]
    fn all_pairs_add_up_to_the_logit(weights in any_weights()) {
        let matrices = BilinearMatrices::new(&weights);
        let x: Vec<f64> = (0..weights.inputs).map(|at| (at as f64 * 0.7).sin()).collect();
        let h = &matrices.embed * Mat::from_fn(x.len(), 1, |row, _| x[row]);
        let classes = decompose(&weights, weights.hidden, || ()).expect("decomposes");
        for (class, found) in classes.iter().enumerate() {
            prop_assert_eq!(found.pairs.len(), weights.hidden);
            let (mut sum, mut scale) = (0.0, 1.0_f64);
            for pair in &found.pairs {
                let projection: f64 = pair.input_vector.iter().zip(&x).map(|(&v, x)| f64::from(v) * x).sum();
                sum += pair.eigenvalue * projection * projection;
                scale += (pair.eigenvalue * projection * projection).abs();
                let largest = pair.input_vector.iter().fold(0.0_f32, |a, b| if b.abs() > a.abs() { *b } else { a });
                prop_assert!(largest >= 0.0);
            }
            let form = h.transpose() * interaction_matrix(&matrices, class) * &h;
            prop_assert!((form[(0, 0)] - sum).abs() < 1e-5 * scale);
        }
    }
}

fn fixed(hidden: usize) -> BilinearWeights {
    let mut state = 1_u64;
    let mut values = |count: usize| -> Vec<f32> {
        (0..count)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    };
    BilinearWeights {
        inputs: 40,
        hidden,
        classes: 10,
        embed: values(hidden * 40),
        left: values(hidden * hidden),
        right: values(hidden * hidden),
        bias: None,
        unembed: values(10 * hidden),
        residual: false,
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let weights = fixed(130);
    let with = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool")
            .install(|| decompose(&weights, 30, || ()).expect("decomposes"))
    };
    let one = with(1);
    let bits =
        |found: &[eigenscope_decompose::bilinear::ClassDecomposition]| -> (Vec<u64>, Vec<u32>) {
            let values = found.iter().flat_map(|class| &class.spectrum);
            let vectors = found.iter().flat_map(|class| &class.pairs);
            (
                values.map(|row| row.eigenvalue.to_bits()).collect(),
                vectors
                    .flat_map(|pair| pair.input_vector.iter().map(|value| value.to_bits()))
                    .collect(),
            )
        };
    for threads in [2, 4] {
        assert_eq!(bits(&one), bits(&with(threads)), "{threads} threads");
    }
}

#[test]
fn what_cannot_be_decomposed_says_why() {
    let mut empty = fixed(2);
    empty.inputs = 0;
    empty.embed.clear();
    let error = decompose(&empty, 1, || ()).expect_err("no inputs");
    assert!(
        matches!(error, DecomposeError::Empty(text) if text.starts_with("a model of 0 inputs"))
    );
    let mut infinite = fixed(3);
    infinite.unembed[5] = f32::INFINITY;
    let error = decompose(&infinite, 1, || ()).expect_err("an infinite weight");
    assert_eq!(
        error.to_string(),
        "class 1: the interaction matrix is not finite; the weights are too large"
    );
    let mut large = fixed(3);
    large.embed.fill(f32::MAX);
    let error = decompose(&large, 3, || ()).expect_err("a large weight");
    assert!(matches!(error, DecomposeError::Numerics { subject, .. } if subject == "class 0"));
}
