//! A batch on its way: which of its tasks this run waits for, and where its elements are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::super::attempt::Attempt;
use super::super::executor::Expected;
use super::batch::Batch;
use super::needs::Needs;
use super::queue::{ElementState, Ending, Queue};

/// A task that was given to Slurm, or will be.
pub(super) struct Waiting<'a> {
    pub(super) attempt: Attempt<'a>,
    pub(super) expected: Expected,
    pub(super) needs: Needs,
    /// How often it was begun and not brought to an end through no fault of its own.
    pub(super) tries: u32,
}

/// A batch whose job Slurm has taken.
pub(super) struct Flight<'a> {
    pub(super) batch: Batch,
    pub(super) job: u64,
    /// The tasks that this run waits for, by their numbers in the batch.
    pub(super) wanted: BTreeMap<usize, Waiting<'a>>,
    /// Tasks whose end has been dealt with, or is of no use.
    pub(super) settled: BTreeSet<usize>,
    /// Ends that are being placed in the store.
    pub(super) placing: BTreeSet<usize>,
    elements: Vec<Element>,
    /// Reasons to wait that the user has been told.
    pub(super) told: BTreeSet<String>,
}

/// An element of a job array.
struct Element {
    state: ElementState,
    /// When Slurm was first found not to have it any more, and what it said about its end.
    gone: Option<(Instant, Option<Ending>)>,
    /// Whether a task has left word that it was stopped.
    is_stopped: bool,
}

impl<'a> Flight<'a> {
    pub(super) fn new(batch: Batch, job: u64) -> Self {
        let queued = || Element {
            state: ElementState::Queued(String::new()),
            gone: None,
            is_stopped: false,
        };
        Self {
            elements: (0..batch.elements()).map(|_| queued()).collect(),
            batch,
            job,
            wanted: BTreeMap::new(),
            settled: BTreeSet::new(),
            placing: BTreeSet::new(),
            told: BTreeSet::new(),
        }
    }

    /// What Slurm calls an element.
    pub(super) fn name(&self, element: usize) -> String {
        format!("{}_{element}", self.job)
    }

    /// The element that runs a task.
    pub(super) fn element_of(&self, number: usize) -> usize {
        let task = self.batch.about.tasks.get(number);
        task.map_or(0, |(_, _, element)| *element)
    }

    /// The elements with tasks that this run waits for, with the numbers of these.
    pub(super) fn awaited(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut elements: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &number in self.wanted.keys() {
            elements
                .entry(self.element_of(number))
                .or_default()
                .push(number);
        }
        elements
    }

    /// Takes over what Slurm says about an element; whether it ran, and waits again.
    pub(super) fn update(&mut self, element: usize, queue: &Queue) -> bool {
        let found = queue.elements.get(&(self.job, element)).cloned();
        let Some(known) = self.elements.get_mut(element) else {
            return false;
        };
        let ending = match found {
            Some(ElementState::Ended(ending)) => Some(ending),
            None => None,
            Some(state) => {
                let requeued = known.state == ElementState::Running
                    && matches!(state, ElementState::Queued(_));
                known.state = state;
                known.gone = None;
                if requeued {
                    known.is_stopped = false;
                }
                return requeued;
            }
        };
        match &mut known.gone {
            None => known.gone = Some((Instant::now(), ending)),
            Some((_, said)) if said.is_none() => *said = ending,
            Some(_) => {}
        }
        false
    }

    /// A task of an element has left word that it was stopped; returns whether that is news.
    pub(super) fn stopped(&mut self, element: usize) -> bool {
        let known = self.elements.get_mut(element);
        known.is_some_and(|known| !std::mem::replace(&mut known.is_stopped, true))
    }

    /// When an element was found to be gone, how it ended, and whether it had time to say that it was stopped.
    pub(super) fn gone(&self, element: usize) -> Option<(Instant, Option<Ending>, bool)> {
        let known = self.elements.get(element)?;
        let (since, ending) = known.gone.clone()?;
        Some((since, ending, known.is_stopped))
    }

    /// Returns whether Slurm has not any of the elements any more.
    pub(super) fn has_gone(&self) -> bool {
        self.elements.iter().any(|element| element.gone.is_some())
    }

    pub(super) fn state(&self, element: usize) -> Option<&ElementState> {
        let known = self.elements.get(element)?;
        known.gone.is_none().then_some(&known.state)
    }

    /// The awaited tasks that run, as indices into the plan: of an element the first that has not ended, since it runs them one
    /// after the other.
    pub(super) fn running(&self) -> Vec<usize> {
        let awaited = self.awaited().into_iter();
        let running =
            awaited.filter(|(element, _)| self.state(*element) == Some(&ElementState::Running));
        let first = running.filter_map(|(_, numbers)| self.wanted.get(numbers.first()?));
        first.map(|waiting| waiting.attempt.index).collect()
    }

    /// Returns whether nobody needs the folder of the batch any more.
    pub(super) fn is_over(&self) -> bool {
        self.settled.len() == self.batch.about.tasks.len() && self.placing.is_empty()
    }
}
