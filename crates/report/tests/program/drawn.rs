//! Tasks that draw figures, and what their drawings show.

use std::collections::BTreeMap;
use std::ops::Deref;

use eigenscope_artifact::{
    EigenpairRow, EigenpairsHeader, INTERACTIVE, InputShape, PDF, PNG, SVG, write_eigenpairs,
};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{TaskOutcome, TestFolder, TestTask, made_by, provenance};
use serde_json::{Value, json};

/// Roles of figures that read two outputs of one task.
const OF_ONE_TASK: [[&str; 2]; 12] = [
    ["plane", "circle"],
    ["accuracy", "confusion"],
    ["quality", "map"],
    ["values", "surgery"],
    ["dimensions", "clipping"],
    ["power_law", "scaling"],
    ["eigenpairs", "spectrum"],
    ["summary", "draws"],
    ["eigenpairs", "hosvd"],
    ["contributions", "explanation"],
    ["logits", "explanation"],
    ["map", "similarity"],
];

/// Eigenpairs of 2 classes: the 2 lowest and highest of 5, as images of 2 x 3 pixels.
pub(crate) fn eigenpairs(folder: &TestFolder) -> Input {
    let path = folder.path("eigenpairs.parquet");
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
    write_eigenpairs(&path, &header, &rows, None, &provenance()).expect("written");
    Input {
        labels: BTreeMap::from([("hidden".to_owned(), json!(5))]),
        ..made_by("decompose.pairs", &path)
    }
}

/// Runs a task whose inputs, each with its role, come from as few tasks as they must.
pub(crate) fn draw<'a>(
    folder: &TestFolder,
    kind: &str,
    parameters: Value,
    inputs: impl IntoIterator<Item = (&'a str, Input)>,
) -> Drawing {
    let mut inputs: Vec<(&str, Input)> = inputs.into_iter().collect();
    for [role, other] in OF_ONE_TASK {
        let others = inputs.iter().filter(|(role, _)| *role == other);
        let tasks: Vec<String> = others.map(|(_, input)| input.task.clone()).collect();
        let own = inputs.iter_mut().filter(|(name, _)| *name == role);
        for ((_, input), task) in own.zip(tasks) {
            input.task = task;
        }
    }
    draw_as_given(folder, kind, parameters, inputs)
}

/// Runs a task with these inputs.
pub(crate) fn draw_as_given<'a>(
    folder: &TestFolder,
    kind: &str,
    parameters: Value,
    inputs: impl IntoIterator<Item = (&'a str, Input)>,
) -> Drawing {
    let task = TestTask::new(Stage::Figure, kind, parameters).writes(&[SVG, PNG, PDF, INTERACTIVE]);
    let inputs = inputs.into_iter();
    let task = inputs.fold(task, |task, (role, input)| task.reads(role, &input));
    Drawing(task.run(folder))
}

/// The outcome of a task that draws a figure.
pub(crate) struct Drawing(TaskOutcome);

impl Deref for Drawing {
    type Target = TaskOutcome;

    fn deref(&self) -> &TaskOutcome {
        &self.0
    }
}

impl Drawing {
    /// The drawing as SVG, which must be there as PNG as well.
    pub(crate) fn svg(&self) -> String {
        assert!(self.bytes(PNG).starts_with(b"\x89PNG\r\n\x1a\n"));
        let svg = String::from_utf8(self.bytes(SVG)).expect("UTF-8");
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
