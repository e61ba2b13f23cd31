//! The folded decomposition against NumPy's, and the task kind `ground-truth` as a program: task file in,
//! patterns or a clear error out.
//!
//! Fixture and tolerances: `tests/reference/README.md` of the workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::{
    Digest, ImageHeader, ImageWriter, InputShape, NamedTensor, PATTERNS, Patterns, PixelTransform,
    Provenance, SourceCheck, Split, SplitName, TENSORS, write_tensors,
};
use eigenscope_decompose::bilinear::{
    Folding, cosine, fold_bias, ground_truth, interaction_matrix,
};
use eigenscope_decompose::linear_algebra::eigensystem;
use eigenscope_models::{BilinearWeights, networks};
use eigenscope_stage::{Event, Input, TASK_VERSION, TaskFile};
use faer::Mat;
use serde_json::{Value, json};

const TOLERANCE: f64 = 1e-5;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

fn fixture() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/ground_truth.json"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn weights(truth: &Value) -> BilinearWeights {
    let values = |name: &str| -> Vec<f32> {
        let numbers = numbers(&truth[name]);
        numbers.into_iter().map(|value| value as f32).collect()
    };
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
    }
}

/// max |found - expected| / max |expected|
fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let difference = largest(&mut found.iter().zip(expected).map(|(a, b)| (a - b).abs()))
        / largest(&mut expected.iter().map(|value| value.abs()));
    assert!(difference < TOLERANCE, "{what}: {difference:e}");
}

const FOLDINGS: [(&str, Folding, f64); 2] = [
    ("corrected", Folding::Corrected, 0.0),
    ("published", Folding::Published, 1.0),
];

#[test]
fn folded_matrices_and_their_spectra() {
    let truth = fixture();
    for (name, folding, _) in FOLDINGS {
        let folded = fold_bias(&weights(&truth), folding).expect("a bias");
        for (class, expected) in truth[name].as_array().expect("a list").iter().enumerate() {
            let q = interaction_matrix(&folded, class);
            let size = q.nrows();
            let found: Vec<f64> = (0..size * size)
                .map(|at| q[(at / size, at % size)])
                .collect();
            assert_close("Q", &found, &numbers(&expected["Q"]));
            let values = eigensystem(q.as_ref()).expect("converges").values;
            assert_close("eigenvalues", &values, &numbers(&expected["eigenvalues"]));
        }
    }
}

/// The logits of the fixture come from a plain forward pass, not from any matrix Q.
#[test]
fn the_folded_form_is_the_logit_and_the_constant_unit() {
    let truth = fixture();
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
            assert_close("logits", &found, &numbers(logits));
        }
    }
}

#[test]
fn top_eigenvectors_and_linear_terms() {
    let truth = fixture();
    for (name, folding, _) in FOLDINGS {
        for (class, expected) in truth[name].as_array().expect("a list").iter().enumerate() {
            let found = ground_truth(&weights(&truth), class, folding).expect("decomposes");
            let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let values = numbers(&expected["eigenvalues"]);
            assert_close(
                "eigenvalue",
                &[found.eigenvalue],
                &values[values.len() - 1..],
            );
            assert_close(
                "top",
                &wide(&found.top),
                &numbers(&expected["top_eigenvector"]),
            );
            assert_close(
                "bias",
                &[found.bias_component],
                &numbers(&expected["bias_component"]),
            );
            assert_close(
                "linear",
                &wide(&found.linear),
                &numbers(&expected["linear_bias"]),
            );
        }
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_eigenscope-decompose");

fn provenance(class: usize, target: usize) -> Provenance {
    Provenance {
        task: "decompose.ground-truth".to_owned(),
        kind: "decompose/ground-truth".to_owned(),
        fingerprint: "test".to_owned(),
        parameters: json!({"class": class, "target": target, "variant": "corrected"}),
        seed: 0,
        inputs: Vec::new(),
    }
}

/// A biased bilinear layer of 2 x 3 inputs.
fn model(folder: &Path, bias: bool) -> PathBuf {
    let classes = vec!["other".to_owned(), "similar".to_owned()];
    let architecture =
        networks::bilinear(4, bias).architecture(InputShape::from([1, 2, 3]), classes);
    let architecture = architecture.expect("any input fits");
    let tensor = |name: &str, shape: &[usize], factor: f32| NamedTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        data: (0..shape.iter().product::<usize>())
            .map(|at| (at as f32 * factor).sin())
            .collect(),
    };
    let mut tensors = vec![
        tensor("embed.weight", &[4, 6], 1.3),
        tensor("gate.weight", &[8, 4], 2.1),
    ];
    if bias {
        tensors.push(tensor("gate.bias", &[8], 0.9));
    }
    tensors.push(tensor("unembed.weight", &[2, 4], 0.7));
    let path = folder.join(format!("tensors-{bias}.parquet"));
    let architecture = serde_json::to_value(architecture).expect("serialises");
    write_tensors(&path, TENSORS, &architecture, &tensors, &provenance(1, 6)).expect("written");
    path
}

/// Training images 2, 6 and 9 of a source, one test image 6.
fn images(folder: &Path, height: usize) -> PathBuf {
    let path = folder.join(format!("images-{height}.parquet"));
    let header = ImageHeader {
        height,
        width: 3,
        channels: 1,
        maximum: 16,
        classes: vec!["other".to_owned(), "similar".to_owned()],
        transforms: vec![PixelTransform::Scale],
        source: SourceCheck::Unpublished,
    };
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
        ..provenance(1, 6)
    };
    let mut writer = ImageWriter::create(&path, header, &subset).expect("created");
    writer
        .write(SplitName::Train, &split(vec![2, 6, 9]))
        .expect("written");
    writer
        .write(SplitName::Test, &split(vec![3]))
        .expect("written");
    writer.finish().expect("finished");
    path
}

