//! `deny.toml` is true: every licence of what is compiled is allowed, and every crate in several versions is accepted by name.
//!
//! `cargo deny check` checks the same and more, where it is installed.
#![allow(clippy::expect_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use eigenscope_testing::workspace;

/// `(name, version, licences)` of every outside package that is compiled for this machine, also for the program that is a workspace
/// of its own: what both use is locked in one version.
fn packages() -> BTreeSet<(String, String, String)> {
    let mut packages = packages_of("");
    packages.extend(packages_of("crates/remote"));
    packages
}

fn packages_of(folder: &str) -> BTreeSet<(String, String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--locked"])
        .args(["--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}\t{l}"])
        .current_dir(workspace(folder))
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let packages = text.lines().filter_map(|line| {
        let (package, licences) = line.split_once('\t')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        let licences = licences.trim_end_matches(" (*)");
        Some((name.to_owned(), version.to_owned(), licences.to_owned()))
    });
    let mut packages: BTreeSet<_> = packages.collect();
    packages.retain(|(name, ..)| !name.starts_with("eigenscope-"));
    packages
}

fn rules() -> toml::Table {
    let text = std::fs::read_to_string(workspace("deny.toml")).expect("readable");
    text.parse().expect("TOML")
}

fn texts(value: &toml::Value) -> BTreeSet<&str> {
    let list = value.as_array().expect("a list").iter();
    list.map(|text| text.as_str().expect("a text")).collect()
}

/// Whether an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` is met by the allowed licences. Older packages write `/` for
/// OR. Of parentheses there is one level.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace('/', " OR ");
    let all = match expression.contains('(') {
        true => expression.split(" AND ").map(str::to_owned).collect(),
        false => vec![expression],
    };
    all.iter().all(|part| {
        let mut any = part.trim_matches(['(', ')']).split(" OR ");
        any.any(|licences| {
            licences
                .split(" AND ")
                .all(|one| allowed.contains(one.trim()))
        })
    })
}

#[test]
fn licences_are_combined_as_they_are_written() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Unicode-3.0"]);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND ISC", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}

#[test]
fn every_licence_is_allowed_and_every_exception_needed() {
    let rules = rules();
    let licences = rules["licenses"].as_table().expect("a table");
    let allowed = texts(&licences["allow"]);
    let exceptions = licences["exceptions"].as_array().expect("a list").iter();
    let mut exceptions: BTreeMap<&str, BTreeSet<&str>> = exceptions
        .map(|rule| {
            (
                rule["crate"].as_str().expect("a name"),
                texts(&rule["allow"]),
            )
        })
        .collect();
    for (name, version, expression) in packages() {
        if !is_met(&expression, &allowed) {
            let more = exceptions.remove(name.as_str()).unwrap_or_default();
            let more = &allowed | &more;
            assert!(is_met(&expression, &more), "{name} {version}: {expression}");
        }
    }
    assert!(exceptions.is_empty(), "not needed: {exceptions:?}");
}

#[test]
fn every_crate_in_several_versions_is_accepted_by_name() {
    let rules = rules();
    let skipped = rules["bans"]["skip"].as_array().expect("a list").iter();
    let skipped: BTreeSet<(&str, &str)> = skipped
        .map(|rule| {
            assert!(rule["reason"].is_str(), "{rule}");
            let name = rule["crate"].as_str().expect("a name");
            name.split_once('@').expect("a version")
        })
        .collect();
    let packages = packages();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, version, _) in &packages {
        versions.entry(name).or_default().push(version);
    }
    let is_one = |version: &str, wanted: &str| {
        version
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    for (name, versions) in &versions {
        let left = versions.iter().filter(|version| {
            let accepts = |(other, wanted): &(&str, &str)| other == name && is_one(version, wanted);
            !skipped.iter().any(accepts)
        });
        assert!(left.count() <= 1, "{name} is locked in {versions:?}");
    }
    for (name, wanted) in skipped {
        let versions = versions.get(name).map_or(&[][..], Vec::as_slice);
        let is_needed =
            versions.len() > 1 && versions.iter().any(|version| is_one(version, wanted));
        assert!(
            is_needed,
            "{name}@{wanted} is not locked beside another version"
        );
    }
}
