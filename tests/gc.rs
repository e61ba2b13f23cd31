//! `eigenscope gc`: what no pipeline needs is removed, and nothing else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use eigenscope_testing::{RunCounts, SWEEP, SWEEP_TASKS, TestProject, file_names};

#[test]
fn what_no_pipeline_needs_is_removed() {
    let project = TestProject::new(SWEEP);
    let gc = |arguments: &[&str]| project.call(&[&["gc"], arguments].concat());
    gc(&[]).refuses(&["no `pipelines/*.toml`"]);
    project.run();
    project.edit("epochs = 2", "epochs = 1");
    project.run();
    project.edit("epochs = 1", "epochs = 3");
    project.run();
    let results = || file_names(&project.path("artifacts/store")).len();
    let before = results();

    let foreseen = gc(&["p.toml", "--dry-run"]).explains(&["would free"]);
    assert!(
        foreseen.stdout.contains("train.bilinear[hidden=4]"),
        "{}",
        foreseen.stdout
    );
    assert_eq!(results(), before);

    // What a pipeline needs that cannot be read is not known: nothing goes, and the file is named.
    project.write("pipelines/broken.toml", "[data.digits]\nrows = 3\n");
    gc(&["p.toml"]).refuses(&["nothing is removed", "broken.toml", "rows"]);
    assert_eq!(results(), before);
    fs::remove_file(project.path("pipelines/broken.toml")).expect("removed");

    let report = project.json(&["gc", "p.toml"]);
    assert_eq!(report["kept_results"], SWEEP_TASKS);
    assert!(report["freed_bytes"].as_u64() > Some(1000));
    assert_eq!(results(), SWEEP_TASKS);
    assert!(project.temporaries().is_empty());
    assert_eq!(project.run(), RunCounts::all_up_to_date(SWEEP_TASKS));
    gc(&["p.toml"]).explains(&["nothing to remove"]);
}

#[cfg(unix)]
#[test]
fn nothing_is_removed_while_tasks_run() {
    let project = TestProject::new(SWEEP);
    project.edit("epochs = 2", "epochs = 100000");
    let mut run = project.command(&["run", "p.toml", "--offline"]);
    let mut run = run
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let data = project.path("artifacts/p/data.digits/task.json");
    while !data.exists() {
        assert!(
            run.try_wait().expect("asked").is_none(),
            "the run ended early"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let gc = project.call(&["gc", "p.toml"]);
    run.kill().expect("killed");
    run.wait().expect("ended");
    gc.expect(4).explains(&["another run (process"]);
    assert!(data.exists());
}
