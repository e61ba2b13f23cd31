//! `eigenscope man`: one manual page for the program and one for each command.

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::tell;
use crate::arguments::{Arguments, Man};
use crate::exit;

pub(crate) fn run(command: &Man) -> Result<u8> {
    let folder = &command.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder))
        .with_context(|| format!("cannot write manual pages into {}", folder.display()))?;
    tell(&format!(
        "manual pages are in {0}; read them with `man -l {0}/eigenscope.1`",
        folder.display()
    ));
    Ok(exit::OK)
}
