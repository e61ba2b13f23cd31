//! A plan as a picture: one node for each table, sweeps collapsed to a count, or one for each task.

use std::collections::BTreeSet;
use std::fmt::Write;

use eigenscope_stage::Stage;
use serde::Serialize;

use crate::grouping::Grouping;
use crate::label::table_of;
use crate::plan::{Plan, PlannedTask, needed};

/// The graph of a plan, for other programs to draw.
#[derive(Debug, Serialize)]
pub struct Graph<'a> {
    #[serde(skip)]
    name: &'a str,
    /// Tables or tasks, in plan order.
    nodes: Vec<Node<'a>>,
    /// Each from the node that is read to the one that reads, as positions in `nodes`.
    edges: BTreeSet<(usize, usize)>,
}

/// A table with the number of its tasks, or a task.
#[derive(Debug, Serialize)]
struct Node<'a> {
    name: &'a str,
    #[serde(rename = "section")]
    stage: Stage,
    kind: &'a str,
    tasks: usize,
}

impl Node<'_> {
    /// Name, number of tasks, and the kind if the name does not tell it.
    fn label(&self, line_break: &str) -> String {
        let mut label = self.name.to_owned();
        if self.tasks > 1 {
            label.push_str(&format!(" ×{}", self.tasks));
        }
        let name = table_of(self.name)
            .split_once('.')
            .map_or("", |(_, name)| name);
        if name != self.kind {
            label.push_str(&format!("{line_break}({})", self.kind));
        }
        label
    }
}

impl<'a> Graph<'a> {
    /// One node for each table of the pipeline file that one of `targets` is of or needs.
    pub fn of_tables(plan: &'a Plan, targets: &[usize]) -> Self {
        Self::new(plan, targets, PlannedTask::table)
    }

    /// One node for each task that is one of `targets` or needed by one.
    pub fn of_tasks(plan: &'a Plan, targets: &[usize]) -> Self {
        Self::new(plan, targets, |task| &task.id)
    }

    fn new(plan: &'a Plan, targets: &[usize], name: impl Fn(&'a PlannedTask) -> &'a str) -> Self {
        let needed = needed(plan, targets);
        let tasks = plan.tasks.iter().enumerate();
        let tasks = tasks.filter(|(index, _)| needed[*index]);
        let Grouping { groups, arrows } = Grouping::new(tasks.map(|(index, task)| {
            let sources = task.inputs.iter().map(|input| input.task);
            (index, name(task), sources)
        }));
        let nodes = groups.into_iter().map(|(name, tasks)| {
            let first = &plan.tasks[tasks[0]];
            Node {
                name,
                stage: first.stage,
                kind: &first.kind,
                tasks: tasks.len(),
            }
        });
        Self {
            name: &plan.name,
            nodes: nodes.collect(),
            edges: arrows,
        }
    }

    /// The stages that have tables, with these.
    fn stages(&self) -> impl Iterator<Item = (Stage, Vec<(usize, &Node<'a>)>)> {
        Stage::ALL.into_iter().filter_map(|stage| {
            let nodes = self.nodes.iter().enumerate();
            let nodes: Vec<_> = nodes.filter(|(_, node)| node.stage == stage).collect();
            (!nodes.is_empty()).then_some((stage, nodes))
        })
    }

    /// In the language of Graphviz.
    pub fn dot(&self) -> String {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut text = format!("digraph {} {{\n", quoted(self.name));
        text.push_str("  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"];\n");
        for (stage, nodes) in self.stages() {
            let name = stage.name();
            let _ = writeln!(
                text,
                "  subgraph \"cluster_{name}\" {{\n    label=\"{name}\"; style=filled; color=grey95; fontname=\"sans-serif\";"
            );
            for (_, node) in nodes {
                // The line break is an escape of the language, not a character.
                let label = quoted(&node.label("\n")).replace('\n', "\\n");
                let _ = writeln!(text, "    {} [label={label}];", quoted(node.name));
            }
            text.push_str("  }\n");
        }
        for (from, to) in &self.edges {
            if let (Some(from), Some(to)) = (self.nodes.get(*from), self.nodes.get(*to)) {
                let _ = writeln!(text, "  {} -> {};", quoted(from.name), quoted(to.name));
            }
        }
        text.push_str("}\n");
        text
    }

    /// In the language of Mermaid.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (stage, nodes) in self.stages() {
            let name = stage.name();
            let _ = writeln!(text, "  subgraph section_{name}[\"{name}\"]");
            for (position, node) in nodes {
                let label = node.label("<br/>").replace('"', "#quot;");
                let _ = writeln!(text, "    n{position}[\"{label}\"]");
            }
            text.push_str("  end\n");
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "  n{from} --> n{to}");
        }
        text
    }
}
