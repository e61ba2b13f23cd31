//! One attempt at one task: its program runs in a work folder, and its result is committed to the store.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use eigenscope_artifact::{InputDigest, Provenance};
use eigenscope_stage::{Event, Input, TASK_VERSION, TaskFile, ThreadBudget};

use super::TaskFailure;
use super::executor::{AttemptError, AttemptOutcome};
use super::failure::chain;
use super::program_run::{ProgramReport, ProgramRun, RunError};
use super::schedule::RunContext;
use crate::store::{CommitError, Committed, Key, KeyInputs, Store, WorkFolder};
use crate::survey::{State, Survey, Surveyor, kind_name};
use eigenscope_plan::PlannedTask;

/// Everything needed to run one task and to commit its result.
pub(super) struct Attempt<'a> {
    pub(super) index: usize,
    pub(super) task: &'a PlannedTask,
    pub(super) key: Key,
    pub(super) key_inputs: KeyInputs,
    pub(super) program_run: ProgramRun,
}

impl<'a> Attempt<'a> {
    /// An attempt at the task with this index, all inputs of which are current.
    pub(super) fn new(
        context: RunContext<'a>,
        surveyor: &Surveyor<'_>,
        survey: &Survey,
        index: usize,
        key: Key,
        threads: usize,
    ) -> Self {
        let RunContext {
            plan,
            programs,
            store,
            options,
            data_dir,
            ..
        } = context;
        let task = &plan.tasks[index];
        let key_inputs = surveyor.key_inputs(task, survey);
        let mut inputs: BTreeMap<String, Vec<Input>> = BTreeMap::new();
        let mut files = Vec::new();
        for (planned, recorded) in task.inputs.iter().zip(&key_inputs.inputs) {
            let source = survey.get(planned.task).and_then(State::key);
            // A task with a key has current inputs, and these have keys.
            let path = source.map(|key| store.output(key, &planned.kind));
            let output = survey.output(planned.task, &planned.kind);
            files.extend(path.clone().zip(output.map(|output| output.file)));
            inputs
                .entry(planned.role.to_string())
                .or_default()
                .push(Input {
                    task: recorded.task.clone(),
                    labels: recorded.labels.clone(),
                    path: path.unwrap_or_default(),
                    content: recorded.content,
                    renamed: recorded.renamed.clone(),
                });
        }
        let outputs = task.outputs.iter();
        let outputs = outputs.map(|kind| (kind.clone(), PathBuf::from(kind.file_name())));
        let program_run = ProgramRun {
            program: programs.path(task.stage),
            log: store.log(&plan.name, &task.id),
            task: TaskFile {
                version: TASK_VERSION,
                kind: task.kind.to_string(),
                threads,
                data_dir: data_dir.to_owned(),
                download: options.download,
                device: task.device.computes,
                card: None,
                inputs,
                outputs: outputs.collect(),
                provenance: provenance(task, &key_inputs),
                renamed: task.formerly.as_ref().map(|_| task.id.clone()),
            },
            files,
            warnings: task.warnings.clone(),
        };
        Self {
            index,
            task,
            key,
            key_inputs,
            program_run,
        }
    }

    /// Runs the task on this machine. `report` receives progress and warnings.
    pub(super) fn run(
        self,
        store: &Store,
        stop: &AtomicBool,
        thread_budget: &ThreadBudget,
        report: impl FnMut(Event),
    ) -> AttemptOutcome {
        let started = Instant::now();
        let mut said = ProgramReport::default();
        let result = self.attempt(store, stop, thread_budget, &mut said, report);
        AttemptOutcome {
            result,
            began: None,
            seconds: started.elapsed().as_secs_f64(),
            cpu_seconds: said.usage.map(|(seconds, _)| seconds),
            peak_bytes: said.usage.map(|(_, bytes)| bytes),
        }
    }

    fn attempt(
        self,
        store: &Store,
        stop: &AtomicBool,
        thread_budget: &ThreadBudget,
        said: &mut ProgramReport,
        report: impl FnMut(Event),
    ) -> Result<Committed, AttemptError> {
        self.program_run.check_inputs()?;
        let work = store.work_folder(self.key)?;
        let run = &self.program_run;
        run.run(work.path(), stop, thread_budget, said, report)
            .map_err(|error| match error {
                RunError::Stopped => AttemptError::Stopped,
                RunError::Failed { messages, .. } => self.failed(messages),
                RunError::Store(error) => AttemptError::Store(error),
            })?;
        self.commit(store, work, said)
    }

    /// Checks what the program has written in `work` and places it in the store.
    pub(super) fn commit(
        &self,
        store: &Store,
        work: WorkFolder,
        said: &mut ProgramReport,
    ) -> Result<Committed, AttemptError> {
        let outside = std::mem::take(&mut said.outside);
        let warnings = std::mem::take(&mut said.warnings);
        let outputs = &self.task.outputs;
        let key_inputs = self.key_inputs.clone();
        let ids = [&self.task.id, &*self.task.first_id()];
        match store.commit(work, ids, key_inputs, outputs, outside, warnings) {
            Ok(committed) => Ok(committed),
            Err(CommitError::Store(error)) => Err(AttemptError::Store(error)),
            Err(error) => Err(self.failed(chain(&error))),
        }
    }

    pub(super) fn failed(&self, messages: Vec<String>) -> AttemptError {
        AttemptError::Failed(self.failure(messages))
    }

    /// Somebody has cancelled the job of the task.
    pub(super) fn cancelled(&self, messages: Vec<String>) -> AttemptError {
        AttemptError::Failed(TaskFailure {
            is_cancelled: true,
            ..self.failure(messages)
        })
    }

    fn failure(&self, messages: Vec<String>) -> TaskFailure {
        TaskFailure::new(self.index, &self.task.id, messages, &self.program_run.log)
    }
}

/// What goes into the outputs' metadata: nothing that the key does not cover but the task's id. Ids are first ids, so that results are
/// the same before and after a task is renamed. A task
/// that uses no chance gets the seed 0, so that no result can depend on a seed that is not in its key.
fn provenance(task: &PlannedTask, key_inputs: &KeyInputs) -> Provenance {
    let inputs = key_inputs.inputs.iter();
    Provenance {
        task: task.first_id().into_owned(),
        kind: kind_name(task),
        fingerprint: key_inputs.fingerprint.clone(),
        parameters: key_inputs.parameters.clone(),
        seed: key_inputs.seed.unwrap_or(0),
        inputs: inputs
            .map(|input| InputDigest {
                role: input.role.clone(),
                task: input.first_id().to_owned(),
                content: input.content,
            })
            .collect(),
        // The program says which card it is.
        device: None,
    }
}
