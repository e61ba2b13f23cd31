//! What a task sees while it runs: parameters, inputs, outputs, and where to report progress.

use std::io::{self, Write};
use std::path::Path;

use eigenscope_artifact::{About, ArtifactKind, Provenance, Record, read_records, write_records};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::program::TaskError;
use crate::{
    AssignedCard, Device, Event, ExternalFile, FolderPicture, Input, Seed, TaskFile, ThreadBudget,
};

/// Bytes of names of pictures that are reported at once: what the orchestrator reads as one line is limited, to more than these
/// escaped and one path more.
const PIECE_BYTES: usize = 1 << 14;
/// About what a picture has in such a line besides its name.
const PICTURE_BYTES: usize = 32;

/// A task being run.
#[derive(Debug, Clone)]
pub struct Context {
    task: TaskFile,
    thread_budget: ThreadBudget,
    /// Names of the parameters that the kind shares with others.
    shared: Vec<String>,
}

impl Context {
    /// The context of a task file, for a stage's `run` function and for its tests.
    pub fn new(task: TaskFile) -> Self {
        let thread_budget = ThreadBudget::new(task.threads);
        Self {
            task,
            thread_budget,
            shared: Vec::new(),
        }
    }

    /// The same, of a kind that shares the parameters of these names with others.
    pub(crate) fn sharing(self, shared: &[String]) -> Self {
        Self {
            shared: shared.to_vec(),
            ..self
        }
    }

    /// The same, with a budget that the orchestrator can change.
    pub(crate) fn with_thread_budget(self, thread_budget: ThreadBudget) -> Self {
        thread_budget.start_with(self.task.threads);
        Self {
            thread_budget,
            ..self
        }
    }

    /// The number of threads that the task may use now: at first those of its task file. A kind whose
    /// [`Resources::extra_threads`](crate::Resources::extra_threads) is not zero should look again from time to time.
    pub fn thread_budget(&self) -> &ThreadBudget {
        &self.thread_budget
    }

    /// The whole task file.
    pub fn task(&self) -> &TaskFile {
        &self.task
    }

    /// The parameters of the kind's own, all of them given.
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, TaskError> {
        self.parameters_where(|name| !self.shared.contains(name))
    }

    /// The parameters that the kind shares with others ([`TaskKind::shared_parameters`](crate::TaskKind::shared_parameters)).
    pub fn shared_parameters<T: DeserializeOwned>(&self) -> Result<T, TaskError> {
        self.parameters_where(|name| self.shared.contains(name))
    }

    fn parameters_where<T: DeserializeOwned>(
        &self,
        accept: impl Fn(&String) -> bool,
    ) -> Result<T, TaskError> {
        let mut parameters = self.task.provenance.parameters.clone();
        if let Value::Object(parameters) = &mut parameters {
            parameters.retain(|name, _| accept(name));
        }
        T::deserialize(parameters)
            .map_err(|error| format!("parameters of {}: {error}", self.task.id()).into())
    }

    /// All inputs of a role that reads many.
    pub fn inputs(&self, role: &str) -> Result<&[Input], TaskError> {
        match self.task.inputs.get(role).map(Vec::as_slice) {
            None | Some([]) => Err(format!("the task file has no input `{role}`").into()),
            Some(inputs) => Ok(inputs),
        }
    }

    /// The input of a role that reads one.
    pub fn input(&self, role: &str) -> Result<&Input, TaskError> {
        match self.inputs(role)? {
            [input] => Ok(input),
            inputs => Err(format!("expected one input `{role}`, found {}", inputs.len()).into()),
        }
    }

    /// The path of the input of a role that reads one.
    pub fn path(&self, role: &str) -> Result<&Path, TaskError> {
        Ok(&self.input(role)?.path)
    }

    /// The card that the task computes on; `None` if it does so on the processor.
    ///
    /// # Errors
    /// Returns an error if it needs a card and was given none.
    pub fn card(&self) -> Result<Option<&AssignedCard>, TaskError> {
        match (self.task.device, &self.task.card) {
            (Device::Cpu, _) => Ok(None),
            (Device::Cuda, Some(card)) => Ok(Some(card)),
            (Device::Cuda, None) => Err("the task file names no graphics card".into()),
        }
    }

