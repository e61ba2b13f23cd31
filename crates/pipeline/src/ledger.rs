//! What runs cost: one Parquet table per run under `artifacts/ledger/`, and estimates from the latest ones.
//!
//! Everything that differs from run to run is kept here and out of the artifacts.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use eigenscope_artifact::arrow::array::{ArrayRef, RecordBatch};
use eigenscope_artifact::atomic::AtomicFile;
use eigenscope_artifact::{ArtifactError, Column};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::store::{Store, StoreError};

/// Ledgers that estimates are taken from.
const LATEST: usize = 20;

/// Shortest time between two times a ledger is written during a run.
const INTERVAL: Duration = Duration::from_secs(1);

/// One task of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    /// The run: its start in UTC and the process id.
    pub run: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Task id.
    pub task: String,
    /// Key of the result.
    pub key: String,
    /// Section of the task.
    pub section: String,
    /// Task kind within the section.
    pub kind: String,
    /// Start of the task, in seconds since the start of the run.
    pub start_seconds: f64,
    /// Duration, from the start of the program to the result in its place.
    pub wall_seconds: f64,
    /// User and system time of the program, where it was told.
    pub cpu_seconds: Option<f64>,
    /// Largest resident set of the program, where it was told.
    pub peak_bytes: Option<u64>,
    /// Threads the task could use.
    pub threads: u32,
    /// `done`, `failed` or `stopped`.
    pub outcome: String,
    /// Cores of the machine.
    pub host_cores: u32,
}

/// The ledger of a run that is under way.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    run: String,
    rows: Vec<LedgerRow>,
    unwritten: bool,
    written: Option<Instant>,
}

impl Ledger {
    /// The ledger of a run that starts now. No file appears before there is a row.
    pub fn start(store: &Store) -> Self {
        let run = format!("{}-{}", utc(SystemTime::now()), std::process::id());
        Self {
            folder: store.ledger(),
            run,
            rows: Vec::new(),
            unwritten: false,
            written: None,
        }
    }

    /// Name of the run.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Adds a row; the file is rewritten at most once a second.
    pub fn push(&mut self, row: LedgerRow) -> Result<(), StoreError> {
        self.rows.push(row);
        self.unwritten = true;
        match self.written {
            Some(written) if written.elapsed() < INTERVAL => Ok(()),
            _ => self.write(),
        }
    }

    /// Writes the rows that are not written yet.
    pub fn write(&mut self) -> Result<(), StoreError> {
        if !self.unwritten {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)
            .map_err(|source| StoreError::io("create the folder", &self.folder, source))?;
        write_rows(
            &self.folder.join(format!("{}.parquet", self.run)),
            &self.rows,
        )?;
        self.unwritten = false;
        self.written = Some(Instant::now());
        Ok(())
    }
}

/// Columns of a ledger: name, values to a column, and a column to values.
macro_rules! columns {
    ($($field:ident: $type:ty,)+) => {
        fn to_batch(rows: &[LedgerRow]) -> Result<RecordBatch, String> {
            RecordBatch::try_from_iter_with_nullable([$((
                stringify!($field),
                <$type as Column>::to_array(rows.iter().map(|row| &row.$field)),
                <$type as Column>::NULLABLE,
            ),)+])
            .map_err(|error| error.to_string())
        }

        fn from_batch(batch: &RecordBatch) -> Option<Vec<LedgerRow>> {
            $(let mut $field = values::<$type>(batch, stringify!($field))?.into_iter();)+
            let mut rows = Vec::with_capacity(batch.num_rows());
            while let ($(Some($field),)+) = ($($field.next(),)+) {
                rows.push(LedgerRow { $($field,)+ });
            }
            Some(rows)
        }
    };
}

columns! {
    run: String,
    pipeline: String,
    task: String,
    key: String,
    section: String,
    kind: String,
    start_seconds: f64,
    wall_seconds: f64,
    cpu_seconds: Option<f64>,
    peak_bytes: Option<u64>,
    threads: u32,
    outcome: String,
    host_cores: u32,
}

fn values<T: Column>(batch: &RecordBatch, name: &str) -> Option<Vec<T>> {
    let column: &ArrayRef = batch.column_by_name(name)?;
    (*column.data_type() == T::TYPE).then(|| T::from_array(column))
}

fn write_rows(path: &Path, rows: &[LedgerRow]) -> Result<(), StoreError> {
    let encoder = |error| ArtifactError::encoder(path, error);
    let batch = to_batch(rows).map_err(|reason| ArtifactError::Unwritable {
        path: path.to_owned(),
        reason,
    })?;
    let file = AtomicFile::create(path)?;
    let mut writer = ArrowWriter::try_new(file.handle()?, batch.schema(), None).map_err(encoder)?;
    let written = writer.write(&batch).and_then(|()| writer.close());
    written.map_err(encoder)?;
    Ok(file.place()?)
}

