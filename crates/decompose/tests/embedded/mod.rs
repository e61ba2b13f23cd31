//! One task run by the real program, on a model and a data set made for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::{
    ArtifactKind, Digest, ImageHeader, ImageWriter, InputDigest, InputShape, KindName,
    PixelTransform, Provenance, SourceCheck, Split, SplitName, summarise,
};
use eigenscope_models::{Network, StoredModel};
use eigenscope_stage::{Event, Input, Seed, TASK_VERSION, TaskFile};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_eigenscope-decompose");

/// Classes of all models and data sets.
pub(crate) const CLASSES: [&str; 4] = ["zero", "one", "two", "three"];

/// A task to run in a folder of its own, which is named after it.
pub(crate) struct Task<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) parameters: Value,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    /// Roles and files. The task that made a file is named as the file without its extension.
    pub(crate) inputs: &'a [(&'a str, &'a Path)],
    pub(crate) outputs: &'a [ArtifactKind],
}

impl Task<'_> {
    /// The outputs, or what the program said; then it left nothing.
    pub(crate) fn run(self) -> Result<BTreeMap<KindName, PathBuf>, String> {
        let place = self.folder.join(self.name);
        std::fs::create_dir_all(&place).expect("a folder");
        let output = |kind: &ArtifactKind| {
            (
                (*kind).into(),
                place.join(format!("{}-{kind}.parquet", self.name)),
            )
        };
        let outputs: BTreeMap<KindName, PathBuf> = self.outputs.iter().map(output).collect();
        let file = place.join("task.json");
        let task = self.file(outputs.clone());
        let text = serde_json::to_string(&task).expect("serialises");
        std::fs::write(&file, text).expect("written");
        let answer = Command::new(PROGRAM)
            .arg("run")
            .arg(&file)
            .output()
            .expect("the program starts");
        if answer.status.success() {
            return Ok(outputs);
        }
        assert_eq!(answer.status.code(), Some(1));
        assert!(outputs.values().all(|path| !path.exists()));
        let text = String::from_utf8(answer.stdout).expect("UTF-8");
        let mut lines = text.lines();
        let failed = lines.find_map(|line| match serde_json::from_str(line) {
            Ok(Event::Failed { messages }) => Some(messages.join(": ")),
            _ => None,
        });
        Err(failed.expect("a failure that says why"))
    }

    fn file(self, outputs: BTreeMap<KindName, PathBuf>) -> TaskFile {
        let inputs = self.inputs.iter().map(|(role, path)| {
            let stem = path.file_stem().expect("a name").to_string_lossy();
            let content = summarise(path).map_or(Digest::of(b""), |summary| summary.content);
            let input = Input {
                task: stem.into_owned(),
                labels: BTreeMap::new(),
                path: path.to_path_buf(),
                content,
            };
            ((*role).to_owned(), vec![input])
        });
        let inputs: BTreeMap<String, Vec<Input>> = inputs.collect();
        let digests = inputs.iter().flat_map(|(role, inputs)| {
            inputs.iter().map(|input| InputDigest {
                role: role.clone(),
                task: input.task.clone(),
                content: input.content,
            })
        });
        let provenance = Provenance {
            task: format!("decompose.{}", self.kind),
            kind: format!("decompose/{}", self.kind),
            parameters: self.parameters,
            seed: self.seed,
            inputs: digests.collect(),
            ..provenance()
        };
        TaskFile {
            version: TASK_VERSION,
            kind: self.kind.to_owned(),
            threads: self.threads,
            data_dir: self.folder.to_owned(),
            download: false,
            inputs,
            outputs,
            provenance,
        }
    }
}

fn provenance() -> Provenance {
    Provenance {
        task: "a task".to_owned(),
        kind: "a/kind".to_owned(),
        fingerprint: "test".to_owned(),
        parameters: Value::Null,
        seed: 0,
        inputs: Vec::new(),
    }
}

/// A model at its start, on grey images with `side` pixels a side.
pub(crate) fn model(folder: &Path, name: &str, network: Network, side: usize) -> PathBuf {
    let classes = CLASSES.map(str::to_owned).to_vec();
    let architecture = network.architecture(InputShape::from([1, side, side]), classes);
    let architecture = architecture.expect("it fits");
    let mut stream = Seed(5).stream(name, 0);
    let parameters = architecture.parameters().into_iter();
    let tensors = parameters.map(|parameter| parameter.initial(|| stream.uniform()));
    let model = StoredModel::new(architecture.clone(), tensors.collect()).expect("complete");
    let path = folder.join(format!("{name}.parquet"));
    model.write(&path, &provenance()).expect("written");
    path
}

/// A data set of two training images and `images` test images with `side` pixels a side. Labels take turns among all
/// classes but the last `missing`; a bright quarter of a noisy image tells its class.
pub(crate) fn images(folder: &Path, side: usize, images: usize, missing: usize) -> PathBuf {
    let path = folder.join(format!("images-{side}-{missing}.parquet"));
    let header = ImageHeader {
        height: side,
        width: side,
        channels: 1,
        maximum: 255,
        classes: CLASSES.map(str::to_owned).to_vec(),
        transforms: vec![PixelTransform::Scale],
        source: SourceCheck::Unpublished,
    };
    let mut writer = ImageWriter::create(&path, header, &provenance()).expect("created");
    for (name, images) in [(SplitName::Train, 2), (SplitName::Test, images)] {
        let labels = (0..images).map(|image| (image % (CLASSES.len() - missing)) as u16);
        let split = split(labels.collect(), side);
        writer.write(name, &split).expect("written");
    }
    writer.finish().expect("finished");
    path
}

fn split(labels: Vec<u16>, side: usize) -> Split {
    let mut stream = Seed(6).stream("pixels", 0);
    let mut pixels = Vec::with_capacity(labels.len() * side * side);
    for label in &labels {
        for pixel in 0..side * side {
            let quarter = 2 * (2 * (pixel / side) / side) + 2 * (pixel % side) / side;
            let bright = if quarter == usize::from(*label) {
                130
            } else {
                0
            };
            pixels.push(bright + stream.below(120) as u8);
        }
    }
    Split {
        indices: (0..labels.len() as u32).map(|image| 3 * image).collect(),
        labels,
        pixels,
    }
}
