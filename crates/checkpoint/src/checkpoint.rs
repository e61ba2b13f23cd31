//! A file of weights, whatever its format.

use std::fmt;
use std::path::Path;

use crate::dtype::Number;
use crate::error::shown;
use crate::layout::{Layout, count};
use crate::source::Source;
use crate::zip::Zip;
use crate::{CheckpointError, DType, detect, onnx, safetensors, tidy, torch};

/// The named tensors of a file, open for reading.
///
/// Opening reads names, shapes and places; values are read from the file when they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    format: Format,
    /// The file itself, then those beside it.
    sources: Vec<Source>,
    tensors: Vec<TensorInfo>,
    notes: Vec<Note>,
    graph: Option<onnx::Graph>,
}

/// The format of a file of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.safetensors`.
    SafeTensors,
    /// The zip archives that `torch.save` writes since PyTorch 1.6.
    Torch,
    /// The pickles that `torch.save` wrote before.
    TorchLegacy,
    /// `.onnx`.
    Onnx,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SafeTensors => "safetensors",
            Self::Torch => "PyTorch",
            Self::TorchLegacy => "PyTorch (before 1.6)",
            Self::Onnx => "ONNX",
        })
    }
}

/// A tensor of a file.
#[derive(Debug, Clone)]
pub struct TensorInfo {
    /// Its name, without prefixes that wrappers add.
    pub name: String,
    /// Its name in the file.
    pub stored_as: String,
    /// The length of each dimension, the outermost first.
    pub shape: Vec<usize>,
    /// The type of its values in the file.
    pub dtype: DType,
    pub(crate) layout: Layout,
}

impl TensorInfo {
    pub(crate) fn new(name: String, shape: Vec<usize>, dtype: DType, layout: Layout) -> Self {
        Self {
            stored_as: name.clone(),
            name,
            shape,
            dtype,
            layout,
        }
    }

    /// The number of its values.
    pub fn count(&self) -> u64 {
        count(&self.shape).unwrap_or(0)
    }
}

/// Something in a file that was left out or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Pickled objects of a class that is not known; nothing of them was run.
    PassedOver {
        /// The class as `module.name`.
        class: String,
        /// The dotted path of the first; `None` if it is in what is not looked through, such as the state of an optimiser, or in nothing.
        at: Option<String>,
        /// How many.
        count: usize,
    },
    /// Objects of more classes than are listed.
    MoreClasses {
        /// How many classes more.
        count: usize,
    },
    /// The state of an optimiser.
    Optimiser {
        /// Its dotted path.
        at: String,
    },
    /// Dictionaries that are taken together as the parts of one state dictionary.
    Parts {
        /// The dotted path of what holds them, empty for the file.
        at: String,
        /// Their dotted paths.
        parts: Vec<String>,
        /// How many there are beyond these.
        more: usize,
    },
    /// Values beside the tensors.
    NoTensors {
        /// Their names.
        names: Vec<String>,
    },
    /// Counters of batches that batch normalisation keeps.
    Counters {
        /// How many.
        count: usize,
    },
    /// Quantised weights within packed layers, which only PyTorch can unpack.
    Packed {
        /// Their type.
        dtype: DType,
        /// How many.
        count: usize,
    },
    /// A prefix that every name had.
    Prefix {
        /// The prefix.
        prefix: String,
    },
    /// Values of another type than float32, which become float32 when they are read. Only floating-point numbers can be weights.
    Converted {
        /// Their type in the file.
        from: DType,
        /// How many tensors.
        count: usize,
    },
}

impl Note {
    /// Returns whether values that may be weights change when they are read.
    pub fn is_of_weights(&self) -> bool {
        matches!(self, Self::Converted { from, .. } if from.is_float())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassedOver { class, at, count } => {
                let at = match at.as_deref() {
                    None => String::new(),
                    Some("") => " at the top".to_owned(),
                    Some(at) => format!(" at `{at}`"),
                };
                let more = match count {
                    1 => String::new(),
                    count => format!(" and {} more", count - 1),
                };
                write!(
                    formatter,
                    "a pickled `{class}`{at}{more} passed over; nothing of it was run"
                )
            }
            Self::MoreClasses { count } => {
                write!(formatter, "objects of {count} more classes passed over")
            }
            Self::Optimiser { at } => {
                write!(formatter, "the state of an optimiser at `{at}` left out")
            }
            Self::Parts { at, parts, more } => {
                let place = match at.as_str() {
                    "" => "key = \".\"".to_owned(),
                    at => format!("key = \"{at}\""),
                };
                let parts: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
                let more = match more {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                write!(
                    formatter,
                    "taken together as one state dictionary ({place}): {}{more}",
                    parts.join(", ")
                )
            }
            Self::NoTensors { names } => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                write!(formatter, "no tensors, left out: {}", names.join(", "))
            }
            Self::Counters { count } => {
                let counters = if *count == 1 { "counter" } else { "counters" };
                write!(
                    formatter,
                    "{count} {counters} `num_batches_tracked` left out"
                )
            }
            Self::Packed { dtype, count } => {
                let tensors = if *count == 1 { "tensor" } else { "tensors" };
                write!(
                    formatter,
                    "{count} {tensors} of {dtype} in packed layers left out: the model is quantised; save it as it was before, or its \
                     weights as floating-point numbers, in PyTorch `layer.weight().dequantize()` and `layer.bias()` of each layer"
                )
            }
            Self::Prefix { prefix } => {
                write!(formatter, "the prefix `{prefix}` taken from every name")
            }
            Self::Converted { from, count } => {
                let tensors = if *count == 1 { "tensor" } else { "tensors" };
                let what = match from.is_float() {
                    true => ", converted to float32",
                    false => ": not floating-point numbers, so no weights",
                };
                write!(formatter, "{count} {tensors} of {from}{what}")
            }
        }
    }
}

