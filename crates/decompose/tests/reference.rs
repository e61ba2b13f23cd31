//! The decomposition against NumPy's, from the weights of four trained models.
//!
//! Fixtures and tolerances: `tests/reference/README.md` of the workspace. All are relative to the largest
//! absolute value of the matrix, spectrum or vector.

use eigenscope_decompose::bilinear::{BilinearMatrices, decompose, interaction_matrix};
use eigenscope_models::BilinearWeights;
use serde_json::Value;

const TOLERANCE: f64 = 1e-5;

fn fixture(name: &str) -> Value {
    let path = format!(
        "{}/../../tests/reference/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

fn weights(model: &Value) -> BilinearWeights {
    let values = |name: &str| -> Vec<f32> {
        let numbers = numbers(&model[name]);
        numbers.into_iter().map(|value| value as f32).collect()
    };
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
    }
}

/// max |found - expected| / max |expected|
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    largest(&mut found.iter().zip(expected).map(|(a, b)| (a - b).abs()))
        / largest(&mut expected.iter().map(|value| value.abs()))
}

fn models() -> Vec<Value> {
    let truth = fixture("bilinear_truth.json");
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
            let difference = difference(&found, &numbers(&model["Q"][class]));
            assert!(difference < TOLERANCE, "class {class}: {difference:e}");
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
            let difference = difference(&found, &numbers(&model["eigenvalues"][class]));
            assert!(difference < TOLERANCE, "class {class}: {difference:e}");
        }
    }
}

#[test]
fn eigenvectors_in_input_space() {
    for model in models() {
        let vectors = fixture(&format!("bilinear_eigenvectors_{}.json", model["hidden"]));
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
                let found: Vec<f64> = pair.input_vector.iter().map(|&v| f64::from(v)).collect();
                let expected = numbers(&expected["eigenvectors"][class][rank]);
                let difference = difference(&found, &expected);
                assert!(difference < TOLERANCE, "class {class}: {difference:e}");
            }
        }
    }
}
