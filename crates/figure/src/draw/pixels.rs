//! Drawing of bitmaps as embedded pictures, enlarged without smoothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bitmap::Bitmap;
use crate::error::{FigureError, Result};
use crate::layout::Rect;
use crate::raster::encode_rgb;
use crate::svg::SvgWriter;

/// Order of pixels.
#[derive(Clone, Copy, Default)]
pub(super) struct Order {
    /// Draws the first column at the right.
    pub(super) columns_reversed: bool,
    /// Draws the first row at the bottom.
    pub(super) rows_reversed: bool,
}

/// Draws `bitmap` into `area`.
pub(super) fn draw(
    writer: &mut SvgWriter,
    bitmap: &Bitmap,
    order: Order,
    area: Rect,
) -> Result<()> {
    let uri = data_uri(bitmap, order)?;
    writer
        .tag("image")
        .rect(area)
        .attribute("preserveAspectRatio", "none")
        .attribute("image-rendering", "optimizeSpeed")
        .attribute("style", "image-rendering:pixelated")
        .attribute("href", &uri)
        .close();
    Ok(())
}

pub(super) fn data_uri(bitmap: &Bitmap, order: Order) -> Result<String> {
    let (rows, columns) = (bitmap.rows(), bitmap.columns());
    let turn = |reversed: bool, index: usize, count: usize| {
        if reversed { count - 1 - index } else { index }
    };
    let mut rgb = Vec::with_capacity(3 * rows * columns);
    for row in 0..rows {
        let start = turn(order.rows_reversed, row, rows) * columns;
        for column in 0..columns {
            let index = start + turn(order.columns_reversed, column, columns);
            let colour = bitmap.colours()[index];
            rgb.extend([colour.red, colour.green, colour.blue]);
        }
    }
    let side = |length: usize| {
        u32::try_from(length).map_err(|_| FigureError::PictureSize {
            width: columns as f64,
            height: rows as f64,
        })
    };
    let png = encode_rgb(side(columns)?, side(rows)?, &rgb)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::{ColourMap, ColourScale, Rgb};
    use crate::matrix::Matrix;

    /// The bytes of the embedded picture: red, green and blue of every pixel.
    fn embedded(bitmap: &Bitmap, order: Order) -> Vec<u8> {
        let uri = data_uri(bitmap, order).unwrap();
        let bytes = STANDARD.decode(uri.split_once(',').unwrap().1).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels
    }

    #[test]
    fn cells_are_pixels_in_the_order_asked_for() {
        let values = Matrix::new(2, 2, vec![0.0, 1.0, f64::NAN, 0.2]).unwrap();
        let scale = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
        let bitmap = Bitmap::coloured(&values, &scale);
        let grey = |order| -> Vec<u8> {
            let bytes = embedded(&bitmap, order);
            bytes.chunks(3).map(|pixel| pixel[0]).collect()
        };
        // 217 is the default colour of a missing value.
        assert_eq!(grey(Order::default()), [0, 255, 217, 51]);
        assert_eq!(
            grey(Order {
                columns_reversed: true,
                rows_reversed: true,
            }),
            [51, 217, 255, 0]
        );
    }

    #[test]
    fn colours_are_embedded_as_they_are() {
        let colours = vec![Rgb::from_hex(0x010203), Rgb::from_hex(0xfdfeff)];
        let bitmap = Bitmap::new(2, 1, colours).unwrap();
        let bytes = embedded(&bitmap, Order::default());
        assert_eq!(bytes, [1, 2, 3, 253, 254, 255]);
    }
}
