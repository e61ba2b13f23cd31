//! Questions to tables whose rows are known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eigenscope_artifact::arrow::array::{Array, FixedSizeListArray, Float32Array, RecordBatch};
use eigenscope_artifact::arrow::datatypes::{DataType, Field, Schema};
use eigenscope_artifact::tables::bilinear::SimilarityRow;
use eigenscope_artifact::tables::training::FinalRow;
use eigenscope_artifact::{ArtifactKind, EMBEDDINGS, Record, TableWriter, write_records};
use eigenscope_testing::provenance;
use serde_json::{Value, json};

mod duckdb;
mod refusals;

use crate::catalogue::{Part, label_types, with_plain_names};
use crate::{Answer, Catalogue, QueryError, Table};

/// A table of one file for each of `tasks`, which have labels and rows.
fn table<Row: Record>(
    folder: &Path,
    name: &str,
    kind: ArtifactKind,
    tasks: Vec<(&str, Value, Vec<Row>)>,
) -> Table {
    let parts = tasks
        .into_iter()
        .enumerate()
        .map(|(index, (task, labels, rows))| {
            let path = folder.join(format!("{name}-{index}.parquet"));
            write_records(&path, &rows, None, &provenance()).expect("written");
            part(task, labels, path)
        });
    table_of(name, kind, parts.collect())
}

fn part(task: &str, labels: Value, path: PathBuf) -> Part {
    Part {
        task: task.to_owned(),
        labels: serde_json::from_value(labels).expect("an object"),
        path,
    }
}

fn table_of(name: &str, kind: ArtifactKind, parts: Vec<Part>) -> Table {
    let mut table = Table {
        name: name.to_owned(),
        tasks: "metric.table".to_owned(),
        kind: kind.into(),
        rows: 0,
        columns: Vec::new(),
        current: Vec::new(),
        missing: Vec::new(),
        problem: None,
        parts: Vec::new(),
    };
    let labels = label_types(parts.iter().map(|part| &part.labels));
    for part in parts {
        if let Err(problem) = table.add(part, &labels) {
            table.problem.get_or_insert(problem);
        }
    }
    table
}

fn final_row(model: &str, hidden: Option<u32>, loss: f64) -> FinalRow {
    FinalRow {
        model: model.to_owned(),
        hidden,
        seed: Some(i64::MAX as u64),
        epochs: 3,
        train_loss_nats: loss,
        train_accuracy_fraction: 0.5,
        test_loss_nats: 0.1,
        test_accuracy_fraction: 0.25,
    }
}

/// Two tasks: a label that is whole in one and a fraction in the other, and one that the file has a column of.
fn catalogue(folder: &Path) -> Catalogue {
    let tasks = vec![
        (
            "metric.table[hidden=4,rate=1]",
            json!({"hidden": 4, "rate": 1}),
            vec![
                final_row("a,\"b\"", None, 2.0),
                final_row("c", Some(7), f64::INFINITY),
            ],
        ),
        (
            "metric.table[hidden=4,rate=0.5]",
            json!({"hidden": 4, "rate": 0.5}),
            vec![final_row("d", Some(8), 1.0)],
        ),
    ];
    Catalogue {
        tables: vec![table(folder, "finals", FinalRow::KIND, tasks)],
    }
}

fn similarity_row() -> SimilarityRow {
    SimilarityRow {
        variant: "corrected".to_owned(),
        reference_hidden: 300,
        hidden: 30,
        rank: 0,
        observations: 1,
        similarity_mean: 0.5,
        similarity_std: None,
        half_width: None,
    }
}

fn answer(query: &str) -> Result<Answer, QueryError> {
    let folder = tempfile::tempdir().expect("a folder");
    catalogue(folder.path()).query("digits", query)
}

fn rows(query: &str) -> Vec<Vec<Value>> {
    answer(query).expect("an answer").rows
}

fn csv(answer: &Answer) -> String {
    let mut csv = Vec::new();
    answer.write_csv(&mut csv).expect("written");
    String::from_utf8(csv).expect("text")
}

#[test]
fn labels_are_columns_beside_those_of_the_file() {
    let names = answer("select * from finals").expect("an answer").columns;
    assert_eq!(
        names[..5],
        ["task", "label_hidden", "rate", "model", "hidden"]
    );
    assert_eq!(
        rows("select rate, label_hidden, hidden from finals order by rate, hidden"),
        [
            [json!(0.5), json!(4), json!(8)],
            [json!(1.0), json!(4), json!(7)],
            [json!(1.0), json!(4), Value::Null],
        ]
    );
    assert_eq!(
        rows("select count(*), count(distinct task) from finals"),
        [[json!(3), json!(2)]]
    );
    assert_eq!(rows("select 1 from finals").len(), 3);
    assert_eq!(rows("select max(seed) from finals")[0], [json!(i64::MAX)]);
}

