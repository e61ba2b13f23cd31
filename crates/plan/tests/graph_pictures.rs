//! Pictures of plans: one node for each table, in a fixed order.

mod sample;

use eigenscope_plan::Plan;
use eigenscope_plan::graph::Graph;

/// The tables of the whole plan.
fn tables(plan: &Plan) -> Graph<'_> {
    Graph::of_tables(plan, &(0..plan.tasks.len()).collect::<Vec<_>>())
}

#[test]
fn graphviz() {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    insta::assert_snapshot!("dot", tables(&plan).dot());
}

#[test]
fn mermaid_flowchart() {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    insta::assert_snapshot!("mermaid", tables(&plan).mermaid());
}

#[test]
fn names_cannot_end_a_string() {
    let mut plan = sample::plan("[data.mnist]").expect("a plan");
    plan.name = "a\"b\\".to_owned();
    plan.tasks[0].kind = "k\"".into();
    assert!(tables(&plan).dot().starts_with("digraph \"a\\\"b\\\\\" {"));
    assert!(
        tables(&plan)
            .dot()
            .contains("label=\"data.mnist\\n(k\\\")\"")
    );
    assert!(
        tables(&plan)
            .mermaid()
            .contains("n0[\"data.mnist<br/>(k#quot;)\"]")
    );
}

#[test]
fn targets_and_what_they_need() {
    let plan = sample::plan(sample::PIPELINE).expect("a plan");
    let target = |id: &str| plan.tasks.iter().position(|task| task.id == id);
    let target = target("decompose.interaction[hidden=30,seed=1]").expect("a task");
    let mermaid = |graph: Graph<'_>| graph.mermaid();
    let nodes = |text: &str| -> Vec<String> {
        let nodes = text.lines().filter_map(|line| line.split('"').nth(1));
        nodes.map(str::to_owned).collect()
    };
    let sections = ["data", "train", "decompose"];
    let tables = mermaid(Graph::of_tables(&plan, &[target]));
    let names = ["data.mnist", "train.bilinear", "decompose.interaction"];
    let tasks = mermaid(Graph::of_tasks(&plan, &[target]));
    let ids = [
        "data.mnist",
        "train.bilinear[hidden=30,seed=1]",
        "decompose.interaction[hidden=30,seed=1]",
    ];
    for (text, names) in [(tables, names), (tasks, ids)] {
        let expected: Vec<&str> = sections
            .into_iter()
            .zip(names)
            .flat_map(|(section, name)| [section, name])
            .collect();
        assert_eq!(nodes(&text), expected);
        assert!(text.ends_with("  n0 --> n1\n  n1 --> n2\n"), "{text}");
    }
}
