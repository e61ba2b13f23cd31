//! The thread that knows the jobs: it submits what is ready, looks for ends, asks Slurm now and then, and judges what is gone.
//!
//! Ends are found in folders, which costs Slurm nothing. Slurm itself is asked with one request for all jobs, more and more
//! rarely while nothing is submitted: only to learn of what ended without leaving word, or waits for somebody to act.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::super::ExecuteError;
use super::super::attempt::Attempt;
use super::super::executor::{AttemptError, AttemptOutcome, Expected, Message};
use super::batch::SetupFailure;
use super::commands::{self, CommandError};
use super::commits::Finished;
use super::end::{TaskEnd, TaskResult};
use super::flight::{Flight, Waiting};
use super::jobs::{Command, SlurmOptions, Unsubmitted};
use super::needs::Needs;
use super::queue::{ElementState, Queue};
use super::site::Limits;
use crate::store::{Committed, Key, Store};

/// Time between two looks at what is to be done.
const TICK: Duration = Duration::from_millis(50);

/// Shortest and longest time between two looks for ends.
const LOOK: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

/// Shortest and longest time between two questions to Slurm.
const ASK: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// The next interval is so many times the last.
const GROWTH: f64 = 1.3;

/// Time that jobs have to end after they were cancelled.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// How long Slurm may not answer when a run begins.
const FIRST_ANSWER: Duration = Duration::from_secs(120);

/// An interval that grows.
#[derive(Debug)]
struct Pace {
    bounds: [Duration; 2],
    interval: Duration,
    last: Option<Instant>,
}

impl Pace {
    fn new(bounds: [Duration; 2]) -> Self {
        Self {
            bounds,
            interval: bounds[0],
            last: None,
        }
    }

    /// Returns whether it is time again; if so, the next time is further away.
    fn is_due(&mut self) -> bool {
        if self.last.is_some_and(|last| last.elapsed() < self.interval) {
            return false;
        }
        self.last = Some(Instant::now());
        self.interval = self.interval.mul_f64(GROWTH).min(self.bounds[1]);
        true
    }

    fn quicken(&mut self) {
        self.interval = self.bounds[0];
    }
}

/// The state of the jobs of a run.
pub(super) struct Worker<'s, 'a> {
    pub(super) store: &'s Store,
    pub(super) pipeline: &'a str,
    pub(super) options: &'a SlurmOptions,
    pub(super) sender: Sender<Message>,
    finished: Sender<Finished<'a>>,
    pub(super) unsubmitted: Unsubmitted,
    stop: Arc<AtomicBool>,
    pub(super) limits: Limits,
    /// What is to be submitted.
    pub(super) waiting: Vec<Waiting<'a>>,
    pub(super) flights: Vec<Flight<'a>>,
    /// Where earlier runs have left tasks: batch and number in it.
    pub(super) left: HashMap<Key, (String, usize)>,
    adopted: usize,
    pub(super) begun: Instant,
    pub(super) submitted: Option<Instant>,
    /// Nothing more is to be submitted before.
    pub(super) held_until: Option<Instant>,
    /// Most elements of the next submission.
    pub(super) most: usize,
    pub(super) all_started: bool,
    pub(super) batches: usize,
    look: Pace,
    ask: Pace,
    stopping: Option<Instant>,
    /// Whether Slurm has been asked what it gives, and what earlier runs have left.
    has_begun: bool,
    /// Tasks that run, as far as is known.
    running: BTreeSet<usize>,
    counts: (usize, usize),
    /// Why an element could not begin its work.
    setup_failure: Option<SetupFailure>,
    is_silent: bool,
    is_broken: bool,
}

