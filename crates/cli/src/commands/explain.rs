//! `eigenscope explain`: why tasks run or do not.

use anyhow::Result;
use eigenscope_pipeline::survey::{chain, explain};
use serde::Serialize;

use crate::arguments::{Explain, ProjectArguments};
use crate::exit;
use crate::json;
use crate::project::Project;
use crate::task_report::TaskReport;

#[derive(Serialize)]
struct Report {
    pipeline: String,
    explanations: Vec<Explanation>,
}

#[derive(Serialize)]
struct Explanation {
    task: String,
    /// The task, and the way to the first of its inputs that has to run for reasons of its own.
    chain: Vec<TaskReport>,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Explain) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    let targets = project.select(&command.tasks)?;
    let survey = project.survey(&targets);
    let plan = &project.plan;
    if command.json {
        let explanations = targets.iter().map(|&task| Explanation {
            task: plan.tasks[task].id.clone(),
            chain: chain(plan, &survey, task)
                .map(|(task, state)| TaskReport::new(plan, task, state))
                .collect(),
        });
        super::print(&json::text(&Report {
            pipeline: plan.name.clone(),
            explanations: explanations.collect(),
        })?)?;
        return Ok(exit::OK);
    }
    let texts: Vec<String> = targets
        .iter()
        .map(|&task| explain(plan, &survey, task))
        .collect();
    super::print(&texts.join("\n"))?;
    Ok(exit::OK)
}
