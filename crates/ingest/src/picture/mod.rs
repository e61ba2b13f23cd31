//! Pictures: encoded bytes to grey or RGB values of 0 to 255.
//!
//! PNG, JPEG, BMP, GIF (the first frame), TIFF (the first page) and WebP, recognised by their first bytes whatever the name
//! is. In this order: values of 16 bits are scaled to 8, transparency is laid over the background, the EXIF orientation is
//! applied, colours are made grey or the other way round, the size is changed.
//!
//! Headers are not trusted: a picture of more than [`MAXIMUM_PIXELS`] is refused before it is decoded.

mod colour;
mod depth;
mod jpeg;
mod orientation;
mod resize;
#[cfg(test)]
mod tests;
mod tiff;

use std::io::Cursor;

use eigenscope_artifact::decoded;
use image::{ColorType, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::foreign::{START_BYTES, recognise};
pub(crate) use colour::Channels;
use colour::Values;
pub(crate) use depth::Depth;
use jpeg::Jpeg;
use tiff::{Indexed, Palette};

/// Largest number of pixels of a picture: 67 million, such as 8192 x 8192.
const MAXIMUM_PIXELS: u64 = 1 << 26;
/// Largest side of a picture in pixels.
const MAXIMUM_SIDE: u32 = 1 << 16;
/// Most memory that a decoder may take, in bytes.
const MAXIMUM_MEMORY: u64 = 1 << 30;
/// Largest encoded picture, in bytes.
pub(crate) const MAXIMUM_BYTES: u64 = 1 << 29;

/// What is known of a picture before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// `[height, width]` with the orientation applied.
    pub(crate) size: [usize; 2],
    /// Whether all its pixels are grey.
    pub(crate) is_grey: bool,
    /// Whether its pixels have an opacity.
    pub(crate) may_be_transparent: bool,
}

/// What pictures are turned into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) channels: Channels,
    /// `[height, width]`; `None`: that of the picture.
    pub(crate) size: Option<[usize; 2]>,
    /// The colour behind transparent pixels; `None`: they are refused.
    pub(crate) background: Option<[u8; 3]>,
}

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// `[height, width]`.
    pub(crate) size: [usize; 2],
    /// `[channels, height, width]`.
    pub(crate) pixels: Vec<u8>,
    /// True if the data have errors that the decoder passed over.
    pub(crate) is_flawed: bool,
    /// What it uses of 16 bits, if it has so many.
    pub(crate) depth: Depth,
}

/// Reads the header. Whether a picture is grey that is stored in colours is only told if `colours` is set, by decoding it.
///
/// # Errors
/// A reason, without the path.
pub(crate) fn look(bytes: &[u8], colours: bool) -> Result<Look, String> {
    guarded(|| {
        let mut decoder = open(bytes)?;
        let (width, height) = decoder.dimensions();
        let turned = orientation::of(&mut decoder)?.is_turned();
        let size = match turned {
            true => [width as usize, height as usize],
            false => [height as usize, width as usize],
        };
        let may_be_transparent = decoder.color_type().has_alpha();
        let is_grey = match decoder.color_type() {
            ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16 => true,
            _ if colours && may_be_grey(bytes) => values(decoder)?.0.is_grey(),
            _ => false,
        };
        Ok(Look {
            size,
            is_grey,
            may_be_transparent,
        })
    })
}

/// Decodes a picture.
///
/// # Errors
/// A reason, without the path.
pub(crate) fn decode(bytes: &[u8], form: &Form) -> Result<Picture, String> {
    guarded(|| {
        check_end(bytes)?;
        let mut decoder = open(bytes)?;
        let orientation = orientation::of(&mut decoder)?;
        let (values, is_flawed) = jpeg::watched(|| values(decoder));
        let (values, depth) = values?;
        let values = values.over(form.background)?;
        let values = orientation.apply(values).with(form.channels);
        let mut planes = values.planes();
        let mut size = values.size();
        if let Some(wanted) = form.size.filter(|wanted| *wanted != size) {
            planes = resize::planes(&planes, size, wanted);
            size = wanted;
        }
        Ok(Picture {
            size,
            pixels: planes,
            is_flawed,
            depth,
        })
    })
}

/// What a picture uses of 16 bits, if it has so many, at most `pixels` pixels, and can be decoded; nothing otherwise.
pub(crate) fn depth(bytes: &[u8], pixels: u64) -> Depth {
    let found = guarded(|| {
        let decoder = open(bytes)?;
        let (width, height) = decoder.dimensions();
        let is_wide =
            decoder.color_type().bytes_per_pixel() / decoder.color_type().channel_count() == 2;
        match is_wide && u64::from(width) * u64::from(height) <= pixels {
            true => Ok(values(decoder)?.1),
            false => Ok(Depth::default()),
        }
    });
    found.unwrap_or_default()
}

/// A decoder of outside code that panics is a decoder that refuses.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    decoded(read).unwrap_or_else(|| Err(DAMAGED.to_owned()))
}

const DAMAGED: &str =
    "the picture is damaged or cut short: replace it with an intact copy, or remove it";

