//! `eigenscope graph`: the graph of tasks for other programs to draw.

use anyhow::Result;
use eigenscope_plan::graph::Graph as Drawing;

use crate::arguments::{Graph, GraphFormat, ProjectArguments};
use crate::exit;
use crate::json;
use crate::project::Project;

pub(crate) fn run(arguments: &ProjectArguments, command: &Graph) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let graph = match command.tasks {
        true => Drawing::of_tasks(&project.plan, &targets),
        false => Drawing::of_tables(&project.plan, &targets),
    };
    super::print(&match command.format {
        _ if command.json => json::text(&graph)?,
        GraphFormat::Dot => graph.dot(),
        GraphFormat::Mermaid => graph.mermaid(),
    })?;
    Ok(exit::OK)
}
