//! What a file may ask for. Everything is compared with these before room is made for it.
//!
//! Opening a file takes at most [`PICKLE_MEMORY`] beside its directory or header; reading a tensor takes its values, and for one that
//! is stored in another order, compressed or not contiguous, the bytes that it spans. A tensor never has more values than its file
//! has bytes, except for one that repeats stored values, which has at most [`REPEATED_VALUES`].

/// Most tensors of a file.
pub const TENSORS: usize = 250_000;
/// Most dimensions of a tensor.
pub const DIMENSIONS: usize = 32;
/// Most bytes of a tensor's name.
pub const NAME_BYTES: usize = 1024;
/// Most values of a tensor that repeats stored values (stride 0).
pub const REPEATED_VALUES: u64 = 1 << 24;
/// Most bytes of the header of a safetensors file; the format's own limit is 100 MB.
pub const SAFETENSORS_HEADER: u64 = 64 << 20;
/// Most entries of a zip archive.
pub const ZIP_ENTRIES: u64 = 300_000;
/// Most bytes of the directory of a zip archive.
pub const ZIP_DIRECTORY: u64 = 64 << 20;
/// Most bytes of a compressed entry of a zip archive, decompressed.
pub const INFLATED: u64 = 1 << 30;
/// How many times larger than compressed an entry may be, beyond the first MiB.
pub const INFLATION: u64 = 200;
/// Most bytes of a pickle.
pub const PICKLE_BYTES: u64 = 128 << 20;
/// Most bytes of memory of what a pickle describes.
pub const PICKLE_MEMORY: usize = 512 << 20;
/// Most levels of modules or dictionaries within each other.
pub const DEPTH: usize = 64;
/// Most nodes of an ONNX graph, and most values of one attribute.
pub const ONNX_NODES: usize = 200_000;
/// Most bytes of an ONNX file that are not raw values of tensors, once read into memory.
pub const ONNX_MEMORY: usize = 256 << 20;
/// Most arrays of a file of NumPy.
pub const ARRAYS: usize = 10_000;
/// Most bytes of the header of a NumPy array.
pub const NPY_HEADER: u64 = 1 << 16;
