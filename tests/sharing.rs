//! Projects that share results by their settings.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eigenscope_testing::{
    Answer, RunCounts, TestFolder, TestProject, file_names, files_below, interrupt, program,
};

/// Four tasks, one after the other.
const CHAIN: &str = r#"
[data.set]
kind = "make"
value = 1

[train.fit]
kind = "fit"
data = "data.set"

[metric.all]
kind = "collect"
models = "train.fit"

[figure.all]
kind = "draw"
table = "metric.all"
"#;

const TASKS: usize = 4;

/// A project with this text in `eigenscope.toml`, and the program that reaches remotes.
fn project(settings: &str) -> TestProject {
    let project = TestProject::with_fake_stages(CHAIN);
    symlink(
        program("eigenscope-remote"),
        project.path("programs/eigenscope-remote"),
    )
    .expect("linked");
    project.write("eigenscope.toml", settings);
    project
}

fn remote(folder: &Path, more: &str) -> String {
    format!("[remote]\nurl = \"{}\"\n{more}", folder.display())
}

fn run(project: &TestProject, options: &[&str]) -> (RunCounts, Answer) {
    let arguments = [&["run", "p.toml", "--offline"], options].concat();
    let answer = project.call(&arguments).expect(0);
    (RunCounts::read(&answer.stderr), answer)
}

#[test]
fn two_projects_with_one_remote_compute_everything_once() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let (one, other) = (project(&remote(&folder, "")), project(&remote(&folder, "")));
    let (counts, answer) = run(&one, &[]);
    assert_eq!(counts.ran, TASKS);
    answer.explains(&[
        "not taken: data.set and",
        "no result of this task has been pushed",
    ]);
    let answer = one.call(&["push", "p.toml"]).expect(0);
    answer.explains(&["pushed 4 results", &folder.display().to_string()]);
    let answer = one.call(&["push", "p.toml"]).expect(0);
    answer.explains(&["pushed 0 results (0 B)", "4 there already"]);

    let (counts, _) = run(&other, &[]);
    assert_eq!((counts.taken, counts.ran), (TASKS, 0));
    assert!(other.started().is_empty());
    assert_eq!(one.artifacts("artifacts"), other.artifacts("artifacts"));
    assert_eq!(other.run(), RunCounts::all_up_to_date(TASKS));

    // An edit in one: what depends on it is computed, and what was pushed since is not.
    other.edit("value = 1", "value = 2");
    let (counts, answer) = run(&other, &[]);
    assert_eq!((counts.taken, counts.ran), (0, TASKS));
    answer.explains(&[
        "not taken: data.set: since it was last pushed parameter `value` changed from 1.0 to 2.0",
    ]);
    other
        .call(&["push", "p.toml", "train.fit"])
        .expect(0)
        .explains(&["pushed 2 results"]);
    one.edit("value = 1", "value = 2");
    let (counts, _) = run(&one, &[]);
    assert_eq!((counts.taken, counts.ran), (2, 2));
}

#[test]
fn pull_takes_and_computes_nothing() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let (one, other) = (project(&remote(&folder, "")), project(&remote(&folder, "")));
    run(&one, &[]);
    one.call(&["push", "p.toml", "train.fit"]).expect(0);
    let answer = other.call(&["pull", "p.toml"]).expect(0);
    let counts = RunCounts::read(&answer.stderr);
    assert_eq!((counts.taken, counts.ran, counts.left), (2, 0, 2));
    assert!(other.started().is_empty());
    // That something is not there is no failure for whoever watches, either.
    let watched = other.call(&["watch", "p"]).expect(0).stdout;
    assert!(watched.contains("2 left; ended: ok"), "{watched}");
    assert_eq!(run(&other, &[]).0.ran, 2);
}

#[test]
fn a_run_pushes_if_the_settings_say_so() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, "push = true\n"));
    let (counts, _) = run(&one, &["--no-remote"]);
    assert_eq!(counts.ran, TASKS);
    assert!(file_names(&folder).is_empty(), "not with --no-remote");
    one.edit("value = 1", "value = 2");
    let (_, answer) = run(&one, &[]);
    answer.explains(&["pushed 4 results"]);
    let other = project(&remote(&folder, "read_only = true\n"));
    other.edit("value = 1", "value = 2");
    assert_eq!(run(&other, &[]).0.taken, TASKS);
    other
        .call(&["push", "p.toml"])
        .refuses(&["read_only = true"]);
    // To compare is no push.
    let check = || other.call(&["push", "p.toml", "--check"]);
    check().expect(0).explains(&[
        "is only read: of 4 results that are up to date here, it has 4, 4 of them with equal bytes",
    ]);
    let objects = files_below(&folder.join("v1"));
    let output = objects
        .iter()
        .find(|path| path.extension().is_none_or(|end| end != "json"));
    fs::write(output.expect("an output"), "damaged").expect("written");
    check()
        .expect(1)
        .explains(&["not equal: ", "it has 4, 3 of them with equal bytes"]);
}

