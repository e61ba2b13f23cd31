//! The program ends as its help and the guide say, whichever command meets a cause.
#![cfg(unix)]

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use eigenscope_testing::{Answer, TestProject, interrupt, workspace};

const DIGITS: &str = "[data.digits]\n";

/// The rows of a table of exit codes, blanks made equal.
fn rows<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(u8, String)> {
    let rows = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let code = words.next()?.parse().ok()?;
        Some((code, words.collect::<Vec<_>>().join(" ")))
    });
    rows.collect()
}

#[test]
fn the_guide_and_the_help_list_the_same_codes() {
    let project = TestProject::new(DIGITS);
    let help = Answer::of(project.command(&["--help"]).env("COLUMNS", "1000"));
    let help = help
        .stdout
        .split("Exit codes:")
        .nth(1)
        .expect("a table of exit codes");
    let guide = fs::read_to_string(workspace("docs/guide/json-and-exit-codes.md"));
    let guide = guide.expect("readable");
    let table = guide
        .split("| exit code | causes |\n")
        .nth(1)
        .expect("a table");
    let table = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let table: Vec<String> = table.map(|line| line.replace('|', "")).collect();
    let table = rows(table.iter().map(String::as_str));
    assert_eq!(table, rows(help.lines()));
    let codes: Vec<u8> = table.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 130]);
}

#[test]
fn a_cause_has_one_code_whatever_the_command() {
    let project = TestProject::new(DIGITS);
    project.write("mnist.toml", "[data.mnist]\n");
    project.write("file", "");
    std::os::unix::fs::symlink("nowhere", project.path("link")).expect("linked");
    let long = format!("{}.toml", "p".repeat(245));
    project.write(&long, DIGITS);
    let expect = |code: i32, commands: &[&str]| {
        for command in commands {
            let answer = project.shell(&format!("\"$0\" {command}"));
            assert_eq!(answer.code, Some(code), "{command}: {}", answer.stderr);
        }
    };
    expect(
        0,
        &[
            "status p.toml",
            "run p.toml --dry-run",
            "graph p.toml",
            "--help",
            "help --help",
            "-v help --help",
            "help run -h",
        ],
    );
    // A task, a check, a disk.
    expect(
        1,
        &[
            "run mnist.toml --offline",
            "verify p.toml",
            "accept mnist.toml data.mnist",
            "status p.toml >/dev/full",
            "graph p.toml >/dev/full",
            "--help >/dev/full",
            "--version >/dev/full",
        ],
    );
    // The command line, files, the set-up.
    for command in ["run", "status", "lock", "report", "verify", "timeline"] {
        expect(
            2,
            &[
                &format!("{command} nothing"),
                &format!("{command} p.toml --nonsense"),
                &format!("{command} p.toml --artifacts file"),
                &format!("{command} p.toml --artifacts link"),
            ],
        );
    }
    expect(
        2,
        &[
            &format!("run {long}"),
            &format!("run {long} --dry-run"),
            &format!("gc {long}"),
            "lock p.toml",
            "timeline p.toml",
            "man file",
            "show nothing",
            "nonsense",
        ],
    );
    expect(3, &["status p.toml --check"]);
    project.run();
    // Another run.
    let lock = fs::File::open(project.path("artifacts/.lock")).expect("opened");
    lock.lock().expect("locked");
    expect(
        4,
        &[
            "run p.toml",
            "verify p.toml",
            "accept p.toml data.digits",
            "gc p.toml",
            "gc p.toml --dry-run",
            "clean",
        ],
    );
    expect(0, &["status p.toml --check", "run p.toml --no-lock"]);
}

#[test]
fn a_run_that_is_interrupted_has_its_own_code() {
    let project = TestProject::new(
        "[data.digits]\n\n[train.bilinear]\ndata = \"data.digits\"\nhidden = 4\nbatch = 64\nepochs = 100000\n",
    );
    let mut run = project.command(&["run", "p.toml", "--offline"]);
    let mut run = run
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while !project.path("artifacts/p/data.digits/task.json").exists() {
        assert!(run.try_wait().expect("asked").is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&run);
    assert_eq!(run.wait().expect("ended").code(), Some(130));
}
