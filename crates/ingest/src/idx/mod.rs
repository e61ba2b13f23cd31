//! IDX files, the format of MNIST: two zero bytes, a type code, the number of dimensions, the
//! dimensions as big-endian u32, then the values, row-major.
//!
//! Read here: labels (`[labels]`, or with further sizes of 1) and images (`[images, height, width]`, or four dimensions
//! with the channels second or last, see [`Layout`]), both of unsigned bytes, plain or gzip. A data set is held in
//! memory once: 55 MB for MNIST.

mod header;
mod layout;

use eigenscope_artifact::Split;

use crate::content::Content;
use crate::error::IngestError;
use header::Holding;
pub(crate) use layout::Layout;
pub(crate) use layout::channels_to_front;

/// Images of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdxImages {
    /// `[channels, height, width]`.
    pub(crate) shape: [usize; 3],
    pub(crate) count: usize,
    /// `[images, channels, height, width]`.
    pub(crate) pixels: Vec<u8>,
}

/// Reads the file of the images; `content` stands behind the last pixel afterwards.
pub(crate) fn read_images(
    content: &mut Content<'_>,
    layout: Layout,
) -> Result<IdxImages, IngestError> {
    let header = Header::read(content, layout)?;
    let mut pixels = content.bytes("pixels", header.bytes)?;
    if header.channels_last {
        channels_to_front(&mut pixels, header.sizes);
    }
    Ok(IdxImages {
        shape: header.shape(),
        count: header.count,
        pixels,
    })
}

/// The shape `[channels, height, width]` of the images of a file, and their number; `content` stands before the first pixel afterwards.
pub(crate) fn look_at_images(
    content: &mut Content<'_>,
    layout: Layout,
) -> Result<([usize; 3], usize), IngestError> {
    let header = Header::read(content, layout)?;
    Ok((header.shape(), header.count))
}

/// What the header of a file of images says.
struct Header {
    count: usize,
    /// Sizes of an image, in the order of the file.
    sizes: [usize; 3],
    channels_last: bool,
    /// Bytes of all pixels.
    bytes: u64,
}

impl Header {
    fn read(content: &mut Content<'_>, layout: Layout) -> Result<Self, IngestError> {
        let start = content.offset();
        let (dimensions, bytes) = header::read(content, Holding::Images)?;
        let (count, sizes, colour) = match dimensions[..] {
            [count, height, width] => (count, [1, height, width], false),
            [count, first, second, third] => (count, [first, second, third], true),
            _ => (0, [0; 3], false),
        };
        let channels_last = match layout.channels_last(sizes) {
            _ if !colour => false,
            Some(last) => last,
            None => return Err(ambiguous(content, start, &dimensions)),
        };
        Ok(Self {
            count,
            sizes,
            channels_last,
            bytes,
        })
    }

    /// `[channels, height, width]`.
    fn shape(&self) -> [usize; 3] {
        match (self.channels_last, self.sizes) {
            (false, shape) => shape,
            (true, [height, width, channels]) => [channels, height, width],
        }
    }
}

fn ambiguous(content: &Content<'_>, start: u64, dimensions: &[usize]) -> IngestError {
    content.malformed(
        start + 4,
        "sizes of images",
        "[images, channels, height, width]",
        format!("{dimensions:?}"),
        "channels last? set `layout = \"channels-last\"`, or \"channels-first\" if the second size is the number of channels",
    )
}

/// Reads the file of the labels, each below `classes`.
pub(crate) fn read_labels(
    content: &mut Content<'_>,
    classes: usize,
) -> Result<Vec<u8>, IngestError> {
    let (_, bytes) = header::read(content, Holding::Labels)?;
    let start = content.offset();
    let labels = content.bytes("labels", bytes)?;
    if let Some(row) = labels
        .iter()
        .position(|label| usize::from(*label) >= classes)
    {
        return Err(content.malformed(
            start + row as u64,
            format!("label of image {row}"),
            format!("0..={}", classes.saturating_sub(1)),
            labels[row].to_string(),
            "the file is damaged or belongs to another data set",
        ));
    }
    Ok(labels)
}

