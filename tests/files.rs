//! Files that are written, replaced and removed are those that the user named, where they are, and no others.
#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test")]

mod sandbox;

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use sandbox::{Sandbox, make, stderr, stdout};

/// A data set, two models and a figure.
const SMALL: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 1
batch = 64

[figure.samples]
data = "data.digits"
"#;

/// Tasks of [`SMALL`].
const TASKS: usize = 4;

#[track_caller]
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    stdout(output)
}

/// Runs a script in the sandbox; the program is `$0`.
fn shell(sandbox: &Sandbox, script: &str) -> Output {
    let mut command = Command::new("sh");
    sandbox
        .set_up(&mut command)
        .args(["-c", script])
        .arg(sandbox.program());
    command.output().expect("sh runs")
}

fn results(sandbox: &Sandbox, folder: &str) -> usize {
    let entries = fs::read_dir(sandbox.path(folder).join("store"));
    entries.map_or(0, Iterator::count)
}

#[test]
fn pages_and_pictures_go_where_they_were_asked_for() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run();
    let report = |to: &str| sandbox.call(&["report", "p.toml", "-o", to]);
    let page = done(&report("-"));
    assert!(page.starts_with("<!DOCTYPE html>"), "{:.100}", page);
    assert!(page.trim_end().ends_with("</html>"));
    assert!(!sandbox.path("-").exists());

    // What a shell has redirected is appended to.
    fs::write(sandbox.path("log"), "before").expect("written");
    done(&shell(
        &sandbox,
        "\"$0\" report p.toml -o /dev/stdout >> log",
    ));
    let log = fs::read_to_string(sandbox.path("log")).expect("readable");
    assert_eq!(log, format!("before{page}"));

    // Links stay, be it that they lead nowhere yet; so does a pipe.
    fs::create_dir(sandbox.path("there")).expect("created");
    symlink("there/page.html", sandbox.path("link.html")).expect("linked");
    for _ in 0..2 {
        assert_eq!(done(&report("link.html")), "link.html\n");
        assert!(sandbox.path("link.html").is_symlink());
        let written = fs::read_to_string(sandbox.path("there/page.html"));
        assert_eq!(written.expect("readable"), page);
    }
    let made = Command::new("mkfifo").arg(sandbox.path("pipe")).status();
    assert!(made.expect("mkfifo runs").success());
    let reader = std::thread::spawn({
        let pipe = sandbox.path("pipe");
        move || fs::read_to_string(pipe).expect("readable")
    });
    done(&report("pipe"));
    assert_eq!(reader.join().expect("ended"), page);
    let kind = sandbox.path("pipe").symlink_metadata().expect("is there");
    assert!(kind.file_type().is_fifo());
    assert_eq!(report("there").status.code(), Some(2));

    let timeline = |to: &str| sandbox.call(&["timeline", "p.toml", "-o", to]);
    assert!(done(&timeline("-")).starts_with("<svg"));
    assert_eq!(done(&timeline("there/run.1.svg")), "there/run.1.svg\n");
    for name in ["run.1.svg", "run.1.png"] {
        assert!(sandbox.path("there").join(name).is_file(), "{name}");
    }
    let other = timeline("run.2");
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("run.2 does not end in .svg"));

    symlink("there/p.lock", sandbox.path("p.lock")).expect("linked");
    done(&sandbox.call(&["lock", "p.toml"]));
    assert!(sandbox.path("p.lock").is_symlink());
    assert!(sandbox.path("there/p.lock").is_file());
}

#[test]
fn a_killed_writer_leaves_nothing_for_long() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run();
    fs::write(sandbox.path(".tmp-output-dead"), "half").expect("written");
    done(&sandbox.call(&["report", "p.toml", "-o", "page.html"]));
    assert!(!sandbox.path(".tmp-output-dead").exists());
}

