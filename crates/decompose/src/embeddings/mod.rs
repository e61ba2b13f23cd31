//! Embeddings: made by a layer, outliers among them, and classes merged by editing the weight that makes them.

mod embedder;
mod isolation_forest;
mod merge;
mod merge_effect;

pub(crate) use embedder::embed;
pub use isolation_forest::{IsolationForest, IsolationTree};
pub(crate) use merge::weight;
pub use merge::{ClassCentroid, EmbeddingLayer, MergedClasses, OutlierRule};
pub use merge_effect::{Correct, Tail};
