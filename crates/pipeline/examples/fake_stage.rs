//! A stage program for the tests of the orchestrator: it computes almost nothing and misbehaves on demand.
//!
//! It serves the section of the program whose name it is started under, through the same contract library
//! as the real stages. Parameter `behaviour` says what it does besides writing its outputs. If the data directory holds
//! a file `runs.log`, every task notes there that it has been started.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::{
    ArtifactKind, Provenance, SVG, atomic, digest_file, digest_pictures, read_records,
    write_records,
};
use eigenscope_stage::{
    Context, ExternalFile, FolderPicture, Parameter, ParameterType, Role, Stage, TaskError,
    TaskFunction, TaskKind,
};
use serde::Deserialize;

pub(crate) fn main() -> ExitCode {
    let program = std::env::args().next().unwrap_or_default();
    let section = Stage::ALL.into_iter().find(|section| {
        Path::new(&program)
            .file_stem()
            .is_some_and(|name| name == section.program())
    });
    match section {
        Some(section) => eigenscope_stage::run(section, kinds(section)),
        None => ExitCode::from(eigenscope_stage::exit::USAGE),
    }
}

fn kinds(section: Stage) -> Vec<TaskKind> {
    let history = |name| Role::one(name, HistoryRow::KIND, "A history");
    match section {
        Stage::Data => vec![kind("make", vec![], &[HistoryRow::KIND], run_series)],
        Stage::Train => vec![kind(
            "fit",
            vec![history("data")],
            &[HistoryRow::KIND, FinalRow::KIND],
            run_series,
        )],
        Stage::Model | Stage::Decompose => vec![],
        Stage::Metric => {
            let models = Role::many("models", FinalRow::KIND, "Models");
            vec![kind(
                "collect",
                vec![models],
                &[FinalRow::KIND],
                run_collect,
            )]
        }
        Stage::Figure => {
            let table = Role::one("table", FinalRow::KIND, "A table");
            vec![kind("draw", vec![table], &[SVG], run_draw)]
        }
    }
}

fn kind(
    name: &str,
    roles: Vec<Role>,
    outputs: &[ArtifactKind],
    run: fn(&Context) -> Result<(), TaskError>,
) -> TaskKind {
    let function = TaskFunction::find(run, "fake", &[("fake", "fake", &[])]);
    let mut kind = TaskKind::new(name, "A fake", function);
    kind.description.parameters = parameters();
    kind.description.roles = roles;
    kind.description.outputs = outputs.iter().map(|&kind| kind.into()).collect();
    kind
}

/// Those of [`Parameters`] that a pipeline file can set.
fn parameters() -> Vec<Parameter> {
    let number = ParameterType::Number {
        minimum: 0.0,
        maximum: 1e6,
    };
    let milliseconds = ParameterType::Integer {
        minimum: 0,
        maximum: 600_000,
    };
    let mebibytes = ParameterType::Integer {
        minimum: 0,
        maximum: 100_000,
    };
    vec![
        Parameter::optional("value", number, 0.0, "What the outputs hold"),
        Parameter::optional("part", ParameterType::at_least(0), 0, "Without effect"),
        Parameter::optional("sleep_ms", milliseconds, 0, "Time it takes").proportional(1000.0),
        Parameter::optional("memory_mib", mebibytes, 0, "Memory it uses as long"),
        Parameter::optional("behaviour", ParameterType::Text, "good", "What it does"),
    ]
}

#[derive(Deserialize)]
#[serde(default)]
struct Parameters {
    /// What the outputs hold; they depend on no other parameter.
    value: f64,
    sleep_ms: u64,
    memory_mib: usize,
    behaviour: String,
    /// A file in the data directory to depend on.
    file: Option<String>,
    /// Files that would be read if that one were gone.
    instead: Vec<String>,
    /// A folder of pictures in the data directory to depend on.
    folder: Option<String>,
    /// A place in the data directory without a file.
    absent: Option<String>,
    /// Numbers of threads that it waits to be allowed, one after the other.
    await_threads: Vec<usize>,
    /// A file in the data directory with a number to add, without telling anybody.
    hidden_file: Option<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            value: 0.0,
            sleep_ms: 0,
            memory_mib: 0,
            behaviour: "good".to_owned(),
            file: None,
            instead: Vec::new(),
            folder: None,
            absent: None,
            await_threads: Vec::new(),
            hidden_file: None,
        }
    }
}

