//! Files of other programs, read and written: models as safetensors, PyTorch and ONNX, arrays as NumPy has them.
//!
//! * [`Checkpoint`] reads the named tensors of a `.safetensors`, `.pt`, `.pth`, `.bin`, `.ckpt` or `.onnx` file, of the last one its
//!   [graph](onnx::Graph), too. Pickles are read as data; nothing that they name is imported or called.
//! * [`safetensors::write`] and [`onnx`] write models, with equal bytes for equal models.
//! * [`npz`] reads and writes NumPy's arrays.
//!
//! Nothing in such a file is trusted. What it claims is checked before room is made for it, against the [`limits`], and what does not
//! hold is refused with the file, the place in it and the reason.

#![warn(missing_docs)]

mod checkpoint;
mod detect;
mod dtype;
mod error;
mod layout;
pub mod limits;
pub mod npz;
pub mod onnx;
mod pickle;
pub mod safetensors;
mod source;
mod tidy;
mod torch;
mod zip;

pub use checkpoint::{Checkpoint, Format, Note, TensorInfo};
pub use dtype::DType;
pub use error::CheckpointError;
