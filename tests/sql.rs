//! `eigenscope sql`: questions about the tables of a pipeline, and what becomes of mistakes in them.

use std::collections::BTreeSet;

use eigenscope_testing::{SWEEP, TestProject};
use serde_json::json;

#[test]
fn tables_answer_questions() {
    let project = TestProject::new(SWEEP);
    let sql = |query: &str, format: &str| project.call(&["sql", "p.toml", query, format]).expect(0);
    let rows = |query: &str| {
        let answer = sql(query, "--json").json();
        answer["rows"].as_array().expect("rows").clone()
    };
    project
        .call(&["sql", "p.toml", "select * from metric_final"])
        .refuses(&[
            "no task of `metric.final` is up to date",
            "eigenscope run p.toml 'metric.final'",
        ]);
    project.run();

    let listed = project.call(&["sql", "p.toml"]).expect(0).stdout;
    for name in [
        "data_digits",
        "train_bilinear_history",
        "train_bilinear_tensors",
        "metric_similarity_map",
    ] {
        let line = listed.lines().find(|line| line.starts_with(name));
        assert!(
            line.is_some_and(|line| line.contains("task, ")),
            "{name}:\n{listed}"
        );
    }

    // Two epochs and the model before training, of each of two models; told apart by label.
    let history = rows(
        "select hidden, epoch, test_accuracy_fraction from train_bilinear_history order by hidden, epoch",
    );
    let hidden: BTreeSet<u64> = history.iter().filter_map(|row| row[0].as_u64()).collect();
    assert_eq!(hidden, BTreeSet::from([4, 6]));
    let lasts = history.iter().filter(|row| row[1] == 2);
    let lasts: Vec<f64> = lasts.filter_map(|row| row[2].as_f64()).collect();
    assert_eq!(lasts.len(), 2);

    // The same numbers by way of another table, averaged here and by SQL.
    let mean = sql(
        "select avg(test_accuracy_fraction) as mean from metric_final",
        "--json",
    );
    let mean = mean.json();
    assert_eq!(mean["columns"], json!(["mean"]));
    let mean = mean["rows"][0][0].as_f64().expect("a number");
    assert!((mean - lasts.iter().sum::<f64>() / 2.0).abs() < 1e-12);

    let joined = sql(
        "with best as (select max(test_accuracy_fraction) as top from metric_final) \
         select f.model from metric_final f join best b on f.test_accuracy_fraction = b.top \
         where f.hidden in (4, 6)",
        "--csv",
    );
    let joined = joined.stdout;
    assert!(joined.starts_with("model\n"), "{joined}");
    assert!(joined.contains("train.bilinear["), "{joined}");

    // Lists, bytes, and counting without reading them.
    let shapes =
        rows("select name, shape from train_bilinear_tensors where hidden = 4 order by name");
    assert_eq!(shapes[0], json!(["embed.weight", [4, 64]]));
    let pixels = rows("select pixels, label from data_digits limit 1");
    let pixels = pixels[0][0].as_str().expect("hexadecimal");
    assert_eq!(pixels.len(), 2 * 64);
    assert_eq!(rows("select count(*) from data_digits"), [json!([1797])]);
}

#[test]
fn a_query_with_a_mistake_is_told_the_known_names() {
    let project = TestProject::new(SWEEP);
    project.run();
    let sql = |query| project.call(&["sql", "p.toml", query]);
    for (query, words) in [
        (
            "select * from metric_finl",
            &["no table `metric_finl`", "did you mean `metric_final`?"][..],
        ),
        (
            "select * from metric.final",
            &["did you mean `metric_final`?"],
        ),
        (
            "select * from train_bilinear",
            &[
                "no table `train_bilinear`",
                "its tasks write train_bilinear_history, train_bilinear_tensors",
            ],
        ),
        (
            "select epocs from metric_final",
            &[
                "no column `epocs`",
                "did you mean `epochs`?",
                "test_accuracy_fraction",
            ],
        ),
        (
            "select * form metric_final",
            &[
                "the query has a mistake: expected",
                "found form at line 1, column 10",
            ],
        ),
        ("", &["the query is empty"]),
        (
            "select hidden, avg(epochs) from metric_final",
            &["`hidden` is neither grouped by nor aggregated"],
        ),
        ("from metric_final", &["only `select` and `with`"]),
    ] {
        sql(query).refuses(words);
    }
    project
        .call(&["sql", "select 1"])
        .refuses(&["eigenscope sql PIPELINE 'select ...'"]);

    // A damaged table is not an empty one.
    let table = project.path("artifacts/p/metric.final/final.parquet");
    let intact = std::fs::read(&table).expect("readable");
    std::fs::write(&table, &intact[..intact.len() / 2]).expect("written");
    sql("select * from metric_final").refuses(&[
        "`metric_final` cannot be read: of metric.final, its output `final` is damaged",
        "eigenscope run p.toml 'metric.final'",
    ]);
    std::fs::write(&table, intact).expect("written");

    // An edit leaves one of the two models out of date, which is said.
    project.edit("hidden = [4, 6]", "hidden = [4, 7]");
    sql("select count(*) from train_bilinear_tensors")
        .expect(0)
        .explains(&["is without 1 task"]);
}
