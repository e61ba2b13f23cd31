//! One task, run by the program of its stage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::{ArtifactKind, InputDigest, KindName, Provenance, Record, read_records};
use eigenscope_stage::{AssignedCard, Device, Event, Input, Stage, TASK_VERSION, TaskFile};
use serde_json::Value;

use crate::{TestFolder, describe, file_names, made_by, program, provenance};

/// A task to run, with one thread, seed 0 and no downloads unless it says otherwise.
#[derive(Debug, Clone)]
#[must_use]
pub struct TestTask {
    stage: Stage,
    file: TaskFile,
    outputs: Vec<ArtifactKind>,
}

impl TestTask {
    /// A task of a kind of a stage; a task file has no defaults, so `parameters` must be complete.
    pub fn new(stage: Stage, kind: &str, parameters: Value) -> Self {
        let file = TaskFile {
            version: TASK_VERSION,
            kind: kind.to_owned(),
            threads: 1,
            data_dir: PathBuf::new(),
            download: false,
            device: Device::Cpu,
            card: None,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            provenance: Provenance {
                task: format!("{}.{kind}", stage.name()),
                kind: format!("{}/{kind}", stage.name()),
                parameters,
                ..provenance()
            },
            renamed: None,
        };
        Self {
            stage,
            file,
            outputs: Vec::new(),
        }
    }

    /// Adds an input to a role.
    pub fn reads(mut self, role: &str, input: &Input) -> Self {
        let inputs = self.file.inputs.entry(role.to_owned()).or_default();
        inputs.push(input.clone());
        self.file.provenance.inputs.push(InputDigest {
            role: role.to_owned(),
            task: input.task.clone(),
            content: input.content,
        });
        self
    }

    /// Adds all `inputs` to a role.
    pub fn reads_all<'a>(self, role: &str, inputs: impl IntoIterator<Item = &'a Input>) -> Self {
        let inputs = inputs.into_iter();
        inputs.fold(self, |task, input| task.reads(role, input))
    }

    pub fn writes(mut self, outputs: &[ArtifactKind]) -> Self {
        self.outputs.extend(outputs);
        self
    }

    pub fn set(mut self, parameter: &str, value: impl Into<Value>) -> Self {
        self.file.provenance.parameters[parameter] = value.into();
        self
    }

    /// Gives the parameters that are not set the defaults that the program of the stage describes.
    pub fn with_defaults(mut self) -> Self {
        let kind = &self.file.kind;
        let described = describe(self.stage).kinds.into_iter();
        let described = described.filter(|described| described.name == *kind);
        let parameters = &mut self.file.provenance.parameters;
        for parameter in described.flat_map(|kind| kind.parameters) {
            if let Some(default) = parameter.default
                && parameters[&parameter.name].is_null()
            {
                parameters[&parameter.name] = default;
            }
        }
        self
    }

    pub fn threads(mut self, threads: usize) -> Self {
        self.file.threads = threads;
        self
    }

    /// Computes on a card.
    pub fn card(mut self, card: AssignedCard) -> Self {
        self.file.device = Device::Cuda;
        self.file.card = Some(card);
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.file.provenance.seed = seed;
        self
    }

    pub fn data_dir(mut self, folder: &Path) -> Self {
        self.file.data_dir = folder.to_owned();
        self
    }

    pub fn download(mut self, allowed: bool) -> Self {
        self.file.download = allowed;
        self
    }

    /// The task file with its outputs in `folder`.
    pub fn file(&self, folder: &Path) -> TaskFile {
        let output = |kind: &ArtifactKind| (KindName::from(*kind), folder.join(kind.file_name()));
        TaskFile {
            outputs: self.outputs.iter().map(output).collect(),
            ..self.file.clone()
        }
    }

    /// Runs it. The outputs are in a folder of their own for as long as `folder` exists.
    #[track_caller]
    pub fn run(&self, folder: &TestFolder) -> TaskOutcome {
        let run = folder.runs.get() + 1;
        folder.runs.set(run);
        let outputs = folder.path(&format!("run-{run}"));
        std::fs::create_dir(&outputs).expect("created");
        self.run_into(&outputs)
    }

    /// Runs it. The outputs are in `outputs`, the task file beside that folder.
    #[track_caller]
    pub fn run_into(&self, outputs: &Path) -> TaskOutcome {
        let task = self.file(outputs);
        let file = outputs.with_extension("json");
        let text = serde_json::to_string(&task).expect("serialises");
        std::fs::write(&file, text).expect("written");
        let output = Command::new(program(self.stage.program()))
            .arg("run")
            .arg(&file)
            .output()
            .expect("it starts");
        let events = String::from_utf8(output.stdout).expect("UTF-8");
        let events = events.lines();
        TaskOutcome {
            task: task.provenance.task,
            code: output.status.code(),
            events: events
                .map(|line| serde_json::from_str(line).expect("an event"))
                .collect(),
            folder: outputs.to_owned(),
        }
    }
}

