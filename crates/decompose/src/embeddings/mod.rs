//! Embeddings: outliers among them, and classes merged by editing the weight that makes them.

mod isolation_forest;
mod merge;

pub use isolation_forest::{IsolationForest, IsolationTree};
pub(crate) use merge::weight;
pub use merge::{ClassCentroid, EmbeddingLayer, MergedClasses, OutlierRule};
