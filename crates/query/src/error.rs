//! What can be wrong with a query, with the known names.

use eigenscope_artifact::ArtifactError;
use miette::Diagnostic;
use polars::error::PolarsError;

/// A query that has no answer.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum QueryError {
    /// It names a table that there is not.
    #[error("there is no table `{name}`")]
    #[diagnostic(code(eigenscope::sql::unknown_table), help("{known}"))]
    UnknownTable {
        /// The name.
        name: String,
        /// The names there are, in words.
        known: String,
    },
    /// It names a table of which nothing has been computed.
    #[error("the table `{name}` is empty: no task of `{tasks}` is up to date")]
    #[diagnostic(
        code(eigenscope::sql::not_computed),
        help("`eigenscope run {pipeline} '{tasks}'` computes it")
    )]
    NotComputed {
        /// Name in SQL.
        name: String,
        /// The table of the pipeline file.
        tasks: String,
        /// The pipeline.
        pipeline: String,
    },
    /// It names a column that there is not.
    #[error("there is no column `{name}`")]
    #[diagnostic(code(eigenscope::sql::unknown_column), help("{known}"))]
    UnknownColumn {
        /// The name.
        name: String,
        /// The names there are, in words.
        known: String,
    },
    /// It is empty.
    #[error("there is no query")]
    #[diagnostic(
        code(eigenscope::sql::empty),
        help("such as 'select * from metric_final'; without a query the tables are listed")
    )]
    Empty,
    /// polars does not understand it.
    #[error("the query cannot be answered: {0}")]
    #[diagnostic(
        code(eigenscope::sql::query),
        help(
            "the dialect is that of polars: https://docs.pola.rs/api/python/stable/reference/sql/"
        )
    )]
    Query(#[from] PolarsError),
    /// An artifact cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}
