//! The page of a report: the program writes it from a report file, whatever the texts in it are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::{Digest, INTERACTIVE};
use eigenscope_report_file::{
    ComparedNumber, Comparison, REPORT_VERSION, ReportFile, ReportInput, ReportOutput, ReportTable,
    ReportTask, ReportVerdict, SourceTable, TaskState,
};
use eigenscope_stage::{Event, Stage};
use serde_json::{Value, json};

use crate::classes::{accuracies, confusion, draw_confusion};
use eigenscope_testing::{Browser, TestFolder, program};

/// A class, a file, a parameter: whatever a page may have to show.
const HOSTILE: &str = "</script><img src=x onerror=hit=1>";

/// A page of a figure that is up to date and one that is not, all texts hostile.
fn report_file(folder: &TestFolder, figure: PathBuf) -> ReportFile {
    let task = |id: &str, state: TaskState| ReportTask {
        id: id.to_owned(),
        section: Stage::Figure,
        kind: "figure/confusion".to_owned(),
        parameters: json!({HOSTILE: HOSTILE}),
        labels: BTreeMap::from([(HOSTILE.to_owned(), json!(HOSTILE))]),
        seed: Some(7),
        seed_is_derived: true,
        seconds: None,
        fingerprint: HOSTILE.to_owned(),
        state,
        inputs: vec![ReportInput {
            role: HOSTILE.to_owned(),
            task: 0,
            kind: HOSTILE.to_owned(),
            file: HOSTILE.to_owned(),
            content: None,
        }],
        figure: Some(id.to_owned()),
        heading: Some(HOSTILE.to_owned()),
    };
    let table = |name: &str, task: usize| ReportTable {
        name: name.to_owned(),
        tasks: vec![task],
    };
    let drawn = ReportOutput {
        path: figure,
        bytes: 1,
        content: Digest::of(b""),
    };
    let current = TaskState::Current {
        key: HOSTILE.to_owned(),
        accepted_from: vec![HOSTILE.to_owned()],
        warnings: vec![HOSTILE.to_owned()],
        computed_on: Some(HOSTILE.to_owned()),
        outputs: BTreeMap::from([(INTERACTIVE.name().to_owned(), drawn)]),
    };
    let stale = TaskState::Stale {
        reasons: vec![HOSTILE.to_owned()],
    };
    ReportFile {
        version: REPORT_VERSION,
        output: folder.path("page.html"),
        is_split: false,
        pipeline: HOSTILE.to_owned(),
        description: HOSTILE.to_owned(),
        sections: BTreeMap::from([(HOSTILE.to_owned(), format!("All of {HOSTILE}"))]),
        pipeline_files: vec![HOSTILE.to_owned()],
        run_command: vec!["eigenscope".to_owned(), HOSTILE.to_owned()],
        export_command: vec!["eigenscope".to_owned(), HOSTILE.to_owned()],
        comparison: Some(Comparison {
            title: HOSTILE.to_owned(),
            reference_head: HOSTILE.to_owned(),
            file: HOSTILE.to_owned(),
            rows: vec![ComparedNumber {
                name: HOSTILE.to_owned(),
                source: HOSTILE.to_owned(),
                published: HOSTILE.to_owned(),
                tolerance: HOSTILE.to_owned(),
                ours: HOSTILE.to_owned(),
                difference: String::new(),
                rows_used: 1,
                verdict: ReportVerdict::Missing(HOSTILE.to_owned()),
                note: HOSTILE.to_owned(),
            }],
        }),
        tasks: vec![task(HOSTILE, current), task("figure.stale", stale)],
        tables: vec![table(HOSTILE, 0), table("figure.stale", 1)],
        arrows: vec![(0, 1)],
        sources: BTreeMap::from([(
            HOSTILE.to_owned(),
            SourceTable {
                bytes: 1,
                csv: Some(format!("name\n{HOSTILE}\n")),
            },
        )]),
    }
}

/// Runs the program; gives the page, or what it said.
fn write(folder: &TestFolder, file: &Value) -> Result<String, String> {
    let path = folder.path("report.json");
    std::fs::write(&path, file.to_string()).expect("written");
    let output = Command::new(program("eigenscope-report"))
        .arg("report")
        .arg(&path)
        .output()
        .expect("starts");
    if output.status.success() {
        return Ok(std::fs::read_to_string(folder.path("page.html")).expect("the page"));
    }
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    match serde_json::from_str(said.trim_end()).expect("an event") {
        Event::Failed { messages } => Err(messages.join(": ")),
        other => panic!("{other:?}"),
    }
}

/// A confusion matrix of a class with a hostile name.
fn figure(folder: &TestFolder) -> PathBuf {
    let rows = confusion(&[&[990, 10], &[0, 1000]]);
    let drawn = draw_confusion(folder, &rows, &accuracies(&[(HOSTILE, 990), ("dog", 1000)]));
    let path = folder.path("kept.json");
    std::fs::write(&path, drawn.bytes(INTERACTIVE)).expect("written");
    path
}

