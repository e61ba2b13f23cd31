//! Suggestions for unknown commands.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};
use eigenscope_plan::file::closest;

use crate::arguments::Arguments;

/// Words that other programs, or make, have for what a command does.
const OTHER_WORDS: [(&str, &[&str]); 7] = [
    ("run", &["figures", "make", "build", "draw", "repro"]),
    ("status", &["state"]),
    ("ls", &["dir", "tasks", "tables", "pipelines"]),
    ("explain", &["why"]),
    ("sql", &["query", "select"]),
    ("clean", &["rm", "remove", "delete"]),
    ("graph", &["dag", "dot", "tree"]),
];

/// The message for an unknown command, with the one that was likely meant; `None` for any other error.
pub(crate) fn unknown_command(error: &clap::Error) -> Option<String> {
    let ContextValue::String(word) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let program = Arguments::command();
    let commands = program.get_subcommands();
    let commands = commands.filter(|command| !command.is_hide_set());
    let names: Vec<&str> = commands.map(Command::get_name).collect();
    let other = OTHER_WORDS
        .iter()
        .find(|(_, words)| words.contains(&word.as_str()));
    let meant = match other {
        Some((command, _)) => Some(*command),
        None => closest(word, names.iter().copied()),
    };
    Some(match meant {
        Some(meant) => format!(
            "error: there is no command `{word}`; did you mean `{meant}`? `eigenscope --help` lists all"
        ),
        None => format!(
            "error: there is no command `{word}`\ncommands: {}",
            names.join(", ")
        ),
    })
}
