//! Targets on the command line, and references in a pipeline file: both select tasks.
#![no_main]

#[path = "../../crates/plan/tests/sample/mod.rs"]
mod sample;

use std::sync::OnceLock;

use eigenscope_plan::Plan;
use eigenscope_plan::task_patterns;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    let plan = PLAN.get_or_init(|| sample::plan(sample::PIPELINE).expect("a valid pipeline"));
    let patterns: Vec<String> = text.lines().map(str::to_owned).collect();
    match task_patterns::select(plan, &patterns) {
        Ok(selected) => assert!(selected.iter().all(|&task| task < plan.tasks.len())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let reference = format!(
        "[data.mnist]\n[train.bilinear]\ndata = {text:?}\n[metric.final]\nhistories = {text:?}\n"
    );
    let _ = sample::plan(&reference);
});
