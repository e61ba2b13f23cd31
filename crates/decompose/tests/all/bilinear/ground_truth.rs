//! The folded decomposition against NumPy's, and the task kind `ground-truth` as a program: task file in,
//! patterns or a clear error out.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use eigenscope_artifact::{InputShape, PATTERNS, Patterns, Provenance, Split};
use eigenscope_decompose::bilinear::{
    Folding, cosine, fold_bias, ground_truth, interaction_matrix,
};
use eigenscope_decompose::linear_algebra::eigensystem;
use eigenscope_models::{BilinearWeights, networks};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{
    TaskOutcome, TestFolder, TestTask, Tolerance, assert_close, fixture, floats, image_header,
    made_by, model_with, numbers, provenance, write_images,
};
use faer::Mat;
use serde_json::{Value, json};

const TOLERANCE: Tolerance = Tolerance::OfLargest(1e-5);

fn weights(truth: &Value) -> BilinearWeights {
    let values = |name: &str| floats(&truth[name]);
    let hidden = truth["hidden"].as_u64().expect("a size") as usize;
    let halves = |name: &str| {
        let mut first = values(name);
        let second = first.split_off(first.len() / 2);
        (first, second)
    };
    let (left, right) = halves("W");
    BilinearWeights {
        inputs: 64,
        hidden,
        classes: 2,
        embed: values("E"),
        left,
        right,
        bias: Some(halves("b")),
        unembed: values("U"),
        residual: false,
    }
}

const FOLDINGS: [(&str, Folding, f64); 2] = [
    ("corrected", Folding::Corrected, 0.0),
    ("published", Folding::Published, 1.0),
];

#[test]
fn folded_matrices_and_their_spectra() {
    let truth: Value = fixture("ground_truth.json");
    for (name, folding, _) in FOLDINGS {
        let folded = fold_bias(&weights(&truth), folding).expect("a bias");
        for (class, expected) in truth[name].as_array().expect("a list").iter().enumerate() {
            let q = interaction_matrix(&folded, class);
            let size = q.nrows();
            let found: Vec<f64> = (0..size * size)
                .map(|at| q[(at / size, at % size)])
                .collect();
            assert_close("Q", &found, &numbers(&expected["Q"]), TOLERANCE);
            let values = eigensystem(q.as_ref()).expect("converges").values;
            let expected = numbers(&expected["eigenvalues"]);
            assert_close("eigenvalues", &values, &expected, TOLERANCE);
        }
    }
}

/// The logits of the fixture come from a plain forward pass, not from any matrix Q.
#[test]
fn the_folded_form_is_the_logit_and_the_constant_unit() {
    let truth: Value = fixture("ground_truth.json");
    let logits = truth["logits"].as_array().expect("a list");
    let inputs = truth["inputs"].as_array().expect("a list");
    for (_, folding, constant) in FOLDINGS {
        let folded = fold_bias(&weights(&truth), folding).expect("a bias");
        for (input, logits) in inputs.iter().zip(logits) {
            let x = numbers(input);
            let extended =
                Mat::from_fn(x.len() + 1, 1, |row, _| x.get(row).copied().unwrap_or(1.0));
            let h = &folded.embed * extended;
            let form = |class| h.transpose() * interaction_matrix(&folded, class) * &h;
            let found: Vec<f64> = (0..2).map(|class| form(class)[(0, 0)] - constant).collect();
            assert_close("logits", &found, &numbers(logits), TOLERANCE);
        }
    }
}

#[test]
fn top_eigenvectors_and_linear_terms() {
    let truth: Value = fixture("ground_truth.json");
    for (name, folding, _) in FOLDINGS {
        for (class, expected) in truth[name].as_array().expect("a list").iter().enumerate() {
            let found = ground_truth(&weights(&truth), class, folding).expect("decomposes");
            let values = numbers(&expected["eigenvalues"]);
            let last = &values[values.len() - 1..];
            assert_close("eigenvalue", &[found.eigenvalue], last, TOLERANCE);
            let bias = numbers(&expected["bias_component"]);
            assert_close("bias", &[found.bias_component], &bias, TOLERANCE);
            let top = numbers(&expected["top_eigenvector"]);
            assert_close("top", &found.top, &top, TOLERANCE);
            let linear = numbers(&expected["linear_bias"]);
            assert_close("linear", &found.linear, &linear, TOLERANCE);
        }
    }
}

