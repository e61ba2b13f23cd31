//! Markup of texts: `10^{2}` raises the 2, and `x_{i}` lowers the i.
//!
//! `^` and `_` are ordinary characters unless `{` follows. Braces do not nest. A word joiner (U+2060) before the `{` keeps both
//! ordinary and is not drawn itself: [`literal`].

use crate::error::{FigureError, Result};

/// Vertical position of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// On the baseline.
    Base,
    /// Superscript, in smaller letters.
    Raised,
    /// Subscript, in smaller letters.
    Lowered,
}

/// Successive characters of the same size and height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The text, without markup.
    pub text: String,
    /// Vertical position.
    pub shift: Shift,
}

/// Font size of superscripts and subscripts, relative to the size of the text.
pub const SHIFTED_SIZE: f64 = 0.72;

/// Font size of superscripts and subscripts of a text of this size, px: [`SHIFTED_SIZE`] of it, but not smaller than those of
/// tick labels unless the text is.
pub(crate) fn shifted(size: f64) -> f64 {
    let smallest = SHIFTED_SIZE * crate::theme::TICK_LABEL.size;
    (SHIFTED_SIZE * size).max(smallest.min(size))
}

/// Before a brace: it is no markup.
pub(crate) const JOINER: char = '\u{2060}';

/// The text of which [`parse`] makes one run that reads like `text`.
pub fn literal(text: &str) -> String {
    text.replace("^{", "^\u{2060}{").replace("_{", "_\u{2060}{")
}

/// A name as a text: [`literal`] if it looks like markup that is not finished.
pub fn of_name(name: &str) -> String {
    match parse(name) {
        Ok(_) => name.to_owned(),
        Err(_) => literal(name),
    }
}

/// Splits a text into runs, none of which is empty.
///
/// # Errors
/// [`FigureError::Text`] for a brace that is not closed.
pub fn parse(text: &str) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some((at, shift)) = next_shift(rest) {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        let Some((inside, behind)) = after.split_once('}') else {
            let reason = "opens a ^{ or _{ that it does not close";
            return Err(FigureError::text(text, reason));
        };
        push(&mut runs, before, Shift::Base);
        push(&mut runs, inside, shift);
        rest = behind;
    }
    push(&mut runs, rest, Shift::Base);
    Ok(runs)
}

/// Replaces markup by plain characters: `10^{2}` becomes `10^2`.
///
/// # Errors
/// As [`parse`].
pub fn plain(text: &str) -> Result<String> {
    Ok(parse(text)?
        .into_iter()
        .map(|run| match run.shift {
            Shift::Base => run.text,
            Shift::Raised => format!("^{}", run.text),
            Shift::Lowered => format!("_{}", run.text),
        })
        .collect())
}

/// Splits a text at the blanks outside of braces, but not between a number and its `%`.
pub fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, character) in text.char_indices() {
        match character {
            '{' => inside = text[..at].ends_with(['^', '_']),
            '}' => inside = false,
            ' ' if !inside && !text[at + 1..].starts_with('%') => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// The characters of a text with their vertical positions.
///
/// # Errors
/// As [`parse`].
pub fn letters(text: &str) -> Result<Vec<(char, Shift)>> {
    let runs = parse(text)?.into_iter();
    let letters = runs.flat_map(|run| {
        let letters: Vec<_> = run.text.chars().map(|letter| (letter, run.shift)).collect();
        letters
    });
    Ok(letters.collect())
}

/// The text with these characters: the inverse of [`letters`].
pub fn written(letters: &[(char, Shift)]) -> String {
    let runs = letters.chunk_by(|(_, one), (_, other)| one == other);
    let runs = runs.map(|run| {
        let text: String = run.iter().map(|(letter, _)| letter).collect();
        match run[0].1 {
            Shift::Base => literal(&text),
            Shift::Raised => format!("^{{{text}}}"),
            Shift::Lowered => format!("_{{{text}}}"),
        }
    });
    runs.collect()
}

fn next_shift(text: &str) -> Option<(usize, Shift)> {
    let raised = text.find("^{").map(|at| (at, Shift::Raised));
    let lowered = text.find("_{").map(|at| (at, Shift::Lowered));
    [raised, lowered]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at)
}

fn push(runs: &mut Vec<Run>, text: &str, shift: Shift) {
    let text = text.replace(JOINER, "");
    if !text.is_empty() {
        runs.push(Run { text, shift });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_are_raised_and_lowered() {
        let runs = parse("σ_{i}^{2} / 10^{−3} m").unwrap();
        let seen: Vec<_> = runs
            .iter()
            .map(|run| (run.text.as_str(), run.shift))
            .collect();
        assert_eq!(
            seen,
            [
                ("σ", Shift::Base),
                ("i", Shift::Lowered),
                ("2", Shift::Raised),
                (" / 10", Shift::Base),
                ("−3", Shift::Raised),
                (" m", Shift::Base),
            ]
        );
    }

    #[test]
    fn lone_signs_are_text_and_open_braces_are_refused() {
        assert_eq!(plain("a^b c_d {e}").unwrap(), "a^b c_d {e}");
        assert_eq!(plain("10^{2}").unwrap(), "10^2");
        assert_eq!(
            parse("10^{2").unwrap_err().to_string(),
            "the text \"10^{2\" opens a ^{ or _{ that it does not close"
        );
    }

    #[test]
    fn any_text_can_be_written_as_it_is() {
        for text in ["10^{2", "a_{b} c", "_{", "plain"] {
            let literal = literal(text);
            assert_eq!(plain(&literal).unwrap(), text);
            assert_eq!(parse(&literal).unwrap().len(), 1);
            assert_eq!(written(&letters(&literal).unwrap()), literal);
        }
        assert_eq!(of_name("10^{2}"), "10^{2}");
        assert_eq!(of_name("10^{2"), literal("10^{2"));
    }

    #[test]
    fn words_keep_braces_together() {
        assert_eq!(words("a  b^{c d} e"), ["a", "b^{c d}", "e"]);
        assert_eq!(words("correct (97.9 %) of"), ["correct", "(97.9 %)", "of"]);
    }

    proptest! {
        #[test]
        fn any_text_is_split_or_refused(text in "([ab ^_{}\u{2060}]|\\PC){0,40}") {
            if let Ok(runs) = parse(&text) {
                prop_assert!(runs.iter().all(|run| !run.text.is_empty()));
                prop_assert!(plain(&text).is_ok());
                let letters = letters(&text).unwrap();
                prop_assert_eq!(super::letters(&written(&letters)).unwrap(), letters);
            }
            prop_assert_eq!(words(&text).concat().replace(' ', ""), text.replace(' ', ""));
        }
    }
}
