//! The command line.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use eigenscope_stage::DeviceChoice;
use tracing::Level;

use crate::exit;
pub(crate) use crate::formats::{ExportFormat, GraphFormat};

/// Train small image classifiers and take them apart.
#[derive(Debug, Parser)]
#[command(
    name = "eigenscope",
    version,
    after_help = exit::help()
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Log more (twice: everything)
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = GLOBAL)]
    verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    pub(crate) fn log_level(&self) -> Level {
        match self.verbose {
            0 => Level::WARN,
            1 => Level::INFO,
            _ => Level::DEBUG,
        }
    }
}

/// What standard error can show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Whether lines can be redrawn.
    pub(crate) redraws: bool,
    /// Whether colours are shown and wanted.
    pub(crate) colours: bool,
    /// Whether more than plain ASCII can be drawn.
    pub(crate) draws: bool,
}

impl Terminal {
    /// By what standard error is, and by `TERM` and `NO_COLOR` (no-color.org).
    pub(crate) fn of_stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    /// As [`Terminal::of_stderr`], of standard output.
    pub(crate) fn of_stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    fn of(is_terminal: bool) -> Self {
        let is_dumb = is_terminal && std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            redraws: is_terminal && !is_dumb,
            colours: is_terminal && !is_dumb && !no_colour,
            draws: !is_dumb,
        }
    }
}

/// The folder that an environment variable names, or else `default`. To clap it is a default either way: what clap itself
/// takes from the environment, it lists as required in its usage lines.
fn folder(variable: &str, default: &str) -> PathBuf {
    folder_in(variable).unwrap_or_else(|| default.into())
}

/// Variable of the folder with the libraries of CUDA.
pub(crate) const CUDA_LIBRARIES: &str = "EIGENSCOPE_CUDA_LIBRARIES";

/// The folder that an environment variable names.
pub(crate) fn folder_in(variable: &str) -> Option<PathBuf> {
    let value = std::env::var_os(variable).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

/// A kind of device, or `auto`.
fn device(name: &str) -> Result<DeviceChoice, String> {
    let names = DeviceChoice::ALL.map(DeviceChoice::name);
    DeviceChoice::named(name).ok_or_else(|| format!("it should be one of {}", names.join(", ")))
}

/// Variable of the device.
const DEVICE: &str = "EIGENSCOPE_DEVICE";

/// The device that the environment asks for.
fn device_in_environment() -> Option<String> {
    std::env::var(DEVICE).ok().filter(|name| !name.is_empty())
}

impl ProjectArguments {
    /// The device that the command line or else the environment asks for.
    pub(crate) fn device(&self) -> anyhow::Result<Option<DeviceChoice>> {
        match (self.device, device_in_environment()) {
            (Some(choice), _) => Ok(Some(choice)),
            (None, None) => Ok(None),
            (None, Some(name)) => {
                let choice = device(&name);
                choice
                    .map(Some)
                    .map_err(|reason| anyhow::anyhow!("{DEVICE} is `{name}`: {reason}"))
            }
        }
    }

    /// What of the command line or else the environment asks for a device.
    pub(crate) fn device_option(&self) -> Option<String> {
        match self.device {
            Some(choice) => Some(format!("--device {}", choice.name())),
            None => device_in_environment().map(|name| format!("{DEVICE}={name}")),
        }
    }
}

/// Folder of the results where none is given.
pub(crate) fn artifacts() -> PathBuf {
    folder("EIGENSCOPE_ARTIFACTS", "artifacts")
}

/// Folder of the data files where none is given.
pub(crate) fn data_dir() -> PathBuf {
    folder("EIGENSCOPE_DATA_DIR", "data")
}

/// A whole number of at least 1.
fn at_least_one<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|&number: &u64| number > 0);
    let number = number.ok_or("it should be a whole number of at least 1")?;
    N::try_from(number).map_err(|_| "it is too large".to_owned())
}

/// Heading of the options that every command has.
const GLOBAL: &str = "Options of every command";

