//! The stage program of the section `model`. It also looks into files of weights, and writes models to them.

use std::process::ExitCode;

fn main() -> ExitCode {
    match eigenscope_import::command_line() {
        Some(code) => code,
        None => eigenscope_stage::run(eigenscope_stage::Stage::Model, eigenscope_import::kinds()),
    }
}
