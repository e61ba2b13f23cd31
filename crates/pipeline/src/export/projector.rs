//! Embeddings as TensorBoard's projector reads them: vectors, labels, a sheet of small images, and the file that names them.

use std::path::Path;

use eigenscope_artifact::{Embeddings, ImageReader, Images, Split, SplitName};

use super::ExportError;

/// Longest side of a sheet of images in pixels that the projector takes.
const LONGEST_SIDE: usize = 8192;

/// The files by their names, and notes on what is missing.
#[derive(Debug)]
pub struct Projector {
    pub files: Vec<(&'static str, Vec<u8>)>,
    pub notes: Vec<String>,
}

/// The files for the embeddings at `path`, with a sheet of the images at `images`, which they were made of.
///
/// # Errors
/// A file is no readable artifact, or the images are not those of the embeddings.
pub fn projector(path: &Path, images: Option<&Path>) -> Result<Projector, ExportError> {
    let embeddings = Embeddings::read(path)?;
    let mut files = vec![
        ("vectors.tsv", vectors(&embeddings)),
        ("metadata.tsv", metadata(&embeddings)),
    ];
    let mut notes = Vec::new();
    let mut sprite = String::new();
    match images.map(|images| sheet(&embeddings, images)).transpose()? {
        Some(Sheet::Drawn {
            png,
            width,
            height,
        }) => {
            files.push(("sprite.png", png));
            sprite = format!(
                "  sprite {{\n    image_path: \"sprite.png\"\n    single_image_dim: {width}\n    single_image_dim: {height}\n  }}\n"
            );
        }
        Some(Sheet::TooLarge) => notes.push(format!(
            "the images would make a sheet of more than {LONGEST_SIDE} pixels a side, which TensorBoard does not show: there is no sprite.png"
        )),
        None => {}
    }
    let name = embeddings.header.layer.escape_default();
    let config = format!(
        "embeddings {{\n  tensor_name: \"{name}\"\n  tensor_path: \"vectors.tsv\"\n  metadata_path: \"metadata.tsv\"\n{sprite}}}\n"
    );
    files.push(("projector_config.pbtxt", config.into_bytes()));
    Ok(Projector { files, notes })
}

/// One line an image, its values with tabs between them.
fn vectors(embeddings: &Embeddings) -> Vec<u8> {
    let lines = embeddings.vectors().map(|vector| {
        let values: Vec<String> = vector.iter().map(ToString::to_string).collect();
        format!("{}\n", values.join("\t"))
    });
    lines.collect::<String>().into_bytes()
}

/// One line an image under a line of names.
fn metadata(embeddings: &Embeddings) -> Vec<u8> {
    let classes = &embeddings.header.classes;
    let class = |number: u16| {
        let name = classes.get(usize::from(number));
        name.map_or_else(String::new, |name| name.replace(['\t', '\n', '\r'], " "))
    };
    let mut text = String::from("label\tpredicted\tindex\n");
    let labels = embeddings.labels.iter().zip(&embeddings.predicted);
    for ((&label, &predicted), index) in labels.zip(&embeddings.indices) {
        text.push_str(&format!(
            "{}\t{}\t{index}\n",
            class(label),
            class(predicted)
        ));
    }
    text.into_bytes()
}

enum Sheet {
    Drawn {
        png: Vec<u8>,
        width: usize,
        height: usize,
    },
    TooLarge,
}

/// The images in rows, as many in a row as there are rows.
fn sheet(embeddings: &Embeddings, path: &Path) -> Result<Sheet, ExportError> {
    let Images {
        header,
        train,
        test,
    } = ImageReader::open(path)?.read()?;
    let split = match embeddings.header.split {
        SplitName::Train => train,
        SplitName::Test => test,
    };
    let unsuitable = |reason: String| ExportError::Unsuitable {
        path: path.to_owned(),
        format: "sprite.png",
        reason,
    };
    let positions = positions(embeddings, &split).map_err(unsuitable)?;
    let (width, height) = (header.width, header.height);
    let columns = (positions.len() as f64).sqrt().ceil() as usize;
    let rows = positions.len().div_ceil(columns.max(1));
    let sides = [columns.saturating_mul(width), rows.saturating_mul(height)];
    if sides.iter().any(|&side| side > LONGEST_SIDE || side == 0) {
        return Ok(Sheet::TooLarge);
    }
    let plane = width * height;
    let mut pixels = vec![0_u8; sides[0] * sides[1] * 3];
    for (place, &position) in positions.iter().enumerate() {
        let (top, left) = (place / columns * height, place % columns * width);
        let image = &split.pixels[position * header.stored_len()..][..header.stored_len()];
        for pixel in 0..plane {
            let (row, column) = (top + pixel / width, left + pixel % width);
            let start = (row * sides[0] + column) * 3;
            for colour in 0..3 {
                let channel = colour.min(header.channels - 1);
                let value = u16::from(image[channel * plane + pixel]) * 255;
                let value = value / u16::from(header.maximum.max(1));
                pixels[start + colour] = u8::try_from(value).unwrap_or(u8::MAX);
            }
        }
    }
    let png = png(&pixels, sides).map_err(|error| unsuitable(error.to_string()))?;
    Ok(Sheet::Drawn { png, width, height })
}

/// Where the images of the embeddings are in the split.
fn positions(embeddings: &Embeddings, split: &Split) -> Result<Vec<usize>, String> {
    let known: std::collections::HashMap<u32, usize> =
        split.indices.iter().copied().zip(0..).collect();
    let positions = embeddings.indices.iter().map(|index| {
        let position = known.get(index).copied();
        position.ok_or_else(|| format!("it has no image {index}, of which there is an embedding"))
    });
    positions.collect()
}

fn png(pixels: &[u8], [width, height]: [usize; 2]) -> Result<Vec<u8>, png::EncodingError> {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(width), side(height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
