//! Text tables for terminals: every column is as wide as its widest cell.

use crate::tone::shown;
use crate::wrapping::cut;

/// Side of its column that a cell stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// One line for each row, with two spaces between columns and none at the end. A column beyond `columns` is aligned to
/// the left.
pub fn text_table(rows: &[Vec<String>], columns: &[Align]) -> String {
    let width = |text: &String| shown(text);
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

/// As [`text_table`] if that is at most `width` characters wide. Otherwise the column `apart` has lines of its own: above the other
/// cells of its row, which are indented, if it is the first one, else indented below them.
pub fn text_table_in_two_lines(
    rows: &[Vec<String>],
    columns: &[Align],
    apart: usize,
    width: Option<usize>,
) -> String {
    let whole = text_table(rows, columns);
    let fits = |width: usize| whole.lines().all(|line| shown(line) <= width);
    if width.is_none_or(fits) {
        return whole;
    }
    let others = |index: usize| index != apart;
    let rest: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().enumerate().filter(|(index, _)| others(*index));
            cells.map(|(_, cell)| cell.clone()).collect()
        })
        .collect();
    let aligned = columns.iter().enumerate();
    let aligned: Vec<Align> = aligned
        .filter(|(index, _)| others(*index))
        .map(|(_, align)| *align)
        .collect();
    let mut text = String::new();
    for (row, rest) in rows.iter().zip(text_table(&rest, &aligned).lines()) {
        let own = row.get(apart).map_or("", String::as_str);
        let [first, second] = if apart == 0 { [own, rest] } else { [rest, own] };
        text.extend([first, "\n  ", second, "\n"]);
    }
    text
}

/// Least characters that are left of a text where a table is too wide, with the `…` at its end.
const LEAST: usize = 8;

/// As [`text_table()`] of rows below a head, in lines of at most `width` characters. The widest texts are cut and end with
/// `…`; numbers are whole. The last columns that do not fit are left out, and named below.
pub fn text_table_within(rows: &[Vec<String>], columns: &[Align], width: Option<usize>) -> String {
    let (Some(width), Some(head)) = (width, rows.first()) else {
        return text_table(rows, columns);
    };
    let length = |text: &String| text.chars().count();
    let column = |index: usize| rows.iter().filter_map(move |row| row.get(index));
    let widths: Vec<usize> = (0..head.len())
        .map(|index| column(index).map(length).max().unwrap_or_default())
        .collect();
    let least: Vec<usize> = (0..head.len())
        .map(|index| {
            let numbers = column(index).skip(1);
            let numbers = numbers.filter(|cell| cell.parse::<f64>().is_ok());
            let widest = numbers.map(length).max().unwrap_or_default();
            widest.max(widths[index].min(LEAST))
        })
        .collect();
    let mut used = 0;
    let fitting = least.iter().take_while(|least| {
        used += *least + 2;
        used <= width + 2
    });
    let count = fitting.count().max(1);
    let widths_at = |most: usize| {
        let columns = widths.iter().zip(&least).take(count);
        columns.map(move |(width, least)| (*width).min(most).max(*least))
    };
    let fits = |most: &usize| widths_at(*most).sum::<usize>() + 2 * (count - 1) <= width;
    let most = (LEAST..=width).rev().find(fits).unwrap_or(LEAST);
    let kept: Vec<usize> = widths_at(most).collect();
    let within = |(cell, &kept): (&String, &usize)| cut(cell, kept);
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().zip(&kept).map(within).collect())
        .collect();
    let mut text = text_table(&rows, columns);
    let left_out = &head[count..];
    if !left_out.is_empty() {
        let names = left_out.join(", ");
        text.push_str(&match left_out.len() {
            1 => format!("… and 1 more column: {names}\n"),
            more => format!("… and {more} more columns: {names}\n"),
        });
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

    #[test]
    fn a_table_that_is_too_wide_is_cut_in_its_texts_and_loses_its_last_columns() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect();
        let rows: Vec<Vec<String>> = vec![
            row(&["task", "accuracy_fraction", "note"]),
            row(&["train.bilinear[hidden=4]", "0.972222", "a few words"]),
        ];
        let within = |width| text_table_within(&rows, &[Align::Left, Align::Right], width);
        assert_eq!(
            within(None),
            text_table(&rows, &[Align::Left, Align::Right])
        );
        assert_eq!(within(Some(80)), within(None));
        assert_eq!(
            within(Some(45)),
            "task             accuracy_fract…  note\ntrain.bilinear…         0.972222  a few words\n"
        );
        assert_eq!(
            within(Some(20)),
            "task       accuracy…\ntrain.bi…   0.972222\n… and 1 more column: note\n"
        );
        assert_eq!(text_table_within(&[], &[], Some(40)), "");
    }
}
