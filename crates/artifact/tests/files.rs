//! Artifacts as files: what is written is read back, and equal rows give equal bytes.

mod samples;

use std::fs;
use std::path::Path;

use eigenscope_artifact::tables::bilinear::SimilarityRow;
use eigenscope_artifact::tables::scaling::ScalingRow;
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{
    ArtifactError, Eigenpairs, ImageReader, ImageWriter, Labelled, NamedTensor, Selection, Split,
    SplitName, TENSORS, TensorReader, read_labelled, read_records, summarise, write_labelled,
    write_records, write_tensors,
};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::{ColumnOrder, Encoding};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::json;

use samples::{
    folder, header, history, pairs_header, provenance, split, tensors, write_both_tensors,
    write_images, write_pairs,
};

#[test]
fn records_come_back_with_missing_values() {
    let (_folder, path) = folder();
    let rows = vec![
        SimilarityRow {
            variant: "published".to_owned(),
            reference_hidden: 300,
            hidden: 30,
            rank: 0,
            observations: 10,
            similarity_mean: 0.75,
            similarity_std: Some(0.125),
            half_width: Some(0.5),
        },
        SimilarityRow {
            variant: "corrected".to_owned(),
            reference_hidden: 300,
            hidden: 30,
            rank: 1,
            observations: 1,
            similarity_mean: 0.5,
            similarity_std: None,
            half_width: None,
        },
    ];
    let digest = write_records(&path, &rows, None, &provenance("x")).expect("written");
    assert_eq!(read_records::<SimilarityRow>(&path).expect("read"), rows);
    let summary = summarise(&path).expect("readable");
    assert_eq!(
        (summary.kind, summary.rows, summary.content),
        (SimilarityRow::KIND.into(), 2, digest)
    );
    assert_eq!(summary.provenance, provenance("x"));
}

#[test]
fn an_empty_table_is_a_table() {
    let (_folder, path) = folder();
    write_records::<HistoryRow>(&path, &[], None, &provenance("x")).expect("written");
    assert_eq!(read_records::<HistoryRow>(&path).expect("read"), []);
}

#[test]
fn equal_rows_give_equal_bytes_and_other_code_equal_content() {
    let (_a, first) = folder();
    let (_b, second) = folder();
    let (_c, third) = folder();
    let content = write_records(&first, &history(50), None, &provenance("x")).expect("written");
    write_records(&second, &history(50), None, &provenance("x")).expect("written");
    let other_code = write_records(&third, &history(50), None, &provenance("y")).expect("written");
    let bytes = |path: &Path| fs::read(path).expect("readable");
    assert_eq!(bytes(&first), bytes(&second));
    assert_ne!(bytes(&first), bytes(&third));
    assert_eq!(content, other_code);
    let changed = write_records(&third, &history(51), None, &provenance("x")).expect("written");
    assert_ne!(content, changed);
}

#[test]
fn images_come_back() {
    let (_folder, path) = folder();
    write_images(&path).expect("written");
    let reader = ImageReader::open(&path).expect("opened");
    assert_eq!(reader.header(), &header());
    assert_eq!(reader.pixels().output_shape(), [1, 2, 3]);
    let counts = [SplitName::Train, SplitName::Test].map(|name| reader.count(name).expect("read"));
    assert_eq!(counts, [5, 2]);
    let images = reader.read().expect("read");
    assert_eq!((images.train, images.test), (split(5), split(2)));
}

#[test]
fn a_split_is_read_in_pieces() {
    let (_folder, path) = folder();
    write_images(&path).expect("written");
    let reader = ImageReader::open(&path).expect("opened");
    let lengths = |name, images| -> Vec<usize> {
        let pieces = reader.pieces(name, images).expect("readable");
        pieces.map(|piece| piece.expect("whole").len()).collect()
    };
    assert_eq!(lengths(SplitName::Train, 2), [2, 2, 1]);
    assert_eq!(lengths(SplitName::Train, 3), [3, 2]);
    assert_eq!(lengths(SplitName::Test, 3), [1, 1]);
    let mut together = Split::default();
    for piece in reader.pieces(SplitName::Train, 2).expect("readable") {
        let piece = piece.expect("whole");
        together.indices.extend(piece.indices);
        together.labels.extend(piece.labels);
        together.pixels.extend(piece.pixels);
    }
    assert_eq!(together, split(5));
}

