//! The stage program of the section `decompose`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eigenscope_stage::run(
        eigenscope_stage::Stage::Decompose,
        eigenscope_decompose::kinds(),
    )
}
