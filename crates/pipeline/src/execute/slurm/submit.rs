//! Submitting: the folder of a batch first, then its job.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use super::super::ExecuteError;
use super::batch::Batch;
use super::commands::{CommandError, run_with};
use super::flight::{Flight, Waiting};
use super::needs::Needs;
use super::pack::{Request, Submission, submissions};
use super::queue::Queue;
use super::worker::Worker;
use crate::ledger::utc;
use crate::store::Key;

/// Longest time for which ready tasks are collected while others run.
const LONGEST_HOLD: Duration = Duration::from_secs(600);

/// Part of the time of the run for which ready tasks are collected: so the number of submissions grows with its logarithm.
const HOLD_PART: u32 = 10;

/// Time after which more jobs are tried than a user might have, and most time between two attempts to reach Slurm.
const LATER: Duration = Duration::from_secs(30);

/// What an element does that cannot begin: it leaves word of what it was doing. `exec` ends the shell without these, unless the program
/// cannot be started. One that Slurm asks to end leaves no word.
const TRAPS: &str = "\
element=${SLURM_ARRAY_TASK_ID:-0}
trap 'printf \"%s\\n%s failed\\n\" \"$element\" \"$doing\" > \"$failed.$element\" && mv \"$failed.$element\" \"$failed\"' EXIT
trap 'trap - EXIT; exit 143' TERM
";