/// Where things are.
#[derive(Debug, Args)]
pub(crate) struct ProjectArguments {
    /// Folder of the results [env: EIGENSCOPE_ARTIFACTS] [default: artifacts]
    #[arg(
        long,
        value_name = "DIR",
        default_value_os_t = artifacts(),
        hide_default_value = true,
        global = true,
        help_heading = GLOBAL
    )]
    pub(crate) artifacts: PathBuf,
    /// Folder of the data files; missing ones are downloaded into it [env: EIGENSCOPE_DATA_DIR] [default: data]
    #[arg(
        long,
        value_name = "DIR",
        default_value_os_t = data_dir(),
        hide_default_value = true,
        global = true,
        help_heading = GLOBAL
    )]
    pub(crate) data_dir: PathBuf,
    /// What tasks compute on that can use a graphics card, whatever pipeline files say [env: EIGENSCOPE_DEVICE]
    #[arg(
        long,
        value_name = "DEVICE",
        value_parser = device,
        global = true,
        help_heading = GLOBAL
    )]
    pub(crate) device: Option<DeviceChoice>,
    /// Folder with the libraries of CUDA, the only one to look into [env: EIGENSCOPE_CUDA_LIBRARIES]
    #[arg(long, value_name = "DIR", global = true, help_heading = GLOBAL)]
    pub(crate) cuda_libraries: Option<PathBuf>,
    /// Use the folder of results without a lock, for file systems that have none: two runs at once would then spoil each
    /// other's results
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) no_lock: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring results up to date
    Run(Run),
    /// Show which tasks are up to date
    Status(Status),
    /// List the pipelines, or the tables and tasks of one with their states and where their results are
    #[command(alias = "list")]
    Ls(Ls),
    /// Push results to the remote of the settings, for others to take
    Push(Push),
    /// Take results from where they are shared, and compute nothing
    Pull(Pull),
    /// Show what a run in another terminal or on another machine is doing, until it ends
    Watch(Watch),
    /// Explain why tasks would run
    Explain(Explain),
    /// Declare existing results valid for changed code, without computing them again
    Accept(Accept),
    /// Give a table another name in the files that say it, and keep its results
    Rename(Rename),
    /// Print the graph of tasks
    Graph(Graph),
    /// Print what an artifact holds and where it came from
    Show(Show),
    /// Write a result as a file for other programs: a model, a table, or embeddings
    Export(Export),
    /// List what a file of weights holds, and propose what a pipeline file could say about it
    Inspect(Inspect),
    /// List what tasks can compute on, and why a graphics card is not used
    Devices(Devices),
    /// List the task kinds that a pipeline file can name, or what one of them takes
    Kinds(Kinds),
    /// Draw what ran on which core when, and how idle the cores were
    Timeline(Timeline),
    /// Compare our numbers with the published ones
    Compare(Compare),
    /// Show what differs between two pipelines, revisions or runs, in what they ask for and in what came out
    Diff(Diff),
    /// Write all figures and the comparison into one HTML file, from the results that are up to date
    Report(Report),
    /// Remove results that no pipeline needs any more
    Gc(Gc),
    /// Remove all results, or those of some pipelines
    Clean(Clean),
    /// Query the tables of a pipeline in SQL, or list them
    Sql(Sql),
    /// Print the completion script of a shell
    Completions(Completions),
    /// Print the words that may stand at the end of a command line, for the scripts that complete it
    #[command(name = "__complete", hide = true)]
    Complete(Complete),
    /// Run the tasks of one element of a job array of Slurm
    #[command(name = "__element", hide = true)]
    Element(Element),
    /// Write the manual pages
    Man(Man),
    /// Compute results again in a scratch folder and compare them
    Verify(Verify),
    /// Write the lock file: what every task computes, for `verify --lock`
    Lock(Lock),
    /// Write a pipeline for images of your own
    Init(Init),
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// File to write, or `-` for standard output (default: report.html in the pipeline's folder of results)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write a folder with an index and a page for each figure, for very many figures
    #[arg(long, value_name = "FOLDER", conflicts_with = "output")]
    pub(crate) split: Option<PathBuf>,
    /// File of published numbers (default: PIPELINE.published.toml beside the pipeline file or the one that it extends, if there is one)
    #[arg(long, value_name = "FILE")]
    pub(crate) published: Option<PathBuf>,
    /// Say how long tasks took when they last ran; without it, equal results give an equal page
    #[arg(long)]
    pub(crate) with_times: bool,
}

/// Which tasks of which pipeline.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// Tasks or tables, such as 'figure.*' or 'train.bilinear[hidden=30]' (default: all)
    pub(crate) targets: Vec<String>,
}

