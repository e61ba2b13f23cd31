//! The help: commands in groups, and examples of each.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::arguments::Arguments;
use crate::{commands, exit, wrapping};

/// The commands in the order in which they are listed.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "Everyday",
        &["init", "run", "status", "explain", "watch", "report"],
    ),
    (
        "Results",
        &[
            "ls", "show", "sql", "export", "compare", "diff", "graph", "timeline",
        ],
    ),
    (
        "Checks and upkeep",
        &["verify", "lock", "accept", "rename", "gc", "clean"],
    ),
    ("Sharing", &["push", "pull"]),
    ("What can be used", &["kinds", "inspect", "devices"]),
    ("Set-up", &["completions", "man", "help"]),
];

/// Examples of every command.
const EXAMPLES: [(&str, &[&str]); 27] = [
    ("init", &["init cats --images data/cats"]),
    (
        "run",
        &[
            "run digits",
            "run digits 'figure.*' -j 2",
            "run digits --dry-run",
        ],
    ),
    (
        "status",
        &["status digits", "status digits 'train.*' --all"],
    ),
    ("explain", &["explain digits figure.surgery"]),
    ("watch", &["watch digits"]),
    (
        "report",
        &["report digits", "report digits --split report-of-digits"],
    ),
    ("ls", &["ls", "ls digits", "ls digits 'figure.*'"]),
    ("show", &["show artifacts/digits/metric.final"]),
    (
        "sql",
        &[
            "sql digits",
            "sql digits 'select hidden, avg(test_accuracy_fraction) from metric_final group by hidden'",
        ],
    ),
    (
        "export",
        &[
            "export digits metric.final -o final.csv",
            "export digits 'train.bilinear[hidden=64,seed=0]' -o model.safetensors",
        ],
    ),
    ("compare", &["compare digits"]),
    ("diff", &["diff HEAD~1:digits", "diff digits widths"]),
    (
        "graph",
        &["graph digits figure.surgery | dot -Tsvg -o graph.svg"],
    ),
    ("timeline", &["timeline digits"]),
    (
        "verify",
        &["verify digits --sample 4", "verify digits --lock"],
    ),
    ("lock", &["lock digits"]),
    ("accept", &["accept digits 'train.*' --dry-run"]),
    (
        "rename",
        &["rename digits train.bilinear train.wide --dry-run"],
    ),
    ("gc", &["gc --dry-run"]),
    ("clean", &["clean digits --dry-run"]),
    ("push", &["push digits"]),
    ("pull", &["pull digits"]),
    ("kinds", &["kinds", "kinds train.bilinear"]),
    ("inspect", &["inspect checkpoint.pth"]),
    ("devices", &["devices"]),
    (
        "completions",
        &["completions bash > ~/.local/share/bash-completion/completions/eigenscope"],
    ),
    ("man", &["man ~/.local/share/man/man1"]),
];

/// The program with the examples of its commands.
pub(crate) fn program() -> Command {
    EXAMPLES
        .iter()
        .fold(Arguments::command(), |program, (name, lines)| {
            let lines = lines.iter().map(|line| format!("\n  eigenscope {line}"));
            let examples = format!("Examples:{}", lines.collect::<String>());
            program.mut_subcommand(name, |command| command.after_help(examples))
        })
}

/// The arguments of this process.
pub(crate) fn parse() -> Result<Arguments, clap::Error> {
    let program = program();
    let listed = groups(&program, wrapping::width_of_help());
    let template = format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{listed}\nOptions of every command:\n{{options}}{{after-help}}"
    );
    let program = program.help_template(template);
    let matches: ArgMatches = program.try_get_matches_from(words(std::env::args_os()))?;
    Arguments::from_arg_matches(&matches)
}

/// The words of the command line. `help --help` is `help`; and however the program was started, usage lines begin with its name.
fn words(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let name = OsString::from("eigenscope");
    let mut words: Vec<OsString> = std::iter::once(name).chain(words.skip(1)).collect();
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let command = words.iter().skip(1).find(|word| !is_option(word));
    if command.is_some_and(|word| word == "help") {
        words.retain(|word| word != "--help" && word != "-h");
    }
    words
}

/// Prints the help, the version or what is wrong with the command line.
pub(crate) fn exit(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        commands::tell(error.to_string().trim_end());
        return ExitCode::from(exit::USAGE);
    }
    let written = error.print().and_then(|()| std::io::stdout().flush());
    match commands::printed(written) {
        Ok(_) => ExitCode::from(exit::OK),
        Err(error) => {
            commands::tell_unbroken(&exit::render(&error));
            ExitCode::from(exit::code(&error))
        }
    }
}

/// The commands in groups, as the help lists them.
fn groups(program: &Command, width: usize) -> String {
    let mut text = String::new();
    for (group, names) in GROUPS {
        text.push_str(&format!("{group}:\n"));
        for name in names {
            let about = match program.find_subcommand(name) {
                Some(command) => command.get_about().map(ToString::to_string),
                None => Some("Print the help of the program or of a command".to_owned()),
            };
            let line = format!("  {name:<13}{}", about.unwrap_or_default());
            text.push_str(&wrapping::wrapped(&line, width));
            text.push('\n');
        }
        text.push('\n');
    }
    text.pop();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_listed_once_and_has_an_example() {
        let program = program();
        let commands = program.get_subcommands();
        let commands = commands.filter(|command| !command.is_hide_set());
        let mut commands: Vec<&str> = commands.map(Command::get_name).collect();
        let mut exemplified: Vec<&str> = EXAMPLES.iter().map(|(name, _)| *name).collect();
        let groups = GROUPS.iter().flat_map(|(_, names)| names.iter().copied());
        let mut listed: Vec<&str> = groups.filter(|name| *name != "help").collect();
        for names in [&mut commands, &mut exemplified, &mut listed] {
            names.sort_unstable();
        }
        assert_eq!(listed, commands);
        assert_eq!(exemplified, commands);
    }

    #[test]
    fn examples_are_understood() {
        for (_, lines) in EXAMPLES {
            for line in lines {
                let line = line.split(['|', '>']).next().unwrap_or_default();
                let words = shell_words(line);
                let parsed = program()
                    .try_get_matches_from(["eigenscope".to_owned()].into_iter().chain(words));
                assert!(parsed.is_ok(), "{line}: {parsed:?}");
            }
        }
    }

    /// The words of a command line with quotes.
    fn shell_words(line: &str) -> Vec<String> {
        let parts = line.split('\'').enumerate();
        let words = parts.flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect()
    }
}