/// The patterns, or what the program said.
fn run(
    folder: &Path,
    model: &Path,
    data: &Path,
    provenance: Provenance,
) -> Result<Patterns, String> {
    let output = folder.join("patterns.parquet");
    let input = |path: &Path| {
        vec![Input {
            task: "a task".to_owned(),
            labels: BTreeMap::new(),
            path: path.to_owned(),
            content: Digest::of(b"content"),
        }]
    };
    let task = TaskFile {
        version: TASK_VERSION,
        kind: "ground-truth".to_owned(),
        threads: 1,
        data_dir: folder.to_owned(),
        download: false,
        inputs: BTreeMap::from([
            ("model".to_owned(), input(model)),
            ("data".to_owned(), input(data)),
        ]),
        outputs: BTreeMap::from([(PATTERNS.into(), output.clone())]),
        provenance,
    };
    let file = folder.join("task.json");
    let text = serde_json::to_string(&task).expect("serialises");
    std::fs::write(&file, text).expect("written");
    let answer = Command::new(PROGRAM)
        .arg("run")
        .arg(&file)
        .output()
        .expect("the program starts");
    if answer.status.success() {
        let patterns = Patterns::read(&output).expect("patterns");
        std::fs::remove_file(&output).expect("removed");
        return Ok(patterns);
    }
    assert_eq!(answer.status.code(), Some(1));
    assert!(!output.exists());
    let text = String::from_utf8(answer.stdout).expect("UTF-8");
    let failed = text
        .lines()
        .find_map(|line| match serde_json::from_str(line) {
            Ok(Event::Failed { messages }) => Some(messages.join(": ")),
            _ => None,
        });
    Err(failed.expect("a failure that says why"))
}

#[test]
fn writes_three_patterns_that_point_to_the_target() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, data) = (model(folder.path(), true), images(folder.path(), 2));
    let patterns = run(folder.path(), &model, &data, provenance(1, 6)).expect("runs");
    let names: Vec<&str> = patterns.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["top eigenvector", "linear bias", "target"]);
    let target: Vec<f32> = (6..12).map(|value| value as f32 / 16.0).collect();
    assert_eq!(patterns.rows[2].vector, target);
    let top = &patterns.rows[0];
    assert!(top.eigenvalue.is_some_and(|value| value > 0.0) && top.bias_component.is_some());
    assert!(top.cosine_with_target.is_some_and(|cosine| cosine >= 0.0));
    for row in &patterns.rows[..2] {
        assert_eq!(row.cosine_with_target, cosine(&row.vector, &target));
    }
    // Another target turns no eigenvector by more than its sign.
    let other = run(folder.path(), &model, &data, provenance(1, 9)).expect("runs");
    assert_eq!(other.rows[0].eigenvalue, top.eigenvalue);
    let between = cosine(&other.rows[0].vector, &top.vector).expect("not zero");
    assert!((between.abs() - 1.0).abs() < 1e-12);
}

#[test]
fn bad_inputs_say_why_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let (biased, plain) = (model(at, true), model(at, false));
    let (fitting, taller) = (images(at, 2), images(at, 3));
    let refused = |model: &Path, data: &Path, provenance, words: &str| {
        let message = run(at, model, data, provenance).expect_err("refused");
        assert!(message.contains(words), "{message}");
    };
    refused(&plain, &fitting, provenance(1, 6), "no bias to fold in");
    refused(
        &biased,
        &fitting,
        provenance(2, 6),
        "there is no class 2, the model has 2",
    );
    refused(
        &biased,
        &fitting,
        provenance(1, 3),
        "training image 3 is not among the 3 of `a task` (images-2); `train_count = 3` leaves it out",
    );
    refused(
        &biased,
        &taller,
        provenance(1, 6),
        "its images are 1 x 3 x 3 after their transforms, the model takes 1 x 2 x 3",
    );
    refused(&biased, &biased, provenance(1, 6), "holds `tensors`");
    refused(&fitting, &fitting, provenance(1, 6), "holds `images`");
    let missing = at.join("missing.parquet");
    refused(&biased, &missing, provenance(1, 6), "`a task` (missing)");
}
