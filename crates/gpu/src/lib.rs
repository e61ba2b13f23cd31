//! Graphics cards: CUDA's libraries are found and loaded at run time, and networks are trained on a card.
//!
//! Nothing of CUDA is needed to build this crate, and nothing is loaded before a card is asked for. [`Search`] looks for the
//! driver, the compiler NVRTC and cuBLAS, and says where it looked for what it does not find. [`cards`] lists the cards of a
//! driver, and a [`Card`] is one that is open. Within the crate it has memory (`Buffer`), a queue of work (`Stream`, `Graph`),
//! kernels compiled from source (`Module`) and matrix products (`Products`).
//!
//! All `unsafe` code for cards is in this crate. Every block says why it is sound; the tests run the same code on an emulated
//! driver, which executes the kernels on the processor.

#![allow(
    unsafe_code,
    reason = "functions of C libraries, whose contracts are kept here and nowhere else"
)]

pub mod bilinear;
mod buffer;
mod card;
mod cublas;
mod driver;
mod error;
mod functions;
mod module;
pub mod network;
mod nvrtc;
mod places;
mod products;
mod stream;
mod training;

pub use card::{Card, CardDescription, cards};
pub use error::GpuError;
pub use places::{Libraries, Library, Missing, Search};
pub use products::Math;
pub use training::{
    DataSets, EpochPlan, EpochResult, EpochTraining, Evaluation, GENERATORS, Images, Optimiser,
    Preparation, RESIZES, Settings, States, StepInputs, Transform,
};

use buffer::{Buffer, Value};
use module::{Kernel, Module};
use products::{Matrix, Products};
use stream::{Graph, Stream};
