//! References to tasks: `stage.name`, optionally with a selection by labels.

use std::fmt;
use std::ops::Range;

use eigenscope_stage::Stage;

use crate::file::{FileError, Node, Problems, Raw, Span, named, wrong_type};
use crate::label::{Labels, label_is};

/// A table, or those of its tasks whose labels the selection accepts.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// `stage.name`.
    pub table: String,
    pub filters: Vec<Filter>,
}

/// One condition of a selection: the label has one of these values.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    pub label: String,
    pub label_range: Range<usize>,
    pub values: Vec<(String, Range<usize>)>,
}

/// Why a text is not a reference, and where in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceError {
    pub reason: String,
    pub range: Range<usize>,
}

impl Reference {
    /// Reads `stage.name[label=value|value,...]`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let fail = |range: Range<usize>, reason: &str| {
            let reason = reason.to_owned();
            Err(ReferenceError { reason, range })
        };
        let (table, selection) = match text.find('[') {
            Some(open) => (&text[..open], Some(open)),
            None => (text, None),
        };
        let whole = 0..table.len();
        let Some((stage, name)) = table.split_once('.') else {
            return fail(whole, "it should be `stage.name`, such as `data.mnist`");
        };
        if !Stage::ALL.iter().any(|known| known.name() == stage) {
            let stages: Vec<&str> = Stage::ALL.iter().map(|known| known.name()).collect();
            let reason = format!(
                "there is no stage `{}`, only {}",
                named(stage),
                stages.join(", ")
            );
            return fail(0..stage.len(), &reason);
        }
        if let Some(reason) = name_problem(name) {
            return fail(stage.len() + 1..table.len(), &reason);
        }
        let filters = match selection {
            None => Vec::new(),
            Some(open) => {
                let Some(inside) = text[open + 1..].strip_suffix(']') else {
                    return fail(open..text.len(), "the selection should end with `]`");
                };
                filters(inside, open + 1)?
            }
        };
        Ok(Self {
            table: table.to_owned(),
            filters,
        })
    }

    /// Returns whether the selection accepts a task with these labels.
    pub fn accepts(&self, labels: &Labels) -> bool {
        self.filters.iter().all(|filter| {
            labels.get(&filter.label).is_some_and(|label| {
                let mut values = filter.values.iter();
                values.any(|(value, _)| label_is(label, value))
            })
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table)?;
        for (index, filter) in self.filters.iter().enumerate() {
            let values: Vec<&str> = filter
                .values
                .iter()
                .map(|(text, _)| text.as_str())
                .collect();
            let open = if index == 0 { '[' } else { ',' };
            write!(f, "{open}{}={}", filter.label, values.join("|"))?;
        }
        f.write_str(if self.filters.is_empty() { "" } else { "]" })
    }
}

/// Longest name of a table.
const LONGEST_NAME: usize = 100;

/// Why a table cannot be called so; `None` if it can.
pub(crate) fn name_problem(name: &str) -> Option<String> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !name.chars().all(allowed) {
        return Some("a name has only letters from a to z, digits, `_` and `-`".to_owned());
    }
    match name.len() {
        0 => Some("a name has at least 1 character".to_owned()),
        length if length > LONGEST_NAME => Some(format!(
            "a name has at most {LONGEST_NAME} characters, this one has {length}"
        )),
        _ => None,
    }
}

fn filters(inside: &str, start: usize) -> Result<Vec<Filter>, ReferenceError> {
    let fail = |range: Range<usize>, reason: String| Err(ReferenceError { reason, range });
    let mut filters: Vec<Filter> = Vec::new();
    for (part, range) in pieces(inside, start, ',') {
        let Some((label, values)) = part.split_once('=') else {
            let reason = "a condition should be `label=value`".to_owned();
            return fail(range, reason);
        };
        let values_start = range.start + label.len() + 1;
        let (label, label_range) = trimmed(label, range.start);
        if label.is_empty() || filters.iter().any(|filter| filter.label == label) {
            let reason = match label {
                "" => "a condition should be `label=value`".to_owned(),
                _ => format!(
                    "`{}` is selected twice; alternatives are written `{0}=a|b`",
                    named(label)
                ),
            };
            return fail(label_range, reason);
        }
        let mut alternatives = Vec::new();
        for (value, range) in pieces(values, values_start, '|') {
            if value.is_empty() || value.contains(['[', ']', '=']) {
                return fail(range, format!("`{}` lacks a value", named(label)));
            }
            alternatives.push((value.to_owned(), range));
        }
        filters.push(Filter {
            label: label.to_owned(),
            label_range,
            values: alternatives,
        });
    }
    Ok(filters)
}

