//! Everyday use of the program: questions in SQL, removing what is not needed, JSON, completions, manual pages, and help with
//! misspelt words.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod sandbox;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sandbox::{PIPELINE, Sandbox, TASKS, make, stderr, stdout};
use serde_json::Value;

/// A pipeline of a second: two models of one sweep, and two tables of them.
const SMALL: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 2
batch = 64

[decompose.interaction]
model = "train.bilinear"

[metric.final]
histories = "train.bilinear"

[metric.similarity-map]
eigenpairs = "decompose.interaction"
"#;

/// Tasks of [`SMALL`].
const SMALL_TASKS: u64 = 1 + 2 + 2 + 1 + 1;

fn json(output: &Output) -> Value {
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["version"], 1);
    json
}

#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(2), "{}", stdout(output));
    // Reports are broken into lines for the terminal.
    let text: Vec<String> = stderr(output)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let text = text.join(" ").replace("│ ", "");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in\n{text}");
    }
}

/// The commands that the program says it has.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = stdout(&sandbox.call(&["--help"]));
    let listed = help.split("Commands:").nth(1).expect("a list of commands");
    let listed = listed.split("Options:").next().expect("a list of commands");
    let names = listed.lines().filter_map(|line| {
        let indented = line.starts_with("  ") && !line.starts_with("   ");
        line.split_whitespace().next().filter(|_| indented)
    });
    names.map(str::to_owned).collect()
}

#[test]
fn tables_answer_questions() {
    let sandbox = Sandbox::new(SMALL);
    let sql = |arguments: &[&str]| sandbox.call(&[&["sql", "p.toml"], arguments].concat());
    refused(
        &sql(&["select * from metric_final"]),
        &[
            "no task of `metric.final` is up to date",
            "eigenscope run p 'metric.final'",
        ],
    );
    sandbox.run();

    let listed = stdout(&sql(&[]));
    for name in [
        "data_digits",
        "train_bilinear_history",
        "train_bilinear_tensors",
        "metric_similarity_map",
    ] {
        let line = listed.lines().find(|line| line.starts_with(name));
        assert!(
            line.is_some_and(|line| line.contains("task, ")),
            "{name}:\n{listed}"
        );
    }

    // Two epochs and the model before training, of each of two models; told apart by label.
    let history = json(&sql(&[
        "select hidden, epoch, test_accuracy_fraction from train_bilinear_history order by hidden, epoch",
        "--json",
    ]));
    let rows = history["rows"].as_array().expect("rows");
    let hidden: BTreeSet<u64> = rows.iter().filter_map(|row| row[0].as_u64()).collect();
    assert_eq!(hidden, BTreeSet::from([4, 6]));
    let lasts = rows.iter().filter(|row| row[1] == 2);
    let lasts: Vec<f64> = lasts.filter_map(|row| row[2].as_f64()).collect();
    assert_eq!(lasts.len(), 2);

    // The same numbers by way of another table, averaged here and by SQL.
    let mean = json(&sql(&[
        "select avg(test_accuracy_fraction) as mean from metric_final",
        "--json",
    ]));
    assert_eq!(mean["columns"], serde_json::json!(["mean"]));
    let mean = mean["rows"][0][0].as_f64().expect("a number");
    assert!((mean - lasts.iter().sum::<f64>() / 2.0).abs() < 1e-12);

    let joined = sql(&[
        "with best as (select max(test_accuracy_fraction) as top from metric_final) \
         select f.model from metric_final f join best b on f.test_accuracy_fraction = b.top \
         where f.hidden in (4, 6)",
        "--csv",
    ]);
    assert!(
        stdout(&joined).starts_with("model\n"),
        "{}{}",
        stdout(&joined),
        stderr(&joined)
    );
    assert!(
        stdout(&joined).contains("train.bilinear["),
        "{}",
        stdout(&joined)
    );

    // Lists, bytes, and counting without reading them.
    let shapes = stdout(&sql(&[
        "select name, shape from train_bilinear_tensors where hidden = 4 order by name",
    ]));
    assert!(shapes.contains("[4,64]"), "{shapes}");
    let pixels = json(&sql(&[
        "select pixels, label from data_digits limit 1",
        "--json",
    ]));
    let pixels = pixels["rows"][0][0].as_str().expect("hexadecimal");
    assert_eq!(pixels.len(), 2 * 64);
    let count = stdout(&sql(&["select count(*) from data_digits", "--csv"]));
    assert_eq!(count.lines().nth(1), Some("1797"));
}

