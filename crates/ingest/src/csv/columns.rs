//! Which columns of a table are pixels, which one holds the labels, and which are neither.

use std::borrow::Cow;

use serde::Deserialize;

use super::Flaw;
use super::lines::number;

/// Names of label columns that are found by themselves, in small letters.
const LABEL_NAMES: [&str; 5] = ["label", "class", "target", "digit", "y"];
/// Names of columns that number or name the images, in small letters. pandas gives its index the first two.
const IMAGE_NAMES: [&str; 13] = [
    "",
    "unnamed: 0",
    "id",
    "index",
    "idx",
    "image",
    "image_id",
    "imageid",
    "file",
    "filename",
    "file_name",
    "path",
    "row",
];
/// Names of columns in messages at most.
const SHOWN: usize = 5;

/// A column: its name or its position.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Column {
    /// Counted from 0; negative numbers count from the end.
    Position(i64),
    /// A name in the header.
    Name(String),
}

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) separator: char,
    /// Number of all columns.
    pub(super) count: usize,
    /// Position of the labels.
    pub(super) label: usize,
    /// Positions that are neither labels nor pixels, ascending.
    pub(super) ignored: Vec<usize>,
    /// Names of all columns, if there is a header.
    pub(super) names: Option<Vec<String>>,
}

impl Columns {
    /// The columns of a table whose first line has these fields. `ignore` are those that the user leaves out; if there are none, a
    /// header tells which are no pixels.
    pub(super) fn of(
        separator: char,
        fields: &[Cow<'_, str>],
        is_header: bool,
        label: &Column,
        ignore: &[Column],
    ) -> Result<Self, (Flaw, &'static str)> {
        let names = is_header.then_some(fields);
        let wrong_label = |flaw| {
            let fix = "set `label` to its name, or to its position from 0";
            (flaw, fix)
        };
        let label = match label {
            Column::Name(name) if name.is_empty() => automatic_label(names),
            given => {
                position(given, fields, is_header, "a column of labels").map_err(wrong_label)?
            }
        };
        let mut ignored = Vec::new();
        for column in ignore {
            let found = position(column, fields, is_header, "a column to leave out");
            ignored.push(found.map_err(|flaw| {
                (
                    flaw,
                    "set `ignore` to names of columns, or to their positions from 0",
                )
            })?);
        }
        if ignore.is_empty()
            && let Some(names) = names
        {
            ignored = no_pixels(names);
        }
        ignored.retain(|column| *column != label);
        ignored.sort_unstable();
        ignored.dedup();
        Ok(Self {
            separator,
            count: fields.len(),
            label,
            ignored,
            names: names.map(|names| names.iter().map(|name| (**name).to_owned()).collect()),
        })
    }

    /// Number of columns that hold pixels.
    pub(super) fn pixels(&self) -> usize {
        self.count - 1 - self.ignored.len()
    }

    /// What the ignored columns are called.
    pub(super) fn ignored_names(&self) -> Vec<String> {
        let shown = self.ignored.iter().take(SHOWN);
        let mut names: Vec<String> = shown.map(|column| self.name(*column)).collect();
        if let Some(rest @ 1..) = self.ignored.len().checked_sub(SHOWN) {
            names.push(format!("{rest} more"));
        }
        names
    }

    /// The name of a column, or its number.
    fn name(&self, column: usize) -> String {
        match self.names.as_ref().map(|names| names[column].as_str()) {
            Some(name) if !name.is_empty() => format!("`{name}`"),
            _ => format!("column {}", column + 1),
        }
    }

    /// A column in messages: its number from 1, and its name if it has one.
    pub(super) fn in_words(&self, column: usize) -> String {
        match &self.names {
            Some(names) => format!("column {} (`{}`)", column + 1, names[column]),
            None => format!("column {}", column + 1),
        }
    }
}

/// Returns true for names such as those of pixels: `pixel7`, `1x28`, `7`.
fn ends_in_a_digit(name: &str) -> bool {
    name.ends_with(|letter: char| letter.is_ascii_digit())
}

fn names_images(name: &str) -> bool {
    IMAGE_NAMES
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Positions of the columns of a header that are called by other names than pixels.
fn no_pixels(names: &[Cow<'_, str>]) -> Vec<usize> {
    let numbered = names.iter().filter(|name| ends_in_a_digit(name)).count();
    // Otherwise the names of pixels are words.
    let are_numbered = 2 * numbered > names.len();
    let is_none = |name: &str| names_images(name) || (are_numbered && !ends_in_a_digit(name));
    let columns = names.iter().enumerate();
    let columns = columns.filter(|(_, name)| is_none(name));
    columns.map(|(column, _)| column).collect()
}

/// The column with one of the usual names; or else the first that is called neither as a pixel nor as a number of the image, or
/// else the first.
fn automatic_label(names: Option<&[Cow<'_, str>]>) -> usize {
    let Some(names) = names else {
        return 0;
    };
    let is_other = |name: &Cow<'_, str>| !names_images(name) && !ends_in_a_digit(name);
    label_named(names)
        .or_else(|| names.iter().position(is_other))
        .unwrap_or(0)
}

/// The position of a column with one of the usual names of labels.
fn label_named(names: &[Cow<'_, str>]) -> Option<usize> {
    let mut known = LABEL_NAMES.iter();
    known.find_map(|known| {
        let is_it = |name: &Cow<'_, str>| name.eq_ignore_ascii_case(known);
        names.iter().position(is_it)
    })
}

/// The position of a column that the user names; `what` it is, in messages.
fn position(
    column: &Column,
    fields: &[Cow<'_, str>],
    is_header: bool,
    what: &str,
) -> Result<usize, Flaw> {
    match column {
        Column::Name(name) => {
            let is_it = |found: &Cow<'_, str>| is_header && *found == name.as_str();
            fields.iter().position(is_it).ok_or_else(|| {
                let shown: Vec<&str> = fields.iter().take(SHOWN).map(|name| &**name).collect();
                let found = match is_header {
                    true => format!(
                        "no `{name}` among the {} columns {} ...",
                        fields.len(),
                        shown.join(", ")
                    ),
                    false => format!("no header with `{name}`"),
                };
                Flaw::of_line(what, found)
            })
        }
        Column::Position(position) => {
            let count = fields.len() as i64;
            let from_start = match *position < 0 {
                true => position + count,
                false => *position,
            };
            let column = usize::try_from(from_start).ok();
            let column = column.filter(|column| *column < fields.len());
            column.ok_or_else(|| {
                Flaw::of_line(what, format!("{count} columns, and none at {position}"))
            })
        }
    }
}

/// What the first line is, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstLine {
    Header,
    Image,
    /// A header if all other lines have numbers as labels.
    Unclear,
}

impl FirstLine {
    pub(super) fn of(
        label: &Column,
        ignore: &[Column],
        names: &[Cow<'_, str>],
        separator: char,
    ) -> Self {
        let is_named = |column: &Column| match column {
            Column::Name(name) => !name.is_empty() && names.iter().any(|found| found == name),
            Column::Position(_) => false,
        };
        if is_named(label) || ignore.iter().any(is_named) {
            return Self::Header;
        }
        let is_text = |name: &Cow<'_, str>| number(name, separator).is_none();
        // Columns that are left out may hold texts.
        let ignored: Vec<usize> = ignore
            .iter()
            .filter_map(|column| position(column, names, false, "").ok())
            .collect();
        let counts = |column: usize| !ignored.contains(&column);
        let mut texts =
            (0..names.len()).filter(|&column| counts(column) && is_text(&names[column]));
        let text = match (texts.next(), texts.next()) {
            (None, _) => return Self::Image,
            (Some(text), None) => text,
            // Only one column may hold labels of text.
            (Some(_), Some(_)) => return Self::Header,
        };
        // Names of pixels such as those of pandas.
        let others = names.iter().filter(|name| !is_text(name));
        let counts_from = |start: usize| {
            let expected = (start..).map(|number| number.to_string());
            others
                .clone()
                .zip(expected)
                .all(|(name, number)| **name == number)
        };
        let is_automatic = *label == Column::Name(String::new());
        let is_usual = label_named(names).is_some();
        if is_usual
            && (names.len() == 2 || counts_from(0) || counts_from(1) || (is_automatic && text > 0))
        {
            return Self::Header;
        }
        let column = match label {
            Column::Name(name) if name.is_empty() => Ok(0),
            given => position(given, names, false, ""),
        };
        match column {
            Ok(column) if column == text && !names[text].is_empty() => Self::Unclear,
            _ => Self::Image,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str, label: &str, ignore: &[Column]) -> Columns {
        let fields: Vec<Cow<'_, str>> = header.split(',').map(Cow::Borrowed).collect();
        let label = Column::Name(label.to_owned());
        Columns::of(',', &fields, true, &label, ignore).expect("columns")
    }

    #[test]
    fn a_header_tells_which_columns_are_no_pixels() {
        for (header, label, ignored) in [
            ("label,p0,p1,p2", 0, &[][..]),
            ("id,label,p0,p1,p2,p3", 1, &[0]),
            (",label,0,1,2", 1, &[0]),
            ("Unnamed: 0,label,0,1,2", 1, &[0]),
            ("p0,p1,p2,p3,kind,Usage", 4, &[5]),
            ("filename,kind,p0,p1,p2,p3", 1, &[0]),
            ("row,kind,p0,p1,p2,p3", 1, &[0]),
            // Names of pixels that are words.
            ("kind,left,right,top", 0, &[]),
            ("id,kind,left,right,top", 1, &[0]),
        ] {
            let found = columns(header, "", &[]);
            assert_eq!(
                (found.label, found.ignored.as_slice()),
                (label, ignored),
                "{header}"
            );
        }
    }

    #[test]
    fn columns_that_are_given_are_left_out_and_no_others() {
        let given = [Column::Name("id".to_owned()), Column::Position(-1)];
        let found = columns("id,label,p0,p1,extra,p2", "", &given);
        assert_eq!((found.ignored.as_slice(), found.pixels()), (&[0, 5][..], 3));
        assert_eq!(found.ignored_names(), ["`id`", "`p2`"]);
        assert_eq!(found.in_words(2), "column 3 (`p0`)");
    }
}
