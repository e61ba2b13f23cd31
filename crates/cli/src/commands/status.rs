//! `eigenscope status`: what is up to date and what is not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use eigenscope_pipeline::execute::slurm::{self, Submitted};
use eigenscope_pipeline::store::{Key, figure_names};
use eigenscope_pipeline::survey::{State, Survey, unlinked};
use eigenscope_pipeline::text_table::text_table;
use serde::{Serialize, Serializer};

use super::{relative, tallied, tell, warnings, watch};
use crate::arguments::{ProjectArguments, Status};
use crate::by_table;
use crate::exit;
use crate::json;
use crate::project::{self, Project};
use crate::sharing::Shared;
use crate::task_report::{JobReport, TaskReport, coloured, reason, word};

#[derive(Serialize)]
struct Report<'a> {
    pipeline: &'a str,
    #[serde(serialize_with = "each_task")]
    tasks: &'a Found,
}

/// What there is to say about the tasks that were looked at.
struct Found {
    project: Project,
    survey: Survey,
    /// Tasks whose readable names do not lead to their results, which have these keys.
    misled: BTreeMap<usize, Key>,
    /// What was submitted to a cluster and not dealt with since, by key.
    submitted: HashMap<Key, Submitted>,
    /// The keys of results that are on the remote, if that was asked for.
    on_remote: Option<BTreeSet<Key>>,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Status) -> Result<u8> {
    if command.watch {
        let pipeline = Some(command.targets.pipeline.as_str());
        return watch::watch(&project::store(arguments)?, pipeline, command.json);
    }
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let survey = match command.deep {
        true => project.rescan(&targets),
        false => project.survey(&targets),
    };
    let Project { plan, store, .. } = &project;
    let never = AtomicBool::new(false);
    let misled = unlinked(plan, store, &survey, &figure_names(plan), &never);
    let found = Found {
        misled: misled.into_iter().collect(),
        submitted: submitted(&project),
        on_remote: match command.remote {
            true => Some(on_remote(&project, &survey)?),
            false => None,
        },
        survey,
        project,
    };
    let misled = found.misled.len();
    if misled > 0 {
        tell(&format!(
            "{misled} of the readable names in {} {} not lead to the result that is up to date: `{}` corrects that",
            relative(&found.project.store.pipeline(&found.project.plan.name)),
            if misled == 1 { "does" } else { "do" },
            found.project.invocation.command("run")
        ));
    }
    let (current, total) = found.counts();
    if command.json {
        json::print(&Report {
            pipeline: &found.project.plan.name,
            tasks: &found,
        })?;
    } else {
        super::print_lines(&found.text(command.all, current, total))?;
    }
    let states = found.survey.iter();
    let not_current = states.filter(|(_, state)| !state.is_current());
    found
        .project
        .tell_lacking_files(not_current.map(|(task, _)| task));
    let is_stale = current < total || misled > 0;
    Ok(if command.check && is_stale {
        exit::STALE
    } else {
        exit::OK
    })
}

/// What was submitted to a cluster and not dealt with since, by the keys of the tasks.
fn submitted(project: &Project) -> HashMap<Key, Submitted> {
    let (found, error) = slurm::submitted(&project.store);
    if let Some(error) = error {
        tell(&format!(
            "an earlier run has submitted tasks to Slurm, and of those that have left no word it is not known what has become of them: {error}"
        ));
    }
    found.into_iter().map(|one| (one.key, one)).collect()
}

/// The keys of the results that the remote of the settings has.
fn on_remote(project: &Project, survey: &Survey) -> Result<BTreeSet<Key>> {
    let remote = Shared::new(&project.settings).remote()?;
    let keys: Vec<Key> = survey.iter().filter_map(|(_, state)| state.key()).collect();
    let held = remote.holds(&keys)?;
    let (count, asked, url) = (held.len(), keys.len(), remote.url());
    let unknown = match survey.iter().count() - asked {
        0 => String::new(),
        1 => "; 1 task waits for inputs, and which result it needs is not known before".to_owned(),
        count => format!(
            "; {count} tasks wait for inputs, and which results they need is not known before"
        ),
    };
    tell(&format!(
        "{url} has {count} of {asked} needed results{unknown}"
    ));
    Ok(held)
}

