//! The program `eigenscope`: parses the command line, calls the pipeline crate, prints.
//!
//! Data goes to standard output, everything else to standard error.

mod arguments;
mod budget;
mod by_table;
mod cards;
mod commands;
mod completion;
mod exit;
mod formats;
mod help;
mod invocation;
mod json;
mod notify;
mod planning;
mod project;
mod settings;
mod sharing;
mod suggestions;
mod task_report;
mod watch_screen;
mod wrapping;

use std::process::ExitCode;

use arguments::Command;

fn main() -> ExitCode {
    let arguments = match help::parse() {
        Ok(arguments) => arguments,
        Err(error) => match suggestions::unknown_command(&error) {
            Some(message) => {
                commands::tell(&message);
                return ExitCode::from(exit::USAGE);
            }
            None => return help::exit(&error),
        },
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(arguments.log_level())
        .without_time()
        .with_target(false)
        .init();
    let project = &arguments.project;
    cards::configure(project);
    let result = match &arguments.command {
        Command::Run(command) => commands::run::run(project, command),
        Command::Status(command) => commands::status::run(project, command),
        Command::Ls(command) => commands::ls::run(project, command),
        Command::Push(command) => commands::push::run(project, command),
        Command::Pull(command) => commands::pull::run(project, command),
        Command::Watch(command) => commands::watch::run(project, command),
        Command::Explain(command) => commands::explain::run(project, command),
        Command::Accept(command) => commands::accept::run(project, command),
        Command::Rename(command) => commands::rename::run(project, command),
        Command::Graph(command) => commands::graph::run(project, command),
        Command::Show(command) => commands::show::run(project, command),
        Command::Timeline(command) => commands::timeline::run(project, command),
        Command::Export(command) => commands::export::run(project, command),
        Command::Devices(command) => commands::devices::run(command),
        Command::Kinds(command) => commands::kinds::run(project, command),
        Command::Inspect(command) => commands::inspect::run(command),
        Command::Compare(command) => commands::compare::run(project, command),
        Command::Diff(command) => commands::diff::run(project, command),
        Command::Report(command) => commands::report::run(project, command),
        Command::Gc(command) => commands::gc::run(project, command),
        Command::Clean(command) => commands::clean::run(project, command),
        Command::Sql(command) => commands::sql::run(project, command),
        Command::Completions(command) => commands::completions::run(command),
        Command::Complete(command) => commands::completions::complete(project, command),
        Command::Element(command) => commands::element::run(command),
        Command::Man(command) => commands::man::run(command),
        Command::Verify(command) => commands::verify::run(project, command),
        Command::Lock(command) => commands::lock::run(project, command),
        Command::Init(command) => commands::init::run(project, command),
    };
    result.map_or_else(
        |error| {
            commands::tell_unbroken(&exit::render(&error));
            ExitCode::from(exit::code(&error))
        },
        ExitCode::from,
    )
}
