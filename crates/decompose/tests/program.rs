//! The program end to end: task file in, artifacts or a clear error out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::{
    Digest, EIGENPAIRS, Eigenpairs, InputShape, KindName, NamedTensor, Provenance, Selection,
    TENSORS, read_records, write_records, write_tensors,
};
use eigenscope_models::networks;
use eigenscope_stage::{Description, Event, Input, Stage, TASK_VERSION, TaskFile};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_eigenscope-decompose");

fn provenance() -> Provenance {
    Provenance {
        task: "decompose.pairs[hidden=5]".to_owned(),
        kind: "decompose/interaction".to_owned(),
        fingerprint: "test".to_owned(),
        parameters: json!({"count": 2}),
        seed: 0,
        inputs: Vec::new(),
    }
}

fn architecture() -> serde_json::Value {
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    let architecture =
        networks::bilinear(5, false).architecture(InputShape::from([1, 2, 3]), classes);
    serde_json::to_value(architecture.expect("any input fits")).expect("serialises")
}

fn tensors() -> Vec<NamedTensor> {
    let tensor = |name: &str, shape: &[usize], factor: f32| NamedTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        data: (0..shape.iter().product::<usize>())
            .map(|at| (at as f32 * factor).sin())
            .collect(),
    };
    vec![
        tensor("embed.weight", &[5, 6], 1.3),
        tensor("gate.weight", &[10, 5], 2.1),
        tensor("unembed.weight", &[2, 5], 0.7),
    ]
}

struct Outcome {
    code: Option<i32>,
    messages: String,
    outputs: BTreeMap<KindName, PathBuf>,
}

impl Outcome {
    fn fails_with(&self, part: &str) {
        assert_eq!(self.code, Some(1), "{}", self.messages);
        assert!(self.messages.contains(part), "{}", self.messages);
        assert!(self.outputs.values().all(|path| !path.exists()));
    }
}

fn run(folder: &Path, name: &str, model: &Path, threads: usize) -> Outcome {
    let outputs = folder.join(name);
    std::fs::create_dir_all(&outputs).expect("a folder");
    let outputs: BTreeMap<KindName, PathBuf> = [SpectrumRow::KIND, EIGENPAIRS]
        .map(|kind| (kind.into(), outputs.join(kind.file_name())))
        .into();
    let task = TaskFile {
        version: TASK_VERSION,
        kind: "interaction".to_owned(),
        threads,
        data_dir: folder.to_owned(),
        download: false,
        inputs: BTreeMap::from([(
            "model".to_owned(),
            vec![Input {
                task: "train.bilinear[hidden=5]".to_owned(),
                labels: BTreeMap::new(),
                path: model.to_owned(),
                content: Digest::of(b"model"),
            }],
        )]),
        outputs: outputs.clone(),
        provenance: provenance(),
    };
    let file = folder.join(format!("{name}.json"));
    let text = serde_json::to_string(&task).expect("serialises");
    std::fs::write(&file, text).expect("written");
    let output = Command::new(PROGRAM)
        .arg("run")
        .arg(&file)
        .output()
        .expect("the program starts");
    let messages = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .filter_map(|line| match serde_json::from_str(line).expect("an event") {
            Event::Failed { messages } => Some(messages.join(": ")),
            _ => None,
        })
        .collect();
    Outcome {
        code: output.status.code(),
        messages,
        outputs,
    }
}

fn model(folder: &Path, tensors: &[NamedTensor]) -> PathBuf {
    let path = folder.join("tensors.parquet");
    write_tensors(&path, TENSORS, &architecture(), tensors, &provenance()).expect("written");
    path
}

#[test]
fn describes_itself() {
    let output = Command::new(PROGRAM)
        .arg("describe")
        .output()
        .expect("the program starts");
    let description: Description = serde_json::from_slice(&output.stdout).expect("a description");
    assert_eq!(description.section, Stage::Decompose);
    let names: Vec<_> = description.kinds.iter().map(|kind| &kind.name).collect();
    let expected = [
        "interaction",
        "ground-truth",
        "activation-covariance",
        "weight-covariance",
        "alignment",
        "overlap",
        "rainbow",
        "embedding",
        "surgery",
    ];
    assert_eq!(names, expected);
    assert!(!description.kinds[0].random);
}

#[test]
fn writes_spectrum_and_eigenpairs_that_do_not_depend_on_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = model(folder.path(), &tensors());
    let first = run(folder.path(), "one", &model, 1);
    assert_eq!(first.code, Some(0), "{}", first.messages);
    let spectrum: Vec<SpectrumRow> =
        read_records(&first.outputs[SpectrumRow::KIND.name()]).expect("a spectrum");
    assert_eq!(spectrum.len(), 10);
    let pairs = Eigenpairs::read(&first.outputs[EIGENPAIRS.name()]).expect("eigenpairs");
    assert_eq!(pairs.header.classes, ["no", "yes"]);
    assert_eq!((pairs.header.shape.len(), pairs.header.size), (6, 5));
    let indices = |selection| -> Vec<u32> {
        let rows = pairs.select(1, selection, 2).expect("stored");
        rows.iter().map(|row| row.index).collect()
    };
    assert_eq!(indices(Selection::Lowest), [0, 1]);
    assert_eq!(indices(Selection::Highest), [4, 3]);
    let error = pairs.select(1, Selection::Lowest, 3);
    let error = error.expect_err("two are kept at each end").to_string();
    assert!(
        error.contains("raise `count` of the decompose task to 3"),
        "{error}"
    );

    let second = run(folder.path(), "two", &model, 2);
    for kind in [SpectrumRow::KIND, EIGENPAIRS] {
        let read =
            |outcome: &Outcome| std::fs::read(&outcome.outputs[kind.name()]).expect("an output");
        assert!(read(&first) == read(&second), "{kind} differs");
    }
}

#[test]
fn bad_inputs_say_why_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = model(folder.path(), &tensors());
    let bytes = std::fs::read(&path).expect("the model");
    let cut = folder.path().join("cut.parquet");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("written");
    run(folder.path(), "cut", &cut, 1).fails_with("`train.bilinear[hidden=5]` (cut)");

    let missing = folder.path().join("missing.parquet");
    run(folder.path(), "missing", &missing, 1).fails_with("`train.bilinear[hidden=5]` (missing)");

    let spectrum = folder.path().join("other.parquet");
    write_records::<SpectrumRow>(&spectrum, &[], &provenance()).expect("written");
    run(folder.path(), "kind", &spectrum, 1).fails_with("spectrum");

    let mut misshapen = tensors();
    misshapen[1].shape = vec![5, 10];
    let path = model(folder.path(), &misshapen);
    run(folder.path(), "shape", &path, 1).fails_with("tensor `gate.weight` has shape [5, 10]");

    let mut infinite = tensors();
    infinite[2].data[3] = f32::NAN;
    let path = model(folder.path(), &infinite);
    run(folder.path(), "finite", &path, 1).fails_with("tensor `unembed.weight` holds NaN");

    let path = model(folder.path(), &tensors()[..2]);
    run(folder.path(), "absent", &path, 1).fails_with("tensor `unembed.weight` is missing");
}
