//! Functions of values of one row, by name.

use eigenscope_plan::file::did_you_mean;
use sqlparser::ast::{
    DuplicateTreatment, Expr as Syntax, Function as Call, FunctionArg, FunctionArgExpr,
    FunctionArguments, ObjectNamePart,
};

use super::aggregate::aggregate_named;
use super::expression::{common, to_text};
use super::window::{WINDOWS, is_window};
use super::{Binder, Clause, Typed, shown, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{Expr, Function};
use crate::value::{Type, Value};

/// Names of functions of one row. A second name means the same.
const FUNCTIONS: &[(&str, Function)] = &[
    ("abs", Function::Abs),
    ("array_length", Function::Length),
    ("cardinality", Function::Length),
    ("ceil", Function::Ceiling),
    ("ceiling", Function::Ceiling),
    ("char_length", Function::Length),
    ("character_length", Function::Length),
    ("coalesce", Function::Coalesce),
    ("concat", Function::Concat),
    ("contains", Function::Contains),
    ("ends_with", Function::EndsWith),
    ("exp", Function::Exponential),
    ("floor", Function::Floor),
    ("greatest", Function::Greatest),
    ("ifnull", Function::Coalesce),
    ("isfinite", Function::IsFinite),
    ("isinf", Function::IsInfinite),
    ("isnan", Function::IsNan),
    ("least", Function::Least),
    ("left", Function::Left),
    ("len", Function::Length),
    ("length", Function::Length),
    ("list_avg", Function::ListAverage),
    ("list_contains", Function::Contains),
    ("list_max", Function::ListMaximum),
    ("list_min", Function::ListMinimum),
    ("list_sum", Function::ListSum),
    ("ln", Function::NaturalLog),
    ("log10", Function::Log10),
    ("log2", Function::Log2),
    ("lower", Function::Lower),
    ("ltrim", Function::TrimStart),
    ("nullif", Function::NullIf),
    ("pow", Function::Power),
    ("power", Function::Power),
    ("replace", Function::Replace),
    ("reverse", Function::Reverse),
    ("right", Function::Right),
    ("round", Function::Round),
    ("rtrim", Function::TrimEnd),
    ("sign", Function::Sign),
    ("split_part", Function::SplitPart),
    ("sqrt", Function::SquareRoot),
    ("starts_with", Function::StartsWith),
    ("strpos", Function::Position),
    ("substr", Function::Substring),
    ("substring", Function::Substring),
    ("trim", Function::Trim),
    ("trunc", Function::Truncate),
    ("upper", Function::Upper),
];

/// Functions that engines answer differently, or that are not supported, with what to write instead.
const INSTEAD: &[(&str, &str)] = &[
    ("any_value", "write min(x), or group by x"),
    (
        "array_agg",
        "write string_agg(cast(x as text), ',' order by x)",
    ),
    ("columns", "name the columns"),
    ("first", "write min(x), or first_value(x) over (order by y)"),
    ("group_concat", "write string_agg(x, ',' order by x)"),
    ("grouping", "join queries with `union all`"),
    ("if", "write `case when x then y else z end`"),
    ("last", "write max(x), or last_value(x) over (order by y)"),
    ("list", "write string_agg(cast(x as text), ',' order by x)"),
    ("log", "write ln(x), log2(x) or log10(x)"),
    ("mean", "write avg(x)"),
    ("mod", "write x % y"),
    (
        "mode",
        "count with group by and take the first row: order by count(*) desc limit 1",
    ),
    ("quantile", "write quantile_cont(x, 0.5)"),
    ("random", "every query has the same answer each time"),
    ("std", "write stddev_samp(x) or stddev_pop(x)"),
    ("total", "write coalesce(sum(x), 0)"),
    ("unnest", "write x[1] for one item, or list_sum(x)"),
];

impl Binder<'_> {
    pub(super) fn function(
        &mut self,
        call: &Call,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        let name = match call.name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => name.value.to_lowercase(),
            _ => {
                return Err(unsupported(
                    &format!("the function `{}`", call.name),
                    "write its name alone",
                ));
            }
        };
        if call.parameters != FunctionArguments::None || call.uses_odbc_syntax {
            return Err(unsupported(
                &format!("`{}`", shown(call)),
                "write name(argument, ...)",
            ));
        }
        if call.null_treatment.is_some() {
            return Err(unsupported(
                "`ignore nulls`",
                "leave null rows out first: where x is not null",
            ));
        }
        if let Some(over) = &call.over {
            return self.window_function(&name, call, over, clause);
        }
        if is_window(&name) {
            return Err(refused(
                format!("`{name}` needs `over`"),
                format!("write {name}(...) over (order by x)"),
            ));
        }
        if aggregate_named(&name) {
            return self.aggregate_function(&name, call, clause);
        }
        if let Some((_, advice)) = INSTEAD.iter().find(|(known, _)| *known == name) {
            return Err(unsupported(&format!("the function `{name}`"), advice));
        }
        let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let names = FUNCTIONS.iter().map(|(name, _)| *name);
            let names = names
                .chain(super::aggregate::AGGREGATES.iter().copied())
                .chain(WINDOWS.iter().copied());
            return Err(refused(
                format!("there is no function `{name}`"),
                did_you_mean("functions", &name, names.collect::<Vec<_>>()),
            ));
        };
        let (distinct, arguments) = arguments(call)?;
        if distinct || call.filter.is_some() || !call.within_group.is_empty() {
            return Err(refused(
                format!("`{name}` is no aggregate"),
                "leave `distinct`, `filter` and `within group` out",
            ));
        }
        self.call(*function, &name, &arguments, clause)
    }

    /// A call of a function of one row.
    pub(super) fn call(
        &mut self,
        function: Function,
        name: &str,
        arguments: &[&Syntax],
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        let signature = signature(function, name);
        let counts = match signature {
            Some((takes, optional, _)) => takes.len() - optional..=takes.len(),
            None if function == Function::NullIf || name == "ifnull" => 2..=2,
            None => 1..=usize::MAX,
        };
        if !counts.contains(&arguments.len()) {
            let wanted = match (counts.start(), counts.end()) {
                (least, &usize::MAX) => format!("at least {least}"),
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} or {most}"),
            };
            return Err(refused(
                format!("{name} has {} arguments", arguments.len()),
                format!("it takes {wanted}"),
            ));
        }
        let bound = arguments.iter().map(|argument| self.expr(argument, clause));
        let bound: Vec<Typed> = bound.collect::<Result<_, _>>()?;
        let Some((takes, _, result)) = signature else {
            return of_one_type(function, bound);
        };
        let first = bound[0].kind;
        let takes = match (function, first) {
            (Function::Contains, Type::Integers) => &[LIST, INTEGER],
            (Function::Contains, Type::Numbers) => &[LIST, NUMBER],
            _ => takes,
        };
        let mut values = Vec::new();
        for ((typed, wanted), argument) in bound.into_iter().zip(takes).zip(arguments) {
            values.push(match typed.kind {
                Type::Null => Expr::Literal(Value::Null),
                kind if wanted.contains(&kind) => typed.expr,
                Type::Integer if wanted.contains(&Type::Number) => typed.to(Type::Number),
                kind => {
                    let names: Vec<&str> = wanted.iter().map(|kind| kind.name()).collect();
                    return Err(refused(
                        format!("`{}` is {}", shown(argument), kind.name()),
                        format!("{name} takes {} there", names.join(" or ")),
                    ));
                }
            });
        }
        Ok(Typed::new(Expr::Call(function, values), result(first)))
    }
}

