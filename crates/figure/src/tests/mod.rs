//! What holds for whole figures: every text is there and none overlaps another, bytes repeat, bad input is refused.

mod bytes;
mod interactive;
mod refusals;
pub(crate) mod samples;
mod sizes;
mod structure;
