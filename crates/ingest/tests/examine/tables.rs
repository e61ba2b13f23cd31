//! Tables of text and of Parquet.

use eigenscope_testing::{fixture, hexadecimal};
use serde_json::{Value, json};

use crate::support::gzip;
use crate::{ask, bench, classes, examine, numbers, unusable};

#[test]
fn tables_of_text() {
    let mut bench = bench();
    let table = "label,0,1,2,3\ncat,0,9,8,16\ndog,1,2,3,4\n";
    bench.place("a.csv.gz", &gzip(table.as_bytes()));
    bench.set("file", json!("a.csv.gz"));
    let answer = examine(&bench, "csv");
    assert_eq!(numbers(&answer), [1, 2, 2, 2, 2].map(Some));
    assert_eq!(classes(&answer), ["cat", "dog"]);
    assert_eq!(answer.suggestions["range"], json!([0.0, 16.0]));
    bench.run("csv").succeeded();

    // Of a large table the first lines are read.
    let line = format!("1{}\n", ",7".repeat(25));
    bench.place("a.csv.gz", &gzip(line.repeat(50_000).as_bytes()));
    let answer = examine(&bench, "csv");
    assert_eq!(numbers(&answer), [Some(1), Some(5), Some(5), None, None]);

    // As spreadsheets of old Macs write it.
    let line = line.replace('\n', "\r");
    bench.place("a.csv.gz", &gzip(line.repeat(50_000).as_bytes()));
    assert_eq!(examine(&bench, "csv"), answer);
    bench.place("a.csv.gz", b"0,0.5,0.25,0,1\n");
    let answer = examine(&bench, "csv");
    assert_eq!(answer.suggestions["range"], json!([0.0, 1.0]));
}

/// Of labels with gaps, those that occur are proposed as `classes`, counted from the first label.
#[test]
fn classes_that_have_images_are_proposed() {
    let mut bench = bench();
    bench.set("file", json!("a.csv"));
    let rows = |labels: [u8; 4]| labels.map(|label| format!("{label},9,8,7,6\n")).concat();
    for (labels, first_label, proposed) in [
        ([0, 10, 20, 10], 0, json!([0, 10, 20])),
        ([5, 15, 5, 15], 5, json!([0, 10])),
        ([1, 2, 1, 2], 0, json!(null)),
        ([0, 1, 1, 0], 0, json!(null)),
    ] {
        bench.place("a.csv", rows(labels).as_bytes());
        bench.set("first_label", json!(first_label));
        bench.set("classes", json!([]));
        let answer = examine(&bench, "csv");
        let found = answer.suggestions.get("classes").cloned();
        assert_eq!(found.unwrap_or_default(), proposed, "{labels:?}");
    }
    bench.place("a.csv", rows([0, 10, 20, 10]).as_bytes());
    bench.set("first_label", json!(0));
    bench.set("classes", json!([0, 10, 20]));
    let answer = examine(&bench, "csv");
    let found = answer.found.join("; ");
    assert!(
        found.contains("of 3 classes, none for testing: 0 1, 10 2, 20 1"),
        "{found}"
    );
}

#[test]
fn labels_in_the_last_column_are_proposed() {
    let mut bench = bench();
    bench.set("file", json!("optdigits.tra"));
    // The first pixel is always 0, and the labels are no grey levels.
    let row = |n: usize| format!("0,{},{},{},{}\n", n % 17, n * 5 % 17, n * 7 % 17, n % 10);
    let table: String = (0..60).map(row).collect();
    bench.place("optdigits.tra", table.as_bytes());
    let answer = examine(&bench, "csv");
    assert_eq!(answer.suggestions, [("label".to_owned(), json!(-1))].into());
    assert_eq!(answer.warnings.len(), 1);
    assert!(
        answer.warnings[0].ends_with("set `label = -1`, or `label = 0` if the first one is right"),
        "{:?}",
        answer.warnings
    );
    bench.set("label", json!(-1));
    let answer = examine(&bench, "csv");
    assert_eq!(
        answer.suggestions,
        [("range".to_owned(), json!([0.0, 16.0]))].into()
    );
    assert!(answer.warnings.is_empty());
    assert_eq!(numbers(&answer)[..4], [1, 2, 2, 10].map(Some));

    // Labels in the first column are taken as they are; that it could be either is said, and nothing proposed.
    bench.parameters = json!({"file": "optdigits.tra"});
    let swapped = |n: usize| {
        format!(
            "{},{},{},{},{}\n",
            n % 10,
            n % 17,
            n * 5 % 17,
            n * 7 % 17,
            n * 4 % 251
        )
    };
    bench.place(
        "optdigits.tra",
        (0..60).map(swapped).collect::<String>().as_bytes(),
    );
    let answer = examine(&bench, "csv");
    assert!(answer.warnings.is_empty() && !answer.suggestions.contains_key("label"));
    let either = |n: usize| {
        format!(
            "{},{},{},{},{}\n",
            n % 10,
            n % 17,
            n * 5 % 17,
            n * 7 % 17,
            n % 3
        )
    };
    bench.place(
        "optdigits.tra",
        (0..60).map(either).collect::<String>().as_bytes(),
    );
    let answer = examine(&bench, "csv");
    assert!(!answer.suggestions.contains_key("label"));
    assert!(answer.warnings[0].contains("the last one could hold them as well"));
}

