//! The scheduler: the state of a run, kept by one thread.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use eigenscope_stage::{Event, Input, ThreadBudget};
use rayon::prelude::*;

use super::attempt::{Attempt, AttemptOutcome};
use super::budget::Budget;
use super::forecast::Forecast;
use super::task_states::{Running, TaskStates};
use super::{ExecuteError, Observer, Options, Outcome, RunEvent};
use crate::ledger::{Durations, Ledger};
use crate::store::{FigureNames, Key, Store, StoreError};
use crate::survey::{FEW, State, Survey, Surveyor};
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, PlannedTask};

/// Time between two looks at whether the caller has cancelled.
const TICK: Duration = Duration::from_millis(50);

/// What a run works on. It does not change during the run.
#[derive(Clone, Copy)]
pub(super) struct RunContext<'a> {
    pub(super) plan: &'a Plan,
    pub(super) figures: &'a FigureNames,
    pub(super) programs: &'a Programs,
    pub(super) store: &'a Store,
    pub(super) options: &'a Options,
    pub(super) data_dir: &'a Path,
}

/// The state of a run.
pub(super) struct Schedule<'a> {
    pub(super) context: RunContext<'a>,
    pub(super) surveyor: Surveyor<'a>,
    pub(super) survey: Survey,
    pub(super) ledger: &'a mut Ledger,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) begun: Instant,
    pub(super) states: TaskStates,
    pub(super) budget: Budget,
    pub(super) forecast: Forecast,
    pub(super) total: usize,
    pub(super) outcome: Outcome,
    /// Why the run cannot go on.
    pub(super) fatal: Option<StoreError>,
}

enum Message {
    Event(usize, Event),
    Ended(usize, Box<AttemptOutcome>),
}

impl<'a> Schedule<'a> {
    pub(super) fn new(
        context: RunContext<'a>,
        surveyor: Surveyor<'a>,
        survey: Survey,
        ledger: &'a mut Ledger,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let RunContext { plan, options, .. } = context;
        let mut schedule = Self {
            context,
            surveyor,
            ledger,
            observer,
            begun: Instant::now(),
            states: TaskStates::default(),
            budget: Budget::new(options.jobs, options.memory_mib),
            forecast: Forecast::new(
                plan,
                survey
                    .iter()
                    .filter(|(_, state)| !state.is_current())
                    .map(|(task, _)| task),
                &Durations::load(context.store),
                options.jobs,
            ),
            total: 0,
            outcome: Outcome::default(),
            fatal: None,
            survey,
        };
        schedule.sort_tasks();
        schedule
    }

    /// Sorts the surveyed tasks into current, ready and waiting.
    fn sort_tasks(&mut self) {
        for (index, state) in self.survey.iter() {
            match state {
                State::Current { .. } => self.outcome.current.push(index),
                State::Stale { key, .. } => {
                    self.states.make_ready(index, *key, self.urgency(index));
                }
                State::Blocked { .. } => {
                    let inputs = self.context.plan.tasks[index].inputs.iter();
                    let missing: BTreeSet<usize> = inputs
                        .map(|input| input.task)
                        .filter(|&task| !self.survey.get(task).is_some_and(State::is_current))
                        .collect();
                    self.states.add_waiting(index, &missing);
                }
            }
        }
        self.total = self.states.len();
    }

    /// Runs until nothing is left to do, or to the end of what runs when it has to stop.
    pub(super) fn run(mut self) -> Result<Outcome, ExecuteError> {
        for (task, key) in self.unlinked() {
            self.link(task, key);
        }
        let stop = AtomicBool::new(false);
        let (sender, receiver) = channel();
        std::thread::scope(|scope| self.work(scope, &stop, &sender, &receiver));
        self.surveyor.save();
        if let Some(error) = self.fatal {
            return Err(error.into());
        }
        let warnings = self.warnings();
        let mut outcome = self.outcome;
        outcome.left = self
            .survey
            .iter()
            .filter(|(task, state)| !state.is_current() && !failed(&outcome, *task))
            .map(|(task, _)| task)
            .collect();
        outcome.warnings = warnings;
        Ok(outcome)
    }

    /// Warnings of the tasks that are current, and of those that the pipeline file gives rise to.
    fn warnings(&self) -> BTreeMap<usize, Vec<String>> {
        let tasks = self.survey.iter().map(|(task, _)| task);
        let warnings = tasks.filter_map(|task| {
            let warnings = self.survey.warnings(self.context.plan, task);
            let owned = warnings.into_iter().map(str::to_owned);
            let owned: Vec<String> = owned.collect();
            (!owned.is_empty()).then_some((task, owned))
        });
        warnings.collect()
    }

    /// The current tasks whose readable names do not lead to their results.
    fn unlinked(&self) -> Vec<(usize, Key)> {
        let RunContext {
            plan,
            store,
            figures,
            ..
        } = self.context;
        let survey = &self.survey;
        let current = self.outcome.current.par_iter().with_min_len(FEW);
        let unlinked = current.filter_map(|&index| {
            let key = survey.get(index).and_then(State::key)?;
            (!store.is_linked(plan, index, figures, key)).then_some((index, key))
        });
        unlinked.collect()
    }

