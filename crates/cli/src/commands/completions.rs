//! `eigenscope completions`: what makes a shell complete commands and options.

use anyhow::Result;
use clap::CommandFactory;

use crate::arguments::{Arguments, Completions};
use crate::exit;

pub(crate) fn run(command: &Completions) -> Result<u8> {
    let mut script = Vec::new();
    let mut program = Arguments::command();
    let name = program.get_name().to_owned();
    clap_complete::generate(command.shell, &mut program, name, &mut script);
    super::print(&String::from_utf8(script)?)?;
    Ok(exit::OK)
}
