//! What a file of weights holds: tensors, what was passed over, and what a pipeline file could say about it.

use std::path::Path;

use eigenscope_artifact::InputShape;
use serde::Serialize;

use crate::command_line::causes;
use crate::error::ImportError;
use crate::file::{WeightFile, locate};
use crate::finite::{self, Expected};
use crate::matching::listed;
use crate::propose::{Proposal, propose};

/// Most channels, and longest side in pixels.
const MAXIMUM_SIZE: usize = 1 << 16;

/// The answer of `inspect`, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    /// Version of the form, as of all commands.
    version: u32,
    file: String,
    format: String,
    tensors: Vec<Tensor<'a>>,
    /// Number of all values.
    values: u64,
    /// What was passed over or will be converted.
    notes: Vec<String>,
    #[serde(flatten)]
    proposal: Proposal,
}

#[derive(Serialize)]
struct Tensor<'a> {
    name: &'a str,
    /// Its name in the file, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_as: Option<&'a str>,
    shape: &'a [usize],
    #[serde(rename = "type")]
    dtype: &'static str,
}

/// What the file at `path` holds, as text or JSON. `images` is the shape of the images that the network is to read.
///
/// # Errors
/// The file is no file of weights, or it is damaged; or the shape is none.
pub(crate) fn inspect(
    path: &Path,
    key: Option<&str>,
    images: Option<&str>,
    json: bool,
) -> Result<String, ImportError> {
    let images = images.map(shape).transpose()?;
    let path = locate(Path::new(""), &path.to_string_lossy())?;
    let (file, trouble) = match WeightFile::open(&path, key, true) {
        Err(error @ ImportError::Graph { .. }) => (
            WeightFile::open(&path, key, false)?,
            Some(error.to_string()),
        ),
        opened => (opened?, None),
    };
    let checkpoint = file.checkpoint();
    let tensors = checkpoint.tensors().iter();
    let report = Report {
        version: 1,
        file: path.display().to_string(),
        format: checkpoint.format().to_string(),
        values: tensors.clone().map(|tensor| tensor.count()).sum(),
        tensors: tensors
            .map(|tensor| Tensor {
                name: &tensor.name,
                stored_as: (tensor.stored_as != tensor.name).then_some(&tensor.stored_as),
                shape: &tensor.shape,
                dtype: tensor.dtype.name(),
            })
            .collect(),
        notes: notes(&file),
        proposal: match trouble {
            Some(trouble) => Proposal::none(trouble),
            None => propose(&file, images),
        },
    };
    if json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| ImportError::Format {
            format: "json",
            reason: error.to_string(),
        })?;
        return Ok(format!("{text}\n"));
    }
    Ok(text(&report))
}

/// Channels, height and width, separated by commas.
fn shape(text: &str) -> Result<InputShape, ImportError> {
    let size = |text: &str| {
        let size = text.trim().parse().ok();
        size.filter(|size| (1..=MAXIMUM_SIZE).contains(size))
    };
    let sizes: Option<Vec<usize>> = text.split(',').map(size).collect();
    match sizes.as_deref() {
        Some(&[channels, height, width]) => Ok(InputShape::from([channels, height, width])),
        _ => Err(ImportError::Parameter {
            parameter: "--shape",
            reason: format!(
                "must be channels, height and width of the images, such as 3,32,32; found `{text}`"
            ),
        }),
    }
}

/// What is passed over or will be converted, and what is taken for granted.
fn notes(file: &WeightFile) -> Vec<String> {
    let of_reading = file.checkpoint().notes().iter();
    let mut notes: Vec<String> = of_reading.map(ToString::to_string).collect();
    let shapes = file.shapes().iter();
    let weights = shapes.filter(|tensor| tensor.foreign_type.is_none() && !tensor.is_assumed);
    notes.extend(weights.filter_map(|tensor| {
        let expected = Expected::of(&tensor.name);
        Some(match finite::look_at(file, &tensor.name, expected).err()? {
            ImportError::Unfit { tensor, found, .. } => {
                format!("`{tensor}` {found}: a model with it is refused")
            }
            other => causes(&other),
        })
    }));
    let norms = file.plain_norms();
    if !norms.is_empty() {
        notes.push(format!(
            "batch normalisation without weight and bias, taken as 1 and 0: {}",
            listed(&norms)
        ));
    }
    notes
}

fn text(report: &Report<'_>) -> String {
    let Report {
        file,
        format,
        tensors,
        values,
        notes,
        proposal,
        ..
    } = report;
    let mut text = format!(
        "{file}: {format}, {}, {}\n",
        counted(tensors.len(), "tensor"),
        counted(usize::try_from(*values).unwrap_or(usize::MAX), "value")
    );
    let shapes: Vec<String> = tensors
        .iter()
        .map(|tensor| format!("{:?}", tensor.shape))
        .collect();
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let names = width(&mut tensors.iter().map(|tensor| tensor.name.chars().count()));
    let sides = width(&mut shapes.iter().map(String::len));
    for (tensor, shape) in tensors.iter().zip(&shapes) {
        let Tensor { name, dtype, .. } = tensor;
        let name = name.escape_debug().to_string();
        text.push_str(&format!("  {name:<names$}  {shape:<sides$}  {dtype}\n"));
    }
    for note in notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.push_str(&proposal.text());
    text
}

/// A number of things, such as "1 tensor" or "2 tensors".
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
