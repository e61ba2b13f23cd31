//! Slurm behind the seam: tasks as elements of job arrays.
//!
//! ```text
//! deciding thread ──> jobs ──> worker ──> submit ──> sbatch          on the nodes: element
//!                                │                                       │ writes outputs and how it ended
//!        Message <── commits <── judge <── ends of tasks, squeue <───────┘
//! ```
//!
//! `jobs` is what the run sees. The thread in `worker` knows the jobs: it submits what is ready (`submit`, grouped by `pack`
//! by what `needs` says), finds how tasks ended, and decides about those whose jobs are gone (`judge`, `verdict`).
//! `commits` places results in the store. `adopt` finds what an earlier run has left. `batch` and `end` are the files
//! between both sides, `element` the side of the nodes; `commands`, `queue` and `site` are what Slurm says.

mod adopt;
mod batch;
mod commands;
mod commits;
mod dry_run;
mod element;
mod end;
mod flight;
mod jobs;
mod judge;
mod needs;
mod pack;
mod queue;
mod site;
mod submit;
mod verdict;
mod worker;

pub use adopt::{Submitted, SubmittedState, submitted};
pub use batch::SetupFailure;
pub use commands::CommandError;
pub(super) use dry_run::planned;
pub use dry_run::{PlannedJob, PlannedSubmissions};
pub use element::{ElementError, ElementPlace, FindCard, run_element};
pub(super) use jobs::SlurmJobs;
pub use jobs::SlurmOptions;
pub use needs::Needs;
pub use site::USUAL_ELEMENTS;