impl<'s, 'a> Worker<'s, 'a> {
    pub(super) fn new(
        store: &'s Store,
        pipeline: &'a str,
        options: &'a SlurmOptions,
        sender: Sender<Message>,
        finished: Sender<Finished<'a>>,
        unsubmitted: Unsubmitted,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            store,
            pipeline,
            options,
            sender,
            finished,
            unsubmitted,
            stop,
            limits: Limits::default(),
            waiting: Vec::new(),
            flights: Vec::new(),
            left: HashMap::new(),
            adopted: 0,
            begun: Instant::now(),
            submitted: None,
            held_until: None,
            most: usize::MAX,
            all_started: false,
            batches: 0,
            look: Pace::new(LOOK),
            ask: Pace::new(ASK),
            stopping: None,
            has_begun: false,
            running: BTreeSet::new(),
            counts: (0, 0),
            setup_failure: None,
            is_silent: false,
            is_broken: false,
        }
    }

    /// Works until the run leaves the jobs.
    pub(super) fn run(mut self, commands: &Receiver<Command<'a>>) {
        loop {
            let mut next = commands.recv_timeout(TICK);
            loop {
                match next {
                    Ok(Command::Leave) | Err(RecvTimeoutError::Disconnected) => {
                        return self.leave();
                    }
                    Ok(command) => self.obey(command),
                    Err(RecvTimeoutError::Timeout) => break,
                }
                next = commands.try_recv().map_err(|_| RecvTimeoutError::Timeout);
            }
            let done = self.work();
            if let Err(error) = done {
                self.broken(error);
            }
        }
    }

    fn leave(&mut self) {
        match self.has_begun {
            true => self.forget_what_is_over(),
            false => self.forget_what_is_in_the_store(),
        }
    }

    /// Asks Slurm what a run has to know, before its first task is submitted. A run without tasks for it asks nothing.
    fn begin(&mut self) -> Result<(), ExecuteError> {
        self.has_begun = true;
        let settings = &self.options.settings;
        let Some(limits) = self.first_answer(|| Limits::ask(settings))? else {
            return Ok(());
        };
        self.limits = limits;
        self.find_left()
    }

    /// Asks Slurm when a run begins, and waits until it answers; `None` if the run is stopping.
    pub(super) fn first_answer<T>(
        &mut self,
        ask: impl Fn() -> Result<T, CommandError>,
    ) -> Result<Option<T>, CommandError> {
        let started = Instant::now();
        loop {
            match ask() {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) if error.is_passing() && started.elapsed() < FIRST_ANSWER => {
                    self.silence(&error);
                    if !self.pause(ASK[0]) {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits; `false` if the run is stopping.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < time {
            if self.stop.load(Ordering::SeqCst) {
                return false;
            }
            std::thread::sleep(TICK);
        }
        true
    }

    fn obey(&mut self, command: Command<'a>) {
        match command {
            Command::Start(attempt, expected) => self.start(*attempt, expected),
            Command::AllStarted => self.all_started = true,
            Command::Settled(batch, number) => {
                if let Some(flight) = self.flight(&batch) {
                    flight.batch.settle(number);
                    flight.placing.remove(&number);
                    flight.settled.insert(number);
                }
            }
            Command::Stop => self.cancel(),
            Command::Leave => {}
        }
    }

    fn flight(&mut self, batch: &str) -> Option<&mut Flight<'a>> {
        let mut flights = self.flights.iter_mut();
        flights.find(|flight| flight.batch.id == batch)
    }

    fn start(&mut self, attempt: Attempt<'a>, expected: Expected) {
        if !self.has_begun
            && let Err(error) = self.begin()
        {
            self.broken(error);
        }
        let settings = &self.options.settings;
        let needs = Needs::of(attempt.task, expected, settings, &self.limits);
        let waiting = Waiting {
            attempt,
            expected,
            needs,
            tries: 0,
        };
        if self.stopping.is_some() {
            return self.ended(&waiting.attempt, Err(AttemptError::Stopped));
        }
        let key = waiting.attempt.key;
        if let Some((batch, number)) = self.left.remove(&key)
            && let Some(flight) = self.flight(&batch)
        {
            let task = waiting.attempt.index;
            // One that was stopped is started again by Slurm.
            let has_ended = TaskEnd::read(&flight.batch.end(number))
                .is_ok_and(|end| !matches!(end.result, TaskResult::Stopped));
            flight.wanted.insert(number, waiting);
            self.adopted += 1;
            if !has_ended {
                self.unsubmitted.remove(task);
            }
            self.look.quicken();
            return;
        }
        self.all_started = false;
        self.waiting.push(waiting);
    }

    fn work(&mut self) -> Result<(), ExecuteError> {
        if self.all_started && self.adopted > 0 {
            let adopted = std::mem::take(&mut self.adopted);
            let s = if adopted == 1 { "" } else { "s" };
            self.note(format!(
                "slurm: {adopted} task{s} adopted that an earlier run has submitted"
            ));
        }
        let is_waited_for = self.awaits_jobs();
        let mut is_new = false;
        if is_waited_for && self.look.is_due() {
            is_new = true;
            if self.look_for_ends() {
                self.look.quicken();
            }
            if !self.is_broken
                && let Some(failure) = self.setup_failure.take()
            {
                return Err(ExecuteError::SlurmSetup(failure));
            }
        }
        if is_waited_for && self.ask.is_due() {
            self.ask_slurm();
        }
        self.judge();
        self.forget_what_is_over();
        if self.stopping.is_some() {
            self.finish_stopping();
        } else if !self.is_broken && self.submit()? {
            self.ask.quicken();
            self.look.quicken();
            is_new = true;
        }
        if is_new || self.flights.is_empty() {
            self.count();
        }
        Ok(())
    }

    /// Returns whether this run waits for tasks that it has submitted or adopted.
    pub(super) fn awaits_jobs(&self) -> bool {
        self.flights.iter().any(|flight| !flight.wanted.is_empty())
    }

    /// Returns whether the run is stopping.
    pub(super) fn stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Hands on the ends that have been written; whether there were any. Looks whether an element could not begin, too.
    fn look_for_ends(&mut self) -> bool {
        let mut found = Vec::new();
        for (index, flight) in self.flights.iter().enumerate() {
            if flight.wanted.is_empty() {
                continue;
            }
            let ended = flight.batch.ended().into_iter();
            let wanted = ended.filter(|number| flight.wanted.contains_key(number));
            found.extend(wanted.map(|number| (index, number)));
            if self.setup_failure.is_none() {
                self.setup_failure = flight.batch.setup_failure();
            }
        }
        let mut any = false;
        for (index, number) in found {
            any |= self.take_end(index, number);
        }
        any
    }

    /// The result of a task can be placed.
    pub(super) fn place(&mut self, index: usize, number: usize, end: TaskEnd) {
        let Some(flight) = self.flights.get_mut(index) else {
            return;
        };
        let Some(waiting) = flight.wanted.remove(&number) else {
            return;
        };
        flight.placing.insert(number);
        self.running.remove(&waiting.attempt.index);
        let finished = Finished {
            attempt: waiting.attempt,
            end,
            batch: flight.batch.id.clone(),
            number,
        };
        // The threads that place results live as long as this one.
        drop(self.finished.send(finished));
    }

    /// Asks where the elements are. Without an answer, what was known last holds.
    fn ask_slurm(&mut self) {
        match Queue::ask() {
            Ok(queue) => {
                if std::mem::take(&mut self.is_silent) {
                    self.note("slurm: it answers again".to_owned());
                }
                self.update(&queue);
            }
            Err(error) => self.silence(&error),
        }
    }

    /// Says once that Slurm does not answer.
    pub(super) fn silence(&mut self, error: &CommandError) {
        if !self.is_silent {
            self.is_silent = true;
            self.note(format!("slurm: {error}; waiting until it answers"));
        }
    }

    fn forget_what_is_over(&mut self) {
        let store = self.store;
        self.flights.retain(|flight| {
            let is_over = flight.is_over();
            if is_over {
                flight.batch.remove(store);
            }
            !is_over
        });
    }

    /// Cancels the jobs that this run waits for.
    fn cancel(&mut self) {
        self.stopping = Some(Instant::now());
        for waiting in std::mem::take(&mut self.waiting) {
            self.ended(&waiting.attempt, Err(AttemptError::Stopped));
        }
        let mut ids = Vec::new();
        let mut tasks = 0;
        for flight in &self.flights {
            tasks += flight.wanted.len();
            let awaited = flight.awaited();
            let is_whole = flight.wanted.len() + flight.settled.len() + flight.placing.len()
                == flight.batch.about.tasks.len();
            match is_whole {
                _ if awaited.is_empty() => {}
                true => ids.push(flight.job.to_string()),
                false => ids.extend(awaited.keys().map(|&element| flight.name(element))),
            }
        }
        if tasks > 0 {
            let s = if tasks == 1 { "" } else { "s" };
            self.note(format!(
                "slurm: the run ends, and cancels the jobs of {tasks} task{s} that have not ended"
            ));
        }
        for ids in ids.chunks(500) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            if let Err(error) = commands::run("scancel", &ids) {
                self.note(format!(
                    "slurm: jobs were not cancelled, `scancel {}` does that: {error}",
                    ids.join(" ")
                ));
            }
        }
        self.look.quicken();
        self.ask.quicken();
    }

    /// Ends what was cancelled: at once what did not run, the rest when it has ended or has had its time.
    fn finish_stopping(&mut self) {
        let late = self
            .stopping
            .is_some_and(|since| since.elapsed() > LAST_WORDS);
        let mut ended = Vec::new();
        for flight in &mut self.flights {
            for (element, numbers) in flight.awaited() {
                let is_running = flight
                    .state(element)
                    .is_some_and(|state| *state == ElementState::Running);
                if is_running && !late {
                    continue;
                }
                for number in numbers {
                    flight.settled.insert(number);
                    ended.extend(flight.wanted.remove(&number));
                }
            }
        }
        for waiting in ended {
            self.ended(&waiting.attempt, Err(AttemptError::Stopped));
        }
        self.forget_what_is_over();
    }

    /// Tells the run which tasks run and how many wait, as far as that has changed.
    fn count(&mut self) {
        let running: BTreeSet<usize> = self.flights.iter().flat_map(Flight::running).collect();
        for &task in running.difference(&self.running) {
            drop(self.sender.send(Message::Began(task)));
        }
        // What has ended was taken out of the set then.
        for &task in self.running.difference(&running) {
            drop(self.sender.send(Message::Requeued(task)));
        }
        self.running = running;
        let awaited = self.flights.iter().map(|flight| flight.wanted.len());
        let submitted: usize = awaited.sum();
        let counts = (
            self.running.len(),
            submitted + self.waiting.len() - self.running.len(),
        );
        if counts != self.counts {
            self.counts = counts;
            let (running, queued) = counts;
            drop(self.sender.send(Message::Elsewhere { running, queued }));
        }
    }

    /// Slurm has something to say.
    pub(super) fn ask_soon(&mut self) {
        self.ask.quicken();
    }

    /// A task does not run any more.
    pub(super) fn runs_no_more(&mut self, task: usize) {
        self.running.remove(&task);
    }

    pub(super) fn note(&self, text: String) {
        drop(self.sender.send(Message::Note(text)));
    }

    /// A task has ended without having run, as far as is known.
    pub(super) fn ended(&self, attempt: &Attempt<'a>, result: Result<Committed, AttemptError>) {
        let outcome = AttemptOutcome {
            result,
            began: None,
            seconds: 0.0,
            cpu_seconds: None,
            peak_bytes: None,
        };
        let message = Message::Ended(attempt.index, Box::new(outcome));
        drop(self.sender.send(message));
    }

    pub(super) fn broken(&mut self, error: ExecuteError) {
        self.is_broken = true;
        drop(self.sender.send(Message::Broken(Box::new(error))));
    }
}