#[test]
fn hostile_texts_stay_texts() {
    let folder = TestFolder::new();
    let file = report_file(&folder, figure(&folder));
    let page = write(&folder, &json!(file)).expect("a page");
    assert_eq!(page.matches("<img").count(), 0);
    // Two scripts that run, the data of one figure and the rows of its table.
    assert_eq!(page.matches("<script").count(), 4);
    assert_eq!(page.matches("</script>").count(), 4);
    assert!(page.contains("&lt;/script&gt;&lt;img src=x onerror=hit=1&gt;"));
    assert!(page.contains("<p>All of &lt;/script&gt;"));
    assert!(page.contains("This figure is not up to date"));
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&folder.path("page.html"), (1280, 900));
    browser.evaluate("document.querySelector('.frame').scrollIntoView()");
    browser.wait_for("document.querySelector('.frame').dataset.state === 'drawn'");
    assert_eq!(
        browser.evaluate("[typeof hit, document.images.length]"),
        json!(["undefined", 0])
    );
    let shown = browser.evaluate("[...document.querySelectorAll('.interactive .xtick text')].map((text) => text.textContent)");
    // Long names are cut in the middle.
    let is_text =
        |text: &str| text.starts_with("</script><img") && text.ends_with("onerror=hit=1>");
    assert!(shown[0].as_str().is_some_and(is_text), "{shown}");
    assert_eq!(browser.complaints(), [""; 0]);
    // The policy holds even for what would have got through.
    let insert = format!(
        "document.querySelector('main').insertAdjacentHTML('beforeend', {})",
        json!("<img src=https://example.org/x onerror=hit=1>")
    );
    browser.evaluate(&insert);
    browser.evaluate("new Promise((next) => setTimeout(next, 200))");
    assert_eq!(browser.evaluate("typeof hit"), "undefined");
    let complaints = browser.complaints().join("\n");
    assert!(
        complaints.contains("Content Security Policy"),
        "{complaints}"
    );
    assert!(
        complaints.contains("Loading the image 'https://example.org/x' violates"),
        "{complaints}"
    );
}

#[test]
fn the_policy_allows_the_scripts_of_the_page_and_no_address() {
    let folder = TestFolder::new();
    let page = write(&folder, &json!(report_file(&folder, figure(&folder)))).expect("a page");
    let policy = page
        .split_once("Content-Security-Policy\" content=\"")
        .expect("a policy")
        .1;
    let policy = policy.split_once('"').expect("its end").0;
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-"),
        "{policy}"
    );
    for open in ["http", "*", "'self'", "unsafe-eval", "connect-src"] {
        assert!(!policy.contains(open), "{policy}");
    }
    // Outside of scripts, which may not add any.
    let written = page
        .split("<script")
        .map(|part| match part.split_once("</script>") {
            Some((_, after)) => after,
            None => part,
        });
    let written: String = written.collect();
    let links = written
        .split(" href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    for link in links {
        assert!(link.starts_with('#') || link.starts_with("data:"), "{link}");
    }
}

#[test]
fn what_cannot_be_shown_is_refused_and_no_page_is_left() {
    let folder = TestFolder::new();
    let kept = figure(&folder);
    let file = json!(report_file(&folder, kept.clone()));
    let refused = |change: &dyn Fn(&mut Value), part: &str| {
        let mut file = file.clone();
        change(&mut file);
        let said = write(&folder, &file).expect_err("no page");
        assert!(said.contains(part), "{said}");
        assert!(!Path::exists(&folder.path("page.html")));
    };
    refused(
        &|file| file["version"] = json!(99),
        "contract version 99, this program knows",
    );
    refused(&|file| file["pages"] = json!(2), "unknown field `pages`");
    refused(
        &|file| file["tasks"][0]["inputs"][0]["task"] = json!(9),
        "reads task number 9, but there are 2 tasks",
    );
    refused(
        &|file| file["tables"][1]["tasks"] = json!([2]),
        "the table figure.stale has the tasks [2] of 2",
    );
    refused(
        &|file| file["arrows"] = json!([[1, 0]]),
        "table number 0 of 2 reads table number 1",
    );
    let missing = |file: &mut Value| {
        file["tasks"][0]["state"]["current"]["outputs"]["interactive"]["path"] =
            json!("missing.json")
    };
    refused(&missing, "cannot read missing.json");
    let text = std::fs::read_to_string(&kept).expect("readable");
    for (broken, part) in [
        (
            text[..text.len() / 2].to_owned(),
            "is not a figure for pages of version 1",
        ),
        (
            text.replace("\"version\":1", "\"version\":9"),
            "is not a figure for pages of version 1",
        ),
    ] {
        std::fs::write(&kept, broken).expect("written");
        refused(&|_| {}, part);
    }
    let other = Command::new(program("eigenscope-report"))
        .args(["report", "none.json"])
        .output()
        .expect("starts");
    assert_eq!(other.status.code(), Some(2));
}
