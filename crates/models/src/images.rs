//! Whether images are what a model was made for.

use eigenscope_artifact::{ImageReader, InputShape};

use crate::architecture::Architecture;
use crate::error::{Incompatible, ModelError};

/// Refuses images that are not what a model takes: of another shape after their transforms, or of other classes, in
/// number, name or order. `model` and `data` are what messages call the two: the tasks that made them.
///
/// # Errors
/// Returns [`Incompatible::Shape`] or [`Incompatible::Classes`].
pub fn check_images(
    architecture: &Architecture,
    model: &str,
    images: &ImageReader,
    data: &str,
) -> Result<(), ModelError> {
    let (model, data) = (model.to_owned(), data.to_owned());
    let shape = InputShape::from(images.pixels().output_shape());
    if shape != architecture.input {
        return Err(Incompatible::Shape {
            model,
            expected: architecture.input,
            data,
            found: shape,
        }
        .into());
    }
    let classes = &images.header().classes;
    if *classes != architecture.classes {
        return Err(Incompatible::Classes {
            model,
            expected: listed(&architecture.classes),
            data,
            found: listed(classes),
        }
        .into());
    }
    Ok(())
}

/// Names in brackets; of many, the first.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => format!("[{shown}]"),
        rest => format!("[{shown} and {rest} more]"),
    }
}
