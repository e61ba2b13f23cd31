//! Selected eigenpairs.

use eigenscope_artifact::{ArtifactError, EigenpairRow, Eigenpairs, Selection};
use eigenscope_stage::TaskError;

/// Selects eigenpairs as [`Eigenpairs::select`] does. Where too few are stored, the error says what to change.
pub(crate) fn select(
    eigenpairs: &Eigenpairs,
    class: usize,
    selection: Selection,
    count: usize,
) -> Result<Vec<&EigenpairRow>, TaskError> {
    let selected = eigenpairs.select(class, selection, count);
    selected.map_err(|error| match error {
        ArtifactError::TooFewEigenpairs { asked, .. } => {
            format!("{error}; raise `count` of the decompose task to {asked}").into()
        }
        other => other.into(),
    })
}
