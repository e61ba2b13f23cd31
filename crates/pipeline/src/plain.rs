//! Text that somebody else may have written, made fit for a line of a terminal.

use std::borrow::Cow;

use serde_json::Value;

/// The text with blanks for line breaks, and other control characters escaped, which could move the cursor or worse.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match (letter.is_control(), letter.is_whitespace()) {
            (true, true) => plain.push(' '),
            (true, false) => plain.extend(letter.escape_default()),
            (false, _) => plain.push(letter),
        }
    }
    Cow::Owned(plain)
}

/// Makes all texts of a value plain, and the names of fields, but for what the fields `except` hold.
pub(crate) fn make_plain(value: &mut Value, except: &[&str]) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(plain) = plain(text) {
                *text = plain;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| make_plain(item, except)),
        Value::Object(fields) => {
            if fields.keys().any(|name| name.contains(char::is_control)) {
                let named = std::mem::take(fields).into_iter();
                *fields = named
                    .map(|(name, value)| (plain(&name).into_owned(), value))
                    .collect();
            }
            for (name, value) in fields {
                if !except.contains(&name.as_str()) {
                    make_plain(value, except);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_is_left() {
        let mut value = json!({
            "warnings": ["a\u{1b}]0;b\u{7}\u{1b}[2J", "c\r\nd\té"],
            "e\u{9b}": 1,
            "parameters": { "f": "\n" },
        });
        make_plain(&mut value, &["parameters"]);
        let expected = json!({
            "warnings": ["a\\u{1b}]0;b\\u{7}\\u{1b}[2J", "c  d é"],
            "e\\u{9b}": 1,
            "parameters": { "f": "\n" },
        });
        assert_eq!(value, expected);
    }
}
