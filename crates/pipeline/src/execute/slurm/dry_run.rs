//! What a run would submit.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_plan::Plan;

use super::super::forecast::Forecast;
use super::SlurmOptions;
use super::adopt::{SubmittedState, submitted};
use super::commands::CommandError;
use super::needs::Needs;
use super::pack::{Request, submissions};
use super::site::Limits;
use crate::store::{Key, Store};

/// The submissions that a run would make.
#[derive(Debug)]
pub struct PlannedSubmissions {
    /// Job arrays that it would submit at once.
    pub jobs: Vec<PlannedJob>,
    /// Tasks that would be submitted when what they wait for has ended, by what they need.
    pub later: Vec<(Needs, Vec<usize>)>,
    /// Tasks that would run on this machine.
    pub local: Vec<usize>,
    /// Tasks that an earlier run has submitted, which would be adopted.
    pub adopted: Vec<usize>,
    /// Why Slurm could not be asked for its limits. Then those that it has unless a site sets others are assumed.
    pub assumed: Option<CommandError>,
}

/// A job array that would be submitted.
#[derive(Debug)]
pub struct PlannedJob {
    pub needs: Needs,
    /// For each element the tasks that it would run, one after the other.
    pub elements: Vec<Vec<usize>>,
}

/// Groups `tasks` as a run would. Each is given with its key if it is ready.
pub(in super::super) fn planned(
    plan: &Plan,
    tasks: &[(usize, Option<Key>)],
    forecast: &Forecast,
    store: &Store,
    options: &SlurmOptions,
) -> PlannedSubmissions {
    let settings = &options.settings;
    let left = left_with_slurm(store);
    let (mut ready, mut later, mut local) = (Vec::new(), Vec::new(), Vec::new());
    let mut adopted = Vec::new();
    for &(task, key) in tasks {
        match (settings.is_local(&plan.tasks[task]), key) {
            (true, _) => local.push(task),
            (false, Some(key)) if left.contains(&key) => adopted.push(task),
            (false, Some(_)) => ready.push(task),
            (false, None) => later.push(task),
        }
    }
    // As they are started: the longest chains first.
    ready.sort_by(|&a, &b| {
        let to_end = [a, b].map(|task| forecast.seconds_to_end(task));
        to_end[1].total_cmp(&to_end[0])
    });
    let limits = match ready.is_empty() && later.is_empty() {
        true => Ok(Limits::default()),
        false => Limits::ask(settings),
    };
    let (limits, assumed) = match limits {
        Ok(limits) => (limits, None),
        Err(error) => (Limits::usual(), Some(error)),
    };
    let request = |task: usize| {
        let expected = forecast.expected(task);
        Request {
            needs: Needs::of(&plan.tasks[task], expected, settings, &limits),
            expected,
            is_alone: false,
        }
    };
    let mut by_needs: BTreeMap<Needs, Vec<usize>> = BTreeMap::new();
    for task in later {
        by_needs.entry(request(task).needs).or_default().push(task);
    }
    let requests = ready.iter().map(|&task| request(task));
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
    PlannedSubmissions {
        jobs: jobs.collect(),
        later: by_needs.into_iter().collect(),
        local,
        adopted,
        assumed,
    }
}

/// The results that jobs of earlier runs have made or still make.
fn left_with_slurm(store: &Store) -> BTreeSet<Key> {
    let (submitted, _) = submitted(store);
    let of_use = submitted.into_iter().filter(|one| {
        matches!(
            one.state,
            SubmittedState::Running | SubmittedState::Queued(_) | SubmittedState::Ended
        )
    });
    of_use.map(|one| one.key).collect()
}
