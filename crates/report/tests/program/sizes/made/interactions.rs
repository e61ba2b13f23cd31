//! What is made from the interaction tensor of a bilinear layer.

use eigenscope_artifact::tables::interactions::{
    CompletenessRow, ContributionRow, ExplanationRow, HosvdRow, LogitRow, ParticipationRow,
    SharedBasisRow,
};
use eigenscope_artifact::tables::masks::{MaskRow, MaskSummaryRow};
use eigenscope_artifact::{ImageRecord, ImageRow, ImageTable, ImageTableHeader, Labelled};
use eigenscope_stage::Input;
use eigenscope_testing::provenance;
use serde_json::json;

use super::{Made, Maker};

impl Maker<'_> {
    /// A table whose rows have images.
    fn image_table<R: ImageRecord + Clone>(&self, name: &str, rows: Vec<R>) -> Input {
        let image: Vec<f32> = (0..self.pixels())
            .map(|pixel| (pixel as f32).sin())
            .collect();
        let rows = rows.into_iter().map(|row| ImageRow {
            row,
            images: vec![image.clone(); R::IMAGES.len()],
        });
        let table = ImageTable {
            header: ImageTableHeader {
                shape: self.shape(),
                classes: self.classes(),
            },
            rows: rows.collect(),
        };
        let path = self.folder.path(name);
        let content = table.write(&path, &provenance());
        self.file(path, content.expect("written"))
    }

    /// A mask for each class, at as many strengths as there are members.
    pub(super) fn masks(&self) -> Made {
        let masks = (0..self.size.classes).map(|class| MaskRow {
            class: class as u32,
            rank: 1,
            eigenvalue: 0.5,
            encoder_std: 0.1,
        });
        let row = |mask: &str, strength: f64| MaskSummaryRow {
            mask: mask.to_owned(),
            strength,
            masks: self.size.classes as u32,
            accuracy_mean_fraction: 1.0 / (1.0 + strength),
            accuracy_half_width_fraction: (self.size.classes > 1).then_some(0.01),
            misclassified_mean_fraction: strength / (1.0 + strength),
            misclassified_half_width_fraction: (self.size.classes > 1).then_some(0.01),
        };
        let masked = self.members().flat_map(|number| {
            ["adversarial", "random"].map(|mask| row(mask, (number + 1) as f64 / 40.0))
        });
        let summary: Vec<MaskSummaryRow> =
            std::iter::once(row("none", 0.0)).chain(masked).collect();
        let roles = vec![
            ("masks", self.image_table("masks", masks.collect())),
            ("summary", self.folder.table("summary", &summary)),
        ];
        (json!({}), roles)
    }

    /// The eigenvectors of as many models as members, of the first few classes.
    pub(super) fn eigenvector_grid(&self) -> Made {
        let eigenpairs = self.eigenpairs();
        let history = self.folder.table("history", &crate::history(3));
        let members = self.members().flat_map(|number| {
            [("eigenpairs", &eigenpairs), ("histories", &history)]
                .map(|(role, input)| (role, self.member(input.clone(), number)))
        });
        let classes: Vec<usize> = (0..self.size.classes.min(5)).collect();
        (json!({"classes": classes}), members.collect())
    }

    pub(super) fn hosvd(&self) -> Made {
        let classes = self.classes();
        let component = |number: u32| {
            let row = move |class: &String| HosvdRow {
                component: number,
                singular_value: 1.0 / f64::from(number),
                class: class.clone(),
                contribution: f64::from(number).sin(),
            };
            classes.iter().map(row).collect::<Vec<_>>()
        };
        let rows: Vec<HosvdRow> = (1..=self.size.classes as u32).flat_map(component).collect();
        let roles = vec![
            ("hosvd", self.folder.table("hosvd", &rows)),
            ("eigenpairs", self.eigenpairs()),
        ];
        (json!({"components": 20, "shown": 6}), roles)
    }

    /// The explanation of three classes by as many eigenpairs as members.
    pub(super) fn explanation(&self) -> Made {
        let names = self.classes();
        let shown = self.size.classes.min(3);
        let row = |what: &str, class: usize| ExplanationRow {
            what: what.to_owned(),
            class: class as u32,
            index: 7,
            eigenvalue: (what != "image").then_some(0.5),
            contribution: match what {
                "positive" => Some(1.5),
                "negative" => Some(-1.5),
                _ => None,
            },
        };
        let pairs =
            (0..shown).flat_map(|class| ["positive", "negative"].map(|what| row(what, class)));
        let pictures = std::iter::once(row("image", 0)).chain(pairs).collect();
        let contributions = names[..shown].iter().flat_map(|class| {
            self.members().map(move |rank| ContributionRow {
                class: class.clone(),
                rank: rank as u32 + 1,
                eigenvalue: 0.5,
                contribution: 10.0 - rank as f64,
            })
        });
        let logits = names.iter().enumerate().map(|(class, name)| LogitRow {
            class: name.clone(),
            is_label: class == 0,
            logit: (class as f64).cos(),
            quadratic: 0.5,
        });
        let roles = vec![
            ("explanation", self.image_table("explanation", pictures)),
            (
                "contributions",
                self.folder
                    .table("contributions", &contributions.collect::<Vec<_>>()),
            ),
            (
                "logits",
                self.folder.table("logits", &logits.collect::<Vec<_>>()),
            ),
        ];
        (json!({}), roles)
    }

    pub(super) fn participation(&self) -> Made {
        let side = (self.size.members as f64).sqrt().ceil() as usize;
        let rows = self.members().map(|number| Labelled {
            labels: [
                ("noise_std".to_owned(), json!((number % side) as f64 / 5.0)),
                (
                    "weight_decay".to_owned(),
                    json!((number / side) as f64 / 5.0),
                ),
            ]
            .into(),
            row: ParticipationRow {
                models: 1,
                eigenvalue_ratio_mean: 1.0 + number as f64,
                eigenvalue_ratio_std: Some(0.5),
                eigenvectors: 5,
                eigenvector_ratio_mean: 20.5,
                eigenvector_ratio_std: None,
            },
        });
        let table = self
            .folder
            .labelled("participation", &rows.collect::<Vec<_>>());
        (json!({}), vec![("participation", table)])
    }

    pub(super) fn completeness(&self) -> Made {
        let classes = self.classes();
        let rows = self.members().take(5).flat_map(|number| {
            let classes = &classes;
            classes.iter().flat_map(move |class| {
                classes.iter().map(move |subspace| CompletenessRow {
                    kept: number as u32 + 1,
                    class: class.clone(),
                    subspace: subspace.clone(),
                    share: if class == subspace { 1.0 } else { 0.25 },
                })
            })
        });
        let table = self.folder.table("completeness", &rows.collect::<Vec<_>>());
        (json!({}), vec![("completeness", table)])
    }

    pub(super) fn shared_basis(&self) -> Made {
        let rows = self.members().map(|number| SharedBasisRow {
            rank: number as u32 + 1,
            share: 1.0 - 1.0 / (number + 2) as f64,
            correct: 50,
            images: 100,
            accuracy_fraction: 1.0 - 1.0 / (number + 2) as f64,
            full_accuracy_fraction: 0.99,
        });
        let table = self.folder.table("accuracy", &rows.collect::<Vec<_>>());
        (json!({}), vec![("accuracy", table)])
    }
}
