//! Task kinds: one declaration each.

use std::collections::BTreeMap;

use eigenscope_artifact::KindName;
use serde::de::DeserializeOwned;

use crate::description::{Parameter, Resources, Role, TaskKindDescription};
use crate::device::CardSupport;
use crate::examine::Examine;
use crate::feature::Feature;
use crate::{Examination, Examined, TaskError, TaskFunction, fields};

/// A kind of task: its description and the function that runs a task of it.
///
/// ```ignore
/// TaskKind::new("truncation", "test accuracy with the strongest eigenpairs only", task_function!(run))
///     .parameters::<Parameters>([Parameter::optional("kept", ParameterType::at_least(1), 30, "eigenpairs a class")])
///     .reads(Role::one("model", TENSORS, "the model").needs("bilinear", "its eigenpairs are truncated"))
///     .reads(Role::one("data", IMAGES, "images to test on").shown_to("model"))
///     .writes(TruncationRow::KIND)
///     .memory_mib(384)
/// ```
pub struct TaskKind {
    /// What the orchestrator knows of it.
    pub description: TaskKindDescription,
    /// Runs one task of this kind.
    pub run: TaskFunction,
    /// Answers questions about tasks of this kind before they run.
    pub examine: Option<Examine>,
    /// Names of the parameters that are not its own.
    pub(crate) shared: Vec<String>,
}

impl TaskKind {
    /// Declares a kind without parameters, inputs and outputs, which takes no chance and the default [`Resources`].
    pub fn new(name: &str, summary: &str, run: TaskFunction) -> Self {
        let description = TaskKindDescription {
            name: name.to_owned(),
            former_names: Vec::new(),
            unsupported_keys: BTreeMap::new(),
            summary: summary.to_owned(),
            parameters: Vec::new(),
            roles: Vec::new(),
            outputs: Vec::new(),
            provides: Vec::new(),
            random: false,
            resources: Resources::default(),
            card: None,
            examined: false,
            fallback: false,
        };
        Self {
            description,
            run,
            examine: None,
            shared: Vec::new(),
        }
    }

    /// Adds parameters: the fields of `P`, which [`Context::parameters`](crate::Context::parameters) makes of them. A kind that reads
    /// several structs side by side adds those of each.
    ///
    /// # Panics
    /// The fields of `P` are others than these parameters, or `P` cannot be made of the default values.
    pub fn parameters<P: DeserializeOwned>(
        mut self,
        parameters: impl IntoIterator<Item = Parameter>,
    ) -> Self {
        let parameters: Vec<Parameter> = parameters.into_iter().collect();
        self.add::<P>(&parameters);
        self
    }

    /// Adds parameters that several kinds share: the fields of `P`, which
    /// [`Context::shared_parameters`](crate::Context::shared_parameters) makes of them.
    ///
    /// # Panics
    /// As [`TaskKind::parameters`].
    pub fn shared_parameters<P: DeserializeOwned>(
        mut self,
        parameters: impl IntoIterator<Item = Parameter>,
    ) -> Self {
        let parameters: Vec<Parameter> = parameters.into_iter().collect();
        self.add::<P>(&parameters);
        let names = parameters.into_iter().map(|parameter| parameter.name);
        self.shared.extend(names);
        self
    }

    fn add<P: DeserializeOwned>(&mut self, parameters: &[Parameter]) {
        if let Err(fault) = fields::check::<P>(parameters) {
            panic!("the task kind `{}`: {fault}", self.description.name);
        }
        self.description.parameters.extend_from_slice(parameters);
    }

    /// Adds a name that the kind had before.
    pub fn formerly(mut self, name: &str) -> Self {
        self.description.former_names.push(name.to_owned());
        self
    }

    /// Says what to do in place of a key that other kinds of the stage have.
    pub fn without(mut self, key: &str, instead: &str) -> Self {
        let keys = &mut self.description.unsupported_keys;
        keys.insert(key.to_owned(), instead.to_owned());
        self
    }

    /// Adds what a task reads in one role.
    pub fn reads(mut self, role: Role) -> Self {
        self.description.roles.push(role);
        self
    }

    /// Adds an output.
    pub fn writes(mut self, kind: impl Into<KindName>) -> Self {
        self.description.outputs.push(kind.into());
        self
    }

    /// Adds statements that are true of everything that a task writes.
    pub fn provides(mut self, features: impl IntoIterator<Item = Feature>) -> Self {
        self.description.provides.extend(features);
        self
    }

    /// Has every task examined while a pipeline file is read: `examine` says what the description cannot, such as the layers
    /// of a network that the pipeline file lists, and what is wrong with parameters that only the program understands.
    ///
    /// It must take milliseconds, and must not write or download anything. It is no code of the results.
    pub fn examined_by(
        mut self,
        examine: fn(&Examination<'_>) -> Result<Examined, TaskError>,
    ) -> Self {
        self.description.examined = true;
        self.examine = Some(examine);
        self
    }

    /// Has tasks looked at when somebody wants to know what a run would meet, not while a pipeline file is read: `examine` says which files
    /// are not there ([`Examined::lacking`]). It must be as quick and harmless as that of [`TaskKind::examined_by`].
    pub fn looked_at_by(mut self, examine: Examine) -> Self {
        self.examine = Some(examine);
        self
    }

    /// Makes it the kind of the tables of its stage that give no `kind` and have no other kind's name.
    pub fn fallback(mut self) -> Self {
        self.description.fallback = true;
        self
    }

    /// Makes results depend on the seed.
    pub fn random(mut self) -> Self {
        self.description.random = true;
        self
    }

    /// Makes it compute on a graphics card if one is asked for; `memory_mib` is the peak memory of the card in MiB for data of MNIST's
    /// size.
    pub fn on_cards(mut self, memory_mib: u64) -> Self {
        self.description.card = Some(CardSupport { memory_mib });
        self
    }

    /// Sets the number of threads that a task can use.
    pub fn threads(mut self, threads: usize) -> Self {
        self.description.resources.threads = threads;
        self
    }

    /// Sets the number of threads that a task can use beyond its own while they would be idle.
    pub fn lendable_threads(mut self, threads: usize) -> Self {
        self.description.resources.extra_threads = threads;
        self
    }

    /// Sets the peak memory in MiB for data of MNIST's size.
    pub fn memory_mib(mut self, memory_mib: u64) -> Self {
        self.description.resources.memory_mib = memory_mib;
        self
    }

    /// Sets the guess of the duration in seconds.
    pub fn seconds(mut self, seconds: f64) -> Self {
        self.description.resources.seconds = seconds;
        self
    }
}
