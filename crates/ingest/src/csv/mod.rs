//! Tables of text: a line an image, a column a pixel, and one column for the label.
//!
//! Columns are separated by commas, semicolons or tabs; fields may stand in double quotes, and numbers may have decimal commas where
//! commas do not separate. The first line is a header if it holds something else than numbers where pixels are, if a parameter names
//! one of its fields, or if it alone has no number as label: the names of pixels may be numbers. Lines are read one by one: memory is
//! that of the pixels.

mod columns;
mod ends;
mod lines;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::arrays::Range;
use crate::content::Content;
use crate::error::IngestError;
use crate::foreign::recognise;
pub(crate) use columns::Column;
use columns::{Columns, FirstLine};
pub(crate) use ends::{LabelEnds, label_ends};
pub(crate) use lines::ends_line;
use lines::{Lines, fields, number, separator};

/// Most pixel bytes of a file, which are held in memory.
const MAXIMUM_PIXELS: usize = 1 << 32;
/// Longest label of text in bytes.
const MAXIMUM_NAME: usize = 1024;

/// The images of a table, whose pixels are read as `P`.
#[derive(Debug, PartialEq)]
pub(crate) struct Table<P = u8> {
    /// Values of one image.
    pub(crate) values: usize,
    pub(crate) pixels: Vec<P>,
    /// The text of each label.
    pub(crate) labels: Vec<String>,
    /// Names of the columns that are neither pixels nor labels.
    pub(crate) left_out: Vec<String>,
}

/// What is wrong with a line, or with one of its columns.
#[derive(Debug, PartialEq)]
struct Flaw {
    /// The column in words.
    column: Option<String>,
    expected: String,
    found: String,
}

impl Flaw {
    fn of_line(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            column: None,
            expected: expected.into(),
            found: found.into(),
        }
    }
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

/// Reads a table to its end.
pub(crate) fn read(
    content: &mut Content<'_>,
    label: &Column,
    ignore: &[Column],
    range: Option<Range>,
) -> Result<Table, IngestError> {
    match range {
        None => read_as(content, label, ignore, WHOLE, |field, separator| {
            field.parse().ok().or_else(|| {
                let whole = number(field, separator).filter(|value| value.fract() == 0.0);
                whole.and_then(|value| u8::try_from(value as i64).ok())
            })
        }),
        Some(range) => read_as(content, label, ignore, IN_RANGE, |field, separator| {
            number(field, separator).and_then(|value| range.scale(value))
        }),
    }
}

/// What pixels are expected to be without a range, and with one.
const WHOLE: &str = "a whole number of 0 to 255";
const IN_RANGE: &str = "a number within `range`";

/// Shows all pixels of a table, whatever finite numbers they are.
pub(crate) fn each_number(
    content: &mut Content<'_>,
    label: &Column,
    ignore: &[Column],
    mut see: impl FnMut(f64),
) -> Result<(), IngestError> {
    let pixel = |field: &str, separator| {
        let number = number(field, separator).filter(|number| number.is_finite());
        number.map(&mut see)
    };
    read_as::<()>(content, label, ignore, "a number", pixel).map(|_| ())
}

