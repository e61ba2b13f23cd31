//! NumPy's files of arrays: `.npz` archives, compressed or not, and single `.npy` files.
//!
//! Plain arrays of numbers in C or Fortran order and of either byte order are read; arrays of Python objects, texts and records are
//! refused, since only Python can read them. Values always come with the last index running fastest.
//!
//! ```no_run
//! use std::path::Path;
//! use eigenscope_checkpoint::npz::Npz;
//!
//! let file = Npz::open(Path::new("mnist.npz"))?;
//! let images = file.array("x_train")?;
//! let pixels: Vec<u8> = file.read_bytes(images)?;
//! # Ok::<(), eigenscope_checkpoint::CheckpointError>(())
//! ```

mod header;
mod write;

use std::path::Path;

use crate::dtype::Number;
use crate::error::shown;
use crate::layout::{Data, Layout, count};
use crate::source::Source;
use crate::zip::Zip;
use crate::{CheckpointError, DType, limits};

use header::Header;

/// Most arrays that are listed in a message.
const LISTED: usize = 20;

pub use write::{ArrayValues, NpzWriter};

/// A file of arrays, open for reading.
#[derive(Debug)]
pub struct Npz {
    sources: [Source; 1],
    zip: Option<Zip>,
    arrays: Vec<ArrayInfo>,
}

/// An array of a file.
#[derive(Debug, Clone)]
pub struct ArrayInfo {
    /// Its name; of a `.npy` file, the name of the file without its ending.
    pub name: String,
    /// The length of each dimension, the outermost first.
    pub shape: Vec<usize>,
    /// The type of its values; those of some types cannot be read ([`DType::is_readable`]).
    pub dtype: DType,
    /// Whether the array is stored in Fortran order.
    pub fortran_order: bool,
    layout: Layout,
}

impl ArrayInfo {
    /// The number of its values.
    pub fn count(&self) -> u64 {
        count(&self.shape).unwrap_or(0)
    }
}

