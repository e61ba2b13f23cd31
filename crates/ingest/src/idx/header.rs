//! The header of an IDX file: magic number, type code and sizes, or what is wrong with it.

use std::borrow::Cow;

use crate::content::Content;
use crate::error::{COPY_AGAIN, CUT_SHORT, IngestError, OTHER_FILE};
use crate::foreign::{START_BYTES, recognise};

/// Largest content of a file, which is read into memory.
const MAXIMUM_BYTES: u64 = 1 << 32;
/// Largest number of dimensions that are read.
const MAXIMUM_RANK: u8 = 8;
const UNSIGNED_BYTE: u8 = 0x08;
const BIG_ENDIAN: &str =
    "write the header with big-endian numbers (in NumPy: type `>u4`, in Python's struct: `>`)";

/// The expected content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    Images,
    Labels,
}

impl Holding {
    fn name(self) -> &'static str {
        match self {
            Holding::Images => "images",
            Holding::Labels => "labels",
        }
    }

    /// Sizes that such a file has.
    fn shapes(self) -> &'static str {
        match self {
            Holding::Images => "[images, height, width] or [images, channels, height, width]",
            Holding::Labels => "[labels]",
        }
    }

    /// What to do about other `sizes`; `None` if they are right.
    fn advice(self, sizes: &[usize]) -> Option<Cow<'static, str>> {
        const EXCHANGED: &str = "are the files of images and labels exchanged?";
        let single = |sizes: &[usize]| sizes.iter().all(|&size| size == 1);
        Some(match (self, sizes) {
            (Holding::Images, [_, _, _] | [_, _, _, _]) => return None,
            (Holding::Images, [_, rest @ ..]) if single(rest) => EXCHANGED.into(),
            (Holding::Images, &[_, values]) => flat(values).into(),
            (Holding::Labels, [_, rest @ ..]) if single(rest) => return None,
            (Holding::Labels, [_, classes]) => format!(
                "one-hot labels of {classes} classes? write the number of its class for every image"
            )
            .into(),
            (Holding::Labels, [_, _, _] | [_, _, _, _]) => EXCHANGED.into(),
            _ => OTHER_FILE.into(),
        })
    }
}

fn flat(values: usize) -> String {
    let side = values.isqrt();
    let shape = match side * side == values {
        true => format!("such as {side} x {side}"),
        false => "whose product is that number".to_owned(),
    };
    format!("flat images? write their height and width instead of {values} values, {shape}")
}

/// The sizes, and the number of values after them.
pub(super) fn read(
    content: &mut Content<'_>,
    holding: Holding,
) -> Result<(Vec<usize>, u64), IngestError> {
    let rank = read_magic(content, holding)?;
    let start = content.offset();
    let mut sizes = Vec::new();
    for position in 1..=rank {
        let size = content.array::<4>(&format!("size {position} of {rank}"))?;
        sizes.push(u32::from_be_bytes(size));
    }
    // At least 32 bits: the sizes fit.
    let dimensions: Vec<usize> = sizes.iter().map(|&size| size as usize).collect();
    let wrong = |content: &Content<'_>, expected: String, found: String, fix: Cow<'static, str>| {
        let what = format!("sizes of {}", holding.name());
        Err(content.malformed(start, what, expected, found, fix))
    };
    let bytes = product(&sizes);
    let room = content.room();
    if bytes > room.min(MAXIMUM_BYTES) {
        let swapped: Vec<u32> = sizes.iter().map(|size| size.swap_bytes()).collect();
        let fits = match content.room_is_exact() {
            true => product(&swapped) == room,
            false => (1..=room).contains(&product(&swapped)),
        };
        if fits {
            let found = format!("{swapped:?} in little-endian order");
            return wrong(
                content,
                "big-endian numbers".into(),
                found,
                BIG_ENDIAN.into(),
            );
        }
    }
    if let Some(advice) = holding.advice(&dimensions) {
        let expected = holding.shapes().to_owned();
        return wrong(content, expected, format!("{dimensions:?}"), advice);
    }
    if let Some(position) = sizes.iter().position(|&size| size == 0) {
        let fix = match position {
            0 => format!("the file holds no {}: give one that does", holding.name()).into(),
            _ => COPY_AGAIN.into(),
        };
        let found = format!("{dimensions:?}");
        return wrong(content, "at least 1 each".into(), found, fix);
    }
    if bytes > MAXIMUM_BYTES {
        let expected = format!("at most {MAXIMUM_BYTES} bytes in all");
        return wrong(
            content,
            expected,
            format!("{dimensions:?}"),
            CUT_SHORT.into(),
        );
    }
    if bytes > room {
        let most = if content.room_is_exact() {
            ""
        } else {
            "at most "
        };
        let expected = format!("{bytes} bytes after them for {dimensions:?}");
        return wrong(content, expected, format!("{most}{room}"), CUT_SHORT.into());
    }
    Ok((dimensions, bytes))
}

/// Four or more factors below 2^32 may overflow: saturation is above every limit as well.
fn product(sizes: &[u32]) -> u64 {
    let factors = sizes.iter().map(|&size| u64::from(size));
    factors.fold(1, u64::saturating_mul)
}

/// The number of dimensions.
fn read_magic(content: &mut Content<'_>, holding: Holding) -> Result<u8, IngestError> {
    let start = content.offset();
    let mut magic = [0; 4];
    let filled = content.fill(&mut magic)?;
    if filled == 0 {
        let expected = "an IDX file";
        return Err(content.malformed(start, "format", expected, "an empty file", COPY_AGAIN));
    }
    let known = |code: u8| type_name(code).is_some();
    match magic {
        [0, 0, UNSIGNED_BYTE, rank @ 1..=MAXIMUM_RANK] if filled == 4 => Ok(rank),
        [0, 0, code, 1..=MAXIMUM_RANK] if filled == 4 && known(code) => Err(content.malformed(
            start + 2,
            format!("type of the {}", holding.name()),
            "0x08 (unsigned bytes)",
            format!("{code:#04x} ({})", type_name(code).unwrap_or_default()),
            match holding {
                Holding::Images => "write the pixels as unsigned bytes, 0 to 255",
                Holding::Labels => "write the class numbers as unsigned bytes",
            },
        )),
        [1..=MAXIMUM_RANK, code, 0, 0] if filled == 4 && known(code) => Err(content.malformed(
            start,
            "magic number",
            format!("0x00 0x00 {code:#04x} {:#04x}", magic[0]),
            "the same bytes in little-endian order",
            BIG_ENDIAN,
        )),
        _ => {
            let mut bytes = magic.to_vec();
            bytes.resize(START_BYTES, 0);
            let more = content.fill(&mut bytes[filled..])?;
            bytes.truncate(filled + more);
            Err(not_idx(content, start, &bytes))
        }
    }
}

/// The error about a file that starts with `bytes`.
fn not_idx(content: &Content<'_>, start: u64, bytes: &[u8]) -> IngestError {
    let expected = "an IDX file (it starts with 0x00 0x00 0x08)";
    match recognise(bytes) {
        Some(format) => content.malformed(start, "format", expected, format.name, format.advice),
        None => {
            let first = bytes.iter().take(4).map(|byte| format!("{byte:#04x}"));
            let first: Vec<String> = first.collect();
            content.malformed(start, "format", expected, first.join(" "), OTHER_FILE)
        }
    }
}

fn type_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x08 => "unsigned bytes",
        0x09 => "signed bytes",
        0x0b => "16-bit integers",
        0x0c => "32-bit integers",
        0x0d => "32-bit floats",
        0x0e => "64-bit floats",
        _ => return None,
    })
}