/// What running tasks may use together.
#[derive(Debug, Args)]
pub(crate) struct Budget {
    /// Threads to use (default: all cores)
    #[arg(short, long, value_name = "N", value_parser = at_least_one::<u16>, allow_negative_numbers = true)]
    pub(crate) jobs: Option<u16>,
    /// Memory to use, in MiB (default: four fifths of the machine's)
    #[arg(long, value_name = "MIB", value_parser = at_least_one::<u64>, allow_negative_numbers = true)]
    pub(crate) memory: Option<u64>,
    /// Start tasks in an order drawn from this seed, not the most urgent first: for tests that no result depends on it
    #[arg(long, value_name = "SEED", hide = true, allow_negative_numbers = true)]
    pub(crate) shuffle: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    #[command(flatten)]
    pub(crate) budget: Budget,
    /// After a failure, finish what does not depend on it
    #[arg(short, long)]
    pub(crate) keep_going: bool,
    /// Where tasks run (default: as in eigenscope.toml, else on this machine)
    #[arg(long, value_enum)]
    pub(crate) executor: Option<Executor>,
    /// With Slurm: submit what is ready and leave it running; a later run goes on
    #[arg(long)]
    pub(crate) detach: bool,
    /// With Slurm: how often to try a task again that had no fault of its own, with more time or memory where that was
    /// short (default: as in eigenscope.toml, else 1)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) retries: Option<u16>,
    /// Only show what would run, why, and how long it may take
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long, requires = "dry_run")]
    pub(crate) json: bool,
    /// Never download data files
    #[arg(long)]
    pub(crate) offline: bool,
    /// Neither take results from the remote of the settings nor push them there
    #[arg(long)]
    pub(crate) no_remote: bool,
    /// Run this command of the shell at the end, with the outcome in EIGENSCOPE_OUTCOME (ok, failed, stopped) and other
    /// variables, and as JSON on its standard input
    #[arg(long, value_name = "COMMAND", conflicts_with = "dry_run")]
    pub(crate) notify: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    /// Fetch what is there already and compare it, and replace what is damaged
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Executor {
    /// On this machine
    Local,
    /// As jobs of Slurm
    Slurm,
}