#[test]
fn a_second_folder_of_results_is_read() {
    let one = project("");
    run(&one, &[]);
    let path = one.path("artifacts");
    let other = project(&format!("[[stores]]\npath = \"{}\"\n", path.display()));
    let hook = "echo $EIGENSCOPE_DONE > told";
    let (counts, _) = run(&other, &["--notify", hook]);
    assert_eq!((counts.taken, counts.ran), (TASKS, 0));
    assert_eq!(other.read("told"), format!("{TASKS}\n"));
    other
        .call(&["push", "p.toml"])
        .refuses(&["there is no remote", "[remote]"]);
    // Why something there is not taken is said as for a remote.
    other.edit("value = 1", "value = 2");
    let (counts, answer) = run(&other, &[]);
    assert_eq!((counts.taken, counts.ran), (0, TASKS));
    answer.explains(&[
        "not taken: data.set: since it was made in",
        "parameter `value` changed from 1.0 to 2.0",
    ]);
    other.edit(
        "[metric.all]",
        "[train.new]\nkind = \"fit\"\ndata = \"data.set\"\nvalue = 9\n\n[metric.all]",
    );
    let answer = run(&other, &[]).1;
    answer.explains(&["not taken: train.new: no result of this task is in"]);
    for (named, words) in [
        (path.join("store"), format!("name {}", path.display())),
        (one.path(""), format!("name {}", path.display())),
        (
            one.path("programs"),
            "name the folder `artifacts`".to_owned(),
        ),
    ] {
        let settings = format!("[[stores]]\npath = \"{}\"\n", named.display());
        other.write("eigenscope.toml", settings);
        run(&other, &[]).1.explains(&[
            "warning: ",
            "of [[stores]] is no folder of results, which holds a folder `store`",
            &words,
            "the run goes on without it",
        ]);
    }
    other.write("eigenscope.toml", remote(&path, ""));
    other
        .call(&["push", "p.toml"])
        .refuses(&["is a folder of results, from which [[stores]] reads"]);
    other.write("eigenscope.toml", "[[stores]]\npath = \"nowhere\"\n");
    run(&other, &[]).1.explains(&[
        "warning: there is no folder",
        "nowhere",
        "the run goes on without it",
    ]);
    other
        .call(&["pull", "p.toml"])
        .refuses(&["there is no folder", "nowhere"]);
    other.write("eigenscope.toml", "");
    other
        .call(&["pull", "p.toml"])
        .refuses(&["nothing to take results from"]);
}

#[test]
fn status_says_what_is_on_the_remote() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let (one, other) = (project(&remote(&folder, "")), project(&remote(&folder, "")));
    run(&one, &[]);
    one.call(&["push", "p.toml", "train.fit"]).expect(0);
    let on_remote = |project: &TestProject| -> Vec<Option<bool>> {
        let status = project.json(&["status", "p.toml", "--remote"]);
        let tasks = status["tasks"].as_array().expect("tasks").iter();
        tasks.map(|task| task["on_remote"].as_bool()).collect()
    };
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(on_remote(&one), [yes, yes, no, no]);
    assert_eq!(
        on_remote(&other),
        [yes, None, None, None],
        "other keys are not known yet"
    );
    let answer = other.call(&["status", "p.toml", "--remote"]).expect(0);
    assert!(
        answer.stdout.contains("its result is on the remote"),
        "{}",
        answer.stdout
    );
    answer.explains(&[
        "has 1 of 1 needed results; 3 tasks wait for inputs",
        &folder.display().to_string(),
    ]);
    let plain = one.json(&["status", "p.toml"]);
    assert!(plain["tasks"][0]["on_remote"].is_null());
}

/// The text of a record without its checksum, as records were written once.
fn without_checksum(record: &str) -> String {
    let mut record: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(record).expect("JSON");
    record.remove("checksum").expect("a checksum");
    serde_json::to_string(&record).expect("JSON")
}

