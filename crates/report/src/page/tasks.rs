//! The table of all tasks.

use eigenscope_report_file::ReportTask;

/// The first digits of a digest.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The table of the pipeline file that a task comes from.
pub(super) fn table(task: &ReportTask) -> &str {
    task.id.split('[').next().unwrap_or_default()
}
