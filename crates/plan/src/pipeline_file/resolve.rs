//! The graph of tables: references resolved, cycles found, tables ordered.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use eigenscope_artifact::KindName;
use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::table::Table;
use crate::file::{FileError, Problems, did_you_mean, listed};

/// Tables of a cycle that are named; longer ones are cut.
const MAXIMUM_NAMED: usize = 20;

/// Index of the table that each reference of each input of each table means.
pub(crate) struct ResolvedReferences {
    targets: HashMap<(usize, usize, usize), usize>,
    /// Tables such that every one comes after those it reads; ties in file order. Tables that read each
    /// other in a circle, and those that need them, are left out.
    pub(crate) order: Vec<usize>,
}

impl ResolvedReferences {
    /// The table meant by a reference; `None` if a problem was reported.
    pub(crate) fn target(&self, table: usize, input: usize, reference: usize) -> Option<usize> {
        self.targets.get(&(table, input, reference)).copied()
    }
}

/// Resolves the references of `tables` and orders them.
pub(crate) fn resolve(tables: &[Table<'_>], problems: &mut Problems) -> ResolvedReferences {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (index, table) in tables.iter().enumerate() {
        names.entry(&table.id).or_insert(index);
    }
    let mut targets = HashMap::new();
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = tables.iter().map(|_| graph.add_node(())).collect();
    for (reader, table) in tables.iter().enumerate() {
        let mut linked = HashSet::new();
        for (input, key) in table.inputs.iter().enumerate() {
            for (number, located) in key.references.iter().enumerate() {
                let wanted = &key.role.kind;
                let name = located.reference.table.as_str();
                let span = located.quoted.part(&(0..name.len()));
                let Some(&target) = names.get(name) else {
                    problems.add(|| {
                        let ids = tables.iter().map(|table| table.id.as_str());
                        FileError::new("unknown_table", format!("there is no table `{name}`"))
                            .at(&span, "no such table")
                            .help(did_you_mean("tables", name, ids))
                    });
                    continue;
                };
                let kind = tables.get(target).and_then(|table| table.kind);
                if let Some(kind) = kind.filter(|kind| !kind.outputs.contains(wanted)) {
                    problems.add(|| {
                        let writes: Vec<&str> = kind.outputs.iter().map(KindName::as_str).collect();
                        let writers = tables.iter().filter(|table| {
                            table.kind.is_some_and(|kind| kind.outputs.contains(wanted))
                        });
                        let help = format!(
                            "`{name}` writes {}; {}",
                            writes.join(", "),
                            listed(
                                &format!("tables that write {wanted}"),
                                writers.map(|t| t.id.as_str())
                            )
                        );
                        FileError::new("no_output", format!("`{name}` writes no {wanted}"))
                            .at(&span, format!("`{}` reads {wanted}", key.role.name))
                            .help(help)
                    });
                    continue;
                }
                targets.insert((reader, input, number), target);
                if let (Some(&from), Some(&to)) = (nodes.get(target), nodes.get(reader))
                    && linked.insert(target)
                {
                    graph.add_edge(from, to, ());
                }
            }
        }
    }
    report_cycles(tables, &graph, &targets, problems);
    let order = order(&graph);
    ResolvedReferences { targets, order }
}

/// Kahn's algorithm with the first table of the file first among those that are ready.
fn order(graph: &DiGraph<(), ()>) -> Vec<usize> {
    let count = |node| graph.neighbors_directed(node, Direction::Incoming).count();
    let mut waiting: Vec<usize> = graph.node_indices().map(count).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..waiting.len())
        .filter(|&index| waiting.get(index) == Some(&0))
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for next in graph.neighbors(NodeIndex::new(index)) {
            if let Some(left) = waiting.get_mut(next.index()) {
                *left -= 1;
                if *left == 0 {
                    ready.push(Reverse(next.index()));
                }
            }
        }
    }
    order
}

/// One problem for every group of tables that read each other.
fn report_cycles(
    tables: &[Table<'_>],
    graph: &DiGraph<(), ()>,
    targets: &HashMap<(usize, usize, usize), usize>,
    problems: &mut Problems,
) {
    for component in kosaraju_scc(graph) {
        let Some(&start) = component.iter().min() else {
            continue;
        };
        if component.len() == 1 && !graph.contains_edge(start, start) {
            continue;
        }
        let cycle = shortest_cycle(graph, start, &component.into_iter().collect());
        problems.add(|| cycle_error(tables, &cycle, targets));
    }
}

/// Tables from `start` back to it, each one reading the next.
fn shortest_cycle(
    graph: &DiGraph<(), ()>,
    start: NodeIndex,
    component: &HashSet<NodeIndex>,
) -> Vec<usize> {
    let mut reader_of: HashMap<NodeIndex, NodeIndex> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut sources: Vec<NodeIndex> = graph
            .neighbors_directed(node, Direction::Incoming)
            .collect();
        sources.sort_unstable();
        for source in sources {
            if component.contains(&source) && !reader_of.contains_key(&source) {
                reader_of.insert(source, node);
                queue.push_back(source);
            }
        }
        if reader_of.contains_key(&start) {
            break;
        }
    }
    let mut cycle = vec![start.index()];
    let mut node = start;
    while let Some(&reader) = reader_of.get(&node) {
        cycle.push(reader.index());
        node = reader;
        if node == start {
            break;
        }
    }
    cycle.reverse();
    cycle
}

fn cycle_error(
    tables: &[Table<'_>],
    cycle: &[usize],
    targets: &HashMap<(usize, usize, usize), usize>,
) -> FileError {
    let name = |index: &usize| tables.get(*index).map_or("", |table| table.id.as_str());
    let mut names: Vec<&str> = cycle.iter().take(MAXIMUM_NAMED).map(name).collect();
    if cycle.len() > MAXIMUM_NAMED {
        names.push("...");
        names.extend(cycle.last().map(name));
    }
    let path = names.join(" -> ");
    let message = format!("the tables read each other in a circle: {path}");
    let mut error = FileError::new("cycle", message);
    for pair in cycle.windows(2).take(MAXIMUM_NAMED) {
        let [reader, target] = pair else { continue };
        let Some(table) = tables.get(*reader) else {
            continue;
        };
        let span = table.inputs.iter().enumerate().find_map(|(input, key)| {
            key.references
                .iter()
                .enumerate()
                .find_map(|(number, located)| {
                    (targets.get(&(*reader, input, number)) == Some(target))
                        .then(|| located.quoted.span.clone())
                })
        });
        let label = format!("{} reads {}", table.id, name(target));
        let span = span.unwrap_or_else(|| table.header.clone());
        error = error.at(&span, label);
    }
    error.help("a task can only read what exists before it; take one of these references out")
}
