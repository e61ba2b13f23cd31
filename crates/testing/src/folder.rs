//! A temporary folder with artifacts, and the tasks that are run in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{
    Digest, ImageHeader, InputDigest, Labelled, Provenance, Record, Split, summarise,
    write_labelled, write_records,
};
use eigenscope_stage::Input;
use serde_json::Value;
use tempfile::TempDir;

use crate::write_images;

/// The provenance of what tests make.
pub fn provenance() -> Provenance {
    Provenance {
        task: "test.made".to_owned(),
        kind: "test/made".to_owned(),
        fingerprint: "test".to_owned(),
        parameters: Value::Null,
        seed: 0,
        inputs: Vec::new(),
        device: None,
    }
}

/// [`provenance`] of something made from inputs.
pub fn provenance_of(inputs: &[(&str, &Input)]) -> Provenance {
    let inputs = inputs.iter().map(|(role, input)| InputDigest {
        role: (*role).to_owned(),
        task: input.task.clone(),
        content: input.content,
    });
    Provenance {
        inputs: inputs.collect(),
        ..provenance()
    }
}

/// A file as an input made by `task`; one that is no readable artifact has some digest.
pub fn made_by(task: &str, path: &Path) -> Input {
    Input {
        task: task.to_owned(),
        labels: BTreeMap::new(),
        path: path.to_owned(),
        content: summarise(path).map_or(Digest::of(b"test"), |summary| summary.content),
        renamed: BTreeMap::new(),
    }
}

/// The first half of an input's file, beside it as `cut.parquet`.
pub fn cut(input: &Input) -> Input {
    let bytes = std::fs::read(&input.path).expect("readable");
    let path = input.path.with_file_name("cut.parquet");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    Input {
        path,
        ..input.clone()
    }
}

#[derive(Debug)]
pub struct TestFolder {
    folder: TempDir,
    pub(crate) runs: Cell<usize>,
}

impl Default for TestFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl TestFolder {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            runs: Cell::new(0),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where an artifact of this name is, in a folder of its own: messages name a file by its stem.
    fn artifact(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.parquet"))
    }

    /// Rows as an input made by `metric.NAME`.
    pub fn table<R: Record>(&self, name: &str, rows: &[R]) -> Input {
        let path = self.artifact(name);
        write_records(&path, rows, None, &provenance()).expect("written");
        made_by(&format!("metric.{name}"), &path)
    }

    /// Labelled rows as an input made by `metric.NAME`.
    pub fn labelled<R: Record + Clone>(&self, name: &str, rows: &[Labelled<R>]) -> Input {
        let path = self.artifact(name);
        write_labelled(&path, rows, None, &provenance()).expect("written");
        made_by(&format!("metric.{name}"), &path)
    }

    /// Training and test images as an input made by `data.NAME`.
    pub fn images(&self, name: &str, header: &ImageHeader, splits: [&Split; 2]) -> Input {
        let path = self.artifact(name);
        write_images(&path, header, splits, &provenance());
        made_by(&format!("data.{name}"), &path)
    }

    /// A model as an input made by `train.NAME`.
    #[cfg(feature = "models")]
    pub fn model(&self, name: &str, model: &eigenscope_models::StoredModel) -> Input {
        let path = self.artifact(name);
        model.write(&path, &provenance()).expect("written");
        made_by(&format!("train.{name}"), &path)
    }
}
