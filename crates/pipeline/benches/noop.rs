//! Doing nothing: how long `eigenscope status` and `eigenscope run` take when everything is up to date.
//!
//! A pipeline of 100,001 tasks is generated: a data set, 50,000 models of it (a sweep of 250 x 200) and a figure of each. Its
//! store is filled with the results of the fake stage, in this process; then the real program `eigenscope` is timed on it. The
//! same is done with 201 and with 1,000,001 tasks; the latter take some minutes and four million files, which
//! `--without-million` leaves out. With `--generate FOLDER MODELS` the project is left in a folder, for the comparison with
//! other tools beside this file.
//!
//! This program is also the fake stage, under the names of the stage programs.
#![allow(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

#[path = "../examples/fake_stage.rs"]
#[allow(dead_code, reason = "the same file is a program")]
mod fake_stage;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::{KindName, TableReader, digest_file};
use eigenscope_pipeline::store::{
    InputRecord, KeyInputs, OutputRecord, RECORD_VERSION, Record, Store,
};
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, PlannedTask};
use eigenscope_stage::{Device, Stage};
use eigenscope_testing::provenance;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Models of the large pipeline; every other task is a figure of one.
const MODELS: usize = 50_000;

/// Models of the largest pipeline.
const VERY_MANY_MODELS: usize = 500_000;

/// Models of a pipeline about as large as `pipelines/paper.toml`.
const FEW_MODELS: usize = 100;

/// Times that each command is measured, and times for the largest pipeline.
const RUNS: usize = 10;
const FEW_RUNS: usize = 3;

