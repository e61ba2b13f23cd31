//! Tables of text: a line an image, a column a pixel, and one column for the label.
//!
//! Columns are separated by commas, semicolons or tabs; fields may stand in double quotes. The first line is a header if it holds
//! something else than numbers where pixels are, if the parameter names one of its fields, or if it alone has no number as label: the
//! names of pixels may be numbers. Lines are read one by one: memory is that of the pixels.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::arrays::Range;
use crate::content::Content;
use crate::error::IngestError;
use crate::foreign::recognise;

/// Longest line in bytes.
const MAXIMUM_LINE: usize = 1 << 26;
/// Most pixel bytes of a file, which are held in memory.
const MAXIMUM_PIXELS: usize = 1 << 32;
/// Longest label of text in bytes.
const MAXIMUM_NAME: usize = 1024;
/// Names of label columns that are found by themselves, in small letters.
const LABEL_NAMES: [&str; 5] = ["label", "class", "target", "digit", "y"];

/// The column of the labels.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum LabelColumn {
    /// Counted from 0; negative numbers count from the end.
    Position(i64),
    /// A name in the header; empty: one of the usual names, or else the first column.
    Name(String),
}

/// The images of a table.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    /// Values of one image.
    pub(crate) values: usize,
    pub(crate) pixels: Vec<u8>,
    /// The text of each label.
    pub(crate) labels: Vec<String>,
}

impl Table {
    /// The labels as numbers, or as positions in `classes`.
    pub(crate) fn labels(&self, classes: Option<&[String]>) -> Result<Vec<i64>, String> {
        let number = |(image, text): (usize, &String)| match classes {
            // At most as many names as labels.
            Some(classes) => Ok(classes.binary_search(text).unwrap_or_default() as i64),
            None => whole(text).ok_or_else(|| {
                format!("the label of image {image} is `{text}`: expected a number")
            }),
        };
        self.labels.iter().enumerate().map(number).collect()
    }
}

/// The sorted names of the classes of several tables; `None` if all labels are numbers.
pub(crate) fn class_names(tables: &[&Table]) -> Option<Vec<String>> {
    let labels = || tables.iter().flat_map(|table| &table.labels);
    if labels().all(|label| whole(label).is_some()) {
        return None;
    }
    let names: BTreeSet<&String> = labels().collect();
    Some(names.into_iter().cloned().collect())
}

/// A whole number, also as `3.0`.
fn whole(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

/// Lines of a content, without their ends.
struct Lines<'c, 'a> {
    content: &'c mut Content<'a>,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    /// Number of the line that was returned last, from 1.
    number: usize,
}

impl Lines<'_, '_> {
    /// The next line that is not empty.
    fn next(&mut self) -> Result<Option<String>, IngestError> {
        loop {
            if let Some(length) = self.buffer[self.start..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let line = self.start..self.start + length;
                self.start += length + 1;
                match self.line(line)? {
                    text if text.is_empty() => {}
                    text => return Ok(Some(text)),
                }
            } else if self.ended {
                let line = self.start..self.buffer.len();
                self.start = self.buffer.len();
                let text = if line.is_empty() {
                    String::new()
                } else {
                    self.line(line)?
                };
                return Ok((!text.is_empty()).then_some(text));
            } else {
                self.fill()?;
            }
        }
    }

    fn line(&mut self, line: std::ops::Range<usize>) -> Result<String, IngestError> {
        self.number += 1;
        let bytes = self.buffer[line].trim_ascii();
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.trim_start_matches('\u{feff}').to_owned()),
            Err(_) => Err(self.wrong("text in UTF-8", "other bytes", "save the table as UTF-8")),
        }
    }

    fn fill(&mut self) -> Result<(), IngestError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        if length > MAXIMUM_LINE {
            let expected = format!("at most {MAXIMUM_LINE} bytes");
            self.number += 1;
            return Err(self.wrong(&expected, "more", "is this a table of text?"));
        }
        self.buffer.resize(length + (1 << 16), 0);
        let filled = self.content.fill(&mut self.buffer[length..])?;
        self.buffer.truncate(length + filled);
        self.ended = filled == 0;
        Ok(())
    }

    fn wrong(&self, expected: &str, found: &str, fix: &'static str) -> IngestError {
        let what = format!("line {}", self.number);
        self.content
            .malformed(self.content.offset(), what, expected, found, fix)
    }
}

