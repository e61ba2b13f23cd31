//! Tables, of Parquet and of text.

use std::sync::Arc;

use eigenscope_artifact::arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use eigenscope_artifact::arrow::datatypes::{DataType, Field, Schema};
use eigenscope_artifact::summarise;
use eigenscope_testing::{fixture, hexadecimal};
use parquet::arrow::ArrowWriter;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Bench, png};

#[derive(Deserialize)]
struct Tables {
    labels: Vec<u16>,
    names: Vec<String>,
    rgb: Table,
    grey: Table,
    columns: Table,
    columns_zstd: Table,
}

#[derive(Deserialize)]
struct Table {
    file: String,
    pixels: Vec<u8>,
}

#[test]
fn tables_of_hugging_face_and_of_pixels_are_read() {
    let truth: Tables = fixture("parquet_truth.json");
    let mut contents = Vec::new();
    for (name, table, channels, has_names) in [
        ("rgb", &truth.rgb, 3, true),
        ("grey", &truth.grey, 1, true),
        ("columns", &truth.columns, 1, false),
        ("columns_zstd", &truth.columns_zstd, 1, false),
    ] {
        let mut bench = Bench::new();
        bench.place("own.parquet", &hexadecimal(&table.file));
        bench.set("train", json!(["own.parquet"]));
        bench.set("test", json!(["own.parquet"]));
        if !has_names {
            bench.set("class_names", json!(truth.names));
            bench.set("shape", json!([4, 5]));
        }
        let outcome = bench.run("parquet");
        assert_eq!(outcome.code, Some(0), "{name}: {outcome:?}");
        let images = bench.images();
        let header = &images.header;
        assert_eq!(
            (header.channels, header.height, header.width),
            (channels, 4, 5)
        );
        assert_eq!(header.classes, truth.names);
        assert_eq!(images.train.pixels, table.pixels, "{name}");
        assert_eq!(images.train.labels, truth.labels);
        contents.push(summarise(&bench.output()).expect("an artifact").content);
    }
    assert_eq!(
        contents[1], contents[2],
        "pictures and columns of the same pixels"
    );
    assert_eq!(contents[2], contents[3]);

    let grey = hexadecimal(&truth.grey.file);
    let refused = |file: &[u8], parameters: &[(&str, Value)]| {
        let mut bench = Bench::new();
        bench.place("own.parquet", file);
        bench.set("file", json!("own.parquet"));
        for (name, value) in parameters {
            bench.set(name, value.clone());
        }
        bench.run("parquet").failure()
    };
    for (file, parameters, part) in [
        (
            grey.clone(),
            vec![("label", json!("class"))],
            "there is no column `class` among image, label",
        ),
        (
            grey.clone(),
            vec![("image", json!("label")), ("label", json!("label"))],
            "expected encoded pictures",
        ),
        (
            grey[..grey.len() - 30].to_vec(),
            vec![],
            "own.parquet: the Parquet table is damaged or cut short: replace it",
        ),
        (
            b"a,b\n1,2\n".to_vec(),
            vec![],
            "expected a Parquet table, found a text file: give the right file; for a table of text use `kind = \"csv\"`",
        ),
        (
            hexadecimal(&truth.columns.file),
            vec![],
            "20 values an image are no square: set `shape",
        ),
    ] {
        let failure = refused(&file, &parameters);
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
    // Every byte of the first picture overwritten: broken pictures are told by their rows.
    let mut broken = grey;
    let at = broken
        .windows(4)
        .position(|bytes| bytes == b"\x89PNG")
        .expect("a picture");
    broken[at + 12..at + 16].fill(0);
    let failure = refused(&broken, &[]);
    assert!(
        failure.contains("row 0: ") || failure.contains("own.parquet"),
        "{failure}"
    );
}

#[test]
fn all_broken_pictures_of_all_tables_are_named_at_once() {
    let field = |name, kind| Field::new(name, kind, true);
    let schema = Arc::new(Schema::new(vec![
        field("image", DataType::Binary),
        field("label", DataType::Int64),
    ]));
    let whole = png(&[2, 2, 1], &[1, 2, 3, 4]);
    let cut = &whole[..whole.len() - 20];
    let table = |pictures: &[&[u8]]| {
        let labels: Vec<i64> = (0..pictures.len() as i64).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BinaryArray::from(pictures.to_vec())),
            Arc::new(Int64Array::from(labels)),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns).expect("columns");
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, schema.clone(), None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("closed");
        file
    };
    let mut bench = Bench::new();
    bench.place("one.parquet", &table(&[&whole, cut, b"<html>", &whole]));
    bench.place("two.parquet", &table(&[&whole, &whole]));
    bench.place("test.parquet", &table(&[b"", &whole]));
    bench.set("train", json!(["one.parquet", "two.parquet"]));
    bench.set("test", json!(["test.parquet"]));
    let failure = bench.run("parquet").failure();
    for part in [
        "3 of 8 pictures cannot be read",
        "one.parquet: row 1: the picture is damaged",
        "one.parquet: row 2: expected a PNG, JPEG",
        "test.parquet: row 0: the file is empty",
    ] {
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
    assert!(!bench.output().exists(), "nothing is left");
}

