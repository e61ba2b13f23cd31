//! How long pages of reports take to open: that of `pipelines/digits.toml`, and those of 2,000 figures.
//!
//! `cargo bench --workspace --bench page` (after `make programs`). The large pipeline has every figure of the digits many times, under
//! names of their own. Each page is opened from the disk by a new headless Chromium, and again; printed are medians, in ms since
//! navigation began. `-- --keep FOLDER` leaves the pages there. Without Chromium, only sizes are printed.

#![allow(clippy::print_stdout, reason = "a bench talks")]
#![allow(clippy::expect_used, reason = "a bench is no library")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use eigenscope_testing::{Browser, TestProject, workspace};
use serde_json::json;

/// Least number of figures of the large pages.
const FIGURES: usize = 2000;
/// How often each page is opened.
const RUNS: usize = 3;
/// Size of the window, px.
const WINDOW: (u32, u32) = (1280, 900);

/// Notes when the contents are there, the first still picture, the first figure that is drawn, and the filter.
const WATCH: &str = "(() => {
    const seen = (window.seen = {});
    const note = (what, selector) => {
        if (seen[what] === undefined && document.querySelector(selector)) seen[what] = performance.now();
    };
    const look = () => {
        note('contents', '#contents li a');
        note('picture', '.frame .still');
        note('figure', '.frame[data-state=drawn]');
        note('filter', '.filter:not([hidden])');
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()";

/// What is measured, each with the expression that gives it.
const MEASURED: [(&str, &str); 6] = [
    (
        "first paint",
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0",
    ),
    ("contents", "seen.contents"),
    ("first picture", "seen.picture ?? 0"),
    ("first figure", "seen.figure ?? 0"),
    ("filter", "seen.filter"),
    (
        "everything loaded",
        "performance.getEntriesByType('navigation')[0].loadEventEnd",
    ),
];

fn main() {
    let text = fs::read_to_string(workspace("pipelines/digits.toml")).expect("readable");
    let project = TestProject::new(&text);
    project.write("pipelines/many.toml", repeated(&text));
    project.run();
    project.call(&["run", "many", "--offline"]).expect(0);
    for (name, options) in [
        ("digits", ["p.toml", "-o", "digits.html"]),
        ("many", ["many", "-o", "many.html"]),
        ("many, split", ["many", "--split", "split"]),
    ] {
        measure(name, &written(&project, &options));
    }
    if let Some(folder) = folder_to_keep() {
        let pages = ["digits.html", "many.html", "split"].map(|name| project.path(name));
        let copied = Command::new("cp")
            .arg("-r")
            .args(pages)
            .arg(folder)
            .status();
        assert!(copied.expect("cp runs").success());
    }
}

/// The folder after `--keep`.
fn folder_to_keep() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--keep");
    arguments.nth(1)
}

/// The pipeline with enough copies of its figures.
fn repeated(pipeline: &str) -> String {
    let figures: Vec<&str> = pipeline
        .split("\n[figure.")
        .skip(1)
        .map(|rest| rest.split("\n[").next().unwrap_or_default())
        .collect();
    let copies = (1..FIGURES.div_ceil(figures.len())).flat_map(|copy| {
        let copied = move |figure: &&str| copied(figure, copy);
        figures.iter().map(copied).collect::<Vec<_>>()
    });
    copies.fold(pipeline.to_owned(), |text, copy| text + &copy)
}

/// A table of a figure under another name. Without a kind, its name says what it draws.
fn copied(figure: &str, copy: usize) -> String {
    let (name, rest) = figure.split_once(']').expect("a head");
    let kind = match rest.contains("\nkind =") {
        true => String::new(),
        false => format!("\nkind = \"{name}\""),
    };
    format!("\n[figure.copy-{copy}-{name}]{kind}{rest}\n")
}

/// Writes a report, and says how long that took.
fn written(project: &TestProject, options: &[&str]) -> PathBuf {
    let begun = Instant::now();
    let answer = project.call(&[&["report"], options].concat()).expect(0);
    let seconds = begun.elapsed().as_secs_f64();
    println!("page: {}: written in {seconds:.2} s", options.join(" "));
    project.path(answer.stdout.trim_end())
}

/// Opens a page some times and prints the medians.
fn measure(name: &str, page: &Path) {
    let bytes = fs::metadata(page).expect("a page").len();
    println!("  {name}: {:.1} MB", bytes as f64 / 1e6);
    let runs: Option<Vec<Vec<f64>>> = (0..RUNS).map(|_| open(page)).collect();
    for (index, (what, _)) in MEASURED.iter().enumerate() {
        let Some(runs) = &runs else { return };
        let mut times: Vec<f64> = runs.iter().map(|times| times[index]).collect();
        times.sort_by(f64::total_cmp);
        println!("    {what:<18} {:6.0} ms", times[RUNS / 2]);
    }
}

/// Opens a page in a new browser until it is loaded and its first figure, if it has any, is drawn.
fn open(page: &Path) -> Option<Vec<f64>> {
    let mut browser = Browser::start()?;
    let watch = json!({"source": WATCH});
    browser.call("Page.addScriptToEvaluateOnNewDocument", watch);
    browser.open(page, WINDOW);
    browser.wait_for(
        "performance.getEntriesByType('navigation')[0].loadEventEnd > 0 && seen.filter > 0
            && (seen.figure > 0 || !document.querySelector('.frame'))",
    );
    let values = MEASURED.map(|(_, value)| value).join(", ");
    let values = browser.evaluate(&format!("[{values}]"));
    let values = values.as_array().expect("a list").iter();
    Some(
        values
            .map(|value| value.as_f64().expect("a number"))
            .collect(),
    )
}
