//! The parameters of the task kinds: how they are described, and how they are read and checked.
//!
//! Each kind of users' files has a module with its struct and its descriptions. All of them have the parameters of the published data
//! sets, too ([`WithCommon`]).

mod common;
mod csv;
mod emnist;
mod folder;
mod idx;
mod npz;
mod online;
mod parquet;
mod pictures;
mod shared;

pub(crate) use common::{Parameters, SimilarityLabel, Subset, WithCommon, common, common_of_own};
pub(crate) use csv::{CsvParameters, csv};
pub(crate) use emnist::{EmnistParameters, emnist};
pub(crate) use folder::{FolderParameters, folder};
pub(crate) use idx::{IdxParameters, idx};
pub(crate) use npz::{NpzParameters, npz};
pub(crate) use online::{StatedFile, is_local};
pub(crate) use parquet::{ParquetParameters, parquet};
pub(crate) use pictures::GivenForm;
pub(crate) use shared::{NamedPath, no_first_label};