#[test]
fn what_others_say_in_their_results_moves_no_cursor() {
    let one = project("");
    run(&one, &[]);
    for path in files_below(&one.path("artifacts/store")) {
        if path.ends_with("task.json") {
            let text = without_checksum(&fs::read_to_string(&path).expect("readable"));
            let odd = r#""warnings":["a\u001b]0;b\u0007\u001b[2J\nc"]"#;
            assert!(text.contains(r#""warnings":[]"#), "{text}");
            fs::write(&path, text.replace(r#""warnings":[]"#, odd)).expect("written");
        }
    }
    let path = one.path("artifacts");
    let other = project(&format!("[[stores]]\npath = \"{}\"\n", path.display()));
    let (counts, answer) = run(&other, &[]);
    assert_eq!(counts.taken, TASKS);
    let status = other.call(&["status", "p.toml"]).expect(0);
    assert!(status.stdout.contains("[2J c"), "{}", status.stdout);
    for said in [&answer.stderr, &status.stdout, &status.stderr] {
        let odd = |letter: char| letter.is_control() && letter != '\n';
        assert!(!said.contains(odd), "{said:?}");
    }
}

#[test]
fn gc_can_keep_what_is_not_on_the_remote() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, ""));
    fs::create_dir(one.path("pipelines")).expect("created");
    run(&one, &[]);
    one.call(&["push", "p.toml", "train.fit"]).expect(0);
    // Nothing of the first run is needed any more.
    one.edit("value = 1", "value = 2");
    run(&one, &["--no-remote"]);
    let answer = one.call(&["gc", "p.toml", "--pushed"]).expect(0);
    answer.explains(&[
        "2 results that no pipeline needs were not found on the remote and stay",
        "2 results",
    ]);
    let answer = one.call(&["gc", "p.toml"]).expect(0);
    answer.explains(&["2 results"]);
}

/// Stands for the program that reaches remotes, and passes on what it is asked only once there is a file `go`.
const SLOW_REMOTE: &str = r#"#!/bin/sh
{
    read -r line && echo "$line"
    read -r line && : > asked
    while [ ! -e go ]; do sleep 0.05; done
    echo "$line"
    cat
} | "$0-real"
"#;

#[test]
fn gc_removes_nothing_that_becomes_unneeded_while_it_looks_at_the_remote() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, ""));
    fs::create_dir(one.path("pipelines")).expect("created");
    run(&one, &[]);
    one.call(&["push", "p.toml"]).expect(0);
    one.edit("value = 1", "value = 2");
    run(&one, &["--no-remote"]);
    one.edit("value = 2", "value = 3");
    let reached = one.path("programs/eigenscope-remote");
    fs::rename(&reached, one.path("programs/eigenscope-remote-real")).expect("renamed");
    one.write("programs/eigenscope-remote", SLOW_REMOTE);
    fs::set_permissions(&reached, fs::Permissions::from_mode(0o755)).expect("set");
    let mut gc = one.command(&["gc", "p.toml", "--pushed"]);
    let gc = gc.stderr(Stdio::piped()).spawn().expect("it starts");
    let begun = Instant::now();
    while !one.path("asked").exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "nothing is asked"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    // Of the second run, which was never pushed, nothing is needed once the third one has ended.
    run(&one, &["--no-remote"]);
    one.write("go", "");
    let answer = Answer::from(gc.wait_with_output().expect("ended")).expect(0);
    answer.explains(&["4 results that no pipeline needs were not found on the remote and stay"]);
    one.edit("value = 3", "value = 2");
    assert_eq!(
        run(&one, &["--no-remote"]).0,
        RunCounts::all_up_to_date(TASKS)
    );
}

#[test]
fn what_is_damaged_on_the_remote_is_not_removed_here_and_is_sent_again_if_it_is_cut() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, ""));
    fs::create_dir(one.path("pipelines")).expect("created");
    run(&one, &[]);
    one.call(&["push", "p.toml"]).expect(0);
    let mut outputs = files_below(&folder.join("v1"));
    outputs.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    let whole = fs::read(&outputs[0]).expect("readable");
    fs::write(&outputs[0], &whole[..whole.len() - 1]).expect("written");
    one.call(&["push", "p.toml"])
        .expect(0)
        .explains(&["pushed 1 result"]);
    assert_eq!(fs::read(&outputs[0]).expect("readable"), whole);
    let mut other = whole.clone();
    other[whole.len() / 2] ^= 1;
    fs::write(&outputs[0], &other).expect("written");
    one.call(&["push", "p.toml", "--check"])
        .expect(0)
        .explains(&[
            "pushed 1 result",
            "1 of them in place of what was damaged or not whole there, 3 there already",
        ]);
    assert_eq!(fs::read(&outputs[0]).expect("readable"), whole);
    fs::write(&outputs[0], other).expect("written");
    one.edit("value = 1", "value = 2");
    run(&one, &["--no-remote"]);
    one.call(&["gc", "p.toml", "--pushed"])
        .expect(0)
        .explains(&["1 result that no pipeline needs was not found on the remote and stays"]);
}

