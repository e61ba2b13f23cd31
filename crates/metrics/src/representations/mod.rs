//! Whether networks represent the same images alike: measures of every two representations, and maps of them.

mod classical_scaling;
mod measure;
mod representation;

pub use classical_scaling::{PlaneMap, classical_scaling};
pub use measure::{Measure, Measured, compare};
pub use representation::{Memory, Representation};
