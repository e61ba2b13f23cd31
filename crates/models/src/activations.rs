//! What the layers of a network read.

use crate::error::ModelError;
use crate::layer::Layer;
use crate::runner::{Runner, State};
use crate::stored_model::StoredModel;

/// A network whose layers are watched.
#[derive(Debug, Clone)]
pub struct Activations {
    runner: Runner,
    layers: Vec<(usize, Layer)>,
}

impl Activations {
    /// Watches the named layers, in the order of the network; all for no names.
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

    /// The layers that are watched.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &Layer> {
        self.layers.iter().map(|(_, layer)| layer)
    }

    /// What every layer reads of `images` flattened inputs: `[images, channels, height, width]` of its
    /// [`Layer::input`], in the order of [`Activations::layers`].
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the values.
    pub fn of(&self, inputs: Vec<f32>, images: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        let (mut at, mut state) = (0, State::from(inputs));
        let mut all = Vec::new();
        for (position, _) in &self.layers {
            state = self.runner.run(at..*position, state, images)?;
            at = *position;
            all.push(state.rows.clone());
        }
        Ok(all)
    }
}