#[test]
fn a_query_with_a_mistake_is_told_the_known_names() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run();
    let sql = |query| sandbox.call(&["sql", "p.toml", query]);
    refused(
        &sql("select * from metric_finl"),
        &["no table `metric_finl`", "did you mean `metric_final`?"],
    );
    refused(
        &sql("select * from metric.final"),
        &["did you mean `metric_final`?"],
    );
    refused(
        &sql("select epocs from metric_final"),
        &[
            "no column `epocs`",
            "did you mean `epochs`?",
            "test_accuracy_fraction",
        ],
    );
    refused(
        &sql("select * form metric_final"),
        &[
            "the query has a mistake: expected",
            "found form at line 1, column 10",
        ],
    );
    refused(&sql(""), &["the query is empty"]);
    refused(
        &sql("select hidden, avg(epochs) from metric_final"),
        &["`hidden` is neither grouped by nor aggregated"],
    );
    refused(&sql("from metric_final"), &["only `select` and `with`"]);
    refused(
        &sandbox.call(&["sql", "select 1"]),
        &["eigenscope sql PIPELINE 'select ...'"],
    );

    // An edit leaves one of the two models out of date, which is said.
    sandbox.edit("hidden = [4, 6]", "hidden = [4, 7]");
    let partial = sql("select count(*) from train_bilinear_tensors");
    assert_eq!(partial.status.code(), Some(0), "{}", stderr(&partial));
    assert!(
        stderr(&partial).contains("is without 1 task"),
        "{}",
        stderr(&partial)
    );
}

#[test]
fn what_no_pipeline_needs_is_removed() {
    let sandbox = Sandbox::new(SMALL);
    let gc = |arguments: &[&str]| sandbox.call(&[&["gc"], arguments].concat());
    refused(&gc(&[]), &["no `pipelines/*.toml`"]);
    sandbox.run();
    sandbox.edit("epochs = 2", "epochs = 1");
    sandbox.run();
    sandbox.edit("epochs = 1", "epochs = 3");
    sandbox.run();
    let results = || {
        fs::read_dir(sandbox.path("artifacts/store"))
            .expect("results")
            .count()
    };
    let before = results();

    let foreseen = gc(&["p.toml", "--dry-run"]);
    assert!(
        stdout(&foreseen).contains("train.bilinear[hidden=4]"),
        "{}",
        stdout(&foreseen)
    );
    assert!(
        stderr(&foreseen).contains("would free"),
        "{}",
        stderr(&foreseen)
    );
    assert_eq!(results(), before);

    // What a pipeline needs that cannot be read is not known: nothing goes, and the file is named.
    fs::create_dir(sandbox.path("pipelines")).expect("created");
    fs::write(
        sandbox.path("pipelines/broken.toml"),
        "[data.digits]\nrows = 3\n",
    )
    .expect("written");
    refused(
        &gc(&["p.toml"]),
        &["nothing is removed", "broken.toml", "rows"],
    );
    assert_eq!(results(), before);
    fs::remove_file(sandbox.path("pipelines/broken.toml")).expect("removed");

    let report = json(&gc(&["p.toml", "--json"]));
    assert_eq!(report["kept_results"], SMALL_TASKS);
    assert!(report["freed_bytes"].as_u64() > Some(1000));
    assert_eq!(results() as u64, SMALL_TASKS);
    assert!(sandbox.temporaries().is_empty());
    assert!(
        sandbox
            .run()
            .contains(&format!("tasks: {SMALL_TASKS} up to date"))
    );
    assert!(stderr(&gc(&["p.toml"])).contains("nothing to remove"));
}

