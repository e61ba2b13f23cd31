//! `eigenscope export`: a result as a file of other programs.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use eigenscope_pipeline::export::{self, TableFormat};

use super::{output, relative, tell};
use crate::arguments::{Export, ExportFormat, ProjectArguments};
use crate::exit;
use crate::project::{Project, import_program};

/// Kinds of tables by what is done with them. Nothing else is known of a kind.
const TENSORS: &str = "tensors";
const EMBEDDINGS: &str = "embeddings";
const IMAGES: &str = "images";

/// Outputs that are drawings, not tables.
const DRAWINGS: [&str; 4] = ["svg", "png", "pdf", "interactive"];

pub(crate) fn run(arguments: &ProjectArguments, command: &Export) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    project.tell_unusable_files();
    let task = one(&project, &command.task)?;
    if let Some(folder) = &command.projector {
        return projector(&project, task, folder);
    }
    let Some(path) = &command.output else {
        bail!("say where to write it: -o FILE, or - for standard output");
    };
    if path.is_dir() {
        bail!("{} is a folder; name the file to write", path.display());
    }
    let format = format(command, path)?;
    refuse_unused(command, format)?;
    let program = import_program()?;
    match table_format(format) {
        None => {
            let tensors = table(&project, task, Some(TENSORS))?;
            output::write(path, &export::model(&program, &tensors, format.ending())?)?;
            if format == ExportFormat::Safetensors {
                snippet(&program, &tensors, path, command.snippet.as_deref())?;
            }
        }
        Some(format) => {
            let implied = implied(&project, task, format);
            let table = table(&project, task, command.table.as_deref().or(implied))?;
            let (bytes, notes) = export::table(&table, format)?;
            output::write(path, &bytes)?;
            for note in notes {
                tell(&format!("note: {note}"));
            }
        }
    }
    if !output::is_stdout(path) {
        super::print(&format!("{}\n", relative(path)))?;
    }
    Ok(exit::OK)
}

/// The format of tables; `None` for those of models.
fn table_format(format: ExportFormat) -> Option<TableFormat> {
    match format {
        ExportFormat::Safetensors | ExportFormat::Onnx => None,
        ExportFormat::Csv => Some(TableFormat::Csv),
        ExportFormat::Npz => Some(TableFormat::Npz),
        ExportFormat::Arrow => Some(TableFormat::Arrow),
    }
}

/// Refuses options that say nothing about a format.
fn refuse_unused(command: &Export, format: ExportFormat) -> Result<()> {
    let ending = format.ending();
    if let (Some(table), None) = (&command.table, table_format(format)) {
        bail!(
            "--table {table} has no meaning for .{ending}, which holds a model: leave it out, or write a table as .csv, .npz or .arrow"
        );
    }
    if command.snippet.is_some() && format != ExportFormat::Safetensors {
        bail!(
            "--snippet has no meaning for .{ending}: the Python that it writes reads a .safetensors file; leave it out, or write that"
        );
    }
    Ok(())
}

/// The one task that the pattern means.
fn one(project: &Project, pattern: &str) -> Result<usize> {
    let tasks = project.select(&[pattern.to_owned()])?;
    let [task] = tasks.as_slice() else {
        let ids = tasks.iter().take(3);
        let ids: Vec<&str> = ids
            .map(|&task| project.plan.tasks[task].id.as_str())
            .collect();
        bail!(
            "`{pattern}` means {} tasks, and one is exported at a time: name one, such as {}",
            tasks.len(),
            ids.join(", ")
        );
    };
    Ok(*task)
}

/// The format that is asked for, or else that of the ending of the file. An ending that names another format is refused.
fn format(command: &Export, path: &Path) -> Result<ExportFormat> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let known = ExportFormat::ALL;
    let by_ending = known.into_iter().find(|format| format.ending() == ending);
    if let (Some(asked), Some(ending)) = (command.format, by_ending)
        && asked != ending
    {
        bail!(
            "the ending of {} means {ending}, and --format says {asked}; leave one of them out, or make them agree",
            path.display(),
            ending = ending.ending(),
            asked = asked.ending()
        );
    }
    let Some(format) = command.format.or(by_ending) else {
        let endings: Vec<String> = known
            .iter()
            .map(|format| format!(".{}", format.ending()))
            .collect();
        bail!(
            "the ending of {} names no format; give --format, or one of the endings {}",
            path.display(),
            endings.join(", ")
        );
    };
    Ok(format)
}

/// The table that is meant without a name: as arrays of NumPy, a model is its tensors.
fn implied(project: &Project, task: usize, format: TableFormat) -> Option<&'static str> {
    let mut outputs = project.plan.tasks[task].outputs.iter();
    let is_model = outputs.any(|kind| kind.as_str() == TENSORS);
    (format == TableFormat::Npz && is_model).then_some(TENSORS)
}

/// The file of a table that a task has written. Without a name it is the only one.
fn table(project: &Project, task: usize, wanted: Option<&str>) -> Result<PathBuf> {
    let planned = &project.plan.tasks[task];
    let outputs = planned.outputs.iter();
    let tables: Vec<_> = outputs
        .filter(|kind| !DRAWINGS.contains(&kind.as_str()))
        .collect();
    if tables.is_empty() {
        bail!(
            "`{}`: a figure is no table; its files are in {}",
            planned.id,
            relative(&project.store.figures(&project.plan.name))
        );
    }
    let found = match (wanted, tables.as_slice()) {
        (Some(wanted), tables) => tables.iter().find(|kind| kind.as_str() == wanted),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    let Some(kind) = found else {
        let names: Vec<&str> = tables.iter().map(|kind| kind.as_str()).collect();
        let names = names.join(", ");
        match wanted {
            Some(wanted) => bail!("`{}` writes no {wanted}; it writes {names}", planned.id),
            None => bail!(
                "`{}` writes several tables; choose one with --table: {names}",
                planned.id
            ),
        }
    };
    let survey = project.survey(&[task]);
    let state = survey.get(task).filter(|state| state.is_current());
    let Some(key) = state.and_then(|state| state.key()) else {
        bail!(
            "`{}` is not up to date; run `{}` first",
            planned.id,
            project.invocation.command_of("run", &planned.id)
        );
    };
    Ok(project.store.output(key, kind))
}

/// Python that reads the weights: into a file, or to standard error.
fn snippet(program: &Path, tensors: &Path, weights: &Path, file: Option<&Path>) -> Result<()> {
    let name = match output::is_stdout(weights) {
        true => "model.safetensors".to_owned(),
        false => weights.display().to_string(),
    };
    let python = export::python(program, tensors, &name)?;
    match file {
        Some(file) => output::write(file, &python),
        None => {
            tell(String::from_utf8_lossy(&python).trim_end());
            Ok(())
        }
    }
}

/// Writes the embeddings of a task for TensorBoard into a folder.
fn projector(project: &Project, task: usize, folder: &Path) -> Result<u8> {
    let embeddings = table(project, task, Some(EMBEDDINGS))?;
    let mut inputs = project.plan.tasks[task].inputs.iter();
    let images = inputs.find(|input| input.kind.as_str() == IMAGES);
    let images = images
        .map(|input| table(project, input.task, Some(IMAGES)))
        .transpose()?;
    let written = export::projector(&embeddings, images.as_deref())?;
    for (name, bytes) in &written.files {
        output::write(&folder.join(name), bytes)?;
    }
    for note in &written.notes {
        tell(&format!("note: {note}"));
    }
    super::print(&format!("{}\n", relative(folder)))?;
    Ok(exit::OK)
}
