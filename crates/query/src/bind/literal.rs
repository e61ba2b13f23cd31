//! Literals and conversions.

use sqlparser::ast::{DataType, Expr as Syntax, Value as Literal, ValueWithSpan};

use super::{Typed, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::Expr;
use crate::value::{Type, Value};

pub(super) fn literal(value: &ValueWithSpan) -> Result<Typed, QueryError> {
    let (value, kind) = match &value.value {
        Literal::Null => (Value::Null, Type::Null),
        Literal::Boolean(value) => (Value::Boolean(*value), Type::Boolean),
        Literal::SingleQuotedString(text) => (Value::text(text), Type::Text),
        Literal::Number(text, false) => return number(text),
        Literal::Placeholder(name) => {
            return Err(unsupported(
                &format!("the placeholder `{name}`"),
                "write the value itself",
            ));
        }
        other => {
            return Err(unsupported(
                &format!("the literal `{other}`"),
                "write 1, 0.5, 'text', true, false or null",
            ));
        }
    };
    Ok(Typed::new(Expr::Literal(value), kind))
}

pub(super) fn number(text: &str) -> Result<Typed, QueryError> {
    let wrong = || {
        refused(
            format!("`{text}` does not fit a number"),
            "integers have 64 bits, other numbers double precision",
        )
    };
    if text.contains(['.', 'e', 'E']) {
        let value: f64 = text.parse().map_err(|_| wrong())?;
        if !value.is_finite() {
            return Err(wrong());
        }
        return Ok(Typed::new(
            Expr::Literal(Value::Number(value)),
            Type::Number,
        ));
    }
    let value: i64 = text.parse().map_err(|_| wrong())?;
    Ok(Typed::new(
        Expr::Literal(Value::Integer(value)),
        Type::Integer,
    ))
}

/// The digits of an expression that is a number.
pub(super) fn digits(expr: &Syntax) -> Option<&str> {
    match expr {
        Syntax::Value(ValueWithSpan {
            value: Literal::Number(text, _),
            ..
        }) => Some(text),
        _ => None,
    }
}

pub(super) fn escape(value: &ValueWithSpan) -> Result<char, QueryError> {
    let wrong = || {
        refused(
            "`escape` takes one character",
            r"write `like '100\%' escape '\'`",
        )
    };
    match &value.value {
        Literal::SingleQuotedString(text) => {
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(one), None) => Ok(one),
                _ => Err(wrong()),
            }
        }
        _ => Err(wrong()),
    }
}

pub(super) fn cast(operand: Typed, to: &DataType, or_null: bool) -> Result<Typed, QueryError> {
    let kind = match to.to_string().to_uppercase().as_str() {
        "BIGINT" | "INT8" | "INTEGER" | "INT" => Type::Integer,
        "DOUBLE" | "DOUBLE PRECISION" | "FLOAT8" => Type::Number,
        "TEXT" | "VARCHAR" | "STRING" => Type::Text,
        "BOOLEAN" | "BOOL" => Type::Boolean,
        _ => {
            return Err(unsupported(
                &format!("the type `{to}`"),
                "write bigint, double, text or boolean",
            ));
        }
    };
    let possible = match (operand.kind, kind) {
        (from, to) if from == to => return Ok(operand),
        (Type::Null, _) => true,
        (Type::Boolean | Type::Integer, _) => true,
        (Type::Number, Type::Boolean) => false,
        (Type::Number | Type::Text, _) => true,
        (Type::Bytes | Type::Integers | Type::Numbers, _) => false,
    };
    if !possible {
        return Err(refused(
            format!(
                "{} cannot be converted to {}",
                operand.kind.name(),
                kind.name()
            ),
            "compare a number, `x <> 0`; take one item of a list, x[1]",
        ));
    }
    let expr = Expr::Cast {
        expr: Box::new(operand.expr),
        to: kind,
        or_null,
    };
    Ok(Typed::new(expr, kind))
}
