//! The results: a Parquet table, and a Markdown table for people.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use eigenscope_artifact::arrow::array::{
    ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array,
};
use eigenscope_artifact::atomic::AtomicFile;
use eigenscope_artifact::mark_type_order;
use parquet::arrow::ArrowWriter;

use crate::workload::Workload;
use crate::{Cost, Crowd, Failure};

pub(crate) const OURS: &str = "eigenscope";
pub(crate) const PYTORCH: &str = "PyTorch";

/// The lines between which the table stands in the Markdown file.
const MARKS: [&str; 2] = ["<!-- epochs -->", "<!-- end of epochs -->"];

/// One program on one workload.
pub(crate) struct Row {
    workload: &'static str,
    images: usize,
    program: &'static str,
    crowd: Crowd,
    /// Median over the rounds.
    cost: Cost,
    /// Of all processes together, by the book.
    operations_per_second: f64,
    /// Time of the plain matrix products over that of the epoch.
    product_share: Option<f64>,
}

impl Row {
    pub(crate) fn new(
        workload: &Workload,
        program: &'static str,
        crowd: Crowd,
        costs: &[Cost],
        product_seconds: Option<f64>,
    ) -> Self {
        let cost = Cost {
            wall: median(costs.iter().map(|cost| cost.wall)),
            cpu: median(costs.iter().map(|cost| cost.cpu)),
            peak_bytes: costs.iter().map(|cost| cost.peak_bytes).max().unwrap_or(0),
        };
        let alone = crowd.processes == 1 && crowd.threads == 1;
        Self {
            workload: workload.name,
            images: workload.train,
            program,
            crowd,
            cost,
            operations_per_second: workload.operations().unwrap_or(f64::NAN)
                * crowd.processes as f64
                / cost.wall,
            product_share: product_seconds
                .filter(|_| alone)
                .map(|seconds| seconds / cost.wall),
        }
    }

    /// Whether it is of several processes of ours at once.
    fn is_ours_at_once(&self) -> bool {
        self.program == OURS && self.crowd.processes > 1
    }