/// What each argument of a function can be, how many of the last ones can be left out, and the type of the result
/// given that of the first argument.
type Signature = (&'static [&'static [Type]], usize, fn(Type) -> Type);

pub(super) const NUMERIC: &[Type] = &[Type::Integer, Type::Number];
const INTEGER: &[Type] = &[Type::Integer];
const NUMBER: &[Type] = &[Type::Number];
const TEXT: &[Type] = &[Type::Text];
const LIST: &[Type] = &[Type::Integers, Type::Numbers];
const TEXT_OR_LIST: &[Type] = &[Type::Text, Type::Integers, Type::Numbers];

/// The signature of a function; `None` if it takes any number of values that have a type in common.
fn signature(function: Function, name: &str) -> Option<Signature> {
    let item = |list| match list {
        Type::Integers => Type::Integer,
        _ => Type::Number,
    };
    Some(match function {
        Function::Coalesce
        | Function::Greatest
        | Function::Least
        | Function::NullIf
        | Function::Concat => return None,
        Function::Abs => (&[NUMERIC], 0, |first| first),
        Function::Sign => (&[NUMERIC], 0, |_| Type::Integer),
        Function::Round => (&[NUMERIC, INTEGER], 1, |first| first),
        Function::Floor
        | Function::Ceiling
        | Function::Truncate
        | Function::SquareRoot
        | Function::Exponential
        | Function::NaturalLog
        | Function::Log2
        | Function::Log10 => (&[NUMBER], 0, |_| Type::Number),
        Function::Power => (&[NUMBER, NUMBER], 0, |_| Type::Number),
        Function::IsNan | Function::IsInfinite | Function::IsFinite => {
            (&[NUMBER], 0, |_| Type::Boolean)
        }
        Function::Length => match name {
            "char_length" | "character_length" => (&[TEXT], 0, |_| Type::Integer),
            "array_length" | "cardinality" => (&[LIST], 0, |_| Type::Integer),
            _ => (&[TEXT_OR_LIST], 0, |_| Type::Integer),
        },
        Function::Item => (&[LIST, INTEGER], 0, item),
        Function::ListSum | Function::ListMinimum | Function::ListMaximum => (&[LIST], 0, item),
        Function::ListAverage => (&[LIST], 0, |_| Type::Number),
        Function::Left | Function::Right => (&[TEXT, INTEGER], 0, |_| Type::Text),
        Function::Substring => (&[TEXT, INTEGER, INTEGER], 1, |_| Type::Text),
        Function::SplitPart => (&[TEXT, TEXT, INTEGER], 0, |_| Type::Text),
        Function::Position => (&[TEXT, TEXT], 0, |_| Type::Integer),
        Function::StartsWith | Function::EndsWith | Function::Contains => {
            (&[TEXT, TEXT], 0, |_| Type::Boolean)
        }
        Function::Lower | Function::Upper | Function::Reverse => (&[TEXT], 0, |_| Type::Text),
        Function::Trim | Function::TrimStart | Function::TrimEnd => {
            (&[TEXT, TEXT], 1, |_| Type::Text)
        }
        Function::Replace => (&[TEXT, TEXT, TEXT], 0, |_| Type::Text),
    })
}

