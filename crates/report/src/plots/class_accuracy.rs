//! The table of accuracies by class, whose last row is that of all images.

use eigenscope_artifact::{ClassAccuracyRow, read_records};
use eigenscope_stage::{Input, TaskError};

/// Accuracies by class.
pub(super) struct ClassAccuracy {
    /// In the order of the classes.
    pub(super) classes: Vec<ClassAccuracyRow>,
    /// Of all images.
    pub(super) all: ClassAccuracyRow,
}

impl ClassAccuracy {
    /// # Errors
    /// A file that cannot be read, and a table without a class or without the row `all` at its end.
    pub(super) fn read(input: &Input) -> Result<Self, TaskError> {
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
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(|row| row.class.as_str())
    }
}

/// What axes call a class: its name, and that it has no images where it has none.
pub(super) fn label(row: &ClassAccuracyRow) -> String {
    match row.images {
        0 => format!("{} (no images)", row.class),
        _ => row.class.clone(),
    }
}

/// An accuracy in %, missing without images.
pub(super) fn percentage(row: &ClassAccuracyRow) -> Option<f64> {
    row.accuracy_fraction.map(|fraction| 100.0 * fraction)
}
