//! Runs the PyTorch script beside this file.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use crate::workload::Prepared;
use crate::{Cost, Crowd, Failure, mean};

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/epochs/pytorch.py")
}

/// The version of PyTorch.
pub(crate) fn version(python: &Path) -> Result<String, Failure> {
    let output = Command::new(python).arg(script()).arg("version").output();
    let output = output.map_err(|error| format!("{}: {error}", python.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?.trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().last().unwrap_or("it failed").into())
}

/// What the processes of a crowd cost, on average.
pub(crate) fn run(python: &Path, prepared: &Prepared, crowd: Crowd) -> Result<Cost, Failure> {
    #[derive(Deserialize)]
    struct Measured {
        wall: f64,
        cpu: f64,
        peak_bytes: u64,
    }
    let threads = crowd.threads.to_string();
    let processes = (0..crowd.processes)
        .map(|_| start(python, prepared, &["train", &threads]))
        .collect::<Result<Vec<_>, _>>()?;
    let costs = processes
        .into_iter()
        .map(|process| {
            let Measured {
                wall,
                cpu,
                peak_bytes,
            } = serde_json::from_slice(&finish(process)?)?;
            Ok(Cost {
                wall,
                cpu,
                peak_bytes,
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(mean(&costs))
}

/// Seconds of the plain matrix products of one epoch, on one thread.
pub(crate) fn products(python: &Path, prepared: &Prepared) -> Result<f64, Failure> {
    let output = finish(start(python, prepared, &["products"])?)?;
    Ok(serde_json::from_slice(&output)?)
}

fn start(python: &Path, prepared: &Prepared, arguments: &[&str]) -> Result<Child, Failure> {
    let process = Command::new(python)
        .arg(script())
        .args(arguments)
        .arg(&prepared.script)
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(process)
}

fn finish(process: Child) -> Result<Vec<u8>, Failure> {
    let output = process.wait_with_output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err("the PyTorch script failed".into())
    }
}