/// Rows of one ledger.
pub fn read_ledger(path: &Path) -> Result<Vec<LedgerRow>, StoreError> {
    let failed = |reason: String| {
        let path = path.to_owned();
        StoreError::Artifact(ArtifactError::Damaged { path, reason })
    };
    let file = File::open(path).map_err(|source| StoreError::io("open", path, source))?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.build())
        .map_err(|error| failed(error.to_string()))?;
    let mut rows = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|error| failed(error.to_string()))?;
        rows.extend(
            from_batch(&batch).ok_or_else(|| failed("not the columns of a ledger".to_owned()))?,
        );
    }
    Ok(rows)
}

/// How long tasks took in the latest runs.
#[derive(Debug, Default, Clone)]
pub struct Durations {
    tasks: BTreeMap<(String, String), f64>,
    kinds: BTreeMap<(String, String), (f64, u32)>,
}

impl Durations {
    /// Reads the latest ledgers; one that cannot be read is passed over.
    pub fn load(store: &Store) -> Self {
        let mut ledgers: Vec<PathBuf> = std::fs::read_dir(store.ledger())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "parquet")
            })
            .collect();
        // The names begin with the time.
        ledgers.sort();
        let mut durations = Self::default();
        for path in ledgers.iter().skip(ledgers.len().saturating_sub(LATEST)) {
            match read_ledger(path) {
                Ok(rows) => rows.iter().for_each(|row| durations.add(row)),
                Err(error) => tracing::debug!("no durations from a ledger: {error}"),
            }
        }
        durations
    }

    fn add(&mut self, row: &LedgerRow) {
        if row.outcome != "done" {
            return;
        }
        let task = (row.pipeline.clone(), row.task.clone());
        self.tasks.insert(task, row.wall_seconds);
        let kind = (row.section.clone(), row.kind.clone());
        let (sum, count) = self.kinds.entry(kind).or_default();
        *sum += row.wall_seconds;
        *count += 1;
    }

    /// The last duration of this task, else the mean of its kind, in seconds.
    pub fn seconds(&self, pipeline: &str, task: &str, section: &str, kind: &str) -> Option<f64> {
        let task = (pipeline.to_owned(), task.to_owned());
        let kind = (section.to_owned(), kind.to_owned());
        self.tasks.get(&task).copied().or_else(|| {
            let (sum, count) = self.kinds.get(&kind)?;
            Some(sum / f64::from(*count))
        })
    }
}

/// A time as `20260131T235959.123Z`.
fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, milli) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{milli:03}Z")
}

/// Year, month and day of a day counted from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date
/// algorithms": years begin in March, 146,097 days make an era of 400 years).
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, day - (153 * march_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &str, seconds: f64, outcome: &str) -> LedgerRow {
        LedgerRow {
            run: "run".to_owned(),
            pipeline: "digits".to_owned(),
            task: task.to_owned(),
            key: "key".to_owned(),
            section: "train".to_owned(),
            kind: "bilinear".to_owned(),
            start_seconds: 0.5,
            wall_seconds: seconds,
            cpu_seconds: None,
            peak_bytes: Some(7),
            threads: 1,
            outcome: outcome.to_owned(),
            host_cores: 4,
        }
    }

    #[test]
    fn rows_are_read_as_written_and_give_durations() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        let mut ledger = Ledger::start(&store);
        for row in [
            row("a", 2.0, "done"),
            row("b", 4.0, "done"),
            row("c", 90.0, "failed"),
        ] {
            ledger.push(row).expect("written");
        }
        ledger.write().expect("written");
        let path = store.ledger().join(format!("{}.parquet", ledger.run()));
        assert_eq!(read_ledger(&path).expect("readable"), ledger.rows);
        std::fs::write(store.ledger().join("0.parquet"), b"nonsense").expect("written");
        let durations = Durations::load(&store);
        let seconds = |pipeline, task, kind| durations.seconds(pipeline, task, "train", kind);
        assert_eq!(seconds("digits", "a", "bilinear"), Some(2.0));
        assert_eq!(seconds("digits", "c", "bilinear"), Some(3.0));
        assert_eq!(seconds("digits", "c", "other"), None);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101T000000.000Z");
        assert_eq!(at(951_782_400), "20000229T000000.000Z"); // date -u -d @951782400
        assert_eq!(at(1_798_761_599), "20261231T235959.000Z");
    }
}
