//! `eigenscope inspect`: what a file of weights holds, and what a pipeline file could say about it.

use std::ffi::OsStr;

use anyhow::{Result, bail};
use eigenscope_pipeline::export;

use crate::arguments::Inspect;
use crate::exit;
use crate::project::import_program;

pub(crate) fn run(command: &Inspect) -> Result<u8> {
    let mut arguments = vec![command.file.as_os_str()];
    if let Some(key) = &command.key {
        arguments.extend([OsStr::new("--key"), OsStr::new(key)]);
    }
    if let Some(shape) = &command.shape {
        arguments.extend([OsStr::new("--shape"), OsStr::new(shape)]);
    }
    if command.json {
        arguments.push(OsStr::new("--json"));
    }
    // What begins with a dash is a file all the same.
    if command
        .file
        .as_os_str()
        .as_encoded_bytes()
        .starts_with(b"-")
    {
        bail!(
            "{0} looks like an option; write ./{0}",
            command.file.display()
        );
    }
    let status = export::inspect(&import_program()?, &arguments)?;
    Ok(match status.success() {
        true => exit::OK,
        false => exit::USAGE,
    })
}
