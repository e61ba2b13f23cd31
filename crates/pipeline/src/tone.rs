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

/// Ends every colour.
const END: &str = "\u{1b}[0m";

impl Tone {
    const ALL: [Self; 4] = [Self::Good, Self::Notable, Self::Bad, Self::Quiet];

    /// The control sequence (SGR of ECMA-48) that begins the colour.
    const fn start(self) -> &'static str {
        match self {
            Self::Good => "\u{1b}[32m",
            Self::Notable => "\u{1b}[33m",
            Self::Bad => "\u{1b}[31m",
            Self::Quiet => "\u{1b}[2m",
        }
    }

    /// The word with its colour, for a text that [`fitted`] prepares for where it is shown.
    pub fn of(self, word: &str) -> String {
        format!("{}{word}{END}", self.start())
    }
}

/// The lines of `text` for a stream that shows colours or not. Of control characters only those of [`Tone::of`] are left, line breaks
/// and tabs; the others are blanks, since they could move the cursor and parts of a text may come from somebody else.
pub fn fitted(text: &str, colours: bool) -> Cow<'_, str> {
    let is_control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut fitted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_control) {
        let (before, from) = rest.split_at(at);
        fitted.push_str(before);
        rest = match sequence(from) {
            Some(sequence) => {
                fitted.push_str(if colours { sequence } else { "" });
                &from[sequence.len()..]
            }
            None => {
                fitted.push(' ');
                let mut letters = from.chars();
                letters.next();
                letters.as_str()
            }
        };
    }
    fitted.push_str(rest);
    Cow::Owned(fitted)
}

/// The sequence of [`Tone::of`] that the text begins with.
fn sequence(text: &str) -> Option<&'static str> {
    let starts = Tone::ALL.map(Tone::start).into_iter();
    starts.chain([END]).find(|known| text.starts_with(known))
}

/// Characters that a terminal shows of a text: all but those that set colours.
pub(crate) fn shown(text: &str) -> usize {
    let mut count = 0;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => while letters.next().is_some_and(|letter| letter != 'm') {},
            _ => count += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_are_left_and_only_where_they_are_shown() {
        let text = format!(
            "{}\tmodel\u{1b}[2J\u{7}\n{}",
            Tone::Bad.of("failed"),
            Tone::Good.of("ok")
        );
        assert_eq!(fitted(&text, false), "failed\tmodel [2J \nok");
        assert_eq!(
            fitted(&text, true),
            "\u{1b}[31mfailed\u{1b}[0m\tmodel [2J \n\u{1b}[32mok\u{1b}[0m"
        );
        assert!(matches!(fitted("plain\n", true), Cow::Borrowed("plain\n")));
        assert_eq!(shown(&Tone::Quiet.of("waiting")), 7);
    }
}
