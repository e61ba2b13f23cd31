//! The timeline of a run.

use eigenscope_artifact::tables::ledger::LedgerRow;
use eigenscope_testing::TestFolder;
use serde_json::json;

use crate::drawn::{self, Drawing};

pub(crate) fn row(task: &str, section: &str, start_seconds: f64, wall_seconds: f64) -> LedgerRow {
    LedgerRow {
        run: "run".to_owned(),
        pipeline: "sweep".to_owned(),
        task: task.to_owned(),
        key: "key".to_owned(),
        section: section.to_owned(),
        kind: "kind".to_owned(),
        start_seconds,
        wall_seconds,
        cpu_seconds: Some(wall_seconds),
        peak_bytes: None,
        threads: 1,
        outcome: "done".to_owned(),
        host_cores: 2,
    }
}

fn draw(folder: &TestFolder, rows: &[LedgerRow]) -> Drawing {
    let ledger = folder.table("ledger", rows);
    drawn::draw(folder, "timeline", json!({}), [("ledger", ledger)])
}

#[test]
fn long_tasks_have_names_and_the_title_says_how_idle_the_cores_were() {
    let rows = [
        row("train.bilinear[hidden=300,seed=0]", "train", 0.0, 600.0),
        row("train.bilinear[hidden=300,seed=1]", "train", 0.0, 1200.0),
        row("metric.final", "metric", 1200.0, 0.1),
    ];
    // 1800.1 of 2 x 1200.1 core-seconds.
    draw(&TestFolder::new(), &rows).shows(&[
        "sweep: 3 tasks in 20 min 00 s, 0.50 core-hours, cores 25.0 % idle",
        "train.bilinear[hidden=300,seed=0]",
        "time (minutes)",
        "Cores busy",
        "metric",
    ]);
}

#[test]
fn a_run_without_tasks_has_no_timeline() {
    draw(&TestFolder::new(), &[]).fails_with("nothing ran");
}