#[test]
fn a_table_of_text_without_labels_is_refused() {
    for table in [
        "pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n1,6,7,8\n",
        "1,2,3,4\n1,6,7,8\n",
    ] {
        let mut bench = Bench::new();
        bench.place("own.csv", table.as_bytes());
        bench.set("file", json!("own.csv"));
        let failure = bench.run("csv").failure();
        for part in [
            "own.csv: line 1: expected a column of labels",
            "set `label`",
        ] {
            assert!(failure.contains(part), "{part:?} is not in: {failure}");
        }
        bench.set("label", json!(0));
        bench.set("shape", json!([1, 3]));
        assert_eq!(bench.run("csv").code, Some(0));
    }
}

#[test]
fn tables_without_rows_are_refused() {
    let field = |name, kind| Field::new(name, kind, true);
    let encoded = vec![
        field("image", DataType::Binary),
        field("label", DataType::Int64),
    ];
    let pixels = vec![
        field("p0", DataType::UInt8),
        field("label", DataType::Int64),
    ];
    for fields in [encoded, pixels] {
        let schema = Arc::new(Schema::new(fields));
        let mut file = Vec::new();
        let writer = ArrowWriter::try_new(&mut file, schema, None).expect("a writer");
        writer.close().expect("written");
        let mut bench = Bench::new();
        bench.place("own.parquet", &file);
        bench.set("file", json!("own.parquet"));
        let failure = bench.run("parquet").failure();
        assert!(
            failure.contains("own.parquet: the table has no rows"),
            "{failure}"
        );
    }
}

#[test]
fn columns_that_are_no_pixels_are_left_out_and_named() {
    let mut bench = Bench::new();
    let table = "id,label,p0,p1,p2,p3\n7,0,20,30,40,50\n8,1,60,70,80,90\n";
    bench.place("own.csv", table.as_bytes());
    bench.set("train", json!(["own.csv"]));
    bench.set("test", json!(["own.csv"]));
    let outcome = bench.run("csv");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let warnings = outcome.warnings();
    assert!(
        warnings[0]
            .contains("own.csv: left out, as the names are not those of pixels: `id`; to choose"),
        "{warnings:?}"
    );
    let images = bench.images();
    assert_eq!((images.header.height, images.header.width), (2, 2));
    assert_eq!(images.train.pixels, [20, 30, 40, 50, 60, 70, 80, 90]);
    bench.set("ignore", json!(["id", -1]));
    bench.set("shape", json!([1, 3]));
    let outcome = bench.run("csv");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(bench.images().train.pixels, [20, 30, 40, 60, 70, 80]);
}

#[test]
fn text_labels_become_classes() {
    let mut bench = Bench::new();
    let rows = [
        "dog,1,2,3,4",
        "cat,5,6,7,8",
        "dog,9,10,11,12",
        "cat,13,14,15,16",
    ];
    bench.place("own.csv", rows.join("\n").as_bytes());
    bench.set("file", json!("own.csv"));
    bench.set("test_fraction", json!(0.5));
    let outcome = bench.run("csv");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let images = bench.images();
    assert_eq!(images.header.classes, ["cat", "dog"]);
    assert_eq!((images.train.len(), images.test.len()), (2, 2));
    bench.set("class_names", json!(["Katze", "Hund"]));
    assert_eq!(bench.run("csv").code, Some(0));
    assert_eq!(bench.images().header.classes, ["Katze", "Hund"]);
}
