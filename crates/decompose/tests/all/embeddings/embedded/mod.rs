//! Models and data sets for the tasks of embeddings.

use eigenscope_artifact::{InputShape, Split};
use eigenscope_models::Network;
use eigenscope_stage::{Input, Seed};
use eigenscope_testing::{TestFolder, image_header, untrained};

/// Classes of all models and data sets.
pub(crate) const CLASSES: [&str; 4] = ["zero", "one", "two", "three"];

/// A model before training, on grey images with `side` pixels a side.
pub(crate) fn model(folder: &TestFolder, name: &str, network: &Network, side: usize) -> Input {
    let classes = CLASSES.map(str::to_owned).to_vec();
    let architecture = network.architecture(InputShape::from([1, side, side]), classes);
    folder.model(name, &untrained(&architecture.expect("it fits"), 5))
}

/// A data set of two training images and `images` test images with `side` pixels a side. Labels take turns among all
/// classes but the last `missing`; a bright quarter of a noisy image tells its class.
pub(crate) fn images(folder: &TestFolder, side: usize, images: usize, missing: usize) -> Input {
    let header = image_header([1, side, side], 255, CLASSES);
    let splits = [2, images].map(|images| {
        let labels = (0..images).map(|image| (image % (CLASSES.len() - missing)) as u16);
        split(labels.collect(), side)
    });
    let name = format!("images-{side}-{missing}");
    folder.images(&name, &header, splits.each_ref())
}

fn split(labels: Vec<u16>, side: usize) -> Split {
    let mut stream = Seed(6).stream("pixels", 0);
    let mut pixels = Vec::with_capacity(labels.len() * side * side);
    for label in &labels {
        for pixel in 0..side * side {
            let quarter = 2 * (2 * (pixel / side) / side) + 2 * (pixel % side) / side;
            let bright = if quarter == usize::from(*label) {
                130
            } else {
                0
            };
            pixels.push(bright + stream.below(120) as u8);
        }
    }
    Split {
        indices: (0..labels.len() as u32).map(|image| 3 * image).collect(),
        labels,
        pixels,
    }
}