    /// Seconds until the next model has finished an epoch, on average.
    fn seconds_a_model(&self) -> f64 {
        self.cost.wall / self.crowd.processes as f64
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Machine, date and a table with one line for each workload and crowd.
pub(crate) fn markdown(rows: &[Row], rounds: usize) -> String {
    let mut text = format!(
        "{}, medians of {rounds} alternating rounds.\n\n\
         | network, images | processes x threads | wall s/epoch | CPU s/epoch | peak MiB | GFLOP/s | products | ratio |\n\
         |---|---|---|---|---|---|---|---|\n",
        machine()
    );
    for row in rows.iter().filter(|row| row.program == OURS) {
        let other = rows.iter().find(|other| {
            other.program == PYTORCH && other.workload == row.workload && other.crowd == row.crowd
        });
        let both = |value: &dyn Fn(&Row) -> String| match other {
            Some(other) => format!("{} / {}", value(row), value(other)),
            None => value(row),
        };
        let share = |row: &Row| match row.product_share {
            Some(share) => format!("{:.0} %", 100.0 * share),
            None => "-".to_owned(),
        };
        let ratio = other.map_or("-".to_owned(), |other| {
            format!("{:.1}", other.cost.wall / row.cost.wall)
        });
        let _ = writeln!(
            text,
            "| {}, {} | {} x {} | {} | {} | {} | {} | {} | {ratio} |",
            row.workload,
            row.images,
            row.crowd.processes,
            row.crowd.threads,
            both(&|row| significant(row.cost.wall)),
            both(&|row| significant(row.cost.cpu)),
            both(&|row| format!("{}", row.cost.peak_bytes >> 20)),
            both(&|row| format!("{:.0}", row.operations_per_second / 1e9)),
            both(&share),
        );
    }
    text.push_str(&throughput(rows));
    text
}

/// Time from one finished epoch to the next when many models are trained: with one process for each core, and in
/// PyTorch also one model after the other on all cores. The last row is the sweep over the sizes of the bilinear layer, five
/// seeds and 100 epochs each.
fn throughput(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut sweep = [0.0; 3];
    for row in rows.iter().filter(|row| row.is_ours_at_once()) {
        let theirs = |wanted: fn(&Crowd) -> bool| {
            let mut others = rows.iter().filter(|other| other.workload == row.workload);
            others.find(|other| other.program == PYTORCH && wanted(&other.crowd))
        };
        let in_turn = theirs(|crowd| crowd.threads > 1);
        let at_once = theirs(|crowd| crowd.processes > 1);
        let (Some(in_turn), Some(at_once)) = (in_turn, at_once) else {
            return text;
        };
        if text.is_empty() {
            text.push_str(
                "\n| many models | eigenscope, one process a core | PyTorch in turn on all cores | PyTorch, one process a core | times faster |\n\
                 |---|---|---|---|---|\n",
            );
        }
        let seconds = [row, in_turn, at_once].map(Row::seconds_a_model);
        if row.workload.starts_with("bilinear") {
            for (sum, seconds) in sweep.iter_mut().zip(seconds) {
                *sum += 500.0 * seconds;
            }
        }
        let cells = seconds.map(|seconds| format!("{} s/epoch", significant(seconds)));
        text.push_str(&compared(row.workload, &cells, seconds));
    }
    let cells = sweep.map(|seconds| format!("{:.1} min", seconds / 60.0));
    if sweep[0] > 0.0 {
        text.push_str(&compared("sweep", &cells, sweep));
    }
    text
}

/// One line of the table of many models.
fn compared(name: &str, cells: &[String; 3], seconds: [f64; 3]) -> String {
    let [ours, in_turn, at_once] = seconds;
    format!(
        "| {name} | {} | {:.1}, {:.1} |\n",
        cells.join(" | "),
        in_turn / ours,
        at_once / ours
    )
}

fn significant(seconds: f64) -> String {
    let decimals = if seconds < 1.0 { 3 } else { 2 };
    format!("{seconds:.decimals$}")
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(": ").map(|(_, value)| value.to_owned())
    };
    let name = field("model name").unwrap_or_else(|| "unknown processor".to_owned());
    let model = [field("cpu family"), field("model\t")].map(Option::unwrap_or_default);
    format!(
        "{cores} cores of {name} (family {}, model {})",
        model[0], model[1]
    )
}

/// Replaces what stands between the marks of a file.
pub(crate) fn replace_between_marks(path: &Path, table: &str) -> Result<(), Failure> {
    let [begin, end] = MARKS;
    let text = std::fs::read_to_string(path)?;
    let missing = || format!("{}: no lines `{begin}` and `{end}`", path.display());
    let (before, rest) = text.split_once(begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    std::fs::write(path, format!("{before}{begin}\n{table}{end}{after}"))?;
    Ok(())
}

/// One row for each program, workload and crowd.
pub(crate) fn write_parquet(path: &Path, rows: &[Row]) -> Result<(), Failure> {
    let texts = |value: fn(&Row) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
    };
    let counts = |value: fn(&Row) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(value)))
    };
    let numbers = |value: fn(&Row) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<Float64Array>())
    };
    let machine: ArrayRef = Arc::new(StringArray::from_iter_values(
        rows.iter().map(|_| machine()),
    ));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("machine", machine, false),
        ("workload", texts(|row| row.workload), false),
        ("images", counts(|row| row.images as u64), false),
        ("program", texts(|row| row.program), false),
        ("processes", counts(|row| row.crowd.processes as u64), false),
        ("threads", counts(|row| row.crowd.threads as u64), false),
        (
            "epoch_wall_seconds",
            numbers(|row| Some(row.cost.wall)),
            false,
        ),
        (
            "epoch_cpu_seconds",
            numbers(|row| Some(row.cost.cpu)),
            false,
        ),
        ("peak_bytes", counts(|row| row.cost.peak_bytes), false),
        (
            "operations_per_second",
            numbers(|row| Some(row.operations_per_second)),
            false,
        ),
        ("product_share", numbers(|row| row.product_share), true),
    ])?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = AtomicFile::create(path)?;
    let mut writer = ArrowWriter::try_new(file.handle()?, batch.schema(), None)?;
    writer.write(&batch)?;
    let written = writer.finish()?;
    let columns = written.file_metadata().schema_descr().num_columns();
    mark_type_order(writer.inner_mut(), columns)?;
    Ok(file.place()?)
}
