//! The page of a report: the program writes it from a report file, whatever the texts in it are.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eigenscope_artifact::{Digest, INTERACTIVE};
use eigenscope_figure::{
    Axes, Axis, ColourBar, ColourScale, Figure, GridCell, GridRow, ImageGrid, Layer, Legend, Line,
    Matrix, Panel, Rgb, interactive,
};
use eigenscope_report_file::{
    ComparedNumber, Comparison, REPORT_VERSION, ReportFile, ReportInput, ReportOutput, ReportTable,
    ReportTask, ReportVerdict, SourceTable, TaskState,
};
use eigenscope_stage::{Event, Stage};
use flate2::read::ZlibDecoder;
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
    // Two scripts that run, the library, the data of one figure and the rows of its table.
    assert_eq!(page.matches("<script").count(), 5);
    assert_eq!(page.matches("</script>").count(), 5);
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

/// A report file with this many figures, all of the same bytes.
fn many(folder: &TestFolder, figures: usize) -> ReportFile {
    let mut file = report_file(folder, figure(folder));
    let task = file.tasks[0].clone();
    file.tasks = (0..figures)
        .map(|index| ReportTask {
            id: format!("figure.confusion-{index}"),
            figure: Some(format!("confusion-{index}")),
            ..task.clone()
        })
        .collect();
    file.tables = (0..figures)
        .map(|index| ReportTable {
            name: format!("figure.confusion-{index}"),
            tasks: vec![index],
        })
        .collect();
    file.arrows.clear();
    file
}

/// The texts between two marks.
fn between<'a>(page: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = page.split(start).skip(1);
    parts.filter_map(move |part| Some(part.split_once(end)?.0))
}

/// What a page holds packed: base64 of zlib.
fn unpacked(packed: &str) -> String {
    let bytes = STANDARD.decode(packed).expect("base64");
    let mut text = String::new();
    let mut decoder = ZlibDecoder::new(bytes.as_slice());
    decoder.read_to_string(&mut text).expect("a text");
    text
}

#[test]
fn data_are_packed_and_scripts_run_before_the_figures_are_read() {
    let folder = TestFolder::new();
    let kept = std::fs::read(figure(&folder)).expect("readable");
    let kept: Value = serde_json::from_slice(&kept).expect("JSON");
    let page = write(&folder, &json!(many(&folder, 3))).expect("a page");
    let data: Vec<&str> = between(&page, ".data\">", "</script>").collect();
    assert_eq!(data.len(), 1 + 3, "the library and three figures");
    assert!(unpacked(data[0]).contains("plotly.js v"));
    for data in &data[1..] {
        let data: Value = serde_json::from_str(&unpacked(data)).expect("JSON");
        for part in ["data", "wide", "narrow", "panels"] {
            assert_eq!(data[part], kept[part], "{part}");
        }
    }
    let rows: Vec<String> = between(&page, "<script type=\"text/plain\" id=\"rows-0\">", "<")
        .map(unpacked)
        .collect();
    assert_eq!(rows, [format!("name\n{HOSTILE}\n")]);
    // A browser runs what has no type, and what is a module or JavaScript.
    assert_eq!(page.matches("<script>").count(), 2);
    assert_eq!(page.matches("<script type=\"text/plain\"").count(), 4 + 1);
    assert_eq!(page.matches("<script").count(), 2 + 4 + 1);
    let place = |part: &str| page.find(part).expect(part);
    assert!(place("id=\"library.data\"") < place("<script>"));
    assert!(place("<nav id=\"contents\"") < place("<script>"));
    assert!(place("<script>") < place("<article"));
    let more = write(&folder, &json!(many(&folder, 13))).expect("a page");
    let each = (more.len() - page.len()) / 10;
    let still = kept["still"].as_str().expect("a text").len();
    let form = data[1].len();
    assert!(
        form < json!([kept["data"], kept["wide"], kept["narrow"]])
            .to_string()
            .len()
            / 2,
        "{form} bytes"
    );
    assert!(
        each < still + form + 8000,
        "{each} bytes a figure, {still} of them the still picture and {form} its data"
    );
}

