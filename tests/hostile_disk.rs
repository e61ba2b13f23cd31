//! Promise: a disk that is full, or that cannot be written to, is named with what to do about it, leaves nothing half written,
//! and costs no finished work.
#![cfg(unix)]

use std::fs;

use eigenscope_testing::{PIPELINE, RunCounts, TASKS, TestProject};

#[test]
fn a_full_disk_is_reported_and_costs_no_finished_work() {
    // From the first file on: the code of a task, the ledger, data sets, models, their analyses.
    for kib in [4, 12, 48, 96, 200, 400] {
        let project = TestProject::new(PIPELINE);
        fs::create_dir(project.path("artifacts")).expect("created");
        let script = format!(
            "mount -t tmpfs -o size={kib}k tmpfs artifacts || exit 77
            \"$0\" run p.toml --offline; code=$?
            find artifacts -name '.tmp-*' | sed 's/^/LEFT OVER /' >&2
            echo $code; ls artifacts/store | wc -l
            mount -o remount,size=64m artifacts || exit 77
            echo SPACE >&2
            \"$0\" run p.toml --offline"
        );
        let Some(output) = project.with_mounts(&script) else {
            return;
        };
        let text = &output.stderr;
        assert_eq!(output.code, Some(0), "{kib} KiB: {text}");
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
        let numbers: Vec<usize> = output
            .stdout
            .lines()
            .map(|line| line.trim().parse().expect("a number"))
            .collect();
        assert_eq!(
            numbers,
            [1, RunCounts::read(space).up_to_date],
            "{kib} KiB: {text}"
        );
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_reported_and_leaves_nothing_half_written() {
    // Beyond the limit, writing is an error if the signal is ignored, and else it kills.
    for (trap, words) in [
        ("trap '' XFSZ; ", "raise the limit on the size of files"),
        ("", "its program ended with signal: 25"),
    ] {
        let project = TestProject::new(PIPELINE);
        let script = format!("{trap}ulimit -f 16; exec \"$0\" run p.toml --offline");
        project.shell(&script).expect(1).explains(&[words]);
        assert_eq!(project.temporaries(), Vec::<String>::new());
        project.run();
    }
}

#[test]
fn a_read_only_disk_can_be_read_from_and_a_run_is_refused() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let published = "[[published]]\nname = \"accuracy\"\nsource = \"a test\"\ntable = \"metric.final\"\n\
         where = { hidden = 6 }\ncolumn = \"test_accuracy_fraction\"\nvalue = 0.5\ntolerance = 0.5\n";
    project.write("p.published.toml", published);
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
        let Some(output) = project.with_mounts(&format!("{read_only}\"$0\" {command}")) else {
            return;
        };
        let text = output.stderr;
        assert_eq!(output.code, Some(code), "{command}: {text}");
        let refusal = [
            "cannot write",
            "artifacts/.lock",
            "Read-only file system",
            "writable",
        ];
        let refused = refusal.iter().all(|words| text.contains(words));
        assert_eq!(refused, code != 0, "{command}: {text}");
    }
    assert_eq!(project.run(), RunCounts::all_up_to_date(TASKS));
}
