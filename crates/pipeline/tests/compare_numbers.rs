//! Published numbers against tables on disk.

#[path = "../../plan/tests/sample/mod.rs"]
mod sample;

use std::path::{Path, PathBuf};

use eigenscope_artifact::tables::bilinear::SimilarityRow;
use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::write_records;
use eigenscope_pipeline::compare::{self, Published, Row, Verdict, compare};
use eigenscope_pipeline::tone::fitted;
use eigenscope_plan::Plan;
use eigenscope_testing::provenance;
use sample::{codes, rendered};

fn plan() -> Plan {
    sample::plan(sample::PIPELINE).expect("a plan")
}

fn final_row(hidden: Option<u32>, seed: u64, accuracy: f64) -> FinalRow {
    FinalRow {
        model: format!("m{seed}"),
        hidden,
        seed: Some(seed),
        epochs: 10,
        train_loss_nats: 0.25,
        train_accuracy_fraction: 0.9,
        test_loss_nats: if seed == 9 { f64::NAN } else { 0.125 },
        test_accuracy_fraction: accuracy,
    }
}

/// A folder with the final table and the similarity tables of both variants.
fn tables() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = [
        final_row(Some(30), 0, 0.958),
        final_row(Some(30), 1, 0.962),
        final_row(Some(50), 0, 0.967),
        final_row(None, 9, 0.5),
    ];
    let path = folder.path().join("metric.final.final");
    write_records(&path, &rows, None, &provenance()).expect("a table");
    for (variant, mean) in [("published", 0.75), ("corrected", 0.25)] {
        let row = |rank, half_width| SimilarityRow {
            variant: variant.to_owned(),
            reference_hidden: 50,
            hidden: 50,
            rank,
            observations: 10,
            similarity_mean: mean,
            similarity_std: None,
            half_width,
        };
        let id = format!("metric.similarity[variant={variant}]");
        let path = folder.path().join(format!("{id}.similarity"));
        let rows = [row(0, None), row(1, Some(0.125))];
        write_records(&path, &rows, None, &provenance()).expect("a table");
    }
    folder
}

fn published(text: &str) -> Published {
    match compare::parse(Path::new("pipelines/test.published.toml"), text, &plan()) {
        Ok(published) => published,
        Err(errors) => panic!("{}", rendered(&errors)),
    }
}

fn rows(text: &str, folder: &Path) -> Vec<Row> {
    let (plan, published) = (plan(), published(text));
    compare(&plan, &published, &|task, kind| -> Option<PathBuf> {
        let path = folder.join(format!("{}.{}", plan.tasks[task].id, kind));
        path.exists().then_some(path)
    })
}

