//! `eigenscope inspect`: what a file of weights holds, and what a pipeline file could say about it.

use std::ffi::OsStr;

use anyhow::{Result, bail};
use eigenscope_pipeline::export;

use crate::arguments::Inspect;
use crate::exit;
use crate::project::import_program;
use crate::wrapping::{width_of_stdout, wrapped};

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
    let output = export::inspect(&import_program()?, &arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !said.trim().is_empty() {
        super::tell(said.trim_end());
    }
    match (command.json, width_of_stdout()) {
        (false, Some(width)) => {
            let text = String::from_utf8_lossy(&output.stdout);
            super::print(&broken(&text, width))?;
        }
        _ => super::print_bytes(&output.stdout)?,
    }
    Ok(match output.status.success() {
        true => exit::OK,
        false => exit::USAGE,
    })
}

/// The lines within a width, but those for a pipeline file, which are to be copied, in comments, too. Sentences in comments are
/// broken into comments.
fn broken(text: &str, width: usize) -> String {
    let mut is_proposed = false;
    let lines = text.lines().map(|line| {
        let mut begins = ["# ", "kind = ", "steps = ", "names = "].into_iter();
        is_proposed |= begins.any(|words| line.starts_with(words));
        let line = match (is_proposed, line.strip_prefix("# ")) {
            (_, Some(comment)) if !comment.starts_with(' ') => {
                let comment = wrapped(comment, width - 2);
                format!("# {}", comment.replace('\n', "\n# "))
            }
            (true, _) => line.to_owned(),
            (false, _) => wrapped(line, width),
        };
        line + "\n"
    });
    lines.collect()
}
