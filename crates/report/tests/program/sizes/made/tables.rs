//! Tables.

use eigenscope_artifact::tables::bilinear::SimilarityMapRow;
use eigenscope_artifact::tables::embeddings::{ClassAccuracyRow, ConfusionRow};
use eigenscope_artifact::tables::ledger::LedgerRow;
use eigenscope_artifact::tables::representations::{
    RepresentationMapRow, RepresentationSimilarityRow,
};
use eigenscope_stage::Input;
use serde_json::json;

use super::{Made, Maker};
use crate::{classes, layers, rainbow, scaling, timeline};

impl Maker<'_> {
    pub(super) fn training(&self) -> Made {
        let table = self.folder.table("history", &crate::history(3));
        let member = |number| ("histories", self.member(table.clone(), number));
        (json!({}), self.members().map(member).collect())
    }

    pub(super) fn similarity(&self) -> Made {
        let rows = self.members().flat_map(|number| {
            let rows = crate::similarity("corrected", Some(0.01))
                .into_iter()
                .take(3);
            rows.map(move |mut row| {
                row.hidden = number as u32 + 1;
                row
            })
        });
        let rows: Vec<_> = rows.collect();
        let table = self.folder.table("similarity", &rows);
        (json!({}), vec![("similarity", table)])
    }

    pub(super) fn similarity_map(&self) -> Made {
        let row = |row_hidden: usize, column_hidden: usize| SimilarityMapRow {
            row_hidden: row_hidden as u32,
            column_hidden: column_hidden as u32,
            ..crate::map("corrected", Some(0.5)).remove(0)
        };
        let rows = self
            .members()
            .flat_map(|one| self.members().map(move |other| row(one, other)));
        let table = self.folder.table("map", &rows.collect::<Vec<_>>());
        (json!({}), vec![("map", table)])
    }

    pub(super) fn truncation(&self) -> Made {
        let rows = self.members().flat_map(|number| {
            let rows = crate::truncation(&[0.9, 0.2, 0.05], Some(0.01)).into_iter();
            rows.map(move |mut row| {
                row.hidden = number as u32 + 1;
                row
            })
        });
        let table = self.folder.table("truncation", &rows.collect::<Vec<_>>());
        (json!({}), vec![("truncation", table)])
    }

    pub(super) fn layers(&self) -> Vec<String> {
        self.members()
            .map(|layer| self.name("layer", layer))
            .collect()
    }

    pub(super) fn layer_clipping(&self) -> Made {
        let (mut spectrum, mut clipping, mut dimensions) = (Vec::new(), Vec::new(), Vec::new());
        for layer in self.layers() {
            spectrum.extend(layers::spectrum("weights", &layer, &[4.0, 1.0, 0.25]));
            clipping.extend(layers::clipping(&layer, &[20, 45, 62]));
            dimensions.push(layers::needed(&layer, 3, Some(3)));
        }
        let roles = vec![
            ("spectrum", self.folder.table("spectrum", &spectrum)),
            ("clipping", self.folder.table("clipping", &clipping)),
            ("dimensions", self.folder.table("dimensions", &dimensions)),
        ];
        (json!({}), roles)
    }

    pub(super) fn layer_overlap(&self) -> Made {
        let (mut spectrum, mut overlap, mut fit) = (Vec::new(), Vec::new(), Vec::new());
        for layer in self.layers() {
            spectrum.extend(layers::spectrum("activations", &layer, &[4.0, 1.0]));
            overlap.extend(layers::overlap(&layer, 2));
            fit.push(layers::fit(&layer, "train", 0.9));
        }
        let table = self.folder.table("spectrum", &spectrum);
        let roles = vec![
            ("reference", self.member(table.clone(), 0)),
            ("other", self.member(table, 1)),
            ("overlap", self.folder.table("overlap", &overlap)),
            ("fit", self.folder.table("fit", &fit)),
        ];
        (json!({}), roles)
    }

    /// As many models as members, each with as many layers, of which twenty at most.
    pub(super) fn weight_quality(&self) -> Made {
        let layers = self.layers().into_iter().take(20).enumerate();
        let rows = layers.map(|(number, layer)| layers::quality(&layer, number));
        let table = self.folder.table("quality", &rows.collect::<Vec<_>>());
        let member = |number| ("quality", self.member(table.clone(), number));
        (json!({}), self.members().map(member).collect())
    }

    /// As many networks as members, of which fifty at most, each with one layer.
    pub(super) fn representation_similarity(&self) -> Made {
        let count = self.size.members.min(50);
        let models: Vec<String> = (0..count)
            .map(|number| format!("train.net[note={},seed={number}]", self.name("n", number)))
            .collect();
        let pairs = (0..count).flat_map(|row| (0..count).map(move |column| (row, column)));
        let similarity = pairs.map(|(row, column)| RepresentationSimilarityRow {
            measure: "cka".to_owned(),
            row_model: models[row].clone(),
            row_layer: "layer3".to_owned(),
            column_model: models[column].clone(),
            column_layer: "layer3".to_owned(),
            value: (row != 1 && column != 1).then(|| 1.0 / (1.0 + row.abs_diff(column) as f64)),
        });
        let varying = models.iter().enumerate().filter(|(number, _)| *number != 1);
        let map = varying.map(|(number, model)| RepresentationMapRow {
            measure: "cka".to_owned(),
            model: model.clone(),
            layer: "layer3".to_owned(),
            x: (number as f64).sin(),
            y: (number as f64).cos(),
            share_fraction: Some(0.8),
        });
        let roles = vec![
            (
                "similarity",
                self.folder
                    .table("similarity", &similarity.collect::<Vec<_>>()),
            ),
            ("map", self.folder.table("places", &map.collect::<Vec<_>>())),
        ];
        (json!({}), roles)
    }

    pub(super) fn rainbow(&self) -> Made {
        let draws = self
            .folder
            .table("draws", &rainbow::draws(&rainbow::CORRECT));
        let summary = rainbow::summary(&rainbow::CORRECT, 0.32, Some(0.03));
        let summary = self.folder.table("summary", &[summary]);
        let member = |number| {
            let of = |input: &Input| self.member(input.clone(), number);
            [("draws", of(&draws)), ("summary", of(&summary))]
        };
        (json!({}), self.members().flat_map(member).collect())
    }

    pub(super) fn accuracies(&self) -> Vec<ClassAccuracyRow> {
        let names = self.classes();
        let classes: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 999)).collect();
        classes::accuracies(&classes)
    }

    pub(super) fn surgery(&self) -> Made {
        let names = self.classes();
        let name = |number: usize| names[number % names.len()].as_str();
        let operations = self
            .members()
            .map(|number| classes::operation(name(number), name(number + 1)));
        let values: Vec<f64> = self.members().map(|rank| 1.0 / (rank + 1) as f64).collect();
        let values = ["before", "after"].map(|state| classes::singular_values(state, &values));
        let operations: Vec<_> = operations.collect();
        let accuracies = || self.folder.table("accuracy", &self.accuracies());
        let roles = vec![
            ("surgery", self.folder.table("surgery", &operations)),
            ("values", self.folder.table("values", &values.concat())),
            ("before", accuracies()),
            ("after", accuracies()),
        ];
        (json!({}), roles)
    }

    pub(super) fn merges(&self) -> Made {
        let mut names = self.classes();
        if names.len() == 1 {
            names.push(self.name("class", 1));
        }
        let rows = names.iter().enumerate().flat_map(|(first, one)| {
            let others = names[first + 1..].iter();
            others.map(move |other| classes::merge(one, other, 0.01 * (first % 100) as f64))
        });
        let table = self.folder.table("merges", &rows.collect::<Vec<_>>());
        (json!({}), vec![("merges", table)])
    }

    pub(super) fn confusion(&self) -> Made {
        let classes = self.size.classes;
        let row = |label: usize, predicted: usize| ConfusionRow {
            label: label as u32,
            predicted: predicted as u32,
            images: if label == predicted { 999 } else { 1 },
        };
        let rows: Vec<ConfusionRow> = (0..classes)
            .flat_map(|label| (0..classes).map(move |predicted| row(label, predicted)))
            .collect();
        let roles = vec![
            ("confusion", self.folder.table("confusion", &rows)),
            (
                "accuracy",
                self.folder.table("accuracy", &self.accuracies()),
            ),
        ];
        (json!({}), roles)
    }

    pub(super) fn scaling(&self) -> Made {
        let rows: Vec<_> = self
            .members()
            .map(|number| scaling::row(100 + number as u32))
            .collect();
        let laws = ["train_loss_nats", "test_loss_nats"]
            .map(|quantity| scaling::law(quantity, Some(0.06)));
        let roles = vec![
            ("scaling", self.folder.table("scaling", &rows)),
            ("power_law", self.folder.table("law", &laws)),
        ];
        (json!({}), roles)
    }

    /// As many tasks as members, some of them on as many threads as there are classes.
    pub(super) fn timeline(&self) -> Made {
        let rows = self.members().map(|number| LedgerRow {
            threads: if number % 7 == 0 {
                self.size.classes as u32
            } else {
                1
            },
            ..timeline::row(
                &format!("train.{}[seed={number}]", self.name("model", number)),
                "train",
                10.0 * number as f64,
                100.0,
            )
        });
        let table = self.folder.table("ledger", &rows.collect::<Vec<_>>());
        (json!({}), vec![("ledger", table)])
    }
}
