//! A file of weights: found in the folder of the data files, opened by its header, and read tensor by tensor.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use eigenscope_checkpoint::{Checkpoint, Format, TensorInfo};
use eigenscope_graphs::{GraphNetwork, GraphTensor};

use crate::error::ImportError;
use crate::matching::{TensorShape, in_usual_order, split};

/// Entries of a folder that are looked at for similar names.
const MAXIMUM_ENTRIES: usize = 10_000;
/// Similar names in a message.
const MAXIMUM_SIMILAR: usize = 5;
/// Ends of the names of files of weights.
const ENDINGS: [&str; 6] = ["pt", "pth", "bin", "ckpt", "safetensors", "onnx"];

/// An opened file of weights.
pub(crate) struct WeightFile {
    path: PathBuf,
    checkpoint: Checkpoint,
    shapes: Vec<TensorShape>,
    graph: Option<GraphNetwork>,
}

/// Where a file that a pipeline names is: relative to the folder of the data files, or absolute.
///
/// # Errors
/// It is not there; the error says what is similar.
pub(crate) fn locate(data_dir: &Path, file: &str) -> Result<PathBuf, ImportError> {
    let path = data_dir.join(file);
    if path.exists() {
        return Ok(path);
    }
    let similar = similar(&path);
    Err(ImportError::NotFound { path, similar })
}

/// Files in the folder of a path that could have been meant, in words.
fn similar(path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return format!("; the folder {} does not exist", folder.display());
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut found: Vec<(usize, String)> = entries
        .take(MAXIMUM_ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|other| is_weights(other))
        .map(|other| (strsim::osa_distance(&name, &other), other))
        .collect();
    found.sort_unstable();
    let more = match found.len().saturating_sub(MAXIMUM_SIMILAR) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    found.truncate(MAXIMUM_SIMILAR);
    let folder = folder.display();
    match found.is_empty() {
        true => format!("; {folder} has no files of weights"),
        false => {
            let names: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
            format!("; {folder} has {}{more}", names.join(", "))
        }
    }
}

fn is_weights(name: &str) -> bool {
    let ending = Path::new(name).extension().unwrap_or_default();
    ENDINGS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

impl WeightFile {
    /// Opens the file at `path` and reads its header, and the steps of a graph if `with_graph`. `key` says where the tensors are if they are nested.
    ///
    /// # Errors
    /// It is no file of weights, is damaged, or holds tensors in several places or none.
    pub(crate) fn open(
        path: &Path,
        key: Option<&str>,
        with_graph: bool,
    ) -> Result<Self, ImportError> {
        let checkpoint = Checkpoint::open(path, key)?;
        let graph = match with_graph {
            true => GraphNetwork::read(&checkpoint).map_err(|error| ImportError::Graph {
                path: path.to_owned(),
                reason: error.to_string(),
            })?,
            false => None,
        };
        let stored = checkpoint.tensors().iter().map(|tensor| TensorShape {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            foreign_type: (!tensor.dtype.is_float()).then(|| tensor.dtype.name().to_owned()),
            is_assumed: false,
        });
        let shapes: Vec<TensorShape> = match &graph {
            Some(graph) => graph.tensors.iter().map(of_graph).collect(),
            None => with_plain_norms(stored.collect()),
        };
        Ok(Self {
            path: path.to_owned(),
            shapes: match is_ordered(&checkpoint) {
                true => shapes,
                false => in_usual_order(shapes),
            },
            checkpoint,
            graph,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The tensors in the order of the file, or in that in which layers usually stand.
    pub(crate) fn shapes(&self) -> &[TensorShape] {
        &self.shapes
    }

    /// The file as it is.
    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The file, and those beside it that hold its values.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.checkpoint.files()
    }

    /// Whether the order of tensors says something about the order of layers.
    pub(crate) fn is_ordered(&self) -> bool {
        is_ordered(&self.checkpoint)
    }

    /// Names of batch normalisations without weight and bias, which are 1 and 0 then.
    pub(crate) fn plain_norms(&self) -> Vec<String> {
        let weights = self.shapes.iter().filter(|tensor| tensor.is_assumed);
        weights
            .map(|tensor| split(&tensor.name))
            .filter(|(_, last)| *last == "weight")
            .map(|(layer, _)| layer.to_owned())
            .collect()
    }

    /// The network of the graph that the file holds.
    pub(crate) fn graph(&self) -> Option<&GraphNetwork> {
        self.graph.as_ref()
    }

    /// Returns whether the file holds a graph, even if its steps could not be read.
    pub(crate) fn has_graph(&self) -> bool {
        self.checkpoint.graph().is_some()
    }

    /// Channels, rows and columns of the images of the graph, if it fixes them.
    pub(crate) fn graph_input(&self) -> Option<[usize; 3]> {
        self.graph.as_ref()?.input
    }

    /// The values of a tensor as f32, row-major.
    ///
    /// # Errors
    /// The file cannot be read or contradicts itself.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<f32>, ImportError> {
        match self.place(name)? {
            Place::Graph(graph) => {
                let values = graph.values(&self.checkpoint, name);
                Ok(values.ok_or_else(|| self.missing(name))??)
            }
            Place::Nowhere { value, count } => Ok(vec![value; count]),
            Place::File(tensor) => Ok(self.checkpoint.read(tensor)?),
        }
    }

    /// Gives the values of a tensor to `each`, some at a time.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn for_each(
        &self,
        name: &str,
        mut each: impl FnMut(&[f32]),
    ) -> Result<(), ImportError> {
        match self.place(name)? {
            Place::File(tensor) => self.checkpoint.for_each(tensor, each)?,
            Place::Graph(_) | Place::Nowhere { .. } => each(&self.read(name)?),
        }
        Ok(())
    }

    fn missing(&self, name: &str) -> ImportError {
        ImportError::NoTensor {
            path: self.path.clone(),
            name: name.to_owned(),
        }
    }

    fn place(&self, name: &str) -> Result<Place<'_>, ImportError> {
        if let Some(graph) = &self.graph {
            return Ok(Place::Graph(graph));
        }
        let mut assumed = self.shapes.iter().filter(|tensor| tensor.is_assumed);
        if let Some(tensor) = assumed.find(|tensor| tensor.name == name) {
            let value = if split(name).1 == "weight" { 1.0 } else { 0.0 };
            let count = tensor.shape.iter().product();
            return Ok(Place::Nowhere { value, count });
        }
        let tensor = self.checkpoint.tensor(name);
        tensor.map(Place::File).ok_or_else(|| self.missing(name))
    }
}

