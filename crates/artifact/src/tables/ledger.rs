//! The table of what the runs of the orchestrator cost.

use crate::record::records;

records! {
    /// One task of one run of the orchestrator.
    pub struct LedgerRow: "ledger", 1 => {
        /// The run: its start in UTC and the process id.
        run: String,
        /// Name of the pipeline.
        pipeline: String,
        /// Task id.
        task: String,
        /// Key of the result.
        key: String,
        /// Stage of the task.
        section: String,
        /// Task kind within the section.
        kind: String,
        /// Start of the task, in seconds since the start of the run.
        start_seconds: f64,
        /// Duration, from the start of the program to the result in its place.
        wall_seconds: f64,
        /// User and system time of the program, where it was told.
        cpu_seconds: Option<f64>,
        /// Largest resident set of the program, where it was told.
        peak_bytes: Option<u64>,
        /// Threads the task had for itself.
        threads: u32,
        /// `done`, `failed` or `stopped`.
        outcome: String,
        /// Cores of the machine.
        host_cores: u32,
    }
}
