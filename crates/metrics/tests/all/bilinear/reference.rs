//! Every metric against NumPy's and SciPy's numbers. Fixtures, conventions and tolerances:
//! `tests/reference/README.md` of the workspace.

use crate::fixtures::models;
use burn::tensor::Device;
use eigenscope_artifact::student::t_quantile;
use eigenscope_artifact::tables::bilinear::TruncationRow;
use eigenscope_metrics::MetricError;
use eigenscope_metrics::bilinear::{
    ModelVectors, TopEigenpairs, Variant, similarity, similarity_map, truncation_summary,
};
use eigenscope_models::{BilinearWeights, StoredModel, evaluate, networks};
use eigenscope_testing::{Digits, Tolerance, assert_close, fixture, numbers};
use serde_json::Value;

fn counts(value: &Value) -> Vec<usize> {
    numbers(value)
        .into_iter()
        .map(|count| count as usize)
        .collect()
}

#[test]
fn quantiles_of_student() {
    let table: Value = fixture("t_quantile.json");
    let probabilities = numbers(&table["p"]);
    for (row, degrees) in numbers(&table["df"]).into_iter().enumerate() {
        for (column, &p) in probabilities.iter().enumerate() {
            let expected = table["quantile"][row][column].as_f64().expect("a number");
            let found = t_quantile(p, degrees).expect("defined");
            let what = format!("df {degrees}, p {p}");
            assert_close(what, &[found], &[expected], Tolerance::Relative(1e-9));
        }
    }
}

/// With all eigenpairs the counts are those of the model, without any those of the linear part alone.
#[test]
fn residual_layers_keep_their_linear_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let digits = Digits::read();
    let inputs = digits.inputs(Digits::TRAIN..digits.labels.len());
    let labels = &digits.labels[Digits::TRAIN..];
    let device = Device::flex();
    for model in models() {
        let plain = model.stored();
        let network = networks::bilinear_blocks(model.hidden, false, 1, true);
        let architecture = plain.architecture.clone();
        let architecture = network.architecture(architecture.input, architecture.classes);
        let residual = StoredModel::new(architecture.expect("it fits"), plain.tensors.clone());
        let residual = residual.expect("the tensors fit");
        let count = |model: &StoredModel| {
            let model = model.load(&device).expect("it loads");
            let found = evaluate(&model, &inputs, labels, 2000, &device);
            found.expect("it runs").correct
        };
        let weights = BilinearWeights::new(&residual, "a test").expect("bilinear");
        let pairs = model.eigenpairs(folder.path(), &model.pairs(model.hidden));
        let top = TopEigenpairs::new(&pairs, model.hidden).expect("all stored");
        let top = top.with_linear_part(&weights);
        let found = top.correct(&inputs, labels, &device).expect("runs");
        assert_eq!(found.last(), Some(&count(&residual)));
        let mut linear = residual.clone();
        let gate = linear
            .tensors
            .iter_mut()
            .find(|tensor| tensor.name == "gate.weight");
        gate.expect("a gate").data.fill(0.0);
        assert_eq!(found[0], count(&linear));
        assert_ne!(found[0], count(&plain));
    }
}

#[test]
fn truncated_counts_are_exact() {
    let folder = tempfile::tempdir().expect("a folder");
    let digits = Digits::read();
    let inputs = digits.inputs(Digits::TRAIN..digits.labels.len());
    let labels = &digits.labels[Digits::TRAIN..];
    let device = Device::flex();
    for model in models() {
        let expected = counts(&model.record["truncation"]["correct"]);
        assert_eq!(expected.len(), model.hidden + 1);
        let pairs = model.eigenpairs(folder.path(), &model.pairs(model.hidden));
        let strongest = TopEigenpairs::new(&pairs, 30).expect("all stored");
        let found = strongest.correct(&inputs, labels, &device).expect("runs");
        assert_eq!(found, expected);

        // NumPy's own eigenvectors, as far as they are stored.
        let pairs = model.eigenpairs(folder.path(), &model.stored_pairs());
        let strongest = TopEigenpairs::new(&pairs, 5).expect("stored");
        let found = strongest.correct(&inputs, labels, &device).expect("runs");
        assert_eq!(found, expected[..=5]);

        let full = eigenscope_models::evaluate(
            &model.stored().load(&device).expect("loads"),
            &inputs,
            labels,
            2000,
            &device,
        );
        assert_eq!(Some(full.expect("runs").correct), expected.last().copied());
    }
}

