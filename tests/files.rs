//! Files that are written, replaced and removed are those that the user named, where they are, and no others.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;

use eigenscope_testing::{Answer, RunCounts, TestProject, file_names};

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

/// What a command that succeeds prints.
#[track_caller]
fn done(answer: Answer) -> String {
    answer.expect(0).stdout
}

#[track_caller]
fn make_pipe(path: &Path) {
    Answer::of(Command::new("mkfifo").arg(path)).expect(0);
}

fn results(project: &TestProject, folder: &str) -> usize {
    file_names(&project.path(folder).join("store")).len()
}

#[test]
fn pages_and_pictures_go_where_they_were_asked_for() {
    let project = TestProject::new(SMALL);
    project.run();
    let report = |to: &str| project.call(&["report", "p.toml", "-o", to]);
    let page = done(report("-"));
    assert!(page.starts_with("<!DOCTYPE html>"), "{:.100}", page);
    assert!(page.trim_end().ends_with("</html>"));
    assert!(!project.path("-").exists());

    // What a shell has redirected is appended to.
    project.write("log", "before");
    done(project.shell("\"$0\" report p.toml -o /dev/stdout >> log"));
    assert_eq!(project.read("log"), format!("before{page}"));

    // Links stay, be it that they lead nowhere yet; so does a pipe.
    fs::create_dir(project.path("there")).expect("created");
    symlink("there/page.html", project.path("link.html")).expect("linked");
    for _ in 0..2 {
        assert_eq!(done(report("link.html")), "link.html\n");
        assert!(project.path("link.html").is_symlink());
        assert_eq!(project.read("there/page.html"), page);
    }
    make_pipe(&project.path("pipe"));
    let reader = std::thread::spawn({
        let pipe = project.path("pipe");
        move || fs::read_to_string(pipe).expect("readable")
    });
    done(report("pipe"));
    assert_eq!(reader.join().expect("ended"), page);
    let kind = project.path("pipe").symlink_metadata().expect("is there");
    assert!(kind.file_type().is_fifo());
    report("there").expect(2);

    let timeline = |to: &str| project.call(&["timeline", "p.toml", "-o", to]);
    assert!(done(timeline("-")).starts_with("<svg"));
    assert_eq!(done(timeline("there/run.1.svg")), "there/run.1.svg\n");
    for name in ["run.1.svg", "run.1.png", "run.1.pdf"] {
        assert!(project.path("there").join(name).is_file(), "{name}");
    }
    timeline("run.2").refuses(&["run.2 does not end in .svg"]);

    symlink("there/p.lock", project.path("p.lock")).expect("linked");
    done(project.call(&["lock", "p.toml"]));
    assert!(project.path("p.lock").is_symlink());
    assert!(project.path("there/p.lock").is_file());
}

#[test]
fn a_killed_writer_leaves_nothing_for_long() {
    let project = TestProject::new(SMALL);
    project.run();
    project.write(".tmp-output-dead", "half");
    done(project.call(&["report", "p.toml", "-o", "page.html"]));
    assert!(!project.path(".tmp-output-dead").exists());
}

#[test]
fn a_manual_page_is_whole_or_not_there() {
    let project = TestProject::new(SMALL);
    fs::create_dir(project.path("pages")).expect("created");
    let script = "mount -t tmpfs -o size=16k tmpfs pages || exit 77\n\
                  \"$0\" man pages; echo $?; cat pages/*; echo END; find pages -size 0; find pages -name '.*'";
    let Some(answer) = project.with_mounts(script) else {
        return;
    };
    let text = &answer.stdout;
    assert!(text.starts_with("1\n"), "{text}");
    assert!(text.ends_with("END\n"), "{text}");
    answer.explains(&["free some space"]);
}

#[test]
fn named_pipes_are_refused_and_not_waited_for() {
    let project = TestProject::new(SMALL);
    project.run();
    for name in [
        "pipe.toml",
        "p.lock",
        "p.tolerances.toml",
        "p.published.toml",
        "pipe.parquet",
    ] {
        make_pipe(&project.path(name));
    }
    project.write("q.toml", SMALL);
    fs::remove_file(project.path("artifacts/.lock")).expect("removed");
    make_pipe(&project.path("artifacts/.lock"));
    for command in [
        "run pipe.toml",
        "show pipe.parquet",
        "compare p.toml",
        "verify p.toml",
        "run q.toml",
    ] {
        project
            .shell(&format!("timeout 20 \"$0\" {command}"))
            .refuses(&["named pipe"]);
    }
}

#[test]
fn a_folder_in_the_way_of_a_link_is_not_replaced() {
    let project = TestProject::new(SMALL);
    project.write("artifacts/p/data.digits", "mine");
    symlink("/elsewhere", project.path("artifacts/p/my-link")).expect("linked");
    project
        .call(&["run", "p.toml", "--offline"])
        .refuses(&["data.digits is not a link"]);
    assert_eq!(project.read("artifacts/p/data.digits"), "mine");
    fs::remove_file(project.path("artifacts/p/data.digits")).expect("removed");
    project.run();
    assert!(project.path("artifacts/p/my-link").is_symlink());
}

