//! Runs the stage program as the orchestrator does, and takes the time of its progress reports.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use eigenscope_artifact::TENSORS;
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_stage::{Event, Stage};
use eigenscope_testing::{KEEP_MEMORY, TestTask, made_by, program};

use crate::workload::Prepared;
use crate::{Cost, Crowd, Failure, mean};

/// Clock ticks of `/proc/<pid>/stat` a second, fixed in Linux's user interface.
const TICKS: f64 = 100.0;

/// What the processes of a crowd cost, on average.
pub(crate) fn run(prepared: &Prepared, crowd: Crowd) -> Result<Cost, Failure> {
    let program = program("eigenscope-train");
    let costs = std::thread::scope(|scope| {
        let processes: Vec<_> = (0..crowd.processes)
            .map(|process| {
                let program = &program;
                scope.spawn(move || one(program, prepared, process, crowd.threads))
            })
            .collect();
        let results = processes.into_iter().map(|process| process.join());
        results
            .map(|result| result.map_err(|_| "a measuring thread panicked")?)
            .collect::<Result<Vec<Cost>, Failure>>()
    })?;
    Ok(mean(&costs))
}

fn one(
    program: &Path,
    prepared: &Prepared,
    process: usize,
    threads: usize,
) -> Result<Cost, Failure> {
    let task = write_task(prepared, process, threads)?;
    let mut child = Command::new(program)
        .arg("run")
        .arg(task)
        .envs(KEEP_MEMORY)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut epochs = Vec::new();
    let mut peak = 0;
    for line in lines {
        match serde_json::from_str(&line?)? {
            Event::Progress { .. } => epochs.push((Instant::now(), cpu_seconds(child.id())?)),
            Event::Usage { peak_bytes, .. } => peak = peak_bytes,
            Event::Failed { messages } => return Err(messages.join(": ").into()),
            Event::Warning { .. }
            | Event::File(_)
            | Event::Absent { .. }
            | Event::Pictures { .. } => {}
        }
    }
    child.wait()?;
    let measured = prepared.workload.epochs;
    let (Some(first), Some(last)) = (epochs.first(), epochs.get(measured)) else {
        return Err("the program reported fewer epochs than it was told to train".into());
    };
    Ok(Cost {
        wall: (last.0 - first.0).as_secs_f64() / measured as f64,
        cpu: (last.1 - first.1) / measured as f64,
        peak_bytes: peak,
    })
}

fn write_task(prepared: &Prepared, process: usize, threads: usize) -> Result<PathBuf, Failure> {
    let workload = &prepared.workload;
    let folder = prepared.folder.join(process.to_string());
    let task = TestTask::new(Stage::Train, workload.kind, workload.parameters.clone())
        .set("epochs", workload.epochs + 1)
        .set("batch", workload.batch)
        .with_defaults()
        .reads("data", &made_by("data.made-up", &prepared.images))
        .writes(&[TENSORS, HistoryRow::KIND])
        .seed(process as u64)
        .threads(threads);
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("task.json");
    std::fs::write(&path, serde_json::to_vec(&task.file(&folder))?)?;
    Ok(path)
}

/// User and system time of all threads of a process.
fn cpu_seconds(process: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field, the command, may hold spaces; it ends with the last bracket.
    let (_, fields) = stat.rsplit_once(')').ok_or("no such process")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).unwrap_or(&"0").parse::<f64>();
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}