#[test]
fn averaged_truncation() {
    let truth: Value = fixture("bilinear_truth.json");
    let curves: Vec<Vec<TruncationRow>> = models()
        .iter()
        .map(|model| {
            let full = model.record["test_accuracy"].as_f64().expect("a number");
            let correct = counts(&model.record["truncation"]["correct"]);
            let rows = correct.into_iter().enumerate().map(|(kept, correct)| {
                let accuracy = correct as f64 / 360.0;
                TruncationRow {
                    hidden: model.hidden as u32,
                    kept: kept as u32,
                    correct: correct as u32,
                    images: 360,
                    accuracy_fraction: accuracy,
                    error_fraction: 1.0 - accuracy,
                    accuracy_drop_fraction: full - accuracy,
                }
            });
            rows.collect()
        })
        .collect();
    let found = truncation_summary(curves.iter().map(Vec::as_slice)).expect("aggregates");
    let expected = truth["truncation_summary"].as_array().expect("a list");
    let mut rows = found.iter();
    for size in expected {
        let series = |name: &str| numbers(&size[name]);
        let (error, error_half) = (series("error_mean"), series("error_half_width"));
        let (drop, drop_half) = (series("drop_mean"), series("drop_half_width"));
        for kept in 0..error.len() {
            let row = rows.next().expect("a row");
            assert_eq!(Some(u64::from(row.hidden)), size["hidden"].as_u64());
            assert_eq!((row.kept as usize, row.models), (kept, 2));
            for (found, expected) in [
                (row.error_mean_fraction, error[kept]),
                (row.accuracy_mean_fraction, 1.0 - error[kept]),
                (
                    row.accuracy_half_width_fraction.expect("two models"),
                    error_half[kept],
                ),
                (row.accuracy_drop_mean_fraction, drop[kept]),
                (
                    row.accuracy_drop_half_width_fraction.expect("two models"),
                    drop_half[kept],
                ),
            ] {
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
    }
    assert!(rows.next().is_none());

    let one = truncation_summary([curves[0].as_slice()]).expect("aggregates");
    assert!(one.iter().all(|row| row.models == 1
        && row.accuracy_half_width_fraction.is_none()
        && row.accuracy_drop_half_width_fraction.is_none()));
}

/// Every model's first `count` vectors, in falling order of size: the order must not matter.
fn vectors(variant: Variant, count: usize) -> Vec<ModelVectors> {
    let folder = tempfile::tempdir().expect("a folder");
    let of_model = |model: &crate::fixtures::Reference| {
        let pairs = model.eigenpairs(folder.path(), &model.stored_pairs());
        let vectors = ModelVectors::new(&pairs, "pairs", model.seed, variant, count);
        let vectors = vectors.expect("stored");
        assert_eq!(vectors.hidden as usize, model.hidden);
        vectors
    };
    models().iter().rev().map(of_model).collect()
}

fn variants() -> [(Variant, &'static str); 2] {
    [
        (Variant::Published, "published"),
        (Variant::Corrected, "corrected"),
    ]
}

#[test]
fn similarity_by_rank() {
    let truth: Value = fixture("bilinear_truth.json");
    for (variant, name) in variants() {
        let found = similarity(&vectors(variant, 5), variant, 12, 5).expect("computes");
        let all = truth["similarity"].as_array().expect("a list");
        let expected: Vec<&Value> = all.iter().filter(|row| row["variant"] == name).collect();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().all(|row| row.variant == name));
        for (row, expected) in found.iter().zip(expected) {
            let number = |key: &str| expected[key].as_f64().expect("a number");
            let keys = (
                row.reference_hidden,
                f64::from(row.hidden),
                f64::from(row.rank),
            );
            assert_eq!(keys, (12, number("hidden"), number("rank")));
            assert_eq!(f64::from(row.observations), number("n"));
            let found = [
                row.similarity_mean,
                row.similarity_std.expect("many observations"),
                row.half_width.expect("many observations"),
            ];
            let expected = ["mean", "standard_deviation", "half_width"].map(number);
            assert_close(name, &found, &expected, Tolerance::Relative(1e-5));
        }
    }
}

#[test]
fn similarity_by_sizes() {
    let truth: Value = fixture("bilinear_truth.json");
    for (variant, name) in variants() {
        let found = similarity_map(&vectors(variant, 1), variant).expect("computes");
        let expected = numbers(&truth["size_map"][name]);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().all(|row| row.variant == name));
        let keys: Vec<_> = found
            .iter()
            .map(|row| (row.row_hidden, row.column_hidden))
            .collect();
        assert_eq!(keys, [(6, 6), (6, 12), (12, 6), (12, 12)]);
        let means = found
            .iter()
            .map(|row| row.similarity_mean.expect("two seeds"));
        let means: Vec<f64> = means.collect();
        assert_close(name, &means, &expected, Tolerance::Relative(1e-5));
    }
}

#[test]
fn one_seed_has_no_distinct_pair() {
    let one: Vec<ModelVectors> = vectors(Variant::Corrected, 3)
        .into_iter()
        .filter(|model| model.seed == 0)
        .collect();
    let map = similarity_map(&one, Variant::Corrected).expect("computes");
    let means: Vec<bool> = map
        .iter()
        .map(|row| row.similarity_mean.is_some())
        .collect();
    assert_eq!(means, [false, true, true, false]);
    assert_eq!(map[0].observations, 0);
    let curve = similarity(&one, Variant::Corrected, 12, 3).expect("computes");
    assert!(curve.iter().all(|row| row.hidden == 6) && curve.len() == 3);
}

#[test]
fn a_size_with_few_eigenpairs_gives_the_ranks_it_has() {
    let rows = similarity(&six_and_twelve(9), Variant::Corrected, 12, 9).expect("computes");
    let ranks = |size| rows.iter().filter(|row| row.hidden == size).count();
    assert_eq!((ranks(6), ranks(12)), (6, 9));
}

fn six_and_twelve(count: usize) -> Vec<ModelVectors> {
    let folder = tempfile::tempdir().expect("a folder");
    let of_model = |model: &crate::fixtures::Reference| {
        let pairs = model.eigenpairs(folder.path(), &model.pairs(12));
        ModelVectors::new(&pairs, "pairs", model.seed, Variant::Corrected, count).expect("stored")
    };
    models().iter().map(of_model).collect()
}

#[test]
fn too_few_stored_eigenpairs_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = models();
    let twelve = models
        .iter()
        .find(|model| model.hidden == 12)
        .expect("is there");
    // Ten of twelve are stored, but the sixth largest |eigenvalue| may be one of the two that are not.
    let pairs = twelve.eigenpairs(folder.path(), &twelve.stored_pairs());
    let too_few = |error: MetricError| {
        let MetricError::TooFew(text) = error else {
            panic!("{error}");
        };
        for part in [
            "class 0: the 6 ",
            " of 12 eigenpairs are needed, but only 5 are certain to be stored; ",
            "raise `count` of the decompose task to 6",
        ] {
            assert!(text.contains(part), "{text}");
        }
    };
    too_few(TopEigenpairs::new(&pairs, 6).expect_err("not certain"));
    for (variant, _) in variants() {
        let vectors = ModelVectors::new(&pairs, "decompose.x", 0, variant, 6);
        too_few(vectors.expect_err("not certain"));
    }
}

#[test]
fn no_model_of_the_reference_size_and_zero_vectors_are_refused() {
    let error = similarity(&vectors(Variant::Corrected, 2), Variant::Corrected, 300, 2);
    let error = error.expect_err("no such size").to_string();
    assert!(error.contains("300; hidden sizes given: 6, 12"), "{error}");

    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = models()[0].pairs(6);
    let strongest = (12..18)
        .max_by(|&a, &b| {
            rows[a]
                .eigenvalue
                .abs()
                .total_cmp(&rows[b].eigenvalue.abs())
        })
        .expect("six rows");
    rows[strongest].input_vector.fill(0.0);
    let pairs = models()[0].eigenpairs(folder.path(), &rows);
    let error = ModelVectors::new(&pairs, "decompose.y", 0, Variant::Corrected, 4);
    let error = error.expect_err("a zero vector").to_string();
    assert!(
        error.starts_with("decompose.y, class 2, rank 0: "),
        "{error}"
    );
}
