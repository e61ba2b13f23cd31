//! What the pages say is true as far as a program can tell: links and paths lead somewhere, commands run, kinds are listed.
//!
//! Fenced blocks of README and guide are run in order in one project. The word after the language decides:
//!
//! ```text
//! sh               runs with `sh -eu`
//! sh not-run       is not run: it needs real data, a cluster or hours
//! sh needs=NAME    runs if a program or a file of the project has this name
//! toml, python     is written as a file if its first line is `# PATH`, appended with `# PATH, continued`
//! ```
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test; a block that is left out is said"
)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use eigenscope_testing::{Answer, file_name, files_below, make, programs, workspace};

/// Blocks of commands that are not run.
const NOT_RUN: usize = 4;

/// Beginnings of paths of the repository, as pages quote them.
const FOLDERS: [&str; 7] = [
    "crates/",
    "docs/",
    "fuzz/",
    "pipelines/",
    "tests/",
    ".ci/",
    ".github/",
];

fn root() -> PathBuf {
    fs::canonicalize(workspace("")).expect("the workspace")
}

/// The path without `.` and `..`, which need not exist.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page, sorted.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let folders = ["docs", ".github"].map(|folder| files_below(&root.join(folder)));
    let mut pages = folders.concat();
    for page in ["README", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"] {
        pages.push(root.join(page).with_extension("md"));
    }
    pages.retain(|path| path.extension().is_some_and(|end| end == "md"));
    pages.sort();
    pages
}

struct Block {
    /// The language, and what follows it.
    info: String,
    /// Number of its first line in the page.
    line: usize,
    text: String,
}

/// The lines of a page outside fenced blocks, and the blocks.
fn split(text: &str) -> (Vec<&str>, Vec<Block>) {
    let (mut prose, mut blocks, mut open) = (Vec::new(), Vec::new(), None::<Block>);
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                open = Some(Block {
                    info: info.to_owned(),
                    line: number + 1,
                    text: String::new(),
                });
            }
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => prose.push(line),
        }
    }
    assert!(open.is_none(), "a block is not closed");
    (prose, blocks)
}

/// What stands between backticks, and the line without it.
fn code_spans(line: &str) -> (Vec<&str>, String) {
    let mut parts = line.split('`').enumerate();
    let (mut spans, mut rest) = (Vec::new(), String::new());
    for (position, part) in &mut parts {
        match position % 2 {
            0 => rest += part,
            _ => spans.push(part),
        }
    }
    (spans, rest)
}

/// The targets of the links and pictures of a line.
fn targets(line: &str) -> Vec<String> {
    let (_, line) = code_spans(line);
    let ends = [("](", ')'), ("src=\"", '"')];
    let found = ends.iter().flat_map(|&(start, end)| {
        let rests = line.split(start).skip(1);
        rests.filter_map(move |rest| rest.split(end).next().map(str::to_owned))
    });
    found.collect()
}

