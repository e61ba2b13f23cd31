//! Whatever is not an artifact, or claims what it does not hold, is refused with its name and a reason.

mod samples;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use eigenscope_artifact::arrow::array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array, RecordBatch,
    StringArray, UInt16Array, UInt32Array,
};
use eigenscope_artifact::arrow::datatypes::{DataType, Field, Schema};
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{
    ArtifactError, ArtifactKind, EIGENPAIRS, EigenpairRow, Eigenpairs, IMAGES, ImageReader,
    Selection, TENSORS, TableReader, TableWriter, TensorReader, read_records, summarise,
    write_eigenpairs, write_records,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use samples::{
    folder, header, history, pair, pairs_header, provenance, write_both_tensors, write_images,
    write_pairs,
};

/// Rows that eigenpairs cannot be, and what is said of them.
fn wrong_pairs() -> Vec<(Vec<EigenpairRow>, &'static str)> {
    let long = EigenpairRow {
        input_vector: vec![0.0; 3],
        ..pair(0, 0, 0.0)
    };
    let not_finite = EigenpairRow {
        input_vector: vec![0.0, f32::NAN],
        ..pair(1, 4, 0.0)
    };
    vec![
        (
            vec![pair(0, 0, 1.0), pair(0, 1, 0.0)],
            "class 0, eigenpair 1: eigenvalue 0 comes after 1, expected ascending",
        ),
        (
            vec![pair(0, 1, 0.0), pair(0, 1, 1.0)],
            "class 0, eigenpair 1: comes after index 1, expected ascending",
        ),
        (
            vec![pair(0, 2, 0.0), pair(0, 1, 1.0)],
            "class 0, eigenpair 1: comes after index 2",
        ),
        (
            vec![pair(1, 0, 0.0), pair(0, 0, 0.0)],
            "class 0, eigenpair 0: comes after class 1",
        ),
        (
            vec![pair(2, 0, 0.0)],
            "class 2, eigenpair 0: there are 2 classes",
        ),
        (
            vec![pair(0, 6, 0.0)],
            "class 0, eigenpair 6: a 6 x 6 matrix has none of this index",
        ),
        (
            vec![pair(1, 3, f64::NAN)],
            "class 1, eigenpair 3: a value is not finite",
        ),
        (
            vec![pair(1, 3, f64::INFINITY)],
            "class 1, eigenpair 3: a value is not finite",
        ),
        (
            vec![not_finite],
            "class 1, eigenpair 4: a value is not finite",
        ),
        (
            vec![long],
            "class 0, eigenpair 0: an eigenvector of 3 values for inputs of 2",
        ),
    ]
}

#[test]
fn wrong_eigenpairs_are_not_written() {
    let (folder, path) = folder();
    for (rows, reason) in wrong_pairs() {
        let error = write_eigenpairs(&path, &pairs_header(), &rows, None, &provenance("x"))
            .expect_err("wrong rows");
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn wrong_eigenpairs_are_not_read() {
    let (_folder, path) = folder();
    for (rows, reason) in wrong_pairs() {
        if rows[0].input_vector.len() != 2 {
            continue;
        }
        crafted_pairs(&path, &json!(pairs_header()), &rows);
        let error = Eigenpairs::read(&path).expect_err("wrong rows");
        assert!(matches!(error, ArtifactError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// Writes eigenpairs without any check.
fn crafted_pairs(path: &Path, header: &Value, rows: &[EigenpairRow]) {
    let vectors = FixedSizeListArray::new(
        Arc::new(Field::new("item", DataType::Float32, false)),
        2,
        Arc::new(Float32Array::from_iter_values(
            rows.iter().flat_map(|row| row.input_vector.clone()),
        )),
        None,
    );
    crafted(
        path,
        EIGENPAIRS,
        header,
        vec![
            (
                "class",
                Arc::new(UInt32Array::from_iter_values(
                    rows.iter().map(|row| row.class),
                )),
            ),
            (
                "index",
                Arc::new(UInt32Array::from_iter_values(
                    rows.iter().map(|row| row.index),
                )),
            ),
            (
                "eigenvalue",
                Arc::new(Float64Array::from_iter_values(
                    rows.iter().map(|row| row.eigenvalue),
                )),
            ),
            ("input_vector", Arc::new(vectors)),
        ],
    );
}

/// Writes a table with a metadata entry `header` that may say anything.
fn crafted(path: &Path, kind: ArtifactKind, header: &Value, columns: Vec<(&str, ArrayRef)>) {
    let fields = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), false))
        .collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let metadata = BTreeMap::from([("header".to_owned(), header.to_string())]);
    let mut writer =
        TableWriter::create(path, kind, schema.clone(), metadata, &provenance("x")).expect("made");
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(schema, columns).expect("a batch");
    writer.write(&batch).expect("written");
    writer.finish().expect("placed");
}

#[test]
fn shapes_that_metadata_cannot_mean_are_refused() {
    let (_folder, path) = folder();
    let huge = 1u64 << 40;
    let mut headers = Vec::new();
    for (sides, reason) in [
        ([1, huge, huge], "more than 67108864 values"),
        ([huge, huge, 0], "are empty"),
        // The product is 6 modulo 2^64.
        ([3, (1 << 63) + 1, 2], "more than 67108864 values"),
        ([1, 1, (1 << 26) + 1], "more than 67108864 values"),
    ] {
        let mut header = json!(header());
        header["channels"] = json!(sides[0]);
        header["height"] = json!(sides[1]);
        header["width"] = json!(sides[2]);
        headers.push((header, reason));
    }
    let mut many = json!(header());
    many["transforms"] = json!(vec!["scale"; 33]);
    headers.push((many, "33 transforms, at most 32"));
    let mut enlarged = json!(header());
    enlarged["channels"] = json!(6);
    enlarged["height"] = json!(1);
    enlarged["width"] = json!(1);
    enlarged["transforms"] = json!([{"resize": {"height": 4096, "width": 4096}}]);
    headers.push((
        enlarged,
        "transform 1: shape [6, 4096, 4096] holds more than",
    ));
    for (header, reason) in headers {
        let pixels = FixedSizeBinaryArray::try_from_iter([[0u8; 6]].into_iter()).expect("one row");
        crafted(
            &path,
            IMAGES,
            &header,
            vec![
                ("index", Arc::new(UInt32Array::from(vec![0]))),
                ("split", Arc::new(StringArray::from(vec!["train"]))),
                ("label", Arc::new(UInt16Array::from(vec![0]))),
                ("pixels", Arc::new(pixels)),
            ],
        );
        let error = ImageReader::open(&path).err().expect("refused");
        assert!(matches!(error, ArtifactError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    for (sides, reason) in [
        ([1, huge, huge], "more than 67108864 values"),
        ([0, 1, 2], "holds no value"),
    ] {
        let mut header = json!(pairs_header());
        header["shape"] = json!({"channels": sides[0], "height": sides[1], "width": sides[2]});
        crafted_pairs(&path, &header, &[pair(0, 0, 1.0)]);
        let error = Eigenpairs::read(&path).expect_err("refused");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// A column of wide rows, of which the file holds none: a reader that makes room for a whole batch of the
/// width that the file names asks for 8192 x 2 GiB.
#[test]
fn wide_columns_are_refused_before_there_is_room_for_them() {
    let (_folder, path) = folder();
    let wide = |width| -> Vec<(&'static str, ArrayRef)> {
        let column = FixedSizeBinaryArray::new(width, Vec::<u8>::new().into(), None);
        vec![("pixels", Arc::new(column))]
    };
    crafted(&path, IMAGES, &json!(header()), wide(i32::MAX));
    let error = summarise(&path).expect_err("too wide");
    assert!(
        error
            .to_string()
            .contains("rows of more than 536870912 bytes"),
        "{error}"
    );
    crafted(&path, IMAGES, &json!(header()), wide(1 << 26));
    let reader = TableReader::open_any(&path).expect("within the limit");
    let batches = reader.batches(usize::MAX, None, None).expect("readable");
    assert_eq!(batches.count(), 0);
}

#[test]
fn batches_of_wide_rows_are_short() {
    let (_folder, path) = folder();
    let rows = vec![vec![0u8; 20 << 20]; 5];
    let column = FixedSizeBinaryArray::try_from_iter(rows.into_iter()).expect("equal widths");
    let column: ArrayRef = Arc::new(column);
    crafted(&path, IMAGES, &json!({}), vec![("pixels", column)]);
    let reader = TableReader::open_any(&path).expect("opened");
    let rows: Vec<usize> = reader
        .batches(8192, None, None)
        .expect("readable")
        .map(|batch| batch.expect("a batch").num_rows())
        .collect();
    assert_eq!(rows, [3, 2]);
}

#[test]
fn another_kind_is_refused() {
    let (_folder, path) = folder();
    write_images(&path).expect("written");
    let error = read_records::<HistoryRow>(&path).expect_err("images");
    assert!(matches!(error, ArtifactError::WrongKind { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("holds `images`, expected `history`"),
        "{error}"
    );
}

#[test]
fn a_missing_file_and_a_broken_one_are_told_apart() {
    let (_folder, path) = folder();
    let error = summarise(&path).expect_err("there is no file");
    assert!(matches!(error, ArtifactError::Io { .. }), "{error}");
    for garbage in [
        &b""[..],
        b"PAR1",
        b"not a Parquet file, only some text PAR1",
    ] {
        fs::write(&path, garbage).expect("written");
        let error = summarise(&path).expect_err("garbage");
        assert!(matches!(error, ArtifactError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("table.parquet"), "{error}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let (_folder, path) = folder();
    write_records(&path, &history(20), None, &provenance("x")).expect("written");
    let bytes = fs::read(&path).expect("readable");
    for length in (0..bytes.len()).step_by(7) {
        fs::write(&path, &bytes[..length]).expect("written");
        assert!(
            read_records::<HistoryRow>(&path).is_err(),
            "{length} of {} bytes",
            bytes.len()
        );
    }
}

#[test]
fn a_parquet_file_of_others_is_refused() {
    let (_folder, path) = folder();
    let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let batch = RecordBatch::try_from_iter([("x", column)]).expect("a batch");
    let file = fs::File::create(&path).expect("created");
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    let error = summarise(&path).expect_err("not ours");
    assert!(matches!(error, ArtifactError::Foreign { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Changed bytes give an error or a table, never a panic.
    #[test]
    fn changed_bytes_never_panic(
        changes in prop::collection::vec((0.0f64..1.0, any::<u8>()), 1..6),
    ) {
        let (_folder, path) = folder();
        let change = || {
            let mut bytes = fs::read(&path).expect("readable");
            let length = bytes.len() as f64;
            for (position, value) in &changes {
                bytes[(position * length) as usize] = *value;
            }
            fs::write(&path, &bytes).expect("written");
        };
        write_images(&path).expect("written");
        change();
        let _ = ImageReader::open(&path).and_then(ImageReader::read);
        write_both_tensors(&path).expect("written");
        change();
        let _ = TensorReader::open(&path, TENSORS).and_then(|reader| reader.read());
        let _ = TensorReader::open(&path, TENSORS).and_then(|reader| reader.read_one("bias"));
        write_pairs(&path).expect("written");
        change();
        let _ = Eigenpairs::read(&path).and_then(|pairs| {
            pairs.select(1, Selection::Magnitude, 5).map(|rows| rows.len())
        });
    }

    #[test]
    fn any_rows_come_back(values in prop::collection::vec((any::<u32>(), any::<f64>()), 0..50)) {
        let (_folder, path) = folder();
        let rows: Vec<HistoryRow> = values
            .into_iter()
            .map(|(epoch, value)| HistoryRow { epoch, test_loss_nats: value, ..history(1)[0].clone() })
            .collect();
        write_records(&path, &rows, None, &provenance("x")).expect("written");
        let read = read_records::<HistoryRow>(&path).expect("read");
        let bits = |rows: &[HistoryRow]| rows.iter().map(|row| (row.epoch, row.test_loss_nats.to_bits())).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read), bits(&rows));
    }
}
