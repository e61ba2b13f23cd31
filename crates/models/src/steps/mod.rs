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

use error::Faults;
pub use error::{PathPart, StepError, StepErrors};
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
    /// Returns every error with its place in `value`: steps and fields that are unknown, missing or of another type, numbers out
    /// of their range, layers of one name.
    pub fn parse(value: &Value) -> Result<Self, StepErrors> {
        let mut faults = Faults::default();
        let mut steps = parse::list(value, &mut faults);
        parse::drop_end(&mut steps, &mut faults);
        names::assign(&mut steps, &mut faults);
        faults.finish(Self { steps })
    }

    /// The architecture of these steps; `name` is what the network is called.
    ///
    /// # Errors
    /// Returns errors with the places of the steps that do not fit: windows larger than the image, groups that do not divide
    /// the channels, blocks whose shortcut makes another shape, a last step that does not make one value for each class. After
    /// an error that leaves open what the step makes there are no others.
    pub fn architecture(
        &self,
        name: &str,
        input: InputShape,
        classes: Vec<String>,
    ) -> Result<Architecture, StepErrors> {
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