#[test]
fn cleaning_removes_what_was_asked_for_where_it_is() {
    let project = TestProject::new(SMALL);
    project.write("q.toml", SMALL.replace("[4, 6]", "[4, 5]"));
    fs::create_dir(project.path("disk")).expect("created");
    symlink("disk", project.path("artifacts")).expect("linked");
    for folder in ["artifacts", "other"] {
        for pipeline in ["p.toml", "q.toml"] {
            done(project.call(&["run", pipeline, "--offline", "--artifacts", folder]));
        }
        for file in ["README.md", "p/notes", "store/notes"] {
            project.write(&format!("{folder}/{file}"), "mine");
        }
    }
    done(project.call(&["report", "p.toml"]));
    let all = results(&project, "artifacts");
    assert_eq!(all, TASKS + 1 + 1, "both, and a file");

    // A folder is no pipeline.
    for folder in ["store", "..", "", "p/figures"] {
        project.call(&["clean", folder]).expect(2);
    }
    // The data set, the figure and a model are the other's, too.
    let foreseen = done(project.call(&["clean", "p.toml", "--dry-run"]));
    assert!(foreseen.contains("train.bilinear[hidden=6]"), "{foreseen}");
    assert_eq!(results(&project, "artifacts"), all);
    assert_eq!(done(project.call(&["clean", "p.toml"])), foreseen);
    assert_eq!(results(&project, "artifacts"), all - 1);
    let names = |folder: &str| file_names(&project.path(folder));
    assert_eq!(names("artifacts/p"), ["notes"]);
    done(project.call(&["status", "q.toml", "--check"]));
    project.call(&["status", "p.toml", "--check"]).expect(3);

    // A name that is a pipeline's no more is known as long as there are results; others are not.
    fs::remove_file(project.path("q.toml")).expect("removed");
    done(project.call(&["clean", "q"]));
    assert_eq!(results(&project, "artifacts"), 1);
    project.call(&["clean", "q"]).expect(2);

    let mut elsewhere = project.command(&["clean"]);
    done(Answer::of(elsewhere.env("EIGENSCOPE_ARTIFACTS", "other")));
    assert_eq!(names("other"), [".lock", "README.md", "p", "store"]);
    assert_eq!(names("other/p"), ["notes"]);
    assert_eq!(names("other/store"), ["notes"]);
    done(project.call(&["clean"]));
    assert!(project.path("artifacts").is_symlink());
    assert_eq!(names("disk"), names("other"));
}

#[test]
fn a_pipeline_of_the_same_name_elsewhere_is_another() {
    let project = TestProject::new("[data.digits]\n");
    project.write("pipelines/p.toml", SMALL);
    project.write("o/p.toml", SMALL.replace("[4, 6]", "[5]"));
    for pipeline in ["o/p.toml", "p"] {
        done(project.call(&["run", pipeline, "--offline"]));
    }
    project
        .call(&["clean", "p"])
        .refuses(&["o/p.toml and pipelines/p.toml share the name `p`"]);
    project
        .call(&["gc", "o/p.toml"])
        .expect(0)
        .explains(&["nothing to remove"]);
    for dry_run in [&["--dry-run"][..], &[]] {
        let gc = project.call(&[&["gc"], dry_run].concat()).expect(0);
        let gc = gc.explains(&[
            "o/p.toml has results here, too, and shares the links of pipelines/p.toml",
            "those stay that these links lead to",
        ]);
        assert!(
            gc.stdout.contains("train.bilinear[hidden=5]"),
            "{}",
            gc.stdout
        );
    }
    assert!(!project.call(&["gc"]).stderr.contains("o/p.toml"));
}

#[test]
fn links_that_lead_to_other_results_are_said() {
    let project = TestProject::new(SMALL);
    project.run();
    let status = || project.call(&["status", "p.toml", "--check"]);
    done(status());
    project.edit("epochs = 1", "epochs = 2");
    project.run();
    project.edit("epochs = 2", "epochs = 1");
    let stale = status()
        .expect(3)
        .explains(&["2 of the readable names in artifacts/p"]);
    let line = "train.bilinear[hidden=4]  its link leads to another result";
    assert!(stale.stdout.contains(line), "{}", stale.stdout);
    let json = project.json(&["status", "p.toml"]);
    let tasks = json["tasks"].as_array().expect("tasks").iter();
    let links: Vec<&str> = tasks.filter_map(|task| task["link"].as_str()).collect();
    assert_eq!(links, ["its link leads to another result"; 2]);

    let show = |task: &str| project.call(&["show", &format!("artifacts/p/{task}")]);
    show("train.bilinear,hidden-4")
        .explains(&["not the result of train.bilinear[hidden=4] in p.toml"]);
    assert_eq!(show("data.digits").stderr, "");

    assert_eq!(project.run(), RunCounts::all_up_to_date(TASKS));
    done(status());
    assert_eq!(show("train.bilinear,hidden-4").stderr, "");
    project.edit("epochs = 1", "epochs = 3");
    show("train.bilinear,hidden-4").explains(&["not up to date"]);
    fs::remove_file(project.path("artifacts/p/figures/samples.svg")).expect("removed");
    let text = status().stdout;
    assert!(text.contains("its links are missing"), "{text}");
}
