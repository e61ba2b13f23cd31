//! What people read fits the width of their terminal, and is one line each for programs.
//!
//! A difference is accepted with `INSTA_UPDATE=always cargo test --test widths`.
#![cfg(unix)]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::Command;

use eigenscope_testing::{Answer, PIPELINE, SWEEP, TestProject};

/// What a command prints on a terminal of so many columns; `None` where there is no command `script`.
fn on_a_terminal(project: &TestProject, arguments: &str, columns: usize) -> Option<String> {
    Some(sent_to_a_terminal(project, arguments, columns)?.replace('\r', ""))
}

/// As [`on_a_terminal`], with what moves its cursor.
fn sent_to_a_terminal(project: &TestProject, arguments: &str, columns: usize) -> Option<String> {
    sent_with(project, arguments, columns, &[("NO_COLOR", "1")])
}

/// As [`sent_to_a_terminal`], with these variables of the environment and not `NO_COLOR` otherwise.
fn sent_with(
    project: &TestProject,
    arguments: &str,
    columns: usize,
    variables: &[(&str, &str)],
) -> Option<String> {
    let line = format!(
        "stty rows 40 cols {columns} && exec '{}' {arguments}",
        project.program().display()
    );
    let mut script = Command::new("script");
    project
        .set_up(&mut script)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied());
    let output = script.args(["-qec", &line, "/dev/null"]).output().ok()?;
    Some(Answer::from(output).stdout)
}

/// What stands between movements of the cursor.
fn pieces(sent: &str) -> Vec<String> {
    let mut pieces = String::new();
    let mut letters = sent.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => pieces.push('\n'),
            '\u{1b}' => {
                while letters.next().is_some_and(|letter| !letter.is_alphabetic()) {}
                pieces.push('\n');
            }
            other => pieces.push(other),
        }
    }
    let pieces = pieces.lines().filter(|piece| !piece.is_empty());
    pieces.map(str::to_owned).collect()
}

/// As [`on_a_terminal`], of lines that fit.
#[track_caller]
fn fitting(project: &TestProject, arguments: &str, columns: usize) -> Option<String> {
    let Some(text) = on_a_terminal(project, &format!("{arguments} 2>/dev/null"), columns) else {
        eprintln!("skipped: no command `script`");
        return None;
    };
    assert_fits(&text, arguments, columns);
    Some(text)
}

#[track_caller]
fn assert_fits(text: &str, arguments: &str, columns: usize) {
    for line in text.lines() {
        // Only a single word may be longer.
        let fits = line.chars().count() <= columns || line.split_whitespace().count() == 1;
        assert!(fits, "{arguments}: more than {columns} columns: {line}");
    }
}