#[test]
fn tables_of_text_of_another_scale_are_told_their_range() {
    let mut bench = bench();
    bench.set("file", json!("a.csv"));
    for (values, range) in [
        ("0,2260,1000,4095", [0.0, 4095.0]),
        ("-100,99,0,5", [-100.0, 99.0]),
        ("0.5,2.825,5.5,1", [0.0, 5.5]),
        ("200000000000000,0,1,2", [0.0, 2e14]),
    ] {
        bench.place(
            "a.csv",
            format!("label,p0,p1,p2,p3\n1,{values}\n2,1,1,1,1\n").as_bytes(),
        );
        let answer = examine(&bench, "csv");
        assert_eq!(answer.suggestions["range"], json!(range), "{values}");
        bench.set("range", json!(range));
        let answer = examine(&bench, "csv");
        assert_eq!(answer.suggestions["first_label"], json!(1), "{values}");
        assert_eq!(numbers(&answer)[..3], [1, 2, 2].map(Some), "{values}");
        bench.parameters = json!({"file": "a.csv"});
    }
    // Training and test images have one range, and the first lines of a long table tell none.
    let table = |highest: u16| format!("label,p0,p1,p2,p3\na,0,1,2,{highest}\nb,3,4,5,6\n");
    bench.parameters = json!({"train": ["a.csv"], "test": ["b.csv"]});
    bench.place("a.csv", table(4095).as_bytes());
    bench.place("b.csv", table(4000).as_bytes());
    assert_eq!(
        examine(&bench, "csv").suggestions["range"],
        json!([0.0, 4095.0])
    );
    bench.parameters = json!({"file": "a.csv"});
    let line = format!("1{}\n", ",300".repeat(25));
    bench.place(
        "a.csv",
        (line.repeat(20_000) + &line.replace("300", "900")).as_bytes(),
    );
    assert!(examine(&bench, "csv").suggestions.is_empty());
    let answer = ask(&bench, "csv", true);
    assert_eq!(answer.suggestions["range"], json!([0.0, 900.0]));
    // What is no number has no range.
    for other in ["x", "nan", "inf", "-1e999"] {
        let text = format!("label,p0,p1,p2,p3\n1,0,300,2,1\n2,0,1,{other},1\n");
        bench.place("a.csv", text.as_bytes());
        let answer = examine(&bench, "csv");
        assert!(answer.suggestions.is_empty(), "{answer:?}");
    }
}

#[test]
fn parquet_tables() {
    let truth: Value = fixture("parquet_truth.json");
    let names: Vec<&str> = texts(&truth["names"]);
    let file = |table: &str| {
        let digits = truth[table]["file"].as_str();
        hexadecimal(digits.expect("text"))
    };
    let images = truth["labels"].as_array().expect("a list").len() as u64;
    let mut bench = bench();
    bench.set("file", json!("own.parquet"));
    for (table, channels) in [("rgb", 3), ("grey", 1)] {
        bench.place("own.parquet", &file(table));
        let answer = examine(&bench, "parquet");
        let known = numbers(&answer);
        let classes_known = names.len() as u64;
        assert_eq!(
            known[..4],
            [channels, 4, 5, classes_known].map(Some),
            "{table}"
        );
        assert!(known[4].is_some_and(|training| training < images));
        assert_eq!(classes(&answer), names);
    }
    bench.place("own.parquet", &file("columns"));
    bench.set("shape", json!([4, 5]));
    let answer = examine(&bench, "parquet");
    assert_eq!(numbers(&answer)[..3], [1, 4, 5].map(Some));
    for (name, value, part) in [
        (
            "first_label",
            json!(100),
            "label of image 0: expected 100 to",
        ),
        ("range", json!([0, 1]), "outside `range = [0, 1]`"),
        (
            "shape",
            json!([4, 4]),
            "20 values an image, but `shape` is [1, 4, 4]",
        ),
    ] {
        let before = bench.parameters.clone();
        bench.set(name, value);
        let answer = examine(&bench, "parquet");
        let (path, message) = unusable(&answer);
        assert_eq!(path, "/file");
        assert!(message.contains(part), "`{part}` is not in: {message}");
        bench.run("parquet").fails_with(message);
        bench.parameters = before;
    }
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    list.filter_map(Value::as_str).collect()
}
