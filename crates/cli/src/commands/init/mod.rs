//! `eigenscope init`: look into images of the user's and write a pipeline for them.

mod look;
mod source;
mod template;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use eigenscope_plan::write_file;

use super::tell;
use crate::arguments::{Init, ProjectArguments};
use crate::exit;
use crate::invocation::quoted_path;
use crate::project::{PIPELINES, stage_programs};

pub(crate) fn run(arguments: &ProjectArguments, command: &Init) -> Result<u8> {
    let name = &command.name;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    // A name that begins with `-` would be an option of later commands.
    if name.is_empty() || name.starts_with('-') || !name.chars().all(is_plain) {
        bail!(
            "a pipeline is named by letters, digits, `-` and `_`, and does not begin with `-`, found `{name}`"
        );
    }
    let images = &command.images;
    let path = PathBuf::from(PIPELINES).join(format!("{name}.toml"));
    if !command.force && path.symlink_metadata().is_ok() {
        bail!(
            "{} is there already: choose another name, or give --force to replace it",
            path.display()
        );
    }
    let source = source::find(images, &arguments.data_dir)?;
    let programs = stage_programs(arguments)?;
    let seen = look::at(&programs, images, source)?;
    fs::create_dir_all(PIPELINES).context("cannot create the folder `pipelines`")?;
    write_file(&path, template::pipeline(images, &seen).as_bytes())?;
    for line in seen.found.iter().chain(&seen.warnings) {
        tell(line);
    }
    let next = next_command(name, &seen, &arguments.data_dir);
    tell(&format!("{} is written; now: {next}", path.display()));
    Ok(exit::OK)
}

/// The command that runs the new pipeline. Where its files are must be said if it is not the default folder.
fn next_command(name: &str, seen: &look::Seen, data_dir: &Path) -> String {
    match seen.is_inside && data_dir != Path::new("data") {
        true => format!("eigenscope run {name} --data-dir {}", quoted_path(data_dir)),
        false => format!("eigenscope run {name}"),
    }
}
