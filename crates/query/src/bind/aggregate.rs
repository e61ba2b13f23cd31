//! Aggregates, by name.

use std::rc::Rc;

use sqlparser::ast::{
    Expr as Syntax, Function as Call, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, OrderByExpr, Value as Literal,
};

use super::call::{NUMERIC, arguments};
use super::literal::digits;
use super::query::sort_key;
use super::{Binder, Clause, Typed, shown, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{Aggregate, AggregateFunction, Expr};
use crate::value::Type;

pub(super) const AGGREGATES: &[&str] = &[
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "max",
    "median",
    "min",
    "percentile_cont",
    "quantile_cont",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

pub(super) fn aggregate_named(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

impl Binder<'_> {
    /// An aggregate over the group of the row.
    pub(super) fn aggregate_function(
        &mut self,
        name: &str,
        call: &Call,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        if clause.aggregates.is_none() {
            return Err(refused(
                format!("`{}` stands in {}", shown(call), clause.name),
                match clause.name {
                    "where" => "filter groups with `having`, or compare with (select ... from ...)",
                    "an aggregate" => {
                        "aggregate twice: select max(n) from (select count(*) as n ... group by ...)"
                    }
                    _ => {
                        "aggregate in a query of its own: with a as (select ...) select ... from a"
                    }
                },
            ));
        }
        let mut inside = Clause::plain(&clause.scope, "an aggregate");
        let (aggregate, kind) = self.aggregate(name, call, &mut inside)?;
        let reads = |property: fn(&Expr) -> bool| {
            let exprs = aggregate.arguments.iter().chain(&aggregate.filter);
            exprs.clone().any(|expr| expr.any(&property))
        };
        if reads(|expr| matches!(expr, Expr::Outer(_)))
            && !reads(|expr| matches!(expr, Expr::Column(_)))
        {
            return Err(refused(
                format!(
                    "`{}` reads only columns of the query around it",
                    shown(call)
                ),
                "aggregate in that query, or in a query of its own",
            ));
        }
        let found = clause.aggregates.get_or_insert_default();
        let position = found.iter().position(|known| *known == aggregate);
        let position = position.unwrap_or_else(|| {
            found.push(aggregate);
            found.len() - 1
        });
        Ok(Typed::new(Expr::Aggregate(position), kind))
    }

    /// An aggregate, whose arguments stand in `clause`, and its type.
    pub(super) fn aggregate(
        &mut self,
        name: &str,
        call: &Call,
        clause: &mut Clause,
    ) -> Result<(Aggregate, Type), QueryError> {
        let filter = match &call.filter {
            Some(filter) => Some(self.condition(filter, clause)?),
            None => None,
        };
        if let FunctionArguments::List(list) = &call.args
            && let [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] = list.args.as_slice()
            && name == "count"
            && list.duplicate_treatment.is_none()
        {
            let rows = AggregateFunction::CountRows;
            let aggregate = Aggregate {
                function: rows,
                arguments: Vec::new(),
                distinct: false,
                filter,
                order: Vec::new(),
            };
            return Ok((aggregate, Type::Integer));
        }
        let order = order_of(call)?;
        let (distinct, mut arguments) = arguments(call)?;
        let function = match name {
            "count" => AggregateFunction::Count,
            "sum" => AggregateFunction::Sum,
            "avg" => AggregateFunction::Average,
            "min" => AggregateFunction::Minimum,
            "max" => AggregateFunction::Maximum,
            "bool_and" => AggregateFunction::All,
            "bool_or" => AggregateFunction::Any,
            "corr" => AggregateFunction::Correlation,
            "median" => AggregateFunction::Quantile(0.5),
            "stddev" | "stddev_samp" | "stddev_pop" | "variance" | "var_samp" | "var_pop" => {
                AggregateFunction::Variance {
                    sample: !name.ends_with("pop"),
                    root: name.starts_with("stddev"),
                }
            }
            "quantile_cont" if arguments.len() == 2 => {
                AggregateFunction::Quantile(fraction(arguments.remove(1))?)
            }
            "percentile_cont" if arguments.len() == 1 => {
                let fraction = fraction(arguments.remove(0))?;
                let [key] = call.within_group.as_slice() else {
                    return Err(refused(
                        "percentile_cont needs an order",
                        "write percentile_cont(0.5) within group (order by x)",
                    ));
                };
                arguments.push(&key.expr);
                AggregateFunction::Quantile(match key.options.asc {
                    Some(false) => 1.0 - fraction,
                    _ => fraction,
                })
            }
            "string_agg" if arguments.len() == 2 => {
                AggregateFunction::Joined(separator(arguments.remove(1))?)
            }
            _ => {
                return Err(refused(
                    format!("{name} has {} arguments", arguments.len()),
                    match name {
                        "string_agg" => "write string_agg(x, ',' order by x)",
                        "quantile_cont" => "write quantile_cont(x, 0.5)",
                        _ => "write percentile_cont(0.5) within group (order by x)",
                    },
                ));
            }
        };
        let joined = matches!(function, AggregateFunction::Joined(_));
        if joined && (order.is_empty() || distinct) {
            return Err(refused(
                "string_agg needs an order of all values",
                "write string_agg(x, ',' order by x), without distinct",
            ));
        }
        if !call.within_group.is_empty() && name != "percentile_cont" {
            return Err(unsupported("`within group` here", "leave it out"));
        }
        let wanted = if function == AggregateFunction::Correlation {
            2
        } else {
            1
        };
        if arguments.len() != wanted {
            return Err(refused(
                format!("{name} has {} arguments", arguments.len()),
                match name {
                    "count" => "write count(*), count(x) or count(distinct x)".to_owned(),
                    _ => format!("it takes {wanted}"),
                },
            ));
        }
        let mut bound = Vec::new();
        let mut result = Type::Number;
        for argument in arguments {
            let typed = self.expr(argument, clause)?;
            let (kinds, kind): (&[Type], Type) = match function {
                AggregateFunction::CountRows | AggregateFunction::Count => (&[], Type::Integer),
                AggregateFunction::Sum => (NUMERIC, typed.kind),
                AggregateFunction::Minimum | AggregateFunction::Maximum => (
                    &[Type::Integer, Type::Number, Type::Text, Type::Boolean],
                    typed.kind,
                ),
                AggregateFunction::All | AggregateFunction::Any => (&[Type::Boolean], typed.kind),
                AggregateFunction::Joined(_) => (&[Type::Text], typed.kind),
                AggregateFunction::Average
                | AggregateFunction::Quantile(_)
                | AggregateFunction::Variance { .. }
                | AggregateFunction::Correlation => (NUMERIC, Type::Number),
            };
            if !kinds.is_empty() && typed.kind != Type::Null && !kinds.contains(&typed.kind) {
                return Err(refused(
                    format!("`{}` is {}", shown(argument), typed.kind.name()),
                    match typed.kind {
                        Type::Boolean => "count with count(*) filter (where x)",
                        Type::Text => {
                            "convert it, cast(x as double), or aggregate with min, max or count"
                        }
                        Type::Integers | Type::Numbers => {
                            "aggregate one item, x[1], or list_sum(x)"
                        }
                        _ => "aggregate it with count",
                    },
                ));
            }
            result = kind;
            // The average of integers is exact.
            bound.push(match function {
                AggregateFunction::Average => typed.expr,
                _ if kind == Type::Number => typed.to(kind),
                _ => typed.expr,
            });
        }
        let mut keys = Vec::new();
        // Only the order of texts matters to a result.
        for item in order.iter().filter(|_| joined) {
            let key = self.expr(&item.expr, clause)?;
            keys.push(sort_key(key.expr, item)?);
        }
        let aggregate = Aggregate {
            function,
            arguments: bound,
            distinct,
            filter,
            order: keys,
        };
        Ok((aggregate, result))
    }
}

/// The `order by` within the arguments of an aggregate.
fn order_of(call: &Call) -> Result<&[OrderByExpr], QueryError> {
    let FunctionArguments::List(list) = &call.args else {
        return Ok(&[]);
    };
    match list.clauses.as_slice() {
        [] => Ok(&[]),
        [FunctionArgumentClause::OrderBy(order)] => Ok(order),
        _ => Err(unsupported(
            &format!("`{}`", shown(call)),
            "only `order by` may follow the arguments",
        )),
    }
}

fn fraction(expr: &Syntax) -> Result<f64, QueryError> {
    let number = digits(expr).and_then(|digits| digits.parse().ok());
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| {
            refused(
                format!("`{}` is no fraction", shown(expr)),
                "write a number from 0 to 1: quantile_cont(x, 0.25)",
            )
        })
}

fn separator(expr: &Syntax) -> Result<Rc<str>, QueryError> {
    if let Syntax::Value(value) = expr
        && let Literal::SingleQuotedString(text) = &value.value
    {
        return Ok(Rc::from(text.as_str()));
    }
    Err(refused(
        format!("`{}` is no separator", shown(expr)),
        "write a text: string_agg(x, ',' order by x)",
    ))
}
