//! What ARCHITECTURE.md promises about the crates is true: they depend in one direction, heavy libraries stay in one place, and every
//! crate is on the map.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use eigenscope_testing::{Answer, workspace};

/// What each crate may use of the workspace. `fingerprint` is used by build scripts only.
const ALLOWED: &[(&str, &[&str])] = &[
    ("artifact", &[]),
    ("fingerprint", &[]),
    ("checkpoint", &[]),
    ("stage", &["artifact"]),
    ("kernels", &[]),
    ("models", &["artifact", "kernels"]),
    ("graphs", &["artifact", "checkpoint", "models"]),
    ("gpu", &[]),
    (
        "ingest",
        &["artifact", "checkpoint", "stage", "fingerprint"],
    ),
    (
        "train",
        &["artifact", "stage", "gpu", "models", "fingerprint"],
    ),
    (
        "import",
        &[
            "artifact",
            "stage",
            "models",
            "checkpoint",
            "graphs",
            "fingerprint",
        ],
    ),
    ("decompose", &["artifact", "stage", "models", "fingerprint"]),
    ("metrics", &["artifact", "stage", "models", "fingerprint"]),
    ("figure", &[]),
    ("report-file", &["artifact", "stage"]),
    ("remote-protocol", &[]),
    ("remote", &["remote-protocol"]),
    (
        "report",
        &["artifact", "stage", "figure", "report-file", "fingerprint"],
    ),
    ("plan", &["artifact", "stage"]),
    (
        "pipeline",
        &[
            "artifact",
            "checkpoint",
            "stage",
            "plan",
            "remote-protocol",
            "report-file",
        ],
    ),
    ("query", &["artifact", "plan", "pipeline"]),
    ("cli", &["gpu", "plan", "pipeline", "query", "stage"]),
    ("testing", &["artifact", "stage", "models"]),
];

/// The crate that only tests and benches may use.
const TEST_SUPPORT: &str = "eigenscope-testing";

/// Outside crates that only these crates of ours may use.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("burn", &["kernels", "models", "train", "metrics"]),
    ("burn-flex", &["kernels"]),
    ("burn-autodiff", &["train"]),
    ("faer", &["kernels", "decompose", "metrics"]),
    ("gemm", &["kernels"]),
    ("polars", &["metrics"]),
    ("resvg", &["figure"]),
    ("pdf-writer", &["figure"]),
    ("subsetter", &["figure"]),
    ("sqlparser", &["query"]),
    ("libloading", &["gpu"]),
    ("ureq", &["ingest"]),
    ("image", &["ingest"]),
    ("object_store", &["remote"]),
    ("reqwest", &["remote"]),
    ("tokio", &["remote"]),
    ("anyhow", &["cli"]),
];

/// Names of the normal and build dependencies of every crate, also of the one that is a workspace of its own.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = dependencies_in("");
    all.extend(dependencies_in("crates/remote"));
    all
}

fn dependencies_in(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--no-deps", "--offline"])
        .args(["--format-version", "1"])
        .current_dir(workspace(folder));
    let answer = Answer::of(&mut cargo).expect(0);
    let metadata: serde_json::Value =
        serde_json::from_str(&answer.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("a list");
            let names = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| dependency["name"].as_str().expect("a name").to_owned());
            (
                short(package["name"].as_str().expect("a name")).to_owned(),
                names.collect(),
            )
        })
        .collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix("eigenscope-").unwrap_or(name)
}

#[test]
fn crates_depend_in_one_direction() {
    let found = dependencies();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        found.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        known
    );
    for (name, allowed) in ALLOWED {
        for dependency in found[*name]
            .iter()
            .filter(|name| name.starts_with("eigenscope-"))
        {
            assert!(
                allowed.contains(&short(dependency)),
                "`{name}` must not depend on `{dependency}`"
            );
        }
    }
}

#[test]
fn only_tests_use_their_support() {
    for (name, dependencies) in dependencies() {
        assert!(
            !dependencies.contains(TEST_SUPPORT),
            "`{name}` must not depend on `{TEST_SUPPORT}` outside of its tests"
        );
    }
}

#[test]
fn heavy_libraries_stay_in_one_place() {
    let found = dependencies();
    for (library, places) in ONLY_IN {
        let users: Vec<&str> = found
            .iter()
            .filter(|(_, dependencies)| dependencies.contains(*library))
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(!users.is_empty(), "nothing uses `{library}`");
        for user in users {
            assert!(places.contains(&user), "`{user}` must not use `{library}`");
        }
    }
}

#[test]
fn the_architecture_page_names_every_crate() {
    let page = std::fs::read_to_string(workspace("ARCHITECTURE.md")).expect("the page is there");
    for (name, _) in ALLOWED {
        assert!(
            page.contains(&format!("`{name}`")),
            "ARCHITECTURE.md does not name `{name}`"
        );
    }
}

#[test]
fn only_training_asks_for_gradients() {
    for (name, _) in ALLOWED {
        let manifest = std::fs::read_to_string(workspace("crates").join(name).join("Cargo.toml"))
            .expect("a manifest");
        let asks = manifest
            .lines()
            .filter(|line| !line.starts_with("required-features"))
            .any(|line| line.contains("features") && line.contains("\"autodiff\""));
        assert_eq!(asks, *name == "train", "{name}");
    }
}

#[test]
fn a_folder_is_named_as_its_crate() {
    for (name, _) in ALLOWED {
        assert!(
            workspace("crates").join(name).join("Cargo.toml").is_file(),
            "crates/{name}"
        );
    }
}

/// The modules at the top of a crate, each with those that it names as `crate::module`.
fn modules(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let source = workspace("crates").join(name).join("src");
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut folders = vec![(source.clone(), None::<String>)];
    while let Some((folder, module)) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let stem = path.file_stem().expect("a name").to_string_lossy();
            let module = module.clone().unwrap_or_else(|| stem.into_owned());
            match path.is_dir() {
                true => folders.push((path, Some(module))),
                false => {
                    let text = std::fs::read_to_string(path).expect("readable");
                    texts.entry(module).or_default().push_str(&text);
                }
            }
        }
    }
    texts.remove("lib");
    let names: BTreeSet<String> = texts.keys().cloned().collect();
    let used = |module: &str, text: &str| {
        assert!(
            !text.contains("crate::{"),
            "`{module}` names modules in a list"
        );
        let uses = text.split("crate::").skip(1);
        let uses = uses.filter_map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        });
        uses.map(str::to_owned)
            .filter(|used| used != module && names.contains(used))
            .collect()
    };
    texts
        .iter()
        .map(|(module, text)| (module.clone(), used(module, text)))
        .collect()
}

#[test]
fn modules_use_each_other_in_one_direction() {
    for name in ["plan", "pipeline"] {
        let mut modules = modules(name);
        assert!(modules.len() > 5, "{name}: {modules:?}");
        loop {
            let free = modules.iter().find(|(_, uses)| uses.is_empty());
            let Some(free) = free.map(|(module, _)| module.clone()) else {
                break;
            };
            modules.remove(&free);
            for uses in modules.values_mut() {
                uses.remove(&free);
            }
        }
        assert_eq!(modules, BTreeMap::new(), "modules of `{name}` in a circle");
    }
}