#[test]
fn a_browser_keeps_what_is_in_sight_and_little_else() {
    const FIGURES: usize = 60;
    let folder = TestFolder::new();
    write(&folder, &json!(many(&folder, FIGURES))).expect("a page");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&folder.path("page.html"), (1280, 900));
    browser.wait_for("document.querySelector('.frame').dataset.state === 'drawn'");
    let shown = "[document.querySelectorAll('.still').length, document.querySelectorAll('.frame[data-state]').length]";
    let at_first = browser.evaluate(shown);
    assert!(at_first[0].as_u64().expect("a number") < 8, "{at_first}");
    let last = browser.evaluate(
        "(async () => {
            const frames = [...document.querySelectorAll('.frame')];
            for (const frame of frames) {
                frame.scrollIntoView();
                for (let wait = 0; wait < 600 && frame.dataset.state !== 'drawn'; wait += 1)
                    await new Promise((next) => setTimeout(next, 10));
                if (frame.dataset.state !== 'drawn') return frame.dataset.name;
            }
            return frames.length;
        })()",
    );
    assert_eq!(last, json!(FIGURES));
    let at_last = browser.evaluate(shown);
    assert!(at_last[0].as_u64().expect("a number") < 50, "{at_last}");
    assert!(at_last[1].as_u64().expect("a number") < 50, "{at_last}");
    // What was given back is drawn again.
    browser.evaluate("document.querySelector('.frame').scrollIntoView()");
    browser.wait_for("document.querySelector('.frame').dataset.state === 'drawn'");
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Two figures that are wider than most screens: small images with a colour bar, and lines whose legend has a long title.
fn wide_figures() -> [Figure; 2] {
    let image = || Matrix::new(8, 8, vec![0.5; 64]).expect("an image");
    let rows = (0..3).map(|row| GridRow {
        label: row.to_string(),
        cells: vec![Some(GridCell::new("−0.25", image())); 6],
    });
    let colours = ColourScale::diverging(1.0);
    let mut grid = ImageGrid::new(rows.collect(), colours.clone());
    grid.column_labels = (1..=6).map(|rank| rank.to_string()).collect();
    let bar = ColourBar::new("Component", colours);
    let images = Panel::images("Images", grid).with_colour_bar(bar);
    let line = |number: usize| {
        let line = Line::new(vec![0.0, 1.0], vec![0.0, 1.0], Rgb::categorical(number));
        Layer::Line(line.named(format!("{} (n = 3)", 8 << number)))
    };
    let lines = || {
        let axis = |name: &str| Axis::linear(name, (0.0, 1.0));
        Panel::axes(
            "Lines",
            Axes::new(axis("x"), axis("y"), (0..6).map(line).collect()),
        )
    };
    [
        Figure::new("Images", "", 1150.0, 1, vec![images]),
        Figure::new("Lines", "", 1150.0, 2, vec![lines(), lines()])
            .with_legend(Legend::below("Number of hidden units")),
    ]
}

#[test]
fn figures_are_seen_from_end_to_end_on_screens_of_any_width() {
    let folder = TestFolder::new();
    let mut file = many(&folder, 2);
    for (number, (task, figure)) in file.tasks.iter_mut().zip(wide_figures()).enumerate() {
        let form = interactive(&figure).expect("a form");
        let path = folder.path(&format!("figure-{number}.json"));
        std::fs::write(&path, json!(form).to_string()).expect("written");
        if let TaskState::Current { outputs, .. } = &mut task.state {
            for output in outputs.values_mut() {
                output.path.clone_from(&path);
            }
        }
    }
    write(&folder, &json!(file)).expect("a page");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    for width in [380, 620, 800, 1000, 1280] {
        browser.open(&folder.path("page.html"), (width, 900));
        let out_of_sight = browser.evaluate(
            "(async () => {
                const found = [];
                for (const frame of document.querySelectorAll('.frame')) {
                    frame.scrollIntoView();
                    for (let wait = 0; wait < 600 && frame.dataset.state !== 'drawn'; wait += 1)
                        await new Promise((next) => setTimeout(next, 10));
                    frame.scrollLeft = 1000;
                    const { left, right } = frame.getBoundingClientRect();
                    const texts = [...frame.querySelectorAll('.interactive text')].filter((text) => {
                        const area = text.getBoundingClientRect();
                        return area.width > 0 && (area.left < left - 1 || area.right > right + 1);
                    });
                    found.push([frame.dataset.state, frame.scrollLeft, ...texts.map((text) => text.textContent)]);
                }
                return found;
            })()",
        );
        assert_eq!(
            out_of_sight,
            json!([["drawn", 0], ["drawn", 0]]),
            "{width} px"
        );
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

/// What has the focus, whether that can be seen, and whether it had it before; `null` outside of the page.
const FOCUS: &str = "(() => {
    const part = document.activeElement;
    if (!part || part === document.body) return null;
    window.visited ??= new Set();
    const again = visited.has(part);
    visited.add(part);
    const { outlineStyle, outlineWidth } = getComputedStyle(part);
    const marked = part.closest('.graph') !== null || (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0);
    const { top, bottom, left, right } = part.getBoundingClientRect();
    const inSight = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
    return [part.outerHTML.slice(0, 200), marked && inSight, again];
})()";