#[cfg(unix)]
#[test]
fn nothing_is_removed_while_tasks_run() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.edit("epochs = 2", "epochs = 100000");
    let mut run = sandbox.command(&["run", "p.toml", "--offline"]);
    let mut run = run
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let data = sandbox.path("artifacts/p/data.digits/task.json");
    while !data.exists() {
        assert!(
            run.try_wait().expect("asked").is_none(),
            "the run ended early"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let gc = sandbox.call(&["gc", "p.toml"]);
    run.kill().expect("killed");
    run.wait().expect("ended");
    assert_eq!(gc.status.code(), Some(4), "{}", stdout(&gc));
    assert!(
        stderr(&gc).contains("another run (process"),
        "{}",
        stderr(&gc)
    );
    assert!(data.exists());
}

#[test]
fn what_programs_read_has_a_version() {
    let sandbox = Sandbox::new(SMALL);
    let published = "[[published]]\nname = \"a\"\nsource = \"b\"\ntable = \"metric.final\"\n\
                     where = { hidden = 4 }\ncolumn = \"test_accuracy_fraction\"\nvalue = 0.5\ntolerance = 0.5\n";
    fs::write(sandbox.path("p.published.toml"), published).expect("written");
    let call = |arguments: &[&str]| json(&sandbox.call(&[arguments, &["--json"]].concat()));

    let dry = call(&["run", "p.toml", "--dry-run"]);
    let tasks = dry["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len() as u64, SMALL_TASKS);
    assert!(tasks.iter().all(|task| task["is_sure"] == true));
    assert_eq!(tasks[0]["reasons"][0], "it has never been made");
    assert!(dry["seconds"].as_f64() > Some(0.0));

    let explained = call(&["explain", "p.toml", "metric.final"]);
    let chain = explained["explanations"][0]["chain"]
        .as_array()
        .expect("a chain");
    let chain: Vec<&str> = chain
        .iter()
        .filter_map(|task| task["task"].as_str())
        .collect();
    assert_eq!(
        chain,
        ["metric.final", "train.bilinear[hidden=4]", "data.digits"]
    );

    sandbox.run();
    let status = call(&["status", "p.toml"]);
    assert_eq!(status["pipeline"], "p");
    assert_eq!(status["tasks"][0]["state"], "current");
    assert_eq!(call(&["compare", "p.toml"])["holds"], true);
    let graph = call(&["graph", "p.toml"]);
    assert_eq!(graph["nodes"][1]["name"], "train.bilinear");
    assert_eq!(graph["nodes"][1]["tasks"], 2);
    assert_eq!(graph["edges"][0], serde_json::json!([0, 1]));
    let nodes = call(&["graph", "p.toml", "--tasks"])["nodes"]
        .as_array()
        .map(Vec::len);
    assert_eq!(nodes, Some(SMALL_TASKS as usize));
    let shown = call(&["show", "artifacts/p/metric.final"]);
    assert_eq!(shown["artifacts"][0]["kind"], "final");
    assert_eq!(shown["artifacts"][0]["provenance"]["task"], "metric.final");
    assert_eq!(
        shown["artifacts"][0]["head"].as_array().map(Vec::len),
        Some(2)
    );
    let tables = call(&["sql", "p.toml"]);
    assert!(
        tables["tables"]
            .as_array()
            .is_some_and(|tables| tables.len() >= 6),
        "{tables}"
    );
    assert_eq!(
        call(&["sql", "p.toml", "select 1 as one from metric_final"])["columns"][0],
        "one"
    );
    assert_eq!(call(&["gc", "p.toml", "--dry-run"])["dry_run"], true);
}

#[test]
fn a_dry_run_says_what_why_and_how_long() {
    let sandbox = Sandbox::new(PIPELINE);
    let dry = || sandbox.call(&["run", "p.toml", "--dry-run", "--jobs", "2"]);
    let first = dry();
    assert_eq!(stdout(&first).lines().count(), TASKS);
    assert!(
        stderr(&first).contains(&format!("{TASKS} would run; about ")),
        "{}",
        stderr(&first)
    );
    sandbox.run();
    sandbox.edit("count = 4", "count = 3");
    let edited = dry();
    let lines: Vec<String> = stdout(&edited).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(
        lines[0].starts_with("runs     metric.similarity[variant=corrected]"),
        "{lines:?}"
    );
    assert!(
        lines[0].ends_with(" s  parameter `count` changed from 4 to 3"),
        "{lines:?}"
    );
    assert!(
        lines[3].starts_with("may run  figure.similarity[variant=published]"),
        "{lines:?}"
    );
    assert!(stderr(&edited).contains("2 would run, 2 would run if their inputs change; about "));
}

#[test]
fn shells_complete_commands_options_pipelines_and_tasks() {
    let sandbox = Sandbox::new(SMALL);
    fs::create_dir(sandbox.path("pipelines")).expect("created");
    for name in ["digits", "digits.published", "paper"] {
        let path = sandbox.path("pipelines").join(name);
        fs::write(path.with_file_name(format!("{name}.toml")), SMALL).expect("written");
    }
    let complete = |words: &[&str]| -> Vec<String> {
        let found = sandbox.call(&[&["__complete", "--"], words].concat());
        stdout(&found).lines().map(str::to_owned).collect()
    };
    let commands = commands(&sandbox);
    assert!(commands.len() > 10, "{commands:?}");
    assert_eq!(complete(&[""]), commands);
    assert_eq!(complete(&["exp"]), ["explain"]);
    assert_eq!(complete(&["graph", "--format", "mer"]), ["mermaid"]);
    assert_eq!(complete(&["gc", "--keep-d"]), ["--keep-days"]);
    assert_eq!(
        complete(&["--artifacts", "x", "run", ""]),
        ["digits", "paper"]
    );
    assert_eq!(complete(&["sql", "di"]), ["digits"]);
    assert_eq!(complete(&["gc", "digits", "p"]), ["paper"]);
    assert_eq!(
        complete(&["status", "digits", "metric."]),
        ["metric.final", "metric.similarity-map"]
    );
    let tasks = [
        "train.bilinear",
        "train.bilinear[hidden=4]",
        "train.bilinear[hidden=6]",
    ];
    assert_eq!(
        complete(&["run", "-j", "2", "digits", "data.digits", "train.bilinear"]),
        tasks
    );
    assert_eq!(
        complete(&["explain", "p.toml", "train.bilinear[h"]),
        tasks[1..]
    );
    assert!(complete(&["run", "nothing", ""]).is_empty());

    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&sandbox.call(&["completions", shell]));
        assert!(script.contains("__complete --"), "{shell}");
    }
    for shell in ["powershell", "elvish"] {
        let script = stdout(&sandbox.call(&["completions", shell]));
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
    }
    let script = "eval \"$(\"$0\" completions bash)\"; \
                  complete -p eigenscope | grep -q -- '-F _eigenscope' || exit 1; \
                  try() { COMP_LINE=$1 COMP_POINT=${#1}; _eigenscope \"$program\"; echo \"${COMPREPLY[*]}\"; }; \
                  program=$0; try 'eigenscope exp'; try 'eigenscope run '; try 'eigenscope run digits train.bilinear[hidden='";
    let mut bash = Command::new("bash");
    let bash = sandbox.set_up(&mut bash).args(["--norc", "-c", script]);
    // A machine without bash has no bash completion.
    if let Ok(output) = bash.arg(sandbox.program()).output() {
        assert_eq!(
            stdout(&output),
            "explain\ndigits paper\n4] 6]\n",
            "{}",
            stderr(&output)
        );
    }
    refused(&sandbox.call(&["completions", "bsh"]), &["'bash'"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let sandbox = Sandbox::new(SMALL);
    let output = sandbox.call(&["man", "pages"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = |name: &str| fs::read_to_string(sandbox.path("pages").join(name)).expect("a page");
    let main = page("eigenscope.1");
    assert!(main.contains("Exit codes"), "{main}");
    for command in commands(&sandbox)
        .iter()
        .filter(|command| *command != "help")
    {
        // Dashes are escaped in roff.
        let escaped = command.replace('-', "\\-");
        assert!(
            main.contains(&format!("eigenscope\\-{escaped}(1)")),
            "{command}"
        );
        assert!(
            page(&format!("eigenscope-{command}.1")).contains(".SH OPTIONS"),
            "{command}"
        );
    }
    fs::write(sandbox.path("file"), "").expect("written");
    refused(
        &sandbox.call(&["man", "file"]),
        &["cannot write manual pages into file"],
    );
}

#[test]
fn misspelt_words_are_recognised() {
    let sandbox = Sandbox::new(SMALL);
    fs::create_dir(sandbox.path("pipelines")).expect("created");
    fs::write(sandbox.path("pipelines/digits.toml"), SMALL).expect("written");
    sandbox.run();
    for (arguments, meant) in [
        (&["stauts", "digits"][..], "did you mean `status`?"),
        (&["rnu", "digits"], "did you mean `run`?"),
        (&["comapre", "digits"], "did you mean `compare`?"),
        (&["figures"], "did you mean `run`?"),
        (&["run", "digts"], "did you mean `digits`?"),
        (&["gc", "digts"], "did you mean `digits`?"),
        (
            &["status", "digits", "metric.finl"],
            "did you mean `metric.final`",
        ),
        (
            &["run", "digits", "train.bilinear[hiden=4]"],
            "did you mean `train.bilinear[hidden=4]`",
        ),
        (
            &["explain", "digits", "train.bilinear[hidden=5]"],
            "did you mean `train.bilinear[hidden=4]`",
        ),
        (&["graph", "digits", "--format", "doot"], "'dot'"),
        (&["run", "digits", "--kep-going"], "'--keep-going'"),
        (
            &["show", "artifacts/p/metric.finl/final.parquet"],
            "did you mean `artifacts/p/metric.final`?",
        ),
    ] {
        refused(&sandbox.call(arguments), &[meant]);
    }
}

#[test]
fn a_variable_that_make_does_not_know_is_refused() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let make = |variable: &str| {
        let mut make = make();
        make.args(["--dry-run", "status", "CARGO=true", variable])
            .current_dir(root);
        make.output().expect("make runs")
    };
    let known = make("PIPELINE=paper");
    assert!(known.status.success(), "{}", stderr(&known));
    assert!(
        stdout(&known).contains("eigenscope status"),
        "{}",
        stdout(&known)
    );
    let misspelt = make("PIPLINE=paper");
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(
        stderr(&misspelt).contains("PIPLINE"),
        "{}",
        stderr(&misspelt)
    );
    assert!(
        stderr(&misspelt).contains("PIPELINE"),
        "{}",
        stderr(&misspelt)
    );
}

#[test]
fn a_failure_is_printed_once() {
    let sandbox = Sandbox::new("[data.mnist]\n");
    let output = sandbox.call(&["run", "p.toml", "--offline", "--data-dir", "nowhere"]);
    let text = stderr(&output);
    assert!(text.contains("error: data.mnist failed: "), "{text}");
    assert_eq!(text.matches("data.mnist failed").count(), 1, "{text}");
    assert_eq!(
        text.matches("downloads are switched off").count(),
        1,
        "{text}"
    );
    assert!(text.contains("artifacts/p/logs/data.mnist.log"), "{text}");
}

#[cfg(unix)]
#[test]
fn colours_are_shown_where_they_are_wanted() {
    let sandbox = Sandbox::new("[data.digits]\nrows = 3\n");
    // `script` runs a command in a terminal of its own.
    let text = |settings: &str| {
        let status = format!("{settings} '{}' status p.toml", sandbox.program().display());
        let mut script = Command::new("script");
        sandbox
            .set_up(&mut script)
            .env_remove("NO_COLOR")
            .env("TERM", "xterm");
        let output = script.args(["-qec", &status, "/dev/null"]).output().ok()?;
        Some(stdout(&output)).filter(|text| text.contains("rows"))
    };
    let Some(coloured) = text("env") else {
        eprintln!("skipped: no command `script`");
        return;
    };
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    for settings in ["NO_COLOR=1", "TERM=dumb"] {
        let plain = text(settings).expect("a text");
        assert!(!plain.contains('\u{1b}'), "{settings}: {plain}");
        assert_eq!(plain.is_ascii(), settings == "TERM=dumb", "{plain}");
    }
}

#[cfg(unix)]
#[test]
fn too_many_open_files_are_no_missing_program() {
    let sandbox = Sandbox::new(SMALL);
    let mut shell = Command::new("sh");
    let shell = sandbox.set_up(&mut shell);
    let shell = shell.args(["-c", "ulimit -n 8; exec \"$0\" status p.toml"]);
    let output = shell.arg(sandbox.program()).output().expect("sh runs");
    refused(&output, &["raise the limit on open files"]);
    assert!(!stderr(&output).contains("build the whole workspace"));
}