/// The decoder of a picture whose size is within bounds.
fn open(bytes: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, String> {
    let decoder: Box<dyn ImageDecoder> = match format(bytes)? {
        ImageFormat::Jpeg => Box::new(Jpeg::open(bytes).map_err(refused)?),
        ImageFormat::Tiff if tiff::is_jpeg(bytes) => {
            return Err(not_read("TIFF compressed as JPEG"));
        }
        ImageFormat::Tiff => match Palette::of(bytes) {
            Some(palette) if palette.bits == 8 => {
                let indices = decoder_of(palette.grey(bytes), ImageFormat::Tiff)?;
                Box::new(Indexed::new(indices, palette))
            }
            Some(palette) => {
                let bits = palette.bits;
                return Err(not_read(&format!("TIFF with a palette of {bits} bits")));
            }
            None => Box::new(decoder_of(bytes, ImageFormat::Tiff)?),
        },
        format => Box::new(decoder_of(bytes, format)?),
    };
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > MAXIMUM_SIDE || pixels > MAXIMUM_PIXELS {
        return Err(format!(
            "{height} x {width} pixels (height, width) are too many: at most {MAXIMUM_PIXELS} in all and {MAXIMUM_SIDE} a side are read; make the picture smaller"
        ));
    }
    if pixels == 0 {
        return Err(format!(
            "the picture has no pixels: {height} x {width} (height x width)"
        ));
    }
    Ok(decoder)
}

/// The decoder of a format, within the limit of memory.
fn decoder_of<'a>(
    bytes: impl AsRef<[u8]> + 'a,
    format: ImageFormat,
) -> Result<impl ImageDecoder + 'a, String> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAXIMUM_MEMORY);
    reader.limits(limits);
    reader.into_decoder().map_err(refused)
}

fn format(bytes: &[u8]) -> Result<ImageFormat, String> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    match image::guess_format(bytes) {
        Ok(format @ (Bmp | Gif | Jpeg | Png | Tiff | WebP)) => Ok(format),
        _ => {
            let start = bytes.get(..START_BYTES).unwrap_or(bytes);
            let found = match recognise(start) {
                Some(format) => format.name.to_owned(),
                None => "something else".to_owned(),
            };
            Err(format!(
                "expected a PNG, JPEG, BMP, GIF, TIFF or WebP picture, found {found}"
            ))
        }
    }
}

/// Refuses a JPEG picture without its end, whose missing part the decoder would make grey.
fn check_end(bytes: &[u8]) -> Result<(), String> {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    let is_jpeg = bytes.starts_with(b"\xff\xd8\xff");
    // Between the start of a scan (0xda) and the end of the picture (0xd9), neither marker can stand in the data.
    match is_jpeg && last(0xd9) < last(0xda) {
        true => Err(DAMAGED.to_owned()),
        false => Ok(()),
    }
}

/// Whether a picture may be grey though it is decoded to colours: WebP, GIF, BMP, PNG and TIFF with a palette.
fn may_be_grey(bytes: &[u8]) -> bool {
    let is_indexed_png = bytes.starts_with(b"\x89PNG") && bytes.get(25) == Some(&3);
    // 16 bits are the number of bits a pixel in all headers of BMP but the oldest.
    let bits = bytes.get(28..30).unwrap_or_default();
    let is_indexed_bmp = bytes.starts_with(b"BM") && matches!(bits, [1..=8, 0]);
    let is_indexed = is_indexed_png || is_indexed_bmp || Palette::of(bytes).is_some();
    bytes.starts_with(b"GIF8") || bytes.starts_with(b"RIFF") || is_indexed
}

/// The decoded values, of 8 bits, and what they used of 16.
fn values(decoder: impl ImageDecoder) -> Result<(Values, Depth), String> {
    let (width, height) = decoder.dimensions();
    let colour = decoder.color_type();
    let (channels, is_wide) = match colour {
        ColorType::L8 | ColorType::Rgb8 | ColorType::La8 | ColorType::Rgba8 => {
            (colour.channel_count(), false)
        }
        ColorType::L16 | ColorType::Rgb16 | ColorType::La16 | ColorType::Rgba16 => {
            (colour.channel_count(), true)
        }
        other => {
            return Err(format!(
                "values of the type {other:?} are not read: save the picture with 8 or 16 bits a channel"
            ));
        }
    };
    let length = usize::try_from(decoder.total_bytes()).map_err(|_| DAMAGED.to_owned())?;
    let mut bytes = vec![0; length];
    decoder.read_image(&mut bytes).map_err(refused)?;
    let channels = usize::from(channels);
    let mut depth = Depth::default();
    if is_wide {
        depth = Depth::of(&bytes, channels, colour.has_alpha());
        bytes = colour::to_eight_bits(&bytes);
    }
    let values = Values::new([height as usize, width as usize], channels, bytes);
    Ok((values.ok_or_else(|| DAMAGED.to_owned())?, depth))
}

/// The reason of a kind of pictures that no decoder reads.
fn not_read(what: &str) -> String {
    format!("pictures of this kind are not read ({what}): save it as PNG")
}

/// The reason of a decoder's error. What decoders say of their inner life is left out.
fn refused(error: image::ImageError) -> String {
    use image::ExtendedColorType;
    use image::error::UnsupportedErrorKind::{Color, GenericFeature};

    match &error {
        image::ImageError::Limits(_) => {
            format!("decoding takes more than {MAXIMUM_MEMORY} bytes of memory")
        }
        image::ImageError::Unsupported(error) => {
            let what = match error.kind() {
                GenericFeature(feature) => feature,
                Color(ExtendedColorType::Unknown(bits)) => format!("{bits} bits a pixel"),
                Color(colour) => format!("colours of the type {colour:?}"),
                _ => "a rare form of its format".to_owned(),
            };
            not_read(&what.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        _ => DAMAGED.to_owned(),
    }
}
