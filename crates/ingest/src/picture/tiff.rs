//! TIFF pictures with a palette, and those that are compressed as JPEG. The decoder reads no palettes, so it is given a copy that is called
//! grey: its values are the indices of colours. Of JPEG it makes other pixels than libjpeg, so such pictures are refused.

use image::{ColorType, ImageDecoder, ImageResult};

/// Tags, by their numbers in the file.
const BITS_PER_SAMPLE: u16 = 258;
const COMPRESSION: u16 = 259;
const INTERPRETATION: u16 = 262;
const COLOUR_MAP: u16 = 320;

/// Values of [`INTERPRETATION`].
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u16 = 3;

/// Values of [`COMPRESSION`]: JPEG as TIFF 6.0 has it, and as it has been since.
const JPEG: [u16; 2] = [6, 7];

/// The palette of a picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Palette {
    /// Bits of an index.
    pub(super) bits: u16,
    colours: Vec<[u8; 3]>,
    /// Where the file says that there is one.
    interpretation: usize,
    is_big_endian: bool,
}

/// Numbers in the byte order of a file.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl<'a> Numbers<'a> {
    /// The numbers of a TIFF picture; `None` if it is none.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = match bytes.first_chunk()? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(Self {
            bytes,
            is_big_endian,
        })
    }

    fn short(self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(match self.is_big_endian {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    }

    fn long(self, at: usize) -> Option<usize> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        let value = match self.is_big_endian {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        };
        usize::try_from(value).ok()
    }

    /// The place of a tag's count, which its value follows, in the directory of the first page.
    fn tag(self, wanted: u16) -> Option<usize> {
        let directory = self.long(4)?;
        let count = usize::from(self.short(directory)?);
        let entries = (0..count).map(|entry| directory + 2 + 12 * entry);
        let mut found = entries.filter(|&at| self.short(at) == Some(wanted));
        found.next().map(|at| at + 4)
    }
}

/// Returns whether a TIFF picture is compressed as JPEG.
pub(super) fn is_jpeg(bytes: &[u8]) -> bool {
    let compression = || {
        let numbers = Numbers::of(bytes)?;
        numbers.short(numbers.tag(COMPRESSION)? + 4)
    };
    compression().is_some_and(|value| JPEG.contains(&value))
}

impl Palette {
    /// The palette of a TIFF picture; `None` if it has none, or is none.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let numbers = Numbers::of(bytes)?;
        let interpretation = numbers.tag(INTERPRETATION)? + 4;
        if numbers.short(interpretation)? != PALETTE {
            return None;
        }
        let bits = numbers.tag(BITS_PER_SAMPLE);
        let bits = bits.map_or(Some(1), |at| numbers.short(at + 4))?;
        let map = numbers.tag(COLOUR_MAP)?;
        let (count, start) = (numbers.long(map)? / 3, numbers.long(map + 4)?);
        // All reds, then greens, then blues, of 16 bits.
        let value = |channel: usize, index: usize| {
            let at = start + 2 * (channel * count + index);
            Some((numbers.short(at)? >> 8) as u8)
        };
        let colour = |index| Some([value(0, index)?, value(1, index)?, value(2, index)?]);
        let colours: Vec<[u8; 3]> = (0..count.min(1 << 16)).map_while(colour).collect();
        (colours.len() == count).then_some(Self {
            bits,
            colours,
            interpretation,
            is_big_endian: numbers.is_big_endian,
        })
    }

    /// The file with grey values in place of indices.
    pub(super) fn grey(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let value = match self.is_big_endian {
            true => BLACK_IS_ZERO.to_be_bytes(),
            false => BLACK_IS_ZERO.to_le_bytes(),
        };
        if let Some(place) = bytes.get_mut(self.interpretation..self.interpretation + 2) {
            place.copy_from_slice(&value);
        }
        bytes
    }
}

/// A decoder of indices, of 8 bits each, and their colours.
pub(super) struct Indexed<D> {
    indices: D,
    palette: Palette,
}

impl<D: ImageDecoder> Indexed<D> {
    pub(super) fn new(indices: D, palette: Palette) -> Self {
        Self { indices, palette }
    }
}

impl<D: ImageDecoder> ImageDecoder for Indexed<D> {
    fn dimensions(&self) -> (u32, u32) {
        self.indices.dimensions()
    }

    fn color_type(&self) -> ColorType {
        ColorType::Rgb8
    }

    fn orientation(&mut self) -> ImageResult<image::metadata::Orientation> {
        self.indices.orientation()
    }

    fn read_image(self, buffer: &mut [u8]) -> ImageResult<()> {
        let mut indices = vec![0; buffer.len() / 3];
        self.indices.read_image(&mut indices)?;
        let (pixels, _) = buffer.as_chunks_mut();
        for (pixel, index) in pixels.iter_mut().zip(indices) {
            // Black beyond the end of the palette, as Pillow has it.
            let colour = self.palette.colours.get(usize::from(index));
            *pixel = colour.copied().unwrap_or_default();
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}