/// Reads a table to its end.
pub(crate) fn read(
    content: &mut Content<'_>,
    label: &LabelColumn,
    range: Option<Range>,
) -> Result<Table, IngestError> {
    let mut lines = Lines {
        content,
        buffer: Vec::new(),
        start: 0,
        ended: false,
        number: 0,
    };
    let Some(first) = lines.next()? else {
        return Err(lines.wrong("a table", "an empty file", "give a file with images"));
    };
    let separator = [',', ';', '\t']
        .into_iter()
        .max_by_key(|separator| first.matches(*separator).count());
    let separator = separator.unwrap_or(',');
    let names = fields(&first, separator);
    if names.len() < 2 {
        let found = match recognise(&first.as_bytes()[..first.len().min(512)]) {
            Some(format) if !format.name.contains("text") => format.name,
            _ => "one column",
        };
        return Err(lines.wrong(
            "a label and pixels, separated by commas",
            found,
            "give a table of text",
        ));
    }
    let line = first_line(label, &names);
    let column = match label_column(label, &names, line == FirstLine::Header) {
        Ok(column) => column,
        Err(reason) => {
            return Err(lines.wrong(
                "a column of labels",
                &reason,
                "set `label` to its name, or to its position from 0",
            ));
        }
    };
    let mut table = Table {
        values: names.len() - 1,
        pixels: Vec::new(),
        labels: Vec::new(),
    };
    // The error about the first line as an image.
    let mut unread = None;
    if line != FirstLine::Header
        && let Err((expected, found)) = row(&mut table, &names, column, range)
    {
        let error = lines.wrong(&expected, &found, FIX);
        if line == FirstLine::Image {
            return Err(error);
        }
        table.pixels.clear();
        table.labels.clear();
        unread = Some(error);
    }
    let images_of_first = table.labels.len();
    while let Some(line) = lines.next()? {
        let fields = fields(&line, separator);
        if let Some(error) = unread.take_if(|_| !has_number(&fields, column)) {
            return Err(error);
        }
        row(&mut table, &fields, column, range)
            .map_err(|(expected, found)| lines.wrong(&expected, &found, FIX))?;
    }
    let others = table.labels.get(images_of_first..).unwrap_or_default();
    let all_numbers = !others.is_empty() && others.iter().all(|label| whole(label).is_some());
    if line == FirstLine::Unclear && images_of_first == 1 && all_numbers {
        table.pixels.drain(..table.values);
        table.labels.remove(0);
    }
    match (table.labels.is_empty(), unread) {
        (false, _) => Ok(table),
        (true, Some(error)) => Err(error),
        (true, None) => Err(lines.wrong("images", "only a header", "give a file with images")),
    }
}

/// What the first line is, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstLine {
    Header,
    Image,
    /// A header if all other lines have numbers as labels.
    Unclear,
}

fn first_line(label: &LabelColumn, names: &[&str]) -> FirstLine {
    if let LabelColumn::Name(name) = label
        && !name.is_empty()
        && names.contains(&name.as_str())
    {
        return FirstLine::Header;
    }
    let is_text = |name: &str| name.parse::<f64>().is_err();
    let mut texts = (0..names.len()).filter(|&column| is_text(names[column]));
    let (Some(text), None) = (texts.next(), texts.next()) else {
        // Only one column may hold labels of text.
        return match names.iter().all(|name| !is_text(name)) {
            true => FirstLine::Image,
            false => FirstLine::Header,
        };
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
    let is_automatic = *label == LabelColumn::Name(String::new());
    let is_usual = label_named(names).is_some();
    if is_usual
        && (names.len() == 2 || counts_from(0) || counts_from(1) || (is_automatic && text > 0))
    {
        return FirstLine::Header;
    }
    match label_column(label, names, false) {
        Ok(column) if column == text && !names[text].is_empty() => FirstLine::Unclear,
        _ => FirstLine::Image,
    }
}

fn has_number(fields: &[&str], column: usize) -> bool {
    fields
        .get(column)
        .is_some_and(|field| whole(field).is_some())
}

const FIX: &str = "mend or remove the line; values that are no whole numbers of 0 to 255 need `range = [black, white]`";

/// The fields of a line.
fn fields(line: &str, separator: char) -> Vec<&str> {
    line.split(separator)
        .map(|field| field.trim().trim_matches('"'))
        .collect()
}

/// The position of a column with one of the usual names.
fn label_named(names: &[&str]) -> Option<usize> {
    let mut known = LABEL_NAMES.iter();
    known.find_map(|known| {
        names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(known))
    })
}

