//! Blocks of tables that are written once and hold for several models or data sets.
//!
//! ```toml
//! [[repeat]]
//! each = [
//!     { model = "mlp", layers = ["layer1", "layer2"] },
//!     { model = "cnn", layers = ["conv1", "conv2"] },
//! ]
//!
//! [repeat.figure."activations-{model}"]
//! kind = "layer-clipping"
//! layers = "{layers}"
//! spectrum = "decompose.activations-{model}[seed=0]"
//! ```
//!
//! The block is read once for each row of `each`. In the names of its tables and in their texts, `{name}` stands for a value
//! of the row; a text that is nothing else becomes that value, whatever its type.

use crate::file::{self, Entry, FileError, Node, Problems, Raw, did_you_mean, named, wrong_type};

/// Key of the rows of a block.
const EACH: &str = "each";

/// Largest number of bytes that all rows of a block together may be read from.
const MAXIMUM_BYTES: usize = 8 << 20;

/// A block, written out.
pub(crate) struct Block {
    pub(crate) start: usize,
    /// For each row the stages with their tables.
    pub(crate) rows: Vec<Vec<Entry>>,
}

/// The blocks under the key `repeat` of a file of so many bytes.
pub(crate) fn blocks(entry: Entry, bytes: usize, problems: &mut Problems) -> Vec<Block> {
    let nodes = match entry.node.raw {
        Raw::List(nodes) => nodes,
        _ => vec![entry.node],
    };
    let blocks = nodes.into_iter();
    blocks
        .filter_map(|node| match node.raw {
            Raw::Table(entries) => block(entries, &entry.key_span, bytes, problems),
            _ => {
                problems.add(|| {
                    wrong_type(&entry.key, "a block of tables", &node.found())
                        .at(&node.span, "should be a table")
                        .help("start a block with a line [[repeat]]")
                });
                None
            }
        })
        .collect()
}

fn block(
    entries: Vec<Entry>,
    repeat: &file::Span,
    bytes: usize,
    problems: &mut Problems,
) -> Option<Block> {
    let (each, tables): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.key == EACH);
    let Some(each) = each.into_iter().next() else {
        problems.add(|| {
            let span = tables.first().map_or(repeat, |table| &table.key_span);
            FileError::new("missing_key", format!("`{EACH}` is missing in [[repeat]]"))
                .at(span, "this block")
                .help("`each` is a list of rows, as in each = [{ model = \"mlp\" }, { model = \"cnn\" }]")
        });
        return None;
    };
    let rows = rows(&each, problems)?;
    if rows.len().saturating_mul(bytes) > MAXIMUM_BYTES {
        problems.add(|| {
            let message = format!("{} rows are too many for a file of this length", rows.len());
            FileError::new("too_many_rows", message).at(&each.key_span, "these rows")
        });
        return None;
    }
    let written = rows.iter().map(|row| {
        let mut reading = Reading { row, problems };
        tables.iter().map(|stage| reading.stage(stage)).collect()
    });
    let starts = tables.iter().map(|table| table.key_span.start);
    Some(Block {
        rows: written.collect(),
        start: starts.fold(each.key_span.start, usize::min),
    })
}

/// The rows of a block: tables with the same names, at least one.
fn rows<'a>(each: &'a Entry, problems: &mut Problems) -> Option<Vec<&'a [Entry]>> {
    let Raw::List(nodes) = &each.node.raw else {
        problems.add(|| {
            wrong_type(EACH, "a list of rows", &each.node.found())
                .at(&each.node.span, "should be a list")
        });
        return None;
    };
    let mut rows: Vec<&[Entry]> = Vec::new();
    for node in nodes {
        let Raw::Table(row) = &node.raw else {
            problems.add(|| {
                wrong_type(
                    EACH,
                    "a list of rows such as { model = \"mlp\" }",
                    &node.found(),
                )
                .at(&node.span, "should be a table")
            });
            return None;
        };
        let names = |row: &[Entry]| {
            let mut names: Vec<String> = row.iter().map(|entry| entry.key.clone()).collect();
            names.sort_unstable();
            names
        };
        if let Some(first) = rows.first().filter(|first| names(first) != names(row)) {
            problems.add(|| {
                let message = "the rows of `each` must have the same names".to_owned();
                FileError::new("unequal_rows", message)
                    .at(&node.span, "this row")
                    .help(format!("the first row has: {}", names(first).join(", ")))
            });
            return None;
        }
        rows.push(row);
    }
    if rows.is_empty() {
        problems.add(|| {
            FileError::new("empty_sweep", "`each` has no row").at(&each.node.span, "no row")
        });
        return None;
    }
    Some(rows)
}