/// Reads a table whose pixels are what `pixel` makes of a field and the separator of the table; `expected` says in words which
/// fields that are.
fn read_as<P>(
    content: &mut Content<'_>,
    label: &Column,
    ignore: &[Column],
    expected: &'static str,
    mut pixel: impl FnMut(&str, char) -> Option<P>,
) -> Result<Table<P>, IngestError> {
    let mut lines = Lines::of(content);
    let Some(first) = lines.next()? else {
        let flaw = Flaw::of_line("a table", "an empty file");
        return Err(lines.wrong(flaw, "give a file with images"));
    };
    let separator = separator(&first);
    let names = fields(&first, separator);
    if names.len() < 2 {
        let found = match recognise(&first.as_bytes()[..first.len().min(512)]) {
            Some(format) if !format.name.contains("text") => format.name,
            _ => "one column",
        };
        let flaw = Flaw::of_line(
            "a label and pixels, separated by commas, semicolons or tabs",
            found,
        );
        return Err(lines.wrong(flaw, "give a table of text"));
    }
    let line = FirstLine::of(label, ignore, &names, separator);
    let is_header = line == FirstLine::Header;
    let second = lines.peek()?;
    let second = fields(second, separator);
    let columns = Columns::of(separator, [&names, &second], is_header, label, ignore);
    let columns = columns.map_err(|(flaw, fix)| lines.wrong(flaw, fix))?;
    if columns.pixels() == 0 {
        let flaw = Flaw::of_line(
            "columns of pixels",
            "none beside the label and what is left out",
        );
        return Err(lines.wrong(flaw, "set `ignore` to the columns that are no pixels"));
    }
    let mut table = Table {
        values: columns.pixels(),
        pixels: Vec::new(),
        labels: Vec::new(),
        left_out: columns.ignored_names(),
    };
    let mut row = |table: &mut Table<P>, fields: &[Cow<'_, str>]| {
        row(table, fields, &columns, expected, &mut pixel)
    };
    // The error about the first line as an image.
    let mut unread = None;
    if !is_header && let Err(flaw) = row(&mut table, &names) {
        let error = wrong_row(&lines, flaw, &columns);
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
        if let Some(error) = unread.take_if(|_| !has_number(&fields, columns.label)) {
            return Err(error);
        }
        row(&mut table, &fields).map_err(|flaw| wrong_row(&lines, flaw, &columns))?;
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
        (true, None) => {
            let flaw = Flaw::of_line("images", "only a header");
            Err(lines.wrong(flaw, "give a file with images"))
        }
    }
}

