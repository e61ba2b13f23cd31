//! Lines of a table of text, and their fields.

use std::borrow::Cow;

use super::Flaw;
use crate::content::Content;
use crate::error::IngestError;

/// Longest line in bytes.
const MAXIMUM_LINE: usize = 1 << 26;

/// Returns whether a byte ends a line: a line feed, or a carriage return alone (old Macs) or before one (Windows).
pub(crate) fn ends_line(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Lines of a content, without their ends.
pub(super) struct Lines<'c, 'a> {
    content: &'c mut Content<'a>,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    /// Number of the line that was returned last, from 1.
    number: usize,
    /// A line that was looked at before its turn, and its number.
    peeked: Option<(String, usize)>,
}

impl<'c, 'a> Lines<'c, 'a> {
    pub(super) fn of(content: &'c mut Content<'a>) -> Self {
        Self {
            content,
            buffer: Vec::new(),
            start: 0,
            ended: false,
            number: 0,
            peeked: None,
        }
    }

    /// The next line that is not empty.
    pub(super) fn next(&mut self) -> Result<Option<String>, IngestError> {
        if let Some((line, number)) = self.peeked.take() {
            self.number = number;
            return Ok(Some(line));
        }
        loop {
            let rest = &self.buffer[self.start..];
            let end = rest.iter().position(ends_line);
            // A carriage return at the end of the buffer may be half of an end.
            let end = end.filter(|end| self.ended || rest[*end..] != *b"\r");
            if let Some(length) = end {
                let line = self.start..self.start + length;
                let is_of_two = rest[length..].starts_with(b"\r\n");
                self.start += length + 1 + usize::from(is_of_two);
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

    /// The line that [`next`](Self::next) will return; empty if there is none.
    pub(super) fn peek(&mut self) -> Result<&str, IngestError> {
        if self.peeked.is_none() {
            let number = self.number;
            let next = self.next()?;
            self.peeked = next.map(|line| (line, self.number));
            self.number = number;
        }
        Ok(self.peeked.as_ref().map_or("", |(line, _)| line))
    }

    /// The text of a line; empty if it holds only blanks. A blank or a tab at its start may be an empty field.
    fn line(&mut self, line: std::ops::Range<usize>) -> Result<String, IngestError> {
        self.number += 1;
        let bytes = &self.buffer[line];
        match std::str::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => Ok(String::new()),
            Ok(text) => Ok(text.trim_start_matches('\u{feff}').to_owned()),
            Err(_) => Err(self.wrong(
                Flaw::of_line("text in UTF-8", "other bytes"),
                "save the table as UTF-8",
            )),
        }
    }

    fn fill(&mut self) -> Result<(), IngestError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        if length > MAXIMUM_LINE {
            let expected = format!("at most {MAXIMUM_LINE} bytes");
            self.number += 1;
            return Err(self.wrong(Flaw::of_line(expected, "more"), "is this a table of text?"));
        }
        self.buffer.resize(length + (1 << 16), 0);
        let filled = self.content.fill(&mut self.buffer[length..])?;
        self.buffer.truncate(length + filled);
        self.ended = filled == 0;
        Ok(())
    }

    /// The error about the line that was returned last.
    pub(super) fn wrong(&self, flaw: Flaw, fix: impl Into<Cow<'static, str>>) -> IngestError {
        IngestError::Table {
            path: self.content.path().to_owned(),
            line: self.number.max(1),
            column: flaw.column,
            expected: flaw.expected.into(),
            found: flaw.found.into(),
            fix: fix.into(),
        }
    }
}

/// The fields of a line, without blanks around them. A separator within double quotes is part of a field, and so are two of the
/// quotes in a row, as one.
pub(super) fn fields(line: &str, separator: char) -> Vec<Cow<'_, str>> {
    if !line.contains('"') {
        let fields = line.split(separator);
        return fields.map(|field| Cow::Borrowed(field.trim())).collect();
    }
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let start =
            rest.trim_start_matches(|letter: char| letter != separator && letter.is_whitespace());
        let Some(quoted) = start.strip_prefix('"') else {
            let (field, behind) = match start.split_once(separator) {
                Some((field, behind)) => (field, Some(behind)),
                None => (start, None),
            };
            fields.push(Cow::Borrowed(field.trim()));
            match behind {
                Some(behind) => rest = behind,
                None => return fields,
            }
            continue;
        };
        let end = closing_quote(quoted);
        let field = quoted[..end].replace("\"\"", "\"");
        fields.push(Cow::Owned(field.trim().to_owned()));
        let behind = quoted.get(end + 1..).unwrap_or_default();
        match behind.split_once(separator) {
            Some((_, behind)) => rest = behind,
            None => return fields,
        }
    }
}

/// Position of the quote that ends a field, or the end of the line.
fn closing_quote(text: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find('"') {
        if !text[from + at + 1..].starts_with('"') {
            return from + at;
        }
        from += at + 2;
    }
    text.len()
}

/// The separator of a table with this line: the most frequent of comma, semicolon and tab outside of quotes, unless the commas
/// are those of decimal numbers.
pub(super) fn separator(line: &str) -> char {
    let count = |separator: char| fields(line, separator).len() - 1;
    let (commas, semicolons, tabs) = (count(','), count(';'), count('\t'));
    let (other, others) = match semicolons > tabs {
        true => (';', semicolons),
        false => ('\t', tabs),
    };
    let decimals = || {
        let fields = fields(line, other);
        let texts = fields.iter().filter(|field| number(field, other).is_none());
        texts.count() <= 1
    };
    match others > commas || (others > 0 && decimals()) {
        true => other,
        false => ',',
    }
}

/// A number, which may have a decimal comma where commas do not separate fields. It may be infinite or NaN.
pub(super) fn number(field: &str, separator: char) -> Option<f64> {
    let parsed = field.parse().ok();
    if parsed.is_none() && separator != ',' && field.matches(',').count() == 1 {
        return field.replace(',', ".").parse().ok();
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_separators_and_quotes() {
        let line = r#" "a, b" ,"say ""so""",, 4 ,"open"#;
        assert_eq!(fields(line, ','), ["a, b", r#"say "so""#, "", "4", "open"]);
        assert_eq!(fields("\ta\t b", '\t'), ["", "a", "b"]);
        assert_eq!(fields("\"a\",", ','), ["a", ""]);
    }

    #[test]
    fn decimal_commas_separate_nothing() {
        assert_eq!(separator("3;0,5;1,0;0,25"), ';');
        assert_eq!(separator("cat\t0,5\t1,0"), '\t');
        assert_eq!(separator("label,p;0,p1"), ',');
        assert_eq!(separator("\"a;b\",1,2"), ',');
        assert_eq!(number("0,5", ';'), Some(0.5));
        assert_eq!(number("0,5", ','), None);
        assert_eq!(number("1,000,000", ';'), None);
    }
}
