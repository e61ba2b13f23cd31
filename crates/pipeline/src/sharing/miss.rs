//! Why a result was not taken: one variant for each reason, each with its line for the user.

use std::fmt;

use crate::plain::plain;
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
        // Much of it is said by others.
        f.write_str(&plain(&self.words()))
    }
}

impl Miss {
    fn words(&self) -> String {
        match self {
            Self::NeverPushed => "no result of this task has been pushed".to_owned(),
            Self::NotThere => "its result is not there".to_owned(),
            Self::Differs { reasons } => {
                format!("since it was last pushed {}", first_few(reasons, SHOWN))
            }
            Self::NeverMade { place } => format!("no result of this task is in {place}"),
            Self::DiffersFrom { place, reasons } => {
                format!("since it was made in {place} {}", first_few(reasons, SHOWN))
            }
            Self::OtherMachine { machines } => format!(
                "it was made on another kind of machine ({}); `any_machine = true` takes it all the same",
                machines.join("; ")
            ),
            Self::OtherFiles { reasons } => {
                let reasons = first_few(reasons, SHOWN);
                format!("it was made from other files: {reasons}")
            }
            Self::Faulty { origin, reason } => format!("not taken from {origin}: {reason}"),
            Self::Unavailable { reason } => reason.clone(),
        }
    }
}
