//! Pictures of plans: one node for each table, in a fixed order.

mod sample;

use eigenscope_pipeline::graph::Graph;

#[test]
fn graphviz() {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    insta::assert_snapshot!("dot", Graph::of_tables(&plan).dot());
}

#[test]
fn mermaid_flowchart() {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    insta::assert_snapshot!("mermaid", Graph::of_tables(&plan).mermaid());
}

#[test]
fn names_cannot_end_a_string() {
    let mut plan = sample::plan("[data.mnist]").expect("a plan");
    plan.name = "a\"b\\".to_owned();
    plan.tasks[0].kind = "k\"".to_owned();
    assert!(
        Graph::of_tables(&plan)
            .dot()
            .starts_with("digraph \"a\\\"b\\\\\" {")
    );
    assert!(
        Graph::of_tables(&plan)
            .dot()
            .contains("label=\"data.mnist\\n(k\\\")\"")
    );
    assert!(
        Graph::of_tables(&plan)
            .mermaid()
            .contains("n0[\"data.mnist<br/>(k#quot;)\"]")
    );
}
