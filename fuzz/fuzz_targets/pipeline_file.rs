//! Pipeline files.
#![no_main]

#[path = "../../crates/plan/tests/sample/mod.rs"]
mod sample;

use eigenscope_plan::graph::Graph;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match sample::plan(text) {
    Ok(plan) => {
        for (index, task) in plan.tasks.iter().enumerate() {
            assert!(task.inputs.iter().all(|input| input.task < index));
        }
        let _ = eigenscope_pipeline::store::check_names(&plan);
        let all: Vec<usize> = (0..plan.tasks.len()).collect();
        let graph = Graph::of_tables(&plan, &all);
        assert!(graph.dot().ends_with("}\n") && !graph.mermaid().is_empty());
    }
    Err(errors) => {
        assert!(!errors.errors().is_empty());
        assert!(sample::rendered(&errors).contains("pipelines/test.toml"));
    }
});
