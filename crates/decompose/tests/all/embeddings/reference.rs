//! Isolation forests against scikit-learn's, and two mergers of classes against NumPy's.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use eigenscope_decompose::embeddings::{
    EmbeddingLayer, IsolationForest, IsolationTree, OutlierRule,
};
use eigenscope_decompose::linear_algebra::{projector, singular_system};
use eigenscope_stage::Seed;
use eigenscope_testing::{Tolerance, assert_close, fixture, numbers};
use faer::{Mat, MatRef};
use serde_json::Value;

const TRUTH: &str = "surgery_truth.json";

/// Numbers that were written as f32, which have fewer digits than the same values in f64.
fn single(value: &Value) -> Vec<f64> {
    let numbers = numbers(value).into_iter();
    numbers.map(|value| f64::from(value as f32)).collect()
}

fn whole(value: &Value) -> usize {
    value.as_u64().expect("a whole number") as usize
}

fn row_major(matrix: MatRef<'_, f64>) -> Vec<f64> {
    let rows = matrix.row_iter();
    rows.flat_map(|row| row.iter().copied().collect::<Vec<_>>())
        .collect()
}

/// The tree below `node`, from the arrays that scikit-learn keeps its nodes in.
fn tree(nodes: &Value, node: usize) -> IsolationTree {
    match nodes["low"][node].as_u64() {
        None => IsolationTree::Leaf {
            points: whole(&nodes["points"][node]),
        },
        Some(low) => IsolationTree::Split {
            feature: whole(&nodes["feature"][node]),
            threshold: nodes["threshold"][node].as_f64().expect("a number"),
            low: Box::new(tree(nodes, low as usize)),
            high: Box::new(tree(nodes, whole(&nodes["high"][node]))),
        },
    }
}

#[test]
fn the_same_trees_give_the_same_scores() {
    let truth = &fixture::<Value>(TRUTH)["forest"];
    let trees = truth["trees"].as_array().expect("trees").iter();
    let forest = IsolationForest {
        width: 3,
        samples: whole(&truth["samples"]),
        trees: trees.map(|nodes| tree(nodes, 0)).collect(),
    };
    let scores = forest.scores(&single(&truth["points"]));
    let expected = numbers(&truth["scores"]);
    assert_close("scores", &scores, &expected, Tolerance::OfLargest(1e-6));
    let outliers = |scores: &[f64]| scores.iter().map(|score| *score > 0.5).collect::<Vec<_>>();
    assert_eq!(outliers(&scores), outliers(&expected));
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

#[test]
fn grown_forests_score_as_those_of_scikit_learn_on_average() {
    let truth = &fixture::<Value>(TRUTH)["forest"];
    let (points, random) = (single(&truth["points"]), &truth["random"]);
    let (trees, forests) = (whole(&random["trees"]), whole(&random["forests"]));
    let samples = whole(&truth["samples"]);
    let scores: Vec<Vec<f64>> = (0..forests as u64)
        .map(|index| {
            let mut stream = Seed(7).stream("forest", index);
            IsolationForest::fit(&points, 3, trees, samples, &mut stream).scores(&points)
        })
        .collect();
    let check = |what: &str, found: &[f64], expected: &Value, deviation: &Value| {
        let (found, error) = mean(found);
        let (expected, deviation) = (numbers(expected)[0], numbers(deviation)[0]);
        let error = error.hypot(deviation / (forests as f64).sqrt());
        let errors = (found - expected).abs() / error;
        assert!(
            errors < 4.0,
            "{what}: {found} {expected} ({errors} standard errors)"
        );
    };
    for (at, &point) in numbers(&random["watched"]).iter().enumerate() {
        let of_point: Vec<f64> = scores.iter().map(|scores| scores[point as usize]).collect();
        check(
            &format!("point {point}"),
            &of_point,
            &random["score_mean"][at],
            &random["score_std"][at],
        );
    }
    let outliers = |scores: &Vec<f64>| {
        scores.iter().filter(|score| **score > 0.5).count() as f64 / scores.len() as f64
    };
    let outliers: Vec<f64> = scores.iter().map(outliers).collect();
    check(
        "fraction of outliers",
        &outliers,
        &random["outlier_fraction_mean"],
        &random["outlier_fraction_std"],
    );
}

fn layer(truth: &Value) -> EmbeddingLayer {
    let bias = single(&truth["bias"]);
    let weight = single(&truth["weight"]);
    let inputs = weight.len() / bias.len();
    EmbeddingLayer {
        weight: MatRef::from_row_major_slice(&weight, bias.len(), inputs).to_owned(),
        embeddings: numbers(&truth["embeddings"]),
        labels: numbers(&truth["labels"])
            .iter()
            .map(|label| *label as u16)
            .collect(),
        bias,
    }
}

#[test]
fn two_mergers() {
    const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-12);
    let truth = &fixture::<Value>(TRUTH)["merger"];
    let mut layer = layer(truth);
    let singular = |weight: &Mat<f64>| singular_system(weight.as_ref()).expect("converges").values;
    let before = numbers(&truth["singular_values_before"]);
    assert_close("before", &singular(&layer.weight), &before, TOLERANCE);
    let shrink = truth["shrink"].as_f64().expect("a number");
    // No score is above 1.
    let rule = OutlierRule {
        trees: 5,
        samples: 256,
        threshold: 1.0,
    };
    for expected in truth["operations"].as_array().expect("a list") {
        let pair = [0, 1].map(|at| whole(&expected["pair"][at]));
        let streams = [0, 1].map(|index| Seed(1).stream("forest", index));
        let found = layer.merge(pair, rule, shrink, streams).expect("merges");
        let centroids = found.classes.each_ref().map(|class| class.centroid.clone());
        let difference: Vec<f64> = (centroids[0].iter().zip(&centroids[1]))
            .map(|(a, b)| a - b)
            .collect();
        let norm = difference.iter().map(|value| value * value).sum::<f64>();
        let direction: Vec<f64> = difference.iter().map(|value| value / norm.sqrt()).collect();
        for (what, found, expected) in [
            ("centroids", centroids.concat(), &expected["centroids"]),
            (
                "inliers",
                vec![found.cosine_inliers],
                &expected["cosine_before"],
            ),
            (
                "before",
                vec![found.cosine_before],
                &expected["cosine_before"],
            ),
            ("after", vec![found.cosine_after], &expected["cosine_after"]),
            (
                "P",
                row_major(projector(&direction, shrink).as_ref()),
                &expected["projector"],
            ),
            (
                "weight",
                row_major(layer.weight.as_ref()),
                &expected["weight"],
            ),
            (
                "embeddings",
                layer.embeddings.clone(),
                &expected["embeddings"],
            ),
        ] {
            assert_close(what, &found, &numbers(expected), TOLERANCE);
        }
        let counts = found
            .classes
            .each_ref()
            .map(|class| (class.images, class.inliers));
        assert_eq!(counts, [(15, 15), (15, 15)]);
    }
    let after = numbers(&truth["singular_values_after"]);
    assert_close("after", &singular(&layer.weight), &after, TOLERANCE);
}
