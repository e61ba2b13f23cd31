//! Texts and numbers in the form of plotly.js.

use serde_json::{Value, json};

use crate::error::Result;
use crate::markup::{self, Shift};
use crate::text::TextStyle;

/// Converts markup to the HTML tags of plotly.js and escapes everything else.
pub(super) fn rich(text: &str) -> Result<String> {
    let runs = markup::parse(text)?.into_iter().map(|run| {
        let text = escape(&run.text);
        match run.shift {
            Shift::Base => text,
            Shift::Raised => format!("<sup>{text}</sup>"),
            Shift::Lowered => format!("<sub>{text}</sub>"),
        }
    });
    Ok(runs.collect())
}

/// Lines of text, joined by line breaks.
pub(super) fn rich_lines(lines: &[String]) -> Result<String> {
    let lines = lines.iter().map(|line| rich(line));
    Ok(lines.collect::<Result<Vec<_>>>()?.join("<br>"))
}

/// A text in bold if the style is strong.
pub(super) fn styled(text: &str, style: TextStyle) -> String {
    match style.strong {
        true => format!("<b>{text}</b>"),
        false => text.to_owned(),
    }
}

/// Escapes a text such that plotly.js finds no tags and, in a template, no variables (`%{`) in it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '{' => escaped.push_str("&#123;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A number with six significant digits; `null` for a missing value.
pub(super) fn number(value: f64) -> Value {
    match format!("{value:.5e}").parse::<f64>() {
        Ok(rounded) if rounded.is_finite() => json!(rounded),
        _ => Value::Null,
    }
}

/// A list of numbers, each as [`number`].
pub(super) fn numbers<'a>(values: impl IntoIterator<Item = &'a f64>) -> Value {
    values.into_iter().map(|value| number(*value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_tag_or_a_variable() {
        assert_eq!(
            rich("<b>10^{2} & %{x}").unwrap(),
            "&lt;b&gt;10<sup>2</sup> &amp; %&#123;x}"
        );
    }

    #[test]
    fn numbers_keep_six_digits() {
        let values = [0.1 + 0.2, 1_234_567.8, -1e-300, 3.0, f64::NAN];
        let expected = json!([0.3, 1_234_570.0, -1e-300, 3.0, null]);
        assert_eq!(numbers(&values), expected);
    }
}
