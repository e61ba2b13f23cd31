//! Models and files of weights, which the program of the stage `model` knows.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::ExportError;

/// The model at `path` as the program writes it in a format.
///
/// # Errors
/// The program does not start, or refuses.
pub fn model(program: &Path, path: &Path, format: &str) -> Result<Vec<u8>, ExportError> {
    written(
        program,
        Command::new(program)
            .arg("export")
            .arg(path)
            .args(["--format", format]),
    )
}

/// Python that defines the model at `path` and reads its weights from a file called `weights`.
///
/// # Errors
/// The program does not start, or refuses.
pub fn python(program: &Path, path: &Path, weights: &str) -> Result<Vec<u8>, ExportError> {
    let mut command = Command::new(program);
    command.arg("export").arg(path);
    command.args(["--format", "safetensors", "--python", weights]);
    written(program, &mut command)
}

/// Has the program list a file of weights on standard output, and say on standard error why it cannot.
///
/// # Errors
/// The program does not start.
pub fn inspect(program: &Path, arguments: &[&std::ffi::OsStr]) -> Result<Output, ExportError> {
    let mut command = Command::new(program);
    let output = command
        .arg("inspect")
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    output.map_err(|source| not_started(program, &source))
}

fn written(program: &Path, command: &mut Command) -> Result<Vec<u8>, ExportError> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|source| not_started(program, &source))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ExportError::Program {
        program: program.to_owned(),
        reason: match said.is_empty() {
            true => format!("it ended with {}", output.status),
            false => said,
        },
    })
}

fn not_started(program: &Path, source: &std::io::Error) -> ExportError {
    let advice = eigenscope_plan::programs::start_advice(source);
    ExportError::Program {
        program: program.to_owned(),
        reason: format!("cannot start it: {source}{advice}"),
    }
}
