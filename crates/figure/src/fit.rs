//! Fitting of texts into their room: with an ellipsis, in several lines, or without the parts that several texts share.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::markup::{self, Shift};
use crate::text::{Font, TextStyle};

/// Replaces the omitted part of a text.
pub(crate) const ELLIPSIS: char = '…';
/// Fewest characters of a shared beginning or end that are omitted.
const SHORTEST_SHARED: usize = 4;

type Letters = Vec<(char, Shift)>;

impl Font<'_> {
    /// Replaces the middle of a text by an ellipsis if it is wider than `room` px. If there is no room for a character,
    /// only the ellipsis is left.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn elide(&self, text: &str, style: TextStyle, room: f64) -> Result<String> {
        if self.width(text, style)? <= room {
            return Ok(text.to_owned());
        }
        let letters = markup::letters(text)?;
        Ok(self.keep_ends(&letters, style, room, |kept| kept.div_ceil(2)))
    }

    /// Keeps as many characters of a text as fit beside an ellipsis; `head` of the kept ones come before it.
    fn keep_ends(
        &self,
        letters: &[(char, Shift)],
        style: TextStyle,
        room: f64,
        head: impl Fn(usize) -> usize,
    ) -> String {
        let width = |letter: &(char, Shift)| self.advance(*letter, style);
        // The width of the first 0, 1, 2, ... characters.
        let mut ends = vec![0.0];
        for letter in letters {
            ends.push(ends[ends.len() - 1] + width(letter));
        }
        let ellipsis = (ELLIPSIS, Shift::Base);
        let count = letters.len();
        let fits = |kept: &usize| {
            let head = head(*kept);
            let tail = ends[count] - ends[count - (kept - head)];
            ends[head] + width(&ellipsis) + tail <= room
        };
        let kept = (1..count).take_while(fits).last().unwrap_or(0);
        let (head, tail) = (head(kept), count - (kept - head(kept)));
        markup::written(&[&letters[..head], &[ellipsis], &letters[tail..]].concat())
    }

    /// As [`Font::wrap`], in at most `most` lines, the last of which is shortened if necessary.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn lines(
        &self,
        text: &str,
        style: TextStyle,
        room: f64,
        most: usize,
    ) -> Result<Vec<String>> {
        let mut lines = self.wrap(text, style, room)?;
        if lines.len() > most {
            let rest = lines.split_off(most.saturating_sub(1)).join(" ");
            lines.push(self.elide(&rest, style, room)?);
        }
        Ok(lines)
    }

    /// Shortens names to at most `room` px each.
    ///
    /// If not all fit, their common beginning and end are omitted, then the middles of those that are still too wide.
    /// Different names stay different if there is room for the difference.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn shortened<S: AsRef<str>>(
        &self,
        names: &[S],
        style: TextStyle,
        room: f64,
    ) -> Result<Vec<String>> {
        let texts = || names.iter().map(S::as_ref);
        if self.widest(texts(), style)? <= room {
            return Ok(texts().map(str::to_owned).collect());
        }
        let letters = texts().map(markup::letters).collect::<Result<Vec<_>>>()?;
        let letters = without_shared(&letters);
        let mut short = letters
            .iter()
            .map(|name| self.elide(&markup::written(name), style, room))
            .collect::<Result<Vec<_>>>()?;
        for group in confused(&letters, &short) {
            let own: Vec<&Letters> = group.iter().map(|index| &letters[*index]).collect();
            let shared = shared_start(&own).saturating_sub(1);
            for (index, name) in group.into_iter().zip(own) {
                let end = [&[(ELLIPSIS, Shift::Base)], &name[shared..]].concat();
                let written = markup::written(&end);
                short[index] = match self.width(&written, style)? <= room {
                    true => written,
                    false => self.keep_ends(&end, style, room, |kept| kept),
                };
            }
        }
        Ok(short)
    }
}