#[test]
fn the_page_can_be_used_by_the_keyboard() {
    let folder = TestFolder::new();
    write(&folder, &json!(many(&folder, 12))).expect("a page");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    // The contents are higher than the window.
    browser.open(&folder.path("page.html"), (1280, 400));
    browser.wait_for("document.querySelector('.filter').hidden === false");
    let mut stops = 0;
    loop {
        browser.press("Tab");
        let focus = browser.evaluate(FOCUS);
        if focus.is_null() {
            break;
        }
        assert_eq!(
            (&focus[1], &focus[2]),
            (&json!(true), &json!(false)),
            "{focus}"
        );
        stops += 1;
    }
    // What can be pressed or followed, and regions that scroll; not what is folded or hidden.
    let usable = browser.evaluate(
        "[...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')]
            .filter((part) => part.checkVisibility() && visited.has(part) === false)
            .map((part) => part.outerHTML.slice(0, 200))",
    );
    assert_eq!(usable, json!([]), "never reached, of {stops} that are");
    // Who goes through the contents stays there when the page moves.
    browser.press("Tab");
    browser.evaluate("scrollTo(0, 0)");
    let last = "[...document.querySelectorAll('#contents a')].at(-1)";
    let moved = browser.evaluate(&format!(
        "(async () => {{
            {last}.focus({{ focusVisible: true }});
            const before = document.getElementById('contents').scrollTop;
            scrollBy(0, 1);
            await new Promise((next) => setTimeout(next, 200));
            return [before > 0, document.getElementById('contents').scrollTop - before];
        }})()"
    ));
    assert_eq!(moved, json!([true, 0]));
    browser.evaluate("document.getElementById('theme').focus()");
    let theme = "document.documentElement.dataset.theme";
    browser.press("Enter");
    assert_eq!(browser.evaluate(theme), json!("dark"));
    browser.press(" ");
    assert_eq!(browser.evaluate(theme), json!("light"));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn without_scripts_still_pictures_are_shown() {
    let folder = TestFolder::new();
    write(&folder, &json!(many(&folder, 3))).expect("a page");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    browser.open(&folder.path("page.html"), (1280, 900));
    let shown = browser.evaluate(
        "['.still > svg', '.about', 'button, input'].map((selector) =>
            [...document.querySelectorAll(selector)].filter((part) => part.checkVisibility()).length)",
    );
    assert_eq!(shown, json!([3, 0, 0]));
    let about = browser.evaluate("document.querySelectorAll('article dl').length");
    assert_eq!(about, 3);
}

#[test]
fn times_sort_by_their_lengths() {
    let folder = TestFolder::new();
    let mut file = many(&folder, 3);
    for (task, seconds) in file.tasks.iter_mut().zip([5.0, 720.0, 90.0]) {
        task.seconds = Some(seconds);
    }
    write(&folder, &json!(file)).expect("a page");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&folder.path("page.html"), (1280, 900));
    browser.wait_for("document.querySelector('#tasks th button') !== null");
    let times = browser.evaluate(
        "(() => {
            const head = [...document.querySelectorAll('#tasks th')].find((head) => head.textContent === 'time');
            head.querySelector('button').click();
            return [...document.querySelectorAll('#tasks tbody tr')].map((row) => row.cells[head.cellIndex].textContent);
        })()",
    );
    assert_eq!(times, json!(["5.00 s", "90 s", "12 min"]));
}

#[test]
fn on_paper_nothing_is_folded_or_torn() {
    let folder = TestFolder::new();
    write(&folder, &json!(many(&folder, 3))).expect("a page");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&folder.path("page.html"), (1280, 900));
    browser.wait_for("document.querySelector('.frame').dataset.state === 'drawn'");
    browser.evaluate("dispatchEvent(new Event('beforeprint'))");
    browser.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
    let shown = browser.evaluate(
        "(() => {
            const all = (selector, is) => [...document.querySelectorAll(selector)].every(is);
            const style = (part) => getComputedStyle(part);
            return {
                pictures: all('.frame', (frame) => frame.querySelector('.still').checkVisibility()),
                drawings: all('.interactive', (part) => !part.checkVisibility()),
                whole: all('.box', (box) => style(box).breakInside === 'avoid' && box.querySelector('h3, h4') && box.querySelector('.frame')),
                // A box of a button in the head of a table keeps it from standing on each page.
                heads: all('th > button', (button) => style(button).display === 'contents'),
                buttons: all('button:not(th > button), nav, article > details', (part) => !part.checkVisibility()),
                sections: all('main > section', (part) => style(part).contentVisibility === 'visible'),
            };
        })()",
    );
    let parts = shown.as_object().expect("an object");
    assert!(parts.values().all(|part| part == true), "{shown}");
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
            "is not a figure for pages of version 2",
        ),
        (
            text.replace("\"version\":2", "\"version\":9"),
            "is not a figure for pages of version 2",
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
