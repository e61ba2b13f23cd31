//! Takes models apart: linear algebra in f64 (faer) on the weights and activations of one model, or of two.
//!
//! Results are eigenvectors, singular vectors, alignments, embeddings and edited or drawn models, with the tables that describe
//! them. What is scored on images or summarised over many models belongs to the crate `metrics`.
//!
//! The library is divided by subject: [`bilinear`] layers, single [`layers`], whole [`networks`], [`embeddings`], and the
//! [`linear_algebra`] beneath them; `tasks` holds the task kinds, one file each. Work is spread over classes, layers or batches
//! of images, each of which is done in one thread with the same instructions: the result is the same bytes for any number of
//! threads.

pub mod bilinear;
pub mod embeddings;
mod error;
mod image_batches;
pub mod layers;
pub mod linear_algebra;
pub mod networks;
mod tasks;

pub use error::DecomposeError;
pub use tasks::kinds;
