//! What each kind of figure is drawn from, in any size. A new kind needs an arm here.

mod arrays;
mod interactions;
mod tables;

use std::collections::BTreeMap;
use std::path::PathBuf;

use eigenscope_artifact::{Digest, InputShape, SplitName};
use eigenscope_stage::Input;
use serde_json::{Value, json};

use super::Size;
use eigenscope_testing::TestFolder;

/// Parameters that are not the defaults, and the inputs with their roles.
type Made = (Value, Vec<(&'static str, Input)>);

pub(super) fn inputs(folder: &TestFolder, kind: &str, size: Size) -> Made {
    let made = Maker { folder, size };
    match kind {
        "training" => made.training(),
        "similarity" => made.similarity(),
        "similarity-map" => made.similarity_map(),
        "truncation" => made.truncation(),
        "eigenvectors" => (json!({}), vec![("eigenpairs", made.eigenpairs())]),
        "ground-truth" => (json!({}), vec![("patterns", made.patterns())]),
        "eigenspectrum" => made.eigenspectrum(),
        "masks" => made.masks(),
        "eigenvector-grid" => made.eigenvector_grid(),
        "hosvd" => made.hosvd(),
        "explanation" => made.explanation(),
        "participation" => made.participation(),
        "completeness" => made.completeness(),
        "shared-basis" => made.shared_basis(),
        "layer-clipping" => made.layer_clipping(),
        "layer-overlap" => made.layer_overlap(),
        "weight-quality" => made.weight_quality(),
        "representation-similarity" => made.representation_similarity(),
        "samples" => (
            json!({"count": size.members.min(20)}),
            vec![("data", made.images(SplitName::Train, size.members))],
        ),
        "rainbow" => made.rainbow(),
        "surgery" => made.surgery(),
        "merges" => made.merges(),
        "embedding-space" => (
            json!({"count": 1000}),
            vec![("embeddings", made.embeddings())],
        ),
        "unit-circle" => made.unit_circle(),
        "t-sne" => made.map(),
        "neighbours" => made.neighbours(),
        "confusion" => made.confusion(),
        "mistakes" => (
            json!({"count": size.members.min(36)}),
            vec![
                ("embeddings", made.embeddings()),
                ("data", made.images(SplitName::Test, made.count())),
            ],
        ),
        "kernels" => made.kernels(),
        "scaling" => made.scaling(),
        "timeline" => made.timeline(),
        _ => panic!("no made input for figures of kind `{kind}`"),
    }
}

struct Maker<'a> {
    folder: &'a TestFolder,
    size: Size,
}

impl Maker<'_> {
    /// The name of a thing, different for each number.
    fn name(&self, what: &str, number: usize) -> String {
        let name = format!("{what}{number}");
        match (self.size.long, number % 2) {
            (false, _) => name,
            (true, 0) => format!(
                "{}{name}",
                "long-".repeat(25)[..100 - name.len()].to_owned()
            ),
            (true, _) => format!("{name}{}", "x".repeat(100 - name.len())),
        }
    }

    fn classes(&self) -> Vec<String> {
        (0..self.size.classes)
            .map(|class| self.name("class ", class))
            .collect()
    }

    /// Number of images: some of each class, two hundred at least.
    fn count(&self) -> usize {
        (2 * self.size.classes).max(200)
    }

    fn pixels(&self) -> usize {
        self.size.shape.0 * self.size.shape.1
    }

    fn shape(&self) -> InputShape {
        let (height, width) = self.size.shape;
        InputShape {
            channels: 1,
            height,
            width,
        }
    }

    /// The same input, of a task with labels of its own.
    fn member(&self, mut input: Input, number: usize) -> Input {
        let name = self.name("table", number);
        input.task = format!("metric.{name}[rate={number}]");
        input
            .labels
            .insert("learning_rate".to_owned(), json!(number as f64 / 1e4));
        input.labels.insert("note".to_owned(), json!(name));
        input
    }

    fn file(&self, path: PathBuf, content: Digest) -> Input {
        let input = Input {
            task: String::new(),
            labels: BTreeMap::new(),
            path,
            content,
            renamed: BTreeMap::new(),
        };
        self.member(input, 0)
    }

    fn members(&self) -> std::ops::Range<usize> {
        0..self.size.members
    }
}
