//! Whether the labels of a table without a header stand in its last column, as in many tables of the UCI repository.

use std::collections::BTreeSet;

use super::lines::{Lines, fields, number, separator};
use crate::content::Content;
use crate::error::IngestError;

/// Most different values of a column that are remembered.
const MOST: usize = 1 << 12;

/// Which columns of a table without a header could hold the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LabelEnds {
    /// The first one, which holds them unless something else is said.
    pub(crate) first: bool,
    pub(crate) last: bool,
}

/// The values of a column.
#[derive(Debug, Default, PartialEq, Eq)]
struct Values {
    whole: BTreeSet<i64>,
    /// Whether there are others, or too many.
    others: bool,
}

impl Values {
    fn add(&mut self, value: f64) {
        match value.fract() == 0.0 && value.abs() < 1e15 && self.whole.len() <= MOST {
            true => {
                self.whole.insert(value as i64);
            }
            false => self.others = true,
        }
    }

    /// Returns whether so many rows could have these labels: few whole numbers, unlike those of `pixels`.
    fn could_be_labels(&self, rows: usize, pixels: &Self) -> bool {
        let count = self.whole.len();
        !self.others && count > 1 && 2 * count <= rows && self != pixels
    }

    /// Returns whether these are labels as most tables have them: they count up from 0 or 1 without a gap.
    fn are_labels(&self, rows: usize, pixels: &Self) -> bool {
        let (Some(&least), Some(&most)) = (self.whole.first(), self.whole.last()) else {
            return false;
        };
        self.could_be_labels(rows, pixels)
            && matches!(least, 0 | 1)
            && most - least + 1 == self.whole.len() as i64
    }
}

/// Looks at all rows; `None` if the first line is a header, or if one does not hold numbers only.
///
/// # Errors
/// The content cannot be read.
pub(crate) fn label_ends(content: &mut Content<'_>) -> Result<Option<LabelEnds>, IngestError> {
    let mut lines = Lines::of(content);
    let [mut first, mut pixels, mut last] = [(); 3].map(|()| Values::default());
    let (mut rows, mut columns, mut separated_by) = (0, None, ',');
    while let Some(line) = lines.next()? {
        if rows == 0 {
            separated_by = separator(&line);
        }
        let fields = fields(&line, separated_by);
        let values = fields.iter().map(|field| number(field, separated_by));
        let values: Option<Vec<f64>> = values.collect();
        let Some([one, middle @ .., other]) = values.as_deref() else {
            return Ok(None);
        };
        if *columns.get_or_insert(fields.len()) != fields.len() || middle.is_empty() {
            return Ok(None);
        }
        first.add(*one);
        last.add(*other);
        middle.iter().for_each(|value| pixels.add(*value));
        rows += 1;
    }
    // Labels may have gaps; then the last column is the one if the first could not hold any.
    let is_only_one = !first.could_be_labels(rows, &pixels) && last.could_be_labels(rows, &pixels);
    Ok(Some(LabelEnds {
        first: first.are_labels(rows, &pixels),
        last: last.are_labels(rows, &pixels) || is_only_one,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tests::content;

    fn ends(row: impl Fn(usize) -> String) -> Option<[bool; 2]> {
        let text: String = (0..60).map(|number| row(number) + "\n").collect();
        let mut content = content(text.as_bytes());
        let found = label_ends(&mut content).expect("readable");
        found.map(|ends| [ends.first, ends.last])
    }

    #[test]
    fn labels_are_few_numbers_unlike_those_of_pixels() {
        // A first pixel that is always 0, as in `optdigits`; coordinates of 0 to 40 that all columns have, as in `pendigits`.
        let digits = |n: usize| format!("0,{},{},{}", n % 17, n * 7 % 17, n % 10);
        assert_eq!(ends(digits), Some([false, true]));
        let pens = |n: usize| format!("{},{},{},{}", n % 20, n * 3 % 20, n * 7 % 20, n % 10);
        assert_eq!(ends(pens), Some([false, true]));
        // The other way round, with a last pixel that is always 0 or one of many.
        let first = |n: usize| format!("{},{},{},0", n % 10, n % 17, n * 7 % 17);
        assert_eq!(ends(first), Some([true, false]));
        let first = |n: usize| format!("{},{},{},{}", n % 10, n % 17, n * 7 % 17, n * 4 % 251);
        assert_eq!(ends(first), Some([true, false]));
        // Pixels of two values are no labels of two classes.
        let binary = |n: usize| format!("{},{},{},{}", n % 10, n % 2, n / 2 % 2, n / 3 % 2);
        assert_eq!(ends(binary), Some([true, false]));
        let both = |n: usize| format!("{},{},{},{}", n % 10, n % 17, n % 17, n / 3 % 4);
        assert_eq!(ends(both), Some([true, true]));
        // With gaps, where the first column holds one value or nearly one for each row.
        let gaps = |n: usize| format!("0,{},{},{}", n % 17, n * 7 % 17, [0, 5, 9][n % 3]);
        assert_eq!(ends(gaps), Some([false, true]));
        let gaps = |n: usize| format!("{},{},{},{}", n * 7, n % 17, n % 17, [1, 3, 7][n % 3]);
        assert_eq!(ends(gaps), Some([false, true]));
        let gaps = |n: usize| format!("{},{},{},0", [2, 5, 9][n % 3], n % 17, n % 17);
        assert_eq!(ends(gaps), Some([false, false]));
        // Each label once tells nothing.
        let numbered = |n: usize| format!("9,{},{},{n}", n % 17, n % 17);
        assert_eq!(ends(numbered), Some([false, false]));
    }

    #[test]
    fn only_tables_of_numbers_are_looked_at() {
        assert_eq!(ends(|n| format!("a,{n},0")), None);
        assert_eq!(ends(|n| format!("1,2{}", ",3".repeat(n % 2))), None);
        assert_eq!(ends(|n| format!("{n},1")), None);
    }
}
