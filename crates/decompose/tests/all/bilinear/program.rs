//! The program end to end: task file in, artifacts or a clear error out.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::{
    EIGENPAIRS, Eigenpairs, InputShape, NamedTensor, Selection, TENSORS, write_tensors,
};
use eigenscope_models::networks;
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{TestFolder, TestTask, cut, describe, made_by, provenance};
use serde_json::json;

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

/// A model with these tensors, which need not fit it.
fn model(folder: &TestFolder, name: &str, tensors: &[NamedTensor]) -> Input {
    let classes = ["no", "yes"].map(str::to_owned).to_vec();
    let architecture =
        networks::bilinear(5, false).architecture(InputShape::from([1, 2, 3]), classes);
    let architecture = architecture.expect("any input fits");
    let path = folder.path(&format!("{name}.parquet"));
    write_tensors(&path, TENSORS, &architecture, tensors, &provenance()).expect("written");
    made_by("train.bilinear", &path)
}

fn interaction(model: &Input) -> TestTask {
    TestTask::new(Stage::Decompose, "interaction", json!({"count": 2}))
        .reads("model", model)
        .writes(&[SpectrumRow::KIND, EIGENPAIRS])
}

#[test]
fn describes_itself() {
    let description = describe(Stage::Decompose);
    assert_eq!(description.section, Stage::Decompose);
    let names = description.kinds.iter().map(|kind| kind.name.clone());
    let kinds = eigenscope_decompose::kinds().into_iter();
    let expected: Vec<String> = kinds.map(|kind| kind.description.name).collect();
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert!(!description.kinds[0].random);
}

#[test]
fn writes_spectrum_and_eigenpairs_that_do_not_depend_on_threads() {
    let folder = TestFolder::new();
    let task = interaction(&model(&folder, "model", &tensors()));
    let one = task.run(&folder);
    assert_eq!(one.rows::<SpectrumRow>().len(), 10);
    let pairs = Eigenpairs::read(&one.path(EIGENPAIRS)).expect("eigenpairs");
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
    assert!(error.contains("only 2 are certain to be stored"), "{error}");

    one.assert_same_bytes(&task.threads(2).run(&folder));
}

#[test]
fn bad_inputs_say_why_and_leave_nothing() {
    let folder = TestFolder::new();
    let fails = |model: &Input, reason: &str| interaction(model).run(&folder).fails_with(reason);
    let good = model(&folder, "model", &tensors());
    fails(&cut(&good), "`train.bilinear` (cut)");
    let missing = made_by("train.bilinear", &folder.path("missing.parquet"));
    fails(&missing, "`train.bilinear` (missing)");
    fails(&folder.table::<SpectrumRow>("other", &[]), "spectrum");

    let mut misshapen = tensors();
    misshapen[1].shape = vec![5, 10];
    let misshapen = model(&folder, "shape", &misshapen);
    fails(&misshapen, "tensor `gate.weight` has shape [5, 10]");

    let mut infinite = tensors();
    infinite[2].data[3] = f32::NAN;
    let infinite = model(&folder, "finite", &infinite);
    fails(&infinite, "tensor `unembed.weight` holds NaN");

    let partial = model(&folder, "absent", &tensors()[..2]);
    fails(&partial, "tensor `unembed.weight` is missing");
}