#[test]
fn what_is_damaged_on_the_remote_is_said_and_replaced() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, ""));
    run(&one, &[]);
    one.call(&["push", "p.toml"]).expect(0);
    let objects = || {
        let mut found = files_below(&folder.join("v1"));
        found.retain(|path| !path.starts_with(folder.join("v1/tasks")));
        found.retain(|path| !path.starts_with(folder.join("v1/machines")));
        found
    };
    let whole: Vec<Vec<u8>> = objects()
        .iter()
        .map(|path| fs::read(path).expect("readable"))
        .collect();
    let is_whole = || {
        let mut pairs = objects().into_iter().zip(&whole);
        pairs.all(|(path, bytes)| fs::read(path).expect("readable") == *bytes)
    };
    // A bit of each, so that nothing has another length: of outputs, then of records.
    for ending in ["parquet", "json"] {
        for path in objects() {
            if path.extension().is_some_and(|found| found == ending) {
                let mut bytes = fs::read(&path).expect("readable");
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
                fs::write(&path, bytes).expect("written");
            }
        }
        let other = project(&remote(&folder, ""));
        let (counts, answer) = run(&other, &[]);
        assert_eq!(counts.taken + counts.ran, TASKS);
        assert!(counts.ran > 0, "{}", answer.stderr);
        answer.explains(&[
            "not taken from",
            "cannot be used: `eigenscope push p.toml --check` replaces what is damaged there",
        ]);
        let reader = project(&remote(&folder, "read_only = true\n"));
        let (_, answer) = run(&reader, &[]);
        let answer = answer.explains(&[
            "cannot be used: whoever pushes to it has to replace what is damaged there",
        ]);
        assert!(!answer.stderr.contains("push p.toml"), "{}", answer.stderr);
        let third = project(&remote(&folder, "push = true\n"));
        let (counts, answer) = run(&third, &[]);
        assert!(counts.ran > 0, "{}", answer.stderr);
        answer.explains(&[
            "cannot be used: what was computed here replaces it",
            "in place of what was damaged",
        ]);
        assert!(is_whole(), "{ending}");
        let fourth = project(&remote(&folder, ""));
        assert_eq!(run(&fourth, &[]).0.taken, TASKS);
    }
}

#[test]
fn a_remote_that_cannot_be_used_is_said_and_fails_no_run() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder.join("nowhere"), "push = true\n"));
    let (counts, answer) = run(&one, &[]);
    assert_eq!(counts.ran, TASKS);
    answer.explains(&[
        "warning: ",
        "there is no folder",
        "the run goes on without it",
    ]);
    for command in ["push", "pull"] {
        one.call(&[command, "p.toml"])
            .refuses(&["there is no folder"]);
    }
    one.call(&["status", "p.toml", "--remote"])
        .refuses(&["there is no folder"]);
    one.write("eigenscope.toml", remote(&folder, ""));
    fs::remove_file(one.path("programs/eigenscope-remote")).expect("removed");
    one.edit("value = 1", "value = 2");
    let (counts, answer) = run(&one, &[]);
    assert_eq!(counts.ran, TASKS);
    answer.explains(&["eigenscope-remote", "make remote", "--no-remote"]);
    one.call(&["push", "p.toml"]).refuses(&["make remote"]);
}

/// Which requests are meant, by their first lines.
type Rule = fn(&str) -> bool;

/// A folder on the web, in memory. What it is told to be silent about is never answered.
struct Web {
    url: String,
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    is_silent: Arc<Mutex<Rule>>,
}