/// What a reader of one format finds.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) tensors: Vec<TensorInfo>,
    pub(crate) notes: Vec<Note>,
}

impl Checkpoint {
    /// Opens the file at `path` and finds its format from its content.
    ///
    /// `key` is the dotted path of the state dictionary in a PyTorch file that holds several; it is found by itself if there is one.
    ///
    /// # Errors
    /// A file of another kind, named as what it is; damage; more than the [limits](crate::limits) allow; no tensors, or tensors in
    /// several places without `key`.
    pub fn open(path: &Path, key: Option<&str>) -> Result<Self, CheckpointError> {
        Self::of_source(Source::open(path)?, key)
    }

    /// Reads a file that is in memory; `path` is what messages call it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_bytes(
        path: &Path,
        bytes: Vec<u8>,
        key: Option<&str>,
    ) -> Result<Self, CheckpointError> {
        Self::of_source(Source::of_bytes(path, bytes), key)
    }

    fn of_source(source: Source, key: Option<&str>) -> Result<Self, CheckpointError> {
        let format = detect::format(&source)?;
        if let (Format::SafeTensors | Format::Onnx, Some(key)) = (format, key) {
            return Err(CheckpointError::Key {
                path: source.path().to_owned(),
                reason: format!(
                    "`key` is `{}`, but tensors of a file of {format} are in one place; leave it out",
                    shown(key)
                ),
                candidates: Vec::new(),
            });
        }
        let mut sources = vec![source];
        let mut graph = None;
        let contents = match format {
            Format::SafeTensors => safetensors::open(&sources[0])?,
            Format::Torch => {
                let zip = Zip::open(&sources[0])?;
                torch::open_archive(&sources[0], &zip, key)?
            }
            Format::TorchLegacy => torch::open_legacy(&sources[0], key)?,
            Format::Onnx => {
                let (contents, read) = onnx::open(&mut sources)?;
                graph = Some(read);
                contents
            }
        };
        let Contents { tensors, notes } = match format {
            Format::Onnx => contents,
            _ => tidy::tidy(contents),
        };
        Ok(Self {
            format,
            sources,
            tensors,
            notes,
            graph,
        })
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The tensors in the order of the file.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor called `name`.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// What was left out or changed, for the user to read.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The graph of an ONNX file, whose initializers are [`Self::tensors`].
    pub fn graph(&self) -> Option<&onnx::Graph> {
        self.graph.as_ref()
    }

    /// The files that values come from: the file itself first, then those beside it that an ONNX file refers to.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().map(Source::path)
    }

    /// The values of `tensor`, which is one of [`Self::tensors`], the last index running fastest. Types other than float32 are
    /// converted, to the nearest value.
    ///
    /// # Errors
    /// The file is no longer readable; a type that cannot be converted; a value beyond the largest float32.
    pub fn read(&self, tensor: &TensorInfo) -> Result<Vec<f32>, CheckpointError> {
        self.read_as(tensor)
    }

    /// Gives the values of `tensor` to `each` as [`Self::read`] reads them, some at a time, so that they need no memory.
    ///
    /// # Errors
    /// As [`Self::read`], which may come after some values.
    pub fn for_each(
        &self,
        tensor: &TensorInfo,
        each: impl FnMut(&[f32]),
    ) -> Result<(), CheckpointError> {
        let TensorInfo {
            name, shape, dtype, ..
        } = tensor;
        let layout = &tensor.layout;
        layout.for_each(&self.sources, name, *dtype, shape, each)
    }

    /// The values of `tensor` as integers, for those that are sizes or axes.
    ///
    /// # Errors
    /// As [`Self::read`]; a value that is no integer.
    pub fn read_integers(&self, tensor: &TensorInfo) -> Result<Vec<i64>, CheckpointError> {
        self.read_as(tensor)
    }

    fn read_as<T: Number>(&self, tensor: &TensorInfo) -> Result<Vec<T>, CheckpointError> {
        let TensorInfo {
            name, shape, dtype, ..
        } = tensor;
        tensor.layout.read(&self.sources, name, *dtype, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural_and_integers_are_not_converted() {
        for (note, text) in [
            (
                Note::Counters { count: 1 },
                "1 counter `num_batches_tracked` left out",
            ),
            (
                Note::Counters { count: 2 },
                "2 counters `num_batches_tracked` left out",
            ),
            (
                Note::Converted {
                    from: DType::I64,
                    count: 1,
                },
                "1 tensor of int64: not floating-point numbers, so no weights",
            ),
            (
                Note::Converted {
                    from: DType::F64,
                    count: 1,
                },
                "1 tensor of float64, converted to float32",
            ),
        ] {
            assert_eq!(note.to_string(), text);
        }
    }
}
