//! Groups of rows and functions of them.

use std::collections::{HashMap, HashSet};

use super::evaluate::overflow;
use super::relation::{Relation, Row};
use super::{Runner, sort};
use crate::error::QueryError;
use crate::plan::{Aggregate, AggregateFunction, Expr, SortKey};
use crate::value::Value;

/// One row for each group of rows with equal keys, in the order in which the groups begin.
pub(super) fn group(
    runner: &Runner<'_>,
    input: &Relation,
    keys: &[Expr],
    aggregates: &[Aggregate],
    outer: &[Value],
) -> Result<Relation, QueryError> {
    let mut groups: Vec<(Vec<Value>, Vec<u32>)> = Vec::new();
    let mut known: HashMap<Vec<Value>, usize> = HashMap::new();
    if keys.is_empty() {
        groups.push((Vec::new(), (0..input.rows as u32).collect()));
    } else {
        for row in 0..input.rows {
            let key = runner.tuple(keys, Row::of(input, row), outer)?;
            let position = *known.entry(key).or_insert_with_key(|key| {
                groups.push((key.clone(), Vec::new()));
                groups.len() - 1
            });
            groups[position].1.push(row as u32);
        }
    }
    let mut columns = vec![Vec::with_capacity(groups.len()); keys.len() + aggregates.len()];
    for (key, rows) in &groups {
        let results = aggregates.iter().map(|aggregate| {
            let rows = runner.sorted(input, rows.clone(), &aggregate.order, outer)?;
            let mut state = Accumulator::new(aggregate);
            for row in rows {
                if let Some(arguments) = runner.arguments(aggregate, input, row as usize, outer)? {
                    state.push(&arguments)?;
                }
            }
            state.result()
        });
        let results = results.collect::<Result<Vec<_>, _>>()?;
        for (column, value) in columns.iter_mut().zip(key.iter().cloned().chain(results)) {
            column.push(value);
        }
    }
    Ok(Relation::of_values(groups.len(), columns))
}

impl Runner<'_> {
    /// The arguments of an aggregate in a row; `None` if its filter leaves the row out.
    pub(super) fn arguments(
        &self,
        aggregate: &Aggregate,
        input: &Relation,
        row: usize,
        outer: &[Value],
    ) -> Result<Option<Vec<Value>>, QueryError> {
        let row = Row::of(input, row);
        if let Some(filter) = &aggregate.filter
            && !self.value(filter, row, outer)?.is_true()
        {
            return Ok(None);
        }
        self.tuple(&aggregate.arguments, row, outer).map(Some)
    }
}

/// An aggregate of the rows so far. Rows with a null argument do not count, except for `count(*)`.
pub(super) struct Accumulator<'a> {
    function: &'a AggregateFunction,
    seen: Option<HashSet<Vec<Value>>>,
    state: State,
}

enum State {
    Count(i64),
    Sum {
        /// Exact: 2^63 values of 64 bits fit.
        integers: i128,
        numbers: f64,
        whole: bool,
        count: i64,
    },
    Extreme(Option<Value>),
    /// Welford's means and sums of products of deviations.
    Moments {
        count: f64,
        means: [f64; 2],
        squares: [f64; 2],
        product: f64,
    },
    Logic(Option<bool>),
    Values(Vec<Value>),
}

impl<'a> Accumulator<'a> {
    pub(super) fn new(aggregate: &'a Aggregate) -> Self {
        Self {
            function: &aggregate.function,
            seen: aggregate.distinct.then(HashSet::new),
            state: match aggregate.function {
                AggregateFunction::CountRows | AggregateFunction::Count => State::Count(0),
                AggregateFunction::Sum | AggregateFunction::Average => State::Sum {
                    integers: 0,
                    numbers: 0.0,
                    whole: true,
                    count: 0,
                },
                AggregateFunction::Minimum | AggregateFunction::Maximum => State::Extreme(None),
                AggregateFunction::Variance { .. } | AggregateFunction::Correlation => {
                    State::Moments {
                        count: 0.0,
                        means: [0.0; 2],
                        squares: [0.0; 2],
                        product: 0.0,
                    }
                }
                AggregateFunction::All | AggregateFunction::Any => State::Logic(None),
                AggregateFunction::Quantile(_) | AggregateFunction::Joined(_) => {
                    State::Values(Vec::new())
                }
            },
        }
    }