/// The anchors of a page's headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = split(text)
        .0
        .into_iter()
        .filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        for target in split(&text).0.into_iter().flat_map(targets) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match file {
                "" => page.clone(),
                file => plain(&page.with_file_name(file)),
            };
            let leads =
                file.exists() && (anchor.is_empty() || anchors(&read(&file)).contains(anchor));
            if !leads {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn quoted_paths_exist() {
    let root = root();
    let mut missing = Vec::new();
    for page in pages() {
        // What was, and what decisions were about, may be gone.
        if page.ends_with("CHANGELOG.md") || page.starts_with(root.join("docs/decisions")) {
            continue;
        }
        for line in split(&read(&page)).0 {
            for span in code_spans(line).0 {
                let is_path = FOLDERS.iter().any(|folder| span.starts_with(folder));
                let is_pattern =
                    span.contains(['*', '<', ' ']) || span.chars().any(char::is_uppercase);
                let is_example = page.starts_with(root.join("docs/guide"));
                if is_path && !is_pattern && !is_example && !root.join(span).exists() {
                    missing.push(format!("{}: {span}", page.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_summary_names_every_page_of_the_book_once() {
    let docs = root().join("docs");
    let summary = read(&docs.join("SUMMARY.md"));
    let mut named: Vec<String> = summary.lines().flat_map(targets).collect();
    named.sort();
    let pages = files_below(&docs);
    let pages = pages
        .iter()
        .filter(|page| page.extension().is_some_and(|end| end == "md"));
    let names = pages.map(|page| {
        page.strip_prefix(&docs)
            .expect("below")
            .display()
            .to_string()
    });
    let mut names: Vec<String> = names.filter(|name| name != "SUMMARY.md").collect();
    names.sort();
    assert_eq!(named, names);
}

#[test]
fn pages_are_complete_and_the_first_ones_short() {
    for (page, most) in [("README.md", 120), ("ARCHITECTURE.md", 150)] {
        let lines = read(&root().join(page)).lines().count();
        assert!(lines <= most, "{page} has {lines} lines");
    }
    for page in pages() {
        let text = read(&page);
        let shown = page.display();
        for host in ["crates.io", "pypi.org", "npmjs."] {
            assert!(!text.contains(host), "{shown} names {host}");
        }
        for open in ["TODO", "FIXME", "XXX"] {
            assert!(!text.contains(open), "{shown} is not finished: {open}");
        }
        let is_form = page.starts_with(root().join(".github"));
        assert!(is_form || text.starts_with("# "), "{shown} has no title");
    }
}

/// A project with the pipelines, the Makefile and the built programs.
fn project() -> tempfile::TempDir {
    let root = root();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    fs::copy(root.join("Makefile"), at("Makefile")).expect("copied");
    for name in ["pipelines", "target", "crates"] {
        fs::create_dir(at(name)).expect("created");
    }
    for file in fs::read_dir(root.join("pipelines")).expect("a folder") {
        let file = file.expect("readable").path();
        fs::copy(&file, at("pipelines").join(file_name(&file))).expect("copied");
    }
    symlink(programs(), at("target/release")).expect("linked");
    folder
}

/// Writes the pictures that the README speaks of: `data/mine/train/CLASS/*` and `data/mine/test/CLASS/*`, in colour and of several
/// sizes.
fn own_pictures(project: &Path) {
    for (split, count) in [("train", 40), ("test", 10)] {
        for (class, colour) in [("cat", [200, 90, 20]), ("dog", [40, 60, 220])] {
            let folder = project.join("data/mine").join(split).join(class);
            fs::create_dir_all(&folder).expect("created");
            for number in 0..count {
                let picture = bitmap(20 + number, 30, colour);
                fs::write(folder.join(format!("{number}.bmp")), picture).expect("written");
            }
        }
    }
}

/// A BMP file of one colour (blue, green, red).
fn bitmap(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let row = (3 * width).next_multiple_of(4);
    let header = [54 + row * height, 0, 54, 40, width, height];
    let mut file = b"BM".to_vec();
    file.extend(header.iter().flat_map(|number| number.to_le_bytes()));
    file.extend([1, 0, 24, 0]);
    file.extend([0; 24]);
    let mut pixels = colour.repeat(width as usize);
    pixels.resize(row as usize, 0);
    file.extend(pixels.repeat(height as usize));
    file
}

/// The path in the first line of a block, and whether the block continues that file.
fn file_of(block: &Block) -> Option<(&str, bool)> {
    let first = block.text.lines().next()?.strip_prefix("# ")?;
    let (path, continued) = match first.strip_suffix(", continued") {
        Some(path) => (path, true),
        None => (first, false),
    };
    let is_path = |c: char| c.is_ascii_alphanumeric() || "./-_".contains(c);
    (path.contains('.') && path.chars().all(is_path)).then_some((path, continued))
}

fn has(project: &Path, name: &str) -> bool {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&search);
    project.join(name).exists() || folders.any(|folder| folder.join(name).is_file())
}

/// Runs commands as a reader would, but without building.
fn shell(project: &Path, commands: &str) -> Answer {
    // Without the settings of an outer make or of a user.
    let outer = make();
    let mut command = Command::new("sh");
    for (name, value) in outer.get_envs() {
        if value.is_none() {
            command.env_remove(name);
        }
    }
    let mut search = project.join("target/release").into_os_string();
    search.push(":");
    search.push(std::env::var_os("PATH").unwrap_or_default());
    command
        .args(["-eu", "-c", commands])
        .current_dir(project)
        .env("PATH", search)
        .env("CARGO", "true")
        .env_remove("EIGENSCOPE_ARTIFACTS");
    Answer::of(&mut command)
}

fn run(project: &Path, page: &Path, block: &Block) {
    let answer = shell(project, &block.text);
    assert_eq!(
        answer.code,
        Some(0),
        "{}, line {}:\n{}{}{}",
        page.display(),
        block.line,
        block.text,
        answer.stdout,
        answer.stderr
    );
}

/// Compares what commands print as JSON with the table of their fields.
fn json_fields_are_listed(project: &Path) {
    let page = read(&root().join("docs/guide/json-and-exit-codes.md"));
    for (name, words) in [
        ("status", "status digits"),
        ("explain", "explain digits figure.training"),
        ("run --dry-run", "run digits --dry-run"),
        ("compare", "compare digits"),
        ("verify", "verify digits metric.final"),
        ("graph", "graph digits"),
        ("show", "show artifacts/digits/metric.final"),
        ("sql", "sql digits"),
        ("gc", "gc --dry-run"),
        ("devices", "devices"),
    ] {
        let start = format!("| `{name}` |");
        let row = page.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let json = shell(project, &format!("eigenscope {words} --json")).json();
        for field in json.as_object().expect("an object").keys() {
            let listed = field == "version" || row.contains(&format!("`{field}`"));
            assert!(listed, "{name}: {field}");
        }
    }
}

#[test]
fn the_commands_of_readme_and_guide_run() {
    let root = root();
    let summary = read(&root.join("docs/SUMMARY.md"));
    let guide = summary.lines().flat_map(targets);
    let guide = guide.filter(|page| page.starts_with("guide/"));
    let mut pages: Vec<PathBuf> = guide.map(|page| root.join("docs").join(page)).collect();
    assert!(pages.len() >= 8, "{pages:?}");
    pages.push(root.join("README.md"));
    let project = project();
    let project = project.path();
    own_pictures(project);
    let (mut run_blocks, mut not_run) = (0, 0);
    for page in &pages {
        for block in split(&read(page)).1 {
            if let Some((path, continued)) = file_of(&block) {
                let path = project.join(path);
                let before = if continued {
                    read(&path)
                } else {
                    String::new()
                };
                fs::write(&path, before + &block.text).expect("written");
                continue;
            }
            match block.info.split_once(' ').unwrap_or((&block.info, "")) {
                ("sh", "") => {}
                ("sh", "not-run") => {
                    not_run += 1;
                    continue;
                }
                ("sh", condition) => {
                    let needed = condition.strip_prefix("needs=").expect("a condition");
                    if !has(project, needed) {
                        eprintln!("skipped: {} needs {needed}", page.display());
                        continue;
                    }
                }
                _ => continue,
            }
            run(project, page, &block);
            run_blocks += 1;
        }
    }
    assert_eq!(not_run, NOT_RUN);
    assert!(run_blocks >= 20, "{run_blocks} blocks were run");
    json_fields_are_listed(project);
}

#[test]
fn every_kind_and_every_parameter_of_data_and_models_has_its_place() {
    let guide = |page: &str| read(&root().join("docs/guide").join(page));
    let kinds_page = guide("pipeline-files.md");
    let own_images = guide("own-images.md");
    let own_models = guide("own-models.md");
    for stage in ["ingest", "train", "import", "decompose", "metrics"] {
        let program = programs().join(format!("eigenscope-{stage}"));
        let described = Command::new(program).arg("describe").output();
        let described = described.expect("the program starts");
        let described: serde_json::Value = serde_json::from_slice(&described.stdout).expect("JSON");
        for kind in described["kinds"].as_array().expect("kinds") {
            let name = kind["name"].as_str().expect("a name");
            assert!(kinds_page.contains(&format!("`{name}`")), "kind {name}");
            let page = match stage {
                "ingest" => &own_images,
                "train" | "import" => &own_models,
                _ => continue,
            };
            for parameter in kind["parameters"].as_array().expect("parameters") {
                let name = parameter["name"].as_str().expect("a name");
                assert!(page.contains(name), "parameter {name}");
            }
        }
    }
}
