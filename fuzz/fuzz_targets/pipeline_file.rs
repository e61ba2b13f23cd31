//! Pipeline files.
#![no_main]

#[path = "../../crates/pipeline/tests/sample/mod.rs"]
mod sample;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match sample::plan(text) {
    Ok(plan) => {
        for (index, task) in plan.tasks.iter().enumerate() {
            assert!(task.inputs.iter().all(|input| input.task < index));
        }
        let _ = eigenscope_pipeline::store::check_names(&plan);
        let _ = eigenscope_pipeline::graph::dot(&plan);
    }
    Err(errors) => {
        assert!(!errors.errors().is_empty());
        assert!(sample::rendered(&errors).contains("pipelines/test.toml"));
    }
});
