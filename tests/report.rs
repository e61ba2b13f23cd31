//! `eigenscope report`: what the page says, that a browser shows it, and that all readers can use it.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::fs;

use eigenscope_testing::{Browser, PIPELINE, TASKS, TestFolder, TestProject, workspace};
use serde_json::{Value, json};

/// Figures of [`PIPELINE`].
const FIGURES: usize = 9;

/// Writes the report and gives its text.
#[track_caller]
fn report(project: &TestProject, options: &[&str]) -> String {
    let answer = project.call(&[&["report", "p.toml"], options].concat());
    project.read(answer.expect(0).stdout.trim_end())
}

/// How often a part occurs.
fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn the_page_has_every_figure_and_repeats_byte_by_byte() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let page = report(&project, &[]);
    assert_eq!(count(&page, "<article "), FIGURES);
    assert_eq!(count(&page, "class=\"frame\""), FIGURES);
    assert!(page.contains(&format!("all {TASKS} tasks are up to date")));
    assert!(!page.contains("id=\"published\""));
    assert!(page.contains("train.bilinear (train/bilinear): 4 of 4 tasks up to date"));
    assert!(page.contains("eigenscope run p.toml 'figure.similarity[variant=corrected]'"));
    assert!(page.contains("artifacts/p/metric.similarity,variant-corrected/similarity.parquet"));
    assert_eq!(report(&project, &["-o", "elsewhere/page.html"]), page);
    let timed = report(&project, &["--with-times", "-o", "timed.html"]);
    let head = "<th scope=\"col\" class=\"number\">time</th>";
    assert_eq!((count(&page, head), count(&timed, head)), (0, 1));
    assert!(timed.contains("for all tasks together"));
    let folder = project.path("");
    let folder = folder.to_string_lossy();
    assert!(
        !page.contains(folder.trim_end_matches('/')),
        "the page names the folder that it was made in"
    );
}

#[test]
fn models_and_data_sets_are_listed_with_what_is_known_of_them() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let page = report(&project, &[]);
    let section = |name: &str| {
        let start = page
            .find(&format!("<section id=\"{name}\""))
            .expect("a section");
        let end = page[start..].find("</section>").expect("its end");
        page[start..start + end].to_owned()
    };
    let models = section("models");
    let table = models.split("<tbody>").nth(1).expect("rows");
    assert_eq!(count(table, "<tr>"), 5, "four of a sweep and one: {table}");
    let query = "select model, hidden, seed, epochs, test_loss_nats, test_accuracy_fraction from metric_final";
    let finals = project.json(&["sql", "p.toml", query]);
    for row in finals["rows"].as_array().expect("rows") {
        let accuracy = row[5].as_f64().expect("a number");
        let cells = format!(
            "<td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            row[1], row[2]
        );
        let line = table
            .lines()
            .find(|line| line.contains(&cells))
            .expect("the model");
        assert!(
            line.contains(&format!(">{:.2}%<", 100.0 * accuracy)),
            "{row}: {line}"
        );
        let loss: f64 = line
            .split("class=\"number\">")
            .nth(3)
            .and_then(|cell| cell.split('<').next()?.parse().ok())
            .expect("a loss");
        let exact = row[4].as_f64().expect("a number");
        assert!((loss - exact).abs() < 1e-3 * exact, "{row}: {line}");
        let epochs = format!("</th><td class=\"number\">{}</td>", row[3]);
        assert!(line.contains(&epochs), "{row}: {line}");
    }
    let run = section("run");
    assert!(run.contains("<code>p.toml</code>"), "{run}");
    for id in ["data.digits", "data.similar"] {
        let shown = project.json(&["show", &format!("artifacts/p/{id}")]);
        let content = shown["artifacts"][0]["content"].as_str().expect("a digest");
        assert!(
            run.contains(&format!("<code>{content}</code>")),
            "{id}: {run}"
        );
    }
    assert_eq!(
        count(
            &run,
            "<td class=\"number\">1797</td><td class=\"number\">8 × 8 × 1</td>"
        ),
        2
    );
}

