//! Why a result was not taken: one variant for each reason, each with its line for the user.

use std::fmt;

use crate::survey::{Reason, first_few};

/// Reasons that are written out.
const SHOWN: usize = 3;

/// Why a result was not taken from elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Miss {
    /// Nobody has pushed a result of this task.
    NeverPushed,
    /// There is no result of these key inputs. Whether there are others was not asked.
    NotThere,
    /// The last result of this task that was pushed is of other key inputs.
    Differs { reasons: Vec<Reason> },
    /// A second store has no result of this task.
    NeverMade { place: String },
    /// The last result of this task in a second store is of other key inputs.
    DiffersFrom { place: String, reasons: Vec<Reason> },
    /// It is there as other kinds of machine made it.
    OtherMachine { machines: Vec<String> },
    /// It is there, and was taken, but a file outside the store that it was made from is not as it was.
    OtherFiles { reasons: Vec<Reason> },
    /// It is there, and not what it should be.
    Faulty { origin: String, reason: String },
    /// It could not be asked for.
    Unavailable { reason: String },
}

impl Miss {
    /// Returns whether the result could not be taken. That it is not there is an answer.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Faulty { .. } | Self::Unavailable { .. })
    }

    /// How much it says: of several places that do not have a result, the one that says most counts.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::NotThere => 0,
            Self::NeverMade { .. } | Self::NeverPushed => 1,
            Self::Differs { .. } | Self::DiffersFrom { .. } => 2,
            Self::OtherMachine { .. } | Self::OtherFiles { .. } => 3,
            Self::Unavailable { .. } | Self::Faulty { .. } => 4,
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverPushed => f.write_str("no result of this task has been pushed"),
            Self::NotThere => f.write_str("its result is not there"),
            Self::Differs { reasons } => {
                write!(f, "since it was last pushed {}", first_few(reasons, SHOWN))
            }
            Self::NeverMade { place } => write!(f, "no result of this task is in {place}"),
            Self::DiffersFrom { place, reasons } => {
                write!(
                    f,
                    "since it was made in {place} {}",
                    first_few(reasons, SHOWN)
                )
            }
            Self::OtherMachine { machines } => write!(
                f,
                "it was made on another kind of machine ({}); `any_machine = true` takes it all the same",
                machines.join("; ")
            ),
            Self::OtherFiles { reasons } => {
                let reasons = first_few(reasons, SHOWN);
                write!(f, "it was made from other files: {reasons}")
            }
            Self::Faulty { origin, reason } => write!(f, "not taken from {origin}: {reason}"),
            Self::Unavailable { reason } => f.write_str(reason),
        }
    }
}