impl Web {
    fn start(is_silent: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!(
            "http://{}/shared",
            listener.local_addr().expect("an address")
        );
        let web = Self {
            url,
            objects: Arc::default(),
            is_silent: Arc::new(Mutex::new(is_silent)),
        };
        let (objects, is_silent) = (Arc::clone(&web.objects), Arc::clone(&web.is_silent));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (objects, is_silent) = (Arc::clone(&objects), Arc::clone(&is_silent));
                // A client that goes away is no fault of the server.
                std::thread::spawn(move || {
                    let is_silent = *is_silent.lock().expect("set");
                    serve(socket, &objects, is_silent)
                });
            }
        });
        web
    }

    fn settings(&self) -> String {
        format!("[remote]\nurl = \"{}\"\n", self.url)
    }

    fn be_silent(&self, is_silent: Rule) {
        *self.is_silent.lock().expect("set") = is_silent;
    }

    /// How many objects there are whose names hold `part`.
    fn count(&self, part: &str) -> usize {
        let objects = self.objects.lock().expect("kept");
        objects.keys().filter(|name| name.contains(part)).count()
    }
}

/// Answers one request.
fn serve(
    socket: TcpStream,
    objects: &Mutex<BTreeMap<String, Vec<u8>>>,
    is_silent: Rule,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if is_silent(&first) {
        return reader.read_to_end(&mut body).map(drop);
    }
    let mut words = first.split(' ').map(str::to_owned);
    let (method, name) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut objects = objects.lock().expect("kept");
    let (status, content) = match method.as_str() {
        "PUT" => {
            objects.insert(name, body);
            (201, Vec::new())
        }
        "GET" | "HEAD" => match objects.get(&name) {
            Some(content) => (200, content.clone()),
            None => (404, Vec::new()),
        },
        _ => (405, Vec::new()),
    };
    drop(objects);
    let mut socket = socket;
    write!(
        socket,
        "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nConnection: close\r\nETag: \"1\"\r\n\
         Last-Modified: Fri, 27 Nov 2026 12:00:00 GMT\r\n\r\n",
        content.len()
    )?;
    match method.as_str() {
        "HEAD" => Ok(()),
        _ => socket.write_all(&content),
    }
}

#[test]
fn a_push_that_was_interrupted_is_completed_by_the_next() {
    // It takes outputs, but no record of a result.
    let web = Web::start(|request| {
        request.starts_with("PUT") && request.contains("/task.json") && !request.contains("/tasks/")
    });
    let one = project(&web.settings());
    run(&one, &[]);
    let mut push = one.command(&["push", "p.toml"]);
    let push = push.stderr(Stdio::piped()).spawn().expect("it starts");
    let begun = Instant::now();
    while web.count("/v1/tasks/") < TASKS {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "nothing is pushed"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    interrupt(&push);
    let answer = Answer::from(push.wait_with_output().expect("ended")).expect(130);
    let answer = answer.explains(&["interrupted; pushed 0 results", "4 left to do"]);
    assert!(!answer.stderr.contains("not pushed"), "{}", answer.stderr);
    web.be_silent(|_| false);
    one.call(&["push", "p.toml"])
        .expect(0)
        .explains(&["pushed 4 results"]);
    // Each result has a record, and so has each task.
    assert_eq!(web.count("/task.json"), 2 * TASKS);
    let other = project(&web.settings());
    assert_eq!(run(&other, &[]).0.taken, TASKS);
    other.edit("value = 1", "value = 2");
    let answer = run(&other, &[]).1;
    answer.explains(&["since it was last pushed parameter `value` changed from 1.0 to 2.0"]);
}

#[test]
fn a_web_server_that_lists_nothing_is_read() {
    let web = Web::start(|_| false);
    let one = project(&web.settings());
    one.edit("value = 1", "value = [1, 2, 3, 4, 5, 6, 7, 8]");
    run(&one, &[]);
    one.call(&["push", "p.toml"]).expect(0);
    // What is not there is missed, one after the other, and what is there is taken all the same.
    let other = project(&web.settings());
    other.edit("value = 1", "value = [9, 10, 11, 12, 13, 1]");
    let (counts, answer) = run(&other, &[]);
    assert_eq!(counts.taken, 2, "{}", answer.stderr);
    assert!(
        !answer.stderr.contains("not asked any more"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_remote_that_never_answers_is_said_and_not_waited_for_long() {
    let web = Web::start(|_| true);
    let one = project(&web.settings());
    let begun = Instant::now();
    let (counts, answer) = run(&one, &[]);
    let took = begun.elapsed();
    assert_eq!(counts.ran, TASKS);
    let waiting = format!("waiting for {}, which has not answered for 3 s", web.url);
    answer.explains(&[&waiting, "was not asked any more: no answer in time"]);
    // Ten seconds for the first task, and none for the others.
    assert!(took < Duration::from_secs(40), "{took:?}");
}

#[test]
fn a_remote_that_takes_nothing_is_found_at_the_start() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, ""));
    run(&one, &[]);
    one.call(&["push", "p.toml", "data.set"]).expect(0);
    // A file in place of a folder: what is there can be read, and nothing new can be written.
    fs::remove_dir_all(folder.join("v1/machines")).expect("removed");
    fs::write(folder.join("v1/machines"), "").expect("written");
    let other = project(&remote(&folder, "push = true\n"));
    let (counts, answer) = run(&other, &[]);
    assert_eq!((counts.taken, counts.ran), (1, 3));
    let answer = answer.explains(&[
        "warning: nothing can be pushed to",
        "this run pushes nothing",
    ]);
    assert!(!answer.stderr.contains("pushed 0"), "{}", answer.stderr);
    // With nothing to do, nothing is tried.
    let answer = run(&other, &[]).1;
    assert!(!answer.stderr.contains("warning"), "{}", answer.stderr);
    // A push says it once.
    let pushed = other.call(&["push", "p.toml"]).expect(1);
    assert_eq!(pushed.stderr.lines().count(), 2, "{}", pushed.stderr);
    pushed.explains(&["was not asked any more: ", "1 there already, 3 left to do"]);
}

#[test]
fn damaged_records_are_reported_and_replaced() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, ""));
    run(&one, &[]);
    one.call(&["push", "p.toml"]).expect(0);
    // A record that nobody can have written by pushing.
    for key in file_names(&folder.join("v1")) {
        for name in file_names(&folder.join("v1").join(&key)) {
            let record = folder.join("v1").join(&key).join(name).join("task.json");
            if key.len() == 64 && record.is_file() {
                fs::write(record, "{}").expect("written");
            }
        }
    }
    let answer = one.call(&["push", "p.toml"]).expect(1);
    answer.explains(&[
        "not replaced: data.set: its record there, v1/",
        "is damaged, not the JSON that eigenscope writes",
        "4 damaged there",
        "`eigenscope push p.toml --check` replaces what is damaged there",
    ]);
    let answer = one.call(&["push", "p.toml", "--check"]).expect(0);
    answer.explains(&["pushed 4 results", "4 of them in place of what was damaged"]);
    one.call(&["push", "p.toml"])
        .expect(0)
        .explains(&["pushed 0 results", "4 there already"]);
}

