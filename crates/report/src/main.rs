//! The stage program of the section `figure`, which also writes the pages of reports.

use std::process::ExitCode;

fn main() -> ExitCode {
    eigenscope_stage::run_with_report(
        eigenscope_stage::Stage::Figure,
        eigenscope_report::kinds(),
        eigenscope_report_file::REPORT_VERSION,
        eigenscope_report::page::write,
    )
}
