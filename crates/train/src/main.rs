//! The stage program of the section `train`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eigenscope_stage::run(eigenscope_stage::Stage::Train, eigenscope_train::kinds())
}
