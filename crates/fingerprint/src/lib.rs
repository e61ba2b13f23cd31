//! Build-time identity of every task kind: the code that can change its results.
//!
//! The build script of a stage crate calls [`emit()`]. It reads the sources of the crate and of the workspace crates
//! below, follows from each function named in `task_function!(...)` everything that the function may use (see the
//! module `reach`), and writes a table of the results that the macro looks them up in. The program that computes a
//! result therefore carries the identity of the code it was built from. Part of it are
//!
//! * the tokens of every item reached, by source file: no comments, no documentation, no layout, nothing under
//!   `#[cfg(test)]`; and of the program's `main`, though not of the list of task kinds it hands over: what a
//!   description decides (parameters, inputs, seed) counts by its value,
//! * files that reached code includes (`include_bytes!`),
//! * edition and features of the crates,
//! * of the outside packages that reached code names, or that a crate depends on without naming: version, checksum and
//!   features, of these and of all that they depend on.
//!
//! Absolute paths, times, the ends of lines, the order of items, the compiler and its profile are not part of it: two
//! clones agree, and another compiler is not taken for other code. Reached code may not ask for the environment of the
//! build (`env!`), and modules lie where they lie by default.

mod code;
mod emit;
mod error;
mod graph;
mod items;
mod lock;
mod macros;
mod manifest;
mod mentions;
mod reach;
mod resolve;
mod sources;
mod tokens;
mod use_tree;

pub use code::{Code, TaskFunctions, task_functions};
pub use emit::emit;
pub use error::FingerprintError;