/// Images and as many labels as one split.
pub(crate) fn join(images: IdxImages, labels: &[u8]) -> Split {
    // At most 2^32 bytes, none of the sizes zero: the count fits.
    Split {
        indices: (0..labels.len() as u32).collect(),
        labels: labels.iter().map(|label| u16::from(*label)).collect(),
        pixels: images.pixels,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::tests::{content, gzip};

    fn idx(code: u8, dimensions: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, code, dimensions.len() as u8];
        for size in dimensions {
            bytes.extend(size.to_be_bytes());
        }
        bytes.extend(values);
        bytes
    }

    fn images(bytes: &[u8]) -> Result<IdxImages, IngestError> {
        images_with(bytes, Layout::Auto)
    }

    fn images_with(bytes: &[u8], layout: Layout) -> Result<IdxImages, IngestError> {
        let mut content = content(bytes);
        let images = read_images(&mut content, layout)?;
        content.finish()?;
        Ok(images)
    }

    fn labels(bytes: &[u8], classes: usize) -> Result<Vec<u8>, IngestError> {
        let mut content = content(bytes);
        let labels = read_labels(&mut content, classes)?;
        content.finish()?;
        Ok(labels)
    }

    fn refused(bytes: &[u8]) -> String {
        images(bytes).expect_err("refused").to_string()
    }

    #[test]
    fn images_and_labels_come_back() {
        let values: Vec<u8> = (0..12).collect();
        let grey = idx(8, &[2, 2, 3], &values);
        let colour = idx(8, &[1, 3, 2, 2], &values);
        for packed in [false, true] {
            let file = |bytes: &[u8]| {
                if packed { gzip(bytes) } else { bytes.to_vec() }
            };
            let read = images(&file(&grey)).expect("valid");
            assert_eq!((read.count, read.shape), (2, [1, 2, 3]));
            assert_eq!(read.pixels, values);
            let read = images(&file(&colour)).expect("valid");
            assert_eq!((read.count, read.shape), (1, [3, 2, 2]));
            let read = labels(&file(&idx(8, &[3], &[0, 9, 4])), 10).expect("valid");
            assert_eq!(read, [0, 9, 4]);
        }
    }

    #[test]
    fn each_defect_names_file_offset_expected_and_found() {
        let good = idx(8, &[2, 2, 3], &[5; 12]);
        let with = |position: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[position] = value;
            bytes
        };
        let sized = |dimensions: &[u32]| {
            let values: u32 = dimensions.iter().product();
            idx(8, dimensions, &vec![1; values as usize])
        };
        let little = |bytes: &[u8], from: usize| {
            let words = bytes[from..16].chunks(4).flat_map(|word| word.iter().rev());
            [
                &bytes[..from],
                &words.copied().collect::<Vec<u8>>(),
                &bytes[16..],
            ]
            .concat()
        };
        for (bytes, message) in [
            (
                with(1, 7),
                "byte 0: format: expected an IDX file (it starts with 0x00 0x00 0x08), found 0x00 0x07 0x08 0x03; this is another kind of file: give the right one",
            ),
            (
                b"<html>404</html>".to_vec(),
                "byte 0: format: expected an IDX file (it starts with 0x00 0x00 0x08), found a web page (HTML); download the file itself, not the page that links to it",
            ),
            (
                Vec::new(),
                "byte 0: format: expected an IDX file, found an empty file; the file is damaged or incomplete: remove it and copy or download it again",
            ),
            (
                with(2, 0x0d),
                "byte 2: type of the images: expected 0x08 (unsigned bytes), found 0x0d (32-bit floats); write the pixels as unsigned bytes, 0 to 255",
            ),
            (
                little(&good, 0),
                "byte 0: magic number: expected 0x00 0x00 0x08 0x03, found the same bytes in little-endian order; write the header with big-endian numbers (in NumPy: type `>u4`, in Python's struct: `>`)",
            ),
            (
                little(&good, 4),
                "byte 4: sizes of images: expected big-endian numbers, found [2, 2, 3] in little-endian order; write the header with big-endian numbers (in NumPy: type `>u4`, in Python's struct: `>`)",
            ),
            (
                sized(&[2]),
                "byte 4: sizes of images: expected [images, height, width] or [images, channels, height, width], found [2]; are the files of images and labels exchanged?",
            ),
            (
                sized(&[2, 9]),
                "byte 4: sizes of images: expected [images, height, width] or [images, channels, height, width], found [2, 9]; flat images? write their height and width instead of 9 values, such as 3 x 3",
            ),
            (
                sized(&[2, 3, 3, 3]),
                "byte 4: sizes of images: expected [images, channels, height, width], found [2, 3, 3, 3]; channels last? set `layout = \"channels-last\"`, or \"channels-first\" if the second size is the number of channels",
            ),
            (
                with(11, 0),
                "byte 4: sizes of images: expected at least 1 each, found [2, 0, 3]; the file is damaged or incomplete: remove it and copy or download it again",
            ),
            (
                sized(&[0, 2, 3]),
                "byte 4: sizes of images: expected at least 1 each, found [0, 2, 3]; the file holds no images: give one that does",
            ),
            (
                with(7, 3),
                "byte 4: sizes of images: expected 18 bytes after them for [3, 2, 3], found 12; the file is cut short, or the sizes in its header are wrong: copy or write it again",
            ),
            (
                with(7, 1),
                "byte 22: length of the content: expected 22 bytes, as the header says, found more bytes after them; the sizes in the header are wrong, or the values are not single bytes (uint8), or something was appended: write it again",
            ),
            (
                good[..14].to_vec(),
                "byte 14: size 3 of 3, where the content ends: expected 4 bytes, found 2; the file is cut short, or the sizes in its header are wrong: copy or write it again",
            ),
        ] {
            assert_eq!(refused(&bytes), format!("data/file: {message}"));
        }
        for (dimensions, advice) in [
            (&[2, 3][..], "one-hot labels of 3 classes?"),
            (&[2, 2, 2], "are the files of images and labels exchanged?"),
        ] {
            let error = labels(&sized(dimensions), 10)
                .expect_err("refused")
                .to_string();
            assert!(error.contains(advice), "{error}");
        }
    }

    #[test]
    fn channels_stand_where_the_layout_says() {
        // One image of 2 x 2 pixels: red, green and blue values 1x, 2x and 3x.
        let last = [10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33];
        let first = [10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33];
        let bytes = idx(8, &[1, 2, 2, 3], &last);
        let read = images_with(&bytes, Layout::ChannelsLast).expect("valid");
        assert_eq!((read.count, read.shape), (1, [3, 2, 2]));
        assert_eq!(read.pixels, first);
        // The same bytes, if somebody insists.
        let read = images_with(&bytes, Layout::ChannelsFirst).expect("valid");
        assert_eq!((read.shape, read.pixels), ([2, 2, 3], last.to_vec()));
        let grey = idx(8, &[3, 2, 2, 1], &last);
        assert!(images(&grey).is_err());
        let read = images_with(&grey, Layout::ChannelsLast).expect("valid");
        assert_eq!((read.count, read.shape), (3, [1, 2, 2]));
        assert_eq!(read.pixels, last);
        // Images without a dimension for channels have one channel.
        for layout in [Layout::Auto, Layout::ChannelsFirst, Layout::ChannelsLast] {
            let read = images_with(&idx(8, &[1, 4, 3], &last), layout).expect("valid");
            assert_eq!(read.shape, [1, 4, 3]);
        }
    }

    #[test]
    fn a_column_of_labels_is_a_list_of_labels() {
        let column = labels(&idx(8, &[3, 1], &[0, 9, 4]), 10).expect("valid");
        assert_eq!(column, [0, 9, 4]);
    }

    #[test]
    fn dimensions_that_overflow_are_refused() {
        for dimensions in [
            &[u32::MAX; 4][..],
            &[u32::MAX; 3],
            &[1 << 16, 1 << 8, 1 << 9],
        ] {
            for bytes in [idx(8, dimensions, &[]), gzip(&idx(8, dimensions, &[]))] {
                let error = refused(&bytes);
                assert!(error.contains("at most 4294967296 bytes"), "{error}");
            }
        }
    }

    #[test]
    fn a_short_gzip_stream_is_told_by_position() {
        let error = refused(&gzip(&idx(8, &[2, 2, 3], &[5; 11])));
        assert!(
            error.contains("byte 27 of the decompressed content: pixels, where the content ends: expected 12 bytes, found 11"),
            "{error}"
        );
    }

    #[test]
    fn labels_out_of_range_are_told_by_position() {
        let error = labels(&idx(8, &[3], &[0, 10, 4]), 10).expect_err("out of range");
        assert_eq!(
            error.to_string(),
            "data/file: byte 9: label of image 1: expected 0..=9, found 10; the file is damaged or belongs to another data set"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = images(&bytes);
            let _ = labels(&bytes, 10);
        }

        #[test]
        fn any_bytes_after_a_plausible_start_are_read_or_refused(
            packed: bool,
            rank in 0u8..6,
            bytes in proptest::collection::vec(0u8..4, 0..64),
        ) {
            let mut whole = vec![0, 0, 8, rank];
            whole.extend(bytes);
            let whole = if packed { gzip(&whole) } else { whole };
            let _ = images(&whole);
            let _ = labels(&whole, 10);
        }

        #[test]
        fn damaged_gzip_is_read_or_refused(position in 0usize..60, value: u8) {
            let mut bytes = gzip(&idx(8, &[2, 2, 3], &[5; 12]));
            let position = position % bytes.len();
            bytes[position] = value;
            let _ = images(&bytes);
        }
    }
}
