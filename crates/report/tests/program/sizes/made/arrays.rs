//! Images, vectors that are drawn as images, and embeddings.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::tables::embeddings::{MapQualityRow, MapRow, NeighbourRow};
use eigenscope_artifact::{
    EigenpairRow, EigenpairsHeader, Embeddings, EmbeddingsHeader, ImageHeader, PatternRow,
    PixelTransform, SourceCheck, Split, SplitName, TENSORS, write_eigenpairs, write_patterns,
    write_tensors,
};
use eigenscope_stage::Input;
use serde_json::json;

use super::{Made, Maker};
use crate::embeddings::Circle;
use crate::{embeddings, kernels, samples};
use eigenscope_testing::provenance;

impl Maker<'_> {
    /// All eigenpairs of every class.
    pub(super) fn eigenpairs(&self) -> Input {
        let count = self.eigenvalues();
        let header = EigenpairsHeader {
            shape: self.shape(),
            classes: self.classes(),
            size: count as u32,
        };
        let row = |class: usize, index: usize| EigenpairRow {
            class: class as u32,
            index: index as u32,
            eigenvalue: eigenvalue(index, count),
            input_vector: (0..self.pixels())
                .map(|pixel| (pixel as f32).sin())
                .collect(),
        };
        let rows: Vec<EigenpairRow> = (0..self.size.classes)
            .flat_map(|class| (0..count).map(move |index| row(class, index)))
            .collect();
        let path = self.folder.path("eigenpairs");
        let content = write_eigenpairs(&path, &header, &rows, None, &provenance());
        self.file(path, content.expect("written"))
    }

    /// Number of eigenvalues of a class.
    pub(super) fn eigenvalues(&self) -> usize {
        self.size.members.min(12)
    }

    pub(super) fn eigenspectrum(&self) -> Made {
        let count = self.eigenvalues();
        let rows: Vec<SpectrumRow> = (0..count)
            .map(|index| SpectrumRow {
                class: 0,
                index: index as u32,
                eigenvalue: eigenvalue(index, count),
            })
            .collect();
        let roles = vec![
            ("spectrum", self.folder.table("spectrum", &rows)),
            ("eigenpairs", self.eigenpairs()),
        ];
        (json!({"class": 0, "shown": 6, "count": 1000}), roles)
    }

    pub(super) fn patterns(&self) -> Input {
        let row = |name: &str| PatternRow {
            name: name.to_owned(),
            eigenvalue: Some(1.5),
            bias_component: None,
            cosine_with_target: Some(0.5),
            vector: (0..self.pixels())
                .map(|pixel| (pixel as f32).cos())
                .collect(),
        };
        let rows = ["top eigenvector", "linear bias", "target"].map(row);
        let path = self.folder.path("patterns");
        let content = write_patterns(&path, self.shape(), &rows, &provenance());
        self.file(path, content.expect("written"))
    }

    pub(super) fn images(&self, split: SplitName, count: usize) -> Input {
        let (height, width) = self.size.shape;
        let header = ImageHeader {
            height,
            width,
            channels: 1,
            maximum: 255,
            classes: self.classes(),
            transforms: vec![PixelTransform::Scale],
            source: SourceCheck::Unpublished,
        };
        let labels = (0..count).map(|index| (index % self.size.classes) as u16);
        let images = Split {
            labels: labels.collect(),
            ..samples::images(&header, count)
        };
        samples::data(self.folder, &header, split, &images)
    }

    /// Embeddings of three values, each of another class than predicted.
    pub(super) fn embeddings(&self) -> Input {
        embeddings::input(self.folder, &self.embedded())
    }

    pub(super) fn unit_circle(&self) -> Made {
        (json!({}), Circle::of(self.embedded()).inputs(self.folder))
    }

    fn embedded(&self) -> Embeddings {
        let count = self.count();
        let labels: Vec<u16> = (0..count)
            .map(|index| (index % self.size.classes) as u16)
            .collect();
        let predicted = labels
            .iter()
            .map(|label| (label + 1) % self.size.classes as u16);
        let value = |index: usize| (index as f32).sin() + 0.1;
        Embeddings {
            header: EmbeddingsHeader {
                layer: self.name("layer", 0),
                width: 3,
                split: SplitName::Test,
                classes: self.classes(),
            },
            indices: (0..count as u32).collect(),
            predicted: predicted.collect(),
            vectors: (0..3 * count).map(value).collect(),
            labels,
        }
    }

    pub(super) fn map(&self) -> Made {
        let count = self.count();
        let row = |index: usize| MapRow {
            index: index as u32,
            label: (index % self.size.classes) as u32,
            x: (index as f64).sin(),
            y: (2.0 * index as f64).cos(),
        };
        let quality = MapQualityRow {
            images: count as u32,
            perplexity: 30.0,
            neighbours_found_fraction: 0.987,
            kl_divergence_nats: 0.7,
            neighbours: 10,
            neighbour_accuracy_fraction: 0.97,
            embedding_neighbour_accuracy_fraction: 0.98,
        };
        let rows: Vec<MapRow> = (0..count).map(row).collect();
        let roles = vec![
            ("map", self.folder.table("map", &rows)),
            ("quality", self.folder.table("quality", &[quality])),
            ("embeddings", self.embeddings()),
        ];
        (json!({}), roles)
    }

    /// As many images as members, with a hundredth as many neighbours.
    pub(super) fn neighbours(&self) -> Made {
        let count = self.count().max(self.size.members);
        let neighbours = (self.size.members / 100).max(1);
        let label = |index: usize| (index % self.size.classes) as u32;
        let row = |query: usize, rank: usize| NeighbourRow {
            query_index: query as u32,
            query_label: label(query),
            rank: rank as u32,
            index: ((query + rank) % count) as u32,
            label: label((query + rank) % count),
            distance: rank as f64,
        };
        let rows: Vec<NeighbourRow> = self
            .members()
            .flat_map(|query| (1..=neighbours).map(move |rank| row(query, rank)))
            .collect();
        let roles = vec![
            ("neighbours", self.folder.table("neighbours", &rows)),
            ("data", self.images(SplitName::Test, count)),
        ];
        (json!({}), roles)
    }

    pub(super) fn kernels(&self) -> Made {
        let (height, width) = self.size.shape;
        let layer = self.name("layer", 0);
        let weight = kernels::tensor(
            &format!("{layer}.weight"),
            &[self.size.members, 1, height, width],
        );
        let path = self.folder.path("model");
        let architecture = json!({
            "input": {"channels": 1, "height": height, "width": width},
            "classes": self.classes(),
            "network": "some",
        });
        let provenance = provenance();
        let content = write_tensors(&path, TENSORS, &architecture, &[weight], &provenance);
        let model = self.file(path, content.expect("written"));
        (
            json!({"layer": layer, "count": self.size.members.min(36)}),
            vec![("model", model)],
        )
    }
}

/// One of `count` eigenvalues of both signs, ascending.
fn eigenvalue(index: usize, count: usize) -> f64 {
    index as f64 - count as f64 / 2.0 + 0.25
}