    /// Takes a row's arguments in.
    pub(super) fn push(&mut self, arguments: &[Value]) -> Result<(), QueryError> {
        if arguments.iter().any(Value::is_null) {
            return Ok(());
        }
        if let Some(seen) = &mut self.seen
            && !seen.insert(arguments.to_vec())
        {
            return Ok(());
        }
        match &mut self.state {
            State::Count(count) => *count += 1,
            State::Sum {
                integers,
                numbers,
                whole,
                count,
            } => {
                *count += 1;
                match arguments[0] {
                    Value::Integer(value) => *integers += i128::from(value),
                    Value::Number(value) => {
                        *whole = false;
                        *numbers += value;
                    }
                    _ => {}
                }
            }
            State::Extreme(extreme) => {
                let better = extreme.as_ref().is_none_or(|extreme| match self.function {
                    AggregateFunction::Maximum => arguments[0] > *extreme,
                    _ => arguments[0] < *extreme,
                });
                if better {
                    *extreme = Some(arguments[0].clone());
                }
            }
            State::Moments {
                count,
                means,
                squares,
                product,
            } => {
                *count += 1.0;
                let values = [0, 1].map(|place| arguments.get(place).and_then(Value::number));
                let mut before = [0.0; 2];
                for place in 0..2 {
                    let Some(value) = values[place] else { continue };
                    before[place] = value - means[place];
                    means[place] += before[place] / *count;
                    squares[place] += before[place] * (value - means[place]);
                }
                *product += before[0] * (values[1].unwrap_or(0.0) - means[1]);
            }
            State::Logic(found) => {
                let value = arguments[0].is_true();
                *found = Some(match (self.function, *found) {
                    (_, None) => value,
                    (AggregateFunction::All, Some(found)) => found && value,
                    (_, Some(found)) => found || value,
                });
            }
            State::Values(values) => values.push(arguments[0].clone()),
        }
        Ok(())
    }

    /// The aggregate of the rows so far.
    pub(super) fn result(&self) -> Result<Value, QueryError> {
        Ok(match &self.state {
            State::Count(count) => Value::Integer(*count),
            State::Sum { count: 0, .. } => Value::Null,
            State::Sum {
                integers,
                numbers,
                whole,
                count,
            } => match (self.function, whole) {
                (AggregateFunction::Average, true) => {
                    Value::Number(*integers as f64 / *count as f64)
                }
                (AggregateFunction::Average, false) => Value::Number(numbers / *count as f64),
                (_, true) => {
                    Value::Integer(i64::try_from(*integers).map_err(|_| overflow("sum(x)"))?)
                }
                (_, false) => Value::Number(*numbers),
            },
            State::Extreme(extreme) => extreme.clone().unwrap_or(Value::Null),
            State::Moments {
                count,
                squares,
                product,
                ..
            } => moments(self.function, *count, *squares, *product),
            State::Logic(found) => found.map_or(Value::Null, Value::Boolean),
            State::Values(values) => match self.function {
                AggregateFunction::Quantile(fraction) => quantile(values, *fraction),
                AggregateFunction::Joined(separator) => joined(values, separator),
                _ => Value::Null,
            },
        })
    }
}

/// Variance, standard deviation or correlation from Welford's sums.
fn moments(function: &AggregateFunction, count: f64, squares: [f64; 2], product: f64) -> Value {
    match function {
        AggregateFunction::Variance { sample, root } => {
            let freedom = if *sample { count - 1.0 } else { count };
            if freedom < 1.0 {
                return Value::Null;
            }
            let variance = squares[0] / freedom;
            Value::Number(if *root { variance.sqrt() } else { variance })
        }
        // Without variance there is no correlation.
        _ if count < 2.0 || squares[0] == 0.0 || squares[1] == 0.0 => Value::Null,
        _ => Value::Number(product / (squares[0].sqrt() * squares[1].sqrt())),
    }
}

/// The value at `fraction` of the way through the sorted values, interpolated linearly between its neighbours.
fn quantile(values: &[Value], fraction: f64) -> Value {
    let mut values = values.to_vec();
    values.sort();
    let Some(last) = values.len().checked_sub(1) else {
        return Value::Null;
    };
    let place = fraction * last as f64;
    let at = |place: f64| values[place as usize].number().unwrap_or(f64::NAN);
    let (low, high) = (at(place.floor()), at(place.ceil()));
    Value::Number(match low == high {
        true => low,
        false => low + (high - low) * place.fract(),
    })
}

fn joined(values: &[Value], separator: &str) -> Value {
    let texts = values.iter().filter_map(|value| match value {
        Value::Text(text) => Some(text.as_ref()),
        _ => None,
    });
    match values.is_empty() {
        true => Value::Null,
        false => Value::text(&texts.collect::<Vec<&str>>().join(separator)),
    }
}

/// Where each run of rows that are equal in the order ends, row by row.
pub(super) fn peers(
    runner: &Runner<'_>,
    input: &Relation,
    rows: &[u32],
    order: &[SortKey],
    outer: &[Value],
) -> Result<Vec<(usize, usize)>, QueryError> {
    let exprs: Vec<Expr> = order.iter().map(|key| key.expr.clone()).collect();
    let mut keys = Vec::with_capacity(rows.len());
    for &row in rows {
        keys.push(runner.tuple(&exprs, Row::of(input, row as usize), outer)?);
    }
    let mut ranges = Vec::with_capacity(rows.len());
    let mut start = 0;
    while start < rows.len() {
        let equal = |row: &usize| sort::compare(order, &keys[start], &keys[*row]).is_eq();
        let end = start + (start..rows.len()).take_while(equal).count();
        ranges.extend(std::iter::repeat_n((start, end), end - start));
        start = end;
    }
    Ok(ranges)
}