/// A biased bilinear layer of 2 x 3 inputs.
fn model(folder: &TestFolder, bias: bool) -> Input {
    let network = networks::bilinear(4, bias);
    let architecture = network.architecture(InputShape::from([1, 2, 3]), classes());
    let model = model_with(&architecture.expect("any input fits"), |_, parameter| {
        let factor = match parameter.name.as_str() {
            "embed.weight" => 1.3,
            "gate.weight" => 2.1,
            "gate.bias" => 0.9,
            _ => 0.7,
        };
        let values = parameter.shape.iter().product::<usize>();
        (0..values).map(|at| (at as f32 * factor).sin()).collect()
    });
    folder.model(&format!("tensors-{bias}"), &model)
}

fn classes() -> Vec<String> {
    ["other", "similar"].map(str::to_owned).to_vec()
}

/// Training images 2, 6 and 9 of a source, one test image 3.
fn images(folder: &TestFolder, height: usize) -> Input {
    let header = image_header([1, height, 3], 16, classes());
    let stored = header.stored_len();
    let split = |indices: Vec<u32>| Split {
        labels: vec![0; indices.len()],
        pixels: indices
            .iter()
            .flat_map(|index| (0..stored).map(move |at| (*index as usize + at) as u8))
            .collect(),
        indices,
    };
    let subset = Provenance {
        parameters: json!({"classes": [], "train_count": 3, "train_fraction": 1.0}),
        ..provenance()
    };
    let path = folder.path(&format!("images-{height}.parquet"));
    let splits = [split(vec![2, 6, 9]), split(vec![3])];
    write_images(&path, &header, splits.each_ref(), &subset);
    made_by("data.similar", &path)
}

fn run(
    folder: &TestFolder,
    model: &Input,
    data: &Input,
    (class, target): (usize, usize),
) -> TaskOutcome {
    let parameters = json!({"class": class, "target": target, "variant": "corrected"});
    TestTask::new(Stage::Decompose, "ground-truth", parameters)
        .reads("model", model)
        .reads("data", data)
        .writes(&[PATTERNS])
        .run(folder)
}

#[test]
fn writes_three_patterns_that_point_to_the_target() {
    let folder = TestFolder::new();
    let (model, data) = (model(&folder, true), images(&folder, 2));
    let patterns = |target| {
        let outcome = run(&folder, &model, &data, (1, target));
        Patterns::read(&outcome.path(PATTERNS)).expect("patterns")
    };
    let towards_6 = patterns(6);
    let names: Vec<&str> = towards_6.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["top eigenvector", "linear bias", "target"]);
    let target: Vec<f32> = (6..12).map(|value| value as f32 / 16.0).collect();
    assert_eq!(towards_6.rows[2].vector, target);
    let top = &towards_6.rows[0];
    assert!(top.eigenvalue.is_some_and(|value| value > 0.0) && top.bias_component.is_some());
    assert!(top.cosine_with_target.is_some_and(|cosine| cosine >= 0.0));
    for row in &towards_6.rows[..2] {
        assert_eq!(row.cosine_with_target, cosine(&row.vector, &target));
    }
    // Another target turns no eigenvector by more than its sign.
    let towards_9 = patterns(9);
    assert_eq!(towards_9.rows[0].eigenvalue, top.eigenvalue);
    let between = cosine(&towards_9.rows[0].vector, &top.vector).expect("not zero");
    assert!((between.abs() - 1.0).abs() < 1e-12);
}

#[test]
fn bad_inputs_say_why_and_leave_nothing() {
    let folder = TestFolder::new();
    let (biased, plain) = (model(&folder, true), model(&folder, false));
    let (fitting, taller) = (images(&folder, 2), images(&folder, 3));
    let missing = made_by("data.missing", &folder.path("missing.parquet"));
    for (model, data, image, reason) in [
        (&plain, &fitting, (1, 6), "no bias to fold in"),
        (
            &biased,
            &fitting,
            (2, 6),
            "there is no class 2, the model has 2",
        ),
        (
            &biased,
            &fitting,
            (1, 3),
            "training image 3 is not among the 3 of `data.similar` (images-2); `train_count = 3` leaves it out",
        ),
        (
            &biased,
            &taller,
            (1, 6),
            "its images are 1 x 3 x 3 after their transforms, the model takes 1 x 2 x 3",
        ),
        (&biased, &biased, (1, 6), "holds `tensors`"),
        (&fitting, &fitting, (1, 6), "holds `images`"),
        (&biased, &missing, (1, 6), "`data.missing` (missing)"),
    ] {
        run(&folder, model, data, image).fails_with(reason);
    }
}
