//! The Makefile hands its variables to the program as they are.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use eigenscope_testing::{Answer, make, programs, workspace};

/// The Makefile in a folder with an awkward name, beside a program that prints its arguments.
struct Front {
    folder: tempfile::TempDir,
}

impl Front {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("it's a \"test\" * $HOME ")
            .tempdir()
            .expect("a folder");
        let front = Self { folder };
        fs::copy(workspace("Makefile"), front.path("Makefile")).expect("copied");
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the program is given; cargo does nothing.
    fn make(&self, words: &[&str]) -> String {
        let target = format!("CARGO_TARGET_DIR={}", self.path("built here").display());
        let mut make = make();
        make.args(["CARGO=true", &target])
            .args(words)
            .current_dir(self.folder.path());
        Answer::of(&mut make).expect(0).stdout
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
fn a_variable_that_make_does_not_know_is_refused() {
    let status = |variable: &str| {
        let mut make = make();
        make.args(["--dry-run", "status", "CARGO=true", variable]);
        Answer::of(make.current_dir(workspace("")))
    };
    let known = status("PIPELINE=paper").expect(0).stdout;
    assert!(known.contains("eigenscope status"), "{known}");
    status("PIPLINE=paper").refuses(&["PIPLINE", "PIPELINE"]);
}

#[test]
fn installed_programs_know_the_pipelines_that_come_with_them() {
    let front = Front::new();
    symlink(programs(), front.path("built here/dist")).expect("linked");
    fs::copy(
        workspace("pipelines/digits.toml"),
        front.path("pipelines/digits.toml"),
    )
    .expect("copied");
    let prefix = front.path("o'neil's \"place\"");
    front.make(&["install", &format!("PREFIX={}", prefix.display())]);

    let elsewhere = tempfile::tempdir().expect("a folder");
    fs::create_dir(elsewhere.path().join("pipelines")).expect("created");
    let own = elsewhere.path().join("pipelines/own.toml");
    fs::write(own, "extends = \"digits\"\n").expect("written");
    for pipeline in ["digits", "own"] {
        let mut graph = Command::new(prefix.join("bin/eigenscope"));
        graph.args(["graph", pipeline]).current_dir(&elsewhere);
        let listed = Answer::of(&mut graph).expect(0).stdout;
        assert!(listed.contains("figure.training"), "{listed}");
    }
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
