//! A run is seen from another terminal, and tells a command of the user's how it has ended.
#![cfg(unix)]

use std::process::Stdio;
use std::time::Duration;

use eigenscope_testing::{Answer, TestProject, interrupt};
use serde_json::Value;

const GOOD: &str = "[data.make]\n\n[train.fit]\ndata = \"data.make\"\nvalue = [1, 2]\n";
const HANGING: &str = "[data.make]\n\n[train.fit]\ndata = \"data.make\"\nbehaviour = \"hang\"\n";
const FAILING: &str = "[data.make]\n\n[train.fit]\ndata = \"data.make\"\nbehaviour = \"fail\"\n";

/// The state of the project's run, as the file has it.
fn state(project: &TestProject) -> Value {
    let text = project.read("artifacts/p/.run.json");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn how_a_run_ended_is_seen_from_outside() {
    let project = TestProject::with_fake_stages(GOOD);
    project
        .call(&["watch"])
        .refuses(&["no run has been recorded in", "--artifacts"]);
    project.call(&["run", "p.toml"]).expect(0);
    for arguments in [
        &["watch"][..],
        &["watch", "p"],
        &["watch", "p.toml"],
        &["status", "p.toml", "--watch"],
    ] {
        let answer = project.call(arguments).expect(0);
        let text = &answer.stdout;
        assert!(
            text.starts_with("p: 3 of 3 tasks done; ended: ok"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    let line = project.json(&["watch", "p"]);
    assert_eq!(line["outcome"], "ok");
    assert_eq!(line["counts"]["done"], 3);
    assert_eq!(line["left"], 0);
    project
        .call(&["watch", "pp"])
        .refuses(&["no run of `pp`", "did you mean `p`?"]);
    let clash = project.call(&["status", "p.toml", "--watch", "--all"]);
    clash.refuses(&["cannot be used with"]);

    project.write("p.toml", FAILING);
    project.call(&["run", "p.toml"]).expect(1);
    let failed = project.call(&["watch", "p"]).expect(1);
    assert!(failed.stdout.contains("1 failed"), "{}", failed.stdout);
}

#[test]
fn a_run_is_watched_until_it_ends_or_its_process_is_gone() {
    let project = TestProject::with_fake_stages(HANGING);
    let start = || {
        let mut run = project.command(&["run", "p.toml"]);
        run.stderr(Stdio::null()).spawn().expect("it starts")
    };
    let runs = |run: &mut std::process::Child| {
        assert!(run.try_wait().expect("asked").is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut run = start();
    while !project.path("artifacts/p/.run.json").exists() || state(&project)["counts"]["done"] != 1
    {
        runs(&mut run);
    }
    let mut watch = project.command(&["watch", "p", "--json"]);
    let watch = watch.stdout(Stdio::piped()).spawn().expect("it starts");
    interrupt(&run);
    assert_eq!(run.wait().expect("ended").code(), Some(130));
    let seen = Answer::from(watch.wait_with_output().expect("ended")).expect(1);
    let last = seen.stdout.lines().last().expect("a line");
    let last: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(last["outcome"], "stopped");

    let mut run = start();
    while state(&project)["outcome"] != Value::Null || state(&project)["counts"]["running"] != 1 {
        runs(&mut run);
    }
    run.kill().expect("killed");
    run.wait().expect("ended");
    let died = project.call(&["watch", "p"]).expect(1);
    assert!(died.stdout.contains("its process died"), "{}", died.stdout);
}

#[test]
fn watching_ends_when_nobody_reads_on() {
    let project = TestProject::with_fake_stages(HANGING);
    let mut run = project.command(&["run", "p.toml"]);
    let mut run = run.stderr(Stdio::null()).spawn().expect("it starts");
    while !project.path("artifacts/p/.run.json").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut watch = project.command(&["watch", "p", "--json"]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().expect("it starts");
    drop(watch.stdout.take());
    // The run writes at least every ten seconds.
    assert_eq!(watch.wait().expect("ended").code(), Some(0));
    assert!(run.try_wait().expect("asked").is_none(), "it ended early");
    run.kill().expect("killed");
    run.wait().expect("ended");
}

#[test]
fn a_command_is_told_how_the_run_ended() {
    let project = TestProject::with_fake_stages(GOOD);
    let hook = "cat > told.json; echo \"$EIGENSCOPE_PIPELINE $EIGENSCOPE_OUTCOME $EIGENSCOPE_DONE $EIGENSCOPE_FAILED\" > told";
    let told = || (project.read("told"), project.read("told.json"));
    project.call(&["run", "p.toml", "--notify", hook]).expect(0);
    let (words, json) = told();
    assert_eq!(words, "p ok 3 0\n");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (&json["version"], &json["ran"]),
        (&Value::from(1), &Value::from(3))
    );
    assert_eq!(json["summary"], "tasks: 3 ran");

    let answer = project
        .call(&["run", "p.toml", "--notify", "exit 3"])
        .expect(0);
    answer.explains(&["--notify, or `notify` in the settings) failed: exit status: 3"]);
    let answer = project
        .call(&["run", "p.toml", "--notify", "echo out"])
        .expect(0);
    assert_eq!(answer.stdout, "", "what it prints is no result");

    // The same as a setting, in place of which the command line counts.
    let settings = format!("[run]\nnotify = '{}'\n", hook.replace("told", "set"));
    project.write("eigenscope.toml", settings);
    project.call(&["run", "p.toml"]).expect(0);
    assert_eq!(project.read("set"), "p ok 0 0\n");
    project.write("set", "");
    project.call(&["run", "p.toml", "--notify", ""]).expect(0);
    assert_eq!(project.read("set"), "");
    project.write("eigenscope.toml", "[run]\nnotfy = 'x'\n");
    project
        .call(&["run", "p.toml"])
        .refuses(&["did you mean `notify`?"]);
    project.write("eigenscope.toml", "");

    project.write("p.toml", FAILING);
    project.call(&["run", "p.toml", "--notify", hook]).expect(1);
    let (words, json) = told();
    assert_eq!(words, "p failed 0 1\n");
    assert!(json.contains("told to fail"), "{json}");

    project.write("p.toml", HANGING);
    let mut run = project.command(&["run", "p.toml", "--notify", hook]);
    let mut run = run.stderr(Stdio::null()).spawn().expect("it starts");
    while state(&project)["counts"]["running"] != 1 {
        assert!(run.try_wait().expect("asked").is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&run);
    assert_eq!(run.wait().expect("ended").code(), Some(130));
    assert_eq!(told().0, "p stopped 0 0\n");
}
