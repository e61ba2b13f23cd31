//! Steps as TOML.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Longest line in characters before the values of a step get lines of their own.
const LONGEST_LINE: usize = 110;

/// A text of TOML.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A key of TOML.
pub(crate) fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A value in one line of TOML.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> = in_order(entries)
                .into_iter()
                .map(|(name, value)| format!("{} = {}", key(name), inline(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// The fields of a step in the order in which people write them.
fn in_order(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    const ORDER: [&str; 12] = [
        "channels",
        "outputs",
        "kernel",
        "stride",
        "padding",
        "dilation",
        "groups",
        "bias",
        "name",
        "steps",
        "shortcut",
        "count_include_pad",
    ];
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name));
    fields
}

/// A step in one line, or a block with a line for each of its steps.
pub(crate) fn write_step(text: &mut String, step: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let line = inline(step);
    let block = step.get("residual").and_then(Value::as_object);
    let Some(block) = block.filter(|_| line.len() + indent.len() > LONGEST_LINE) else {
        let _ = writeln!(text, "{indent}{line},");
        return;
    };
    // TOML 1.0 keeps a table in one line, but not the lists in it.
    let _ = write!(text, "{indent}{{ residual = {{ ");
    for (position, (name, value)) in in_order(block).into_iter().enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        match value {
            Value::Array(steps) => {
                let _ = writeln!(text, "{separator}{} = [", key(name));
                for step in steps {
                    write_step(text, step, depth + 1);
                }
                let _ = write!(text, "{indent}]");
            }
            other => {
                let _ = write!(text, "{separator}{} = {}", key(name), inline(other));
            }
        }
    }
    text.push_str(" } },\n");
}
