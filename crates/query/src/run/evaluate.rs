//! The value of an expression in a row.

use std::collections::HashSet;
use std::rc::Rc;

use super::functions;
use super::relation::Row;
use super::{Relation, Runner};
use crate::error::{QueryError, refused};
use crate::plan::{Arithmetic, Comparison, Expr, Function, Subquery, SubqueryUse};
use crate::value::{Type, Value, number_text};

/// The rows of a subquery for some outer values.
#[derive(Debug)]
pub(crate) struct SubqueryRows {
    rows: Relation,
    /// Values of the only column, for `in`.
    members: HashSet<Value>,
}

impl Runner<'_> {
    pub(crate) fn value(
        &self,
        expr: &Expr,
        row: Row<'_>,
        outer: &[Value],
    ) -> Result<Value, QueryError> {
        let value = |expr: &Expr| self.value(expr, row, outer);
        Ok(match expr {
            Expr::Literal(literal) => literal.clone(),
            Expr::Column(index) => row.get(*index).clone(),
            Expr::Outer(index) => outer[*index].clone(),
            // Both are columns by the time a plan runs.
            Expr::Aggregate(_) | Expr::Window(_) => Value::Null,
            Expr::Cast { expr, to, or_null } => match cast(value(expr)?, *to) {
                Err(_) if *or_null => Value::Null,
                converted => converted?,
            },
            Expr::Not(expr) => match value(expr)? {
                Value::Boolean(value) => Value::Boolean(!value),
                _ => Value::Null,
            },
            Expr::Negate(expr) => match value(expr)? {
                Value::Integer(value) => {
                    Value::Integer(value.checked_neg().ok_or_else(|| overflow("-"))?)
                }
                Value::Number(value) => Value::Number(-value),
                _ => Value::Null,
            },
            Expr::Arithmetic(operator, one, other) => {
                arithmetic(*operator, &value(one)?, &value(other)?)?
            }
            Expr::Compare(operator, one, other) => compare(*operator, &value(one)?, &value(other)?),
            Expr::And(parts) => self.decided(parts, row, outer, false)?,
            Expr::Or(parts) => self.decided(parts, row, outer, true)?,
            Expr::IsNull(expr) => Value::Boolean(value(expr)?.is_null()),
            Expr::IsDistinct(one, other) => Value::Boolean(value(one)? != value(other)?),
            Expr::Case {
                branches,
                otherwise,
            } => {
                for (when, then) in branches {
                    if value(when)?.is_true() {
                        return value(then);
                    }
                }
                value(otherwise)?
            }
            Expr::In(expr, list) => {
                let wanted = value(expr)?;
                if wanted.is_null() {
                    return Ok(Value::Null);
                }
                let mut unknown = false;
                for item in list {
                    match value(item)? {
                        item if item == wanted => return Ok(Value::Boolean(true)),
                        item => unknown |= item.is_null(),
                    }
                }
                contained(false, unknown)
            }
            Expr::Like {
                expr,
                pattern,
                escape,
                ignore_case,
            } => match (value(expr)?, value(pattern)?) {
                (Value::Text(text), Value::Text(pattern)) => {
                    Value::Boolean(functions::like(&text, &pattern, *escape, *ignore_case)?)
                }
                _ => Value::Null,
            },
            Expr::Call(Function::Coalesce, arguments) => {
                for argument in arguments {
                    let found = value(argument)?;
                    if !found.is_null() {
                        return Ok(found);
                    }
                }
                Value::Null
            }
            Expr::Call(function, arguments) => {
                functions::call(*function, &self.tuple(arguments, row, outer)?)?
            }
            Expr::Subquery {
                use_,
                outer: read,
                query,
            } => {
                let rows = self.subquery(query, self.tuple(read, row, outer)?, use_)?;
                match use_ {
                    SubqueryUse::Exists => Value::Boolean(rows.rows.rows > 0),
                    SubqueryUse::Contains(expr) => match value(expr)? {
                        _ if rows.rows.rows == 0 => Value::Boolean(false),
                        Value::Null => Value::Null,
                        wanted => contained(
                            rows.members.contains(&wanted),
                            rows.members.contains(&Value::Null),
                        ),
                    },
                    SubqueryUse::Value => match rows.rows.rows {
                        0 => Value::Null,
                        1 => rows.rows.columns[0].get(0).clone(),
                        count => {
                            return Err(refused(
                                format!("a subquery that stands for one value has {count} rows"),
                                "aggregate it, such as with max(), or write `x in (select ...)`",
                            ));
                        }
                    },
                }
            }
        })
    }

    /// `and` (decided by false) or `or` (decided by true) of the parts, in their order.
    fn decided(
        &self,
        parts: &[Expr],
        row: Row<'_>,
        outer: &[Value],
        deciding: bool,
    ) -> Result<Value, QueryError> {
        let mut unknown = false;
        for part in parts {
            match self.value(part, row, outer)? {
                Value::Boolean(value) if value == deciding => return Ok(Value::Boolean(deciding)),
                Value::Boolean(_) => {}
                _ => unknown = true,
            }
        }
        Ok(match unknown {
            true => Value::Null,
            false => Value::Boolean(!deciding),
        })
    }

    fn subquery(
        &self,
        query: &Rc<Subquery>,
        outer: Vec<Value>,
        use_: &SubqueryUse,
    ) -> Result<Rc<SubqueryRows>, QueryError> {
        if let Some(known) = query.rows.borrow().get(&outer) {
            return Ok(known.clone());
        }
        let rows = self.rows(&query.plan, &outer)?;
        let members = match use_ {
            SubqueryUse::Contains(_) => (0..rows.rows)
                .map(|row| rows.columns[0].get(row).clone())
                .collect(),
            SubqueryUse::Value | SubqueryUse::Exists => HashSet::new(),
        };
        let found = Rc::new(SubqueryRows { rows, members });
        query.rows.borrow_mut().insert(outer, found.clone());
        Ok(found)
    }
}