#[test]
fn images_that_do_not_fit_are_not_written() {
    let (folder, path) = folder();
    let mut writer = ImageWriter::create(&path, header(), &provenance("x")).expect("created");
    let mut wrong = split(2);
    wrong.labels[1] = 2;
    let error = writer
        .write(SplitName::Train, &wrong)
        .expect_err("there are two classes");
    assert!(
        error
            .to_string()
            .contains("label 2, but there are 2 classes"),
        "{error}"
    );
    let mut short = split(2);
    short.pixels.pop();
    assert!(writer.write(SplitName::Train, &short).is_err());
    writer.write(SplitName::Test, &split(1)).expect("fits");
    assert!(
        writer.write(SplitName::Train, &split(1)).is_err(),
        "training images come first"
    );
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn tensors_come_back_bit_by_bit() {
    let (_folder, path) = folder();
    write_both_tensors(&path).expect("written");
    let reader = TensorReader::open(&path, TENSORS).expect("opened");
    let header: serde_json::Value = reader.header().expect("any value");
    assert_eq!(header, json!({"kind": "test"}));
    let read = reader.read().expect("read");
    assert_eq!(read, tensors());
    assert!(read[0].data[1].is_sign_negative());
    assert_eq!(reader.names().expect("read"), ["embed.weight", "bias"]);
}

#[test]
fn one_tensor_is_read_without_the_values_of_the_others() {
    let (_folder, path) = folder();
    write_both_tensors(&path).expect("written");
    let columns = columns(&path, "data.list.item");
    let (start, length) = columns[0].byte_range();
    let mut bytes = fs::read(&path).expect("readable");
    bytes[start as usize..(start + length) as usize].fill(0xff);
    fs::write(&path, bytes).expect("written");

    let reader = TensorReader::open(&path, TENSORS).expect("opened");
    assert_eq!(reader.read_one("bias").expect("whole"), tensors()[1]);
    assert!(reader.read_one("embed.weight").is_err(), "damaged");
    assert!(reader.read().is_err(), "damaged");
    let error = reader.read_one("gate").expect_err("there is none");
    assert!(
        error
            .to_string()
            .ends_with("no tensor `gate`, only embed.weight, bias"),
        "{error}"
    );
}

/// Metadata of the column at `path` of the schema, in every row group.
fn columns(path: &Path, column: &str) -> Vec<ColumnChunkMetaData> {
    let file = fs::File::open(path).expect("opened");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let groups = reader.metadata().row_groups().iter();
    groups
        .map(|group| {
            group
                .columns()
                .iter()
                .find(|found| found.column_path().string() == column)
                .expect("the column")
                .clone()
        })
        .collect()
}

#[test]
fn weights_are_split_by_byte_and_pixels_are_plain() {
    let (_folder, path) = folder();
    write_both_tensors(&path).expect("written");
    let data = columns(&path, "data.list.item");
    assert_eq!(data.len(), 2, "one row group a tensor");
    for column in data {
        assert_eq!(column.dictionary_page_offset(), None);
        let encodings: Vec<Encoding> = column.encodings().collect();
        assert!(
            encodings.contains(&Encoding::BYTE_STREAM_SPLIT),
            "{encodings:?}"
        );
    }
    write_images(&path).expect("written");
    for column in columns(&path, "pixels") {
        assert_eq!(column.dictionary_page_offset(), None);
        assert_eq!(column.statistics(), None);
    }
}

#[test]
fn floats_have_an_order_that_old_readers_know_and_no_statistics() {
    let (_folder, path) = folder();
    write_records(&path, &history(50), None, &provenance("x")).expect("written");
    let file = fs::File::open(&path).expect("opened");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let file = reader.metadata().file_metadata();
    let orders = file.column_orders().expect("an order for every column");
    assert_eq!(orders.len(), 6);
    for order in orders {
        assert!(
            matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_)),
            "{order}"
        );
    }
    for (column, written) in [("epoch", true), ("test_loss_nats", false)] {
        let column = &columns(&path, column)[0];
        assert_eq!(column.statistics().is_some(), written);
    }
}

#[test]
fn floats_in_the_order_of_earlier_versions_are_read() {
    let (_folder, path) = folder();
    write_records(&path, &history(50), None, &provenance("x")).expect("written");
    let mut bytes = fs::read(&path).expect("readable");
    // The orders of the last five of six columns: field 1 of a union becomes field 2.
    let end = bytes.len() - 9;
    for place in (1..=5).map(|column| end - 3 * column) {
        assert_eq!(bytes[place..place + 3], [0x1c, 0, 0]);
        bytes[place] = 0x2c;
    }
    fs::write(&path, bytes).expect("written");
    assert_eq!(
        read_records::<HistoryRow>(&path).expect("read"),
        history(50)
    );
}

#[test]
fn metadata_is_that_of_the_file_and_of_its_arrow_schema() {
    let (_folder, path) = folder();
    write_records(&path, &history(5), None, &provenance("x")).expect("written");
    let file = fs::File::open(&path).expect("opened");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let file = reader.metadata().file_metadata();
    let entries = file.key_value_metadata().expect("metadata");
    let (schema, entries): (Vec<_>, Vec<_>) = entries
        .iter()
        .partition(|entry| entry.key == "ARROW:schema");
    assert_eq!((schema.len(), entries.len()), (1, 5));
    let schema = vec![schema[0].clone()];
    let schema = parquet_to_arrow_schema(file.schema_descr(), Some(&schema)).expect("a schema");
    for entry in entries {
        assert_eq!(schema.metadata().get(&entry.key), entry.value.as_ref());
    }
}

