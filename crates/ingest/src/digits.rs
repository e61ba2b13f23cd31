//! The embedded data set: 1797 handwritten digits of 8 x 8 pixels with values 0..16 (UCI optical
//! digits, as shipped with scikit-learn; origin and licence in `assets/README.md`).
//!
//! The file has one image a line: 64 pixels, then the class, separated by commas. The last 360 lines are
//! the test split; `index` counts lines of the one file, so test images have 1437..=1796.

use std::path::Path;

use eigenscope_artifact::Split;

use crate::content::Content;
use crate::error::{COPY_AGAIN, IngestError};
use crate::published::Checksum;

/// The compressed file.
pub(crate) const FILE: &[u8] = include_bytes!("../assets/digits.csv.gz");
/// SHA-256 of the decompressed content.
pub(crate) const CHECKSUM: Checksum<'static> =
    Checksum::Content("6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8");
/// Height and width of an image.
pub(crate) const SIDE: usize = 8;
/// Largest pixel value.
pub(crate) const MAXIMUM: u8 = 16;

const BYTES: u64 = 264_712;
const LINES: usize = 1797;
const TRAIN_LINES: usize = 1437;
const FIELDS: usize = SIDE * SIDE + 1;

/// Training and test split, and the SHA-256 of the content.
pub(crate) fn read(file: &[u8]) -> Result<(Split, Split, String), IngestError> {
    let name = Path::new("assets/digits.csv.gz");
    let mut content = Content::new(name, file, file.len() as u64)?;
    let bytes = content.bytes("lines", BYTES)?;
    let (mut train, mut test) = (Split::default(), Split::default());
    let mut offset = 0;
    let mut lines = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(values) = parse(line) else {
            return Err(content.malformed(
                offset,
                format!("line {}", lines + 1),
                format!("{} numbers 0..={MAXIMUM} and a class 0..=9", FIELDS - 1),
                format!("`{}`", String::from_utf8_lossy(line).trim_end()),
                COPY_AGAIN,
            ));
        };
        let split = if lines < TRAIN_LINES {
            &mut train
        } else {
            &mut test
        };
        // At most as many lines as the file has bytes: the position fits.
        split.indices.push(lines as u32);
        let [pixels @ .., label] = &values;
        split.labels.push(u16::from(*label));
        split.pixels.extend_from_slice(pixels);
        offset += line.len() as u64;
        lines += 1;
    }
    if lines != LINES {
        return Err(content.malformed(
            offset,
            "number of lines",
            LINES.to_string(),
            lines.to_string(),
            COPY_AGAIN,
        ));
    }
    Ok((train, test, content.finish()?))
}

fn parse(line: &[u8]) -> Option<[u8; FIELDS]> {
    let text = std::str::from_utf8(line).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut fields = text.split(',');
    let mut values = [0; FIELDS];
    for (position, value) in values.iter_mut().enumerate() {
        let largest = if position + 1 < FIELDS { MAXIMUM } else { 9 };
        *value = fields
            .next()?
            .parse()
            .ok()
            .filter(|value| *value <= largest)?;
    }
    fields.next().is_none().then_some(values)
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::SourceCheck;
    use proptest::prelude::*;

    use super::*;
    use crate::content::tests::gzip;

    #[test]
    fn the_embedded_file_is_the_published_one() {
        let (train, test, sha256) = read(FILE).expect("valid");
        assert_eq!(CHECKSUM.check(&sha256, ""), SourceCheck::Published);
        assert_eq!((train.len(), test.len()), (1437, 360));
        assert_eq!((train.indices[1436], test.indices[0]), (1436, 1437));
        // sklearn.datasets.load_digits(): data[0], target[:10], target[-3:], numpy.bincount(target).
        #[rustfmt::skip]
        let first = [
            0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0,
            0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0,
        ];
        assert_eq!(train.pixels[..64], first);
        assert_eq!(train.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(test.labels[357..], [8, 9, 8]);
        let mut counts = [0; 10];
        for label in train.labels.iter().chain(&test.labels) {
            counts[usize::from(*label)] += 1;
        }
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert_eq!(train.pixels.iter().chain(&test.pixels).max(), Some(&16));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(FILE), &mut text)
            .expect("intact");
        for (position, value) in [(0, b'x'), (1, b'1'), (0, b'\n'), (131, b';')] {
            let mut damaged = text.clone();
            damaged[position] = value;
            assert!(read(&gzip(&damaged)).is_err(), "byte {position}");
        }
        let error = read(&gzip(&text[1..])).expect_err("one byte short");
        assert!(error.to_string().contains("byte 264711"), "{error}");
        assert!(read(&FILE[..1000]).is_err());
    }

    proptest! {
        #[test]
        fn any_lines_are_read_or_refused(lines in "([0-9,;\n]|\\PC){0,200}", position in 0usize..60_000, value: u8) {
            prop_assert!(read(&gzip(lines.as_bytes())).is_err());
            let mut damaged = FILE.to_vec();
            let position = position % damaged.len();
            damaged[position] = value;
            let _ = read(&damaged);
        }
    }
}
