//! Pictures against Pillow and NumPy (`tests/reference/pictures_truth.json`), and damaged ones.

use eigenscope_testing::{fixture, hexadecimal};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Truth {
    pictures: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    file: String,
    channels: usize,
    resize: Vec<usize>,
    background: Vec<u8>,
    size: [usize; 2],
    tolerance: u8,
    pixels: Vec<u8>,
}

impl Case {
    fn file(&self) -> Vec<u8> {
        hexadecimal(&self.file)
    }

    fn form(&self) -> Form {
        Form {
            channels: [Channels::Grey, Channels::Rgb][usize::from(self.channels == 3)],
            size: (!self.resize.is_empty()).then(|| [self.resize[0], self.resize[1]]),
            background: match self.background[..] {
                [] => None,
                [red, green, blue] => Some([red, green, blue]),
                _ => Some([self.background[0]; 3]),
            },
        }
    }
}

fn cases() -> Vec<Case> {
    fixture::<Truth>("pictures_truth.json").pictures
}

fn case(name: &str) -> Case {
    let case = cases().into_iter().find(|case| case.name == name);
    case.expect("a case of this name")
}

#[test]
fn pictures_have_the_values_of_pillow() {
    for case in cases() {
        let picture = decode(&case.file(), &case.form());
        let picture = picture.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(picture.size, case.size, "{}", case.name);
        assert_eq!(picture.pixels.len(), case.pixels.len(), "{}", case.name);
        let differences = picture
            .pixels
            .iter()
            .zip(&case.pixels)
            .map(|(a, b)| a.abs_diff(*b));
        let largest = differences.max().expect("some pixels");
        assert!(
            largest <= case.tolerance,
            "{}: {largest} grey levels",
            case.name
        );
    }
}

