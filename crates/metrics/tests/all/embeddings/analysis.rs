//! What is computed from embeddings, and power laws, against scikit-learn's and SciPy's numbers. Fixtures, conventions
//! and tolerances: `tests/reference/README.md` of the workspace.

use eigenscope_metrics::embeddings::t_sne::affinities::{Affinities, Conditional};
use eigenscope_metrics::embeddings::t_sne::descent::descend_many;
use eigenscope_metrics::embeddings::t_sne::gradient::{divergence, gradient};
use eigenscope_metrics::embeddings::{
    Neighbour, confusion, nearest_of_all, nearest_others, two_principal_components, vote_accuracy,
};
use eigenscope_metrics::statistics::PowerLaw;

use eigenscope_testing::{Tolerance, assert_close, fixture, floats, numbers};
use serde_json::Value;

const WIDTH: usize = 6;

fn truth() -> Value {
    fixture("embedding_analysis_truth.json")
}

fn whole(value: &Value) -> Vec<u32> {
    numbers(value)
        .into_iter()
        .map(|value| value as u32)
        .collect()
}

fn classes(value: &Value) -> Vec<u16> {
    numbers(value)
        .into_iter()
        .map(|value| value as u16)
        .collect()
}

#[test]
fn nearest_others_with_ties() {
    let truth = truth();
    let vectors = floats(&truth["vectors"]);
    let count = truth["nearest"][0].as_array().expect("a list").len();
    let all = nearest_of_all(&vectors, WIDTH, count);
    assert_eq!((all.rows().len(), all.count()), (60, count));
    for (point, row) in all.rows().enumerate() {
        let indices: Vec<u32> = row.iter().map(|neighbour| neighbour.index).collect();
        assert_eq!(indices, whole(&truth["nearest"][point]));
        assert_eq!(row, nearest_others(&vectors, WIDTH, point, count));
        for (neighbour, expected) in row.iter().zip(numbers(&truth["distances"][point])) {
            assert!((neighbour.squared_distance.sqrt() - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn votes_and_confusion() {
    let truth = truth();
    let labels = classes(&truth["labels"]);
    let voters = truth["voters"].as_u64().expect("a number") as usize;
    let all = nearest_of_all(&floats(&truth["vectors"]), WIDTH, voters);
    let neighbours: Vec<Vec<Neighbour>> = all.rows().map(<[Neighbour]>::to_vec).collect();
    let expected = truth["vote_accuracy"].as_f64().expect("a number");
    assert_eq!(vote_accuracy(&neighbours, &labels), expected);

    let counts = confusion(&labels, &classes(&truth["predicted"]), 4);
    let counts: Vec<u32> = counts.iter().map(|row| row.images).collect();
    assert_eq!(counts, whole(&truth["confusion"]));
}

#[test]
fn principal_components() {
    let truth = truth();
    let scores = two_principal_components(&floats(&truth["vectors"]), WIDTH).expect("a plane");
    let expected = numbers(&truth["principal_components"]);
    let tolerance = Tolerance::OfLargest(1e-8);
    assert_close("components", scores.as_flattened(), &expected, tolerance);
}

#[test]
fn probabilities_divergence_and_gradient_of_t_sne() {
    let truth = truth();
    let t_sne = &truth["t_sne"];
    let perplexity = t_sne["perplexity"].as_f64().expect("a number");
    let count = t_sne["neighbours"].as_u64().expect("a number") as usize;
    let neighbours = nearest_of_all(&floats(&truth["vectors"]), WIDTH, count);
    let rows: Vec<&[Neighbour]> = neighbours.rows().collect();
    for (row, expected) in rows
        .iter()
        .zip(t_sne["conditional"].as_array().expect("rows"))
    {
        let found = Conditional::new(row, perplexity);
        assert!(found.reached);
        let expected = numbers(expected);
        assert_close(
            "p",
            &found.probabilities,
            &expected,
            Tolerance::OfLargest(1e-8),
        );
    }
    let affinities = Affinities::new(&rows, perplexity);
    let coordinates = numbers(&t_sne["map"]);
    let (map, _) = coordinates.as_chunks::<2>();
    let expected = t_sne["divergence"].as_f64().expect("a number");
    let found = divergence(&affinities, map);
    assert_close(
        "divergence",
        &[found],
        &[expected],
        Tolerance::Relative(1e-8),
    );
    let found = gradient(&affinities, map, 1.0, 0.0);
    let expected = numbers(&t_sne["gradient"]);
    let tolerance = Tolerance::OfLargest(1e-8);
    assert_close("gradient", found.as_flattened(), &expected, tolerance);
}

/// The formula of `t_sne_descent_truth.py`.
fn vectors_of_descent(points: usize, width: usize) -> Vec<f32> {
    let value = |place: usize| {
        let mixed = place as u64 * 2_654_435_761 % (1 << 32);
        let mixed = (mixed ^ (mixed >> 15)) * 2_246_822_519 % (1 << 32);
        let own = place % width == place / width % 6;
        ((mixed >> 8) as f64 / f64::from(1 << 24) + if own { 0.6 } else { 0.0 }) as f32
    };
    (0..points * width).map(value).collect()
}

#[test]
fn the_descent_of_many_gets_as_far_as_that_of_open_tsne() {
    let truth: Value = fixture("t_sne_descent_truth.json");
    let whole = |key: &str| truth[key].as_u64().expect("a number") as usize;
    let (points, width, perplexity) = (whole("points"), whole("width"), whole("perplexity"));
    let vectors = vectors_of_descent(points, width);
    assert_eq!(vectors[..2 * width], floats(&truth["first"]));
    let neighbours = nearest_of_all(&vectors, width, whole("neighbours"));
    let rows: Vec<&[Neighbour]> = neighbours.rows().collect();
    let mut map = two_principal_components(&vectors, width).expect("a plane");
    let variance = map.iter().map(|[x, _]| x * x).sum::<f64>() / points as f64;
    for value in map.as_flattened_mut() {
        *value *= 1e-4 / variance.sqrt();
    }
    descend_many(&Affinities::new(&rows, perplexity as f64), &mut map, |_| {});
    let found = divergence(&Affinities::new(&rows, perplexity as f64), &map);
    let expected = truth["divergence"].as_f64().expect("a number");
    // Ours ends 2 % lower.
    assert!(
        (0.95..1.01).contains(&(found / expected)),
        "{found} {expected}"
    );
}

#[test]
fn power_law() {
    let truth = &truth()["power_law"];
    let points: Vec<(f64, f64)> = numbers(&truth["images"])
        .into_iter()
        .zip(numbers(&truth["loss"]))
        .collect();
    let number = |key: &str| truth[key].as_f64().expect("a number");
    let law = PowerLaw::fit(&points).expect("fits");
    let half_width = law.exponent_half_width.expect("five points");
    for (found, key) in [
        (law.coefficient, "coefficient"),
        (law.exponent, "exponent"),
        (half_width, "half_width"),
        (law.r_squared, "r_squared"),
    ] {
        assert_close(key, &[found], &[number(key)], Tolerance::Relative(1e-9));
    }
}