    /// The same context, whose outputs say in their metadata which card computed them.
    #[must_use]
    pub fn computed_by(&self, device: String) -> Self {
        let mut context = self.clone();
        context.task.provenance.device = Some(device);
        context
    }

    /// Reads the rows of the table of a role that reads one.
    pub fn read<R: Record>(&self, role: &str) -> Result<Vec<R>, TaskError> {
        Ok(read_records(self.path(role)?)?)
    }

    /// Writes the rows of an output.
    pub fn write<R: Record>(&self, rows: &[R]) -> Result<(), TaskError> {
        write_records(self.output(R::KIND)?, rows, None, self.provenance())?;
        Ok(())
    }

    /// What all inputs of a role are about alike.
    pub fn about(&self, role: &str) -> Result<About, TaskError> {
        let inputs = self.inputs(role)?.iter().map(Input::about);
        Ok(About::common(inputs.collect::<Result<Vec<_>, _>>()?))
    }

    /// Writes the rows of an output with what all of them are about.
    pub fn write_about<R: Record>(&self, rows: &[R], about: &About) -> Result<(), TaskError> {
        write_records(self.output(R::KIND)?, rows, Some(about), self.provenance())?;
        Ok(())
    }

    /// Where to place the output of `kind`.
    pub fn output(&self, kind: ArtifactKind) -> Result<&Path, TaskError> {
        self.task
            .outputs
            .get(kind.name())
            .map(|path| path.as_path())
            .ok_or_else(|| format!("the task file has no output `{kind}`").into())
    }

    /// Metadata for the outputs.
    pub fn provenance(&self) -> &Provenance {
        &self.task.provenance
    }

    /// Seed of the task's random streams.
    pub fn seed(&self) -> Seed {
        Seed(self.task.provenance.seed)
    }

    /// Reports work done.
    pub fn progress(&self, done: u64, total: u64, unit: &str, message: impl Into<String>) {
        emit(&Event::Progress {
            done,
            total,
            unit: unit.to_owned(),
            message: message.into(),
        });
    }

    /// Tells the user something that does not stop the task. Inputs may be called by their paths
    /// ([`TaskFile::name_inputs`]).
    pub fn warn(&self, message: impl Into<String>) {
        let message = message.into();
        tracing::warn!("{message}");
        let message = self.task.name_inputs(&message);
        emit(&Event::Warning { message });
    }

    /// Tells the user several such things.
    pub fn warn_all(&self, messages: impl IntoIterator<Item = String>) {
        for message in messages {
            self.warn(message);
        }
    }

    /// Reports a file outside the store that the result depends on.
    pub fn depends_on(&self, file: ExternalFile) {
        emit(&Event::File(file));
    }

    /// Reports a folder of pictures outside the store that the result depends on, with all its pictures.
    pub fn depends_on_folder(&self, folder: ExternalFile, pictures: Vec<FolderPicture>) {
        let mut piece = Vec::new();
        let mut bytes = 0;
        let mut rest = pictures.into_iter().peekable();
        while let Some(picture) = rest.next() {
            bytes += picture.0.len() + PICTURE_BYTES;
            piece.push(picture);
            if bytes > PIECE_BYTES || rest.peek().is_none() {
                emit(&Event::Pictures {
                    folder: folder.path.clone(),
                    pictures: std::mem::take(&mut piece),
                });
                bytes = 0;
            }
        }
        self.depends_on(folder);
    }

    /// Reports a place outside the store, relative to the data directory or absolute, where a file would have been read, had there
    /// been one.
    pub fn depends_on_absence(&self, path: impl Into<String>) {
        emit(&Event::Absent { path: path.into() });
    }
}

/// Writes an event to standard output. If nobody listens any more the task goes on: its outputs count.
pub(crate) fn emit(event: &Event) {
    if let Ok(line) = serde_json::to_string(event) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
