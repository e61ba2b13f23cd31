//! `eigenscope diff`: what two pipelines, revisions of a file or runs ask for differently, and what came out.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::Command;

use eigenscope_testing::{SWEEP, SWEEP_TASKS, TestProject};
use serde_json::Value;

/// The tasks of a comparison that differ, with what differs in themselves.
fn tasks(diff: &Value) -> Vec<(String, Vec<String>)> {
    let tasks = diff["tasks"].as_array().expect("tasks");
    let words = |value: &Value| serde_json::from_value(value.clone()).expect("texts");
    tasks
        .iter()
        .map(|task| (words_of(&task["task"]), words(&task["causes"])))
        .collect()
}

fn words_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn a_run_is_compared_with_what_the_file_says_now() {
    let project = TestProject::new(SWEEP);
    project.run();
    let same = project.call(&["diff", "p.toml@1"]).expect(0);
    assert_eq!(
        same.stdout,
        "p.toml@1 and p.toml ask for the same, and their results are equal\n"
    );

    project.edit("epochs = 2", "epochs = 1");
    let diff = project.json(&["diff", "p.toml@1"]);
    let of_own: Vec<_> = tasks(&diff)
        .into_iter()
        .filter(|(_, causes)| !causes.is_empty())
        .collect();
    let cause = || vec!["parameter `epochs` changed from 2 to 1".to_owned()];
    assert_eq!(
        of_own,
        [
            ("train.bilinear[hidden=4]".to_owned(), cause()),
            ("train.bilinear[hidden=6]".to_owned(), cause()),
        ]
    );
    // The data set is the same, and nothing that reads a model has been made.
    assert_eq!(diff["equal"], 1);
    assert_eq!(diff["tasks"][0]["results"], "missing-after");
    assert_eq!(diff["numbers"], Value::Array(Vec::new()));

    project.run();
    let diff = project.json(&["diff", "p.toml@1", "p.toml@2"]);
    assert_eq!(tasks(&diff).len(), SWEEP_TASKS - 1);
    assert_eq!(diff["tasks"][0]["results"], "differ");
    let numbers = diff["numbers"].as_array().expect("numbers");
    let accuracy = numbers
        .iter()
        .find(|change| {
            change["table"] == "metric.final"
                && change["column"] == "test_accuracy_fraction"
                && change["row"]["hidden"] == "6"
        })
        .unwrap_or_else(|| panic!("{diff:#}"));
    let [before, after, difference] =
        ["before", "after", "difference"].map(|name| accuracy[name].as_f64().expect("a number"));
    let of = |run: &str| {
        let query = "select test_accuracy_fraction as a from metric_final where hidden = 6";
        project.edit("epochs = 1", run);
        project.run();
        let answer = project.json(&["sql", "p.toml", query]);
        project.edit(run, "epochs = 1");
        answer["rows"][0][0].as_f64().expect("a number")
    };
    assert_eq!([before, after], [of("epochs = 2"), of("epochs = 1")]);
    assert!((difference - (after - before)).abs() < 1e-12);
    assert_eq!(accuracy["half_width"], Value::Null);
    let text = project.call(&["diff", "p.toml@1", "p.toml@2"]).expect(0);
    for words in [
        "From p.toml@1 to p.toml@2",
        "train.bilinear  2 tasks  parameter `epochs` changed from 2 to 1",
        "2 differ, 4 differ by what they read, 1 equal",
        "metric.final, final: test_accuracy_fraction",
    ] {
        assert!(text.stdout.contains(words), "{words}\n{}", text.stdout);
    }
}

/// Two models, the second of which gets the name of the first.
#[cfg(unix)]
const TWO: &str = r#"[data.make]

[train.b]
kind = "fit"
data = "data.make"
value = 2
"#;

#[cfg(unix)]
#[test]
fn a_name_that_another_table_had_before_does_not_match() {
    let project = TestProject::with_fake_stages(TWO);
    let first = "\n[train.a]\nkind = \"fit\"\ndata = \"data.make\"\nvalue = 1\n";
    let both = format!("{TWO}{first}");
    project.write("p.toml", &both);
    project.write("then.toml", &both);
    project.run();
    project.write("p.toml", TWO);
    project
        .call(&["rename", "p.toml", "train.b", "train.a"])
        .expect(0);
    for before in ["p.toml@1", "then.toml"] {
        let diff = project.json(&["diff", before, "p.toml"]);
        assert_eq!(
            diff["only_before"],
            serde_json::json!(["train.a"]),
            "{diff:#}"
        );
        assert_eq!(diff["only_after"], serde_json::json!([]), "{diff:#}");
        assert_eq!((tasks(&diff), &diff["equal"]), (Vec::new(), &2.into()));
        let back = project.json(&["diff", "p.toml", before]);
        assert_eq!(back["only_before"], serde_json::json!([]), "{back:#}");
        assert_eq!(back["equal"], 2, "{back:#}");
    }
}