#[test]
fn a_tensor_that_does_not_fit_a_page_is_not_written() {
    let (folder, path) = folder();
    let tensor = NamedTensor {
        name: "large".to_owned(),
        shape: vec![1 << 14, 1 << 14],
        // Zeros that are never touched take no memory.
        data: vec![0.0; 1 << 28],
    };
    let error = write_tensors(&path, TENSORS, &json!({}), &[tensor], &provenance("x"))
        .expect_err("2^28 values");
    assert!(
        error
            .to_string()
            .ends_with("tensor `large`: 268435456 values, a tensor can have at most 268435455"),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn a_tensor_whose_shape_does_not_hold_its_data_is_not_written() {
    let (folder, path) = folder();
    let tensor = NamedTensor {
        name: "w".to_owned(),
        shape: vec![2, 2],
        data: vec![0.0; 3],
    };
    let error = write_tensors(&path, TENSORS, &json!({}), &[tensor], &provenance("x"))
        .expect_err("3 values");
    assert!(error.to_string().contains("tensor `w`"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn eigenpairs_come_back_and_are_selected() {
    let (_folder, path) = folder();
    write_pairs(&path).expect("written");
    let read = Eigenpairs::read(&path).expect("read");
    assert_eq!(read.header, pairs_header());
    let indices = |class, selection, count| -> Result<Vec<u32>, ArtifactError> {
        let rows = read.select(class, selection, count)?;
        assert!(rows.iter().all(|row| row.class as usize == class));
        Ok(rows.iter().map(|row| row.index).collect())
    };
    let stored = |class, selection, count| indices(class, selection, count).expect("stored");
    assert_eq!(stored(0, Selection::Magnitude, 2), [5, 0]);
    assert_eq!(stored(0, Selection::Lowest, 3), [0, 1, 2]);
    assert_eq!(stored(0, Selection::Highest, 2), [5, 4]);
    assert_eq!(stored(1, Selection::Lowest, 4), [0, 1, 2, 3]);
    assert_eq!(stored(1, Selection::Magnitude, 99), [0, 5, 1, 4, 2, 3]);

    // The third strongest of class 0 could be the one that is not stored, and so on.
    for (selection, count, certain) in [
        (Selection::Magnitude, 3, 2),
        (Selection::Highest, 3, 2),
        (Selection::Lowest, 4, 3),
        (Selection::Lowest, 99, 3),
    ] {
        let error = indices(0, selection, count).expect_err("not certain");
        let text = error.to_string();
        let count = count.min(6);
        assert!(
            matches!(error, ArtifactError::TooFewEigenpairs { asked, stored, .. }
                if (asked, stored) == (count, certain)),
            "{text}"
        );
        let order = format!("table.parquet, class 0: the {count} ");
        assert!(text.contains(&order), "{text}");
        let missing =
            format!(" of 6 eigenpairs are needed, but only {certain} are certain to be stored");
        assert!(text.ends_with(&missing), "{text}");
    }
    let error = indices(2, Selection::Lowest, 1).expect_err("two classes");
    assert!(
        error.to_string().ends_with("class 2, but there are 2"),
        "{error}"
    );
}

#[test]
fn labels_come_back_with_their_types() {
    let (_folder, path) = folder();
    let row = |images: u32| ScalingRow {
        images,
        models: 2,
        train_loss_nats: 0.5,
        train_accuracy_fraction: 0.75,
        test_loss_nats: 1.0,
        test_accuracy_fraction: 0.5,
    };
    let labelled = |labels: serde_json::Value, images: u32| Labelled {
        labels: serde_json::from_value(labels).expect("an object"),
        row: row(images),
    };
    let rows = vec![
        labelled(
            json!({"batch": 32, "rate": 0.5, "bias": true, "network": "mlp"}),
            100,
        ),
        labelled(
            json!({"batch": 64, "rate": 1, "bias": false, "images": 7}),
            200,
        ),
    ];
    write_labelled(&path, &rows, None, &provenance("x")).expect("written");
    let mut expected = rows.clone();
    expected[1].labels.insert("rate".to_owned(), json!(1.0));
    assert_eq!(read_labelled::<ScalingRow>(&path).expect("read"), expected);
    let names: Vec<String> = summarise(&path)
        .expect("readable")
        .schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    // The table has a column `images` of its own.
    let labels = ["batch", "bias", "label_images", "network", "rate", "images"];
    assert_eq!(names[..6], labels);
    // A reader that knows no labels does not mix the groups.
    let error = read_records::<ScalingRow>(&path).expect_err("labels");
    assert!(error.to_string().contains("`batch`"), "{error}");

    let plain = vec![labelled(json!({}), 100)];
    write_labelled(&path, &plain, None, &provenance("x")).expect("written");
    assert_eq!(read_records::<ScalingRow>(&path).expect("read"), [row(100)]);
    assert_eq!(read_labelled::<ScalingRow>(&path).expect("read"), plain);
}
