//! The images that a task shows to models.

use eigenscope_artifact::ImageReader;
use eigenscope_models::{Architecture, check_images};
use eigenscope_stage::{Context, TaskError};

/// Opens what a task reads as `data` for models, each with the role that it is read in.
///
/// # Errors
/// Returns an error if the file cannot be read or a model does not take its images ([`check_images`]).
pub(crate) fn shown_images(
    context: &Context,
    models: &[(&str, &Architecture)],
) -> Result<ImageReader, TaskError> {
    let data = context.input("data")?;
    let images = ImageReader::open(&data.path)?;
    for (role, architecture) in models {
        let model = &context.input(role)?.task;
        check_images(architecture, model, &images, &data.task)?;
    }
    Ok(images)
}
