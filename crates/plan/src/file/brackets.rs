//! Brackets in a text of TOML that need not be correct.

/// The last bracket, `[` or `{`, that is opened in the text and not closed, with its position. Brackets in comments and texts are
/// none.
pub(super) fn innermost_open(text: &str) -> Option<(usize, char)> {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let at = text.len() - rest.len();
        let length = match next {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => string(rest, next),
            '[' | '{' => {
                open.push((at, next));
                1
            }
            ']' | '}' => {
                open.pop();
                1
            }
            other => other.len_utf8(),
        };
        rest = &rest[length..];
    }
    open.pop()
}

/// Length of the text in quotes that `rest` begins with. One that does not end goes to the end of its line, or of everything if it may
/// have several lines.
fn string(rest: &str, quote: char) -> usize {
    let long: String = [quote; 3].iter().collect();
    let (delimiter, limit) = match rest.starts_with(&long) {
        true => (long.as_str(), rest.len()),
        false => (&long[..1], rest.find('\n').unwrap_or(rest.len())),
    };
    let mut at = delimiter.len();
    while let Some(inner) = rest.get(at..limit) {
        if inner.starts_with(delimiter) {
            return at + delimiter.len();
        }
        let mut letters = inner.chars();
        at += match letters.next() {
            None => break,
            Some('\\') if quote == '"' => 1 + letters.next().map_or(0, char::len_utf8),
            Some(letter) => letter.len_utf8(),
        };
    }
    limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_open_bracket_is_found() {
        for (text, expected) in [
            ("", None),
            ("[a]\nb = [1, { c = 2 }]\n", None),
            ("a = [1, { b = 2", Some((8, '{'))),
            ("a = [1, { b = 2 }", Some((4, '['))),
            ("a = [ # ]\n'[{', \"\\\"[\", ", Some((4, '['))),
            ("a = [\n\"\"\"\n]\"\n\"\"\", '''\n]''' ", Some((4, '['))),
            ("a = [\n\"]\n", Some((4, '['))),
            ("é = [\"é", Some((5, '['))),
            ("]] [", Some((3, '['))),
        ] {
            assert_eq!(innermost_open(text), expected, "{text}");
        }
    }
}