/// Omits the common beginning and end of names, if they are longer than an ellipsis.
fn without_shared(names: &[Letters]) -> Vec<Letters> {
    let distinct: BTreeSet<String> = names.iter().map(|name| markup::written(name)).collect();
    if distinct.len() < 2 {
        return names.to_vec();
    }
    let worth = |shared: usize, names: &[Letters]| {
        let shortest = names.iter().map(Vec::len).min().unwrap_or(0);
        // At least one character of each name remains.
        match shared.min(shortest.saturating_sub(1)) {
            shared if shared >= SHORTEST_SHARED => shared,
            _ => 0,
        }
    };
    let all: Vec<&Letters> = names.iter().collect();
    let start = worth(shared_start(&all), names);
    let backwards: Vec<Letters> = names
        .iter()
        .map(|name| name[start..].iter().rev().copied().collect())
        .collect();
    let end = worth(
        shared_start(&backwards.iter().collect::<Vec<_>>()),
        &backwards,
    );
    let ellipsis = |shared: usize| (shared > 0).then_some((ELLIPSIS, Shift::Base));
    let middle = |name: &Letters| {
        let middle = name[start..name.len() - end].iter().copied();
        let before = ellipsis(start).into_iter();
        before.chain(middle).chain(ellipsis(end)).collect()
    };
    names.iter().map(middle).collect()
}

/// Length of the common beginning.
fn shared_start(names: &[&Letters]) -> usize {
    let shortest = names.iter().map(|name| name.len()).min().unwrap_or(0);
    let shared = |index: &usize| {
        names
            .windows(2)
            .all(|pair| pair[0][*index] == pair[1][*index])
    };
    (0..shortest).take_while(shared).count()
}

/// Groups of positions of different names that have the same short form.
fn confused(names: &[Letters], short: &[String]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, text) in short.iter().enumerate() {
        groups.entry(text).or_default().push(index);
    }
    let differ = |group: &Vec<usize>| group.iter().any(|index| names[*index] != names[group[0]]);
    groups.into_values().filter(differ).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: TextStyle = TextStyle::regular(10.0);

    fn short(names: &[&str], room: f64) -> Vec<String> {
        let font = Font::bundled().unwrap();
        let short = font.shortened(names, STYLE, room).unwrap();
        for text in &short {
            assert!(font.width(text, STYLE).unwrap() <= room, "{text}");
        }
        short
    }

    #[test]
    fn a_long_text_keeps_both_ends() {
        let font = Font::bundled().unwrap();
        let elide = |text: &str, room| font.elide(text, STYLE, room).unwrap();
        assert_eq!(elide("short", 100.0), "short");
        let text = elide("the beginning of a long text and its end", 80.0);
        assert!(
            text.starts_with("the be") && text.ends_with("ts end"),
            "{text}"
        );
        assert!(font.width(&text, STYLE).unwrap() <= 80.0);
        assert_eq!(elide("no room", 1.0), "…");
        let text = elide("10^{abcdefghijklmnopqrst}", 40.0);
        assert!(
            text.starts_with("10^{a") && text.contains("}…^{") && text.ends_with("t}"),
            "{text}"
        );
    }

    #[test]
    fn lines_are_bounded() {
        let font = Font::bundled().unwrap();
        let text = "one two three four five six seven eight nine ten";
        let lines = font.lines(text, STYLE, 60.0, 2).unwrap();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("one two"), "{lines:?}");
        assert!(
            lines[1].contains('…') && lines[1].ends_with("ten"),
            "{lines:?}"
        );
        assert_eq!(font.lines("one two", STYLE, 60.0, 2).unwrap(), ["one two"]);
    }

    #[test]
    fn names_lose_what_they_share_and_stay_different() {
        assert_eq!(short(&["cat", "dog"], 60.0), ["cat", "dog"]);
        let shared = "experiment with a long name, seed ";
        let names = [format!("{shared}1"), format!("{shared}23")];
        assert_eq!(
            short(&names.each_ref().map(String::as_str), 60.0),
            ["…1", "…23"]
        );
        assert_eq!(
            short(
                &["aaaa_one_long_end_of_all", "aaaa_two_long_end_of_all"],
                60.0
            ),
            ["…one…", "…two…"]
        );
        // Alike at both ends, and a third one without anything in common.
        let (start, end) = ("x".repeat(40), "y".repeat(40));
        let names = [
            format!("{start}1{end}"),
            format!("{start}2{end}"),
            "another".to_owned(),
        ];
        let short = short(&names.each_ref().map(String::as_str), 60.0);
        assert!(
            short[0].starts_with("…x1") && short[1].starts_with("…x2"),
            "{short:?}"
        );
        assert_eq!(short[2], "another");
    }

    #[test]
    fn equal_names_stay_equal() {
        let name = "n".repeat(100);
        let short = short(&[&name, &name], 60.0);
        assert_eq!(short[0], short[1]);
    }
}
