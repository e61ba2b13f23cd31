//! Tables whose rows have images: what is written is read back, and what does not fit is refused.

mod samples;

use eigenscope_artifact::tables::masks::MaskRow;
use eigenscope_artifact::{
    ArtifactError, ImageRow, ImageTable, ImageTableHeader, InputShape, read_records, summarise,
};

use samples::{folder, provenance};

fn table() -> ImageTable<MaskRow> {
    let row = |rank: u32| ImageRow {
        row: MaskRow {
            class: 1,
            rank,
            eigenvalue: 0.5 / f64::from(rank),
            encoder_std: 0.25,
        },
        images: vec![vec![0.5, -1.0], vec![rank as f32, 2.0], vec![0.0, 1e-9]],
    };
    ImageTable {
        header: ImageTableHeader {
            shape: InputShape::from([1, 1, 2]),
            classes: vec!["a".to_owned(), "b".to_owned()],
        },
        rows: vec![row(1), row(2)],
    }
}

#[test]
fn rows_come_back_with_their_images() {
    let (_folder, path) = folder();
    let digest = table().write(&path, &provenance("test")).expect("written");
    assert_eq!(ImageTable::read(&path).expect("readable"), table());
    assert_eq!(summarise(&path).expect("readable").content, digest);
    let error = read_records::<MaskRow>(&path).expect_err("images are left");
    assert!(
        error
            .to_string()
            .contains("unexpected column `eigenvector`"),
        "{error}"
    );
    let mut empty = table();
    empty.rows.clear();
    empty.write(&path, &provenance("test")).expect("written");
    assert_eq!(ImageTable::read(&path).expect("readable"), empty);
}

#[test]
fn images_that_do_not_fit_are_refused_and_leave_nothing() {
    let refused = |change: fn(&mut ImageTable<MaskRow>), words: &str| {
        let (_folder, path) = folder();
        let mut table = table();
        change(&mut table);
        let error = table
            .write(&path, &provenance("test"))
            .expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!path.exists());
    };
    refused(
        |table| table.rows[1].images[0].push(0.0),
        "`eigenvector` of row 1 has 3 values for inputs of 2",
    );
    refused(
        |table| table.rows[0].images[1][0] = f32::INFINITY,
        "`mask` of row 0 holds inf",
    );
    refused(
        |table| drop(table.rows[0].images.pop()),
        "row 0 has 2 images, expected 3",
    );
}

#[test]
fn a_cut_file_is_refused() {
    let (_folder, path) = folder();
    table().write(&path, &provenance("test")).expect("written");
    let bytes = std::fs::read(&path).expect("bytes");
    std::fs::write(&path, &bytes[..bytes.len() - 9]).expect("written");
    let error = ImageTable::<MaskRow>::read(&path).expect_err("cut");
    assert!(matches!(error, ArtifactError::Damaged { .. }), "{error}");
}