/// How a task ended, and what it left.
#[derive(Debug)]
pub struct TaskOutcome {
    task: String,
    pub code: Option<i32>,
    pub events: Vec<Event>,
    folder: PathBuf,
}

impl TaskOutcome {
    /// Warnings in order.
    pub fn warnings(&self) -> Vec<&str> {
        let events = self.events.iter();
        let warnings = events.filter_map(|event| match event {
            Event::Warning { message } => Some(message.as_str()),
            _ => None,
        });
        warnings.collect()
    }

    /// Paths of the user's files that it read, in order.
    pub fn read_files(&self) -> Vec<&str> {
        let events = self.events.iter();
        let files = events.filter_map(|event| match event {
            Event::File(file) => Some(file.path.as_str()),
            _ => None,
        });
        files.collect()
    }

    /// Asserts that it succeeded and warned of something in which `part` occurs.
    #[track_caller]
    pub fn warns_of(&self, part: &str) {
        assert_eq!(self.code, Some(0), "{:?}", self.events);
        let warnings = self.warnings();
        let is_told = warnings.iter().any(|warning| warning.contains(part));
        assert!(is_told, "`{part}` is not in {warnings:?}");
    }

    /// Asserts that it succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{:?}", self.events);
        self
    }

    /// The error of a task that failed and left nothing.
    #[track_caller]
    pub fn failure(&self) -> String {
        assert_eq!(self.code, Some(1), "{:?}", self.events);
        let left = self.files();
        assert!(left.is_empty(), "left behind: {left:?}");
        let failed = self.events.iter().filter_map(|event| match event {
            Event::Failed { messages } => Some(messages.join(": ")),
            _ => None,
        });
        let failed: Vec<String> = failed.collect();
        let [failure] = failed.as_slice() else {
            panic!("one failure expected: {:?}", self.events);
        };
        failure.clone()
    }

    /// Asserts that it failed for a reason in which `part` occurs, and left nothing.
    #[track_caller]
    pub fn fails_with(&self, part: &str) {
        let failure = self.failure();
        assert!(failure.contains(part), "`{part}` is not in: {failure}");
    }

    /// Names of the files in the folder of the outputs.
    pub fn files(&self) -> Vec<String> {
        file_names(&self.folder)
    }

    /// Where an output of a task that succeeded is.
    #[track_caller]
    pub fn path(&self, kind: ArtifactKind) -> PathBuf {
        assert_eq!(self.code, Some(0), "{:?}", self.events);
        self.folder.join(kind.file_name())
    }

    #[track_caller]
    pub fn bytes(&self, kind: ArtifactKind) -> Vec<u8> {
        std::fs::read(self.path(kind)).expect("an output")
    }

    #[track_caller]
    pub fn rows<R: Record>(&self) -> Vec<R> {
        read_records(&self.path(R::KIND)).expect("a table")
    }

    /// An output as the input of another task.
    #[track_caller]
    pub fn input(&self, kind: ArtifactKind) -> Input {
        made_by(&self.task, &self.path(kind))
    }

    /// Asserts that another run wrote the same bytes.
    #[track_caller]
    pub fn assert_same_bytes(&self, other: &Self) {
        assert_eq!((self.code, other.code), (Some(0), Some(0)));
        assert_eq!(self.files(), other.files());
        for name in self.files() {
            let read = |outcome: &Self| std::fs::read(outcome.folder.join(&name)).expect("a file");
            assert!(read(self) == read(other), "{name} differs");
        }
    }
}
