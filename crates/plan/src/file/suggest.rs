//! Help in messages: the closest known word, short lists, short excerpts.

use std::collections::BTreeSet;

/// Longest word that is compared with others.
const LONGEST_WORD: usize = 64;

/// Most words that are compared.
const MOST_WORDS: usize = 2_000;

/// Most words that are listed.
const SHOWN: usize = 20;

/// The known word most like `word`, if one is close enough to be what was meant.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > LONGEST_WORD {
        return None;
    }
    known
        .into_iter()
        .take(MOST_WORDS)
        .filter(|known| known.len() <= 4 * LONGEST_WORD)
        .map(|known| (strsim::osa_distance(word, known), known))
        .filter(|&(distance, known)| {
            let near = distance <= (length.max(known.chars().count()) / 3).max(1);
            (near || differ_in_ending(word, known)) && distance < length
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, known)| known)
}

/// Returns whether both begin with the same four or more letters and end in at most three others each, as `rotate` and
/// `rotation` do.
fn differ_in_ending(a: &str, b: &str) -> bool {
    const SHORTEST_STEM: usize = 4;
    const LONGEST_ENDING: usize = 3;
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    let stem = same.take_while(|(c, _)| c.is_alphabetic()).count();
    let short = |word: &str| {
        word.chars().skip(stem).all(char::is_alphabetic)
            && word.chars().skip(stem).count() <= LONGEST_ENDING
    };
    stem >= SHORTEST_STEM && short(a) && short(b)
}

/// "did you mean ...?" and the known words, sorted; after a suggestion only where they are few.
pub fn did_you_mean<'a>(
    what: &str,
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let list = listed(what, known.clone());
    let words = known.clone().into_iter().take(MOST_WORDS);
    let count = words.collect::<BTreeSet<_>>().len();
    match closest(word, known) {
        Some(close) if count > SHOWN => format!("did you mean `{close}`?"),
        Some(close) => format!("did you mean `{close}`? {list}"),
        None => list,
    }
}

/// The known words, sorted; `what` names them in the plural.
pub fn listed<'a>(what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = known.into_iter().collect();
    words.sort_unstable();
    words.dedup();
    let total = words.len();
    if total == 0 {
        return format!("there are no {what}");
    }
    words.truncate(SHOWN);
    let words: Vec<String> = words.iter().map(|word| shorten(word, 60)).collect();
    let rest = match total - words.len() {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    format!("{what}: {}{rest}", words.join(", "))
}

/// At most `length` characters of `text` on one line.
pub fn shorten(text: &str, length: usize) -> String {
    let mut short: String = text
        .chars()
        .take(length)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(length).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_near_words_only() {
        let known = ["hidden", "epochs", "seed"];
        assert_eq!(closest("hiden", known), Some("hidden"));
        assert_eq!(closest("epcohs", known), Some("epochs"));
        assert_eq!(closest("weight_decay", known), None);
        let changes = ["noise", "rotation", "translation", "flip"];
        assert_eq!(closest("rotate", changes), Some("rotation"));
        assert_eq!(closest("flipped", changes), Some("flip"));
        assert_eq!(closest("data.abc", ["data.xyz"]), None);
        assert_eq!(closest("x", ["y"]), None);
        assert_eq!(closest("", known), None);
        assert_eq!(closest(&"a".repeat(1000), known), None);
    }

    #[test]
    fn many_words_are_not_listed_after_a_suggestion() {
        let keys = ["hidden", "epochs"];
        assert_eq!(
            did_you_mean("keys", "hiden", keys),
            "did you mean `hidden`? keys: epochs, hidden"
        );
        let many: Vec<String> = (100..150).map(|number| format!("key{number}")).collect();
        let many = many.iter().map(String::as_str);
        assert_eq!(
            did_you_mean("keys", "kye100", many.clone()),
            "did you mean `key100`?"
        );
        assert!(did_you_mean("keys", "x", many).ends_with("key119 and 30 more"));
    }

    #[test]
    fn lists_are_sorted_and_short() {
        assert_eq!(listed("keys", ["b", "a", "b"]), "keys: a, b");
        assert_eq!(listed("keys", []), "there are no keys");
        let many: Vec<String> = (100..150).map(|number| number.to_string()).collect();
        let text = listed("values", many.iter().map(String::as_str));
        assert!(text.ends_with("118, 119 and 30 more"), "{text}");
        assert_eq!(shorten("añb\ncd", 4), "añb …");
    }
}
