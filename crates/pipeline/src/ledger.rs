//! Ledgers of what runs cost: one Parquet table per run under `artifacts/ledger/`, and estimates from the latest ones.
//!
//! Everything that differs from run to run is kept here and out of the artifacts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use eigenscope_artifact::tables::ledger::LedgerRow;
use eigenscope_artifact::{Provenance, read_records, write_records};
use serde_json::Value;

use crate::store::{Store, StoreError, create_folder, entries};

/// Ledgers that estimates are taken from.
const LATEST: usize = 20;

/// Shortest time between two times a ledger is written during a run.
const INTERVAL: Duration = Duration::from_secs(1);

/// The same, as a multiple of the time that writing took: a ledger of a million rows is not written every second.
const SHARE: u32 = 20;

/// The ledger of a run that is under way.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    run: String,
    rows: Vec<LedgerRow>,
    unwritten: bool,
    /// When it was written last, and how long that took.
    written: Option<(Instant, Duration)>,
}

impl Ledger {
    /// The ledger of a run that starts now. No file appears before there is a row.
    pub fn start(store: &Store) -> Self {
        let last = ledgers(store).last().and_then(|path| number(path));
        let number = last.map_or(1, |last| last.saturating_add(1));
        let time = utc(SystemTime::now());
        let run = format!("{number:06}-{time}-{}", std::process::id());
        Self {
            folder: store.ledger(),
            run,
            rows: Vec::new(),
            unwritten: false,
            written: None,
        }
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// Adds a row; the file is rewritten at most once a second, and seldom if that takes long.
    pub fn push(&mut self, row: LedgerRow) -> Result<(), StoreError> {
        self.rows.push(row);
        self.unwritten = true;
        match self.written {
            Some((at, took)) if at.elapsed() < INTERVAL.max(took * SHARE) => Ok(()),
            _ => self.write(),
        }
    }

    /// Writes the rows that are not written yet.
    pub fn write(&mut self) -> Result<(), StoreError> {
        if !self.unwritten {
            return Ok(());
        }
        let begun = Instant::now();
        create_folder(&self.folder)?;
        let provenance = Provenance {
            task: self.run.clone(),
            kind: "run/ledger".to_owned(),
            fingerprint: String::new(),
            parameters: Value::Null,
            seed: 0,
            inputs: Vec::new(),
            device: None,
        };
        let path = self.folder.join(format!("{}.parquet", self.run));
        write_records(&path, &self.rows, None, &provenance)?;
        self.unwritten = false;
        self.written = Some((Instant::now(), begun.elapsed()));
        Ok(())
    }
}

/// The ledgers of a store, in the order of their runs.
///
/// Runs are numbered: a clock that was wrong once must not decide which is the latest. Those before the first number come
/// first, by their times.
pub(crate) fn ledgers(store: &Store) -> Vec<PathBuf> {
    let mut ledgers: Vec<PathBuf> = entries(&store.ledger())
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect();
    ledgers.sort_by_cached_key(|path| (number(path), path.clone()));
    ledgers
}

/// The number that a ledger's name begins with.
pub(crate) fn number(ledger: &Path) -> Option<u64> {
    let name = ledger.file_stem()?.to_str()?;
    name.split_once('-')?.0.parse().ok()
}

pub fn read_ledger(path: &Path) -> Result<Vec<LedgerRow>, StoreError> {
    Ok(read_records(path)?)
}

/// How long tasks took in the latest runs.
#[derive(Debug, Default, Clone)]
pub struct Durations {
    /// By pipeline and task.
    tasks: HashMap<String, HashMap<String, f64>>,
}

impl Durations {
    /// Reads the latest ledgers; one that cannot be read is passed over.
    pub fn load(store: &Store) -> Self {
        let ledgers = ledgers(store);
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
        let tasks = self.tasks.entry(row.pipeline.clone()).or_default();
        tasks.insert(row.task.clone(), row.wall_seconds);
    }

    /// The last duration of this task in seconds.
    pub fn seconds(&self, pipeline: &str, task: &str) -> Option<f64> {
        self.tasks.get(pipeline)?.get(task).copied()
    }
}

/// A time as `20260131T235959.123Z`.
pub(crate) fn utc(time: SystemTime) -> String {
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
        assert_eq!(durations.seconds("digits", "a"), Some(2.0));
        assert_eq!(durations.seconds("digits", "c"), None);
        assert_eq!(durations.seconds("paper", "a"), None);
    }

    #[test]
    fn runs_are_ordered_by_number_whatever_the_clock_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        std::fs::create_dir(store.ledger()).expect("created");
        let names = [
            "20260131T235959.123Z-9",
            "20990101T000000.000Z-9",
            "000001-20990101T000000.000Z-9",
            "000002-20260201T000000.000Z-9",
            "1000000-19700101T000000.000Z-9",
        ];
        for name in names {
            let path = store.ledger().join(format!("{name}.parquet"));
            std::fs::write(path, b"").expect("written");
        }
        let found = ledgers(&store);
        let found = found.iter().filter_map(|path| path.file_stem()?.to_str());
        assert_eq!(found.collect::<Vec<_>>(), names);
        assert!(Ledger::start(&store).run().starts_with("1000001-"));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101T000000.000Z");
        assert_eq!(at(951_782_400), "20000229T000000.000Z"); // date -u -d @951782400
        assert_eq!(at(1_798_761_599), "20261231T235959.000Z");
    }
}