    fn work<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        stop: &'scope AtomicBool,
        sender: &Sender<Message>,
        receiver: &Receiver<Message>,
    ) where
        'a: 'scope,
    {
        loop {
            if self.must_stop() {
                stop.store(true, Ordering::Relaxed);
            } else {
                while let Some((task, key)) = self.next_to_start() {
                    self.keep_code(task);
                    self.start(task, key, scope, stop, sender);
                }
            }
            if !self.states.is_any_running() {
                return;
            }
            self.lend_idle_threads();
            match receiver.recv_timeout(TICK) {
                Ok(Message::Event(task, event)) => self.event(task, &event),
                Ok(Message::Ended(task, ended)) => self.ended(task, *ended),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    fn must_stop(&mut self) -> bool {
        let cancelled = self.context.options.cancel.load(Ordering::Relaxed);
        let unfinished = self.states.is_any_ready() || self.states.is_any_running();
        self.outcome.interrupted |= cancelled && unfinished;
        let failed = !self.outcome.failures.is_empty() && !self.context.options.keep_going;
        cancelled || failed || self.fatal.is_some()
    }

    /// What ready tasks are ordered by, the largest first: their estimated duration, or chance.
    pub(super) fn urgency(&self, index: usize) -> f64 {
        match self.context.options.shuffle {
            None => self.forecast.seconds(index),
            Some(seed) => {
                let drawn = blake3::hash(format!("{seed} {index}").as_bytes());
                drawn
                    .as_bytes()
                    .iter()
                    .fold(0.0, |sum, &byte| sum * 256.0 + f64::from(byte))
            }
        }
    }

    /// The longest of the ready tasks that fit. Of two tasks with one key the second waits for the first.
    fn next_to_start(&self) -> Option<(usize, Key)> {
        if self.budget.is_full() {
            return None;
        }
        self.states.ready().find(|&(task, key)| {
            self.budget.fits(&self.task(task).resources)
                && !self.states.running().any(|(_, running)| running.key == key)
        })
    }

    /// Divides the threads that no task needs among running tasks that can use them, first the one with most left to
    /// do. What was lent before is taken back: a task that has just started needs its own.
    fn lend_idle_threads(&self) {
        let mut idle = self.budget.idle_threads();
        let mut borrowers: Vec<_> = self.states.running().collect();
        borrowers.sort_by(|(a, _), (b, _)| {
            let left = |task: &usize| self.forecast.seconds_left_of(*task);
            left(b).total_cmp(&left(a))
        });
        for (task, running) in borrowers {
            let resources = &self.task(task).resources;
            let lent = idle.min(resources.extra_threads);
            idle -= lent;
            running
                .thread_budget
                .set(self.budget.threads(resources) + lent);
        }
    }

    /// Keeps what the code of a task consists of, to say later how it has changed.
    fn keep_code(&mut self, index: usize) {
        let RunContext { plan, store, .. } = self.context;
        let fingerprint = &plan.tasks[index].fingerprint;
        let parts = plan.code.get(fingerprint);
        let kept = parts.map_or(Ok(()), |parts| store.keep_code(fingerprint, parts));
        if let Err(error) = kept {
            self.fatal.get_or_insert(error);
        }
    }

    fn start<'scope>(
        &mut self,
        index: usize,
        key: Key,
        scope: &'scope Scope<'scope, '_>,
        stop: &'scope AtomicBool,
        sender: &Sender<Message>,
    ) where
        'a: 'scope,
    {
        let attempt = self.attempt(index, key);

        self.budget.take(index, &attempt.task.resources);
        self.forecast.started(index);
        let running = Running {
            key,
            start_seconds: self.begun.elapsed().as_secs_f64(),
            message: String::new(),
            thread_budget: attempt.thread_budget.clone(),
        };
        self.states.start(index, running);
        tracing::debug!(task = %attempt.task.id, key = %key.short(), "starting");
        self.notify(index, RunEvent::Started);
        let (sender, store) = (sender.clone(), self.context.store);
        scope.spawn(move || {
            // The receiver outlives every thread of the scope: sending cannot fail.
            let report = |event| drop(sender.send(Message::Event(index, event)));
            let ended = attempt.run(store, stop, report);
            drop(sender.send(Message::Ended(index, Box::new(ended))));
        });
    }

    fn attempt(&self, index: usize, key: Key) -> Attempt<'a> {
        let RunContext {
            plan,
            programs,
            store,
            options,
            data_dir,
            ..
        } = self.context;
        let task = &plan.tasks[index];
        let threads = self.budget.threads(&task.resources);
        let (key_inputs, _) = self.surveyor.key_inputs(task, &self.survey);
        let mut inputs: BTreeMap<String, Vec<Input>> = BTreeMap::new();
        let mut files = Vec::new();
        for (planned, recorded) in task.inputs.iter().zip(&key_inputs.inputs) {
            let source = self.survey.get(planned.task).and_then(State::key);
            // A task with a key has current inputs, and these have keys.
            let path = source.map(|key| store.output(key, &planned.kind));
            let output = self.survey.output(planned.task, &planned.kind);
            files.extend(path.clone().zip(output.map(|output| output.file)));
            inputs.entry(planned.role.clone()).or_default().push(Input {
                task: recorded.task.clone(),
                labels: recorded.labels.clone(),
                path: path.unwrap_or_default(),
                content: recorded.content,
            });
        }
        Attempt {
            index,
            task,
            key,
            key_inputs,
            inputs,
            files,
            program: programs.path(task.stage),
            log: store.log(&plan.name, &task.id),
            threads,
            thread_budget: ThreadBudget::new(threads),
            data_dir: data_dir.to_owned(),
            download: options.download,
        }
    }

    pub(super) fn task(&self, index: usize) -> &'a PlannedTask {
        &self.context.plan.tasks[index]
    }
}

fn failed(outcome: &Outcome, task: usize) -> bool {
    outcome.failures.iter().any(|failure| failure.task == task)
}
