//! Snapshots of what the stage programs say about their task kinds: parameters, roles, outputs, properties and resources.
//!
//! A difference is accepted with `INSTA_UPDATE=always cargo test --test describe`.
#![allow(clippy::expect_used, reason = "a test")]

use std::process::Command;

use eigenscope_testing::{Answer, program};
use serde_json::Value;

/// Returns the output of `eigenscope-<stage> describe` without the identity of its code, which every edit changes.
fn description(stage: &str) -> String {
    let mut describe = Command::new(program(&format!("eigenscope-{stage}")));
    let answer = Answer::of(describe.arg("describe")).expect(0);
    let mut description: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    let fields = description.as_object_mut().expect("an object");
    fields.remove("code").expect("the identity of the code");
    serde_json::to_string_pretty(&description).expect("serialises")
}

#[track_caller]
fn check(stage: &str) {
    insta::with_settings!({
        snapshot_path => "describe",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(stage, description(stage));
    });
}

#[test]
fn ingest() {
    check("ingest");
}

#[test]
fn train() {
    check("train");
}

#[test]
fn import() {
    check("import");
}

#[test]
fn decompose() {
    check("decompose");
}

#[test]
fn metrics() {
    check("metrics");
}

#[test]
fn report() {
    check("report");
}
