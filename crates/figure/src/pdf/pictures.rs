//! Embedded pictures.

use std::io::Cursor;
use std::sync::Arc;

use pdf_writer::{Filter, Pdf, Ref};

use super::compressed;
use crate::error::{FigureError, Result};

/// A picture of RGB pixels.
pub(super) struct Picture {
    png: Arc<Vec<u8>>,
    width: i32,
    height: i32,
    /// Bytes `[height, width, 3]`.
    pixels: Vec<u8>,
}

/// Name of a picture among the resources of the page.
pub(super) fn name(index: usize) -> String {
    format!("p{index}")
}

impl Picture {
    /// Decodes a PNG.
    ///
    /// # Errors
    /// A PNG that is broken or has no RGB pixels of 8 bits a colour.
    pub(super) fn new(png: &Arc<Vec<u8>>) -> Result<Self> {
        let broken = |error: png::DecodingError| FigureError::pdf(format!("a picture: {error}"));
        let decoder = png::Decoder::new(Cursor::new(png.as_slice()));
        let mut reader = decoder.read_info().map_err(broken)?;
        let size = reader.output_buffer_size().unwrap_or(0);
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels).map_err(broken)?;
        let sides = (i32::try_from(frame.width), i32::try_from(frame.height));
        let kind = (frame.color_type, frame.bit_depth);
        match (sides, kind) {
            ((Ok(width), Ok(height)), (png::ColorType::Rgb, png::BitDepth::Eight)) => Ok(Self {
                png: Arc::clone(png),
                width,
                height,
                pixels,
            }),
            _ => Err(FigureError::pdf("a picture is not of RGB pixels")),
        }
    }

    /// Returns `true` if this picture was decoded from these bytes.
    pub(super) fn is(&self, png: &Arc<Vec<u8>>) -> bool {
        self.png == *png
    }

    pub(super) fn write(&self, pdf: &mut Pdf, id: Ref) -> Result<()> {
        let pixels = compressed(&self.pixels)?;
        let mut picture = pdf.image_xobject(id, &pixels);
        picture.filter(Filter::FlateDecode);
        picture
            .width(self.width)
            .height(self.height)
            .bits_per_component(8)
            .interpolate(false)
            .color_space()
            .device_rgb();
        Ok(())
    }
}