#[test]
fn a_folder_of_pages_holds_a_page_for_each_figure() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let written = project
        .call(&["report", "p.toml", "--split", "pages"])
        .expect(0);
    assert_eq!(written.stdout, "pages/index.html\n");
    let index = project.read("pages/index.html");
    let names: Vec<String> = links(&index, "figures/").map(str::to_owned).collect();
    assert_eq!(names.len(), 2 * FIGURES, "in the contents and in the list");
    let mut files: Vec<String> = fs::read_dir(project.path("pages/figures"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    files.sort();
    let mut linked: Vec<&str> = names
        .iter()
        .map(|name| name.trim_start_matches("figures/"))
        .collect();
    linked.sort_unstable();
    linked.dedup();
    assert_eq!(files, linked);
    for name in &files {
        let page = project.read(&format!("pages/figures/{name}"));
        assert_eq!(
            (count(&page, "<article "), count(&page, "class=\"frame\"")),
            (1, 1),
            "{name}"
        );
        assert!(page.len() < 1_000_000, "{name}: {} bytes", page.len());
        for row in links(&page, "../index.html#") {
            let anchor = row.split('#').nth(1).expect("an anchor");
            assert!(index.contains(&format!("id=\"{anchor}\"")), "{name}: {row}");
        }
        for link in links(&page, "").filter(|link| !link.contains(['#', ':'])) {
            assert!(
                project.path("pages/figures").join(link).is_file(),
                "{name}: {link}"
            );
        }
    }
    let before = project.read("pages/figures/training.html");
    project
        .call(&["report", "p.toml", "--split", "pages"])
        .expect(0);
    assert_eq!(project.read("pages/figures/training.html"), before);
    project.write("mine/notes.txt", "kept");
    let refused = project.call(&["report", "p.toml", "--split", "mine"]);
    refused.refuses(&["mine is there and holds other files than a report"]);
    assert_eq!(project.read("mine/notes.txt"), "kept");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&project.path("pages/index.html"), (1280, 900));
    browser.wait_for("!document.querySelector('.filter').hidden");
    for (words, found) in [
        ("no-such-word", json!(["No figure and no task fits.", true])),
        ("figure.training", json!(["1 figure, 1 task", false])),
        ("", json!(["", false])),
    ] {
        let entry = "document.querySelector('#contents a[href=\"#figures\"]').closest('li')";
        let said = browser.evaluate(&format!(
            "(filter => {{
                filter.value = '{words}';
                filter.dispatchEvent(new Event('input'));
                return [document.getElementById('found').textContent, {entry}.hidden];
            }})(document.getElementById('filter'))"
        ));
        assert_eq!(said, found, "{words}");
    }
    browser.open(&project.path("pages/figures/training.html"), (1280, 900));
    browser.wait_for("document.querySelector('.frame').dataset.state === 'drawn'");
    let head = browser.evaluate(&format!("{TAKE_ROWS}('history')"));
    assert!(
        head.as_str().expect("a text").starts_with("task,epoch,"),
        "{head}"
    );
    // The page's own folder is all that is read.
    let folder = format!("request for file://{}", project.path("pages").display());
    let complaints = browser.complaints();
    let others: Vec<&String> = complaints
        .iter()
        .filter(|one| !one.starts_with(&folder))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

/// Addresses in a page that begin like this.
fn links<'a>(page: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    let links = page.split(" href=\"").skip(1);
    let links = links.filter_map(|rest| rest.split('"').next());
    links.filter(move |link| link.starts_with(start))
}

#[test]
fn what_is_not_up_to_date_is_named_and_not_shown() {
    let project = TestProject::new(PIPELINE);
    let page = report(&project, &[]);
    assert_eq!(count(&page, "<article "), FIGURES);
    assert_eq!(count(&page, "class=\"frame\""), 0);
    assert!(page.contains(&format!("0 of {TASKS} tasks are up to date")));
    project.run();
    project.edit("count = 4", "count = 3");
    let answer = project.call(&["report", "p.toml"]).expect(0);
    answer.explains(&["4 of"]);
    let page = report(&project, &[]);
    assert_eq!(count(&page, "class=\"frame\""), FIGURES - 2);
    assert_eq!(count(&page, "This figure is not up to date"), 2);
    assert!(page.contains("parameter `count` changed from 4 to 3"));
}