#[test]
fn headers_tell_size_and_colours() {
    for case in cases() {
        let look = look(&case.file(), true).expect("intact");
        if case.resize.is_empty() {
            assert_eq!(look.size, case.size, "{}", case.name);
        }
        if !case.name.contains(" to ") {
            assert_eq!(look.is_grey, case.channels == 1, "{}", case.name);
        }
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let reason = |bytes: &[u8]| look(bytes, false).expect_err("refused");
    assert_eq!(reason(b""), "the file is empty");
    let found = "expected a PNG, JPEG, BMP, GIF, TIFF or WebP picture, found";
    assert_eq!(reason(b"<html>404"), format!("{found} a web page (HTML)"));
    assert_eq!(reason(&[0; 600]), format!("{found} something else"));
}

#[test]
fn kinds_that_are_not_read_are_named() {
    let with = |name: &str, marker: u8, offset: usize, value: u8| {
        let mut file = case(name).file();
        let found = file.windows(2).position(|pair| pair == [0xff, marker]);
        file[found.expect("a segment of this kind") + offset] = value;
        look(&file, false).expect_err("not read")
    };
    for (reason, what) in [
        (with("jpeg grey", 0xc0, 1, 0xc3), "lossless JPEG"),
        (with("jpeg grey", 0xc0, 1, 0xc5), "hierarchical JPEG"),
        (
            with("jpeg grey", 0xc0, 1, 0xc9),
            "JPEG with arithmetic coding",
        ),
        (with("jpeg grey", 0xc0, 4, 12), "JPEG of 12 bits a channel"),
        (with("jpeg grey", 0xc0, 9, 2), "JPEG of 2 channels"),
    ] {
        let expected = format!("pictures of this kind are not read ({what}): save it as PNG");
        assert_eq!(reason, expected);
    }
    let mut file = case("tiff palette").file();
    // Bits of a sample: tag 258, one short number.
    let bits = [2, 1, 3, 0, 1, 0, 0, 0, 8, 0];
    let found = file.windows(bits.len()).position(|part| part == bits);
    file[found.expect("the tag") + 8] = 4;
    let reason = look(&file, false).expect_err("not read");
    assert!(
        reason.contains("(TIFF with a palette of 4 bits)"),
        "{reason}"
    );
    let mut file = case("tiff lzw rgb").file();
    // The compression: tag 259, one short number.
    let compression = [3, 1, 3, 0, 1, 0, 0, 0, 5, 0];
    let mut parts = file.windows(compression.len());
    let found = parts.position(|part| part == compression);
    file[found.expect("the tag") + 8] = 7;
    let reason = look(&file, false).expect_err("not read");
    assert!(reason.contains("(TIFF compressed as JPEG)"), "{reason}");
}

#[test]
fn a_picture_of_endless_scans_is_refused() {
    for name in ["jpeg grey progressive", "jpeg grey"] {
        let mut file = case(name).file();
        file.truncate(file.len() - 2);
        // The last scan again and again.
        let scan = file.windows(2).rposition(|pair| pair == [0xff, 0xda]);
        let scan = file[scan.expect("a scan")..].to_vec();
        (0..500).for_each(|_| file.extend_from_slice(&scan));
        file.extend([0xff, 0xd9]);
        let reason = look(&file, false).expect_err("refused");
        assert!(
            reason.contains("(JPEG of more than 500 scans)"),
            "{name}: {reason}"
        );
    }
}

#[test]
fn errors_that_a_decoder_passes_over_are_noted() {
    let case = case("jpeg edges 4:2:0 20 x 30");
    let intact = decode(&case.file(), &case.form()).expect("intact");
    assert!(!intact.is_flawed);
    let mut file = case.file();
    let length = file.len();
    // The end in the middle of the data, and once more behind them.
    file[length - 200..length - 198].copy_from_slice(&[0xff, 0xd9]);
    let flawed = decode(&file, &case.form()).expect("decoded as by Pillow");
    assert!(flawed.is_flawed);
    assert_eq!(flawed.pixels.len(), case.pixels.len());
    // What comes behind the data is no error of theirs.
    let mut file = case.file();
    file.extend(b"something else");
    assert!(!decode(&file, &case.form()).expect("intact").is_flawed);
}

#[test]
fn a_picture_cut_short_is_refused() {
    for name in [
        "png rgb 8",
        "jpeg grey",
        "jpeg rgb progressive",
        "bmp rgb",
        "gif grey",
        "tiff rgb",
        "webp lossless rgb",
    ] {
        let case = case(name);
        let file = case.file();
        for length in [file.len() / 2, file.len() * 9 / 10] {
            let result = decode(&file[..length], &case.form());
            assert!(result.is_err(), "{name} cut to {length} of {}", file.len());
        }
    }
}

/// The header of a PNG with these sides, and nothing that could be decoded.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut file = case("png grey 8").file();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&file[12..29]);
    file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    file
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    for (width, height) in [
        (100_000, 100_000),
        (70_000, 1),
        (65_536, 65_536),
        (9000, 9000),
    ] {
        let reason = look(&png_header(width, height), false).expect_err("refused");
        let expected = format!("{height} x {width} pixels (height, width) are too many");
        assert!(reason.starts_with(&expected), "{reason}");
    }
    // A small file that promises just less than the limit: its data end too early.
    let reason = decode(&png_header(8192, 8192), &case("png grey 8").form()).expect_err("refused");
    assert!(reason.contains("damaged or cut short"), "{reason}");
    let mut bitmap = case("bmp rgb").file();
    bitmap[18..26].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    assert!(look(&bitmap, true).is_err());
}

proptest! {
    #[test]
    fn damaged_pictures_are_read_or_refused(which: usize, position: usize, value: u8, colour: bool) {
        let cases = cases();
        let case = &cases[which % cases.len()];
        let mut file = case.file();
        let position = position % file.len();
        file[position] = value;
        let _ = look(&file, true);
        let channels = [Channels::Grey, Channels::Rgb][usize::from(colour)];
        let form = Form { channels, size: Some([3, 4]), background: Some([9; 3]) };
        if let Ok(picture) = decode(&file, &form) {
            prop_assert_eq!(picture.size, [3, 4]);
            prop_assert_eq!(picture.pixels.len(), 12 * channels.count());
        }
    }
}
