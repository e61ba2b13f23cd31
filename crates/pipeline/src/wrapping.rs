//! Lines within the width of a terminal: words are not cut, and go on below the column that they stand in.

use crate::tone::shown;

/// The lines of `text` within the width of a terminal; unchanged where there is none, for programs that read lines.
pub fn lines_within(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let lines = text.split('\n').map(|line| wrapped(line, width));
    lines.collect::<Vec<_>>().join("\n")
}

/// A line in pieces of at most `width` characters, where its words allow that. What does not fit goes on below the last
/// column of a table, or a little to the right of the start.
pub fn wrapped(line: &str, width: usize) -> String {
    if shown(line) <= width {
        return line.to_owned();
    }
    let column = line.rfind("  ").map_or(0, |at| shown(&line[..at + 2]));
    let start = shown(line) - shown(line.trim_start());
    let indent = match column {
        column if column > start && column <= 2 * width / 3 => column,
        _ => start + 2,
    };
    let mut text = String::new();
    let mut length = 0;
    let mut is_broken = false;
    // Blanks belong to the word behind them.
    let mut rest = line;
    while !rest.is_empty() {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let end = rest[blanks..]
            .find(' ')
            .map_or(rest.len(), |at| blanks + at);
        let (piece, after) = rest.split_at(end);
        let word = &piece[blanks..];
        // Below a broken column, the next one begins a line of its own.
        let is_column = is_broken && blanks > 1;
        if length > indent && (is_column || length + shown(piece) > width) {
            is_broken = true;
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            text.push_str(word);
            length = indent + shown(word);
        } else {
            text.push_str(piece);
            length += shown(piece);
        }
        rest = after;
    }
    text
}

/// At most `width` characters of a line, the last of which is `…` where it goes on.
pub fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept = line.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Tone;

    #[test]
    fn words_go_on_below_their_column() {
        let line = "stale    train.mlp  parameter `epochs` changed from 4 to 3";
        assert_eq!(wrapped(line, 80), line);
        assert_eq!(
            wrapped(line, 46),
            "stale    train.mlp  parameter `epochs` changed\n                    from 4 to 3"
        );
        // A column too far to the right leaves no room below it.
        assert_eq!(
            wrapped("a long line of words  and the last column", 20),
            "a long line of words\n  and the last\n  column"
        );
        assert_eq!(
            wrapped(
                "  noise  default 0.4  of every input, of all of them  a number",
                30
            ),
            "  noise  default 0.4  of every\n    input, of all of them\n    a number"
        );
        let long = "x".repeat(30);
        assert_eq!(wrapped(&long, 20), long);
        let stale = Tone::Bad.of("stale");
        let coloured = format!("{stale}  one two");
        assert_eq!(wrapped(&coloured, 14), coloured);
        assert_eq!(wrapped(&coloured, 11), format!("{stale}  one\n       two"));
    }
}