/// The parts of `text` between separators, without spaces around them, with their places.
fn pieces(text: &str, start: usize, separator: char) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut next = start;
    text.split(separator).map(move |piece| {
        let from = next;
        next += piece.len() + separator.len_utf8();
        trimmed(piece, from)
    })
}

fn trimmed(text: &str, start: usize) -> (&str, Range<usize>) {
    let from = start + (text.len() - text.trim_start().len());
    let text = text.trim();
    (text, from..from + text.len())
}

/// A string value of the file, for pointing to parts of it.
#[derive(Debug, Clone)]
pub struct Quoted {
    pub span: Span,
    plain: bool,
}

impl Quoted {
    /// The string `text` that stands at `node`.
    pub fn new(source: &str, node: &Node, text: &str) -> Self {
        let Span { start, end } = node.span;
        let inside = source.get(start + 1..end.saturating_sub(1));
        Self {
            span: node.span.clone(),
            plain: inside == Some(text),
        }
    }

    /// Where a part of the string stands: the whole string if it has escapes.
    pub fn part(&self, range: &Range<usize>) -> Span {
        if self.plain && !range.is_empty() {
            let start = self.span.start + 1;
            start + range.start..start + range.end
        } else {
            self.span.clone()
        }
    }
}

/// A reference, and where it stands.
#[derive(Debug, Clone)]
pub struct Located {
    pub reference: Reference,
    pub quoted: Quoted,
}

impl Located {
    /// Reads the reference at `node`, the value of `what`. `text` is what spans point into.
    pub fn read(node: &Node, what: &str, text: &str, problems: &mut Problems) -> Option<Self> {
        let Some(value) = node.text() else {
            if node.raw != Raw::Broken {
                problems.add(|| {
                    wrong_type(what, "a reference such as \"data.mnist\"", &node.found())
                        .at(&node.span, "not a reference")
                });
            }
            return None;
        };
        let quoted = Quoted::new(text, node, value);
        match Reference::parse(value) {
            Ok(reference) => Some(Self { reference, quoted }),
            Err(error) => {
                problems.add(|| {
                    let message =
                        format!("`{}` is not a reference: {}", named(value), error.reason);
                    FileError::new("bad_reference", message).at(&quoted.part(&error.range), "here")
                });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Reference {
        Reference::parse(text).expect("a reference")
    }

    #[test]
    fn references_print_as_they_are_written() {
        for text in [
            "data.mnist",
            "train.bilinear[hidden=300]",
            "train.bilinear[hidden=30|50,seed=0]",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(
            parse("train.a[ x = 1 | 2 , y=b ]").to_string(),
            "train.a[x=1|2,y=b]"
        );
    }

    #[test]
    fn all_conditions_must_hold() {
        let labels = Labels::from([
            ("hidden".to_owned(), json!(30)),
            ("noise".to_owned(), json!(0.5)),
        ]);
        let accepts = |text: &str| parse(text).accepts(&labels);
        assert!(accepts("train.a"));
        assert!(accepts("train.a[hidden=50|30]"));
        assert!(accepts("train.a[hidden=30,noise=5e-1]"));
        assert!(!accepts("train.a[hidden=30,noise=1]"));
        assert!(!accepts("train.a[hidden=3]"));
        assert!(!accepts("train.a[seed=0]"));
    }

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(name_problem("mlp_2-b"), None);
        assert_eq!(name_problem(&"n".repeat(100)), None);
        let problem = |name: &str| name_problem(name).expect("a problem");
        let long = "a name has at most 100 characters, this one has 101";
        assert_eq!(problem(&"n".repeat(101)), long);
        assert_eq!(problem(""), "a name has at least 1 character");
        let letters = "a name has only letters from a to z, digits, `_` and `-`";
        for name in ["a b", "a.b", "größe", &"é".repeat(101)] {
            assert_eq!(problem(name), letters);
        }
    }

    #[test]
    fn errors_point_into_the_text() {
        let long = format!("data.{}", "n".repeat(101));
        for (text, part) in [
            ("mnist", "mnist"),
            ("datas.mnist", "datas"),
            ("data.mn ist", "mn ist"),
            ("data.a[x=1", "[x=1"),
            ("data.a[x=1]]", "1]"),
            ("data.a[x]", "x"),
            ("data.a[x=1,x=2]", "x"),
            ("data.a[x=1|]", ""),
            ("data.a[]", ""),
            ("data.", ""),
            ("", ""),
            (&long, &long[5..]),
        ] {
            let error = Reference::parse(text).expect_err(text);
            assert_eq!(&text[error.range], part, "{text}: {}", error.reason);
        }
    }
}
