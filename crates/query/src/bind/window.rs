//! Window functions, by name.

use sqlparser::ast::{
    Expr as Syntax, Function as Call, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec,
    WindowType,
};

use super::aggregate::aggregate_named;
use super::call::arguments;
use super::expression::common;
use super::literal::digits;
use super::query::sort_key;
use super::{Binder, Clause, Typed, shown, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{AggregateFunction, Bound, Expr, Frame, Window, WindowFunction};
use crate::value::{Type, Value};

pub(super) const WINDOWS: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

pub(super) fn is_window(name: &str) -> bool {
    WINDOWS.contains(&name)
}

impl Binder<'_> {
    pub(super) fn window_function(
        &mut self,
        name: &str,
        call: &Call,
        over: &WindowType,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        if clause.windows.is_none() {
            return Err(refused(
                format!("`{}` stands in {}", shown(call), clause.name),
                "select it in a query of its own: with a as (select ... over (...) as n ...) select ... from a where n = 1",
            ));
        }
        let spec = match over {
            WindowType::WindowSpec(spec) if spec.window_name.is_none() => spec,
            _ => {
                return Err(unsupported(
                    "a named window",
                    "write the window after `over`: over (partition by x order by y)",
                ));
            }
        };
        // Aggregates inside are those of the query; a window function is not.
        let mut inside = Clause {
            scope: clause.scope.clone(),
            name: "a window function",
            aggregates: clause.aggregates.take(),
            windows: None,
        };
        let bound = self.window(name, call, spec, &mut inside);
        clause.aggregates = inside.aggregates;
        let (window, kind) = bound?;
        let windows = clause.windows.get_or_insert_default();
        let position = windows.iter().position(|known| *known == window);
        let position = position.unwrap_or_else(|| {
            windows.push(window);
            windows.len() - 1
        });
        Ok(Typed::new(Expr::Window(position), kind))
    }

    fn window(
        &mut self,
        name: &str,
        call: &Call,
        spec: &WindowSpec,
        clause: &mut Clause,
    ) -> Result<(Window, Type), QueryError> {
        let (function, kind) = if aggregate_named(name) {
            let (aggregate, kind) = self.aggregate(name, call, clause)?;
            if aggregate.distinct || !aggregate.order.is_empty() {
                return Err(unsupported(
                    "`distinct` or `order by` in the arguments of a window function",
                    "aggregate first: with a as (select ... group by ...) select ... from a",
                ));
            }
            if matches!(aggregate.function, AggregateFunction::Joined(_))
                || name == "percentile_cont"
            {
                return Err(unsupported(
                    &format!("`{name}` over a window"),
                    "write quantile_cont(x, 0.5) over (...)",
                ));
            }
            (WindowFunction::Aggregate(aggregate), kind)
        } else if is_window(name) {
            self.ranking(name, call, clause)?
        } else {
            return Err(refused(
                format!("`{name}` is no window function"),
                "window functions are row_number, rank, lag, lead, ... and the aggregates",
            ));
        };
        let partition = spec.partition_by.iter();
        let partition = partition.map(|expr| Ok(self.expr(expr, clause)?.expr));
        let partition = partition.collect::<Result<Vec<_>, QueryError>>()?;
        let mut order = Vec::new();
        for item in &spec.order_by {
            let key = self.expr(&item.expr, clause)?;
            if let Expr::Literal(_) = key.expr {
                return Err(refused(
                    format!("`{}` orders nothing", shown(&item.expr)),
                    "name a column: over (order by x)",
                ));
            }
            order.push(sort_key(key.expr, item)?);
        }
        let free = matches!(
            function,
            WindowFunction::Aggregate(_) | WindowFunction::RowNumber
        );
        if order.is_empty() && !free {
            return Err(refused(
                format!("`{name}` needs an order"),
                format!("write {name}(...) over (order by x)"),
            ));
        }
        let frame = match &spec.window_frame {
            Some(frame) => bounds(frame, order.is_empty())?,
            None => Frame {
                rows: false,
                start: Bound::First,
                end: match order.is_empty() {
                    true => Bound::Last,
                    false => Bound::Offset(0),
                },
            },
        };
        let window = Window {
            function,
            partition,
            order,
            frame,
        };
        Ok((window, kind))
    }

    /// A function that is no aggregate.
    fn ranking(
        &mut self,
        name: &str,
        call: &Call,
        clause: &mut Clause,
    ) -> Result<(WindowFunction, Type), QueryError> {
        let (distinct, arguments) = arguments(call)?;
        if distinct || call.filter.is_some() || !call.within_group.is_empty() {
            return Err(refused(
                format!("`{name}` is no aggregate"),
                "leave `distinct`, `filter` and `within group` out",
            ));
        }
        let counts = match name {
            "ntile" | "first_value" | "last_value" => 1..=1,
            "nth_value" => 2..=2,
            "lag" | "lead" => 1..=3,
            _ => 0..=0,
        };
        if !counts.contains(&arguments.len()) {
            return Err(refused(
                format!("{name} has {} arguments", arguments.len()),
                match (counts.start(), counts.end()) {
                    (least, most) if least == most => format!("it takes {least}"),
                    (least, most) => format!("it takes {least} to {most}"),
                },
            ));
        }
        let integer = |function| Ok((function, Type::Integer));
        match name {
            "row_number" => return integer(WindowFunction::RowNumber),
            "rank" => return integer(WindowFunction::Rank),
            "dense_rank" => return integer(WindowFunction::DenseRank),
            "ntile" => return integer(WindowFunction::Tiles(count(arguments[0], 1)?)),
            "percent_rank" => return Ok((WindowFunction::PercentRank, Type::Number)),
            "cume_dist" => return Ok((WindowFunction::CumulativeDistribution, Type::Number)),
            _ => {}
        }
        let value = self.expr(arguments[0], clause)?;
        let kind = value.kind;
        Ok(match name {
            "first_value" => (WindowFunction::First(value.expr), kind),
            "last_value" => (WindowFunction::Last(value.expr), kind),
            "nth_value" => (
                WindowFunction::Nth(value.expr, count(arguments[1], 1)?),
                kind,
            ),
            _ => {
                let rows = match arguments.get(1) {
                    Some(rows) => count(rows, 0)? as i64,
                    None => 1,
                };
                let default = match arguments.get(2) {
                    Some(default) => self.expr(default, clause)?,
                    None => Typed::new(Expr::Literal(Value::Null), Type::Null),
                };
                let kind = common([&value, &default])?;
                let shifted = WindowFunction::Shifted {
                    value: value.to(kind),
                    by: if name == "lag" { -rows } else { rows },
                    default: default.to(kind),
                };
                (shifted, kind)
            }
        })
    }
}

