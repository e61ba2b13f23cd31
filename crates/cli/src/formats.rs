//! Formats that options choose from.

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Graphviz
    #[default]
    Dot,
    /// Mermaid, as Markdown viewers draw it
    Mermaid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A model: tensors under PyTorch's names
    Safetensors,
    /// A model: a graph with its weights
    Onnx,
    /// A table: comma-separated values
    Csv,
    /// A table, or the tensors of a model: arrays of NumPy
    Npz,
    /// A table: Arrow IPC, Feather 2
    Arrow,
}

impl ExportFormat {
    pub(crate) const ALL: [Self; 5] = [
        Self::Safetensors,
        Self::Onnx,
        Self::Csv,
        Self::Npz,
        Self::Arrow,
    ];

    /// Ending of the names of its files.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
            Self::Csv => "csv",
            Self::Npz => "npz",
            Self::Arrow => "arrow",
        }
    }
}
