//! Trains models on an `images` artifact and writes weights to `tensors`, loss and accuracy to `history`.
//!
//! One process trains one model in one thread, or in more where others are idle and steps have work for them; several models train in
//! as many processes. Everything random (initial weights, order of the images, noise) comes from streams that depend only on
//! the seed, so the result is the same bytes for any number of threads and processes.
//!
//! With a graphics card models are trained there (`on_card`).
//!
//! Memory: the training images as f32 (188 MB for MNIST) or, where these exceed 1 GiB, as stored; three copies of the weights
//! for the optimiser, and the activations of one batch.

mod adam;
mod augment;
mod bilinear;
mod bit_lanes;
mod data_set;
mod description;
mod divergence;
mod dropout;
mod embeddings;
mod error;
mod feed_forward;
mod initialise;
mod network;
mod noise;
mod on_card;
mod optimiser;
mod schedule;
mod sgd;
mod task;
mod thread_pools;
mod training;

pub use adam::{Adam, AdamConstants, Decay};
pub use augment::{Augmentation, Augmenter};
pub use data_set::DataSet;
pub use dropout::DropoutStream;
pub use error::TrainError;
pub use initialise::initialise;
pub use noise::NormalStream;
pub use on_card::{preparation, train_on_card};
pub use optimiser::{Optimiser, OptimiserKind};
pub use schedule::{Schedule, Shape, StepEpochs, cosine};
pub use sgd::{Sgd, SgdConstants};
pub use training::{LastBatch, Recipe, bilinear_step, train, train_step};

use eigenscope_stage::TaskKind;

/// The task kinds of this program.
pub fn kinds() -> Vec<TaskKind> {
    std::iter::once(bilinear::kind())
        .chain(feed_forward::kinds())
        .chain(embeddings::kinds())
        .chain(std::iter::once(network::kind()))
        .collect()
}