fn count(expr: &Syntax, least: usize) -> Result<usize, QueryError> {
    let number = digits(expr).and_then(|digits| digits.parse::<u32>().ok());
    let number = number.map(|number| number as usize);
    number.filter(|number| *number >= least).ok_or_else(|| {
        refused(
            format!("`{}` is no number of rows", shown(expr)),
            format!("write a whole number from {least} on"),
        )
    })
}

fn bounds(frame: &WindowFrame, unordered: bool) -> Result<Frame, QueryError> {
    let rows = match frame.units {
        WindowFrameUnits::Rows => true,
        WindowFrameUnits::Range => false,
        WindowFrameUnits::Groups => {
            return Err(unsupported("a frame of groups", "write `rows between ...`"));
        }
    };
    let bound = |bound: &WindowFrameBound| -> Result<Bound, QueryError> {
        let offset = |expr: &Syntax| match rows {
            true => count(expr, 0).map(|count| count as i64),
            false => Err(unsupported(
                "a range of values around the current one",
                "write `rows between ...`",
            )),
        };
        Ok(match bound {
            WindowFrameBound::CurrentRow => Bound::Offset(0),
            WindowFrameBound::Preceding(None) => Bound::First,
            WindowFrameBound::Following(None) => Bound::Last,
            WindowFrameBound::Preceding(Some(expr)) => Bound::Offset(-offset(expr)?),
            WindowFrameBound::Following(Some(expr)) => Bound::Offset(offset(expr)?),
        })
    };
    let start = bound(&frame.start_bound)?;
    let end = match &frame.end_bound {
        Some(end) => bound(end)?,
        None => Bound::Offset(0),
    };
    let reversed = match (start, end) {
        (Bound::Last, _) | (_, Bound::First) => true,
        (Bound::Offset(start), Bound::Offset(end)) => start > end,
        _ => false,
    };
    if reversed {
        return Err(refused(
            "a frame ends before it starts",
            "write `rows between 2 preceding and current row`",
        ));
    }
    if unordered && (start, end) != (Bound::First, Bound::Last) {
        return Err(refused(
            "a frame needs an order",
            "write over (order by x rows between ...)",
        ));
    }
    Ok(Frame { rows, start, end })
}