/// Whether a value is in a list, given whether it was found and whether the list has a null.
fn contained(found: bool, unknown: bool) -> Value {
    match (found, unknown) {
        (true, _) => Value::Boolean(true),
        (false, true) => Value::Null,
        (false, false) => Value::Boolean(false),
    }
}

fn compare(operator: Comparison, one: &Value, other: &Value) -> Value {
    if one.is_null() || other.is_null() {
        return Value::Null;
    }
    let order = one.cmp(other);
    Value::Boolean(match operator {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

pub(super) fn arithmetic(
    operator: Arithmetic,
    one: &Value,
    other: &Value,
) -> Result<Value, QueryError> {
    Ok(match (one, other) {
        (&Value::Integer(one), &Value::Integer(other)) => {
            let (result, sign) = match operator {
                Arithmetic::Add => (one.checked_add(other), "+"),
                Arithmetic::Subtract => (one.checked_sub(other), "-"),
                Arithmetic::Multiply => (one.checked_mul(other), "*"),
                Arithmetic::Divide | Arithmetic::Remainder if other == 0 => return Err(by_zero()),
                Arithmetic::Divide => return Ok(Value::Number(one as f64 / other as f64)),
                Arithmetic::Remainder => (Some(one.wrapping_rem(other)), "%"),
            };
            Value::Integer(result.ok_or_else(|| overflow(&format!("{one} {sign} {other}")))?)
        }
        (&Value::Number(one), &Value::Number(other)) => Value::Number(match operator {
            Arithmetic::Add => one + other,
            Arithmetic::Subtract => one - other,
            Arithmetic::Multiply => one * other,
            Arithmetic::Divide | Arithmetic::Remainder if other == 0.0 => return Err(by_zero()),
            Arithmetic::Divide => one / other,
            Arithmetic::Remainder => one % other,
        }),
        _ => Value::Null,
    })
}

fn by_zero() -> QueryError {
    refused(
        "a division by zero",
        "write `x / nullif(y, 0)` for null there",
    )
}

pub(super) fn overflow(what: &str) -> QueryError {
    refused(
        format!("`{what}` does not fit a signed 64-bit integer"),
        "write `cast(x as double)` to compute with double precision",
    )
}

fn cast(value: Value, to: Type) -> Result<Value, QueryError> {
    let failed = |text: &str| {
        refused(
            format!("`{text}` is no {}", to.name()),
            "write try_cast(x as ...) for null where a value cannot be converted",
        )
    };
    Ok(match (value, to) {
        (Value::Null, _) => Value::Null,
        (Value::Integer(value), Type::Number) => Value::Number(value as f64),
        (Value::Boolean(value), Type::Integer) => Value::Integer(value.into()),
        (Value::Boolean(value), Type::Number) => Value::Number(f64::from(u8::from(value))),
        (Value::Integer(value), Type::Boolean) => Value::Boolean(value != 0),
        (Value::Number(value), Type::Integer) => {
            let rounded = value.round_ties_even();
            // 2^63, which is a double, is one too many.
            if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
                return Err(failed(&number_text(value)));
            }
            Value::Integer(rounded as i64)
        }
        (Value::Text(text), Type::Integer) => {
            Value::Integer(text.trim().parse().map_err(|_| failed(&text))?)
        }
        (Value::Text(text), Type::Number) => {
            Value::Number(text.trim().parse().map_err(|_| failed(&text))?)
        }
        (Value::Text(text), Type::Boolean) => match text.trim().to_lowercase().as_str() {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            _ => return Err(failed(&text)),
        },
        (Value::Boolean(value), Type::Text) => Value::text(&value.to_string()),
        (Value::Integer(value), Type::Text) => Value::text(&value.to_string()),
        (Value::Number(value), Type::Text) => Value::text(&number_text(value)),
        (value, _) => value,
    })
}
