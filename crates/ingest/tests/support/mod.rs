//! Task files, IDX files and runs of the program, for the tests of this folder.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::{IMAGES, ImageReader, Images, Provenance};
use eigenscope_stage::{Description, Event, TASK_VERSION, TaskFile};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A data directory, an output folder and the parameters of one task.
pub struct Bench {
    root: TempDir,
    pub parameters: Value,
    pub seed: u64,
    pub download: bool,
}

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub events: Vec<Event>,
    /// Names of the files in the output folder.
    pub files: Vec<String>,
}

impl Outcome {
    pub fn warnings(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Warning { message } => Some(message.as_str()),
                _ => None,
            })
            .collect()
    }

    pub fn read_files(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::File(file) => Some(file.path.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The messages of a failed run, which must have left nothing.
    pub fn failure(&self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(self.files.is_empty(), "left behind: {:?}", self.files);
        match self.events.last() {
            Some(Event::Failed { messages }) => messages.join(": "),
            other => panic!("the last event is {other:?}"),
        }
    }
}

impl Bench {
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        for name in ["data", "out"] {
            std::fs::create_dir(root.path().join(name)).expect("created");
        }
        Self {
            root,
            parameters: defaults(),
            seed: 7,
            download: false,
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub fn output(&self) -> PathBuf {
        self.root.path().join("out").join("images.parquet")
    }

    pub fn set(&mut self, name: &str, value: Value) {
        self.parameters[name] = value;
    }

    pub fn place(&self, path: &str, bytes: &[u8]) {
        let path = self.data_dir().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(path, bytes).expect("written");
    }

    pub fn task(&self, kind: &str, data_dir: &Path) -> TaskFile {
        TaskFile {
            version: TASK_VERSION,
            kind: kind.to_owned(),
            threads: 1,
            data_dir: data_dir.to_owned(),
            download: self.download,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::from([(IMAGES.into(), self.output())]),
            provenance: Provenance {
                task: format!("data.{kind}"),
                kind: format!("data/{kind}"),
                fingerprint: "test".to_owned(),
                parameters: self.parameters.clone(),
                seed: self.seed,
                inputs: Vec::new(),
            },
        }
    }

    pub fn run(&self, kind: &str) -> Outcome {
        self.run_with(kind, &self.data_dir())
    }

    pub fn run_with(&self, kind: &str, data_dir: &Path) -> Outcome {
        let path = self.root.path().join("task.json");
        let text = serde_json::to_string(&self.task(kind, data_dir)).expect("serialises");
        std::fs::write(&path, text).expect("written");
        let output = program().arg("run").arg(&path).output().expect("it runs");
        let events = String::from_utf8(output.stdout)
            .expect("text")
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event"))
            .collect();
        Outcome {
            code: output.status.code(),
            events,
            files: names(&self.root.path().join("out")),
        }
    }

    pub fn images(&self) -> Images {
        ImageReader::open(&self.output())
            .and_then(ImageReader::read)
            .expect("a readable artifact")
    }
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_eigenscope-ingest"))
}

pub fn describe() -> Description {
    let output = program().arg("describe").output().expect("it runs");
    serde_json::from_slice(&output.stdout).expect("a description")
}

/// Values of all parameters that have a default.
pub fn defaults() -> Value {
    let description = describe();
    description.kinds[0]
        .parameters
        .iter()
        .filter_map(|parameter| Some((parameter.name.clone(), parameter.default.clone()?)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

pub fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

pub fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    for size in dimensions {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(values);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

/// Four small IDX files: three training images (labels 5, 0, 4) and two test images (labels 7, 2) of 2 x 2.
pub fn small_idx() -> [(&'static str, Vec<u8>); 4] {
    [
        (
            "train-images-idx3-ubyte",
            idx(&[3, 2, 2], &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 255, 1]),
        ),
        ("train-labels-idx1-ubyte", idx(&[3], &[5, 0, 4])),
        (
            "t10k-images-idx3-ubyte",
            idx(&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        ("t10k-labels-idx1-ubyte", idx(&[2], &[7, 2])),
    ]
}

pub fn user_files(bench: &mut Bench) {
    for (parameter, (name, bytes)) in ["train_images", "train_labels", "test_images", "test_labels"]
        .into_iter()
        .zip(small_idx())
    {
        bench.place(&format!("own/{name}"), &bytes);
        bench.set(parameter, json!(format!("own/{name}")));
    }
}

/// The folder of real data, if the environment names one.
pub fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("EIGENSCOPE_DATA_DIR").map(PathBuf::from);
    if folder.is_none() {
        let mut out = std::io::stdout();
        let _ = writeln!(out, "skipped: EIGENSCOPE_DATA_DIR is not set");
    }
    folder
}
