//! Functions of the rows around a row.

use std::collections::HashMap;

use super::aggregate::{Accumulator, peers};
use super::relation::{Relation, Row};
use super::{MOST_STEPS, Runner};
use crate::error::{QueryError, refused};
use crate::plan::{Aggregate, Bound, Expr, Frame, Window, WindowFunction};
use crate::value::Value;

impl Runner<'_> {
    /// The results of a window function in every row of the input.
    pub(super) fn window(
        &self,
        window: &Window,
        input: &Relation,
        outer: &[Value],
    ) -> Result<Vec<Value>, QueryError> {
        let mut partitions: Vec<Vec<u32>> = Vec::new();
        let mut known: HashMap<Vec<Value>, usize> = HashMap::new();
        for row in 0..input.rows {
            let key = self.tuple(&window.partition, Row::of(input, row), outer)?;
            let position = *known.entry(key).or_insert_with(|| {
                partitions.push(Vec::new());
                partitions.len() - 1
            });
            partitions[position].push(row as u32);
        }
        let mut results = vec![Value::Null; input.rows];
        for rows in partitions {
            let rows = self.sorted(input, rows, &window.order, outer)?;
            let peers = peers(self, input, &rows, &window.order, outer)?;
            let partition = Partition {
                runner: self,
                input,
                rows: &rows,
                peers: &peers,
                frame: window.frame,
                outer,
            };
            let values = partition.values(&window.function)?;
            for (row, value) in rows.iter().zip(values) {
                results[*row as usize] = value;
            }
        }
        Ok(results)
    }
}

/// Rows with equal values of `partition by`, in the order of the window.
struct Partition<'a> {
    runner: &'a Runner<'a>,
    input: &'a Relation,
    rows: &'a [u32],
    /// For each row, where the rows that are equal to it in the order start and end.
    peers: &'a [(usize, usize)],
    frame: Frame,
    outer: &'a [Value],
}

impl Partition<'_> {
    fn values(&self, function: &WindowFunction) -> Result<Vec<Value>, QueryError> {
        let count = self.rows.len();
        let integer = |value: usize| Ok(Value::Integer(value as i64));
        if let WindowFunction::Aggregate(aggregate) = function {
            return self.aggregates(aggregate);
        }
        let mut dense = 0;
        let values = (0..count).map(|row| {
            let (start, end) = self.peers[row];
            dense += usize::from(start == row);
            match function {
                WindowFunction::RowNumber => integer(row + 1),
                WindowFunction::Rank => integer(start + 1),
                WindowFunction::DenseRank => integer(dense),
                WindowFunction::PercentRank if count == 1 => Ok(Value::Number(0.0)),
                WindowFunction::PercentRank => Ok(Value::Number(start as f64 / (count - 1) as f64)),
                WindowFunction::CumulativeDistribution => {
                    Ok(Value::Number(end as f64 / count as f64))
                }
                WindowFunction::Tiles(tiles) => {
                    // The first tiles have one row more than the last ones.
                    let (size, larger) = (count / tiles, count % tiles);
                    integer(match row < larger * (size + 1) {
                        true => row / (size + 1) + 1,
                        false => larger + (row - larger * (size + 1)) / size + 1,
                    })
                }
                WindowFunction::Shifted { value, by, default } => {
                    let other = (row as i64).checked_add(*by);
                    match other.and_then(|other| usize::try_from(other).ok()) {
                        Some(other) if other < count => self.value(value, other),
                        _ => self.value(default, row),
                    }
                }
                WindowFunction::First(value) => self.in_frame(value, row, |start, _| Some(start)),
                WindowFunction::Last(value) => {
                    self.in_frame(value, row, |_, end| end.checked_sub(1))
                }
                WindowFunction::Nth(value, position) => {
                    self.in_frame(value, row, |start, _| start.checked_add(position - 1))
                }
                WindowFunction::Aggregate(_) => Ok(Value::Null),
            }
        });
        values.collect()
    }

    /// The value of an expression in the row at this place of the partition.
    fn value(&self, expr: &Expr, place: usize) -> Result<Value, QueryError> {
        let row = Row::of(self.input, self.rows[place] as usize);
        self.runner.value(expr, row, self.outer)
    }

    /// The value at a place of the row's frame; null if the frame does not reach there.
    fn in_frame(
        &self,
        value: &Expr,
        row: usize,
        place: impl Fn(usize, usize) -> Option<usize>,
    ) -> Result<Value, QueryError> {
        let (start, end) = self.bounds(row);
        match place(start, end) {
            Some(place) if place >= start && place < end => self.value(value, place),
            _ => Ok(Value::Null),
        }
    }

    /// Where the frame of a row starts and ends.
    fn bounds(&self, row: usize) -> (usize, usize) {
        let count = self.rows.len();
        let (first_peer, after_peers) = self.peers[row];
        let shifted = |by: i64| {
            let place = (row as i64).saturating_add(by).clamp(0, count as i64);
            place as usize
        };
        let start = match self.frame.start {
            Bound::First => 0,
            Bound::Offset(0) if !self.frame.rows => first_peer,
            Bound::Offset(by) => shifted(by),
            Bound::Last => count,
        };
        let end = match self.frame.end {
            Bound::First => 0,
            Bound::Offset(0) if !self.frame.rows => after_peers,
            Bound::Offset(by) => shifted(by.saturating_add(1)),
            Bound::Last => count,
        };
        (start, end.max(start))
    }

    /// An aggregate over the frame of each row. A frame that only grows is not read again.
    fn aggregates(&self, aggregate: &Aggregate) -> Result<Vec<Value>, QueryError> {
        let mut arguments = Vec::with_capacity(self.rows.len());
        for &row in self.rows {
            let row = row as usize;
            let found = self
                .runner
                .arguments(aggregate, self.input, row, self.outer)?;
            arguments.push(found);
        }
        let mut values: Vec<Value> = Vec::with_capacity(self.rows.len());
        let mut state = Accumulator::new(aggregate);
        let mut read: Option<(usize, usize)> = None;
        let mut steps = 0_usize;
        for row in 0..self.rows.len() {
            let (start, end) = self.bounds(row);
            let from = match read {
                Some((known, until)) if known == start && until <= end => until,
                _ => {
                    state = Accumulator::new(aggregate);
                    start
                }
            };
            steps = steps.saturating_add(end - from);
            if steps > MOST_STEPS {
                return Err(refused(
                    format!("the frames of a window have more than {MOST_STEPS} rows in all"),
                    "narrow the frame: rows between 10 preceding and current row",
                ));
            }
            for arguments in arguments[from..end].iter().flatten() {
                state.push(arguments)?;
            }
            let same = read == Some((start, end));
            values.push(match values.last() {
                Some(last) if same => last.clone(),
                _ => state.result()?,
            });
            read = Some((start, end));
        }
        Ok(values)
    }
}
