//! JPEG pictures, decoded by the code that Pillow decodes them with: libjpeg-turbo, of which mozjpeg is a copy with another encoder. So the
//! inverse transform, the interpolation of colours that are stored at a part of the size, and the change from YCbCr to red, green and
//! blue are the same to the bit.

use std::cell::Cell;
use std::os::raw::c_int;
use std::panic::resume_unwind;
use std::ptr::null;

use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult};
use mozjpeg::{ColorSpace, Decompress, Marker};
use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr, msg_parm_union};

use super::colour::cmyk_to_rgb;

/// Most scans of a picture. Each costs a pass over all its blocks, however few bytes it takes; encoders write about ten.
const MAXIMUM_SCANS: usize = 500;

/// A JPEG picture whose header has been read.
///
/// An error of the decoder unwinds, from here as from [`ImageDecoder::read_image`].
pub(super) struct Jpeg<'a> {
    decoder: Decompress<&'a [u8]>,
    colours: Colours,
}

/// The values of a decoded pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    Grey,
    Rgb,
    /// Four, where the largest value is no ink.
    Cmyk,
}

impl<'a> Jpeg<'a> {
    /// Reads the header. No more than that is held in memory: a decoder takes at most eight bytes a pixel later on.
    ///
    /// # Errors
    /// A header that cannot be read, and a kind of JPEG that is not supported.
    pub(super) fn open(bytes: &'a [u8]) -> ImageResult<Self> {
        let frame = Frame::of(bytes).ok_or_else(|| failed("there is no frame"))?;
        frame.check(bytes)?;
        let decoder = Decompress::with_err(error_manager()).with_markers(&[Marker::APP(1)]);
        let decoder = decoder.from_mem(bytes).map_err(failed)?;
        let colours = match decoder.color_space() {
            ColorSpace::JCS_GRAYSCALE => Colours::Grey,
            ColorSpace::JCS_RGB | ColorSpace::JCS_YCbCr => Colours::Rgb,
            ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => Colours::Cmyk,
            _ => return Err(unsupported("JPEG of unknown colours")),
        };
        Ok(Self { decoder, colours })
    }
}

impl ImageDecoder for Jpeg<'_> {
    fn dimensions(&self) -> (u32, u32) {
        // Numbers of 16 bits in the file.
        let (width, height) = self.decoder.size();
        (width as u32, height as u32)
    }

    fn color_type(&self) -> ColorType {
        match self.colours {
            Colours::Grey => ColorType::L8,
            Colours::Rgb | Colours::Cmyk => ColorType::Rgb8,
        }
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        let mut markers = self.decoder.markers();
        Ok(markers.find_map(|marker| Some(marker.data.strip_prefix(b"Exif\0\0")?.to_vec())))
    }

    fn read_image(self, buffer: &mut [u8]) -> ImageResult<()> {
        let space = match self.colours {
            Colours::Grey => ColorSpace::JCS_GRAYSCALE,
            Colours::Rgb => ColorSpace::JCS_RGB,
            Colours::Cmyk => ColorSpace::JCS_CMYK,
        };
        let mut decoder = self.decoder.to_colorspace(space).map_err(failed)?;
        match self.colours {
            Colours::Cmyk => {
                let mut values: Vec<u8> = decoder.read_scanlines().map_err(failed)?;
                // Adobe's convention, which all encoders follow.
                values.iter_mut().for_each(|value| *value = 255 - *value);
                buffer.copy_from_slice(&cmyk_to_rgb(&values));
            }
            Colours::Grey | Colours::Rgb => {
                decoder.read_scanlines_into(buffer).map_err(failed)?;
            }
        }
        decoder.finish().map_err(failed)
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}

/// What the header of the frame says of a picture.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    /// The last four bits of the marker.
    process: u8,
    /// Bits of a value.
    bits: u8,
    channels: u8,
}