#[test]
fn a_manual_page_is_whole_or_not_there() {
    let sandbox = Sandbox::new(SMALL);
    fs::create_dir(sandbox.path("pages")).expect("created");
    let script = "mount -t tmpfs -o size=16k tmpfs pages || exit 77\n\
                  \"$0\" man pages; echo $?; cat pages/*; echo END; find pages -size 0; find pages -name '.*'";
    let Some(output) = sandbox.with_mounts(script) else {
        return;
    };
    let text = stdout(&output);
    assert!(text.starts_with("1\n"), "{text}");
    assert!(text.ends_with("END\n"), "{text}");
    assert!(
        stderr(&output).contains("free some space"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn named_pipes_are_refused_and_not_waited_for() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run();
    let pipe = |name: &str| {
        let made = Command::new("mkfifo").arg(sandbox.path(name)).status();
        assert!(made.expect("mkfifo runs").success());
    };
    for name in [
        "pipe.toml",
        "p.lock",
        "p.tolerances.toml",
        "p.published.toml",
        "pipe.parquet",
    ] {
        pipe(name);
    }
    fs::write(sandbox.path("q.toml"), SMALL).expect("written");
    fs::remove_file(sandbox.path("artifacts/.lock")).expect("removed");
    pipe("artifacts/.lock");
    for command in [
        "run pipe.toml",
        "show pipe.parquet",
        "compare p.toml",
        "verify p.toml",
        "run q.toml",
    ] {
        let output = shell(&sandbox, &format!("timeout 20 \"$0\" {command}"));
        assert_eq!(
            output.status.code(),
            Some(2),
            "{command}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains("named pipe"),
            "{command}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_folder_in_the_way_of_a_link_is_not_replaced() {
    let sandbox = Sandbox::new(SMALL);
    fs::create_dir_all(sandbox.path("artifacts/p")).expect("created");
    fs::write(sandbox.path("artifacts/p/data.digits"), "mine").expect("written");
    symlink("/elsewhere", sandbox.path("artifacts/p/my-link")).expect("linked");
    let output = sandbox.call(&["run", "p.toml", "--offline"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("data.digits is not a link"),
        "{}",
        stderr(&output)
    );
    let mine = fs::read_to_string(sandbox.path("artifacts/p/data.digits"));
    assert_eq!(mine.expect("readable"), "mine");
    fs::remove_file(sandbox.path("artifacts/p/data.digits")).expect("removed");
    sandbox.run();
    assert!(sandbox.path("artifacts/p/my-link").is_symlink());
}

#[test]
fn cleaning_removes_what_was_asked_for_where_it_is() {
    let sandbox = Sandbox::new(SMALL);
    fs::write(sandbox.path("q.toml"), SMALL.replace("[4, 6]", "[4, 5]")).expect("written");
    fs::create_dir(sandbox.path("disk")).expect("created");
    symlink("disk", sandbox.path("artifacts")).expect("linked");
    for folder in ["artifacts", "other"] {
        for pipeline in ["p.toml", "q.toml"] {
            done(&sandbox.call(&["run", pipeline, "--offline", "--artifacts", folder]));
        }
        fs::write(sandbox.path(folder).join("README.md"), "mine").expect("written");
        fs::write(sandbox.path(folder).join("p/notes"), "mine").expect("written");
        fs::write(sandbox.path(folder).join("store/notes"), "mine").expect("written");
    }
    done(&sandbox.call(&["report", "p.toml"]));
    let all = results(&sandbox, "artifacts");
    assert_eq!(all, TASKS + 1 + 1, "both, and a file");

    // The data set, the figure and a model are the other's, too.
    let foreseen = done(&sandbox.call(&["clean", "p.toml", "--dry-run"]));
    assert!(foreseen.contains("train.bilinear[hidden=6]"), "{foreseen}");
    assert_eq!(results(&sandbox, "artifacts"), all);
    let cleaned = sandbox.call(&["clean", "p.toml"]);
    assert_eq!(done(&cleaned), foreseen);
    assert_eq!(results(&sandbox, "artifacts"), all - 1);
    let names = |folder: &str| {
        let entries = fs::read_dir(sandbox.path(folder))
            .expect("readable")
            .flatten();
        let mut names: Vec<String> = entries.map(|entry| sandbox::name(&entry.path())).collect();
        names.sort();
        names
    };
    assert_eq!(names("artifacts/p"), ["notes"]);
    done(&sandbox.call(&["status", "q.toml", "--check"]));
    let status = sandbox.call(&["status", "p.toml", "--check"]);
    assert_eq!(status.status.code(), Some(3));

    // A name that is a pipeline's no more is known as long as there are results; others are not.
    fs::remove_file(sandbox.path("q.toml")).expect("removed");
    done(&sandbox.call(&["clean", "q"]));
    assert_eq!(results(&sandbox, "artifacts"), 1);
    assert_eq!(sandbox.call(&["clean", "q"]).status.code(), Some(2));

    let elsewhere = sandbox
        .command(&["clean"])
        .env("EIGENSCOPE_ARTIFACTS", "other")
        .output();
    done(&elsewhere.expect("the program starts"));
    assert_eq!(names("other"), [".lock", "README.md", "p", "store"]);
    assert_eq!(names("other/p"), ["notes"]);
    assert_eq!(names("other/store"), ["notes"]);
    done(&sandbox.call(&["clean"]));
    assert!(sandbox.path("artifacts").is_symlink());
    assert_eq!(names("disk"), names("other"));
}

#[test]
fn a_pipeline_of_the_same_name_elsewhere_is_another() {
    let sandbox = Sandbox::new("[data.digits]\n");
    fs::create_dir(sandbox.path("pipelines")).expect("created");
    fs::create_dir(sandbox.path("o")).expect("created");
    fs::write(sandbox.path("pipelines/p.toml"), SMALL).expect("written");
    fs::write(sandbox.path("o/p.toml"), SMALL.replace("[4, 6]", "[5]")).expect("written");
    for pipeline in ["o/p.toml", "p"] {
        done(&sandbox.call(&["run", pipeline, "--offline"]));
    }
    let cleaned = sandbox.call(&["clean", "p"]);
    assert_eq!(cleaned.status.code(), Some(2));
    assert!(
        stderr(&cleaned).contains("o/p.toml and pipelines/p.toml share the name `p`"),
        "{}",
        stderr(&cleaned)
    );
    let named = sandbox.call(&["gc", "o/p.toml"]);
    done(&named);
    assert!(
        stderr(&named).contains("nothing to remove"),
        "{}",
        stderr(&named)
    );
    for dry_run in [&["--dry-run"][..], &[]] {
        let gc = sandbox.call(&[&["gc"], dry_run].concat());
        assert!(
            done(&gc).contains("train.bilinear[hidden=5]"),
            "{}",
            stdout(&gc)
        );
        let note = stderr(&gc);
        assert!(note.contains("o/p.toml has results here"), "{note}");
        assert!(note.contains("looked at (pipelines/p.toml)"), "{note}");
    }
    assert!(!stderr(&sandbox.call(&["gc"])).contains("o/p.toml"));
}

#[test]
fn links_that_lead_to_other_results_are_said() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run();
    let status = || sandbox.call(&["status", "p.toml", "--check"]);
    done(&status());
    sandbox.edit("epochs = 1", "epochs = 2");
    sandbox.run();
    sandbox.edit("epochs = 2", "epochs = 1");
    let stale = status();
    assert_eq!(stale.status.code(), Some(3));
    let text = stdout(&stale);
    assert!(
        text.contains("train.bilinear[hidden=4]  its link leads to another result"),
        "{text}"
    );
    assert!(
        stderr(&stale).contains("2 of the readable names in artifacts/p"),
        "{}",
        stderr(&stale)
    );
    let json = stdout(&sandbox.call(&["status", "p.toml", "--json"]));
    assert_eq!(
        json.matches("\"link\": \"its link leads to another result\"")
            .count(),
        2,
        "{json}"
    );

    let show = |task: &str| stderr(&sandbox.call(&["show", &format!("artifacts/p/{task}")]));
    let note = show("train.bilinear,hidden-4");
    assert!(
        note.contains("not the result of train.bilinear[hidden=4] in p.toml"),
        "{note}"
    );
    assert_eq!(show("data.digits"), "");

    assert!(
        sandbox
            .run()
            .contains(&format!("tasks: {TASKS} up to date"))
    );
    done(&status());
    assert_eq!(show("train.bilinear,hidden-4"), "");
    sandbox.edit("epochs = 1", "epochs = 3");
    let note = show("train.bilinear,hidden-4");
    assert!(note.contains("not up to date"), "{note}");
    fs::remove_file(sandbox.path("artifacts/p/figures/samples.svg")).expect("removed");
    assert!(
        stdout(&status()).contains("its links are missing"),
        "{}",
        stdout(&status())
    );
}

/// The Makefile in a folder with an awkward name, beside a program that prints its arguments.
struct Front {
    folder: tempfile::TempDir,
}

impl Front {
    fn new() -> Self {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let folder = tempfile::Builder::new()
            .prefix("it's a \"test\" * $HOME ")
            .tempdir()
            .expect("a folder");
        let front = Self { folder };
        fs::copy(root.join("Makefile"), front.path("Makefile")).expect("copied");
        fs::create_dir_all(front.path("built here/release")).expect("created");
        fs::create_dir(front.path("pipelines")).expect("created");
        let program = front.path("built here/release/eigenscope");
        fs::write(
            &program,
            "#!/bin/sh\nfor word in \"$@\"; do printf '<%s>' \"$word\"; done\n",
        )
        .expect("written");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, executable).expect("set");
        front
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// What the program is given; cargo does nothing.
    fn make(&self, words: &[&str]) -> String {
        let target = format!("CARGO_TARGET_DIR={}", self.path("built here").display());
        let mut make = make();
        make.args(["CARGO=true", &target])
            .args(words)
            .current_dir(self.folder.path());
        done(&make.output().expect("make runs"))
    }
}

#[test]
fn variables_of_make_reach_the_program_as_they_are() {
    let front = Front::new();
    // What a shell would make of the patterns.
    for name in [
        "figure.training",
        "metric.a",
        "pipelines/digits.lock",
        "it's.lock",
    ] {
        fs::write(front.path(name), "").expect("written");
    }
    let here = front.folder.path().display();
    let data = format!("DATA_DIR={here}/o'neil's \"$data\" *");
    assert_eq!(
        front.make(&[
            "figures",
            &data,
            "PIPELINE=it's a \"p\"",
            "TARGETS=figure.* metric.?",
            "JOBS=2"
        ]),
        format!(
            "<--data-dir><{here}/o'neil's \"$data\" *><run><it's a \"p\"><--jobs><2><figure.*><metric.?>"
        )
    );
    let home = std::env::var("HOME").expect("a home");
    assert_eq!(
        front.make(&["status", "DATA_DIR=~/my data"]),
        format!("<--data-dir><{home}/my data><status><digits>")
    );
    assert_eq!(
        front.make(&["compare", "PUBLISHED=a 'b' *"]),
        "<compare><digits><--published><a 'b' *>"
    );
    // The lock file is compared with, however the pipeline is named.
    for (pipeline, lock) in [
        ("digits", "<--lock>"),
        ("pipelines/digits.toml", "<--lock>"),
        ("it's.toml", "<--lock>"),
        ("paper", ""),
    ] {
        assert_eq!(
            front.make(&["verify", &format!("PIPELINE={pipeline}"), "SAMPLE=3"]),
            format!("<verify><{pipeline}><--bytes>{lock}<--sample><3>")
        );
    }
    assert_eq!(front.make(&["clean"]), "<clean>");
    assert_eq!(front.make(&["clean", "PIPELINE=digits"]), "<clean><digits>");
}

#[test]
fn installed_programs_know_the_pipelines_that_come_with_them() {
    let front = Front::new();
    let built = Path::new(env!("CARGO_BIN_EXE_eigenscope"))
        .parent()
        .expect("a folder");
    symlink(built, front.path("built here/dist")).expect("linked");
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../pipelines/digits.toml"),
        front.path("pipelines/digits.toml"),
    )
    .expect("copied");
    let prefix = front.path("o'neil's \"place\"");
    front.make(&["install", &format!("PREFIX={}", prefix.display())]);

    let elsewhere = tempfile::tempdir().expect("a folder");
    let listed = Command::new(prefix.join("bin/eigenscope"))
        .args(["graph", "digits"])
        .current_dir(&elsewhere)
        .output()
        .expect("it starts");
    assert!(done(&listed).contains("figure.training"));
    for file in [
        "man/man1/eigenscope-run.1",
        "bash-completion/completions/eigenscope",
        "zsh/site-functions/_eigenscope",
        "fish/vendor_completions.d/eigenscope.fish",
    ] {
        let file = prefix.join("share").join(file);
        assert!(fs::metadata(&file).expect("installed").len() > 0);
    }
}
