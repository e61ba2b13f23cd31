//! The stage program of the section `metric`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eigenscope_stage::run(eigenscope_stage::Stage::Metric, eigenscope_metrics::kinds())
}