impl Npz {
    /// Opens the file at `path` and reads the headers of all arrays.
    ///
    /// # Errors
    /// A file of another kind, damage, arrays of something else than numbers, more than the [limits] allow.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        Self::of_source(Source::open(path)?)
    }

    /// Reads a file that is in memory; `path` is what messages call it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        Self::of_source(Source::of_bytes(path, bytes))
    }

    fn of_source(source: Source) -> Result<Self, CheckpointError> {
        let head = source.head(8)?;
        if head.starts_with(header::MAGIC) {
            let stem = source.path().file_stem().unwrap_or_default();
            let name = stem.to_string_lossy().into_owned();
            let data = Data::Range {
                source: 0,
                start: 0,
                len: source.len(),
            };
            let arrays = vec![array(&source, name, data)?];
            return Ok(Self {
                sources: [source],
                zip: None,
                arrays,
            });
        }
        if !head.starts_with(b"PK") {
            return Err(not_npz(&source, &head));
        }
        let zip = Zip::open(&source)?;
        let mut arrays = Vec::new();
        for entry in zip.entries() {
            if let Some(name) = entry.name.strip_suffix(".npy") {
                if arrays.len() == limits::ARRAYS {
                    let limit = format!("{} arrays", limits::ARRAYS);
                    return Err(source.too_large("zip directory", "more arrays", limit));
                }
                let data = zip.data(&source, entry)?;
                arrays.push(array(&source, name.to_owned(), data)?);
            }
        }
        if arrays.is_empty() {
            return Err(CheckpointError::foreign(
                source.path(),
                "a zip archive without arrays (entries that end in `.npy`)",
                "write it with `numpy.savez`",
            ));
        }
        Ok(Self {
            sources: [source],
            zip: Some(zip),
            arrays,
        })
    }

    /// The arrays in the order of the file.
    pub fn arrays(&self) -> &[ArrayInfo] {
        &self.arrays
    }

    /// The array called `name`.
    ///
    /// # Errors
    /// There is none; the message lists what there is.
    pub fn array(&self, name: &str) -> Result<&ArrayInfo, CheckpointError> {
        let found = self.arrays.iter().find(|array| array.name == name);
        found.ok_or_else(|| {
            let names: Vec<String> = self
                .arrays
                .iter()
                .take(LISTED)
                .map(|array| format!("`{}`", shown(&array.name)))
                .collect();
            let more = match self.arrays.len().saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            CheckpointError::Key {
                path: self.sources[0].path().to_owned(),
                reason: format!(
                    "no array `{}`; there are {}{more}",
                    shown(name),
                    names.join(", ")
                ),
                candidates: self.arrays.iter().map(|array| array.name.clone()).collect(),
            }
        })
    }

    /// The values of `array` as float32, rounded to the nearest.
    ///
    /// # Errors
    /// The file is no longer readable or damaged; a type that cannot be converted; a value beyond the largest float32.
    pub fn read(&self, array: &ArrayInfo) -> Result<Vec<f32>, CheckpointError> {
        self.read_as(array)
    }

    /// The values of `array` as float64.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_doubles(&self, array: &ArrayInfo) -> Result<Vec<f64>, CheckpointError> {
        self.read_as(array)
    }

    /// The values of `array` as integers.
    ///
    /// # Errors
    /// As [`Self::read`]; a value that is no integer of 64 bits.
    pub fn read_integers(&self, array: &ArrayInfo) -> Result<Vec<i64>, CheckpointError> {
        self.read_as(array)
    }

    /// The values of `array` as bytes.
    ///
    /// # Errors
    /// As [`Self::read`]; a value that is no integer in 0..=255.
    pub fn read_bytes(&self, array: &ArrayInfo) -> Result<Vec<u8>, CheckpointError> {
        self.read_as(array)
    }

    fn read_as<T: Number>(&self, array: &ArrayInfo) -> Result<Vec<T>, CheckpointError> {
        if let Some(zip) = &self.zip
            && let Some(entry) = zip.entry(&format!("{}.npy", array.name))
        {
            zip.verify(&self.sources[0], entry)?;
        }
        let ArrayInfo {
            name,
            shape,
            dtype,
            layout,
            ..
        } = array;
        layout.read(&self.sources, name, *dtype, shape)
    }
}

fn not_npz(source: &Source, head: &[u8]) -> CheckpointError {
    let found = match head {
        [] => "empty",
        [b'<', ..] => "a page of HTML or XML",
        _ => "no file of NumPy arrays",
    };
    CheckpointError::foreign(
        source.path(),
        found,
        "arrays are read from files that `numpy.savez` or `numpy.save` wrote",
    )
}

/// The array whose header `data` begins with.
fn array(source: &Source, name: String, data: Data) -> Result<ArrayInfo, CheckpointError> {
    let place = format!("array `{}`", shown(&name));
    if name.len() > limits::NAME_BYTES {
        let limit = format!("{} bytes", limits::NAME_BYTES);
        return Err(source.too_large(place, "a longer name", limit));
    }
    let head = data.head(source, limits::NPY_HEADER, &place)?;
    let Header {
        len,
        dtype,
        big_endian,
        fortran_order,
        shape,
    } = header::read(&head).map_err(|reason| source.unsupported(&place, reason))?;
    let layout = Layout {
        data: data.after(len),
        offset: 0,
        strides: match fortran_order {
            true => Some(column_major(&shape).ok_or_else(|| {
                source.damaged(&place, format!("shape {shape:?} is not possible"))
            })?),
            false => None,
        },
        big_endian,
    };
    let layout = layout.normalised(&shape);
    let checked = layout.check(dtype, &shape);
    checked.map_err(|reason| source.damaged(&place, reason))?;
    Ok(ArrayInfo {
        name,
        shape,
        dtype,
        fortran_order,
        layout,
    })
}

/// Strides of an array of `shape` whose first index runs fastest.
fn column_major(shape: &[usize]) -> Option<Vec<u64>> {
    let mut stride = 1u64;
    shape
        .iter()
        .map(|&side| {
            let this = stride;
            stride = stride.checked_mul(side as u64)?;
            Some(this)
        })
        .collect()
}
