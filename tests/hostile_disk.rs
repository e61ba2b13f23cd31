//! Promise: a disk that is full, or that cannot be written to, is named with what to do about it, leaves nothing half written,
//! and costs no finished work.
#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test")]

mod sandbox;

use std::fs;
use std::process::{Command, Output};

use sandbox::{PIPELINE, Sandbox, TASKS, stderr, stdout};

/// What the end of a run says: so many tasks were up to date.
fn up_to_date(text: &str) -> usize {
    let last = text.lines().rfind(|line| line.starts_with("tasks: "));
    let words = last.expect("a summary").trim_start_matches("tasks: ");
    words
        .split(", ")
        .find_map(|part| part.strip_suffix(" up to date")?.parse().ok())
        .unwrap_or(0)
}

#[test]
fn a_full_disk_is_reported_and_costs_no_finished_work() {
    // From the first file on: the code of a task, the ledger, data sets, models, their analyses.
    for kib in [4, 12, 48, 96, 200, 400] {
        let sandbox = Sandbox::new(PIPELINE);
        fs::create_dir(sandbox.path("artifacts")).expect("created");
        let script = format!(
            "mount -t tmpfs -o size={kib}k tmpfs artifacts || exit 77
            \"$0\" run p.toml --offline; code=$?
            find artifacts -name '.tmp-*' | sed 's/^/LEFT OVER /' >&2
            echo $code; ls artifacts/store | wc -l
            mount -o remount,size=64m artifacts || exit 77
            echo SPACE >&2
            \"$0\" run p.toml --offline"
        );
        let Some(output) = sandbox.with_mounts(&script) else {
            return;
        };
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{kib} KiB: {text}");
        let (full, space) = text.split_once("SPACE").expect("two runs");
        for words in [
            "cannot write",
            "artifacts/",
            "No space left",
            "free some space",
        ] {
            assert!(
                full.contains(words),
                "{kib} KiB: `{words}` is not in {full}"
            );
        }
        for words in ["LEFT OVER", "Parquet error"] {
            assert!(!full.contains(words), "{kib} KiB: {full}");
        }
        let numbers: Vec<usize> = stdout(&output)
            .lines()
            .map(|line| line.trim().parse().expect("a number"))
            .collect();
        assert_eq!(numbers, [1, up_to_date(space)], "{kib} KiB: {text}");
    }
}

/// Runs the pipeline with no file of more than some KiB; beyond that, writing is an error if `survivable`, else it kills.
fn run_with_file_limit(sandbox: &Sandbox, survivable: bool) -> Output {
    let trap = if survivable { "trap '' XFSZ; " } else { "" };
    let script = format!("{trap}ulimit -f 16; exec \"$0\" run p.toml --offline");
    let mut command = Command::new("sh");
    sandbox
        .set_up(&mut command)
        .args(["-c", &script])
        .arg(sandbox.program());
    command.output().expect("sh runs")
}

#[test]
fn a_limit_on_the_size_of_files_is_reported_and_leaves_nothing_half_written() {
    for (survivable, words) in [
        (true, "raise the limit on the size of files"),
        (false, "its program ended with signal: 25"),
    ] {
        let sandbox = Sandbox::new(PIPELINE);
        let output = run_with_file_limit(&sandbox, survivable);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(words), "{text}");
        assert_eq!(sandbox.temporaries(), Vec::<String>::new());
        sandbox.run();
    }
}

#[test]
fn a_read_only_disk_can_be_read_from_and_a_run_is_refused() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let published = "[[published]]\nname = \"accuracy\"\nsource = \"a test\"\ntable = \"metric.final\"\n\
         where = { hidden = 6 }\ncolumn = \"test_accuracy_fraction\"\nvalue = 0.5\ntolerance = 0.5\n";
    fs::write(sandbox.path("p.published.toml"), published).expect("written");
    let read_only =
        "mount --bind artifacts artifacts && mount -o remount,bind,ro artifacts || exit 77\n";
    for (command, code) in [
        ("status p.toml --check", 0),
        ("explain p.toml figure.training", 0),
        ("show artifacts/p/metric.final", 0),
        ("compare p.toml", 0),
        ("run p.toml --dry-run", 0),
        ("accept p.toml metric.final --dry-run", 0),
        ("gc p.toml --dry-run", 0),
        ("clean --dry-run", 0),
        ("verify p.toml metric.final", 0),
        ("run p.toml --offline", 2),
        ("accept p.toml metric.final", 2),
        ("gc p.toml", 2),
    ] {
        let Some(output) = sandbox.with_mounts(&format!("{read_only}\"$0\" {command}")) else {
            return;
        };
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{command}: {text}");
        let refusal = [
            "cannot write",
            "artifacts/.lock",
            "Read-only file system",
            "writable",
        ];
        let refused = refusal.iter().all(|words| text.contains(words));
        assert_eq!(refused, code != 0, "{command}: {text}");
    }
    assert!(
        sandbox
            .run()
            .contains(&format!("tasks: {TASKS} up to date"))
    );
}
