//! The tables that stages exchange, and the only code that reads or writes them.
//!
//! An artifact is one Parquet file whose metadata says what it holds ([`ArtifactKind`]), what
//! made it ([`Provenance`]) and the digest of its content. Nothing in the file varies from run to run:
//! equal inputs give equal bytes. Files appear under their final name only when they are complete
//! ([`atomic`]).
//!
//! The content digest covers kind, schema, content metadata and values, not the provenance. It is what
//! later tasks depend on: an edit that changes the code but not the result stops there.

#![warn(missing_docs)]

mod about;
pub mod atomic;
mod decoder;
mod destination;
mod digest;
mod eigenpairs;
mod embeddings;
mod error;
mod escape;
mod examples;
mod footer;
mod image_table;
mod images;
mod kind;
mod labelled;
mod limits;
pub mod output;
mod parallel;
mod patterns;
mod picture_folder;
mod pixels;
mod provenance;
mod read;
mod record;
pub mod regular;
mod shape;
pub mod student;
pub mod tables;
mod tensor_writer;
mod tensors;
mod vector_column;
mod write;

pub use about::About;
pub use decoder::decoded;
pub use digest::{Digest, FileDigest, digest_file};
pub use eigenpairs::{
    EIGENPAIRS, EigenpairRow, Eigenpairs, EigenpairsHeader, Selection, write_eigenpairs,
};
pub use embeddings::{EMBEDDINGS, Embeddings, EmbeddingsHeader};
pub use error::{ArtifactError, advice};
pub use escape::escaped;
pub use examples::Examples;
pub use footer::mark_type_order;
pub use image_table::{ImageRecord, ImageRow, ImageTable, ImageTableHeader};
pub use images::{
    IMAGES, ImageHeader, ImageReader, ImageWriter, Images, SourceCheck, Split, SplitName,
};
pub use kind::{ArtifactKind, INTERACTIVE, KindName, PDF, PICTURES, PNG, SVG};
pub use labelled::{LabelValue, Labelled, Labels, label_column, read_labelled, write_labelled};
pub use limits::{MAX_TENSOR_VALUES, MAX_TRANSFORMS, MAX_VALUES};
pub use patterns::{PATTERNS, PatternRow, Patterns, write_patterns};
pub use picture_folder::{
    FolderDigest, LeftOut, LookedAt, PICTURE_ENDINGS, PictureFolder, digest_path, digest_pictures,
    list_pictures, list_pictures_within, look_at_pictures,
};
pub use pixels::{PixelTransform, Pixels};
pub use provenance::{InputDigest, Provenance};
pub use read::{Summary, TableReader, read_records, summarise};
pub use record::{Column, Record};
pub use shape::InputShape;
pub use tensors::{
    ALIGNMENTS, BASES, BasesHeader, BasisHeader, CovarianceOf, ModelHeader, NamedTensor,
    SHARED_BASES, SharedBasesHeader, TENSORS, TensorReader, write_tensors,
};
pub use write::{TableWriter, write_records};

/// Re-exported so that readers of raw batches need no second dependency on `arrow`.
pub use arrow;
