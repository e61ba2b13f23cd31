//! Descriptions of artifacts: what made it, its columns and first rows.

use std::fmt::{self, Display, Write};
use std::path::Path;

use eigenscope_artifact::arrow::array::ArrayRef;
use eigenscope_artifact::arrow::util::display::{ArrayFormatter, FormatOptions};
use eigenscope_artifact::{ArtifactError, Summary, TableReader};

use crate::cell_values::{self, Cell};
use crate::store::Record;
use crate::text_table::{Align, six_digits, text_table_within};

/// Longest text of a cell; images and vectors are cut.
const CELL_WIDTH: usize = 24;

/// What `show` prints of one artifact.
#[derive(Debug)]
pub struct Shown {
    /// What the artifact says about itself.
    pub summary: Summary,
    /// Fingerprint of newer code that it was accepted for without being computed again.
    pub accepted_for: Option<String>,
    /// What the task that made it warned of.
    pub warnings: Vec<String>,
    pub columns: Vec<String>,
    /// The first rows, as text.
    pub rows: Vec<Vec<String>>,
}

/// Reads the artifact at `path` and its first `count` rows.
///
/// # Errors
/// The file is no readable artifact.
pub fn show(path: &Path, count: usize) -> Result<Shown, ArtifactError> {
    let reader = TableReader::open_any(path)?;
    let summary = reader.summary().clone();
    let columns: Vec<String> = summary
        .schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let mut rows = Vec::new();
    for batch in reader.batches(count.max(1), None, None)? {
        let batch = batch?;
        for row in 0..batch.num_rows().min(count - rows.len()) {
            rows.push(
                batch
                    .columns()
                    .iter()
                    .map(|column| cell(column, row))
                    .collect(),
            );
        }
        if rows.len() >= count {
            break;
        }
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let record = Record::read(folder).ok().flatten();
    let warnings = record.iter().flat_map(|record| record.warnings.clone());
    let warnings = warnings.collect();
    let accepted = record.filter(|record| !record.accepted_from.is_empty());
    Ok(Shown {
        accepted_for: accepted.map(|record| record.key_inputs.fingerprint),
        warnings,
        summary,
        columns,
        rows,
    })
}

fn cell(column: &ArrayRef, row: usize) -> String {
    match cell_values::cell(column, row) {
        Cell::Number(value) => return six_digits(value),
        Cell::Single(value) => return six_digits(value.into()),
        _ => {}
    }
    let options = FormatOptions::default().with_null("-");
    match ArrayFormatter::try_new(column, &options) {
        Ok(formatter) => cut(&formatter.value(row)),
        Err(error) => cut(&error),
    }
}

/// The first characters of `value`. The rest, 20 MB of a weight tensor, is never written.
fn cut(value: &dyn Display) -> String {
    let mut text = Limited {
        text: String::new(),
        left: CELL_WIDTH,
        full: false,
    };
    match write!(text, "{value}") {
        Err(_) if text.full => text.text + "…",
        _ => text.text,
    }
}

/// Text of limited length. What does not fit is an error, which ends the writing.
struct Limited {
    text: String,
    left: usize,
    full: bool,
}

impl Write for Limited {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in part.chars() {
            if self.left == 0 {
                self.full = true;
                return Err(fmt::Error);
            }
            self.text.push(character);
            self.left -= 1;
        }
        Ok(())
    }
}

impl Shown {
    /// What is known of the artifact, and its first rows as a table of at most `width` characters.
    pub fn text(&self, width: Option<usize>) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, width);
        text
    }

    fn write(&self, f: &mut String, width: Option<usize>) -> fmt::Result {
        let Summary {
            kind,
            version,
            rows,
            content,
            metadata,
            provenance,
            schema,
        } = &self.summary;
        writeln!(f, "kind        {kind}, schema version {version}")?;
        writeln!(f, "rows        {rows}")?;
        writeln!(f, "content     {content}")?;
        writeln!(f, "task        {} ({})", provenance.task, provenance.kind)?;
        writeln!(f, "parameters  {}", provenance.parameters)?;
        writeln!(f, "seed        {}", provenance.seed)?;
        if let Some(device) = &provenance.device {
            writeln!(f, "device      {device}")?;
        }
        writeln!(f, "code        {}", provenance.fingerprint)?;
        if let Some(fingerprint) = &self.accepted_for {
            writeln!(f, "accepted    for code {fingerprint}")?;
        }
        for input in &provenance.inputs {
            writeln!(
                f,
                "input       {} = {} ({})",
                input.role,
                input.task,
                input.content.short()
            )?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning     {warning}")?;
        }
        for (name, value) in metadata {
            writeln!(f, "{name:<11} {value}")?;
        }
        writeln!(f)?;
        for field in schema.fields() {
            let missing = if field.is_nullable() {
                ", may be missing"
            } else {
                ""
            };
            writeln!(f, "  {}: {}{missing}", field.name(), field.data_type())?;
        }
        writeln!(f)?;
        let mut lines = vec![self.columns.clone()];
        lines.extend(self.rows.iter().cloned());
        let aligned = vec![Align::Right; self.columns.len()];
        f.push_str(&text_table_within(&lines, &aligned, width));
        let hidden = rows.saturating_sub(self.rows.len() as u64);
        if hidden > 0 {
            writeln!(f, "… and {hidden} more rows")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes as long as it is allowed to.
    struct Endless;

    impl Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("0.5, ")?;
            }
        }
    }

    #[test]
    fn a_value_is_written_only_as_far_as_it_is_shown() {
        assert_eq!(cut(&Endless), "0.5, 0.5, 0.5, 0.5, 0.5,…");
        assert_eq!(cut(&"x".repeat(24)), "x".repeat(24));
        assert_eq!(cut(&"λ".repeat(25)), "λ".repeat(24) + "…");
        assert_eq!(cut(&""), "");
    }
}