#[test]
fn published_numbers_stand_beside_ours() {
    let project = TestProject::new(PIPELINE);
    let number = |name: &str, value: f64| {
        format!(
            "[[published]]\nname = \"{name}\"\nsource = \"a <b>paper</b>\"\ntable = \"metric.final\"\n\
             where = {{ hidden = 6 }}\ncolumn = \"test_accuracy_fraction\"\nvalue = {value}\ntolerance = 0.5\n"
        )
    };
    let published = [number("right", 0.5), number("wrong", 7.0)];
    project.write("p.published.toml", published.concat());
    let page = report(&project, &[]);
    assert_eq!(count(&page, "badge missing"), 2);
    project.run();
    let page = report(&project, &[]);
    assert_eq!(
        (count(&page, "badge ok"), count(&page, "badge off")),
        (1, 1)
    );
    assert!(page.contains("1 ok, 1 off"));
    assert!(page.contains("a &lt;b&gt;paper&lt;/b&gt;"));
}

#[test]
fn a_report_that_cannot_be_written_says_why() {
    let project = TestProject::new(PIPELINE);
    let refused = |options: &[&str], part: &str| {
        let answer = project.call(&[&["report"], options].concat());
        answer.refuses(&[part]);
    };
    refused(&["nothing"], "there is no pipeline `nothing`");
    refused(&["p.toml", "-o", "."], "is a folder");
    refused(&["p.toml", "-o", "p.toml/page.html"], "p.toml");
    refused(&["p.toml", "--published", "none.toml"], "none.toml");
    refused(&["p.toml", "--wrong"], "--wrong");
}

/// Scrolls to every figure, waits until it is drawn, and gives names and states.
const DRAW_ALL: &str = "(async () => {
    const states = [];
    for (const frame of document.querySelectorAll('.frame')) {
        frame.scrollIntoView();
        for (let wait = 0; wait < 600 && !frame.dataset.state; wait += 1)
            await new Promise((next) => setTimeout(next, 50));
        const drawn = frame.querySelectorAll('.interactive .main-svg').length > 0;
        states.push([frame.dataset.name, drawn ? frame.dataset.state : 'nothing drawn']);
    }
    return states;
})()";

/// The CSV that a figure's button gives.
const TAKE_CSV: &str = "(async (name) => {
    const taken = new Promise((done) => {
        const create = URL.createObjectURL;
        URL.createObjectURL = (blob) => { URL.createObjectURL = create; done(blob); return create(blob); };
    });
    document.querySelector(`[data-name='${name}']`).closest('article').querySelector('.csv').click();
    return (await taken).text();
})";

/// The CSV of the table of a kind that the first figure with such a button gives.
const TAKE_ROWS: &str = "(async (kind) => {
    const taken = new Promise((done) => {
        const create = URL.createObjectURL;
        URL.createObjectURL = (blob) => { URL.createObjectURL = create; done(blob); return create(blob); };
    });
    [...document.querySelectorAll('.rows')].find((button) => button.textContent.startsWith(`Table ${kind} `)).click();
    return (await taken).text();
})";

fn drawn(browser: &mut Browser) -> usize {
    let states = browser.evaluate(DRAW_ALL);
    let states = states.as_array().expect("a list");
    for state in states {
        assert_eq!(state[1], "drawn", "{state}");
    }
    states.len()
}

