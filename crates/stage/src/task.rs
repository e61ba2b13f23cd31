//! The task file: everything a stage program needs to know to run one task.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use eigenscope_artifact::{
    About, ArtifactError, Digest, InputDigest, KindName, Provenance, summarise,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::task_id::name_of;
use crate::{AssignedCard, Device};

/// Version of the contract (task files, events, descriptions).
pub const TASK_VERSION: u32 = 2;

/// One task to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// Contract version; another one is refused.
    pub version: u32,
    /// Name of the task kind within its section.
    pub kind: String,
    /// Threads that the task may use.
    pub threads: usize,
    /// Where the user keeps data files.
    pub data_dir: PathBuf,
    /// Whether missing data files may be downloaded.
    pub download: bool,
    /// What it computes on.
    #[serde(default, skip_serializing_if = "is_cpu")]
    pub device: Device,
    /// The card, once there is one for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<AssignedCard>,
    /// Inputs by role, in pipeline order.
    pub inputs: BTreeMap<String, Vec<Input>>,
    /// Where to place each output.
    pub outputs: BTreeMap<KindName, PathBuf>,
    /// Id, parameters and seed, as they go into the outputs' metadata. The id is the first one.
    pub provenance: Provenance,
    /// Id of the task now, if it was renamed since it was first computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<String>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_cpu(device: &Device) -> bool {
    *device == Device::Cpu
}

impl TaskFile {
    /// Id of the task, as the pipeline file has it now.
    pub fn id(&self) -> &str {
        self.renamed.as_deref().unwrap_or(&self.provenance.task)
    }

    /// `text` with the task of each input in place of its path: "`train.mlp` (history)".
    ///
    /// Libraries know files by their paths in the store, which mean nothing to a reader of a pipeline.
    pub fn name_inputs(&self, text: &str) -> String {
        let mut inputs: Vec<(String, &Input)> = self
            .inputs
            .values()
            .flatten()
            .map(|input| (input.path.display().to_string(), input))
            .filter(|(path, _)| !path.is_empty() && text.contains(path))
            .collect();
        // A path may begin with another one.
        inputs.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        inputs.iter().fold(text.to_owned(), |text, (path, input)| {
            let table = input.path.file_stem().unwrap_or_default().to_string_lossy();
            text.replace(path, &format!("`{}` ({table})", input.task))
        })
    }
}

/// One artifact to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Id of the task that made it.
    pub task: String,
    /// Values of the swept parameters of that task and of what it was made from.
    pub labels: BTreeMap<String, Value>,
    /// The file.
    pub path: PathBuf,
    /// Digest of its content.
    pub content: Digest,
    /// First and present ids of renamed tasks: of the task that made it and of those that it was made from, as far as the reader
    /// shows their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<String, String>,
}

impl Input {
    /// A label as a whole number, such as `hidden` or `seed`.
    pub fn label_u64(&self, name: &str) -> Option<u64> {
        self.labels.get(name).and_then(Value::as_u64)
    }

    /// The id by which results know the task that made this input.
    pub fn first_id(&self) -> &str {
        let mut renamed = self.renamed.iter();
        let own = renamed.find(|(_, present)| **present == self.task);
        own.map_or(&self.task, |(first, _)| first)
    }

    /// The present id of a task that results know by `first_id`.
    pub fn present_id<'a>(&'a self, first_id: &'a str) -> &'a str {
        self.renamed.get(first_id).map_or(first_id, String::as_str)
    }

    /// What the task that made this input read in a role, by first ids; empty if it has no such role.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn origins(&self, role: &str) -> Result<Vec<InputDigest>, ArtifactError> {
        let mut inputs = summarise(&self.path)?.provenance.inputs;
        inputs.retain(|input| input.role == role);
        Ok(inputs)
    }

    /// Name of the table of its task, without section and labels: `bilinear` of `train.bilinear[hidden=300]`.
    pub fn table(&self) -> &str {
        name_of(&self.task)
    }

    /// The table that the task that made this input read in these roles, if it read just one.
    fn read_table(&self, roles: &[&str]) -> Result<Option<String>, ArtifactError> {
        let inputs = summarise(&self.path)?.provenance.inputs;
        let of_roles = inputs
            .iter()
            .filter(|input| roles.contains(&input.role.as_str()));
        let tables: BTreeSet<&str> = of_roles.map(|input| name_of(&input.task)).collect();
        Ok(match tables.len() {
            1 => tables.first().map(|&table| table.to_owned()),
            _ => None,
        })
    }

    /// What this input is about, as it says itself, with the names of the network and the data that it is or was made from.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn about(&self) -> Result<About, ArtifactError> {
        let mut about = About::read(&self.path)?;
        if self.task.starts_with("train.") || self.task.starts_with("model.") {
            about.network = Some(self.table().to_owned());
        }
        if self.task.starts_with("data.") {
            about.data = Some(self.table().to_owned());
        }
        if about.network.is_none() {
            about.network = self.read_table(&["model", "models"])?;
        }
        if about.data.is_none() {
            about.data = self.read_table(&["data"])?;
        }
        for name in [&mut about.network, &mut about.data].into_iter().flatten() {
            let mut renamed = self.renamed.iter();
            if let Some((_, present)) = renamed.find(|(first, _)| name_of(first) == name) {
                *name = name_of(present).to_owned();
            }
        }
        Ok(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_named_by_their_tasks() {
        let input = |task: &str, path: &str| Input {
            task: task.to_owned(),
            labels: BTreeMap::new(),
            path: PathBuf::from(path),
            content: Digest::of(b""),
            renamed: BTreeMap::new(),
        };
        let inputs = vec![
            input("data.a", "/store/k/images.parquet"),
            input(
                "train.b[seed=1]",
                "/store/k/images.parquet2/history.parquet",
            ),
        ];
        let task = TaskFile {
            version: TASK_VERSION,
            kind: String::new(),
            threads: 1,
            data_dir: PathBuf::new(),
            download: false,
            device: Device::Cpu,
            card: None,
            inputs: BTreeMap::from([("from".to_owned(), inputs)]),
            outputs: BTreeMap::new(),
            provenance: Provenance {
                task: String::new(),
                kind: String::new(),
                fingerprint: String::new(),
                parameters: Value::Null,
                seed: 0,
                inputs: Vec::new(),
                device: None,
            },
            renamed: None,
        };
        assert_eq!(
            task.name_inputs(
                "no row of /store/k/images.parquet2/history.parquet fits /store/k/images.parquet, nor /store/k"
            ),
            "no row of `train.b[seed=1]` (history) fits `data.a` (images), nor /store/k"
        );
    }

    #[test]
    fn tasks_are_known_by_first_and_present_ids() {
        let digest = Digest::of(b"");
        let text = format!(
            r#"{{"task": "train.new", "labels": {{}}, "path": "", "content": "{digest}"}}"#
        );
        let input: Input = serde_json::from_str(&text).expect("a file without names is read");
        assert_eq!(input.first_id(), "train.new");
        let ids = [("data.a", "data.b"), ("train.old", "train.new")];
        let ids = ids.map(|(first, present)| (first.to_owned(), present.to_owned()));
        let input = Input {
            renamed: ids.into(),
            ..input
        };
        assert_eq!(input.first_id(), "train.old");
        assert_eq!(input.present_id("data.a"), "data.b");
        assert_eq!(input.present_id("data.c"), "data.c");
    }
}
