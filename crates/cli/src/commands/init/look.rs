//! What is known of the images that a pipeline is written for.

use std::path::Path;

use anyhow::{Result, bail};
use eigenscope_plan::DataSet;
use eigenscope_plan::programs::Programs;
use serde_json::{Map, Value};

use super::source::{Source, other_files, toml};

/// A data set that has been looked at.
pub(super) struct Seen {
    pub(super) kind: &'static str,
    pub(super) parameters: Map<String, Value>,
    /// `[channels, height, width]`.
    pub(super) shape: [Option<u64>; 3],
    pub(super) training_images: Option<u64>,
    /// Whether the files are in the data folder.
    pub(super) is_inside: bool,
    pub(super) found: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Looks at the data set at a path.
pub(super) fn at(programs: &Programs, images: &Path, source: Source) -> Result<Seen> {
    let kind = source.kind;
    let files: Vec<String> = source.files.keys().cloned().collect();
    let seen = DataSet::look(programs, kind, source.files)?;
    if !seen.faults.is_empty() {
        bail!(
            "no pipeline can be written for these images: {}{}",
            seen.faults.join("; "),
            other_files(images)
        );
    }
    let mut warnings = seen.warnings;
    if seen.classes == Some(1) {
        warnings.push("there is one class only: a model has nothing to tell apart".to_owned());
    }
    if seen.classes.is_none() {
        warnings.push(
            "classes and number of images could not be told without reading all of the data; correct the table [data.images] if the run \
             refuses it"
                .to_owned(),
        );
    }
    let chosen = seen.parameters.iter();
    let chosen = chosen.filter(|(name, _)| !files.contains(name));
    let chosen: Vec<String> = chosen
        .map(|(name, value)| format!("{name} = {}", toml(value)))
        .collect();
    if !chosen.is_empty() {
        warnings.push(format!(
            "chosen by what was found, to be checked in [data.images]: {}",
            chosen.join(", ")
        ));
    }
    Ok(Seen {
        kind,
        parameters: seen.parameters,
        shape: seen.shape,
        training_images: seen.training_images,
        is_inside: source.is_inside,
        found: seen.found.into_iter().chain(source.notes).collect(),
        warnings,
    })
}
