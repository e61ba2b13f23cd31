//! A temporary folder with tables and tasks, and what running a task leaves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use eigenscope_artifact::{
    EigenpairRow, EigenpairsHeader, INTERACTIVE, InputShape, Labelled, PNG, Provenance, Record,
    SVG, write_eigenpairs, write_labelled, write_records,
};
use eigenscope_stage::{Event, Input, TASK_VERSION, TaskFile};
use serde_json::{Value, json};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_eigenscope-report");

/// Roles of figures that read two outputs of one task.
const OF_ONE_TASK: [[&str; 2]; 8] = [
    ["plane", "circle"],
    ["accuracy", "confusion"],
    ["quality", "map"],
    ["values", "surgery"],
    ["dimensions", "clipping"],
    ["power_law", "scaling"],
    ["eigenpairs", "spectrum"],
    ["summary", "draws"],
];

/// Provenance of made-up tables and of tasks.
pub(crate) fn provenance(parameters: Value) -> Provenance {
    Provenance {
        task: "figure.made".to_owned(),
        kind: "figure/test".to_owned(),
        fingerprint: "test".to_owned(),
        parameters,
        seed: 0,
        inputs: Vec::new(),
    }
}

/// A temporary folder with tables and tasks.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn table<R: Record>(&self, name: &str, rows: &[R]) -> Input {
        let path = self.path(name);
        let content = write_records(&path, rows, &provenance(json!({})));
        Input {
            task: format!("metric.{name}"),
            labels: BTreeMap::new(),
            path,
            content: content.expect("written"),
        }
    }

    pub(crate) fn labelled<R: Record + Clone>(&self, name: &str, rows: &[Labelled<R>]) -> Input {
        let path = self.path(name);
        let content = write_labelled(&path, rows, &provenance(json!({})));
        Input {
            task: format!("metric.{name}"),
            labels: BTreeMap::new(),
            path,
            content: content.expect("written"),
        }
    }

    /// Eigenpairs of 2 classes: the 2 lowest and highest of 5, as images of 2 x 3 pixels.
    pub(crate) fn eigenpairs(&self) -> Input {
        let path = self.path("eigenpairs");
        let header = EigenpairsHeader {
            shape: InputShape {
                channels: 1,
                height: 2,
                width: 3,
            },
            classes: vec!["cat".to_owned(), "dog".to_owned()],
            size: 5,
        };
        let rows: Vec<EigenpairRow> = [0, 1]
            .into_iter()
            .flat_map(|class| {
                [(0, -3.0), (1, -1.0), (3, 0.5), (4, 2.0)].map(|(index, eigenvalue)| EigenpairRow {
                    class,
                    index,
                    eigenvalue,
                    input_vector: vec![0.5, -0.25, 0.0, 1.0, 0.125, -1.0],
                })
            })
            .collect();
        let content = write_eigenpairs(&path, &header, &rows, &provenance(json!({})));
        Input {
            task: "decompose.pairs".to_owned(),
            labels: BTreeMap::from([("hidden".to_owned(), json!(5))]),
            path,
            content: content.expect("written"),
        }
    }

    /// Runs a task that reads one role.
    pub(crate) fn draw(
        &self,
        kind: &str,
        parameters: Value,
        role: &str,
        inputs: &[Input],
    ) -> Outcome {
        self.draw_from(kind, parameters, &[(role, inputs)])
    }

    /// Runs a task whose inputs come from as few tasks as they must.
    pub(crate) fn draw_from(
        &self,
        kind: &str,
        parameters: Value,
        roles: &[(&str, &[Input])],
    ) -> Outcome {
        let mut inputs: BTreeMap<&str, Vec<Input>> = roles
            .iter()
            .map(|(role, inputs)| (*role, inputs.to_vec()))
            .collect();
        for [role, other] in OF_ONE_TASK {
            let Some(others) = inputs.get(other).cloned() else {
                continue;
            };
            for (input, other) in inputs.get_mut(role).into_iter().flatten().zip(others) {
                input.task = other.task;
            }
        }
        let roles: Vec<(&str, &[Input])> = inputs
            .iter()
            .map(|(role, inputs)| (*role, inputs.as_slice()))
            .collect();
        self.draw_as_given(kind, parameters, &roles)
    }

    /// Runs a task with these inputs.
    pub(crate) fn draw_as_given(
        &self,
        kind: &str,
        parameters: Value,
        roles: &[(&str, &[Input])],
    ) -> Outcome {
        let folder = self.path("outputs");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("created");
        let outputs =
            [SVG, PNG, INTERACTIVE].map(|kind| (kind.into(), folder.join(kind.file_name())));
        let task = TaskFile {
            version: TASK_VERSION,
            kind: kind.to_owned(),
            threads: 1,
            data_dir: self.0.path().to_owned(),
            download: false,
            inputs: roles
                .iter()
                .map(|(role, inputs)| ((*role).to_owned(), inputs.to_vec()))
                .collect(),
            outputs: outputs.into(),
            provenance: provenance(parameters),
        };
        let file = self.path("task.json");
        std::fs::write(&file, serde_json::to_string(&task).expect("serialises")).expect("written");
        let result = Command::new(PROGRAM)
            .arg("run")
            .arg(&file)
            .output()
            .expect("starts");
        let text = String::from_utf8(result.stdout).expect("UTF-8");
        let (mut warnings, mut failed) = (Vec::new(), Vec::new());
        for line in text.lines() {
            match serde_json::from_str(line).expect("an event") {
                Event::Warning { message } => warnings.push(message),
                Event::Failed { messages } => failed.push(messages.join(": ")),
                _ => {}
            }
        }
        Outcome {
            code: result.status.code(),
            warnings,
            failed,
            folder,
        }
    }
}

