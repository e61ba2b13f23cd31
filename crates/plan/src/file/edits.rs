//! Changes of a text at places of it, which leave everything else as it is: comments, order and layout.

use std::collections::BTreeMap;

use super::Span;

/// Replacements of parts of a text. Parts do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// End and replacement, by start.
    parts: BTreeMap<usize, (usize, String)>,
}

/// A line that is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedLine {
    /// Its number in the text before, from 1.
    pub number: usize,
    /// What stands there afterwards, without space around it: nothing, or several lines.
    pub text: String,
}

impl Edits {
    /// Replaces the part at `span`; a part that is replaced already stays so.
    pub fn replace(&mut self, span: Span, text: impl Into<String>) {
        let part = (span.end, text.into());
        self.parts.entry(span.start).or_insert(part);
    }

    /// Returns whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The text with all changes.
    pub fn apply(&self, text: &str) -> String {
        self.apply_within(text, 0..text.len())
    }

    /// The part of the text at `range` with its changes.
    fn apply_within(&self, text: &str, range: Span) -> String {
        let mut edited = String::new();
        let mut copied = range.start;
        for (&start, (end, replacement)) in self.parts_in(text, &range) {
            edited.push_str(text.get(copied..start).unwrap_or_default());
            edited.push_str(replacement);
            copied = *end;
        }
        edited.push_str(text.get(copied..range.end).unwrap_or_default());
        edited
    }

    /// The parts that begin in a range of the text; the end of the text belongs to its last line.
    fn parts_in<'a>(
        &'a self,
        text: &str,
        range: &Span,
    ) -> impl Iterator<Item = (&'a usize, &'a (usize, String))> {
        let end = match range.end == text.len() {
            true => text.len() + 1,
            false => range.end,
        };
        self.parts.range(range.start..end)
    }

    /// The lines that are changed.
    pub fn lines(&self, text: &str) -> Vec<ChangedLine> {
        let mut lines = Vec::new();
        let mut start = 0;
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let range = start..start + line.len();
            start = range.end;
            if self.parts_in(text, &range).next().is_some() {
                let text = self.apply_within(text, range).trim().to_owned();
                lines.push(ChangedLine { number, text });
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_parts_change() {
        let text = "a = 1 # one\nb = 2\n\nc = 3";
        let mut edits = Edits::default();
        assert!(edits.is_empty());
        edits.replace(12..13, "long");
        edits.replace(4..5, "7");
        edits.replace(4..5, "8");
        edits.replace(19..24, "");
        edits.replace(24..24, "d = 4");
        assert_eq!(text.len(), 24);
        assert_eq!(edits.apply(text), "a = 7 # one\nlong = 2\n\nd = 4");
        let line = |number, text: &str| ChangedLine {
            number,
            text: text.to_owned(),
        };
        let expected = [
            line(1, "a = 7 # one"),
            line(2, "long = 2"),
            line(4, "d = 4"),
        ];
        assert_eq!(edits.lines(text), expected);
    }
}