/// One number with these lines after a name and a source.
fn one(lines: &str) -> Row {
    let text = format!("[[published]]\nname = 'n'\nsource = 's'\n{lines}");
    let mut rows = rows(&text, tables().path());
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

const ACCURACY: &str = "table = 'metric.final'\ncolumn = 'test_accuracy_fraction'\n";

fn accuracy(lines: &str) -> Row {
    one(&format!("{ACCURACY}{lines}"))
}

#[test]
fn a_mean_within_the_tolerance() {
    let row = accuracy("where = { hidden = 30 }\nvalue = 0.959\ntolerance = 0.005");
    assert_eq!(row.verdict, Verdict::Ok);
    assert!((row.ours.expect("a number") - 0.96).abs() < 1e-15);
    assert!((row.difference.expect("a number") - 0.001).abs() < 1e-15);
    assert_eq!((row.tolerance, row.rows_used), (Some(0.005), 2));
    assert_eq!((row.name.as_str(), row.source.as_str()), ("n", "s"));
}

#[test]
fn the_edge_of_the_tolerance_counts_as_within() {
    let edge = "where = { hidden = 30, seed = 1 }\nvalue = 0.957\ntolerance = ";
    let row = accuracy(&format!("{edge}0.005"));
    // 0.962 - 0.957 is a little more than 0.005 in double precision.
    assert!(row.difference > Some(0.005));
    assert_eq!(row.verdict, Verdict::Ok);
    assert_eq!(accuracy(&format!("{edge}0.004999")).verdict, Verdict::Off);
}

#[test]
fn aggregates() {
    let of = |aggregate: &str, filter: &str| {
        accuracy(&format!(
            "aggregate = '{aggregate}'\nwhere = {filter}\nvalue = 0\ntolerance = 1"
        ))
    };
    assert_eq!(of("min", "{ hidden = 30 }").ours, Some(0.958));
    assert_eq!(of("max", "{ hidden = 30 }").ours, Some(0.962));
    assert_eq!(of("only", "{ hidden = 50 }").ours, Some(0.967));
    let several = of("only", "{ hidden = 30 }");
    assert_eq!(
        several.verdict,
        Verdict::Missing("expected one row, found 2".to_owned())
    );
    assert_eq!((several.ours, several.rows_used), (None, 2));
}

#[test]
fn bounds_include_their_ends() {
    let row = |bounds: &str| {
        accuracy(&format!(
            "where = {{ model = 'm0', hidden = 50.0 }}\n{bounds}"
        ))
    };
    for (bounds, verdict, difference) in [
        ("minimum = 0.967", Verdict::Ok, 0.0),
        ("minimum = 0.968", Verdict::Off, -0.001),
        ("maximum = 0.967", Verdict::Ok, 0.0),
        ("maximum = 0.9", Verdict::Off, 0.067),
        ("minimum = 0.9\nmaximum = 1", Verdict::Ok, -0.033),
    ] {
        let row = row(bounds);
        assert_eq!(row.verdict, verdict, "{bounds}");
        assert!(
            (row.difference.expect("a number") - difference).abs() < 1e-12,
            "{bounds}"
        );
        assert_eq!(row.tolerance, None);
    }
}

#[test]
fn the_tables_of_a_sweep_are_read_together() {
    let row = |table: &str, more: &str| {
        one(&format!(
            "table = '{table}'\nkind = 'similarity'\ncolumn = 'similarity_mean'\n{more}value = 0.5\ntolerance = 0"
        ))
    };
    let both = row("metric.similarity", "aggregate = 'max'\n");
    assert_eq!((both.ours, both.rows_used), (Some(0.75), 4));
    // A mean is taken over seeds only.
    let mean = row("metric.similarity", "");
    assert_eq!(
        mean.verdict,
        Verdict::Missing(
            "the 4 rows differ in `variant`, and a mean is taken over seeds only: choose a value in `where`".to_owned()
        )
    );
    let row = |table: &str| row(table, "");
    let sizes = accuracy("where = { epochs = 10 }\nvalue = 0\ntolerance = 1");
    assert!(
        matches!(&sizes.verdict, Verdict::Missing(reason) if reason.contains("differ in `hidden`")),
        "{:?}",
        sizes.verdict
    );
    let published = row("metric.similarity[variant=published]");
    assert_eq!((published.ours, published.rows_used), (Some(0.75), 2));
    assert_eq!(published.verdict, Verdict::Off);
}

#[test]
fn what_is_missing_says_why() {
    let reason = |row: Row| match row.verdict {
        Verdict::Missing(reason) => {
            assert_eq!((row.ours, row.difference), (None, None));
            reason
        }
        verdict => panic!("{verdict:?}"),
    };
    let any = "value = 0\ntolerance = 1";
    assert_eq!(
        reason(accuracy(&format!(
            "where = {{ hidden = 300, model = 'x' }}\n{any}"
        ))),
        "`metric.final` has no row with hidden = 300 and model = \"x\""
    );
    // A missing value equals nothing, and nothing is counted without saying so.
    assert_eq!(
        reason(one(&format!(
            "table = 'metric.similarity'\nkind = 'similarity'\ncolumn = 'half_width'\n{any}"
        ))),
        "`metric.similarity[variant=published]`: column `half_width` has no value in a row that counts"
    );
    assert_eq!(
        reason(one(&format!(
            "table = 'metric.final'\nwhere = {{ seed = 9 }}\ncolumn = 'test_loss_nats'\n{any}"
        ))),
        "a value is not finite"
    );
    assert_eq!(
        reason(one(&format!(
            "table = 'metric.final'\ncolumn = 'model'\n{any}"
        ))),
        "`metric.final`: column `model` is not numeric"
    );
    let unknown = reason(one(&format!(
        "table = 'metric.final'\ncolumn = 'accuracy'\n{any}"
    )));
    assert!(
        unknown.starts_with("`metric.final`: no column `accuracy`, only model, hidden"),
        "{unknown}"
    );
    assert_eq!(
        reason(one(&format!(
            "table = 'metric.truncation[seed=0]'\ncolumn = 'kept'\n{any}"
        ))),
        "`metric.truncation[hidden=50,seed=0]` has not been computed"
    );
}

#[test]
fn a_damaged_table_is_missing_not_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("metric.final.final"),
        b"PAR1 nothing PAR1",
    )
    .expect("a file");
    let text = format!("[[published]]\nname = 'n'\nsource = 's'\n{ACCURACY}minimum = 0");
    let rows = rows(&text, folder.path());
    assert!(
        matches!(&rows[0].verdict, Verdict::Missing(reason) if reason.starts_with("`metric.final`: "))
    );
}

const SEVERAL: &str = "\
title = 'Reference values: our first run'

[[published]]
name = 'accuracy, d = 30'
source = 'rows of the notebook'
table = 'metric.final'
column = 'test_accuracy_fraction'
where = { hidden = 30 }
value = 0.959
tolerance = 0.005