fn label_column(label: &LabelColumn, names: &[&str], is_header: bool) -> Result<usize, String> {
    match label {
        LabelColumn::Name(name) if name.is_empty() => Ok(match is_header {
            true => label_named(names).unwrap_or(0),
            false => 0,
        }),
        LabelColumn::Name(name) => names
            .iter()
            .position(|found| is_header && found == name)
            .ok_or_else(|| {
                let shown = &names[..names.len().min(5)];
                match is_header {
                    true => format!(
                        "no `{name}` among the {} columns {} ...",
                        names.len(),
                        shown.join(", ")
                    ),
                    false => format!("no header with `{name}`"),
                }
            }),
        LabelColumn::Position(position) => {
            let count = names.len() as i64;
            let from_start = if *position < 0 {
                position + count
            } else {
                *position
            };
            let column = usize::try_from(from_start)
                .ok()
                .filter(|column| *column < names.len());
            column.ok_or_else(|| format!("{count} columns, and none at {position}"))
        }
    }
}

/// Adds a line. The error: what was expected, and what was found.
fn row(
    table: &mut Table,
    fields: &[&str],
    label: usize,
    range: Option<Range>,
) -> Result<(), (String, String)> {
    if fields.len() != table.values + 1 {
        return Err((
            format!("{} columns, as in the first line", table.values + 1),
            fields.len().to_string(),
        ));
    }
    if table.pixels.len() + table.values > MAXIMUM_PIXELS {
        return Err((
            format!("at most {MAXIMUM_PIXELS} pixels"),
            "more".to_owned(),
        ));
    }
    for (column, field) in fields.iter().enumerate() {
        if column == label {
            if field.is_empty() || field.len() > MAXIMUM_NAME {
                return Err(("a label".to_owned(), format!("{} bytes", field.len())));
            }
            table.labels.push((*field).to_owned());
            continue;
        }
        let pixel = match range {
            None => field
                .parse::<u8>()
                .ok()
                .or_else(|| whole(field).and_then(|value| u8::try_from(value).ok())),
            Some(range) => field
                .parse::<f64>()
                .ok()
                .and_then(|value| range.scale(value)),
        };
        match pixel {
            Some(pixel) => table.pixels.push(pixel),
            None => {
                let expected = match range {
                    Some(_) => format!("a number within `range` in column {column}"),
                    None => format!("a whole number of 0 to 255 in column {column}"),
                };
                let shown: String = field.chars().take(40).collect();
                return Err((expected, format!("`{shown}`")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::tests::{content, gzip};

    fn table(text: &[u8], label: LabelColumn) -> Result<Table, String> {
        let mut content = content(text);
        let range = Range::given(&[]).expect("none");
        let table = read(&mut content, &label, range).map_err(|error| error.to_string())?;
        content.finish().map_err(|error| error.to_string())?;
        Ok(table)
    }

    fn automatic(text: &str) -> Table {
        table(text.as_bytes(), LabelColumn::Name(String::new())).expect("readable")
    }

    #[test]
    fn headers_separators_and_label_columns_are_found() {
        let expected = Table {
            values: 4,
            pixels: vec![0, 1, 2, 255, 4, 5, 6, 7],
            labels: vec!["3".to_owned(), "1".to_owned()],
        };
        for text in [
            "label,p0,p1,p2,p3\n3,0,1,2,255\n1,4,5,6,7\n",
            "3,0,1,2,255\n1,4,5,6,7",
            "\u{feff}p0;p1;p2;p3;class\r\n0;1;2;255;3\r\n\r\n4;5;6;7;1\r\n",
            "\"p0\"\t\"label\"\t\"p1\"\t\"p2\"\t\"p3\"\n0\t3\t1.0\t2\t255\n4\t1\t5\t6\t7\n",
        ] {
            assert_eq!(automatic(text), expected, "{text}");
            let packed = table(&gzip(text.as_bytes()), LabelColumn::Name(String::new()));
            assert_eq!(packed.as_ref(), Ok(&expected));
        }
        let last = table(b"0,1,2,255,3\n4,5,6,7,1\n", LabelColumn::Position(-1));
        assert_eq!(last.as_ref(), Ok(&expected));
        let named = table(
            b"a,b,c,d,e\n0,1,3,2,255\n4,5,1,6,7\n",
            LabelColumn::Name("c".to_owned()),
        );
        assert_eq!(named.as_ref(), Ok(&expected));
    }

    #[test]
    fn pixels_in_a_header_may_be_called_by_numbers() {
        let expected = Table {
            values: 4,
            pixels: vec![9, 1, 2, 255, 4, 5, 6, 7],
            labels: vec!["3".to_owned(), "1".to_owned()],
        };
        for (text, label) in [
            ("label,0,1,2,3\n3,9,1,2,255\n1,4,5,6,7\n", ""),
            // No pixel has the value 783, and no known name stands above the labels.
            ("kind,0,1,2,783\n3,9,1,2,255\n1,4,5,6,7\n", ""),
            ("kind,10,11,12,13\n3,9,1,2,255\n1,4,5,6,7\n", ""),
            ("0,1,2,3,target\n9,1,2,255,3\n4,5,6,7,1\n", ""),
            ("0,1,2,3,kind\n9,1,2,255,3\n4,5,6,7,1\n", "kind"),
            ("0,1,2,3,4\n9,1,2,255,3\n4,5,6,7,1\n", "4"),
        ] {
            let table = table(text.as_bytes(), LabelColumn::Name(label.to_owned()));
            assert_eq!(table.as_ref(), Ok(&expected), "{text}");
        }
        // Labels of text below such a header, and a first image with a label of text.
        let names = automatic("class,1,2,3,4\ncat,9,9,9,9\ndog,8,8,8,8\n").labels;
        assert_eq!(names, ["cat", "dog"]);
        let names = automatic("class,7,2,3,4\ncat,9,9,9,9\n5,8,8,8,8\n").labels;
        assert_eq!(names, ["class", "cat", "5"]);
        let text = b"dog,1,2,3,900\ncat,9,9,9,9\n";
        let error = table(text, LabelColumn::Name(String::new())).expect_err("refused");
        assert!(
            error.contains("line 1: ") && error.contains("`900`"),
            "{error}"
        );
    }

    #[test]
    fn labels_may_be_names() {
        let table = automatic("dog,1,2\ncat,3,4\n10,5,6\n");
        let classes = class_names(&[&table]).expect("names");
        assert_eq!(classes, ["10", "cat", "dog"]);
        assert_eq!(table.labels(Some(&classes)), Ok(vec![2, 1, 0]));
        let table = automatic("7,1,2\n3.0,3,4\n");
        assert_eq!(class_names(&[&table]), None);
        assert_eq!(table.labels(None), Ok(vec![7, 3]));
    }

    #[test]
    fn defects_are_told_by_line() {
        let named = |name: &str| LabelColumn::Name(name.to_owned());
        for (text, label, part) in [
            (
                &b""[..],
                named(""),
                "line 0: expected a table, found an empty file",
            ),
            (b"a,b,c\n", named(""), "found only a header"),
            (
                b"1,2,3\n1,2\n",
                named(""),
                "line 2: expected 3 columns, as in the first line, found 2",
            ),
            (
                b"1,2,3\n1,2,256\n",
                named(""),
                "line 2: expected a whole number of 0 to 255 in column 2, found `256`",
            ),
            (b"1,2,3\n1,0.5,2\n", named(""), "set `range`"),
            (b"1,2,3\n", named("label"), "no header with `label`"),
            (
                b"a,b,c\n1,2,3\n",
                named("label"),
                "no `label` among the 3 columns a, b, c",
            ),
            (
                b"1,2,3\n",
                LabelColumn::Position(3),
                "3 columns, and none at 3",
            ),
            (b"1,2,3\n,2,3\n", named(""), "expected a label"),
            (b"\xff\xfe1,2\n", named(""), "text in UTF-8"),
            (b"<html>\n", named(""), "a web page (HTML)"),
        ] {
            let error = table(text, label).expect_err("refused");
            let wanted = if part.starts_with("set") {
                "need `range"
            } else {
                part
            };
            assert!(error.contains(wanted), "{wanted:?} is not in: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_table_is_read_or_refused(text in "([0-9a-z,;.\"\t\n-]|\\PC){0,80}", position in -3i64..3) {
            for label in [LabelColumn::Name(String::new()), LabelColumn::Position(position)] {
                if let Ok(table) = table(text.as_bytes(), label) {
                    prop_assert_eq!(table.pixels.len(), table.values * table.labels.len());
                }
            }
        }
    }
}
