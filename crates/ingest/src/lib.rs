//! Data sets as `images` artifacts: embedded, from files in the data directory, or downloaded.
//!
//! Each task kind is one source. What a source is made of and where its files come from is in
//! [`published`]; how files are found, read and written is in [`sets`]; how they are downloaded in
//! [`download`]. A file is believed only as far as it has been checked: a damaged or inconsistent one is
//! refused with file, byte offset, what was expected, what was found and how to fix it, before anything
//! is written.
//!
//! Row transforms (similarity label, class filter, subset, in this order) are applied here because they
//! drop or relabel rows; pixel transforms are written into the artifact's header and applied by readers.
//!
//! Memory: a data set is held once (55 MB for MNIST, 185 MB for CIFAR-10), besides the compressed table. Folders of pictures are
//! not: they are decoded piece by piece.

mod array_names;
mod arrays;
mod cifar;
mod content;
mod coverage;
mod csv;
mod digits;
pub mod download;
mod duplicates;
mod emnist;
mod error;
mod examine;
mod flaws;
mod folder;
mod foreign;
#[cfg(fuzzing)]
pub mod fuzz;
mod gzip;
mod idx;
mod in_order;
mod kinds;
mod label_names;
mod labels;
mod parameters;
mod parquet_file;
mod picture;
pub mod published;
mod rows;
pub mod sets;

pub use error::{IngestError, Unavailable};
pub use kinds::kinds;