/// One after the other: a million of them are not in memory at once.
fn each_task<S: Serializer>(found: &Found, serializer: S) -> Result<S::Ok, S::Error> {
    let reports = found.survey.iter().map(|(task, state)| {
        let mut report = TaskReport::new(&found.project.plan, task, state);
        report.link = found.link(task);
        report.on_remote = found.is_on_remote(state);
        report.job = found.job(state);
        report
    });
    serializer.collect_seq(reports)
}

impl Found {
    /// Tasks that are up to date, and all.
    fn counts(&self) -> (usize, usize) {
        let states = self.survey.iter().map(|(_, state)| state);
        states.fold((0, 0), |(current, total), state| {
            (current + usize::from(state.is_current()), total + 1)
        })
    }

    /// The job of a task that is not up to date.
    fn job(&self, state: &State) -> Option<JobReport> {
        if state.is_current() {
            return None;
        }
        self.submitted.get(&state.key()?).map(JobReport::new)
    }

    fn is_on_remote(&self, state: &State) -> Option<bool> {
        let held = self.on_remote.as_ref()?;
        state.key().map(|key| held.contains(&key))
    }

    fn reason(&self, state: &State) -> String {
        let mut reason = reason(state);
        if !state.is_current() && self.is_on_remote(state) == Some(true) {
            reason.push_str("; its result is on the remote");
        }
        reason
    }

    /// What is wrong with the readable name of a task.
    fn link(&self, task: usize) -> Option<&'static str> {
        let key = self.misled.get(&task)?;
        let Project { plan, store, .. } = &self.project;
        Some(match store.linked(&plan.name, &plan.tasks[task].id) {
            Some(other) if other != *key => "its link leads to another result",
            Some(_) => "its links are missing or lead elsewhere",
            None => "it has no link",
        })
    }

    fn text(&self, all: bool, current: usize, total: usize) -> String {
        let plan = &self.project.plan;
        let listed = || {
            let states = self.survey.iter();
            states.filter(move |(task, state)| {
                all || !state.is_current() || self.misled.contains_key(task)
            })
        };
        let words = |(task, state): (usize, &State)| match (self.link(task), self.job(state)) {
            (Some(link), _) => (task, "link", link.to_owned()),
            (None, Some(job)) => (task, job.state, job.describe()),
            (None, None) => (task, word(state), self.reason(state)),
        };
        let mut text = if !all && listed().count() > by_table::LISTED {
            let hint = format!(
                "`{} --all` lists each task\n",
                self.project.invocation.command("status")
            );
            by_table::lines(plan, listed().map(words)) + &hint
        } else {
            let lines = listed().map(words).map(|(task, state, reason)| {
                vec![coloured(state), plan.tasks[task].id.clone(), reason]
            });
            text_table(&lines.collect::<Vec<_>>(), &[])
        };
        let jobs = self.survey.iter().filter_map(|(_, state)| self.job(state));
        let jobs: Vec<JobReport> = jobs.collect();
        let count = |state: &str| jobs.iter().filter(|job| job.state == state).count();
        let counts = tallied(JobReport::STATES.map(|state| (count(state), state)));
        let with_slurm = match counts.as_str() {
            "" => String::new(),
            counts => format!("; with Slurm: {counts}"),
        };
        text.push_str(&format!(
            "{current} of {total} tasks are up to date{with_slurm}\n"
        ));
        if jobs.iter().any(JobReport::is_over) {
            text.push_str(&format!(
                "`{}` takes the results of jobs that have ended, and submits again what has not ended well\n",
                self.project.invocation.command("run")
            ));
        }
        let limit = if all { usize::MAX } else { warnings::SHOWN };
        let found = self.survey.iter().flat_map(|(task, _)| {
            let warnings = self.survey.warnings(plan, task).into_iter();
            warnings.map(move |warning| (task, warning))
        });
        text + &warnings::list(plan, &self.project.invocation, found, limit)
    }
}
