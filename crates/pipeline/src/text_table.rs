//! Text tables for terminals: every column is as wide as its widest cell.

/// Side of its column that a cell stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// One line for each row, with two spaces between columns and none at the end. A column beyond `columns` is aligned to
/// the left.
pub fn text_table(rows: &[Vec<String>], columns: &[Align]) -> String {
    let width = |text: &String| text.chars().count();
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut text = String::new();
    for row in rows {
        let start = text.len();
        for (index, (cell, widest)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(widest - width(cell));
            if index > 0 {
                text.push_str("  ");
            }
            match columns.get(index) {
                Some(Align::Right) => text.extend([padding.as_str(), cell]),
                _ => text.extend([cell, padding.as_str()]),
            }
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

/// A number with at most six significant digits; whole numbers have all of theirs.
pub fn six_digits(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return value.to_string();
    }
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    match rounded.abs() {
        1e-4..1e7 => rounded.to_string(),
        size if size.is_finite() => format!("{rounded:e}"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_six_digits() {
        for (value, text) in [
            (0.0, "0"),
            (35.0 / 36.0, "0.972222"),
            (-1_234.567_89, "-1234.57"),
            (123_456_789.0, "123456789"),
            (1.0 / 7e6, "1.42857e-7"),
            (0.1 + 0.2, "0.3"),
            (1.5e20 + 0.1, "1.5e20"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(six_digits(value), text);
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect();
        let rows: Vec<Vec<String>> = vec![
            row(&["name", "rows", "note"]),
            row(&["λλλλλλ", "7", ""]),
            row(&["b"]),
        ];
        assert_eq!(
            text_table(&rows, &[Align::Left, Align::Right]),
            "name    rows  note\nλλλλλλ     7\nb\n"
        );
        assert_eq!(text_table(&[], &[]), "");
    }
}
