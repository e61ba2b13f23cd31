//! Seconds an epoch takes: the stage program `eigenscope-train` against a PyTorch script that does the same work.
//!
//! ```text
//! cargo bench --workspace --bench epochs -- [--python PYTHON] [--rounds 3] [--parquet FILE] [--markdown FILE] [NAME...]
//! ```
//!
//! Every workload is measured in turns with: one process of one thread; one process for each core; one process with a
//! thread for each core. The images are made up, as large as the real ones, and stored by both programs in memory. The
//! first epoch and everything before it (start, import, reading) counts for neither. The table is printed,
//! written as Parquet, and put between two marks of a Markdown file. Without a Python that has PyTorch, only ours is
//! measured.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench talks")]

mod ours;
mod products;
mod pytorch;
mod table;
mod workload;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use table::Row;
use workload::Workload;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What one process measured about the epochs after the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Seconds an epoch.
    pub(crate) wall: f64,
    /// Seconds of CPU time an epoch.
    pub(crate) cpu: f64,
    /// Largest resident set.
    pub(crate) peak_bytes: u64,
}

/// How many processes at once, with how many threads each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crowd {
    pub(crate) processes: usize,
    pub(crate) threads: usize,
}

struct Options {
    python: Option<PathBuf>,
    rounds: usize,
    parquet: Option<PathBuf>,
    markdown: Option<PathBuf>,
    names: Vec<String>,
}

fn main() -> ExitCode {
    match options().and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("epochs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        python: None,
        rounds: 3,
        parquet: None,
        markdown: None,
        names: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            // cargo says so to every bench.
            "--bench" => {}
            "--python" => options.python = Some(value()?.into()),
            "--rounds" => options.rounds = value()?.parse()?,
            "--parquet" => options.parquet = Some(value()?.into()),
            "--markdown" => options.markdown = Some(value()?.into()),
            name if workload::all().iter().any(|known| known.name == name) => {
                options.names.push(argument);
            }
            other => return Err(format!("no option or workload `{other}`").into()),
        }
    }
    Ok(options)
}

fn measure(options: &Options) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism()?.get();
    let python = options.python.as_deref();
    let python = python.filter(|python| match pytorch::version(python) {
        Ok(version) => {
            println!("PyTorch {version}");
            true
        }
        Err(error) => {
            println!("without PyTorch: {error}");
            false
        }
    });
    let one = |processes, threads| Crowd { processes, threads };
    let crowds = [one(1, 1), one(cores, 1), one(1, cores)];
    let mut rows = Vec::new();
    for workload in workload::all() {
        if !options.names.is_empty() && !options.names.iter().any(|name| *name == workload.name) {
            continue;
        }
        let folder = tempfile::tempdir()?;
        let prepared = workload.prepare(folder.path())?;
        let mut costs: BTreeMap<(Crowd, &str), Vec<Cost>> = BTreeMap::new();
        for round in 1..=options.rounds {
            for crowd in crowds {
                eprintln!("{}: round {round}, {crowd:?}", workload.name);
                let ours = ours::run(&prepared, crowd)?;
                costs.entry((crowd, table::OURS)).or_default().push(ours);
                if let Some(python) = python {
                    let theirs = pytorch::run(python, &prepared, crowd)?;
                    let theirs_so_far = costs.entry((crowd, table::PYTORCH)).or_default();
                    theirs_so_far.push(theirs);
                }
            }
        }
        let products = products(&workload, python, &prepared)?;
        rows.extend(costs.into_iter().map(|((crowd, program), costs)| {
            let product_seconds = products.get(program).copied();
            Row::new(&workload, program, crowd, &costs, product_seconds)
        }));
    }
    let text = table::markdown(&rows, options.rounds);
    println!("{text}");
    if let Some(path) = &options.parquet {
        table::write_parquet(path, &rows)?;
    }
    match &options.markdown {
        Some(path) => table::replace_between_marks(path, &text),
        None => Ok(()),
    }
}

/// Seconds of the plain matrix products of one training epoch, on one thread, by program.
fn products(
    workload: &Workload,
    python: Option<&std::path::Path>,
    prepared: &workload::Prepared,
) -> Result<BTreeMap<&'static str, f64>, Failure> {
    let mut seconds = BTreeMap::new();
    if workload.is_linear() {
        seconds.insert(table::OURS, products::seconds(workload)?);
        if let Some(python) = python {
            seconds.insert(table::PYTORCH, pytorch::products(python, prepared)?);
        }
    }
    Ok(seconds)
}

/// The mean over processes that ran at the same time; the largest of their peaks.
pub(crate) fn mean(costs: &[Cost]) -> Cost {
    let mean = |value: fn(&Cost) -> f64| costs.iter().map(value).sum::<f64>() / costs.len() as f64;
    Cost {
        wall: mean(|cost| cost.wall),
        cpu: mean(|cost| cost.cpu),
        peak_bytes: costs.iter().map(|cost| cost.peak_bytes).max().unwrap_or(0),
    }
}
