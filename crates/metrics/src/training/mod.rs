//! Training: where it ends, and how that depends on the number of images.

mod final_rows;
mod scaling;

pub use final_rows::final_row;
pub use scaling::{power_law, scaling};
