//! Settings of a site, which change no result: `eigenscope.toml` beside the pipelines, and a file of the user's.
//!
//! A key counts from the first file that gives it. Each section is read by a module of its own, which describes its keys as
//! task kinds describe their parameters; so mistakes are found and worded alike, all at once. To add a section: a module with
//! its `read`, a field of [`Settings`], and a line in `SECTIONS` and in `parse`.

mod patterns;
mod quantity;
mod run;
mod sbatch_options;
mod secrets;
mod section;
mod sharing;
pub mod slurm;

use std::path::PathBuf;

use eigenscope_stage::{Parameter, ParameterType};

use crate::file::{
    Entry, FileError, FileErrors, Node, Problems, Raw, Sources, document, read_text, unknown_key,
};
use section::Section;
pub use sharing::Remote;
pub use slurm::{Slurm, TaskSettings};

/// Name of the file beside the pipelines.
pub const FILE_NAME: &str = "eigenscope.toml";

/// Sections of the file.
const SECTIONS: [&str; 5] = ["executor", "remote", "run", "slurm", "stores"];

/// All settings. Nothing need be set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// Where tasks run unless the command line says otherwise.
    pub executor: ExecutorName,
    /// Command that is told how a run has ended, unless the command line gives one.
    pub notify: Option<String>,
    pub slurm: Slurm,
    /// Where results are shared.
    pub remote: Option<Remote>,
    /// Other folders of results, which are only read; absolute paths.
    pub stores: Vec<PathBuf>,
}

/// Where tasks can run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExecutorName {
    /// On this machine.
    #[default]
    Local,
    /// On a cluster.
    Slurm,
}

/// Reads the files at `paths`, the one that counts first at the beginning.
///
/// # Errors
/// A file that cannot be read, or everything that is wrong with the files.
pub fn read(paths: &[PathBuf]) -> Result<Settings, FileErrors> {
    let files = paths
        .iter()
        .map(|path| Ok((path.clone(), read_text(path)?)));
    parse(&files.collect::<Result<Vec<_>, FileErrors>>()?)
}

/// Reads the texts of files, each with the path that messages name.
///
/// # Errors
/// Everything that is wrong with the texts.
pub fn parse(files: &[(PathBuf, String)]) -> Result<Settings, FileErrors> {
    let (mut problems, mut sources) = (Problems::default(), Sources::default());
    let mut entries = Vec::new();
    for (path, text) in files {
        // What messages show of the file is without what may be a secret.
        let offset = sources.add(path, &secrets::without_secrets(text));
        let mut of_file = document(text, offset, &mut problems).unwrap_or_default();
        secrets::hide(&mut of_file, sources.text());
        of_file
            .iter()
            .for_each(|entry| refuse_zero_bytes(&entry.node, &mut problems));
        add(&mut entries, of_file);
    }
    let mut settings = Settings::default();
    for entry in &entries {
        match entry.key.as_str() {
            "executor" => settings.executor = executor(entry, &mut problems),
            "remote" => settings.remote = sharing::remote(entry, &sources, &mut problems),
            "stores" => settings.stores = sharing::stores(entry, &sources, &mut problems),
            "run" => settings.notify = run::notify(entry, &mut problems),
            "slurm" => settings.slurm = slurm::read(entry, &sources, &mut problems),
            _ => problems.add(|| unknown_key(entry, "the settings", SECTIONS)),
        }
    }
    problems.finish(&sources, settings)
}

/// Refuses texts that no program can be given.
fn refuse_zero_bytes(node: &Node, problems: &mut Problems) {
    match &node.raw {
        Raw::Text(text) if text.contains('\0') => problems.add(|| {
            FileError::new("zero_byte", "a text holds the character \\u0000")
                .at(&node.span, "no command, path or option can hold it")
                .help("leave it out")
        }),
        Raw::List(items) => items
            .iter()
            .for_each(|item| refuse_zero_bytes(item, problems)),
        Raw::Table(entries) => entries
            .iter()
            .for_each(|entry| refuse_zero_bytes(&entry.node, problems)),
        _ => {}
    }
}

/// Adds what `entries` does not have yet, within tables as well.
fn add(entries: &mut Vec<Entry>, more: Vec<Entry>) {
    for entry in more {
        match entries.iter_mut().find(|known| known.key == entry.key) {
            None => entries.push(entry),
            Some(known) => {
                if let (Raw::Table(known), Raw::Table(more)) = (&mut known.node.raw, entry.node.raw)
                {
                    add(known, more);
                }
            }
        }
    }
}

fn executor(entry: &Entry, problems: &mut Problems) -> ExecutorName {
    let known = [Parameter::required(
        "default",
        ParameterType::choice(&["local", "slurm"]),
        "where tasks run unless the command line says otherwise",
    )];
    let section = Section::read(entry, "[executor]", &known, &[], problems);
    match section.text("default").as_deref() {
        Some("slurm") => ExecutorName::Slurm,
        _ => ExecutorName::Local,
    }
}
