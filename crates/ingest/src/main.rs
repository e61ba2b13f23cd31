//! The stage program `eigenscope-ingest`: data sets in, `images` artifacts out.

use std::process::ExitCode;

use eigenscope_stage::Stage;

fn main() -> ExitCode {
    eigenscope_stage::run(Stage::Data, eigenscope_ingest::kinds())
}
