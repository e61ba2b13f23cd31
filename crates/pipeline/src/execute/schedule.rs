//! The scheduler: the state of a run, kept by one thread.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use super::attempt::Attempt;
use super::executor::{Handed, Message};
use super::forecast::{Forecast, Width};
use super::lookups::{Lookups, Seekers};
use super::places::Places;
use super::task_states::{Running, TaskStates};
use super::{Ended, ExecuteError, Observer, Options, Outcome, RunEvent};
use crate::ledger::{Durations, Ledger};
use crate::store::{FigureNames, Key, Store};
use crate::survey::{State, Survey, Surveyor, unlinked};
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, PlannedTask};

/// Time between two looks at whether the caller has cancelled.
const TICK: Duration = Duration::from_millis(50);

/// Time between two estimates of the time left while nothing happens.
const LEFT: Duration = Duration::from_secs(1);

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
    /// The same moment on the clock that machines share.
    pub(super) begun_at: SystemTime,
    pub(super) states: TaskStates,
    pub(super) forecast: Forecast,
    pub(super) lookups: Lookups,
    pub(super) total: usize,
    pub(super) outcome: Outcome,
    /// Why the run cannot go on.
    pub(super) fatal: Option<ExecuteError>,
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
        let idle = survey.iter().all(|(_, state)| state.is_current());
        let durations = match idle {
            true => Durations::default(),
            false => Durations::load(context.store),
        };
        let mut schedule = Self {
            context,
            surveyor,
            ledger,
            observer,
            begun: Instant::now(),
            begun_at: SystemTime::now(),
            states: TaskStates::default(),
            forecast: Forecast::new(
                plan,
                survey
                    .iter()
                    .filter(|(_, state)| !state.is_current())
                    .map(|(task, _)| task),
                &durations,
                match options.slurm {
                    None => Width::Known(options.jobs),
                    Some(_) => Width::Seen,
                },
            ),
            lookups: Lookups::default(),
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
        let mut stale = Vec::new();
        for (index, state) in self.survey.iter() {
            match state {
                State::Current { .. } => self.outcome.current.push(index),
                State::Stale { key, .. } => {
                    stale.push((index, *key));
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
        for (index, key) in stale {
            self.offer(index, key);
        }
        self.total = self.states.len();
    }

    /// Runs until nothing is left to do, or to the end of what runs when it has to stop.
    pub(super) fn run(mut self) -> Ended {
        let RunContext {
            plan,
            store,
            figures,
            options,
            ..
        } = self.context;
        for (task, key) in unlinked(plan, store, &self.survey, figures, &options.cancel) {
            if self.is_cancelled() {
                break;
            }
            self.link(task, key);
        }
        let stop = AtomicBool::new(false);
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            let places = Places::new(self.context, scope, &stop, &sender);
            if let Some(sharing) = options.sharing.clone()
                && sharing.pushes()
                && self.total > 0
            {
                let sender = sender.clone();
                scope.spawn(move || {
                    // The receiver outlives every thread of the scope.
                    let _ = sharing.probe().map(|line| sender.send(Message::Note(line)));
                });
            }
            self.work(places, Seekers::new(scope, &sender), &receiver);
        });
        self.surveyor.save();
        let broken = self.fatal.take();
        let warnings = self.warnings();
        let mut outcome = self.outcome;
        let failed: HashSet<usize> = outcome
            .failures
            .iter()
            .map(|failure| failure.task)
            .collect();
        outcome.left = self
            .survey
            .iter()
            .filter(|(task, state)| !state.is_current() && !failed.contains(task))
            .map(|(task, _)| task)
            .collect();
        outcome.warnings = warnings;
        Ended { outcome, broken }
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

    fn work<'scope>(
        &mut self,
        mut places: Places<'scope, 'a>,
        seekers: Seekers<'scope, '_>,
        receiver: &Receiver<Message>,
    ) where
        'a: 'scope,
    {
        let mut told: Option<Instant> = None;
        loop {
            if self.total > 0 && told.is_none_or(|told| told.elapsed() >= LEFT) {
                told = Some(Instant::now());
                self.observer.time_left(self.forecast.seconds_left());
            }
            if self.must_stop() {
                places.stop();
                self.stop_lookups();
            } else {
                self.start_lookups(&seekers);
                while let Some((task, key)) = self.next_to_start(&places) {
                    self.keep_code(task);
                    self.start(task, key, &mut places);
                }
                places.all_started();
                let sharing = self.context.options.sharing.as_ref();
                if let Some(line) = sharing.and_then(|sharing| sharing.waited_for()) {
                    self.observer.note(&line);
                }
            }
            let is_computing = self.states.is_any_running() && !self.is_left_alone(&places);
            if !is_computing && !self.lookups.is_any_under_way() {
                return;
            }
            places.lend_idle_threads(&|task| self.forecast.seconds_left_of(task));
            match receiver.recv_timeout(TICK) {
                Ok(message) => self.handle(message, &mut places),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// Returns whether the run ends here and leaves what it has submitted to a later one.
    fn is_left_alone(&mut self, places: &Places<'_, 'a>) -> bool {
        let slurm = self.context.options.slurm.as_ref();
        let leaves =
            slurm.is_some_and(|slurm| slurm.detach) && !self.must_stop() && places.can_be_left();
        if leaves {
            self.outcome.submitted = self.states.running().collect();
        }
        leaves
    }

    fn handle(&mut self, message: Message, places: &mut Places<'_, 'a>) {
        match message {
            Message::Event(task, event) => self.event(task, &event),
            Message::Ended(task, ended) => {
                places.ended(task);
                self.ended(task, *ended);
            }
            Message::LookedUp(task, lookup) => self.looked_up(task, *lookup),
            Message::Note(text) => self.observer.note(&text),
            Message::Elsewhere { running, queued } => self.observer.elsewhere(running, queued),
            Message::Began(task) => {
                self.forecast.started(task);
                self.notify(task, RunEvent::StartedElsewhere);
            }
            Message::Requeued(task) => {
                self.forecast.waits_again(task);
                self.notify(task, RunEvent::Requeued);
            }
            Message::Broken(error) => {
                self.fatal.get_or_insert(*error);
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.context.options.cancel.load(Ordering::Relaxed)
    }

    fn must_stop(&mut self) -> bool {
        let cancelled = self.is_cancelled();
        let unfinished = self.states.is_any_ready()
            || self.states.is_any_running()
            || self.lookups.is_any_left();
        self.outcome.interrupted |= cancelled && unfinished;
        let mut failures = self.outcome.failures.iter();
        let failed = failures.any(|failure| !failure.is_cancelled);
        let failed = failed && !self.context.options.keep_going;
        cancelled || failed || self.fatal.is_some()
    }

    /// What ready tasks are ordered by, the largest first: the estimated duration of the longest chain of tasks that each begins, or
    /// chance.
    pub(super) fn urgency(&self, index: usize) -> f64 {
        match self.context.options.shuffle {
            None => self.forecast.seconds_to_end(index),
            Some(seed) => {
                let drawn = blake3::hash(format!("{seed} {index}").as_bytes());
                drawn
                    .as_bytes()
                    .iter()
                    .fold(0.0, |sum, &byte| sum * 256.0 + f64::from(byte))
            }
        }
    }

    /// The most urgent of the ready tasks that fit. Of two tasks with one key the second waits for the first.
    fn next_to_start(&self, places: &Places<'_, 'a>) -> Option<(usize, Key)> {
        if places.are_full() {
            return None;
        }
        self.states.ready().find(|&(task, key)| {
            places.has_room(task, self.task(task)) && !self.states.is_running(key)
        })
    }

    /// Keeps what the code of a task consists of, to say later how it has changed.
    pub(super) fn keep_code(&mut self, index: usize) {
        let RunContext { plan, store, .. } = self.context;
        let fingerprint = &plan.tasks[index].fingerprint;
        let parts = plan.code.get(&**fingerprint);
        let kept = parts.map_or(Ok(()), |parts| store.keep_code(fingerprint, parts));
        if let Err(error) = kept {
            self.fatal.get_or_insert(error.into());
        }
    }

    fn start(&mut self, index: usize, key: Key, places: &mut Places<'_, 'a>) {
        let threads = places.threads(index, self.task(index));
        let (surveyor, survey) = (&self.surveyor, &self.survey);
        let attempt = Attempt::new(self.context, surveyor, survey, index, key, threads);
        let expected = self.forecast.expected(index);
        let running = Running {
            key,
            start_seconds: self.begun.elapsed().as_secs_f64(),
            message: String::new(),
            threads,
        };
        self.states.start(index, running);
        tracing::debug!(task = %attempt.task.id, key = %key.short(), "starting");
        if places.start(attempt, expected) == Handed::Running {
            self.forecast.started(index);
            self.notify(index, RunEvent::Started);
        }
    }

    pub(super) fn task(&self, index: usize) -> &'a PlannedTask {
        &self.context.plan.tasks[index]
    }
}
