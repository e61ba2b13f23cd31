//! A store in a temporary folder, the fake stage under all its names, and small plans for them.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "each test program uses some of it"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::{ArtifactKind, SVG};
use eigenscope_pipeline::execute::{
    ExecuteError, Notification, Observer, Options, Outcome, RunEvent, Silent, run,
};
use eigenscope_pipeline::store::{Key, Store};
use eigenscope_pipeline::survey::{Reason, State, Survey, survey};
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, PlannedInput, PlannedTask, TaskDevice};
use eigenscope_stage::{Resources, Stage};
use eigenscope_testing::{fake_stages, file_names};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Everything a run needs, in one temporary folder.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) programs: Programs,
    pub(crate) options: Options,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let programs = folder.path().join("programs");
        fake_stages(&programs);
        let data_dir = folder.path().join("data");
        std::fs::create_dir(&data_dir).expect("created");
        Self {
            store: Store::new(&folder.path().join("artifacts")).expect("a path"),
            programs: Programs::describe(&programs).expect("the fake stage answers"),
            options: Options {
                jobs: 4,
                ..Options::new(&data_dir)
            },
            folder,
        }
    }

    pub(crate) fn run(&self, plan: &Plan) -> Outcome {
        self.try_run(plan, &mut Silent)
            .expect("the run itself works")
    }

    /// Runs all tasks, which must all work.
    pub(crate) fn complete(&self, plan: &Plan) -> Outcome {
        let outcome = self.run(plan);
        assert!(outcome.is_complete(), "{outcome:?}");
        outcome
    }

    pub(crate) fn try_run(
        &self,
        plan: &Plan,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, ExecuteError> {
        let all: Vec<usize> = (0..plan.tasks.len()).collect();
        run(
            plan,
            &all,
            &self.programs,
            &self.store,
            &self.options,
            observer,
        )
    }

    pub(crate) fn survey(&self, plan: &Plan) -> Survey {
        let all: Vec<usize> = (0..plan.tasks.len()).collect();
        survey(plan, &all, &self.store, &self.options.data_dir)
    }

    /// Why one task is not current.
    pub(crate) fn reasons(&self, plan: &Plan, index: usize) -> Vec<Reason> {
        let survey = self.survey(plan);
        survey.get(index).expect("surveyed").reasons().to_vec()
    }

    pub(crate) fn key(&self, plan: &Plan, index: usize) -> Key {
        match self.survey(plan).get(index) {
            Some(State::Current { key, .. }) => *key,
            other => panic!("not current: {other:?}"),
        }
    }

    pub(crate) fn output(&self, plan: &Plan, index: usize, kind: ArtifactKind) -> PathBuf {
        self.store.output(self.key(plan, index), &kind.into())
    }

    /// Names in the folder of results.
    pub(crate) fn results(&self) -> Vec<String> {
        file_names(&self.store.results())
    }
}

/// A task with the given parameters and inputs (role, task, output).
pub(crate) fn task(
    id: &str,
    kind: &str,
    parameters: Value,
    inputs: &[(&str, usize, ArtifactKind)],
    outputs: &[ArtifactKind],
) -> PlannedTask {
    let stage = Stage::ALL
        .into_iter()
        .find(|stage| id.starts_with(stage.name()))
        .expect("an id starts with its stage");
    PlannedTask {
        id: id.to_owned(),
        stage,
        kind: kind.into(),
        labels: Arc::default(),
        parameters: parameters.into(),
        seed: 1,
        seed_is_derived: false,
        random: false,
        heading: None,
        resources: Resources::default(),
        fingerprint: "code-1".into(),
        inputs: inputs
            .iter()
            .map(|&(role, task, kind)| PlannedInput {
                role: role.into(),
                task,
                kind: Arc::new(kind.into()),
            })
            .collect(),
        outputs: outputs.iter().map(|&kind| kind.into()).collect(),
        warnings: Vec::new(),
        device: TaskDevice::default(),
        lacks_file: false,
        formerly: None,
    }
}

pub(crate) fn plan(tasks: Vec<PlannedTask>) -> Plan {
    Plan {
        name: "test".to_owned(),
        file: PathBuf::from("test.toml"),
        extended: Vec::new(),
        description: String::new(),
        sections: BTreeMap::new(),
        code: BTreeMap::new(),
        tasks,
    }
}

pub(crate) fn data(name: &str, parameters: Value) -> PlannedTask {
    task(
        &format!("data.{name}"),
        "make",
        parameters,
        &[],
        &[HistoryRow::KIND],
    )
}

/// A model of data set `input`.
pub(crate) fn model(name: &str, parameters: Value, input: usize) -> PlannedTask {
    task(
        &format!("train.{name}"),
        "fit",
        parameters,
        &[("data", input, HistoryRow::KIND)],
        &[HistoryRow::KIND, FinalRow::KIND],
    )
}

/// `data.a`, two models of it, a table of these, and a figure of that: tasks 0 to 4.
pub(crate) fn chain() -> Plan {
    plan(vec![
        data("a", json!({"value": 1.0})),
        model("m[hidden=1]", json!({"value": 2.0}), 0),
        model("m[hidden=2]", json!({"value": 3.0}), 0),
        task(
            "metric.final",
            "collect",
            json!({}),
            &[("models", 1, FinalRow::KIND), ("models", 2, FinalRow::KIND)],
            &[FinalRow::KIND],
        ),
        task(
            "figure.curve[variant=published]",
            "draw",
            json!({}),
            &[("table", 3, FinalRow::KIND)],
            &[SVG],
        ),
    ])
}

/// Remembers what happened, as short lines; can cancel a run at the first start of a task.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) events: Vec<String>,
    pub(crate) cancel: Option<std::sync::Arc<std::sync::atomic::AtomicBool>>,
}

impl Observer for Recorder {
    fn notify(&mut self, notification: &Notification<'_>) {
        let id = &notification.task.id;
        self.events.push(match notification.event {
            RunEvent::Started => format!("started {id}"),
            RunEvent::StartedElsewhere => format!("started elsewhere {id}"),
            RunEvent::Requeued => format!("requeued {id}"),
            RunEvent::Progress {
                done,
                total,
                unit,
                message,
            } => {
                format!("progress {id} {done}/{total} {unit} {message}")
            }
            RunEvent::Warning { message } => format!("warning {id} {message}"),
            RunEvent::Finished { message, .. } => format!("finished {id} {message}"),
            RunEvent::Taken { .. } => format!("taken {id}"),
            RunEvent::Reused => format!("reused {id}"),
            RunEvent::Failed { .. } => format!("failed {id}"),
            RunEvent::Stopped => format!("stopped {id}"),
        });
        if let (RunEvent::Progress { .. }, Some(cancel)) = (notification.event, &self.cancel) {
            cancel.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn note(&mut self, text: &str) {
        self.events.push(format!("note {text}"));
    }
}