#[test]
fn a_browser_draws_every_figure_of_the_digits() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let read = |name: &str| fs::read_to_string(workspace("pipelines").join(name)).expect("a file");
    let project = TestProject::new(&read("digits.toml"));
    project.write("p.published.toml", read("digits.published.toml"));
    project.run();
    let page = report(&project, &[]);
    let file = project.path("artifacts/p/report.html");
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    for (size, scheme) in [
        ((1280, 900), "light"),
        ((1280, 900), "dark"),
        ((390, 800), "light"),
    ] {
        browser.prefer(scheme);
        browser.open(&file, size);
        assert_eq!(
            drawn(&mut browser),
            count(&page, "<article "),
            "{size:?}, {scheme}"
        );
        let room = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]");
        assert!(
            room[0].as_f64() <= room[1].as_f64(),
            "{size:?}: the page is {room} px wide"
        );
        assert_eq!(browser.complaints(), [""; 0], "{size:?}, {scheme}");
    }
    // What is in space turns when it is dragged.
    browser.open(&file, (1280, 900));
    for name in ["embedding-space", "unit-circle"] {
        let frame = format!("document.querySelector(\"[data-name='{name}']\")");
        browser.evaluate(&format!("{frame}.scrollIntoView()"));
        browser.wait_for(&format!("{frame}.dataset.state === 'drawn'"));
        let eye = format!(
            "Object.values({frame}.querySelector('.interactive')._fullLayout.scene._scene.getCamera().eye)"
        );
        let before = browser.evaluate(&eye);
        let place = browser.evaluate(&format!(
            "(box => [box.x + 250, box.y + 250])({frame}.querySelector('.interactive').getBoundingClientRect())"
        ));
        let at = |place: &Value, axis: usize| place[axis].as_f64().expect("a number");
        for (kind, moved) in [
            ("mousePressed", 0.0),
            ("mouseMoved", 40.0),
            ("mouseMoved", 80.0),
            ("mouseReleased", 80.0),
        ] {
            let (x, y) = (at(&place, 0) + moved, at(&place, 1) + moved / 2.0);
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1});
            browser.call("Input.dispatchMouseEvent", event);
            browser.evaluate("new Promise((next) => setTimeout(next, 100))");
        }
        let after = browser.evaluate(&eye);
        let turned = (0..3).any(|axis| (at(&before, axis) - at(&after, axis)).abs() > 0.05);
        assert!(turned, "{name}: {before} {after}");
    }
    data_are_given(&mut browser, &project);
    the_graph_shows_ways(&mut browser);
    assert_eq!(browser.complaints(), [""; 0]);
    // On paper, still pictures stand in place of everything that was drawn.
    let paper = browser.call("Page.printToPDF", json!({"printBackground": true}));
    assert!(paper["data"].as_str().expect("a file").len() > 100_000);
}

/// Every box of the graph leads somewhere, every arrow to the right, and pointing at a box shows what it is joined with.
fn the_graph_shows_ways(browser: &mut Browser) {
    let wrong = browser.evaluate(
        "[...document.querySelectorAll('.graph a')].filter((a) => !document.querySelector(a.getAttribute('href')))
            .concat([...document.querySelectorAll('.graph path')].filter((path) => {
                const box = path.getBBox();
                const [start, end] = [path.getPointAtLength(0), path.getPointAtLength(path.getTotalLength())];
                return end.x <= start.x || box.width <= 0;
            })).length",
    );
    assert_eq!(wrong, 0);
    let names = "[...document.querySelectorAll('.graph a.joined title')].map((title) => title.textContent.split(' ')[0]).sort()";
    assert_eq!(browser.evaluate(names), json!([]));
    let place = browser.evaluate(
        "(node => (node.scrollIntoView({block: 'center'}), (box => [box.x + 9, box.y + 9])(node.getBoundingClientRect())))(
            [...document.querySelectorAll('.graph a')].find((a) => a.textContent.startsWith('train.ground-truth ')))",
    );
    let event = json!({"type": "mouseMoved", "x": place[0], "y": place[1]});
    browser.call("Input.dispatchMouseEvent", event);
    let joined = [
        "data.digits-similar",
        "decompose.ground-truth",
        "decompose.interaction-ground-truth",
        "figure.eigenspectrum",
        "figure.ground-truth",
        "metric.final-ground-truth",
        "train.ground-truth",
    ];
    assert_eq!(browser.evaluate(names), json!(joined));
    let event = json!({"type": "mouseMoved", "x": 1, "y": 1});
    browser.call("Input.dispatchMouseEvent", event);
    assert_eq!(browser.evaluate(names), json!([]));
}

