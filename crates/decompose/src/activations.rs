//! What the layers of a network read, for the images of a data set, piece by piece.
//!
//! Memory: one piece of at most 500 images with the activations of two neighbouring steps, whatever the size of
//! the data set.

use eigenscope_models::{Layer, ModelError, Runner, StoredModel};

/// Images handled at a time, at most; part of what fixes the bits of a sum over images.
const PIECE: usize = 500;

/// Values of their inputs, at most: 8 MiB. First layers make up to 32 times as many.
const PIECE_VALUES: usize = 1 << 21;

/// Images with inputs of `width` values that are handled at a time.
pub(crate) fn piece_images(width: usize) -> usize {
    (PIECE_VALUES / width.max(1)).clamp(1, PIECE)
}

/// Some layers of a network, ready to be watched.
#[derive(Debug, Clone)]
pub struct Activations {
    runner: Runner,
    layers: Vec<(usize, Layer)>,
}

impl Activations {
    /// The named layers, in the order of the network; all for no names.
    ///
    /// # Errors
    /// Returns an error if the model does not have one of the layers.
    pub fn new(model: &StoredModel, names: &[String]) -> Result<Self, ModelError> {
        Ok(Self {
            runner: Runner::new(model)?,
            layers: model
                .architecture
                .select_layers(names)?
                .into_iter()
                .map(|(position, layer)| (position, layer.clone()))
                .collect(),
        })
    }

    /// The layers.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &Layer> {
        self.layers.iter().map(|(_, layer)| layer)
    }

    /// What every layer reads of `images` flattened inputs: `[images, channels, height, width]` of its
    /// [`Layer::input`], in the order of [`Activations::layers`].
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the values.
    pub fn of(&self, inputs: Vec<f32>, images: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        let (mut at, mut rows) = (0, inputs);
        let mut all = Vec::new();
        for (position, _) in &self.layers {
            rows = self.runner.run(at..*position, rows, images)?;
            at = *position;
            all.push(rows.clone());
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_come_in_small_pieces() {
        assert_eq!(piece_images(28 * 28), PIECE);
        assert_eq!(piece_images(3 * 32 * 32), PIECE);
        assert_eq!(piece_images(221 * 221), 42);
        assert_eq!(piece_images(usize::MAX), 1);
        assert_eq!(piece_images(0), PIECE);
    }
}
