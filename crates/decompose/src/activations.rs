//! What the layers of a network read, for the images of a data set, piece by piece.
//!
//! Memory: one piece of [`PIECE`] images with the activations of two neighbouring steps, whatever the size of the
//! data set.

use eigenscope_artifact::{ImageReader, InputShape};
use eigenscope_models::{Layer, ModelError, Runner, StoredModel};

use crate::error::DecomposeError;

/// Images handled at a time; part of what fixes the bits of a sum over images.
pub(crate) const PIECE: usize = 500;

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
    /// A layer that the model does not have.
    pub fn new(model: &StoredModel, names: &[String]) -> Result<Self, ModelError> {
        Ok(Self {
            runner: Runner::new(model)?,
            layers: model.architecture.layers(names)?,
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
    /// burn cannot hand back the values.
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

/// Refuses a data set whose images are not of the shape that the model takes.
pub(crate) fn check_shape(model: InputShape, images: &ImageReader) -> Result<(), DecomposeError> {
    let InputShape {
        channels,
        height,
        width,
    } = model;
    let (model, images) = ([channels, height, width], images.pixels().output_shape());
    if model == images {
        return Ok(());
    }
    Err(DecomposeError::WrongShape { model, images })
}
