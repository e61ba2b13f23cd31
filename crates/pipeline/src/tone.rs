//! Words of states and verdicts, which have a colour where a terminal shows colours.

use std::borrow::Cow;

/// What a state or verdict means for its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be: green.
    Good,
    /// Something has to be done, or should be known: yellow.
    Notable,
    /// Something is wrong: red.
    Bad,
    /// Nothing to do now: dim.
    Quiet,
}

/// Ends every colour; like the marks of the tones one of the code points that Unicode keeps for a program's own use and that are no
/// characters, so that no text of others has colours.
const END: char = '\u{fdd0}';

impl Tone {
    const ALL: [Self; 4] = [Self::Good, Self::Notable, Self::Bad, Self::Quiet];

    /// Begins the colour.
    const fn mark(self) -> char {
        match self {
            Self::Good => '\u{fdd1}',
            Self::Notable => '\u{fdd2}',
            Self::Bad => '\u{fdd3}',
            Self::Quiet => '\u{fdd4}',
        }
    }

    /// The control sequence of a terminal (SGR of ECMA-48).
    const fn sequence(self) -> &'static str {
        match self {
            Self::Good => "\u{1b}[32m",
            Self::Notable => "\u{1b}[33m",
            Self::Bad => "\u{1b}[31m",
            Self::Quiet => "\u{1b}[2m",
        }
    }

    /// The word between marks, for a text that [`fitted`] prepares for where it is shown.
    pub fn of(self, word: &str) -> String {
        format!("{}{word}{END}", self.mark())
    }
}

/// The control sequence that a mark stands for; `None` for other letters.
fn sequence(letter: char) -> Option<&'static str> {
    match letter {
        END => Some("\u{1b}[0m"),
        '\u{fdd1}'..='\u{fdef}' => {
            let tone = Tone::ALL.into_iter().find(|tone| tone.mark() == letter);
            Some(tone.map_or("", Tone::sequence))
        }
        _ => None,
    }
}

/// The lines of `text` for a stream that shows colours or not: with the sequences that the marks of [`Tone::of`] stand for, or without the
/// marks. Control characters but line breaks and tabs become blanks: they could move the cursor, and parts of a text may come from
/// somebody else.
pub fn fitted(text: &str, colours: bool) -> Cow<'_, str> {
    let is_control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(|letter| is_control(letter) || sequence(letter).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut fitted = String::with_capacity(text.len());
    for letter in text.chars() {
        match sequence(letter) {
            Some(sequence) if colours => fitted.push_str(sequence),
            Some(_) => {}
            None if is_control(letter) => fitted.push(' '),
            None => fitted.push(letter),
        }
    }
    Cow::Owned(fitted)
}

/// Characters that are seen of a text for [`fitted`].
pub(crate) fn shown(text: &str) -> usize {
    let is_seen = |letter: &char| sequence(*letter).is_none();
    text.chars().filter(is_seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_colours_are_left_and_only_where_they_are_shown() {
        let text = format!(
            "{}\tmodel\u{1b}[31m\u{7}\n{}",
            Tone::Bad.of("failed"),
            Tone::Good.of("ok")
        );
        assert_eq!(fitted(&text, false), "failed\tmodel [31m \nok");
        assert_eq!(
            fitted(&text, true),
            "\u{1b}[31mfailed\u{1b}[0m\tmodel [31m \n\u{1b}[32mok\u{1b}[0m"
        );
        assert!(matches!(fitted("plain\n", true), Cow::Borrowed("plain\n")));
        assert_eq!(shown(&Tone::Quiet.of("waiting")), 7);
        assert_eq!(shown("é\u{1b}m"), 3);
    }
}