/// A block as it is read for one row.
struct Reading<'a, 'b> {
    row: &'a [Entry],
    problems: &'b mut Problems,
}

impl Reading<'_, '_> {
    /// A stage with its tables, whose names are filled in.
    fn stage(&mut self, stage: &Entry) -> Entry {
        let Raw::Table(tables) = &stage.node.raw else {
            return stage.clone();
        };
        let tables = tables.iter().filter_map(|table| {
            let name = Node::new(table.key_span.clone(), Raw::Text(table.key.clone()));
            let name = self.fill(&name, &table.key);
            let Raw::Text(key) = name.raw else {
                self.refuse_name(&name, table);
                return None;
            };
            Some(Entry {
                key,
                key_span: table.key_span.clone(),
                node: self.node(&table.node),
            })
        });
        let raw = Raw::Table(tables.collect());
        Entry {
            key: stage.key.clone(),
            key_span: stage.key_span.clone(),
            node: Node::new(stage.node.span.clone(), raw),
        }
    }

    /// A name that is a value of the row, but no text.
    fn refuse_name(&mut self, name: &Node, table: &Entry) {
        if name.raw != Raw::Broken {
            self.problems.add(|| {
                wrong_type(
                    &table.key,
                    "a text, to be the name of a table",
                    &name.found(),
                )
                .at(&name.span, "this value")
                .at(&table.key_span, "is this name")
            });
        }
    }

    /// A value with all its texts filled in.
    fn node(&mut self, node: &Node) -> Node {
        let raw = match &node.raw {
            Raw::Text(text) => return self.fill(node, text),
            Raw::List(items) => Raw::List(items.iter().map(|item| self.node(item)).collect()),
            Raw::Table(entries) => Raw::Table(
                entries
                    .iter()
                    .map(|entry| Entry {
                        key: entry.key.clone(),
                        key_span: entry.key_span.clone(),
                        node: self.node(&entry.node),
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        Node::new(node.span.clone(), raw)
    }

    /// A text with the values of the row in place of their names.
    fn fill(&mut self, node: &Node, text: &str) -> Node {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = placeholder(rest) {
            filled.push_str(before);
            let value = self.row.iter().find(|entry| entry.key == name);
            let Some(value) = value else {
                self.problems.add(|| {
                    let names = self.row.iter().map(|entry| entry.key.as_str());
                    let message =
                        format!("`{}` is not a name of the rows of `{EACH}`", named(name));
                    FileError::new("unknown_name", message)
                        .at(&node.span, "no such name")
                        .help(did_you_mean("names", name, names))
                });
                return broken(node);
            };
            if before.is_empty() && after.is_empty() && filled.is_empty() {
                return value.node.clone();
            }
            match &value.node.raw {
                Raw::Text(text) => filled.push_str(text),
                Raw::Integer(number) => filled.push_str(&number.to_string()),
                _ => {
                    self.problems.add(|| {
                        let found = value.node.found();
                        wrong_type(name, "a text or an integer inside of a text", &found)
                            .at(&value.node.span, "this value")
                            .at(&node.span, "stands in this text")
                    });
                    return broken(node);
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        Node::new(node.span.clone(), Raw::Text(filled))
    }
}

fn broken(node: &Node) -> Node {
    Node::new(node.span.clone(), Raw::Broken)
}

/// The first `{name}` of a text, with what stands before and after it. Other braces are text.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut start = 0;
    loop {
        let open = start + text[start..].find('{')?;
        let inside = &text[open + 1..];
        let end = inside
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || "_-".contains(letter)))?;
        if end > 0 && inside[end..].starts_with('}') {
            return Some((&text[..open], &inside[..end], &inside[end + 1..]));
        }
        start = open + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_in_braces_are_placeholders() {
        assert_eq!(placeholder("a-{x}.b"), Some(("a-", "x", ".b")));
        assert_eq!(placeholder("{} { x} {{y}"), Some(("{} { x} {", "y", "")));
        for text in ["", "x", "{", "{x", "{}", "{x y}", "}{"] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}