#[test]
fn answers_are_tables_and_comma_separated_values() {
    let query = "select model, hidden, train_loss_nats as loss from finals order by model";
    let found = answer(query).expect("an answer");
    assert_eq!(
        found.text(None),
        "model  hidden  loss\na,\"b\"       -     2\nc           7   inf\nd           8     1\n"
    );
    assert_eq!(
        csv(&found),
        "model,hidden,loss\n\"a,\"\"b\"\"\",,2.0\nc,7,inf\nd,8,1.0\n"
    );
    let none = answer("select model from finals where hidden > 100").expect("an answer");
    assert_eq!((none.text(None).as_str(), none.rows.len()), ("model\n", 0));
}

#[test]
fn the_dialect_has_what_tables_need() {
    for (query, expected) in [
        ("select round(avg(rate), 3) from finals", json!([[0.833]])),
        (
            "with top as (select max(rate) as rate from finals) \
             select count(*) from finals where rate in (select rate from top)",
            json!([[2]]),
        ),
        (
            "select model from finals where hidden in (select max(hidden) from finals)",
            json!([["d"]]),
        ),
        (
            "select rate, count(*) as models from finals group by rate having count(*) > 1",
            json!([[1.0, 2]]),
        ),
        (
            "select model, row_number() over (partition by rate order by model) as place \
             from finals order by model limit 2",
            json!([["a,\"b\"", 1], ["c", 2]]),
        ),
        (
            "select model from finals where model like 'c%' union all select 'e'",
            json!([["c"], ["e"]]),
        ),
    ] {
        assert_eq!(json!(rows(query)), expected, "{query}");
    }
}

#[test]
fn a_table_without_rows_has_its_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let none: Vec<SimilarityRow> = Vec::new();
    let tasks = vec![("metric.table", json!({}), none)];
    let catalogue = Catalogue {
        tables: vec![table(
            folder.path(),
            "similarity",
            SimilarityRow::KIND,
            tasks,
        )],
    };
    let found = catalogue.query("digits", "select rank, similarity_std from similarity");
    let found = found.expect("an answer");
    assert_eq!(found.text(None), "rank  similarity_std\n");
}

#[test]
fn unknown_names_are_answered_with_known_ones() {
    for (query, message, help) in [
        (
            "select * from fnials",
            "no table `fnials`",
            "did you mean `finals`?",
        ),
        (
            "with a as (select * from finals) select * from a join fnials b on a.rate = b.rate",
            "no table `fnials`",
            "tables: a, finals",
        ),
        (
            "select modl from finals",
            "no column `modl`",
            "did you mean `model`?",
        ),
        (
            "select f.modl from finals f",
            "no column `f.modl`",
            "did you mean `model`?",
        ),
        (
            "select model from finals where hiden = 4",
            "no column `hiden`",
            "did you mean `hidden`?",
        ),
        (
            "select max(rte) from finals",
            "no column `rte`",
            "did you mean `rate`?",
        ),
        (
            "select f.model from finals",
            "no column `f.model`",
            "no table or alias `f`; tables here: finals",
        ),
        (
            "select \"c\" from finals",
            "no column `c`",
            "text is in single quotes: 'c'",
        ),
        (
            "select max(rate) as top from finals group by model having top > 1",
            "no column `top`",
            "`top` is a name of the select list, which having does not know: repeat its expression",
        ),
        (
            "select modle(model) from finals",
            "no function `modle`",
            "functions: abs",
        ),
        (
            "selct 1",
            "expected an SQL statement, found selct at line 1, column 1",
            "select",
        ),
        ("", "the query is empty", "select"),
        ("select 1; select 2", "there are 2 statements", "one by one"),
    ] {
        let error = answer(query).expect_err(query);
        let advice = miette::Diagnostic::help(&error).expect("help").to_string();
        assert!(error.to_string().contains(message), "{query}: {error}");
        assert!(advice.contains(help), "{query}: {advice}");
    }
}