#[test]
fn figures_that_look_different_stand_side_by_side() {
    let figure = "\n[figure.training]\nhistories = \"train.bilinear\"\n";
    let project = TestProject::new(&format!("{SWEEP}{figure}"));
    project.run();
    project.edit("epochs = 2", "epochs = 1");
    project.run();
    let answer = project
        .call(&["diff", "p.toml@1", "-o", "d.html"])
        .expect(0);
    assert!(
        answer.stdout.contains("\nFigures\n  figure.training  "),
        "{}",
        answer.stdout
    );
    // Their places are short, and a shell finds the files.
    let line = answer.stdout.lines().find(|line| line.contains("store/"));
    let places: Vec<&str> = line.expect("a figure").split_whitespace().skip(1).collect();
    assert_eq!(places.len(), 2);
    for place in places {
        let command = format!("test -f {place} && test ${{#1}} -lt 60");
        let found = std::process::Command::new("sh")
            .args(["-c", &command, "sh", place])
            .current_dir(project.path(""))
            .status();
        assert!(found.expect("a shell").success(), "{place}");
    }
    let page = project.read("d.html");
    assert!(page.contains("<h2>figure.training</h2>"));
    assert_eq!(page.matches("src=\"data:image/svg+xml,%3Csvg").count(), 2);
    let page = project.call(&["diff", "p.toml@1", "-o", "-"]).expect(0);
    assert!(page.stdout.starts_with("<!doctype html>"));
}

#[test]
fn two_files_are_compared_by_the_names_of_their_tasks() {
    let project = TestProject::new(SWEEP);
    let other = SWEEP.replace(
        "[metric.final]\nkind = \"final-accuracy\"",
        "[metric.final-accuracy]",
    );
    project.write("q.toml", &other);
    let diff = project.json(&["diff", "p.toml", "q.toml"]);
    assert_eq!(diff["only_before"][0], "metric.final");
    assert_eq!(diff["only_after"][0], "metric.final-accuracy");
    // Nothing has been made, so nothing is equal.
    let tasks = diff["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), SWEEP_TASKS - 1);
    assert!(
        tasks
            .iter()
            .all(|task| task["results"] == "missing-on-both")
    );
    assert_eq!(diff["equal"], 0);
}

#[test]
fn a_revision_of_git_is_compared_with_now() {
    let project = TestProject::new(SWEEP);
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let name = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let status = project.set_up(&mut git).args(name).args(arguments).output();
        status.is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q"]) {
        eprintln!("skipped: there is no git");
        return;
    }
    assert!(git(&["add", "p.toml"]) && git(&["commit", "-q", "-m", "first"]));
    project.edit("hidden = [4, 6]", "hidden = [4, 8]");
    let diff = project.json(&["diff", "HEAD:p.toml"]);
    let only = |side: &str| diff[side].as_array().map(|tasks| tasks[0].clone());
    assert_eq!(only("only_before"), Some("train.bilinear[hidden=6]".into()));
    assert_eq!(only("only_after"), Some("train.bilinear[hidden=8]".into()));
    let refused = |words: &str| project.call(&["diff", words]);
    refused("nosuch:p.toml").refuses(&["git knows no revision `nosuch`"]);
    project.write("new.toml", SWEEP);
    refused("HEAD:new.toml").refuses(&["new.toml does not exist in HEAD"]);
    refused("p@HEAD").refuses(&["there is no pipeline `p@HEAD`", "`HEAD:p`"]);
    // A file that was broken then, and one that is gone now.
    project.write("b.toml", "[train.x]\nkind = 'nosuch'\n");
    assert!(git(&["add", "b.toml"]) && git(&["commit", "-q", "-m", "second"]));
    let broken = refused("HEAD:b.toml").expect(2);
    assert!(
        broken.stderr.contains("HEAD:./b.toml:2:"),
        "{}",
        broken.stderr
    );
    std::fs::remove_file(project.path("p.toml")).expect("removed");
    project.write("q.toml", SWEEP);
    let diff = project.json(&["diff", "HEAD:p.toml", "q.toml"]);
    assert_eq!(diff["only_before"], Value::Array(Vec::new()));
    assert_eq!(diff["only_after"], Value::Array(Vec::new()));
}

#[test]
fn what_others_have_made_is_not_missing_from_a_pipeline() {
    let project = TestProject::new(SWEEP);
    project.run();
    // The data set is there already.
    project.write("q.toml", SWEEP.replace("epochs = 2", "epochs = 1"));
    project.call(&["run", "q.toml", "--offline"]).expect(0);
    let diff = project.json(&["diff", "q.toml@2"]);
    assert_eq!(diff["only_after"], Value::Array(Vec::new()));
    assert_eq!(diff["equal"], SWEEP_TASKS - 1);
    assert_eq!(tasks(&diff), [("data.digits".to_owned(), Vec::new())]);
    assert_eq!(diff["tasks"][0]["results"], "missing-before");
}

#[test]
fn what_cannot_be_compared_is_named() {
    let project = TestProject::new(SWEEP);
    let refused = |arguments: &[&str]| project.call(&[&["diff"], arguments].concat());
    refused(&["p.toml"]).refuses(&["name what to compare p.toml with", "`p.toml@12`"]);
    refused(&["p.toml@7"]).refuses(&["no run 7 of the pipeline `p`; it has never run"]);
    project.run();
    refused(&["p.toml@7"]).refuses(&["no run 7", "its latest runs are 1"]);
    refused(&["p.toml@1", "-o", "p.toml"]).refuses(&["p.toml does not end in .html"]);
    refused(&["nosuch@1"]).refuses(&["there is no pipeline `nosuch`"]);
}
