//! Statistics over the results of many tasks: groups, means, intervals, power laws.

mod aggregate;
mod groups;
mod labels;
mod power_law;

pub(crate) use aggregate::{Observations, aggregate};
pub(crate) use groups::{Group, Over, label_ranks, over_parameter, words};
pub(crate) use labels::{hidden, seed};
pub use power_law::PowerLaw;