[[published]]
name = 'λ, first'
source = 'figure'
table = 'metric.similarity[variant=published]'
kind = 'similarity'
column = 'similarity_mean'
where = { rank = 0 }
aggregate = 'only'
minimum = 0.8
note = 'one seed only'

[[published]]
name = 'accuracy of the best model'
source = 'text'
table = 'metric.final'
column = 'test_accuracy_fraction'
aggregate = 'max'
value = 0.97
tolerance = 0.01

[[published]]
name = 'truncation'
source = 'text'
table = 'metric.truncation'
column = 'accuracy_fraction'
minimum = 0.1
maximum = 0.5
";

#[test]
fn reports_for_people_and_programs() {
    let rows = rows(SEVERAL, tables().path());
    let published = published(SEVERAL);
    let text = |width| fitted(&compare::text(&published, &rows, width), false).into_owned();
    insta::assert_snapshot!("compare_text", text(None));
    insta::assert_snapshot!("compare_text_60", text(Some(60)));
    let report = |rows| compare::Report::new(&published, rows);
    let json = |rows| serde_json::to_string_pretty(&report(rows)).expect("JSON");
    insta::assert_snapshot!("compare_json", json(&rows[1..]));
    assert!(report(&rows[..1]).holds);
}

#[test]
fn the_file_stands_beside_the_pipeline_or_one_that_it_extends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let plan = Plan {
        file: path("paper-small.toml"),
        extended: vec![path("between.toml"), path("paper.toml")],
        ..plan()
    };
    assert_eq!(compare::beside(&plan), path("paper-small.published.toml"));
    std::fs::write(path("paper.published.toml"), "").expect("written");
    assert_eq!(compare::beside(&plan), path("paper.published.toml"));
    std::fs::write(path("paper-small.published.toml"), "").expect("written");
    assert_eq!(compare::beside(&plan), path("paper-small.published.toml"));
}

#[test]
fn mistakes_in_the_file() {
    let text = "\
version = 1
[[published]]
name = 'a'
sources = 's'
table = 'metric.finale'
column = 3
value = 1
[[published]]
name = 'b'
source = 's'
table = 'metric.similarity[variant=x]'
column = 'c'
aggregate = 'median'
value = inf
where = { a = [1], b = 'fine' }
[[published]]
name = 'c'
source = 's'
table = 'metric.similarity'
column = 'c'
[[published]]
name = 'd'
source = 's'
table = 'figure.similarity'
column = 'c'
value = 1
minimum = 1
tolerance = -1
[[published]]
name = 'e'
source = 's'
table = 'metric.final[seed=0]'
kind = 'history'
column = 'c'
minimum = 2
maximum = 1
[[published]]
name = 'f'
source = 's'
table = 'metric.final'
kind = 'history'
column = 'c'
maximum = 1
tolerance = 1
";
    let path = Path::new("pipelines/test.published.toml");
    let errors = compare::parse(path, text, &plan()).expect_err("mistakes");
    insta::assert_snapshot!("compare_errors", rendered(&errors));
    assert_eq!(
        codes(&errors),
        [
            "unknown_key",
            "missing_key",
            "unknown_key",
            "unknown_table",
            "wrong_type",
            "unknown_value",
            "unknown_word",
            "not_finite",
            "wrong_type",
            "expectation",
            "several_tables",
            "no_table",
            "out_of_bounds",
            "expectation",
            "unknown_label",
            "expectation",
            "no_output",
        ]
    );
    for text in [
        "",
        "published = 1",
        "published = [1]",
        "[published]\nname = 'a'",
        "[[published",
    ] {
        let errors = compare::parse(path, text, &plan()).expect_err(text);
        assert_eq!(errors.errors().len(), 1, "{}", rendered(&errors));
    }
}

#[test]
fn selections_must_match_the_plan() {
    let mut plan = plan();
    plan.tasks
        .retain(|task| task.id != "train.bilinear[hidden=30,seed=1]");
    let text = "[[published]]\nname = 'n'\nsource = 's'\nkind = 'history'\ncolumn = 'epoch'\nminimum = 1\n\
        table = 'train.bilinear[hidden=30,seed=1]'";
    let path = Path::new("pipelines/test.published.toml");
    let errors = compare::parse(path, text, &plan).expect_err("a mistake");
    assert_eq!(codes(&errors), ["empty_selection"]);
    // With the whole plan it is fine; a plan that has lost the task later gives a missing row.
    let whole = sample::plan(sample::PIPELINE).expect("a plan");
    let published = compare::parse(path, text, &whole).expect("numbers");
    assert_eq!(published.numbers[0].kind, HistoryRow::KIND);
    let rows = compare(&plan, &published, &|_, _| None);
    assert_eq!(
        rows[0].verdict,
        Verdict::Missing("the plan has no task `train.bilinear[hidden=30,seed=1]`".to_owned())
    );
}