impl Frame {
    /// Walks over the segments to the frame; `None` if there is none.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.get(2..)?;
        loop {
            let start = rest.iter().position(|byte| *byte == 0xff)?;
            rest = &rest[start..];
            let fill = rest.iter().position(|byte| *byte != 0xff)?;
            let marker = rest[fill];
            rest = &rest[fill + 1..];
            match marker {
                // Tables, not frames.
                0xc4 | 0xc8 | 0xcc => {}
                0xc0..=0xcf => {
                    return Some(Self {
                        process: marker & 0x0f,
                        bits: *rest.get(2)?,
                        channels: *rest.get(7)?,
                    });
                }
                // Without a length.
                0x00 | 0x01 | 0xd0..=0xd8 => continue,
                // The end, or a scan without a frame.
                0xd9 | 0xda => return None,
                _ => {}
            }
            let length = u16::from_be_bytes(*rest.first_chunk()?);
            rest = rest.get(usize::from(length)..)?;
        }
    }

    fn check(&self, bytes: &[u8]) -> ImageResult<()> {
        match self.process {
            0..=2 => {}
            3 => return Err(unsupported("lossless JPEG")),
            9 | 10 => return Err(unsupported("JPEG with arithmetic coding")),
            _ => return Err(unsupported("hierarchical JPEG")),
        }
        if self.bits != 8 {
            return Err(unsupported(format!("JPEG of {} bits a channel", self.bits)));
        }
        if !matches!(self.channels, 1 | 3 | 4) {
            return Err(unsupported(format!("JPEG of {} channels", self.channels)));
        }
        let is_scan = |pair: &&[u8]| *pair == [0xff, 0xda];
        if bytes.windows(2).filter(is_scan).count() > MAXIMUM_SCANS {
            let reason = format!("JPEG of more than {MAXIMUM_SCANS} scans");
            return Err(unsupported(reason));
        }
        Ok(())
    }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ImageError {
    let format = ImageFormatHint::Exact(ImageFormat::Jpeg);
    ImageError::Decoding(DecodingError::new(format, error))
}

fn unsupported(what: impl Into<String>) -> ImageError {
    let format = ImageFormatHint::Exact(ImageFormat::Jpeg);
    let kind = UnsupportedErrorKind::GenericFeature(what.into());
    ImageError::Unsupported(UnsupportedError::from_format_and_kind(format, kind))
}

thread_local! {
    /// True once the decoder has passed over an error in the data on this thread.
    static PASSED_OVER: Cell<bool> = const { Cell::new(false) };
}

/// The result of `decode`, and whether the data of a picture had errors that the decoder passed over: wrong codes, or values without
/// meaning between the parts. Pillow says nothing of them.
pub(super) fn watched<T>(decode: impl FnOnce() -> T) -> (T, bool) {
    PASSED_OVER.set(false);
    let result = decode();
    (result, PASSED_OVER.replace(false))
}

/// Errors unwind, warnings are noted, and nothing is printed.
fn error_manager() -> jpeg_error_mgr {
    extern "C-unwind" fn unwind(_: &mut jpeg_common_struct) {
        // Not a panic: no hook is called.
        resume_unwind(Box::new("libjpeg: the picture cannot be decoded"));
    }
    extern "C-unwind" fn note(_: &mut jpeg_common_struct, level: c_int) {
        // Levels from 0 tell of progress.
        if level < 0 {
            PASSED_OVER.set(true);
        }
    }
    extern "C-unwind" fn nothing(_: &mut jpeg_common_struct) {}
    jpeg_error_mgr {
        error_exit: Some(unwind),
        emit_message: Some(note),
        output_message: Some(nothing),
        format_message: None,
        reset_error_mgr: Some(nothing),
        msg_code: 0,
        msg_parm: msg_parm_union::default(),
        trace_level: 0,
        num_warnings: 0,
        jpeg_message_table: null(),
        last_jpeg_message: 0,
        addon_message_table: null(),
        first_addon_message: 0,
        last_addon_message: 0,
    }
}
