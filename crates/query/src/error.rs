//! Why a query has no answer, and what to write instead.

use eigenscope_artifact::ArtifactError;
use miette::Diagnostic;

/// A query that has no answer.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum QueryError {
    /// It names an unknown table.
    #[error("there is no table `{name}`")]
    #[diagnostic(code(eigenscope::sql::unknown_table), help("{known}"))]
    UnknownTable {
        name: String,
        /// The known names, in words.
        known: String,
    },
    /// It names a table of which nothing has been computed.
    #[error("the table `{name}` is empty: no task of `{tasks}` is up to date")]
    #[diagnostic(
        code(eigenscope::sql::not_computed),
        help("`eigenscope run {pipeline} '{tasks}'` computes it")
    )]
    NotComputed {
        name: String,
        /// The table of the pipeline file.
        tasks: String,
        pipeline: String,
    },
    /// It names a table whose files cannot be read, or do not go together.
    #[error("the table `{name}` cannot be read: {reason}")]
    #[diagnostic(
        code(eigenscope::sql::unreadable),
        help("`eigenscope run {pipeline} '{tasks}'` computes it again; other tables can be read")
    )]
    Unreadable {
        name: String,
        reason: String,
        /// The table of the pipeline file.
        tasks: String,
        pipeline: String,
    },
    /// It names an unknown column.
    #[error("there is no column `{name}`")]
    #[diagnostic(code(eigenscope::sql::unknown_column), help("{known}"))]
    UnknownColumn {
        name: String,
        /// The known names, in words.
        known: String,
    },
    #[error("the query is empty")]
    #[diagnostic(
        code(eigenscope::sql::empty),
        help("such as 'select * from metric_final'; without a query the tables are listed")
    )]
    Empty,
    /// It is not SQL.
    #[error("the query has a mistake: {reason}")]
    #[diagnostic(
        code(eigenscope::sql::syntax),
        help("such as 'select hidden, avg(test_loss_nats) from metric_final group by hidden'")
    )]
    Syntax {
        /// What was expected, what was found, and where.
        reason: String,
    },
    /// It asks for something that is not supported, or that has no value.
    #[error("{problem}")]
    #[diagnostic(code(eigenscope::sql::refused), help("{advice}"))]
    Refused {
        problem: String,
        /// What to write instead.
        advice: String,
    },
    /// An artifact cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// A refusal: the problem, and what to write instead.
pub(crate) fn refused(problem: impl Into<String>, advice: impl Into<String>) -> QueryError {
    QueryError::Refused {
        problem: problem.into(),
        advice: advice.into(),
    }
}
