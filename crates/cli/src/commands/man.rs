//! `eigenscope man`: one manual page for the program and one for each command.

use anyhow::{Context, Result};
use clap_mangen::Man;

use super::{output, tell};
use crate::arguments;
use crate::{exit, help};

pub(crate) fn run(command: &arguments::Man) -> Result<u8> {
    let folder = &command.folder;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot write manual pages into {}", folder.display()))?;
    let mut program = help::program().disable_help_subcommand(true);
    program.build();
    let commands = program.get_subcommands();
    let commands = commands.filter(|command| !command.is_hide_set());
    for command in commands.chain([&program]) {
        let page = Man::new(command.clone());
        let mut text = Vec::new();
        page.render(&mut text)?;
        output::write(&folder.join(page.get_filename()), &text)?;
    }
    tell(&format!(
        "manual pages are in {0}; read them with `man -l {0}/eigenscope.1`",
        folder.display()
    ));
    Ok(exit::OK)
}
