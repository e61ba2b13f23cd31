//! Models that others trained: weights of a file, matched with a network, as `tensors`; and models as files for others.
//!
//! A network is given by steps, is one of those that are built in, or comes with an ONNX file. Which tensor of the file is which of
//! the network follows from names that the user gives, from equal names, or from the order of the layers.
//! While a pipeline file is read, only the header of the file is looked at, and that is enough to know the layers and to
//! refuse what does not fit.
//!
//! Memory: the tensors of the network as f32, and one tensor of the file at a time.

mod built_in;
mod command_line;
mod error;
mod examine;
mod export;
mod file;
mod finite;
mod fitting;
mod inspect;
mod kinds;
mod matching;
mod network;
mod propose;
mod python;
mod task;
mod written;

pub use command_line::command_line;
pub use error::ImportError;
pub use kinds::kinds;
