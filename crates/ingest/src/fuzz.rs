//! The readers of files from outside, for the fuzzer to feed (`make fuzz`); compiled for it only.

use std::path::Path;

use eigenscope_artifact::Split;

use crate::arrays::Range;
use crate::content::Content;
use crate::csv::Column;
use crate::idx::Layout;
use crate::parquet_file::{self, ImageColumns, ParquetFile};
use crate::picture::{Channels, Form};
use crate::{cifar, csv, digits, idx, picture};

fn content(bytes: &[u8]) -> Option<Content<'_>> {
    Content::new(Path::new("fuzzed"), bytes, bytes.len() as u64).ok()
}

/// Reads an IDX file, plain or gzip, of images and of labels.
pub fn idx(bytes: &[u8]) {
    for layout in [Layout::Auto, Layout::ChannelsFirst, Layout::ChannelsLast] {
        if let Some(mut content) = content(bytes)
            && let Ok(images) = idx::read_images(&mut content, layout)
        {
            let values: usize = images.shape.iter().product();
            assert_eq!(images.pixels.len(), images.count * values);
            let _ = content.finish();
        }
    }
    if let Some(mut content) = content(bytes)
        && let Ok(labels) = idx::read_labels(&mut content, 10)
    {
        assert!(labels.iter().all(|&label| label < 10));
        let _ = content.finish();
    }
}

/// Reads one batch of CIFAR-10, plain or gzip.
pub fn cifar(bytes: &[u8]) {
    let mut split = Split::default();
    if let Some(mut content) = content(bytes)
        && cifar::read_batch(&mut content, &mut split).is_ok()
    {
        assert_eq!(split.pixels.len(), split.labels.len() * 3072);
        assert_eq!(split.indices.len(), split.labels.len());
    }
}

/// Reads the gzip archive of CIFAR-10.
pub fn archive(bytes: &[u8]) {
    let names = ["data_batch_1.bin", "test_batch.bin"];
    let _ = cifar::read_archive(Path::new("fuzzed"), bytes, &names, |_, mut content| {
        cifar::read_batch(&mut content, &mut Split::default())
    });
}

/// Reads a table of text, plain or gzip.
pub fn table(bytes: &[u8]) {
    let labels = [
        Column::Name(String::new()),
        Column::Position(-1),
        Column::Name("label".to_owned()),
    ];
    for label in labels {
        let range = Range::given(&[0.0, 1.0]).ok().flatten();
        for range in [None, range] {
            if let Some(mut content) = content(bytes)
                && let Ok(table) = csv::read(&mut content, &label, &[], range)
            {
                assert_eq!(table.pixels.len(), table.values * table.labels.len());
                let _ = content.finish();
            }
        }
    }
}

/// Reads a Parquet table, pictures and columns.
pub fn parquet(bytes: &[u8]) {
    let folder = std::env::temp_dir().join(format!("eigenscope-fuzz-{}", std::process::id()));
    if std::fs::write(&folder, bytes).is_err() {
        return;
    }
    if let Ok(file) = ParquetFile::open(&folder)
        && let Ok(label) = file.column("label")
    {
        let _ = (file.labels(label), file.class_names("label"));
        let columns = match file.images("image", label) {
            Ok(ImageColumns::Encoded(column)) => vec![column],
            Ok(ImageColumns::Pixels(columns)) => columns,
            Err(_) => return,
        };
        let batches = file.batches(&columns).into_iter().flatten();
        for batch in batches.map_while(Result::ok) {
            let _ = parquet_file::encoded(batch.column(0));
            let _ = file.numbers(&batch);
        }
    }
}

/// Decodes a picture, as it is and resized.
pub fn picture(bytes: &[u8]) {
    let forms = [
        (Channels::Grey, Some([3, 4]), Some([7; 3])),
        (Channels::Rgb, None, None),
    ];
    for (channels, size, background) in forms {
        let Ok(look) = picture::look(bytes, true) else {
            return;
        };
        // Larger ones are allowed, but take the fuzzer's time.
        if look.size[0] * look.size[1] > 1 << 16 {
            return;
        }
        let form = Form {
            channels,
            size,
            background,
        };
        if let Ok(picture) = picture::decode(bytes, &form) {
            assert_eq!(picture.size, size.unwrap_or(look.size));
            let values = picture.size[0] * picture.size[1] * channels.count();
            assert_eq!(picture.pixels.len(), values);
        }
    }
}

/// Reads the file of the digits.
pub fn digits(bytes: &[u8]) {
    if let Ok((train, test, _)) = digits::read(bytes) {
        assert_eq!(train.labels.len() + test.labels.len(), 1797);
    }
}
