//! The page "Add an analysis", step by step in a copy of this workspace: the code of the page becomes a kind of table, a metric
//! and a figure, its tables a pipeline; nothing else is touched, and the result is drawn.

use std::fs;

use eigenscope_stage::Stage;
use eigenscope_testing::{WorkspaceCopy, workspace};
use serde_json::json;

/// The page that is followed.
const PAGE: &str = "docs/contributing/add-an-analysis.md";

/// What the tables of the page read.
const PIPELINE: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 2
batch = 64

[metric.final]
kind = "final-accuracy"
histories = "train.bilinear"

"#;

/// The fenced blocks of the page that begin like this, without that beginning.
fn blocks<'a>(page: &'a str, start: &str) -> Vec<&'a str> {
    let blocks = page.split(start).skip(1);
    let end = |block: &'a str| block.split_once("\n```").expect("the end of a block").0;
    blocks.map(end).collect()
}

/// Follows the steps in a copy of the workspace.
fn follow(page: &str, copy: &WorkspaceCopy) {
    for block in blocks(page, "```rust\n// crates/") {
        let (file, code) = block.split_once('\n').expect("code");
        match file.strip_suffix(", continued") {
            Some(file) => copy.append(file, &format!("\n{code}\n")),
            None => copy.add(file, &format!("{code}\n")),
        }
    }
    for (list, module, kind) in [
        (
            "metrics/src/tasks/mod.rs",
            "mod neighbours;",
            "scaling::kind(),",
        ),
        ("report/src/plots/mod.rs", "mod map;", "training::kind(),"),
    ] {
        assert!(page.contains(&format!("`crates/{list}`")), "{list}");
        copy.edit(list, module, &format!("mod gap;\n{module}"));
        copy.edit(list, kind, &format!("{kind}\n        gap::kind(),"));
    }
}

#[test]
fn the_steps_of_the_page_are_enough() {
    let page = fs::read_to_string(workspace(PAGE)).expect("the page");
    let tables = blocks(&page, "```toml\n").concat();
    let copy = WorkspaceCopy::new(&format!("{PIPELINE}{tables}\n"));
    follow(&page, &copy);
    let project = copy.build(&[Stage::Metric, Stage::Figure]);
    project.run();
    let figure = project.read("artifacts/p/figures/gap.svg");
    assert!(
        figure.contains("<svg") && figure.contains(">Gap<"),
        "{figure}"
    );

    // The numbers are those of another table of the same models.
    let query = "select max(abs(g.gap_fraction - 2 * (f.train_accuracy_fraction - f.test_accuracy_fraction))) as off, \
                 count(*) as models from metric_gap g join metric_final f on g.model = f.model";
    let answer = project.json(&["sql", "p.toml", query]);
    assert_eq!(answer["rows"], json!([[0.0, 2]]));

    // What holds for every kind: it changes no other one, its results are up to date and have the same bytes however they
    // are computed, and damage to any of their files is found and repaired.
    for stage in [Stage::Metric, Stage::Figure] {
        project.assert_adds(stage, "gap");
    }
    project.call(&["status", "p.toml", "--check"]).expect(0);
    project
        .call(&["verify", "p.toml", "--bytes", "metric.gap", "figure.gap"])
        .expect(0);
    project.assert_reproduces(&project.artifacts("artifacts"));
    project.assert_damage_is_repaired();
}