fn has_number(fields: &[Cow<'_, str>], column: usize) -> bool {
    fields
        .get(column)
        .is_some_and(|field| whole(field).is_some())
}

/// The error about a line that is no image.
fn wrong_row(lines: &Lines<'_, '_>, flaw: Flaw, columns: &Columns) -> IngestError {
    let is_number = number(flaw.found.trim_matches('`'), columns.separator).is_some();
    let fix = match (&flaw.column, is_number) {
        (None, _) => "mend or remove the line",
        (Some(_), true) => {
            "values that are no whole numbers of 0 to 255 need `range = [black, white]`; a column that is no pixel is left out with \
             `ignore`, a list of names or positions"
        }
        (Some(_), false) => {
            "mend or remove the line; a column that is no pixel is left out with `ignore`, a list of names or positions"
        }
    };
    lines.wrong(flaw, fix)
}

/// Adds the label and the pixels of a line to the table.
fn row<P>(
    table: &mut Table<P>,
    fields: &[Cow<'_, str>],
    columns: &Columns,
    expected: &str,
    pixel: &mut impl FnMut(&str, char) -> Option<P>,
) -> Result<(), Flaw> {
    if fields.len() != columns.count {
        let expected = format!("{} columns, as in the first line", columns.count);
        return Err(Flaw::of_line(expected, fields.len().to_string()));
    }
    if table.pixels.len() + table.values > MAXIMUM_PIXELS {
        let expected = format!("at most {MAXIMUM_PIXELS} pixels");
        return Err(Flaw::of_line(expected, "more"));
    }
    let flaw = |column: usize, expected: &str, found: &str| {
        let found: String = match found {
            "" => "nothing".to_owned(),
            found => {
                let start: String = found.chars().take(40).collect();
                let is_finite = number(found, columns.separator).is_none_or(f64::is_finite);
                format!(
                    "`{start}`{}",
                    if is_finite {
                        ""
                    } else {
                        ", which is no number"
                    }
                )
            }
        };
        Flaw {
            column: Some(columns.in_words(column)),
            expected: expected.to_owned(),
            found,
        }
    };
    let mut ignored = columns.ignored.iter().copied().peekable();
    for (column, field) in fields.iter().enumerate() {
        if column == columns.label {
            if field.is_empty() || field.len() > MAXIMUM_NAME {
                let expected = format!("a label of 1 to {MAXIMUM_NAME} bytes");
                return Err(flaw(column, &expected, field));
            }
            table.labels.push((**field).to_owned());
            continue;
        }
        if ignored.next_if_eq(&column).is_some() {
            continue;
        }
        let pixel = pixel(field, columns.separator);
        let pixel = pixel.ok_or_else(|| flaw(column, expected, field))?;
        table.pixels.push(pixel);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::tests::{content, gzip};

    fn table(text: &[u8], label: Column) -> Result<Table, String> {
        let mut content = content(text);
        let range = Range::given(&[]).expect("none");
        let table = read(&mut content, &label, &[], range).map_err(|error| error.to_string())?;
        content.finish().map_err(|error| error.to_string())?;
        Ok(table)
    }

    fn automatic(text: &str) -> Table {
        table(text.as_bytes(), Column::Name(String::new())).expect("readable")
    }

    #[test]
    fn headers_separators_and_label_columns_are_found() {
        let expected = Table {
            values: 4,
            pixels: vec![0, 1, 2, 255, 4, 5, 6, 7],
            labels: vec!["3".to_owned(), "1".to_owned()],
            left_out: Vec::new(),
        };
        for text in [
            "label,p0,p1,p2,p3\n3,0,1,2,255\n1,4,5,6,7\n",
            "3,0,1,2,255\n1,4,5,6,7",
            "\u{feff}p0;p1;p2;p3;class\r\n0;1;2;255;3\r\n\r\n4;5;6;7;1\r\n",
            "\"p0\"\t\"label\"\t\"p1\"\t\"p2\"\t\"p3\"\n0\t3\t1.0\t2\t255\n4\t1\t5\t6\t7\n",
        ] {
            assert_eq!(automatic(text), expected, "{text}");
            let packed = table(&gzip(text.as_bytes()), Column::Name(String::new()));
            assert_eq!(packed.as_ref(), Ok(&expected));
        }
        let last = table(b"0,1,2,255,3\n4,5,6,7,1\n", Column::Position(-1));
        assert_eq!(last.as_ref(), Ok(&expected));
        let named = table(
            b"a,b,c,d,e\n0,1,3,2,255\n4,5,1,6,7\n",
            Column::Name("c".to_owned()),
        );
        assert_eq!(named.as_ref(), Ok(&expected));
    }

    #[test]
    fn pixels_in_a_header_may_be_called_by_numbers() {
        let expected = Table {
            values: 4,
            pixels: vec![9, 1, 2, 255, 4, 5, 6, 7],
            labels: vec!["3".to_owned(), "1".to_owned()],
            left_out: Vec::new(),
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
            let table = table(text.as_bytes(), Column::Name(label.to_owned()));
            assert_eq!(table.as_ref(), Ok(&expected), "{text}");
        }
        // Labels of text below such a header, and a first image with a label of text.
        let names = automatic("class,1,2,3,4\ncat,9,9,9,9\ndog,8,8,8,8\n").labels;
        assert_eq!(names, ["cat", "dog"]);
        let names = automatic("class,7,2,3,4\ncat,9,9,9,9\n5,8,8,8,8\n").labels;
        assert_eq!(names, ["class", "cat", "5"]);
        let text = b"dog,1,2,3,900\ncat,9,9,9,9\n";
        let error = table(text, Column::Name(String::new())).expect_err("refused");
        assert!(
            error.contains("line 1, column 5: ") && error.contains("`900`"),
            "{error}"
        );
    }

    #[test]
    fn tables_of_spreadsheets_are_read() {
        let expected = Table {
            values: 2,
            pixels: vec![0, 255, 128, 64],
            labels: vec!["cat, grey".to_owned(), "dog".to_owned()],
            left_out: vec!["`id`".to_owned()],
        };
        let range = Range::given(&[0.0, 1.0]).expect("a range");
        for text in [
            "\u{feff}id;label;p0;p1\r\n1;\"cat, grey\";0,0;1,0\r\n2;dog;0,502;0,25\r\n",
            "id,label,p0,p1\n1,\"cat, grey\",0.0,1\n2,dog,0.502,0.25\n",
            "id\tlabel\tp0\tp1\n\tcat, grey\t0,0\t1\n2\tdog\t0.502\t0,25\n",
        ] {
            let mut content = content(text.as_bytes());
            let table = read(&mut content, &Column::Name(String::new()), &[], range);
            assert_eq!(table.expect("readable"), expected, "{text}");
        }
        let ignore = [Column::Position(0)];
        let mut content = content(b"a,3,7,8\nb,1,9,10\n");
        let table = read(&mut content, &Column::Position(1), &ignore, None).expect("readable");
        assert_eq!(
            (table.labels, table.pixels),
            (vec!["3".to_owned(), "1".to_owned()], vec![7, 8, 9, 10])
        );
        assert_eq!(table.left_out, ["column 1"]);
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
    fn an_empty_last_field_is_no_label() {
        let table = |text: &[u8]| table(text, Column::Name(String::new()));
        for text in [&b"7,1,2,3,\n3,4,5,6,\n"[..], b"cat,1,2,3,\ndog,4,5,6,\n"] {
            let error = table(text).expect_err("a pixel is missing");
            let expected = "line 1, column 5: expected a whole number of 0 to 255, found nothing";
            assert!(error.contains(expected), "{error}");
        }
        // The index of pandas has no name.
        let found = table(b",kind,0,1\n0,5,8,9\n1,6,8,9\n").expect("readable");
        assert_eq!((found.labels.len(), found.values), (2, 2));
    }

    #[test]
    fn lines_of_any_system_are_read() {
        let expected = automatic("label,p0,p1\n3,1,2\n4,5,6\n");
        for end in ["\r", "\r\n", "\r\r\n", "\n\r"] {
            let text = "label,p0,p1\n3,1,2\n4,5,6\n".replace('\n', end);
            assert_eq!(automatic(&text), expected, "{end:?}");
            assert_eq!(automatic(text.trim_end()), expected, "{end:?}");
        }
        // Wherever the buffer ends.
        for length in (1 << 16) - 3..(1 << 16) + 3 {
            let name = "x".repeat(length - "label,p0,".len());
            for end in ["\r", "\r\n"] {
                let table = automatic(&format!("label,p0,{name}{end}3,1,2{end}4,5,6"));
                assert_eq!(table.pixels, expected.pixels);
            }
        }
    }

    #[test]
    fn defects_are_told_by_line() {
        let named = |name: &str| Column::Name(name.to_owned());
        for (text, label, part) in [
            (
                &b""[..],
                named(""),
                ": expected a table, found an empty file",
            ),
            (b"label,b,c\n", named(""), "found only a header"),
            (
                b"1,2,3\n1,2\n",
                named(""),
                "line 2: expected 3 columns, as in the first line, found 2",
            ),
            (
                b"1,2,3\n1,2,256\n",
                named(""),
                "line 2, column 3: expected a whole number of 0 to 255, found `256`; values that",
            ),
            (b"1,2,3\n1,0.5,2\n", named(""), "set `range`"),
            (b"1,2,3\n", named("label"), "no header with `label`"),
            (
                b"a,b,c\n1,2,3\n",
                named("label"),
                "no `label` among the 3 columns a, b, c",
            ),
            (b"1,2,3\n", Column::Position(3), "3 columns, and none at 3"),
            (
                b"1,2,3\n,2,3\n",
                named(""),
                "line 2, column 1: expected a label of 1 to 1024 bytes, found nothing; mend",
            ),
            (
                b"label,p0,p1\n1,2,3\n\n1,2,x\n",
                named(""),
                "line 4, column 3 (`p1`): expected a whole number of 0 to 255, found `x`; mend",
            ),
            (
                b"1;2,5;3\n",
                named(""),
                "column 2: expected a whole number of 0 to 255, found `2,5`; values",
            ),
            (
                b"id,label\n1,2\n",
                named(""),
                "expected columns of pixels, found none",
            ),
            (
                b"1,2,3\n1,nan,3\n",
                named(""),
                "line 2, column 2: expected a whole number of 0 to 255, found `nan`, which is no number; mend",
            ),
            (
                b"1;2;-inf\n",
                named(""),
                "found `-inf`, which is no number; mend",
            ),
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
            for label in [Column::Name(String::new()), Column::Position(position)] {
                if let Ok(table) = table(text.as_bytes(), label) {
                    prop_assert_eq!(table.pixels.len(), table.values * table.labels.len());
                }
            }
        }
    }
}