fn main() -> ExitCode {
    let program = std::env::args().next().unwrap_or_default();
    let name = Path::new(&program).file_stem().unwrap_or_default();
    if Stage::ALL.iter().any(|section| name == section.program()) {
        return fake_stage::main();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["--generate", folder, models, ..] => models
            .parse()
            .map_err(Into::into)
            .and_then(|models| generate(Path::new(folder), models).map(drop)),
        _ => measure_all(!arguments.contains(&"--without-million")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("noop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all(with_million: bool) -> Result<()> {
    let million = with_million.then_some((VERY_MANY_MODELS, FEW_RUNS));
    let smaller = [(FEW_MODELS, RUNS), (MODELS, RUNS)];
    for (models, times) in smaller.into_iter().chain(million) {
        let folder = tempfile::tempdir()?;
        let begun = Instant::now();
        let tasks = generate(folder.path(), models)?;
        let filled = begun.elapsed().as_secs_f64();
        println!("noop: {tasks} tasks (store filled in {filled:.0} s)");
        for command in ["run", "status"] {
            let eigenscope = folder.path().join("bin/eigenscope");
            // The first run makes the readable links, and reads what was never read.
            measure(&eigenscope, folder.path(), command)?;
            let mut runs = Vec::new();
            for _ in 0..times {
                runs.push(measure(&eigenscope, folder.path(), command)?);
            }
            runs.sort_by(|one, other| one.0.total_cmp(&other.0));
            let peak = runs.iter().map(|run| run.1).max().unwrap_or(0);
            let (best, median) = (runs[0].0 * 1e3, runs[times / 2].0 * 1e3);
            println!(
                "  {command:<6}  best {best:7.1} ms  median {median:7.1} ms  peak {:4} MiB",
                peak / 1024
            );
        }
    }
    Ok(())
}

/// Wall time in seconds and peak memory in KiB of one command, which must find nothing to do.
fn measure(eigenscope: &Path, folder: &Path, command: &str) -> Result<(f64, u64)> {
    let begun = Instant::now();
    let mut child = Command::new(eigenscope)
        .args([command, "p.toml"])
        .current_dir(folder)
        .env_remove("EIGENSCOPE_ARTIFACTS")
        .env_remove("EIGENSCOPE_DATA_DIR")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = peak_kib(&status).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let output = child.wait_with_output()?;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let idle = match command {
        "run" => err.contains("up to date") && !err.contains(" ran"),
        _ => out.lines().count() == 1,
    };
    if !output.status.success() || !idle {
        return Err(format!("`eigenscope {command}` found something to do: {out}{err}").into());
    }
    Ok((seconds, peak))
}

/// The largest resident set so far; `None` where the system does not say.
fn peak_kib(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Makes a project with programs, pipeline file and filled store; the number of its tasks.
fn generate(folder: &Path, models: usize) -> Result<usize> {
    let programs = folder.join("bin");
    std::fs::create_dir_all(&programs)?;
    let this = std::env::current_exe()?;
    let built = this.ancestors().nth(2).unwrap_or(&this);
    let eigenscope = built.join("eigenscope");
    if !eigenscope.is_file() {
        return Err("the program `eigenscope` is missing: `make build` first".into());
    }
    std::fs::copy(eigenscope, programs.join("eigenscope"))?;
    for section in Stage::ALL {
        std::os::unix::fs::symlink(&this, programs.join(section.program()))?;
    }
    let parts = models.clamp(1, 200);
    let listed = |count: usize, end: &str| {
        let items: Vec<String> = (0..count).map(|item| format!("{item}{end}")).collect();
        items.join(", ")
    };
    let (values, parts) = (listed(models.div_ceil(parts), ".5"), listed(parts, ""));
    let path = folder.join("p.toml");
    let text = format!(
        "[data.make]\n\n[train.fit]\ndata = \"data.make\"\nvalue = [{values}]\npart = [{parts}]\n\n\
         [figure.draw]\ntable = \"train.fit\"\n"
    );
    std::fs::write(&path, text)?;
    let plan = eigenscope_plan::read(&path, &Programs::describe(&programs)?)?;
    let store = Store::new(&folder.join("artifacts"))?;
    fill(&plan, &store, &folder.join("outputs"))?;
    // A digest is remembered only of a file that has been left alone for two seconds.
    std::thread::sleep(Duration::from_secs(3));
    Ok(plan.tasks.len())
}

/// An output that several results share: where it was written, and what is recorded of it.
struct Output {
    path: PathBuf,
    record: OutputRecord,
}

/// The outputs by kind and by the bits of the value that they hold.
type Outputs = HashMap<(KindName, u64), Output>;

/// Places the result of every task, as the fake stage would make it. Nothing is synced, and tables of one content are one file:
/// a million results are placed in a minute.
fn fill(plan: &Plan, store: &Store, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut outputs = Outputs::new();
    for task in &plan.tasks {
        let value = value_of(task);
        for kind in task.outputs.iter() {
            let number = outputs.len();
            if let Entry::Vacant(entry) = outputs.entry((kind.clone(), value.to_bits())) {
                let path = folder
                    .join(number.to_string())
                    .with_extension(kind.extension());
                entry.insert(write_output(path, kind, value)?);
            }
        }
        place(plan, task, store, &outputs)?;
    }
    Ok(())
}

fn value_of(task: &PlannedTask) -> f64 {
    task.parameters["value"].as_f64().unwrap_or(0.0)
}

fn write_output(path: PathBuf, kind: &KindName, value: f64) -> Result<Output> {
    if *kind == HistoryRow::KIND {
        fake_stage::write_history(&path, value, &provenance())?;
    } else if *kind == FinalRow::KIND {
        fake_stage::write_final(&path, &[value], &provenance())?;
    } else {
        std::fs::write(&path, fake_stage::picture(1))?;
    }
    let file = digest_file(&path)?;
    let content = match kind.is_table() {
        true => {
            TableReader::open_named(&path, kind.as_str())?
                .summary()
                .content
        }
        false => file.blake3,
    };
    let record = OutputRecord { file, content };
    Ok(Output { path, record })
}

/// Places the result of one task.
fn place(plan: &Plan, task: &PlannedTask, store: &Store, outputs: &Outputs) -> Result<()> {
    let output = |task: &PlannedTask, kind: &KindName| {
        let output = outputs.get(&(kind.clone(), value_of(task).to_bits()));
        output.ok_or("an output is missing")
    };
    let inputs = task.inputs.iter().map(|input| {
        let source = &plan.tasks[input.task];
        Ok(InputRecord {
            role: input.role.to_string(),
            task: source.id.clone(),
            labels: (*source.labels).clone(),
            content: output(source, &input.kind)?.record.content,
            renamed: BTreeMap::new(),
        })
    });
    let key_inputs = KeyInputs {
        kind: format!("{}/{}", task.stage.name(), task.kind),
        parameters: (*task.parameters).clone(),
        seed: None,
        device: Device::Cpu.name().to_owned(),
        fingerprint: task.fingerprint.to_string(),
        inputs: inputs.collect::<Result<_>>()?,
    };
    let folder = store.folder(key_inputs.key());
    std::fs::create_dir_all(&folder)?;
    let mut record = Record {
        version: RECORD_VERSION,
        task: task.id.clone(),
        key_inputs,
        formerly: None,
        accepted_from: Vec::new(),
        computed_on: None,
        outputs: BTreeMap::new(),
        external_files: Vec::new(),
        absent_files: Vec::new(),
        warnings: Vec::new(),
    };
    for kind in task.outputs.iter() {
        let output = output(task, kind)?;
        record.outputs.insert(kind.clone(), output.record);
        let path = folder.join(kind.file_name());
        match kind.is_table() {
            true => std::fs::hard_link(&output.path, path)?,
            // More results have this one than a file may have names.
            false => std::fs::copy(&output.path, path).map(|_| ())?,
        }
    }
    Ok(std::fs::write(
        folder.join("task.json"),
        serde_json::to_vec(&record)?,
    )?)
}
