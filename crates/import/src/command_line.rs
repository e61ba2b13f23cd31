//! The commands of this program beside those of every stage program: `inspect` and `export`, which `eigenscope` hands on to it.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use eigenscope_stage::exit;

use crate::error::ImportError;
use crate::export::{self, Format};
use crate::{inspect, python};

#[derive(Parser)]
#[command(
    name = "eigenscope-import",
    about = "A stage program of eigenscope; `eigenscope inspect` and `eigenscope export` start it so"
)]
enum Arguments {
    /// List what a file of weights holds
    Inspect {
        /// The file
        file: PathBuf,
        /// Where the tensors are, if they are in several places
        #[arg(long)]
        key: Option<String>,
        /// Channels, height and width of the images that the network reads
        #[arg(long)]
        shape: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a stored model to standard output
    Export {
        /// The file `tensors.parquet`
        model: PathBuf,
        /// The format
        #[arg(long)]
        format: Format,
        /// Write Python that reads the weights from a file of this name, instead of the model
        #[arg(long, value_name = "FILE")]
        python: Option<String>,
    },
}

/// Runs `inspect` or `export` if that is what the command line says.
pub fn command_line() -> Option<ExitCode> {
    let command = std::env::args().nth(1)?;
    if !["inspect", "export"].contains(&command.as_str()) {
        return None;
    }
    let done = match Arguments::parse() {
        Arguments::Inspect {
            file,
            key,
            shape,
            json,
        } => inspect::inspect(&file, key.as_deref(), shape.as_deref(), json)
            .and_then(|text| print(text.as_bytes())),
        Arguments::Export {
            model,
            format,
            python,
        } => export(&model, format, python),
    };
    Some(match done {
        Ok(()) => ExitCode::from(exit::DONE),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}", causes(&error));
            ExitCode::from(exit::FAILED)
        }
    })
}

fn export(
    model: &std::path::Path,
    format: Format,
    weights: Option<String>,
) -> Result<(), ImportError> {
    let Some(weights) = weights else {
        let output = io::BufWriter::new(io::stdout().lock());
        return export::write(model, format, output).map(|_| ());
    };
    let model = export::write(model, format, io::sink())?;
    print(python::script(&model.architecture, &weights).as_bytes())
}

/// Prints to standard output; a closed pipe is no error.
fn print(bytes: &[u8]) -> Result<(), ImportError> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(ImportError::Output(error)),
        _ => Ok(()),
    }
}

/// An error with its causes, one after the other.
pub(crate) fn causes(error: &ImportError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
