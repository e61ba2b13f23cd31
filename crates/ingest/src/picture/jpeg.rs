//! JPEG pictures. Colours that are stored at half the size are interpolated to the whole one as libjpeg does it, edges included.

use std::io::Cursor;

use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult};
use jpeg_decoder::{Decoder, Error, ImageInfo, PixelFormat, UnsupportedFeature};

use super::colour::cmyk_to_rgb;

/// A JPEG picture whose header has been read.
pub(super) struct Jpeg<'a> {
    decoder: Decoder<Cursor<&'a [u8]>>,
    info: ImageInfo,
    color: ColorType,
}

impl<'a> Jpeg<'a> {
    /// Reads the header. Decoded values may take `limit` bytes.
    ///
    /// # Errors
    /// A header that cannot be read, and a kind of JPEG that is not supported.
    pub(super) fn open(bytes: &'a [u8], limit: u64) -> ImageResult<Self> {
        let mut decoder = Decoder::new(Cursor::new(bytes));
        decoder.set_max_decoding_buffer_size(usize::try_from(limit).unwrap_or(usize::MAX));
        decoder.read_info().map_err(failed)?;
        let info = decoder
            .info()
            .ok_or_else(|| failed(Error::Format("no header".to_owned())))?;
        let color = match info.pixel_format {
            PixelFormat::L8 => ColorType::L8,
            PixelFormat::RGB24 | PixelFormat::CMYK32 => ColorType::Rgb8,
            PixelFormat::L16 => return Err(unsupported("lossless JPEG of 16 bits".to_owned())),
        };
        Ok(Self {
            decoder,
            info,
            color,
        })
    }
}

impl ImageDecoder for Jpeg<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (u32::from(self.info.width), u32::from(self.info.height))
    }

    fn color_type(&self) -> ColorType {
        self.color
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.decoder.exif_data().map(<[u8]>::to_vec))
    }

    fn read_image(mut self, buffer: &mut [u8]) -> ImageResult<()> {
        let mut values = self.decoder.decode().map_err(failed)?;
        if self.info.pixel_format == PixelFormat::CMYK32 {
            values = cmyk_to_rgb(&values);
        }
        if values.len() != buffer.len() {
            return Err(failed(Error::Format("another size".to_owned())));
        }
        buffer.copy_from_slice(&values);
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}

fn failed(error: Error) -> ImageError {
    let feature = match error {
        Error::Unsupported(feature) => feature,
        error => {
            let format = ImageFormatHint::Exact(ImageFormat::Jpeg);
            return ImageError::Decoding(DecodingError::new(format, error));
        }
    };
    unsupported(match feature {
        UnsupportedFeature::Hierarchical => "hierarchical JPEG".to_owned(),
        UnsupportedFeature::ArithmeticEntropyCoding => "JPEG with arithmetic coding".to_owned(),
        UnsupportedFeature::SamplePrecision(bits) => format!("JPEG of {bits} bits a channel"),
        UnsupportedFeature::ComponentCount(count) => format!("JPEG of {count} channels"),
        _ => "JPEG with unusual sizes or colours of its channels".to_owned(),
    })
}

fn unsupported(what: String) -> ImageError {
    let format = ImageFormatHint::Exact(ImageFormat::Jpeg);
    let kind = UnsupportedErrorKind::GenericFeature(what);
    ImageError::Unsupported(UnsupportedError::from_format_and_kind(format, kind))
}
