//! Small artifacts of every kind, for the tests of reading and writing.

#![allow(dead_code, reason = "each test program uses some of them")]

use std::path::{Path, PathBuf};

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{
    ArtifactError, Digest, EigenpairRow, EigenpairsHeader, ImageHeader, ImageWriter, InputShape,
    NamedTensor, PixelTransform, Provenance, SourceCheck, Split, SplitName, TENSORS,
    write_eigenpairs, write_tensors,
};
use serde_json::json;

pub(crate) fn provenance(fingerprint: &str) -> Provenance {
    Provenance {
        task: "train.bilinear[hidden=4]".to_owned(),
        kind: "train/bilinear".to_owned(),
        fingerprint: fingerprint.to_owned(),
        parameters: json!({"hidden": 4}),
        seed: 7,
        inputs: vec![],
        device: None,
    }
}

pub(crate) fn history(epochs: u32) -> Vec<HistoryRow> {
    (1..=epochs)
        .map(|epoch| HistoryRow {
            epoch,
            learning_rate: 1e-3,
            train_loss_nats: 1.0 / f64::from(epoch),
            train_accuracy_fraction: 0.5,
            test_loss_nats: 2.0 / f64::from(epoch),
            test_accuracy_fraction: 0.25,
        })
        .collect()
}

pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("table.parquet");
    (folder, path)
}

pub(crate) fn header() -> ImageHeader {
    ImageHeader {
        height: 2,
        width: 3,
        channels: 1,
        maximum: 16,
        classes: vec!["a".to_owned(), "b".to_owned()],
        transforms: vec![PixelTransform::Scale],
        source: SourceCheck::Unpublished,
    }
}

pub(crate) fn split(count: usize) -> Split {
    Split {
        indices: (0..count as u32).collect(),
        labels: (0..count).map(|image| (image % 2) as u16).collect(),
        pixels: (0..count * 6).map(|value| (value % 17) as u8).collect(),
    }
}

pub(crate) fn write_images(path: &Path) -> Result<Digest, ArtifactError> {
    let mut writer = ImageWriter::create(path, header(), &provenance("x"))?;
    writer.write(SplitName::Train, &split(5))?;
    writer.write(SplitName::Test, &split(2))?;
    writer.finish()
}

pub(crate) fn tensors() -> Vec<NamedTensor> {
    vec![
        NamedTensor {
            name: "embed.weight".to_owned(),
            shape: vec![2, 3],
            data: vec![1.0, -0.0, f32::MIN_POSITIVE, f32::MAX, 1e-45, 3.5],
        },
        NamedTensor {
            name: "bias".to_owned(),
            shape: vec![1],
            data: vec![0.1],
        },
    ]
}

pub(crate) fn write_both_tensors(path: &Path) -> Result<Digest, ArtifactError> {
    write_tensors(
        path,
        TENSORS,
        &json!({"kind": "test"}),
        &tensors(),
        &provenance("x"),
    )
}

pub(crate) fn pairs_header() -> EigenpairsHeader {
    EigenpairsHeader {
        shape: InputShape {
            channels: 1,
            height: 1,
            width: 2,
        },
        classes: vec!["a".to_owned(), "b".to_owned()],
        size: 6,
    }
}

pub(crate) fn pair(class: u32, index: u32, eigenvalue: f64) -> EigenpairRow {
    EigenpairRow {
        class,
        index,
        eigenvalue,
        input_vector: vec![eigenvalue as f32, 1.0],
    }
}

/// Of 6: the 3 lowest and 2 highest of class 0, all of class 1.
pub(crate) fn pairs() -> Vec<EigenpairRow> {
    let row = |class, (index, eigenvalue): (u32, f64)| pair(class, index, eigenvalue);
    let ends = [(0, -2.0), (1, -1.5), (2, -1.0), (4, 0.5), (5, 3.0)];
    let all = [-3.0, -2.0, -1.0, 0.5, 1.5, 2.5];
    let all = (0..).zip(all).map(|pair| row(1, pair));
    ends.map(|pair| row(0, pair))
        .into_iter()
        .chain(all)
        .collect()
}

pub(crate) fn write_pairs(path: &Path) -> Result<Digest, ArtifactError> {
    write_eigenpairs(path, &pairs_header(), &pairs(), None, &provenance("x"))
}