impl<'a> Worker<'_, 'a> {
    /// Submits what is ready, if it is time to; whether it did.
    pub(super) fn submit(&mut self) -> Result<bool, ExecuteError> {
        if self.waiting.is_empty() || !self.all_started || !self.may_submit() {
            return Ok(false);
        }
        let requests: Vec<Request> = self.waiting.iter().map(request).collect();
        let pack = self.options.settings.pack;
        let mut room = self.room().min(self.most);
        let mut waiting: Vec<Option<Waiting<'a>>> = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(Some)
            .collect();
        let mut is_first = true;
        let mut result = Ok(false);
        for mut submission in submissions(&requests, pack, &self.limits) {
            submission.elements.truncate(room);
            if submission.elements.is_empty() {
                break;
            }
            if !is_first && !self.pause(self.options.settings.submit_interval) {
                break;
            }
            is_first = false;
            room -= submission.elements.len();
            match self.submit_one(&submission, &mut waiting) {
                Ok(true) => result = Ok(true),
                Ok(false) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.waiting.extend(waiting.into_iter().flatten());
        result
    }

    /// Returns whether enough time has passed since the last submission. While something of ours is under way, tasks that become
    /// ready are collected for a while.
    fn may_submit(&self) -> bool {
        if self.held_until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        let interval = self.options.settings.submit_interval;
        let hold = match self.awaits_jobs() {
            true => interval.max((self.begun.elapsed() / HOLD_PART).min(LONGEST_HOLD)),
            false => interval,
        };
        self.submitted.is_none_or(|last| last.elapsed() >= hold)
    }

    /// Elements that may still be submitted: the controller has room for others, too.
    fn room(&self) -> usize {
        let Some(jobs) = self.limits.jobs else {
            return usize::MAX;
        };
        let ours: usize = self
            .flights
            .iter()
            .map(|flight| flight.awaited().len())
            .sum();
        (jobs / 10 * 9).saturating_sub(ours)
    }

    /// Submits one job array. `false` if Slurm takes no more now.
    fn submit_one(
        &mut self,
        submission: &Submission,
        waiting: &mut [Option<Waiting<'a>>],
    ) -> Result<bool, ExecuteError> {
        self.batches += 1;
        let now = utc(SystemTime::now()).replace('.', "");
        let id = format!("{now}-{}-{}", std::process::id(), self.batches);
        let run = |&position: &usize| -> Option<(Key, _)> {
            let one = waiting.get(position)?.as_ref()?;
            let mut run = one.attempt.program_run.clone();
            run.task.threads = submission.needs.threads;
            Some((one.attempt.key, run))
        };
        let elements = submission.elements.iter();
        let elements: Vec<Vec<_>> = elements
            .map(|tasks| tasks.iter().filter_map(run).collect())
            .collect();
        let batch = Batch::create(self.store, &id, self.pipeline, submission.needs, &elements)?;
        let job = match self.send(&batch, submission) {
            Ok(Some(job)) => job,
            Ok(None) => {
                batch.remove(self.store);
                return Ok(false);
            }
            Err(error) => {
                batch.remove(self.store);
                return Err(error.into());
            }
        };
        self.submitted = Some(Instant::now());
        self.most = usize::MAX;
        batch.note_job(job)?;
        self.note(format!("slurm: job {job}: {}", described(submission)));
        let mut flight = Flight::new(batch, job);
        let positions = submission.elements.iter().flatten();
        for (number, &position) in positions.enumerate() {
            if let Some(mut one) = waiting.get_mut(position).and_then(Option::take) {
                one.needs = Needs {
                    minutes: one.needs.minutes.max(submission.needs.minutes),
                    ..one.needs
                };
                self.unsubmitted.remove(one.attempt.index);
                flight.wanted.insert(number, one);
            }
        }
        self.flights.push(flight);
        Ok(true)
    }

    /// Calls `sbatch` until Slurm has taken the job. `None` if it takes no more now, or the run is stopping.
    fn send(
        &mut self,
        batch: &Batch,
        submission: &Submission,
    ) -> Result<Option<u64>, CommandError> {
        let arguments = self.arguments(batch, submission);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let script = self.script(batch);
        let mut wait = Duration::from_secs(1);
        loop {
            let said = run_with("sbatch", &arguments, &script);
            let error = match said.map(|said| job_id(&said).ok_or(said)) {
                Ok(Ok(job)) => return Ok(Some(job)),
                Ok(Err(said)) => CommandError::Failed {
                    program: "sbatch",
                    said: format!("it printed no id of a job: {}", said.trim()),
                },
                Err(error) => error,
            };
            if error.is_full() {
                self.held_until = Some(Instant::now() + LATER);
                self.most = (submission.elements.len() / 2).max(1);
                self.note(format!("slurm: {error}; trying again with fewer jobs"));
                return Ok(None);
            }
            if !error.is_passing() {
                return Err(error);
            }
            self.silence(&error);
            if !self.pause(wait) {
                return Ok(None);
            }
            wait = (wait * 2).min(LATER);
            // The answer may have been lost, not the question.
            if let Ok(queue) = Queue::ask()
                && let Some(&job) = queue.jobs.get(&batch.job_name())
            {
                return Ok(Some(job));
            }
        }
    }

    fn arguments(&self, batch: &Batch, submission: &Submission) -> Vec<String> {
        let settings = &self.options.settings;
        let needs = submission.needs;
        let mut arguments = vec![
            "--parsable".to_owned(),
            format!("--job-name={}", batch.job_name()),
            format!("--array=0-{}", submission.elements.len() - 1),
            "--nodes=1".to_owned(),
            "--ntasks=1".to_owned(),
            format!("--cpus-per-task={}", needs.threads),
            format!("--mem={}M", needs.memory_mib),
            format!("--time={}", needs.minutes),
            "--requeue".to_owned(),
            "--open-mode=append".to_owned(),
            // What stands for something in names of files is doubled.
            format!(
                "--output={}/%a",
                batch.logs().display().to_string().replace('%', "%%")
            ),
            format!("--chdir={}", self.store.root().display()),
        ];
        let mut partition = &settings.partition;
        if needs.card {
            let gres = settings.gres.as_deref().unwrap_or("gpu:1");
            arguments.push(format!("--gres={gres}"));
            partition = settings
                .gpu_partition
                .as_ref()
                .map_or(partition, |_| &settings.gpu_partition);
        }
        let keys = [
            ("--partition", partition),
            ("--account", &settings.account),
            ("--qos", &settings.qos),
        ];
        for (option, value) in keys {
            arguments.extend(value.as_ref().map(|value| format!("{option}={value}")));
        }
        arguments.extend(settings.options.iter().cloned());
        arguments
    }

    /// What an element runs.
    fn script(&self, batch: &Batch) -> String {
        let settings = &self.options.settings;
        let is_plain = settings.modules.is_empty() && settings.setup.is_empty();
        // Modules are functions that a login shell defines.
        let mut script = match is_plain {
            true => "#!/bin/sh\n".to_owned(),
            // Without the option, bash ends at once where a program cannot be started.
            false => "#!/bin/bash -l\nshopt -s execfail\n".to_owned(),
        };
        let failed = quoted(&batch.setup_failed().to_string_lossy());
        // Writing to a string cannot fail.
        let _ = writeln!(script, "failed={failed}");
        script.push_str(TRAPS);
        let modules = settings.modules.iter().map(|module| {
            let line = format!("module load {}", quoted(module));
            (line.clone(), line)
        });
        // A line of `setup` may hold a secret, so that it is named by its number.
        let setup = (1..).zip(settings.setup.iter().cloned());
        let setup = setup.map(|(number, line)| (format!("line {number} of `setup`"), line));
        for (name, line) in modules.chain(setup) {
            let (name, line) = (quoted(&name), quoted(&line));
            let _ = writeln!(script, "doing={name}\neval {line} || exit 1");
        }
        let mut command = String::new();
        for word in &self.options.element_command {
            let _ = write!(command, "{} ", quoted(&word.to_string_lossy()));
        }
        let _ = writeln!(script, "doing={}", quoted(command.trim_end()));
        let folder = quoted(&batch.folder.to_string_lossy());
        let _ = writeln!(script, "exec {command}{folder}");
        script
    }
}

fn request(waiting: &Waiting<'_>) -> Request {
    Request {
        needs: waiting.needs,
        expected: waiting.expected,
        is_alone: waiting.tries > 0,
    }
}

/// A submission in words: "22 tasks (1 thread, 640 MiB, 45 min each)".
pub(super) fn described(submission: &Submission) -> String {
    let (tasks, elements) = (submission.tasks(), submission.elements.len());
    let s = if tasks == 1 { "" } else { "s" };
    let packed = match elements {
        _ if elements == tasks => String::new(),
        1 => " in 1 element".to_owned(),
        _ => format!(" in {elements} elements"),
    };
    format!("{tasks} task{s}{packed} ({})", submission.needs)
}

/// The id that `sbatch --parsable` prints, in a federation followed by the name of the cluster.
fn job_id(said: &str) -> Option<u64> {
    let line = said.lines().last()?.trim();
    line.split(';').next()?.parse().ok()
}

/// A word of shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_shell_are_quoted() {
        assert_eq!(quoted("/a b/it's"), "'/a b/it'\\''s'");
        assert_eq!(job_id("12\n"), Some(12));
        assert_eq!(job_id("warning\n12;cluster\n"), Some(12));
        assert_eq!(job_id(""), None);
    }
}
