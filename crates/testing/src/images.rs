//! Made-up data sets.

use std::path::Path;

use eigenscope_artifact::{
    Digest, ImageHeader, ImageWriter, InputShape, PixelTransform, Provenance, SourceCheck, Split,
    SplitName,
};
use eigenscope_stage::Seed;

/// "0", "1", ... as names of classes.
pub fn class_names(count: usize) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}

/// An IDX file of unsigned bytes.
pub fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    for size in dimensions {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(values);
    bytes
}

/// Header of unpublished images with pixels 0..=`maximum`, which readers divide by it.
pub fn image_header(
    shape: impl Into<InputShape>,
    maximum: u8,
    classes: impl IntoIterator<Item = impl Into<String>>,
) -> ImageHeader {
    let shape = shape.into();
    ImageHeader {
        height: shape.height,
        width: shape.width,
        channels: shape.channels,
        maximum,
        classes: classes.into_iter().map(Into::into).collect(),
        transforms: vec![PixelTransform::Scale],
        source: SourceCheck::Unpublished,
    }
}

/// Images without a pattern; their labels take turns among all classes of the header.
pub fn noise(header: &ImageHeader, images: usize, seed: u64) -> Split {
    let mut stream = Seed(seed).stream("test", 0);
    let values = u64::from(header.maximum) + 1;
    Split {
        indices: (0..images as u32).collect(),
        labels: (0..images)
            .map(|image| (image % header.classes.len()) as u16)
            .collect(),
        pixels: (0..images * header.stored_len())
            .map(|_| stream.below(values) as u8)
            .collect(),
    }
}

/// Writes an `images` artifact.
pub fn write_images(
    path: &Path,
    header: &ImageHeader,
    [train, test]: [&Split; 2],
    provenance: &Provenance,
) -> Digest {
    let mut writer = ImageWriter::create(path, header.clone(), provenance).expect("a valid header");
    for (name, split) in [(SplitName::Train, train), (SplitName::Test, test)] {
        writer.write(name, split).expect("images that fit");
    }
    writer.finish().expect("written")
}