#[track_caller]
fn check(name: &str, arguments: &str) {
    let project = TestProject::new(PIPELINE);
    let mut all = String::new();
    for columns in [60, 80, 120] {
        let Some(text) = fitting(&project, arguments, columns) else {
            return;
        };
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

#[test]
fn results() {
    let project = TestProject::new(SWEEP);
    project.run();
    project.write(
        "q.toml",
        SWEEP.replace("hidden = [4, 6]", "hidden = [4, 7]"),
    );
    for arguments in [
        "devices",
        "ls p.toml",
        "ls p.toml train.bilinear",
        "show artifacts/p/metric.final",
        "sql p.toml 'select * from metric_final'",
        "sql p.toml",
        "diff p.toml q.toml",
        "gc --dry-run q.toml",
    ] {
        // Digests have 64 letters.
        for columns in [80, 100] {
            if let Some(text) = fitting(&project, arguments, columns) {
                assert!(!text.is_empty(), "{arguments}");
            }
        }
    }
    // A row is one line.
    let query = "sql p.toml 'select * from metric_final'";
    if let Some(text) = fitting(&project, query, 60) {
        let rows = text.lines().filter(|line| line.starts_with("metric."));
        assert_eq!(rows.count(), 2, "{text}");
        assert!(text.contains(" more columns: "), "{text}");
    }
}

#[test]
fn a_run_while_it_goes_on() {
    let long = "a-bilinear-layer-with-a-long-name";
    for columns in [60, 80, 120] {
        let project = TestProject::new(
            &SWEEP
                .replace(
                    "[train.bilinear]",
                    &format!("[train.{long}]\nkind = \"bilinear\""),
                )
                .replace("train.bilinear", &format!("train.{long}")),
        );
        let Some(sent) = sent_to_a_terminal(&project, "run p.toml -j 1", columns) else {
            return;
        };
        let pieces = pieces(&sent);
        assert!(pieces.iter().any(|piece| piece.contains("/7]")), "{sent}");
        for piece in pieces {
            // Lines fill the width with blanks, and the next one stands below without a word to the terminal. No word is cut there.
            let letters: Vec<char> = piece.chars().collect();
            let lines: Vec<&[char]> = letters.chunks(columns).collect();
            let is_word = |letter: Option<&char>| letter.is_some_and(char::is_ascii_alphanumeric);
            let is_cut = |pair: &[&[char]]| is_word(pair[0].last()) && is_word(pair[1].first());
            assert!(
                !lines.windows(2).any(is_cut),
                "{columns} columns: {lines:#?}"
            );
        }
    }
}

#[test]
fn errors() {
    let project = TestProject::new(PIPELINE);
    project.write("pipelines/digits.toml", PIPELINE);
    let unknown = "a-name-of-a-table-that-is-not-in-this-pipeline";
    for arguments in [
        "help nosuch",
        "status nosuch",
        "kinds nosuch",
        "compare digits",
        "run digits -j -1",
        &format!("run digits {unknown} other-{unknown}"),
    ] {
        for columns in [60, 100] {
            let Some(text) = on_a_terminal(&project, arguments, columns) else {
                return;
            };
            assert_fits(&text, arguments, columns);
        }
    }
    // For programs, the advice of a mistake is one line.
    let words = ["run", "digits", "nosuch"];
    let said = project.call(&words).expect(2).stderr;
    let advice = said.lines().find(|line| line.contains("tables: "));
    assert!(
        advice.is_some_and(|line| line.ends_with("`*` matches anything")),
        "{said}"
    );
}

/// The text without what sets colours.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest));
    rest.fold(first, |text, part| text + part)
}

#[test]
fn states_and_verdicts_have_colours_that_change_no_line() {
    let [good, notable, bad, quiet] = ["32", "33", "31", "2"];
    let project = TestProject::new(SWEEP);
    project.write(
        "p.published.toml",
        "[[published]]\nname = \"a\"\nsource = \"text\"\ntable = \"metric.final\"\ncolumn = \"test_accuracy_fraction\"\n\
         value = 3.0\ntolerance = 0.1\nwhere = { hidden = 4 }\n",
    );
    let check = |arguments: &str, colour: &str, word: &str| {
        let text = |variables: &[(&str, &str)]| {
            let sent = sent_with(&project, &format!("{arguments} 2>&1"), 60, variables)?;
            Some(sent.replace('\r', ""))
        };
        let (Some(coloured), Some(plain)) = (text(&[]), text(&[("NO_COLOR", "1")])) else {
            eprintln!("skipped: no command `script`");
            return;
        };
        let expected = format!("\u{1b}[{colour}m{word}\u{1b}[0m");
        assert!(coloured.contains(&expected), "{arguments}: {coloured:?}");
        assert!(!plain.contains('\u{1b}'), "{arguments}: {plain:?}");
        assert_eq!(uncoloured(&coloured), plain, "{arguments}");
        let words: Vec<&str> = arguments.split(' ').collect();
        let piped = project.call(&words);
        let piped = piped.stdout + &piped.stderr;
        assert!(!piped.contains('\u{1b}'), "{arguments}: {piped:?}");
    };
    check("status p.toml", quiet, "waiting");
    check("explain p.toml metric.final", notable, "will run");
    check("run p.toml --dry-run", notable, "runs");
    check("compare p.toml", notable, "missing:");
    check("status nosuch", bad, "error:");
    project.run();
    check("status p.toml --all", good, "current");
    check("explain p.toml metric.final", good, "is up to date");
    check("compare p.toml", bad, "off");
}

#[test]
fn a_failed_task_is_red_on_a_terminal() {
    let project = TestProject::new(&SWEEP.replace("epochs = 2", "epochs = 2\nlearning_rate = 1e6"));
    let sent = sent_with(&project, "run p.toml", 80, &[]);
    let Some(sent) = sent else {
        return;
    };
    assert!(sent.contains("\u{1b}[31merror:\u{1b}[0m "), "{sent}");
    assert!(sent.contains(" \u{1b}[31mfailed\u{1b}[0m"), "{sent}");
}
