//! Rows and columns of the panels of a figure.

use std::ops::Range;

/// Which panel stands in which row and column: row by row from the left. The last row, if it is not full, may stand further to the
/// right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    panels: usize,
    columns: usize,
    /// Column of the first panel of the last row; 0 if that row is full.
    last_starts_at: usize,
}

impl Grid {
    /// The grid whose rows all start at the left.
    pub(super) fn new(panels: usize, columns: usize) -> Self {
        Self {
            panels,
            columns: columns.max(1),
            last_starts_at: 0,
        }
    }

    /// The grids whose last row starts further to the right.
    pub(super) fn moved(self) -> impl Iterator<Item = Self> {
        let free = match self.panels % self.columns {
            in_last if in_last > 0 && self.panels > self.columns => self.columns - in_last,
            _ => 0,
        };
        (1..=free).map(move |last_starts_at| Self {
            last_starts_at,
            ..self
        })
    }

    /// The panels of every row, and the columns that they stand in.
    pub(super) fn rows(self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let starts = (0..self.panels).step_by(self.columns);
        starts.map(move |start| {
            let panels = start..self.panels.min(start + self.columns);
            let first = self.column(start);
            let columns = first..first + panels.len();
            (panels, columns)
        })
    }

    /// The panels of a column.
    pub(super) fn in_column(self, column: usize) -> impl Iterator<Item = usize> {
        (0..self.panels).filter(move |panel| self.column(*panel) == column)
    }

    fn column(self, panel: usize) -> usize {
        let in_full_rows = self.panels - self.panels % self.columns;
        let shift = match panel < in_full_rows {
            true => 0,
            false => self.last_starts_at,
        };
        shift + panel % self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_last_row_that_is_not_full_moves() {
        let starts = |panels, columns| {
            let moved = Grid::new(panels, columns).moved();
            moved.map(|grid| grid.last_starts_at).collect::<Vec<_>>()
        };
        assert!(starts(4, 2).is_empty());
        assert!(starts(1, 2).is_empty());
        assert_eq!(starts(3, 2), [1]);
        assert_eq!(starts(7, 3), [1, 2]);
    }

    #[test]
    fn columns_hold_what_stands_in_them() {
        let moved = Grid::new(5, 3).moved().last().unwrap();
        let rows: Vec<_> = moved.rows().collect();
        assert_eq!(rows, [(0..3, 0..3), (3..5, 1..3)]);
        let columns: Vec<Vec<usize>> = (0..3)
            .map(|column| moved.in_column(column).collect())
            .collect();
        assert_eq!(columns, [vec![0], vec![1, 3], vec![2, 4]]);
    }
}
