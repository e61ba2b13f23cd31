//! Runs one task of the program in a temporary folder, on a model and images made here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::{
    ArtifactKind, Digest, ImageHeader, ImageWriter, InputShape, KindName, NamedTensor,
    PixelTransform, Provenance, SourceCheck, Split, SplitName,
};
use eigenscope_models::{Network, StoredModel};
use eigenscope_stage::{Event, Input, TASK_VERSION, TaskFile};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_eigenscope-decompose");

/// What to run.
#[derive(Clone)]
pub(crate) struct Task<'a> {
    pub(crate) kind: &'a str,
    pub(crate) parameters: Value,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) inputs: Vec<(&'a str, &'a Path)>,
    pub(crate) outputs: &'a [ArtifactKind],
}

/// How it ended.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) messages: String,
    pub(crate) outputs: BTreeMap<KindName, PathBuf>,
}

impl Outcome {
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.messages);
        self
    }

    pub(crate) fn fails_with(&self, part: &str) {
        assert_eq!(self.code, Some(1), "{}", self.messages);
        assert!(self.messages.contains(part), "{}", self.messages);
        assert!(self.outputs.values().all(|path| !path.exists()));
    }

    pub(crate) fn bytes(&self, kind: ArtifactKind) -> Vec<u8> {
        std::fs::read(&self.outputs[kind.name()]).expect("an output")
    }
}

pub(crate) fn provenance(parameters: Value, seed: u64) -> Provenance {
    Provenance {
        task: "decompose.a".to_owned(),
        kind: "decompose/a".to_owned(),
        fingerprint: "test".to_owned(),
        parameters,
        seed,
        inputs: Vec::new(),
    }
}

impl Task<'_> {
    /// Runs it with its files in `folder`; `name` keeps those of several runs apart.
    pub(crate) fn run(&self, folder: &Path, name: &str) -> Outcome {
        let place = folder.join(name);
        std::fs::create_dir_all(&place).expect("a folder");
        let input = |path: &Path| Input {
            task: "train.a".to_owned(),
            labels: BTreeMap::new(),
            path: path.to_owned(),
            content: Digest::of(b"content"),
        };
        let inputs = self.inputs.iter();
        let outputs = self.outputs.iter();
        let task = TaskFile {
            version: TASK_VERSION,
            kind: self.kind.to_owned(),
            threads: self.threads,
            data_dir: folder.to_owned(),
            download: false,
            inputs: inputs
                .map(|(role, path)| ((*role).to_owned(), vec![input(path)]))
                .collect(),
            outputs: outputs
                .map(|kind| ((*kind).into(), place.join(kind.file_name())))
                .collect(),
            provenance: provenance(self.parameters.clone(), self.seed),
        };
        let file = folder.join(format!("{name}.json"));
        let text = serde_json::to_string(&task).expect("serialises");
        std::fs::write(&file, text).expect("written");
        let output = Command::new(PROGRAM)
            .arg("run")
            .arg(&file)
            .output()
            .expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let messages =
            text.lines()
                .filter_map(|line| match serde_json::from_str(line).expect("an event") {
                    Event::Failed { messages } => Some(messages.join(": ")),
                    _ => None,
                });
        Outcome {
            code: output.status.code(),
            messages: messages.collect(),
            outputs: task.outputs,
        }
    }
}

/// A model of two classes whose weights are uniform in ±`scale`/sqrt(fan_in), without a pattern.
pub(crate) fn model(input: InputShape, network: Network, scale: f32) -> StoredModel {
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    let architecture = network.architecture(input, classes);
    let architecture = architecture.expect("the input is large enough");
    let mut stream = eigenscope_stage::Seed(5).stream("test", 0);
    let tensors = architecture.parameters().into_iter().map(|parameter| {
        let tensor = parameter.initial(|| stream.uniform());
        NamedTensor {
            data: tensor.data.iter().map(|value| value * scale).collect(),
            ..tensor
        }
    });
    let tensors = tensors.collect();
    StoredModel::new(architecture, tensors).expect("the tensors fit")
}

/// Writes `train` and `test` images without a pattern, values 0..=16 scaled to 0..1.
pub(crate) fn write_images(path: &Path, shape: InputShape, train: usize, test: usize) {
    let header = ImageHeader {
        height: shape.height,
        width: shape.width,
        channels: shape.channels,
        maximum: 16,
        classes: vec!["no".to_owned(), "yes".to_owned()],
        transforms: vec![PixelTransform::Scale],
        source: SourceCheck::Unpublished,
    };
    let mut stream = eigenscope_stage::Seed(6).stream("test", 0);
    let mut split = |images: usize| Split {
        indices: (0..images as u32).collect(),
        labels: vec![0; images],
        pixels: (0..images * shape.len())
            .map(|_| stream.below(17) as u8)
            .collect(),
    };
    let provenance = provenance(Value::Null, 0);
    let mut writer = ImageWriter::create(path, header, &provenance).expect("created");
    for (name, images) in [(SplitName::Train, train), (SplitName::Test, test)] {
        writer.write(name, &split(images)).expect("written");
    }
    writer.finish().expect("finished");
}
