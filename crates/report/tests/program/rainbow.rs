//! Generated networks beside the trained ones.

use eigenscope_artifact::tables::rainbow::{RainbowRow, RainbowSummaryRow};
use eigenscope_stage::Input;
use eigenscope_testing::TestFolder;
use serde_json::json;

use crate::drawn::{self, Drawing};

pub(crate) fn draws(correct: &[u32]) -> Vec<RainbowRow> {
    let row = |(draw, &correct): (u32, &u32)| RainbowRow {
        draw,
        correct,
        images: 100,
        accuracy_fraction: f64::from(correct) / 100.0,
    };
    (1..).zip(correct).map(row).collect()
}

/// The summary of [`draws`], sorted, around `mean`.
pub(crate) fn summary(correct: &[u32], mean: f64, std: Option<f64>) -> RainbowSummaryRow {
    let rows = draws(correct);
    RainbowSummaryRow {
        draws: rows.len() as u32,
        trained_accuracy_fraction: 0.5,
        generated_accuracy_mean_fraction: mean,
        generated_accuracy_std_fraction: std,
        generated_accuracy_min_fraction: rows[0].accuracy_fraction,
        generated_accuracy_max_fraction: rows[rows.len() - 1].accuracy_fraction,
    }
}

pub(crate) const CORRECT: [u32; 3] = [30, 31, 35];

struct Tables {
    draws: Vec<Input>,
    summaries: Vec<Input>,
}

impl Tables {
    fn new() -> Self {
        Self {
            draws: Vec::new(),
            summaries: Vec::new(),
        }
    }

    fn add(&mut self, folder: &TestFolder, task: &str, seed: Option<u32>) {
        let number = self.draws.len();
        let rows = [summary(&CORRECT, 0.32, Some(0.0265))];
        let mut inputs = [
            folder.table(&format!("draws-{number}"), &draws(&CORRECT)),
            folder.table(&format!("summary-{number}"), &rows),
        ];
        for input in &mut inputs {
            input.task = task.to_owned();
            input
                .labels
                .extend(seed.map(|seed| ("seed".to_owned(), json!(seed))));
        }
        let [draws, summary] = inputs;
        self.draws.push(draws);
        self.summaries.push(summary);
    }

    fn draw_in(&self, folder: &TestFolder) -> Drawing {
        let draws = self.draws.iter().map(|input| ("draws", input.clone()));
        let summaries = self
            .summaries
            .iter()
            .map(|input| ("summary", input.clone()));
        let inputs = draws.chain(summaries);
        drawn::draw(folder, "rainbow", json!({}), inputs)
    }
}

#[test]
fn every_model_has_its_place() {
    let folder = TestFolder::new();
    let mut tables = Tables::new();
    tables.add(&folder, "decompose.rainbow-mlp", None);
    tables.add(&folder, "decompose.rainbow-cnn", None);
    let drawn = tables.draw_in(&folder);
    assert_eq!(drawn.texts_of("x-axis"), [["mlp", "cnn"]]);
    let legend = [
        "trained network",
        "generated network",
        "mean ± one standard deviation",
    ];
    assert_eq!(drawn.texts_of("legend"), [legend]);
    drawn.shows(&["mlp: trained 50.0 %, generated 32.0 ± 2.6 % (mean of 3); cnn: trained"]);
    // One path for the dots of each model: as many starts as networks.
    let dots = drawn
        .svg()
        .lines()
        .filter(|line| line.contains("stroke-opacity=\"0.55\""))
        .map(|line| line.matches('M').count())
        .collect::<Vec<_>>();
    assert_eq!(dots, [3, 3]);
}

#[test]
fn seeds_are_told_apart_and_one_model_has_its_table() {
    let folder = TestFolder::new();
    let mut tables = Tables::new();
    tables.add(&folder, "decompose.rainbow", None);
    let one = tables.draw_in(&folder).texts_of("x-axis");
    assert_eq!(one, [["rainbow"]]);
    let mut tables = Tables::new();
    for seed in 0..3 {
        tables.add(
            &folder,
            &format!("decompose.rainbow[seed={seed}]"),
            Some(seed),
        );
    }
    let seeds = tables.draw_in(&folder).texts_of("x-axis");
    assert_eq!(seeds, [["seed 0", "seed 1", "seed 2"]]);
}

#[test]
fn one_draw_has_no_spread() {
    let folder = TestFolder::new();
    let tables = Tables {
        draws: vec![folder.table("draws", &draws(&[31]))],
        summaries: vec![folder.table("summary", &[summary(&[31], 0.31, None)])],
    };
    tables
        .draw_in(&folder)
        .shows(&["generated 31.0 % (mean of 1)"]);
}

#[test]
fn tables_that_do_not_belong_together_are_refused() {
    let folder = TestFolder::new();
    let refused = |draws: &[RainbowRow], summaries: &[RainbowSummaryRow], reason: &str| {
        let tables = Tables {
            draws: vec![folder.table("draws", draws)],
            summaries: vec![folder.table("summary", summaries)],
        };
        tables.draw_in(&folder).fails_with(reason);
    };
    let good = summary(&CORRECT, 0.32, None);
    let unlike = "the summary of metric.draws is not that of its draws";
    refused(&[], std::slice::from_ref(&good), unlike);
    refused(&draws(&[30, 31]), std::slice::from_ref(&good), unlike);
    refused(&draws(&[29, 31, 35]), std::slice::from_ref(&good), unlike);
    refused(
        &draws(&CORRECT),
        &[],
        "metric.draws has 0 rows, expected one",
    );
    refused(
        &draws(&CORRECT),
        &[good.clone(), good],
        "has 2 rows, expected one",
    );
    let mut tables = Tables::new();
    tables.add(&folder, "decompose.rainbow", None);
    tables.draws.push(tables.draws[0].clone());
    tables
        .draw_in(&folder)
        .fails_with("2 tables of draws and 1 summaries");
}