#[test]
fn what_explains_misses_is_mended_as_well() {
    let shared = TestFolder::new();
    let folder = shared.path("");
    let one = project(&remote(&folder, ""));
    run(&one, &[]);
    one.call(&["push", "p.toml"]).expect(0);
    let records = files_below(&folder.join("v1/tasks"));
    assert_eq!(records.len(), TASKS);
    let machines = files_below(&folder.join("v1/machines"));
    let whole = |paths: &[PathBuf]| -> Vec<Vec<u8>> {
        let bytes = paths.iter().map(|path| fs::read(path).expect("readable"));
        bytes.collect()
    };
    let (of_tasks, of_machines) = (whole(&records), whole(&machines));
    fs::write(&records[0], "{}").expect("written");
    fs::remove_file(&records[1]).expect("removed");
    let mut bytes = of_tasks[2].clone();
    bytes[of_tasks[2].len() / 2] ^= 4;
    fs::write(&records[2], bytes).expect("written");
    one.call(&["push", "p.toml"])
        .expect(0)
        .explains(&["pushed 0 results", "4 there already"]);
    one.call(&["push", "p.toml", "--check"])
        .expect(0)
        .explains(&[
            "pushed 3 results",
            "3 of them in place of what was damaged or not whole there, 1 there already",
        ]);
    assert_eq!(whole(&records), of_tasks);
    fs::write(&machines[0], "no machine").expect("written");
    one.call(&["push", "p.toml", "--check"])
        .expect(0)
        .explains(&["pushed 1 result"]);
    assert_eq!(whole(&machines), of_machines);
    // The record of another result of a task is as good as ours.
    one.edit("value = 1", "value = 2");
    run(&one, &[]);
    one.call(&["push", "p.toml"]).expect(0);
    let newer = whole(&records);
    one.edit("value = 2", "value = 1");
    run(&one, &[]);
    one.call(&["push", "p.toml", "--check"])
        .expect(0)
        .explains(&["pushed 0 results", "4 there already"]);
    assert_eq!(whole(&records), newer);
}
