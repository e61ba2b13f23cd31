//! The ids under which renamed tables were first computed: each the id of a table that is no more.

use std::collections::HashMap;

use crate::file::{FileError, Problems, named};
use crate::reference::Reference;

use super::table::{FORMERLY, Table};

/// Refuses former ids that are none, or that another table has or claims: results of two tables would be known by one id.
pub(super) fn check(tables: &[Table<'_>], problems: &mut Problems) {
    let present: HashMap<&str, &Table<'_>> = tables
        .iter()
        .map(|table| (table.id.as_str(), table))
        .collect();
    let mut claimed: HashMap<&str, &Table<'_>> = HashMap::new();
    for table in tables {
        let Some((id, span)) = &table.formerly else {
            continue;
        };
        let shown = named(id);
        let fail = |message: String, label: &'static str| {
            FileError::new("bad_former_id", message).at(span, label)
        };
        if let Some(reason) = not_an_id(id, table) {
            problems.add(|| {
                let stage = table.stage.name();
                fail(format!("`{shown}` cannot be a former id of [{}]: {reason}", table.id), "this id")
                    .help(format!(
                        "`{FORMERLY}` is the id of the table before it was renamed, such as \"{stage}.old\""
                    ))
            });
        } else if *id == table.id {
            problems.add(|| {
                fail(format!("[{shown}] is called so now"), "its own id").help(format!(
                    "leave `{FORMERLY}` out: the table has its first id"
                ))
            });
        } else if let Some(other) = present.get(id.as_str()) {
            problems.add(|| {
                fail(
                    format!(
                        "[{}] cannot have been `{shown}`, which is a table of this file",
                        table.id
                    ),
                    "there is such a table",
                )
                .at(&other.header, "this one")
                .help(format!(
                    "leave `{FORMERLY}` out, or give the other table another name"
                ))
            });
        } else if let Some(other) = claimed.insert(id, table) {
            problems.add(|| {
                let mut error = fail(
                    format!(
                        "[{}] and [{}] cannot both have been `{shown}`",
                        other.id, table.id
                    ),
                    "said here",
                );
                if let Some((_, first)) = &other.formerly {
                    error = error.at(first, "and said here");
                }
                error.help("keep it in the table that goes on with the results of the old one")
            });
        }
    }
}

/// Why a text is no id that the table may have had; `None` if it is one.
fn not_an_id(id: &str, table: &Table<'_>) -> Option<String> {
    match Reference::parse(id) {
        Err(error) => Some(error.reason),
        Ok(reference) if !reference.filters.is_empty() => {
            Some("it is the id of a table, without labels".to_owned())
        }
        Ok(reference) => {
            let stage = reference
                .table
                .split_once('.')
                .map_or("", |(stage, _)| stage);
            (stage != table.stage.name())
                .then(|| format!("its stage is {}, not {stage}", table.stage.name()))
        }
    }
}