/// Notes that the task has been started, where the tests ask for that.
fn note_start(context: &Context) -> Result<(), TaskError> {
    let path = context.task().data_dir.join("runs.log");
    match File::options().append(true).open(path) {
        Ok(mut log) => Ok(log.write_all(format!("{}\n", context.provenance().task).as_bytes())?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A history, and a final row where that is an output too, made of the value and the input's value.
fn run_series(context: &Context) -> Result<(), TaskError> {
    note_start(context)?;
    let parameters: Parameters = context.parameters()?;
    let mut value = parameters.value;
    if let Ok(input) = context.input("data") {
        let rows: Vec<HistoryRow> = read_records(&input.path)?;
        value += rows.iter().map(|row| row.train_loss_nats).sum::<f64>();
    }
    if let Some(name) = &parameters.file {
        let path = context.task().data_dir.join(name);
        let digest = digest_file(&path)?;
        let instead = parameters.instead.clone();
        context.depends_on(ExternalFile {
            instead,
            ..ExternalFile::new(name, digest)
        });
    }
    if let Some(name) = &parameters.folder {
        let (digest, pictures) = digest_pictures(&context.task().data_dir.join(name))?;
        let pictures = pictures.iter();
        let pictures = pictures.map(|(path, digest)| FolderPicture::new(path, *digest));
        context.depends_on_folder(ExternalFile::new(name, digest), pictures.collect());
    }
    if let Some(name) = &parameters.absent {
        context.depends_on_absence(name);
    }
    if let Some(name) = &parameters.hidden_file {
        let text = std::fs::read_to_string(context.task().data_dir.join(name))?;
        value += text.trim().parse::<f64>()?;
    }
    context.progress(1, 2, "epochs", "half way");
    for &threads in &parameters.await_threads {
        await_threads(context, threads)?;
    }
    let used = vec![1_u8; parameters.memory_mib << 20];
    std::thread::sleep(Duration::from_millis(parameters.sleep_ms));
    std::hint::black_box(used);
    if misbehave(context, &parameters.behaviour)? {
        return Ok(());
    }
    write_history(
        context.output(HistoryRow::KIND)?,
        value,
        context.provenance(),
    )?;
    if let Ok(path) = context.output(FinalRow::KIND) {
        write_final(path, &[value], context.provenance())?;
    }
    context.progress(2, 2, "epochs", format!("value {value}"));
    Ok(())
}

fn await_threads(context: &Context, threads: usize) -> Result<(), TaskError> {
    let begun = Instant::now();
    while context.thread_budget().threads() != threads {
        if begun.elapsed() > Duration::from_secs(20) {
            let allowed = context.thread_budget().threads();
            return Err(format!("{allowed} threads are allowed, {threads} are not").into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Does what a stage should not; `true` if it ends without its outputs.
fn misbehave(context: &Context, behaviour: &str) -> Result<bool, TaskError> {
    let history = context.output(HistoryRow::KIND)?;
    match behaviour {
        "fail" => {
            write_history(history, 0.0, context.provenance())?;
            for line in 0..30 {
                tracing::info!("line {line}");
            }
            let cause = std::io::Error::other("the cause");
            return Err(Box::<dyn Error + Send + Sync>::from(Caused(cause)));
        }
        "garbage" => {
            let mut out = std::io::stdout();
            out.write_all(b"not an event \xff\n")?;
            out.write_all(&vec![b'x'; 3_000_000])?;
            out.write_all(b"\n{\"event\": \"unknown\"}\n")?;
        }
        "warn" => context.warn("a warning"),
        "clutter" => {
            let folder = history.parent().ok_or("no folder")?;
            std::fs::create_dir(folder.join("folder"))?;
            std::fs::write(folder.join("folder/file"), "clutter")?;
        }
        "wrong-kind" => {
            write_final(history, &[0.0], context.provenance())?;
            return Ok(true);
        }
        "not-parquet" => {
            std::fs::write(history, "nonsense")?;
            return Ok(true);
        }
        "nothing" => return Ok(true),
        "exit" => std::process::exit(7),
        "abort" => std::process::abort(),
        "hang" => hang(),
        "hang-at-first" => {
            let mark = context.task().data_dir.join("hung");
            if File::create_new(mark).is_ok() {
                hang();
            }
        }
        _ => {}
    }
    Ok(false)
}

fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

#[derive(Debug)]
struct Caused(std::io::Error);

impl std::fmt::Display for Caused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("told to fail")
    }
}

impl Error for Caused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn run_collect(context: &Context) -> Result<(), TaskError> {
    note_start(context)?;
    let mut values = Vec::new();
    for input in context.inputs("models")? {
        let rows: Vec<FinalRow> = read_records(&input.path)?;
        values.extend(rows.iter().map(|row| row.train_loss_nats));
    }
    write_final(
        context.output(FinalRow::KIND)?,
        &values,
        context.provenance(),
    )
}

fn run_draw(context: &Context) -> Result<(), TaskError> {
    note_start(context)?;
    let rows: Vec<FinalRow> = read_records(&context.input("table")?.path)?;
    atomic::write_file(context.output(SVG)?, picture(rows.len()).as_bytes())?;
    Ok(())
}

/// A figure of a table.
pub(crate) fn picture(rows: usize) -> String {
    format!("<svg><!-- {rows} rows --></svg>\n")
}

/// A history of one epoch.
pub(crate) fn write_history(
    path: &Path,
    value: f64,
    provenance: &Provenance,
) -> Result<(), TaskError> {
    let row = HistoryRow {
        epoch: 1,
        learning_rate: 0.1,
        train_loss_nats: value,
        train_accuracy_fraction: 0.5,
        test_loss_nats: value,
        test_accuracy_fraction: 0.5,
    };
    write_records(path, &[row], None, provenance)?;
    Ok(())
}

/// The end of as many histories as there are values.
pub(crate) fn write_final(
    path: &Path,
    values: &[f64],
    provenance: &Provenance,
) -> Result<(), TaskError> {
    let rows: Vec<FinalRow> = values
        .iter()
        .map(|&value| FinalRow {
            model: "model".to_owned(),
            hidden: None,
            seed: None,
            epochs: 1,
            train_loss_nats: value,
            train_accuracy_fraction: 0.5,
            test_loss_nats: value,
            test_accuracy_fraction: 0.5,
        })
        .collect();
    write_records(path, &rows, None, provenance)?;
    Ok(())
}
