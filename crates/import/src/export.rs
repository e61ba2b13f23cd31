//! A stored model as a file for other programs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use eigenscope_checkpoint::onnx;
use eigenscope_checkpoint::safetensors::{self, NamedValues};
use eigenscope_models::StoredModel;

use crate::error::ImportError;

/// A format that models are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Format {
    /// Tensors under PyTorch's names.
    SafeTensors,
    /// A graph that onnxruntime runs.
    Onnx,
}

/// Writes the model in the `tensors` file at `path` to `output`.
///
/// # Errors
/// The file cannot be read, the format cannot hold the model, or `output` refuses it.
pub(crate) fn write(
    path: &Path,
    format: Format,
    mut output: impl Write,
) -> Result<StoredModel, ImportError> {
    let model = StoredModel::read(path)?;
    match format {
        Format::SafeTensors => write_safetensors(&model, output)?,
        Format::Onnx => onnx::write(&mut output, &eigenscope_graphs::graph_of(&model))?,
    }
    Ok(model)
}

fn write_safetensors(model: &StoredModel, output: impl Write) -> Result<(), ImportError> {
    let tensors: Vec<NamedValues<'_>> = model
        .tensors
        .iter()
        .map(|tensor| NamedValues {
            name: &tensor.name,
            shape: &tensor.shape,
            values: &tensor.data,
        })
        .collect();
    // What PyTorch's own writers say, and readers of that library look for.
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    Ok(safetensors::write(output, &tensors, &metadata)?)
}
