//! Which tasks share a submission, and which of these an element of its array.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::executor::Expected;
use super::needs::{Needs, allowed_among_many};
use super::site::Limits;

/// Elements that short tasks are spread over before any of them is filled up: so many can run at a time on most sites.
const WIDTH: f64 = 64.0;

/// What each task takes beside its estimate: reading its inputs, starting its program. In seconds.
const OVERHEAD_SECONDS: f64 = 0.2;

/// Most tasks of one element.
const MOST_TASKS: usize = 1000;

/// Most elements of an array where the site says nothing.
const MOST_ELEMENTS: usize = 1000;

/// A task to be submitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) needs: Needs,
    pub(super) expected: Expected,
    /// Whether it gets an element of its own: it has failed among others.
    pub(super) is_alone: bool,
}

/// A job array to be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submission {
    pub(super) needs: Needs,
    /// For each element the positions of its tasks among the requests, in the order in which they run.
    pub(super) elements: Vec<Vec<usize>>,
}

impl Submission {
    /// How many tasks its elements run together.
    pub(super) fn tasks(&self) -> usize {
        self.elements.iter().map(Vec::len).sum()
    }
}

/// Groups requests, the most urgent first, by what they need. Short ones are put together until they take as long as `pack`.
pub(super) fn submissions(
    requests: &[Request],
    pack: Duration,
    limits: &Limits,
) -> Vec<Submission> {
    let pack = pack.as_secs_f64();
    let is_short = |request: &Request| !request.is_alone && request.expected.seconds < pack / 2.0;
    let mut groups: BTreeMap<(bool, Needs), Vec<usize>> = BTreeMap::new();
    for (position, request) in requests.iter().enumerate() {
        let group = (is_short(request), request.needs);
        groups.entry(group).or_default().push(position);
    }
    let most = limits.elements.unwrap_or(MOST_ELEMENTS).max(1);
    let mut submissions = Vec::new();
    for ((is_short, needs), positions) in groups {
        let (elements, needs) = match is_short {
            false => (positions.into_iter().map(|one| vec![one]).collect(), needs),
            true => packed(requests, &positions, needs, pack, limits),
        };
        for elements in elements.chunks(most) {
            let elements = elements.to_vec();
            submissions.push(Submission { needs, elements });
        }
    }
    // As on one machine: what comes first among the requests.
    let first = |submission: &Submission| submission.elements.iter().flatten().min().copied();
    submissions.sort_by_key(first);
    submissions
}

/// Tasks put together to elements of about the same duration, and what such an element needs.
fn packed(
    requests: &[Request],
    positions: &[usize],
    needs: Needs,
    pack: f64,
    limits: &Limits,
) -> (Vec<Vec<usize>>, Needs) {
    let seconds = |position: usize| requests[position].expected.seconds + OVERHEAD_SECONDS;
    let total: f64 = positions.iter().map(|&position| seconds(position)).sum();
    let target = (total / WIDTH).min(pack);
    let mut elements: Vec<Vec<usize>> = Vec::new();
    let (mut filled, mut allowed, mut longest) = (f64::INFINITY, 0.0, 0.0_f64);
    for &position in positions {
        let task = seconds(position);
        match elements.last_mut() {
            Some(element) if filled + task <= target && element.len() < MOST_TASKS => {
                element.push(position);
                filled += task;
            }
            _ => {
                elements.push(vec![position]);
                (filled, allowed) = (task, 0.0);
            }
        }
        allowed += allowed_among_many(requests[position].expected) + OVERHEAD_SECONDS;
        // One task alone has the time that it needs.
        if elements.last().is_some_and(|element| element.len() > 1) {
            longest = longest.max(allowed);
        }
    }
    match longest > 0.0 {
        true => (elements, needs.with_seconds(longest, limits)),
        false => (elements, needs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(seconds: f64) -> Request {
        Request {
            needs: Needs {
                threads: 1,
                memory_mib: 640,
                minutes: 45,
                card: false,
            },
            expected: Expected {
                seconds,
                is_known: true,
            },
            is_alone: false,
        }
    }

    fn counts(requests: &[Request], limits: &Limits) -> Vec<(usize, usize)> {
        let made = submissions(requests, Duration::from_secs(300), limits);
        let counts = made.iter();
        counts
            .map(|made| (made.elements.len(), made.tasks()))
            .collect()
    }

    #[test]
    fn few_short_tasks_run_side_by_side() {
        let limits = Limits::default();
        assert_eq!(counts(&[request(1.0); 22], &limits), [(22, 22)]);
        assert_eq!(counts(&[], &limits), []);
    }

    #[test]
    fn ten_thousand_trainings_take_ten_submissions() {
        let limits = Limits {
            elements: Some(1001),
            ..Limits::default()
        };
        let made = counts(&vec![request(1800.0); 10_000], &limits);
        assert_eq!(made.len(), 10);
        assert!(
            made.iter()
                .all(|&(elements, tasks)| elements == tasks && elements <= 1001)
        );
    }

    #[test]
    fn a_hundred_thousand_short_tasks_take_few_submissions() {
        let made = counts(&vec![request(1.0); 100_000], &Limits::default());
        assert_eq!(made.iter().map(|(_, tasks)| tasks).sum::<usize>(), 100_000);
        assert!(made.len() <= 2, "{made:?}");
    }

    #[test]
    fn every_task_is_submitted_once_with_enough_time() {
        let requests: Vec<Request> = (0..5000)
            .map(|number| request(f64::from(number % 400)))
            .collect();
        let made = submissions(&requests, Duration::from_secs(300), &Limits::default());
        let mut all: Vec<usize> = Vec::new();
        for submission in &made {
            for element in &submission.elements {
                let seconds: f64 = element
                    .iter()
                    .map(|&one| requests[one].expected.seconds)
                    .sum();
                assert!(seconds <= submission.needs.minutes as f64 * 60.0);
                assert!(element.len() == 1 || seconds <= 300.0);
                all.extend(element);
            }
        }
        all.sort_unstable();
        assert_eq!(all, (0..5000).collect::<Vec<_>>());
    }

    #[test]
    fn tasks_of_other_needs_or_that_failed_are_apart() {
        let mut other = request(1.0);
        other.needs.threads = 2;
        let mut alone = request(1.0);
        alone.is_alone = true;
        let made = counts(
            &[request(1.0), other, alone, request(1.0)],
            &Limits::default(),
        );
        assert_eq!(made.len(), 3);
    }
}
