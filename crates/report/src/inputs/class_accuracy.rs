//! Accuracies by class.

use eigenscope_artifact::read_records;
use eigenscope_artifact::tables::embeddings::ClassAccuracyRow;
use eigenscope_stage::{Input, TaskError};

/// A table of accuracies by class.
pub(crate) struct ClassAccuracy {
    /// Rows of the classes, in their order.
    pub(crate) classes: Vec<ClassAccuracyRow>,
    /// The last row, which is that of all images.
    pub(crate) all: ClassAccuracyRow,
}

impl ClassAccuracy {
    /// Reads the table.
    ///
    /// # Errors
    /// A file that cannot be read, and a table without a class or without the row `all` at its end.
    pub(crate) fn read(input: &Input) -> Result<Self, TaskError> {
        let mut classes: Vec<ClassAccuracyRow> = read_records(&input.path)?;
        match classes.pop() {
            Some(all) if all.class == "all" && !classes.is_empty() => Ok(Self { classes, all }),
            _ => Err(format!(
                "{}: expected a row for every class and then one for `all`",
                input.task
            )
            .into()),
        }
    }

    /// Names of the classes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(|row| row.class.as_str())
    }
}

/// Label of a class on an axis: its name, with a note if it has no images.
pub(crate) fn label(row: &ClassAccuracyRow) -> String {
    match row.images {
        0 => format!("{} (no images)", row.class),
        _ => row.class.clone(),
    }
}

/// Accuracy in %; `None` without images.
pub(crate) fn percentage(row: &ClassAccuracyRow) -> Option<f64> {
    row.accuracy_fraction.map(|fraction| 100.0 * fraction)
}
