//! Which columns of a table are pixels, which one holds the labels, and which are neither.

use std::borrow::Cow;

use serde::Deserialize;

use super::Flaw;
use super::lines::number;
use crate::label_names::LABEL_NAMES;

/// Names of columns that number or name the images, or divide them, in small letters. pandas gives its index the first two.
const IMAGE_NAMES: [&str; 18] = [
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
    "usage",
    "split",
    "subset",
    "fold",
    "set",
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
    /// The columns of a table whose first two lines have these fields. `ignore` are those that the user leaves out; if there are none,
    /// a header tells which are no pixels.
    pub(super) fn of(
        separator: char,
        [fields, second]: [&[Cow<'_, str>]; 2],
        is_header: bool,
        label: &Column,
        ignore: &[Column],
    ) -> Result<Self, (Flaw, &'static str)> {
        let names = is_header.then_some(fields);
        let wrong_label = |flaw| {
            let fix =
                "set `label` to its name, or to its position (0 is the first column, -1 the last)";
            (flaw, fix)
        };
        let label = match (label, names) {
            (Column::Name(name), Some(names)) if name.is_empty() => {
                label_in_header(names, second, separator)
            }
            (Column::Name(name), None) if name.is_empty() => {
                label_without_header([fields, second], separator)
            }
            (given, _) => position(given, fields, is_header, LABELS),
        };
        let label = label.map_err(wrong_label)?;
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

/// Returns whether a field is neither a number nor empty.
fn is_text(field: &str, separator: char) -> bool {
    !field.is_empty() && number(field, separator).is_none()
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

/// The column of labels below a header: the one with a usual name; or else the only one that is called neither as the pixels nor
/// as a number of the image; or else the only one of texts among these.
fn label_in_header(
    names: &[Cow<'_, str>],
    first_image: &[Cow<'_, str>],
    separator: char,
) -> Result<usize, Flaw> {
    if let Some(label) = label_named(names) {
        return Ok(label);
    }
    let others = || (0..names.len()).filter(|&column| !names_images(&names[column]));
    let words: Vec<usize> = others()
        .filter(|&column| !ends_in_a_digit(&names[column]))
        .collect();
    // All pixels may be called by words, or the labels by a number.
    let candidates = match words.len() {
        0 => others().collect(),
        _ => words,
    };
    let is_text = |column: &&usize| {
        let field = first_image.get(**column);
        field.is_some_and(|field| is_text(field, separator))
    };
    let texts: Vec<&usize> = candidates.iter().filter(is_text).collect();
    match (candidates.as_slice(), texts.as_slice()) {
        ([only], _) => Ok(*only),
        (_, [only]) => Ok(**only),
        _ => {
            let shown = candidates.iter().take(SHOWN);
            let shown: Vec<&str> = shown.map(|column| &*names[*column]).collect();
            let known = format!(
                "{LABELS}, called {} or the like",
                LABEL_NAMES[..3].join(", ")
            );
            let found = format!("{} columns: {} ...", candidates.len(), shown.join(", "));
            Err(Flaw::of_line(known, found))
        }
    }
}

/// The column of labels of a table without header: the one of texts; or else the first, unless all columns together make an image.
fn label_without_header(
    [first, second]: [&[Cow<'_, str>]; 2],
    separator: char,
) -> Result<usize, Flaw> {
    let is_text = |field: &Cow<'_, str>| is_text(field, separator);
    // One text alone, beyond the first column, is a defect.
    let is_label = |&column: &usize| {
        is_text(&first[column]) && (column == 0 || second.get(column).is_none_or(is_text))
    };
    if let Some(label) = (0..first.len()).find(is_label) {
        return Ok(label);
    }
    let count = first.len();
    let is_image = |values: usize| {
        let is_square = |values: usize| values.isqrt().pow(2) == values;
        is_square(values) || (values.is_multiple_of(3) && values > 3 && is_square(values / 3))
    };
    match first.iter().all(|field| !is_text(field)) && is_image(count) && !is_image(count - 1) {
        true => {
            let found = format!("{count} columns of numbers, as many as an image has pixels");
            Err(Flaw::of_line(format!("{LABELS} beside the pixels"), found))
        }
        false => Ok(0),
    }
}

/// What a column of labels is called in messages.
const LABELS: &str = "a column of labels";

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
        // The name of an index may be empty, but what follows the last separator is none.
        let is_text = |column: usize| {
            (column == 0 && names[0].is_empty()) || is_text(&names[column], separator)
        };
        // Columns that are left out may hold texts.
        let ignored: Vec<usize> = ignore
            .iter()
            .filter_map(|column| position(column, names, false, "").ok())
            .collect();
        let counts = |column: usize| !ignored.contains(&column);
        let mut texts = (0..names.len()).filter(|&column| counts(column) && is_text(column));
        let text = match (texts.next(), texts.next()) {
            (None, _) => return Self::Image,
            (Some(text), None) => text,
            // Only one column may hold labels of text.
            (Some(_), Some(_)) => return Self::Header,
        };
        // Names of pixels such as those of pandas.
        let others = (0..names.len()).filter(|&column| !is_text(column));
        let others = others.map(|column| &names[column]);
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
        let image = vec![Cow::Borrowed("1"); fields.len()];
        Columns::of(',', [&fields, &image], true, &label, ignore).expect("columns")
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

    #[test]
    fn labels_are_found_by_name_then_by_text_and_else_refused() {
        let found = |header: &str, image: &str| {
            let [names, image] =
                [header, image].map(|line| line.split(',').map(Cow::Borrowed).collect::<Vec<_>>());
            label_in_header(&names, &image, ',')
        };
        for (header, image, label) in [
            ("p0,p1,category", "1,2,3", 2),
            ("Species,y2,y1", "1,2,3", 0),
            ("left,right,kind", "1,2,cat", 2),
            ("id,left,right,kind", "a,1,2,cat", 3),
            ("p0,p1,p2,emotion,Usage", "1,2,3,4,Training", 3),
            ("0,1,2,3", "9,cat,8,7", 1),
        ] {
            assert_eq!(found(header, image), Ok(label), "{header}");
        }
        for (header, image, part) in [
            (
                "pixel0,pixel1,pixel2,pixel3",
                "1,2,3,4",
                "4 columns: pixel0, pixel1",
            ),
            ("kind,left,right,top", "1,2,3,4", "4 columns: kind, left"),
            ("p0,p1,kind,form", "1,2,3,4", "2 columns: kind, form ..."),
        ] {
            let flaw = found(header, image).expect_err("nothing tells");
            assert!(
                flaw.expected.contains("called label, labels, class"),
                "{flaw:?}"
            );
            assert!(flaw.found.contains(part), "{flaw:?}");
        }
    }

    #[test]
    fn without_a_header_a_whole_image_has_no_label() {
        let found = |line: &str| {
            let fields: Vec<Cow<'_, str>> = line.split(',').map(Cow::Borrowed).collect();
            label_without_header([&fields, &fields], ',')
        };
        assert_eq!(found("7,0,0,0,0"), Ok(0));
        assert_eq!(found("0,0,0,0,cat"), Ok(4));
        assert_eq!(found("1,2,3"), Ok(0));
        let [first, second] = ["5,0,x", "5,0,7"].map(|line| {
            let fields = line.split(',').map(Cow::Borrowed);
            fields.collect::<Vec<_>>()
        });
        assert_eq!(label_without_header([&first, &second], ','), Ok(0));
        for values in [4, 12, 784, 3072] {
            let flaw = found(&vec!["1"; values].join(",")).expect_err("no label");
            assert!(
                flaw.found.starts_with(&format!("{values} columns")),
                "{flaw:?}"
            );
            assert_eq!(found(&vec!["1"; values + 1].join(",")), Ok(0));
        }
    }
}
