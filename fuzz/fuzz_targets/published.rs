//! Files of published numbers.
#![no_main]

#[path = "../../crates/plan/tests/sample/mod.rs"]
mod sample;

use std::path::Path;
use std::sync::OnceLock;

use eigenscope_pipeline::compare;
use eigenscope_plan::Plan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    let plan = PLAN.get_or_init(|| sample::plan(sample::PIPELINE).expect("a valid pipeline"));
    match compare::parse(Path::new("p.published.toml"), text, plan) {
        Ok(published) => {
            let rows = compare::compare(plan, &published, &|_, _| None);
            assert!(!compare::text(&published, &rows, Some(60)).is_empty());
            assert!(serde_json::to_string(&compare::Report::new(&published, &rows)).is_ok());
        }
        Err(errors) => assert!(!sample::rendered(&errors).is_empty()),
    }
});
