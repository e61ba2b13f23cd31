//! What people read fits the width of their terminal, and is one line each for programs.
//!
//! A difference is accepted with `INSTA_UPDATE=always cargo test --test widths`.
#![cfg(unix)]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::Command;

use eigenscope_testing::{Answer, PIPELINE, TestProject};

/// What a command prints on a terminal of so many columns; `None` where there is no command `script`.
fn on_a_terminal(project: &TestProject, arguments: &str, columns: usize) -> Option<String> {
    let line = format!(
        "stty rows 40 cols {columns} && exec '{}' {arguments} 2>/dev/null",
        project.program().display()
    );
    let mut script = Command::new("script");
    project
        .set_up(&mut script)
        .env("TERM", "xterm")
        .env("NO_COLOR", "1");
    let output = script.args(["-qec", &line, "/dev/null"]).output().ok()?;
    Some(Answer::from(output).stdout.replace('\r', ""))
}

#[track_caller]
fn check(name: &str, arguments: &str) {
    let project = TestProject::new(PIPELINE);
    let mut all = String::new();
    for columns in [60, 80, 120] {
        let Some(text) = on_a_terminal(&project, arguments, columns) else {
            eprintln!("skipped: no command `script`");
            return;
        };
        for line in text.lines() {
            // Only a single word may be longer.
            let fits = line.chars().count() <= columns || line.split_whitespace().count() == 1;
            assert!(fits, "{arguments}: more than {columns} columns: {line}");
        }
        all.push_str(&format!("# {columns} columns\n{text}\n"));
    }
    let words: Vec<&str> = arguments.split(' ').collect();
    let plain = project.call(&words).expect(0).stdout;
    all.push_str(&format!("# no terminal\n{plain}"));
    insta::with_settings!({
        snapshot_path => "widths",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, all);
    });
}

#[test]
fn help() {
    check("help", "--help");
}

#[test]
fn help_of_a_command() {
    check("help-of-report", "report --help");
}

#[test]
fn kind() {
    check("kind", "kinds train.bilinear");
}

#[test]
fn status() {
    check("status", "status p.toml");
}
