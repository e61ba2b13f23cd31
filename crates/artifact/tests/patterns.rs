//! The `patterns` artifact as a file: what is written is read back, and what does not fit is refused.

mod samples;

use std::fs;

use eigenscope_artifact::{
    ArtifactError, InputShape, PATTERNS, PatternRow, Patterns, summarise, write_patterns,
    write_records,
};

use samples::{folder, provenance};

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 1,
    width: 2,
};

fn rows() -> Vec<PatternRow> {
    let row = |name: &str, eigenvalue, vector: [f32; 2]| PatternRow {
        name: name.to_owned(),
        eigenvalue,
        bias_component: eigenvalue.map(|value: f64| -value),
        cosine_with_target: eigenvalue.map(|_| 0.5),
        vector: vector.to_vec(),
    };
    vec![
        row("top eigenvector", Some(2.5), [0.25, -1.0]),
        row("target", None, [0.0, 1.0]),
    ]
}

#[test]
fn patterns_come_back_with_missing_values() {
    let (_folder, path) = folder();
    let digest = write_patterns(&path, SHAPE, &rows(), &provenance("test")).expect("written");
    let read = Patterns::read(&path).expect("readable");
    assert_eq!(read.shape, SHAPE);
    assert_eq!(read.rows, rows());
    assert_eq!(read.get("target"), Some(&rows()[1]));
    assert_eq!(read.get("nothing"), None);
    let summary = summarise(&path).expect("readable");
    assert_eq!((summary.kind, summary.content), (PATTERNS.into(), digest));
    let again = path.with_file_name("again.parquet");
    write_patterns(&again, SHAPE, &rows(), &provenance("test")).expect("written");
    assert!(fs::read(&path).expect("bytes") == fs::read(&again).expect("bytes"));
}

#[test]
fn a_table_without_patterns_is_a_table() {
    let (_folder, path) = folder();
    write_patterns(&path, SHAPE, &[], &provenance("test")).expect("written");
    assert!(Patterns::read(&path).expect("readable").rows.is_empty());
}

#[test]
fn rows_that_do_not_fit_are_refused_and_leave_nothing() {
    let refused = |change: fn(&mut Vec<PatternRow>), words: &str| {
        let (_folder, path) = folder();
        let mut rows = rows();
        change(&mut rows);
        let error = write_patterns(&path, SHAPE, &rows, &provenance("test")).expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!path.exists());
    };
    refused(
        |rows| rows[1].vector.push(0.0),
        "pattern `target` has 3 values for inputs of 2",
    );
    refused(
        |rows| rows[1].name = rows[0].name.clone(),
        "two patterns `top eigenvector`",
    );
    refused(
        |rows| rows[0].vector[1] = f32::NAN,
        "pattern `top eigenvector` holds NaN",
    );
}

#[test]
fn other_files_are_refused() {
    let (_folder, path) = folder();
    write_records::<eigenscope_artifact::tables::bilinear::SpectrumRow>(
        &path,
        &[],
        None,
        &provenance("test"),
    )
    .expect("written");
    let error = Patterns::read(&path).expect_err("another kind");
    assert!(matches!(error, ArtifactError::WrongKind { .. }), "{error}");

    write_patterns(&path, SHAPE, &rows(), &provenance("test")).expect("written");
    let bytes = fs::read(&path).expect("bytes");
    fs::write(&path, &bytes[..bytes.len() - 9]).expect("written");
    let error = Patterns::read(&path).expect_err("cut");
    assert!(matches!(error, ArtifactError::Damaged { .. }), "{error}");
}
