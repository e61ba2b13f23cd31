//! ONNX.
use crate::CheckpointError;
use crate::checkpoint::Contents;
use crate::source::Source;

/// A graph.
#[derive(Debug)]
pub struct Graph;

pub(crate) fn open(sources: &mut Vec<Source>) -> Result<(Contents, Graph), CheckpointError> {
    Err(sources[0].unsupported("graph", "files of ONNX cannot be read yet"))
}