#[test]
fn a_table_has_its_name_in_the_pipeline_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut catalogue = catalogue(folder.path());
    catalogue.tables[0].name = "metric_finals".to_owned();
    let rows = |query: &str| {
        catalogue
            .query("digits", query)
            .map(|answer| answer.rows.len())
    };
    assert_eq!(rows("select * from METRIC_FINALS").expect("an answer"), 3);
    let plain = rows("select * from metric_finals").expect("an answer");
    assert_eq!(
        rows("select * from \"metric.finals\"").expect("an answer"),
        plain
    );
    let unquoted = rows("select * from metric.finals").expect_err("no such name");
    assert_eq!(unquoted.to_string(), "there is no table `metric.finals`");
}

#[test]
fn names_need_no_quotes_unless_two_would_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let named = |name: &str| {
        let rows = vec![final_row("a", None, 0.0)];
        Table {
            name: name.to_owned(),
            ..table(
                folder.path(),
                "t",
                FinalRow::KIND,
                vec![("metric.t", json!({}), rows)],
            )
        }
    };
    let tables = ["metric.similarity-map", "metric.a-b", "metric.a_b"].map(named);
    let names = with_plain_names(tables.into_iter().collect());
    let names: Vec<&str> = names.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["metric.a-b", "metric.a_b", "metric_similarity_map"]);
}

#[test]
fn columns_without_a_name_have_that_of_their_expression() {
    let found = answer(
        "select count(*), avg(rate), f.HIDDEN + 1, MODEL, f.Hidden, 'x' from finals f group by hidden, model",
    );
    assert_eq!(
        found.expect("an answer").columns,
        [
            "count(*)",
            "avg(rate)",
            "f.HIDDEN + 1",
            "model",
            "hidden",
            "'x'"
        ]
    );
}

/// Writes a table with a vector of this length in its only row.
fn vector_table(path: &Path, length: i32) {
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let values = Arc::new(Float32Array::from_iter_values(
        (0..length).map(|i| i as f32),
    ));
    let vectors = FixedSizeListArray::new(item, length, values, None);
    let field = Field::new("vector", vectors.data_type().clone(), false);
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(vectors)]).expect("a batch");
    let writer = TableWriter::create(path, EMBEDDINGS, schema, BTreeMap::new(), &provenance());
    let mut writer = writer.expect("created");
    writer.write(&batch).expect("written");
    writer.finish().expect("placed");
}

#[test]
fn vectors_of_different_lengths_are_lists() {
    let folder = tempfile::tempdir().expect("a folder");
    let parts = [3, 5].map(|length| {
        let path = folder.path().join(format!("{length}.parquet"));
        vector_table(&path, length);
        part("decompose.e", json!({"layer": length}), path)
    });
    let catalogue = Catalogue {
        tables: vec![table_of("decompose_e", EMBEDDINGS, parts.into())],
    };
    let found = catalogue.query(
        "p",
        "select layer, len(vector), vector[4], vector from decompose_e order by layer",
    );
    let found = found.expect("an answer");
    assert_eq!(
        json!(found.rows),
        json!([
            [3, 3, null, [0.0, 1.0, 2.0]],
            [5, 5, 3.0, [0.0, 1.0, 2.0, 3.0, 4.0]]
        ])
    );
}

#[test]
fn a_table_that_cannot_be_read_leaves_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut catalogue = catalogue(folder.path());
    let (records, vectors) = (
        folder.path().join("finals-0.parquet"),
        folder.path().join("v.parquet"),
    );
    vector_table(&vectors, 3);
    let damaged = folder.path().join("damaged.parquet");
    std::fs::write(&damaged, "no Parquet").expect("written");
    let wide = folder.path().join("wide.parquet");
    write_records(&wide, &[similarity_row()], None, &provenance()).expect("written");
    for (name, kind, paths) in [
        ("broken", FinalRow::KIND, [records, damaged]),
        ("mixed", SimilarityRow::KIND, [wide.clone(), wide]),
    ] {
        let parts = paths.map(|path| part(&path.to_string_lossy(), json!({}), path.clone()));
        catalogue.tables.push(table_of(name, kind, parts.into()));
    }
    assert_eq!(
        catalogue
            .query("p", "select * from finals")
            .expect("rows")
            .rows
            .len(),
        3
    );
    assert_eq!(
        catalogue
            .query("p", "select * from mixed")
            .expect("rows")
            .rows
            .len(),
        2
    );
    let error = catalogue
        .query("p", "select count(*) from broken")
        .expect_err("damaged");
    let text = error.to_string();
    assert!(
        text.starts_with("the table `broken` cannot be read: "),
        "{text}"
    );
    assert!(text.contains("damaged.parquet"), "{text}");
}