/// A call with values that are converted to the type they have in common; `concat` takes them as texts.
fn of_one_type(function: Function, values: Vec<Typed>) -> Result<Typed, QueryError> {
    if function == Function::Concat {
        let texts = values.into_iter().map(to_text).collect::<Option<Vec<_>>>();
        let texts = texts.ok_or_else(|| {
            refused(
                "concat() joins texts, numbers and booleans",
                "take one item of a list: x[1]",
            )
        })?;
        return Ok(Typed::new(Expr::Call(function, texts), Type::Text));
    }
    let kind = common(&values)?;
    let values = values.into_iter().map(|typed| typed.to(kind));
    Ok(Typed::new(Expr::Call(function, values.collect()), kind))
}

/// Whether the arguments of a call are `distinct`, and the arguments.
pub(super) fn arguments(call: &Call) -> Result<(bool, Vec<&Syntax>), QueryError> {
    let list = match &call.args {
        FunctionArguments::List(list) => list,
        FunctionArguments::None => return Ok((false, Vec::new())),
        FunctionArguments::Subquery(_) => {
            return Err(unsupported(
                "a query as the argument of a function",
                "put it in parentheses: f((select ...))",
            ));
        }
    };
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
        _ => Err(unsupported(
            &format!("the argument `{argument}` of `{}`", call.name),
            "write count(*), or name a column",
        )),
    });
    Ok((
        list.duplicate_treatment == Some(DuplicateTreatment::Distinct),
        arguments.collect::<Result<_, _>>()?,
    ))
}
