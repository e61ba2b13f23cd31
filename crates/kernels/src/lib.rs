//! The operations in which training and inference spend their time, as functions of burn's tensors with gradients of their
//! own, for the Flex backend. The threads of the current pool share out the values that are made, never the terms of a sum: the same
//! inputs give the same bytes on any number of them. Beside them stands the step of a bilinear layer, from inputs to gradients.
//!
//! Images are computed side by side, one in each lane of a vector. In memory the values of one pixel of
//! neighbouring images are neighbours: `[features, images]`. Rows `[images, features]`, which the functions take and return,
//! are its transposed view, so a chain of functions copies nothing. A convolution is a sum over window values with its
//! results in registers, not a matrix product of copied windows; it takes bands of rows that fit into the second-level
//! cache, and keeps for its backward pass which pixel its pooling chose. Padded convolutions of many channels are products of
//! blocks of these matrices, without the padding.

#![warn(missing_docs)]
// Without gradients nothing calls the backward passes.
#![cfg_attr(not(feature = "autodiff"), allow(dead_code, unused_imports))]

#[cfg(feature = "autodiff")]
mod autodiff;
mod backend;
mod batch_norm;
mod bilinear;
mod convolution;
mod epilogue;
mod gate;
mod geometry;
mod lanes;
mod operations;
mod pool;
mod product;
mod transpose;

pub use bilinear::{BatchLoss, BilinearEvaluation, BilinearLayer, BilinearStep};
pub use epilogue::Epilogue;
pub use geometry::{Geometry, ImageShape};
pub use operations::{BatchNorm, average_pool, batch_norm, convolution, gate, max_pool};
pub use pool::PoolGeometry;