#[derive(Debug, Args)]
pub(crate) struct Element {
    /// Folder of the batch
    pub(crate) batch: PathBuf,
    /// Number of the element in its array
    #[arg(long, env = "SLURM_ARRAY_TASK_ID")]
    pub(crate) index: usize,
    /// How often it has been started before
    #[arg(long, env = "SLURM_RESTART_COUNT", default_value_t = 0)]
    pub(crate) restarts: u32,
    /// Name of the node
    #[arg(long, env = "SLURMD_NODENAME", default_value = "")]
    pub(crate) host: String,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    /// List the tasks that are up to date, too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Exit with code 3 if anything is not up to date
    #[arg(long)]
    pub(crate) check: bool,
    /// Read every file, even those whose size and times say that they have not changed
    #[arg(long)]
    pub(crate) deep: bool,
    /// Ask the remote of the settings which results it has
    #[arg(long)]
    pub(crate) remote: bool,
    /// Show what a run of the pipeline is doing until it ends, as `watch` does
    #[arg(long, conflicts_with_all = ["targets", "all", "check", "deep"])]
    pub(crate) watch: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// A pipeline file, or the name of one in the folder `pipelines` (default: list the pipelines)
    pub(crate) pipeline: Option<String>,
    /// Tasks to list one by one, such as 'figure.*' (default: a line for each table)
    pub(crate) targets: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// A pipeline, by its name or file (default: the one whose run began last)
    pub(crate) pipeline: Option<String>,
    /// Print JSON, one object a line whenever something has changed
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// Tasks or tables, such as 'train.*'
    pub(crate) tasks: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// Tasks or tables, such as 'train.*'; only results whose code is all that changed are accepted
    #[arg(required = true)]
    pub(crate) targets: Vec<String>,
    /// Only show what would be accepted
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// Table, such as 'train.bilinear'
    pub(crate) old: String,
    /// What it is to be called, such as 'train.wide'
    pub(crate) new: String,
    /// Only show what would be changed
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    /// Language to write
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: GraphFormat,
    /// Every task, not only every table (a sweep of 60 models is one table)
    #[arg(long)]
    pub(crate) tasks: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Parquet files of the artifacts folder, or folders of such files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Rows to print
    #[arg(
        long,
        default_value_t = 10,
        value_name = "N",
        allow_negative_numbers = true
    )]
    pub(crate) rows: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// One task, such as 'train.bilinear[hidden=30,seed=0]'
    pub(crate) task: String,
    /// File to write, or `-` for standard output; its ending tells the format
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "projector"
    )]
    pub(crate) output: Option<PathBuf>,
    /// Format, where the ending of the file does not tell it
    #[arg(long, value_enum)]
    pub(crate) format: Option<ExportFormat>,
    /// Table of a task that writes several
    #[arg(long, value_name = "KIND")]
    pub(crate) table: Option<String>,
    /// File for the Python that defines the model and loads a safetensors file (default: standard error)
    #[arg(long, value_name = "FILE")]
    pub(crate) snippet: Option<PathBuf>,
    /// Write embeddings into this folder as TensorBoard's projector reads them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "format", "table", "snippet"])]
    pub(crate) projector: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A file of weights: .pt, .pth, .safetensors, .onnx
    pub(crate) file: PathBuf,
    /// Where the tensors are in a file that has them in several places
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Shape of the images that the network reads: steps that fit it are proposed
    #[arg(long, value_name = "CHANNELS,HEIGHT,WIDTH")]
    pub(crate) shape: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Devices {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Kinds {
    /// A kind, such as bilinear or train.bilinear (default: list all)
    pub(crate) kind: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// The run to draw: the name of a file in `ledger` without `.parquet` (default: the latest in which a task ran)
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// SVG to write, beside which a PNG and a PDF appear, or `-` for the SVG on standard output (default: timeline.svg in the
    /// pipeline's folder of results)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// File of published numbers (default: PIPELINE.published.toml beside the pipeline file or the one that it extends)
    #[arg(long, value_name = "FILE")]
    pub(crate) published: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A pipeline, its file in a revision of Git (`HEAD~1:digits`), or what there was after a run (`digits@12`)
    pub(crate) before: String,
    /// The same, to compare with (default: the pipeline of the first as it is now)
    pub(crate) after: Option<String>,
    /// Write a page with the comparison, and figures that look different side by side
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print all numbers that differ, not only those that differ most
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Pipelines whose results are kept, besides all in the folder `pipelines`
    #[arg(value_name = "PIPELINE")]
    pub(crate) pipelines: Vec<String>,
    /// Only show what would be removed
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Keep results made in the last N days, needed or not
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub(crate) keep_days: u32,
    /// Remove only results that are on the remote of the settings, too
    #[arg(long)]
    pub(crate) pushed: bool,
    /// Keep what the last N runs cost (estimates of time are made from the last 20)
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        allow_negative_numbers = true
    )]
    pub(crate) keep_runs: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Clean {
    /// Pipelines whose results are removed (default: everything in the folder of results)
    #[arg(value_name = "PIPELINE")]
    pub(crate) pipelines: Vec<String>,
    /// Only show what would be removed
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
    /// Such as 'select hidden, avg(test_accuracy_fraction) from metric_final group by hidden' (default: list the tables)
    pub(crate) query: Option<String>,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json", requires = "query")]
    pub(crate) csv: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell; for bash: eval "$(eigenscope completions bash)"
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Complete {
    /// What follows the program's name, up to the cursor
    #[arg(last = true, value_name = "WORD")]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Folder to write them into; `man -l DIR/eigenscope.1` shows one
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) targets: TargetArguments,
    /// Compute only N of them; what they read is taken from the store
    #[arg(long, value_name = "N", value_parser = at_least_one::<u32>, allow_negative_numbers = true)]
    pub(crate) sample: Option<u32>,
    /// Seed that the sample is drawn by
    #[arg(
        long,
        default_value_t = 0,
        value_name = "SEED",
        requires = "sample",
        allow_negative_numbers = true
    )]
    pub(crate) seed: u64,
    /// Compare with the lock file, too: bytes on the kind of machine it was made on, values elsewhere
    #[arg(long)]
    pub(crate) lock: bool,
    /// Accept only results that equal those of the store in every byte
    #[arg(long)]
    pub(crate) bytes: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) budget: Budget,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Name of the pipeline: `pipelines/NAME.toml` is written
    pub(crate) name: String,
    /// Folder of pictures, of IDX files or of Parquet tables, or a `.npz`, `.csv` or `.parquet` file
    #[arg(long, value_name = "PATH")]
    pub(crate) images: PathBuf,
    /// Replace the pipeline file if there is one
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Lock {
    /// A pipeline file, or the name of one in the folder `pipelines`
    pub(crate) pipeline: String,
}