/// Where the values of a tensor are.
enum Place<'a> {
    Graph(&'a GraphNetwork),
    File(&'a TensorInfo),
    /// The file lacks them, which means that all are equal.
    Nowhere {
        value: f32,
        count: usize,
    },
}

/// A tensor of a graph, under the name that its steps give it.
fn of_graph(tensor: &GraphTensor) -> TensorShape {
    TensorShape {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        foreign_type: None,
        is_assumed: false,
    }
}

/// Adds weight and bias to batch normalisations that have none, such as PyTorch's with `affine=False`: they stand before the
/// running mean.
fn with_plain_norms(tensors: Vec<TensorShape>) -> Vec<TensorShape> {
    let names: HashSet<(&str, &str)> = tensors.iter().map(|tensor| split(&tensor.name)).collect();
    let is_plain = |tensor: &TensorShape| {
        let (layer, last) = split(&tensor.name);
        last == "running_mean"
            && tensor.foreign_type.is_none()
            && tensor.shape.len() == 1
            && names.contains(&(layer, "running_var"))
            && !names.contains(&(layer, "weight"))
            && !names.contains(&(layer, "bias"))
    };
    let mut all = Vec::with_capacity(tensors.len());
    for tensor in &tensors {
        if is_plain(tensor) {
            let (layer, _) = split(&tensor.name);
            all.extend(["weight", "bias"].map(|last| TensorShape {
                name: match layer {
                    "" => last.to_owned(),
                    layer => format!("{layer}.{last}"),
                },
                shape: tensor.shape.clone(),
                foreign_type: None,
                is_assumed: true,
            }));
        }
        all.push(tensor.clone());
    }
    all
}

/// Returns whether a file keeps the order in which its tensors were written. A file of safetensors is sorted.
fn is_ordered(checkpoint: &Checkpoint) -> bool {
    checkpoint.format() != Format::SafeTensors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_answered_with_those_that_are_there() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["checkpoint.pth", "other.onnx", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        let path = locate(folder.path(), "checkpoint.pth").expect("it is there");
        assert_eq!(path, folder.path().join("checkpoint.pth"));
        let error = locate(folder.path(), "chekpoint.pt").expect_err("it is not there");
        let error = error.to_string();
        assert!(error.contains("chekpoint.pt; "), "{error}");
        assert!(error.ends_with("has checkpoint.pth, other.onnx"), "{error}");
        for number in 0..5 {
            std::fs::write(folder.path().join(format!("far{number}.onnx")), "").expect("written");
        }
        let error = locate(folder.path(), "chekpoint.pt").expect_err("it is not there");
        let error = error.to_string();
        assert!(error.contains("has checkpoint.pth, "), "{error}");
        assert!(error.ends_with(" and 2 more"), "{error}");
        let error = locate(folder.path(), "a/b.pt")
            .expect_err("no folder")
            .to_string();
        assert!(error.ends_with("a does not exist"), "{error}");
    }
}
