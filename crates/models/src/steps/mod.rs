//! Networks as users write them: a list of steps in a pipeline file.
//!
//! A step is its kind (`"relu"`), or its kind with a number (`{ linear = 10 }`) or with fields
//! (`{ conv = { channels = 32, kernel = 3, padding = 1 } }`). [`StepList::parse`] reads a list, [`StepList::architecture`] builds it
//! for images and classes. Defaults are PyTorch's.

mod error;
mod expand;
mod fields;
mod kinds;
mod names;
mod parse;

use eigenscope_artifact::InputShape;
use serde_json::Value;

pub use error::{PathPart, StepError};
pub use kinds::KINDS;
use kinds::ListedStep;

use crate::architecture::Architecture;

/// A checked list of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct StepList {
    steps: Vec<ListedStep>,
}

impl StepList {
    /// Reads a list of steps, as it comes from a TOML or JSON file.
    ///
    /// # Errors
    /// Returns an error with the place in `value` if a step or a field is unknown, missing or of another type, if a number is out
    /// of its range, or if two layers have one name.
    pub fn parse(value: &Value) -> Result<Self, StepError> {
        let mut steps = parse::list(value)?;
        parse::drop_end(&mut steps)?;
        names::assign(&mut steps)?;
        Ok(Self { steps })
    }

    /// The architecture of these steps; `name` is what the network is called.
    ///
    /// # Errors
    /// Returns an error with the place of the step that does not fit: windows larger than the image, groups that do not divide
    /// the channels, blocks whose shortcut makes another shape, a last step that does not make one value for each class.
    pub fn architecture(
        &self,
        name: &str,
        input: InputShape,
        classes: Vec<String>,
    ) -> Result<Architecture, StepError> {
        expand::architecture(&self.steps, name, input, classes)
    }

    /// The names of the layers, in the order of the steps, as [`Architecture::layers`] has them.
    pub fn layer_names(&self) -> Vec<&str> {
        names::of_layers(&self.steps)
    }

    /// The names of the batch normalisations, in the order of the steps, as [`Architecture::norms`] has them.
    pub fn norm_names(&self) -> Vec<&str> {
        names::of_norms(&self.steps)
    }
}

#[cfg(test)]
mod tests;
