//! Rasterising of SVG to PNG, with the bundled font and no other.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Group, Node, Options, Tree, fontdb};

use crate::error::{FigureError, Result};
use crate::text;

/// Largest side of a picture, pixels.
const LARGEST_SIDE: f64 = 16_384.0;
/// Most pixels of a picture. Drawing and encoding take 7 bytes each.
const MOST_PIXELS: f64 = 32e6;

/// Dots per inch of a drawing that is not enlarged, as in CSS.
const CSS_DOTS: f64 = 96.0;
const INCHES_PER_METRE: f64 = 1.0 / 0.0254;

/// Draws SVG text on white, scaled by `scale`, as an RGB PNG. The scale is reduced if a side would have more than 16,384 or
/// the picture more than 32 million pixels.
///
/// The bytes depend on the arguments only: no system fonts are used.
///
/// # Errors
/// SVG text that cannot be parsed, and a picture without pixels.
pub fn png(svg: &str, scale: f64) -> Result<Vec<u8>> {
    let (pixmap, _) = draw(svg, scale)?;
    encode_rgb(pixmap.width(), pixmap.height(), &rgb(&pixmap))
}

/// As [`png()`], with so many dots per inch of the drawing, which the PNG states. There are fewer where [`png()`] would reduce its
/// scale.
///
/// # Errors
/// As [`png()`].
pub fn png_for_print(svg: &str, dots_per_inch: f64) -> Result<Vec<u8>> {
    let (pixmap, scale) = draw(svg, dots_per_inch / CSS_DOTS)?;
    let per_metre = (f64::from(scale) * CSS_DOTS * INCHES_PER_METRE).round() as u32;
    let density = png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    };
    encode(
        pixmap.width(),
        pixmap.height(),
        &rgb(&pixmap),
        Some(density),
    )
}

/// The pixels of a drawing, and its scale.
fn draw(svg: &str, scale: f64) -> Result<(Pixmap, f32)> {
    let tree = parse(svg)?;
    let size = (
        f64::from(tree.size().width()),
        f64::from(tree.size().height()),
    );
    let largest = largest_scale(size);
    let scale = if scale > largest { largest } else { scale };
    let width = (f64::from(tree.size().width()) * scale).round();
    let height = (f64::from(tree.size().height()) * scale).round();
    let sides = 1.0..=LARGEST_SIDE;
    let mut pixmap = (sides.contains(&width) && sides.contains(&height))
        .then(|| Pixmap::new(width as u32, height as u32))
        .flatten()
        .ok_or(FigureError::PictureSize { width, height })?;
    pixmap.fill(resvg::tiny_skia::Color::WHITE);
    let scale = scale as f32;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixmap.as_mut(),
    );
    Ok((pixmap, scale))
}

fn rgb(pixmap: &Pixmap) -> Vec<u8> {
    let pixels = pixmap.pixels().iter();
    pixels
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect()
}

/// Largest scale of a drawing of this size (px).
fn largest_scale((width, height): (f64, f64)) -> f64 {
    (LARGEST_SIDE / width.max(height)).min((MOST_PIXELS / (width * height)).sqrt())
}

/// Parses SVG text with the bundled font.
pub(crate) fn parse(svg: &str) -> Result<Tree> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_source(fontdb::Source::Binary(Arc::new(text::REGULAR)));
    fonts.load_font_source(fontdb::Source::Binary(Arc::new(text::MEDIUM)));
    let options = Options {
        font_family: text::FAMILY.to_owned(),
        fontdb: Arc::new(fonts),
        ..Options::default()
    };
    Ok(Tree::from_str(svg, &options)?)
}

/// A text of a drawing, and the left, top, right and bottom of its letters, px.
pub type DrawnText = (String, [f64; 4]);

/// Returns all texts of SVG text, as the bundled font draws them.
///
/// # Errors
/// SVG text that cannot be parsed.
pub fn drawn_texts(svg: &str) -> Result<Vec<DrawnText>> {
    let mut found = Vec::new();
    collect_texts(parse(svg)?.root(), &mut found);
    Ok(found)
}

fn collect_texts(group: &Group, found: &mut Vec<DrawnText>) {
    for node in group.children() {
        match node {
            Node::Group(group) => collect_texts(group, found),
            Node::Text(text) => {
                let content = text.chunks().iter().map(|chunk| chunk.text()).collect();
                let area = text.flattened().abs_bounding_box();
                let sides = [area.left(), area.top(), area.right(), area.bottom()];
                found.push((content, sides.map(f64::from)));
            }
            _ => {}
        }
    }
}

/// Encodes pixels `[height, width, 3]` as PNG.
pub(crate) fn encode_rgb(width: u32, height: u32, rgb: &[u8]) -> Result<Vec<u8>> {
    encode(width, height, rgb, None)
}

fn encode(
    width: u32,
    height: u32,
    rgb: &[u8],
    density: Option<png::PixelDimensions>,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_pixel_dims(density);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"><rect width="2" height="2" fill="#ff0000"/></svg>"##;

    #[test]
    fn a_picture_has_the_scaled_size_and_the_drawn_colours() {
        let bytes = png(SQUARE, 2.0).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (8, 4));
        assert_eq!(pixels[..3], [255, 0, 0]);
        assert_eq!(pixels[7 * 3..8 * 3], [255, 255, 255]);
    }

    #[test]
    fn a_picture_for_print_states_its_dots_per_inch() {
        let inch = r#"<svg xmlns="http://www.w3.org/2000/svg" width="25.4mm" height="50.8mm" viewBox="0 0 1 2"/>"#;
        let bytes = png_for_print(inch, 300.0).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let reader = decoder.read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height), (300, 600));
        let density = info.pixel_dims.unwrap();
        assert_eq!((density.xppu, density.yppu), (11_811, 11_811));
        assert_eq!(density.unit, png::Unit::Meter);
    }

    #[test]
    fn large_drawings_are_enlarged_less() {
        assert!(largest_scale((860.0, 600.0)) > 2.0);
        assert_eq!(largest_scale((16_384.0, 10.0)), 1.0);
        assert_eq!(largest_scale((8000.0, 16_000.0)), 0.5);
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        assert!(matches!(png("<svg", 1.0), Err(FigureError::Svg(_))));
        for scale in [0.0, f64::NAN] {
            assert!(matches!(
                png(SQUARE, scale),
                Err(FigureError::PictureSize { .. })
            ));
        }
    }
}
