//! Everyday use of the program: JSON, dry runs, completions, manual pages, colours, and help with misspelt words.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::Command;

use eigenscope_testing::{Answer, PIPELINE, SWEEP, SWEEP_TASKS, TASKS, TestProject};

/// The commands that the program says it has.
fn commands(project: &TestProject) -> Vec<String> {
    let help = project.call(&["--help"]).expect(0).stdout;
    let listed = help.split("Everyday:").nth(1).expect("a list of commands");
    let listed = listed.split("Options of every command:");
    let listed = listed.into_iter().next().expect("a list of commands");
    let names = listed.lines().filter_map(|line| {
        let indented = line.starts_with("  ") && !line.starts_with("   ");
        line.split_whitespace().next().filter(|_| indented)
    });
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn files_of_one_name_keep_their_links_and_say_that_they_share_a_folder() {
    let project = TestProject::new(PIPELINE);
    let other = "[data.digits]\n[metric.own]\nkind = \"final-accuracy\"\nhistories = \"train.mlp\"\n\
                 [train.mlp]\ndata = \"data.digits\"\nwidths = [4]\nepochs = 1\n";
    project.write("o/p.toml", other);
    let first = project.call(&["run", "p.toml"]).expect(0).stderr;
    assert!(!first.contains("share the folder"), "{first}");
    let second = project.call(&["run", "o/p.toml"]).expect(0).stderr;
    for part in [
        "note: o/p.toml and p.toml have one name, and share the folder artifacts/p",
        "`eigenscope run p.toml`",
    ] {
        assert!(second.contains(part), "{second}");
    }
    // Links of tasks that only one of them has are there.
    let unlinked = |pipeline: &str| {
        let status = project.json(&["status", pipeline]);
        let tasks = status["tasks"].as_array().expect("tasks").iter();
        tasks
            .filter(|task| task["link"] == "it has no link")
            .count()
    };
    assert_eq!((unlinked("p.toml"), unlinked("o/p.toml")), (0, 0));
}

#[test]
fn what_programs_read_has_a_version() {
    let project = TestProject::new(SWEEP);
    let published = "[[published]]\nname = \"a\"\nsource = \"b\"\ntable = \"metric.final\"\n\
                     where = { hidden = 4 }\ncolumn = \"test_accuracy_fraction\"\nvalue = 0.5\ntolerance = 0.5\n";
    project.write("p.published.toml", published);
    let call = |arguments: &[&str]| project.json(arguments);

    let dry = call(&["run", "p.toml", "--dry-run"]);
    let tasks = dry["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), SWEEP_TASKS);
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

    project.run();
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
    assert_eq!(nodes, Some(SWEEP_TASKS));
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
fn commands_in_messages_name_the_pipeline_and_the_folders_as_they_were_given() {
    let project = TestProject::new(PIPELINE);
    project.write("o/q.toml", PIPELINE);
    let export = |more: &[&str]| {
        let task = "train.bilinear[hidden=4,seed=0]";
        let command = [&["export", "o/q.toml", task, "-o", "m.onnx"], more].concat();
        project.call(&command)
    };
    export(&[]).refuses(&["run `eigenscope run o/q.toml 'train.bilinear[hidden=4,seed=0]'` first"]);
    export(&["--artifacts", "my results"]).refuses(&[
        "run `eigenscope run --artifacts 'my results' o/q.toml 'train.bilinear[hidden=4,seed=0]'` first",
    ]);
    let query = ["sql", "o/q.toml", "select * from metric_final"];
    project
        .call(&query)
        .refuses(&["`eigenscope run o/q.toml 'metric.final'` computes it"]);
}

#[test]
fn files_that_a_run_would_not_find_are_said_before() {
    let project = TestProject::new("[data.mnist]\n\n[data.digits]\n");
    for command in [&["status", "p.toml"][..], &["run", "p.toml", "--dry-run"]] {
        let answer = project.call(command).expect(0).explains(&[
            "missing data: data.mnist: mnist: train-images-idx3-ubyte",
            "a run downloads them, unless `--offline` is given",
        ]);
        assert_eq!(answer.stderr.matches("missing data").count(), 1);
    }
    // What is not needed is not missed.
    let answer = project.call(&["status", "p.toml", "data.digits"]).expect(0);
    assert!(!answer.stderr.contains("missing"), "{}", answer.stderr);
}

#[test]
fn a_dry_run_says_what_why_and_how_long() {
    let project = TestProject::new(PIPELINE);
    let dry = || {
        let answer = project.call(&["run", "p.toml", "--dry-run", "--jobs", "2"]);
        answer.expect(0)
    };
    let first = dry().explains(&[&format!("{TASKS} would run; about ")]);
    assert_eq!(first.stdout.lines().count(), TASKS);
    project.run();
    project.edit("count = 4", "count = 3");
    let edited = dry().explains(&["2 would run, 2 would run if their inputs change; about "]);
    let lines: Vec<&str> = edited.stdout.lines().collect();
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
}

#[test]
fn shells_complete_commands_options_pipelines_and_tasks() {
    let project = TestProject::new(SWEEP);
    for name in ["digits", "digits.published", "paper"] {
        project.write(&format!("pipelines/{name}.toml"), SWEEP);
    }
    let complete = |words: &[&str]| -> Vec<String> {
        let found = project.call(&[&["__complete", "--"], words].concat());
        found.stdout.lines().map(str::to_owned).collect()
    };
    let commands = commands(&project);
    assert!(commands.len() > 10, "{commands:?}");
    let mut all = complete(&[""]);
    all.sort();
    assert_eq!(all, commands);
    assert_eq!(complete(&["exp"]), ["explain", "export"]);
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
    assert_eq!(
        complete(&["export", "digits", "metric.f"]),
        ["metric.final"]
    );
    let one = "train.bilinear[hidden=4]";
    assert_eq!(
        complete(&["export", "digits", one, "--table", "h"]),
        ["history"]
    );
    let query = "select count(*) from metric_f";
    assert_eq!(
        complete(&["sql", "digits", query]),
        ["select count(*) from metric_final"]
    );
    assert!(complete(&["sql", "digits", "'test_"]).is_empty());
    project.call(&["run", "digits", "metric.final"]).expect(0);
    assert_eq!(
        complete(&["sql", "digits", "select avg(test_acc"]),
        ["select avg(test_accuracy_fraction"]
    );

    for shell in ["bash", "zsh", "fish"] {
        let script = project.call(&["completions", shell]).stdout;
        assert!(script.contains("__complete --"), "{shell}");
    }
    for shell in ["powershell", "elvish"] {
        let script = project.call(&["completions", shell]).stdout;
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
    }
    let script = "eval \"$(\"$0\" completions bash)\"; \
                  complete -p eigenscope | grep -q -- '-F _eigenscope' || exit 1; \
                  try() { COMP_LINE=$1 COMP_POINT=${#1}; _eigenscope \"$program\"; echo \"${COMPREPLY[*]}\"; }; \
                  program=$0; try 'eigenscope exp'; try 'eigenscope run '; try 'eigenscope run digits train.bilinear[hidden='; \
                  try \"eigenscope sql digits 'select hidden from metric_f\"; try 'eigenscope kinds surg'; \
                  try 'eigenscope kinds figure.surg'; try 'eigenscope sql digits \"select hidden from metric_f'; \
                  try \"eigenscope run digits 'train.bilinear[hidden=\"";
    let mut bash = Command::new("bash");
    let bash = project.set_up(&mut bash).args(["--norc", "-c", script]);
    // A machine without bash has no bash completion.
    if let Ok(output) = bash.arg(project.program()).output() {
        let completed = Answer::from(output);
        assert_eq!(
            completed.stdout,
            "explain export\ndigits paper\n4] 6]\nselect hidden from metric_final\nsurgery\nfigure.surgery\n\
             select hidden from metric_final\ntrain.bilinear[hidden=4] train.bilinear[hidden=6]\n",
            "{}",
            completed.stderr
        );
    }
    project.call(&["completions", "bsh"]).refuses(&["'bash'"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let project = TestProject::new(SWEEP);
    project.call(&["man", "pages"]).expect(0);
    let page = |name: &str| project.read(&format!("pages/{name}"));
    let main = page("eigenscope.1");
    assert!(main.contains("Exit codes"), "{main}");
    for command in commands(&project)
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
    project.write("file", "");
    project
        .call(&["man", "file"])
        .refuses(&["cannot write manual pages into file"]);
}

#[test]
fn folders_that_are_created_are_named() {
    let project = TestProject::new(SWEEP);
    project.run();
    for (arguments, folder) in [
        (
            &["export", "p.toml", "metric.final", "-o", "a/b/final.csv"][..],
            "a/b",
        ),
        (&["report", "p.toml", "-o", "c/page.html"], "c"),
        (&["report", "p.toml", "--split", "d/report"], "d"),
        (&["diff", "p.toml@1", "-o", "e/diff.html"], "e"),
        (&["timeline", "p.toml", "-o", "f/timeline.svg"], "f"),
    ] {
        let said = format!("created the folder {folder}\n");
        let first = project.call(arguments).expect(0).stderr;
        assert!(first.contains(&said), "{arguments:?}: {first}");
        assert!(project.path(folder).is_dir());
        let second = project.call(arguments).expect(0).stderr;
        assert!(!second.contains("created the folder"), "{second}");
    }
}

/// A program is started under any name, or none: another program may choose it.
#[cfg(unix)]
#[test]
fn usage_lines_begin_with_the_name_of_the_program() {
    use std::os::unix::process::CommandExt;

    let project = TestProject::new(SWEEP);
    for name in ["", "ls", "/opt/python3 -m eigenscope"] {
        let mut command = project.command(&["status"]);
        let answer = Answer::of(command.arg0(name)).expect(2);
        let usage = "Usage: eigenscope status <PIPELINE> [TARGETS]...";
        assert!(answer.stderr.contains(usage), "{}", answer.stderr);
    }
}

#[test]
fn ls_lists_pipelines_tables_and_tasks() {
    let project = TestProject::new(SWEEP);
    project
        .call(&["ls"])
        .expect(0)
        .explains(&["no `pipelines/*.toml`"]);
    project.write("pipelines/digits.toml", SWEEP);
    let listed = |arguments: &[&str]| project.call(arguments).expect(0).stdout;
    assert_eq!(listed(&["ls"]), "digits  pipelines/digits.toml\n");
    assert!(listed(&["ls", "p.toml"]).starts_with(
        "data.digits            digits          missing            images\n\
         train.bilinear         bilinear        0 of 2 up to date  tensors, history\n"
    ));
    project.run();
    let tables = listed(&["ls", "p.toml"]);
    assert!(tables.contains("2 of 2 up to date"), "{tables}");
    // What its users have typed elsewhere.
    assert_eq!(listed(&["list", "p.toml"]), tables);
    assert_eq!(
        listed(&["ls", "p.toml", "train.*"]),
        "train.bilinear[hidden=4]  up to date  artifacts/p/train.bilinear,hidden-4\n\
         train.bilinear[hidden=6]  up to date  artifacts/p/train.bilinear,hidden-6\n"
    );
    assert!(project.path("artifacts/p/train.bilinear,hidden-4").exists());

    let json = project.json(&["ls", "p.toml", "train.bilinear[hidden=4]"]);
    assert_eq!(
        json["pipelines"],
        serde_json::json!([{
            "name": "p",
            "file": "p.toml",
            "tables": [{
                "table": "train.bilinear",
                "kind": "bilinear",
                "writes": ["tensors", "history"],
                "tasks": [{
                    "task": "train.bilinear[hidden=4]",
                    "state": "current",
                    "path": "artifacts/p/train.bilinear,hidden-4",
                }],
            }],
        }])
    );
    let json = project.json(&["ls"]);
    assert_eq!(json["pipelines"][0]["name"], "digits");
    assert!(json["pipelines"][0].get("tables").is_none());
}

#[test]
fn misspelt_words_are_recognised() {
    let project = TestProject::new(SWEEP);
    project.write("pipelines/digits.toml", SWEEP);
    project.run();
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
        (
            &["show", "digits", "metric.final"],
            "`eigenscope ls digits '*'` says those of the pipeline",
        ),
    ] {
        project.call(arguments).refuses(&[meant]);
    }
}

#[test]
fn numbers_below_zero_are_told_what_they_should_be() {
    let project = TestProject::new(SWEEP);
    project
        .call(&["run", "p.toml", "-j", "-1"])
        .refuses(&["invalid value '-1'", "a whole number of at least 1"]);
    for arguments in [
        &["gc", "--keep-days", "-1"][..],
        &["verify", "p.toml", "--sample", "-2"],
        &["show", "artifacts", "--rows", "-1"],
    ] {
        project.call(arguments).refuses(&["invalid value '-"]);
    }
}

#[test]
fn a_failure_is_printed_once() {
    let project = TestProject::new("[data.mnist]\n");
    let text = project
        .call(&["run", "p.toml", "--offline", "--data-dir", "nowhere"])
        .stderr;
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
    let project = TestProject::new("[data.digits]\nrows = 3\n");
    // `script` runs a command in a terminal of its own.
    let text = |settings: &str| {
        let status = format!("{settings} '{}' status p.toml", project.program().display());
        let mut script = Command::new("script");
        project
            .set_up(&mut script)
            .env_remove("NO_COLOR")
            .env("TERM", "xterm");
        let output = script.args(["-qec", &status, "/dev/null"]).output().ok()?;
        Some(Answer::from(output).stdout).filter(|text| text.contains("rows"))
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
    let project = TestProject::new(SWEEP);
    let answer = project.shell("ulimit -n 8; exec \"$0\" status p.toml");
    assert!(!answer.stderr.contains("build the whole workspace"));
    answer.refuses(&["raise the limit on open files"]);
}

#[cfg(unix)]
#[test]
fn a_missing_program_stops_only_pipelines_that_need_it() {
    let project = TestProject::with_fake_stages("[data.make]\n");
    std::fs::remove_file(project.path("programs/eigenscope-report")).expect("removed");
    project.call(&["run", "p.toml"]).expect(0);
    let figure =
        "[data.make]\n[train.fit]\ndata = \"data.make\"\n[figure.draw]\ntable = \"train.fit\"\n";
    project.write("p.toml", figure);
    project.call(&["run", "p.toml"]).refuses(&[
        "eigenscope-report, which knows the kinds of stage `figure`, is missing",
        "this table needs it",
        "`make`",
    ]);
}

#[test]
fn the_task_kinds_are_listed() {
    let project = TestProject::new(SWEEP);
    let list = project.call(&["kinds"]).expect(0).stdout;
    assert!(
        list.lines()
            .any(|line| line.starts_with("train.bilinear  ")),
        "{list}"
    );
    for name in ["bilinear", "train.bilinear"] {
        let kind = project.call(&["kinds", name]).expect(0).stdout;
        assert!(kind.starts_with("train.bilinear: "), "{kind}");
        for words in [
            "reads\n  ",
            "writes tensors, history",
            "required",
            "default 0",
        ] {
            assert!(kind.contains(words), "`{words}` is not in\n{kind}");
        }
        // Columns are what it is by default, what it means, what it takes.
        let seed = kind.lines().find(|line| line.starts_with("  seed "));
        let columns = seed.expect("a seed").split("  ").map(str::trim);
        let columns: Vec<&str> = columns.filter(|column| !column.is_empty()).collect();
        assert_eq!(
            columns,
            [
                "seed",
                "default from the pipeline",
                "seed of everything random",
                "an integer of at least 0"
            ]
        );
    }
    let kinds = project.json(&["kinds", "digits"]);
    assert_eq!(kinds["kinds"][0]["stage"], "data");
    project
        .call(&["kinds", "bilinaer"])
        .refuses(&["there is no kind `bilinaer`", "did you mean `bilinear`?"]);
    project
        .call(&["run", "p.toml", "-j", "x"])
        .refuses(&["it should be a whole number of at least 1"]);
}
