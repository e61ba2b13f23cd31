//! The decomposition against NumPy's, from the weights of four trained models.
//!
//! Fixtures and tolerances: `tests/reference/README.md` of the workspace. All are relative to the largest
//! absolute value of the matrix, spectrum or vector.

use eigenscope_decompose::bilinear::{BilinearMatrices, decompose, interaction_matrix};
use eigenscope_models::BilinearWeights;
use eigenscope_testing::{Tolerance, assert_close, fixture, floats, numbers};
use serde_json::Value;

const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-5);

fn weights(model: &Value) -> BilinearWeights {
    let values = |name: &str| floats(&model[name]);
    let hidden = model["hidden"].as_u64().expect("a size") as usize;
    let mut left = values("W");
    let right = left.split_off(hidden * hidden);
    BilinearWeights {
        inputs: 64,
        hidden,
        classes: 10,
        embed: values("E"),
        left,
        right,
        bias: None,
        unembed: values("U"),
        residual: false,
    }
}

fn models() -> Vec<Value> {
    let truth: Value = fixture("bilinear_truth.json");
    let models = truth["models"].as_array().expect("a list").clone();
    assert_eq!(models.len(), 4);
    models
}

#[test]
fn interaction_matrices() {
    for model in models() {
        let matrices = BilinearMatrices::new(&weights(&model));
        let hidden = matrices.left.nrows();
        for class in 0..10 {
            let q = interaction_matrix(&matrices, class);
            let found: Vec<f64> = (0..hidden * hidden)
                .map(|at| q[(at / hidden, at % hidden)])
                .collect();
            let expected = numbers(&model["Q"][class]);
            assert_close(format!("class {class}"), &found, &expected, TOLERANCE);
        }
    }
}

#[test]
fn eigenvalues() {
    for model in models() {
        let classes = decompose(&weights(&model), 1, || ()).expect("decomposes");
        for (class, decomposition) in classes.iter().enumerate() {
            let rows = &decomposition.spectrum;
            assert!(
                rows.iter()
                    .enumerate()
                    .all(|(at, row)| { (row.class as usize, row.index as usize) == (class, at) })
            );
            let found: Vec<f64> = rows.iter().map(|row| row.eigenvalue).collect();
            let expected = numbers(&model["eigenvalues"][class]);
            assert_close(format!("class {class}"), &found, &expected, TOLERANCE);
        }
    }
}

#[test]
fn eigenvectors_in_input_space() {
    for model in models() {
        let vectors: Value = fixture(&format!("bilinear_eigenvectors_{}.json", model["hidden"]));
        let indices = numbers(&vectors["eigenvalue_indices"]);
        let seed = model["seed"].as_u64().expect("a seed") as usize;
        let expected = &vectors["models"][seed];
        assert_eq!(expected["seed"], model["seed"]);
        let classes = decompose(&weights(&model), 5, || ()).expect("decomposes");
        for (class, decomposition) in classes.iter().enumerate() {
            let found: Vec<f64> = decomposition
                .pairs
                .iter()
                .map(|pair| f64::from(pair.index))
                .collect();
            assert_eq!(found, indices);
            for (rank, pair) in decomposition.pairs.iter().enumerate() {
                let expected = numbers(&expected["eigenvectors"][class][rank]);
                let what = format!("class {class}, rank {rank}");
                assert_close(what, &pair.input_vector, &expected, TOLERANCE);
            }
        }
    }
}