/// The CSV of figures of several sorts.
fn data_are_given(browser: &mut Browser, project: &TestProject) {
    let mut lines_of = |name: &str| {
        let csv = browser.evaluate(&format!("{TAKE_CSV}('{name}')"));
        let csv = csv.as_str().expect("a text");
        csv.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let space = lines_of("embedding-space");
    assert_eq!(space[0], "panel,series,x,y,z");
    assert_eq!(space.len(), 1 + 128);
    let length = |line: &String| {
        let values = line
            .split(',')
            .skip(2)
            .map(|value| value.parse::<f64>().expect("a number"));
        values.map(|value| value * value).sum::<f64>()
    };
    assert!(
        space[1..]
            .iter()
            .all(|line| (length(line) - 1.0).abs() < 1e-4)
    );
    let confusion = lines_of("confusion-before");
    assert_eq!(confusion[0], "panel,x_axis,y_axis,row,column,x,y,value");
    assert_eq!(confusion.len(), 1 + 4 * 4, "pairs of classes");
    let training = lines_of("training");
    // Panels, models, epochs; and in two panels the ends of the line of guessing.
    assert_eq!(training.len(), 1 + 4 * 12 * 80 + 2 * 2);
    let similarity = lines_of("similarity-corrected");
    assert!(similarity[0].contains("lower,upper"), "{}", similarity[0]);
    let samples = lines_of("samples");
    assert_eq!(samples.len(), 1 + 5 * 64, "pixels of five images");
    let mut rows_of = |kind: &str| {
        let csv = browser.evaluate(&format!("{TAKE_ROWS}('{kind}')"));
        csv.as_str().expect("a text").to_owned()
    };
    let exported = project
        .call(&[
            "export",
            "p.toml",
            "metric.shared-basis",
            "-o",
            "-",
            "--format",
            "csv",
        ])
        .expect(0);
    assert_eq!(rows_of("shared-basis"), exported.stdout);
    let history = rows_of("history");
    let models = history
        .lines()
        .skip(1)
        .filter_map(|line| line.split("\",").next());
    let models: std::collections::BTreeSet<&str> = models.collect();
    assert!(models.len() > 1, "{models:?}");
}

/// Rules of WCAG 2.1, levels A and AA, that a page breaks, each with the elements.
const BROKEN_RULES: &str = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })
    .then(({ violations }) => violations.map((rule) => [rule.id, rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]))";

/// The script of axe-core from a package of PyPI; says why and gives none where there is no Python or no network.
fn axe(folder: &TestFolder) -> Option<String> {
    let mut pip = std::process::Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
    ]);
    pip.args(["--retries", "1", "--timeout", "15", "--target"]);
    pip.arg(folder.path("axe")).arg("axe-playwright-python");
    let taken = pip.output().is_ok_and(|output| output.status.success());
    let script = folder.path("axe/axe_playwright_python/axe.min.js");
    let script = taken.then(|| fs::read_to_string(script).ok()).flatten();
    if script.is_none() {
        eprintln!("skipped: axe-core cannot be had: pip install axe-playwright-python fails");
    }
    script
}

#[test]
fn readers_of_all_kinds_can_use_the_page() {
    let folder = TestFolder::new();
    let (Some(mut browser), Some(axe)) = (Browser::start(), axe(&folder)) else {
        return;
    };
    let project = TestProject::new(PIPELINE);
    project.run();
    project.write(
        "pipelines/stale.toml",
        PIPELINE.replace("epochs = 3", "epochs = 4"),
    );
    report(&project, &[]);
    project
        .call(&["report", "stale", "-o", "stale.html"])
        .expect(0);
    project
        .call(&["report", "p.toml", "--split", "pages"])
        .expect(0);
    for page in [
        "artifacts/p/report.html",
        "stale.html",
        "pages/index.html",
        "pages/figures/training.html",
    ] {
        for (size, scheme) in [
            ((1280, 900), "light"),
            ((1280, 900), "dark"),
            ((420, 900), "light"),
        ] {
            browser.prefer(scheme);
            browser.open(&project.path(page), size);
            drawn(&mut browser);
            browser.evaluate(
                "document.querySelectorAll('details').forEach((part) => (part.open = true))",
            );
            browser.evaluate(&axe);
            let broken = browser.evaluate(BROKEN_RULES);
            assert_eq!(broken, json!([]), "{page}, {size:?}, {scheme}: {broken:#}");
        }
    }
}
