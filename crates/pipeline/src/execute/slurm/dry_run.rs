//! What a run would submit.

use eigenscope_plan::Plan;

use super::super::forecast::Forecast;
use super::SlurmOptions;
use super::commands::CommandError;
use super::needs::Needs;
use super::pack::{Request, submissions};
use super::site::Limits;

/// The submissions that a run would make.
#[derive(Debug)]
pub struct PlannedSubmissions {
    /// Job arrays that it would submit at once.
    pub jobs: Vec<PlannedJob>,
    /// Tasks that would be submitted when what they wait for has ended.
    pub later: Vec<usize>,
    /// Tasks that would run on this machine.
    pub local: Vec<usize>,
}

/// A job array that would be submitted.
#[derive(Debug)]
pub struct PlannedJob {
    pub needs: Needs,
    /// For each element the tasks that it would run, one after the other.
    pub elements: Vec<Vec<usize>>,
}

/// Groups `tasks`, each with whether it is ready, as a run would.
pub(in super::super) fn planned(
    plan: &Plan,
    tasks: &[(usize, bool)],
    forecast: &Forecast,
    options: &SlurmOptions,
) -> Result<PlannedSubmissions, CommandError> {
    let settings = &options.settings;
    let (mut ready, mut later, mut local) = (Vec::new(), Vec::new(), Vec::new());
    for &(task, is_ready) in tasks {
        match (settings.is_local(&plan.tasks[task]), is_ready) {
            (true, _) => local.push(task),
            (false, true) => ready.push(task),
            (false, false) => later.push(task),
        }
    }
    // As they are started: the longest first.
    ready.sort_by(|&a, &b| forecast.seconds(b).total_cmp(&forecast.seconds(a)));
    let limits = match ready.is_empty() {
        true => Limits::default(),
        false => Limits::ask(settings)?,
    };
    let requests = ready.iter().map(|&task| {
        let expected = forecast.expected(task);
        Request {
            needs: Needs::of(&plan.tasks[task], expected, settings, &limits),
            expected,
            is_alone: false,
        }
    });
    let requests: Vec<Request> = requests.collect();
    let jobs = submissions(&requests, settings.pack, &limits);
    let jobs = jobs.into_iter().map(|job| PlannedJob {
        needs: job.needs,
        elements: job
            .elements
            .into_iter()
            .map(|positions| {
                positions
                    .into_iter()
                    .map(|position| ready[position])
                    .collect()
            })
            .collect(),
    });
    Ok(PlannedSubmissions {
        jobs: jobs.collect(),
        later,
        local,
    })
}
