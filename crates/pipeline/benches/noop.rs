//! Doing nothing: how long `eigenscope status` and `eigenscope run` take when everything is up to date.
//!
//! A pipeline of 100,001 tasks is generated: a data set, 50,000 models of it (a sweep of 250 x 200) and a figure of each. Its
//! store is filled with the results of the fake stage, in this process; then the real program `eigenscope` is timed on it.
//! With `--generate FOLDER MODELS` the project is left in a folder, for the comparison with other tools beside this file.
//!
//! This program is also the fake stage, under the names of the stage programs.
#![allow(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

#[path = "../examples/fake_stage.rs"]
#[allow(dead_code, reason = "the same file is a program")]
mod fake_stage;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eigenscope_artifact::atomic;
use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_pipeline::store::{InputRecord, KeyInputs, Outside, Record, Store};
use eigenscope_pipeline::survey::DEVICE;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, PlannedTask};
use eigenscope_stage::Stage;
use eigenscope_testing::provenance;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Models of the large pipeline; every other task is a figure of one.
const MODELS: usize = 50_000;

/// Models of a pipeline about as large as `pipelines/paper.toml`.
const FEW_MODELS: usize = 100;

/// Times that each command is measured.
const RUNS: usize = 10;

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
        _ => measure_all(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("noop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all() -> Result<()> {
    for models in [FEW_MODELS, MODELS] {
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
            for _ in 0..RUNS {
                runs.push(measure(&eigenscope, folder.path(), command)?);
            }
            runs.sort_by(|one, other| one.0.total_cmp(&other.0));
            let peak = runs.iter().map(|run| run.1).max().unwrap_or(0);
            let (best, median) = (runs[0].0 * 1e3, runs[RUNS / 2].0 * 1e3);
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
    fill(&plan, &Store::new(&folder.join("artifacts"))?)?;
    // A digest is remembered only of a file that has been left alone for two seconds.
    std::thread::sleep(Duration::from_secs(3));
    Ok(plan.tasks.len())
}

/// Places the result of every task, section by section, as many at once as there are cores.
fn fill(plan: &Plan, store: &Store) -> Result<()> {
    let mut records: Vec<Option<Record>> = vec![None; plan.tasks.len()];
    for section in Stage::ALL {
        let tasks = plan.tasks.iter().enumerate();
        let tasks = tasks.filter(|(_, task)| task.stage == section);
        let level: Vec<usize> = tasks.map(|(index, _)| index).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(&index) = level.get(next.fetch_add(1, Ordering::Relaxed)) {
                let record = place(plan, &plan.tasks[index], store, &records)?;
                done.push((index, record));
            }
            Ok(done)
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let done: Vec<Result<_>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let ended = workers.into_iter().map(|worker| worker.join());
            let ended = ended.map(|ended| ended.unwrap_or_else(|_| Err("a thread failed".into())));
            ended.collect()
        });
        for done in done {
            for (index, record) in done? {
                records[index] = Some(record);
            }
        }
    }
    Ok(())
}

/// Places what the fake stage makes of one task.
fn place(
    plan: &Plan,
    task: &PlannedTask,
    store: &Store,
    records: &[Option<Record>],
) -> Result<Record> {
    let inputs = task.inputs.iter().map(|input| {
        let source = &plan.tasks[input.task];
        let record = records[input.task].as_ref().ok_or("an input is missing")?;
        Ok(InputRecord {
            role: input.role.clone(),
            task: source.id.clone(),
            labels: source.labels.clone(),
            content: record.outputs[&input.kind].content,
        })
    });
    let key_inputs = KeyInputs {
        kind: format!("{}/{}", task.stage.name(), task.kind),
        parameters: task.parameters.clone(),
        seed: None,
        device: DEVICE.to_owned(),
        fingerprint: task.fingerprint.clone(),
        inputs: inputs.collect::<Result<_>>()?,
    };
    let value = task.parameters["value"].as_f64().unwrap_or(0.0);
    let work = store.work_folder(key_inputs.key())?;
    for kind in &task.outputs {
        let path = work.path().join(kind.file_name());
        if *kind == HistoryRow::KIND {
            fake_stage::write_history(&path, value, &provenance())?;
        } else if *kind == FinalRow::KIND {
            fake_stage::write_final(&path, &[value], &provenance())?;
        } else {
            atomic::write_file(&path, fake_stage::picture(1).as_bytes())?;
        }
    }
    let outputs = &task.outputs;
    let committed = store.commit(
        work,
        &task.id,
        key_inputs,
        outputs,
        Outside::default(),
        Vec::new(),
    )?;
    Ok(committed.record)
}
