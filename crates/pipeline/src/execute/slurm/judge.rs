//! What becomes of tasks: by the word that they have left, or by what Slurm says of a job that left none.

use std::io::ErrorKind;
use std::io::Write as _;
use std::time::Duration;

use super::super::executor::{AttemptError, Message};
use super::commits::outcome;
use super::end::{TaskEnd, TaskResult};
use super::flight::Waiting;
use super::queue::{ElementState, Ending, Queue, needs_help};
use super::verdict::Cause;
use super::worker::Worker;
use crate::store::StoreError;

/// An element whose job is gone.
struct Gone {
    flight: usize,
    name: String,
    /// The tasks that it did not bring to their end, in the order in which it ran them.
    numbers: Vec<usize>,
    ending: Option<Ending>,
    id: (u64, usize),
}

impl<'a> Worker<'_, 'a> {
    /// Deals with the end of a task that this run waits for; whether that is possible now.
    pub(super) fn take_end(&mut self, flight: usize, number: usize) -> bool {
        let Some(known) = self.flights.get_mut(flight) else {
            return false;
        };
        let element = known.element_of(number);
        let name = known.name(element);
        let end = match TaskEnd::read(&known.batch.end(number)) {
            Ok(end) => end,
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::debug!("cannot read an end of job {name}: {error}");
                }
                return false;
            }
        };
        if matches!(end.result, TaskResult::Stopped) {
            if known.stopped(element) {
                // What Slurm says of it decides, and does so now.
                self.ask_soon();
            }
            return false;
        }
        if end.restarts > 0
            && let Some(waiting) = known.wanted.get(&number)
        {
            let id = &waiting.attempt.task.id;
            let times = match end.restarts {
                1 => "once".to_owned(),
                count => format!("{count} times"),
            };
            let note = format!(
                "slurm: {id}: job {name} was requeued {times}, and ended on {}",
                end.host
            );
            self.note(note);
        }
        if matches!(end.result, TaskResult::Done) {
            self.place(flight, number, end);
            return true;
        }
        let Some(waiting) = self.settle(flight, number) else {
            return false;
        };
        match &end.result {
            TaskResult::Failed { killed: true, .. } => {
                let ending = Ending {
                    state: "OUT_OF_MEMORY".to_owned(),
                    reason: format!("its program was killed on {}", end.host),
                };
                self.again(waiting, &name, Some(&ending), &[], true);
            }
            TaskResult::Failed { messages, .. } => {
                let error = waiting.attempt.failed(messages.clone());
                self.report(&waiting, &end, error);
            }
            TaskResult::Damaged { path } => {
                let path = path.clone();
                let error = AttemptError::Store(StoreError::Damaged { path });
                self.report(&waiting, &end, error);
            }
            TaskResult::Folder { messages } => {
                let mut messages = messages.clone();
                messages.insert(0, format!("on {} (job {name})", end.host));
                let error = waiting.attempt.failed(messages);
                self.report(&waiting, &end, error);
            }
            TaskResult::Done | TaskResult::Stopped => {}
        }
        true
    }

    fn report(&self, waiting: &Waiting<'a>, end: &TaskEnd, error: AttemptError) {
        let outcome = outcome(end, Err(error));
        let message = Message::Ended(waiting.attempt.index, Box::new(outcome));
        drop(self.sender.send(message));
    }

    /// Takes a task out of its batch, whose end has been dealt with.
    fn settle(&mut self, flight: usize, number: usize) -> Option<Waiting<'a>> {
        let known = self.flights.get_mut(flight)?;
        known.batch.settle(number);
        known.settled.insert(number);
        let waiting = known.wanted.remove(&number)?;
        self.runs_no_more(waiting.attempt.index);
        Some(waiting)
    }

    /// Takes over what Slurm says about the elements that this run waits for.
    pub(super) fn update(&mut self, queue: &Queue) {
        let mut notes = Vec::new();
        for flight in &mut self.flights {
            for (element, numbers) in flight.awaited() {
                let is_requeued = flight.update(element, queue);
                let name = flight.name(element);
                let first = numbers.first().and_then(|number| flight.wanted.get(number));
                let first = first.map_or("", |waiting| waiting.attempt.task.id.as_str());
                let Some(ElementState::Queued(reason)) = flight.state(element) else {
                    continue;
                };
                let reason = reason.clone();
                if is_requeued {
                    notes.push(format!(
                        "slurm: job {name} ({first}) was requeued ({reason})"
                    ));
                }
                if needs_help(&reason) && flight.told.insert(reason.clone()) {
                    let job = flight.job;
                    notes.push(format!(
                        "slurm: job {name} ({first}) waits for somebody to act: {reason}; `scontrol release {job}` releases \
                         what is held, `scancel {job}` cancels it"
                    ));
                }
            }
        }
        for note in notes {
            self.note(note);
        }
    }

    /// Decides about tasks whose jobs are gone and that have left no word for so long that none will come.
    pub(super) fn judge(&mut self) {
        let visibility = self.options.settings.visibility;
        let mut gone = Vec::new();
        let flights = self.flights.iter().enumerate();
        for (index, flight) in flights.filter(|(_, flight)| flight.has_gone()) {
            for (element, numbers) in flight.awaited() {
                let Some((since, ending, is_stopped)) = flight.gone(element) else {
                    continue;
                };
                // Who had time to say that it was stopped has said everything else before.
                let patience = if is_stopped {
                    Duration::ZERO
                } else {
                    visibility
                };
                if since.elapsed() >= patience {
                    gone.push(Gone {
                        flight: index,
                        name: flight.name(element),
                        numbers,
                        ending,
                        id: (flight.job, element),
                    });
                }
            }
        }
        for gone in gone {
            self.judge_one(gone);
        }
    }

    fn judge_one(&mut self, gone: Gone) {
        if let Some(flight) = self.flights.get(gone.flight) {
            flight.batch.refresh();
        }
        let late = gone.numbers.iter();
        let late: Vec<usize> = late
            .copied()
            .filter(|&number| !self.take_end(gone.flight, number))
            .collect();
        if self.stopping() || late.is_empty() {
            return;
        }
        let ending = gone.ending.or_else(|| Ending::ask(gone.id));
        let said = self.said(gone.flight, gone.id.1);
        for (position, number) in late.into_iter().enumerate() {
            let Some(waiting) = self.settle(gone.flight, number) else {
                continue;
            };
            if position == 0 {
                note_in_log(&waiting, &gone.name, ending.as_ref(), &said);
            }
            // The first is the one that ran when the job ended; those after it were never begun.
            self.again(waiting, &gone.name, ending.as_ref(), &said, position == 0);
        }
    }

    /// Submits a task again, if that can help and it has tries left; else it has failed.
    fn again(
        &mut self,
        mut waiting: Waiting<'a>,
        job: &str,
        ending: Option<&Ending>,
        said: &[String],
        begun: bool,
    ) {
        let cause = Cause::of(ending, said);
        let why = cause.describe(job, waiting.needs, ending);
        let has_tries = !begun || waiting.tries < self.options.settings.retries;
        let needs = cause.needs_again(waiting.needs, &self.limits);
        let id = &waiting.attempt.task.id;
        match needs.filter(|_| has_tries && !self.stopping()) {
            Some(needs) => {
                if begun {
                    let changed = match needs == waiting.needs {
                        true => String::new(),
                        false => format!(" with {needs}"),
                    };
                    self.note(format!("slurm: {id}: {why}; trying again{changed}"));
                    waiting.tries += 1;
                }
                waiting.needs = needs;
                let task = waiting.attempt.index;
                drop(self.sender.send(Message::Requeued(task)));
                self.unsubmitted.add(waiting.attempt.index);
                self.waiting.push(waiting);
            }
            None => {
                let limit = match has_tries && needs.is_none() && cause != Cause::Cancelled {
                    true => "; the partition gives no more",
                    false => "",
                };
                let message = format!("{why}{limit}; {}", cause.advice());
                let messages = vec![message];
                let error = match cause {
                    Cause::Cancelled => waiting.attempt.cancelled(messages),
                    _ => waiting.attempt.failed(messages),
                };
                self.ended(&waiting.attempt, Err(error));
            }
        }
    }

    /// The last lines of what an element of a batch said.
    fn said(&self, flight: usize, element: usize) -> Vec<String> {
        let flight = self.flights.get(flight);
        flight.map_or_else(Vec::new, |flight| flight.batch.said(element))
    }
}

/// Adds to the log of a task what Slurm and its job said.
fn note_in_log(waiting: &Waiting<'_>, job: &str, ending: Option<&Ending>, said: &[String]) {
    let log = &waiting.attempt.program_run.log;
    let state = ending.map_or("unknown", |ending| &ending.state);
    let mut text = format!("job {job} of Slurm ended: {state}\n");
    for line in said {
        text.push_str(line);
        text.push('\n');
    }
    // The failure says the same; the log is where one looks later.
    let folder = log.parent().map_or(Ok(()), std::fs::create_dir_all);
    let file = folder.and_then(|()| {
        let mut options = std::fs::File::options();
        options.append(true).create(true).open(log)
    });
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        tracing::debug!("cannot write to {}: {error}", log.display());
    }
}
