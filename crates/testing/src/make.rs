//! The program `make`.

use std::process::Command;

/// The program `make`, without what an outer `make`, such as that of `make test`, hands on to an inner one.
pub fn make() -> Command {
    let mut make = Command::new("make");
    for variable in [
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "PIPELINE",
        "DATA_DIR",
        "JOBS",
        "TARGETS",
        "PUBLISHED",
        "SAMPLE",
        "CARGO_COMMAND",
        "CARGO_TARGET_DIR",
        "EIGENSCOPE_DATA_DIR",
    ] {
        make.env_remove(variable);
    }
    make
}
