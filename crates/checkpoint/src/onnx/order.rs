//! The order of nodes: each after those whose outputs it reads.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::graph::{Graph, Node};
use crate::CheckpointError;
use crate::error::shown;
use crate::source::Source;

/// Sorts the nodes of `graph`; those that could be in the given order keep it. `initial` are the names of initial values.
///
/// # Errors
/// A value that two nodes compute or none; nodes that read each other's outputs in a circle.
pub(super) fn sort(
    source: &Source,
    graph: &mut Graph,
    initial: &HashSet<&str>,
) -> Result<(), CheckpointError> {
    let order = {
        let producers = producers(source, graph, initial)?;
        let (readers, mut missing) = readers(source, graph, initial, &producers)?;
        let free = missing.iter().enumerate().filter(|(_, count)| **count == 0);
        let mut free: BTreeSet<usize> = free.map(|(index, _)| index).collect();
        let mut order = Vec::with_capacity(graph.nodes.len());
        while let Some(node) = free.pop_first() {
            order.push(node);
            for &reader in &readers[node] {
                missing[reader] -= 1;
                if missing[reader] == 0 {
                    free.insert(reader);
                }
            }
        }
        if order.len() < graph.nodes.len() {
            return Err(circle(source, graph, &missing));
        }
        order
    };
    let mut nodes: Vec<Option<Node>> = graph.nodes.drain(..).map(Some).collect();
    graph.nodes = order
        .iter()
        .filter_map(|&index| nodes[index].take())
        .collect();
    Ok(())
}

/// The node that computes each value.
fn producers<'a>(
    source: &Source,
    graph: &'a Graph,
    initial: &HashSet<&str>,
) -> Result<HashMap<&'a str, usize>, CheckpointError> {
    let mut producers = HashMap::new();
    let inputs: HashSet<&str> = graph
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            let name = output.as_str();
            if inputs.contains(name)
                || initial.contains(name)
                || producers.insert(name, index).is_some()
            {
                let reason = format!("it computes `{}`, which is there already", shown(name));
                return Err(source.damaged(node.describe(), reason));
            }
        }
    }
    Ok(producers)
}

/// The nodes that read from each node, and of each node how many inputs come from nodes.
type Readers = (Vec<Vec<usize>>, Vec<usize>);

fn readers(
    source: &Source,
    graph: &Graph,
    initial: &HashSet<&str>,
    producers: &HashMap<&str, usize>,
) -> Result<Readers, CheckpointError> {
    let inputs: HashSet<&str> = graph
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    let is_there = |name: &str| inputs.contains(name) || initial.contains(name);
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    let mut missing = vec![0; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for input in node.inputs.iter().filter(|input| !input.is_empty()) {
            if let Some(&producer) = producers.get(input.as_str()) {
                readers[producer].push(index);
                missing[index] += 1;
            } else if !is_there(input) {
                let reason = format!("it reads `{}`, which nothing computes", shown(input));
                return Err(source.damaged(node.describe(), reason));
            }
        }
    }
    for output in &graph.outputs {
        let name = output.name.as_str();
        if !producers.contains_key(name) && !is_there(name) {
            let place = format!("output `{}`", shown(name));
            return Err(source.damaged(place, "nothing computes it"));
        }
    }
    Ok((readers, missing))
}

fn circle(source: &Source, graph: &Graph, missing: &[usize]) -> CheckpointError {
    let waiting = graph.nodes.iter().zip(missing);
    let names: Vec<String> = waiting
        .filter(|(_, missing)| **missing > 0)
        .take(4)
        .map(|(node, _)| node.describe())
        .collect();
    let reason = format!(
        "nodes read each other's outputs in a circle, among them {}",
        names.join(", ")
    );
    source.damaged("graph", reason)
}
