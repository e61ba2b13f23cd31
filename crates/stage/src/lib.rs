//! The contract between the orchestrator and the stage programs.
//!
//! A stage is a program that can `describe` its task kinds as JSON, and `run` one task from a task file. For kinds about
//! which a description cannot say enough, it can also `examine` the tasks of a pipeline before they run. A task reads its
//! inputs from the paths in its file, writes its outputs to the paths in that file, reports [`Event`]s as JSON lines on standard output, obeys [`TaskCommand`]s on standard input, logs to standard error, and
//! ends with one of the [`exit`] codes. It knows nothing of pipelines, caches or other stages. The program that draws
//! figures can also write the `report` of a pipeline, from a file whose format is none of this contract's business.

#![warn(missing_docs)]

mod agreement;
mod code;
mod context;
mod description;
mod device;
mod event;
mod examine;
mod feature;
mod fields;
mod program;
mod quantity;
mod seed;
mod task;
pub mod task_id;
mod task_kind;
mod thread_budget;

pub use agreement::{Agreement, Common, path_in_words};
pub use code::{Code, TaskFunction};
pub use context::Context;
pub use description::{
    Description, Parameter, ParameterType, Resources, Role, Stage, TaskKindDescription, Variant,
};
pub use device::{AssignedCard, CardLibraries, CardSupport, Device, DeviceChoice};
pub use event::{Event, ExternalFile, FolderPicture};
pub use examine::{Answers, Examination, Examine, Examined, Fault, Known, Question, Questions};
pub use feature::{
    AttributeValue, CLASSES, CONVOLUTIONS, Condition, DRAWABLE_LAYERS, FIRST_LAYER, Feature,
    LAYERS, LabelOf, NameRule, NamesOf, Need, TRANSFORMS,
};
pub use program::{TaskError, run, run_with_report};
pub use quantity::{Amount, Demand, Effect, Relation, Windows, quantities};
pub use seed::{Seed, Stream};
pub use task::{Input, TASK_VERSION, TaskFile};
pub use task_kind::TaskKind;
pub use thread_budget::{TaskCommand, ThreadBudget};

/// Exit codes of a stage program.
pub mod exit {
    /// The task is done and its outputs are in place.
    pub const DONE: u8 = 0;
    /// The task failed; the last event says why.
    pub const FAILED: u8 = 1;
    /// The command line or the task file cannot be understood.
    pub const USAGE: u8 = 2;
}