/// What a task left: events, and the outputs until the next task.
pub(crate) struct Outcome {
    code: Option<i32>,
    pub(crate) warnings: Vec<String>,
    failed: Vec<String>,
    folder: PathBuf,
}

impl Outcome {
    /// An output of a task that did not fail.
    pub(crate) fn output(&self, name: &str) -> Vec<u8> {
        assert_eq!((self.code, &self.failed), (Some(0), &Vec::new()));
        std::fs::read(self.folder.join(name)).expect("an output")
    }

    /// The drawing, which must be there as PNG as well.
    pub(crate) fn svg(&self) -> String {
        assert!(self.output("figure.png").starts_with(b"\x89PNG\r\n\x1a\n"));
        let svg = String::from_utf8(self.output("figure.svg")).expect("UTF-8");
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
        svg
    }

    /// All texts of the drawing: title, description and labels.
    pub(crate) fn texts(&self) -> Vec<String> {
        let svg = self.svg();
        let svg = roxmltree::Document::parse(&svg).expect("XML");
        texts(svg.root())
    }

    /// The texts of every group of a class, such as `panel` or `legend`.
    pub(crate) fn texts_of(&self, class: &str) -> Vec<Vec<String>> {
        let svg = self.svg();
        let svg = roxmltree::Document::parse(&svg).expect("XML");
        let groups = svg
            .descendants()
            .filter(|node| node.attribute("class") == Some(class));
        groups.map(texts).collect()
    }

    pub(crate) fn shows(&self, parts: &[&str]) {
        let texts = self.texts();
        for part in parts {
            assert!(
                texts.iter().any(|text| text.contains(part)),
                "no `{part}` in {texts:#?}"
            );
        }
    }

    pub(crate) fn fails_with(&self, part: &str) {
        assert_eq!(self.code, Some(1), "{:?}", self.failed);
        assert_eq!(self.failed.len(), 1, "{:?}", self.failed);
        assert!(self.failed[0].contains(part), "{:?}", self.failed);
        let left = std::fs::read_dir(&self.folder).expect("the folder").count();
        assert_eq!(left, 0, "something was left behind");
    }
}

/// All texts below an element.
fn texts(node: roxmltree::Node<'_, '_>) -> Vec<String> {
    let texts = node.descendants().filter(|node| node.is_text());
    texts
        .filter_map(|node| node.text())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}
