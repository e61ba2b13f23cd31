//! Operators: arithmetic, comparisons, and, or, ||.

use sqlparser::ast::{BinaryOperator, Expr as Syntax, UnaryOperator};

use super::expression::{common, to_text};
use super::literal::{digits, number};
use super::{Binder, Clause, Typed, shown, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{Arithmetic, Comparison, Expr, Function};
use crate::value::{Type, Value};

impl Binder<'_> {
    pub(super) fn unary(
        &mut self,
        operator: UnaryOperator,
        operand: &Syntax,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        match operator {
            UnaryOperator::Not => {
                let operand = self.condition(operand, clause)?;
                Ok(Typed::new(Expr::Not(Box::new(operand)), Type::Boolean))
            }
            UnaryOperator::Plus | UnaryOperator::Minus => {
                if operator == UnaryOperator::Minus
                    && let Some(digits) = digits(operand)
                {
                    return number(&format!("-{digits}"));
                }
                let bound = self.expr(operand, clause)?;
                if !bound.kind.is_numeric() {
                    return Err(no_number(operand, bound.kind));
                }
                Ok(match operator {
                    UnaryOperator::Plus => bound,
                    _ => Typed::new(Expr::Negate(Box::new(bound.expr)), bound.kind),
                })
            }
            other => Err(unsupported(
                &format!("the operator `{other}`"),
                "write a function such as abs(x) or sqrt(x)",
            )),
        }
    }

    pub(super) fn binary(
        &mut self,
        left: &Syntax,
        operator: &BinaryOperator,
        right: &Syntax,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        let comparison = match operator {
            BinaryOperator::Eq => Some(Comparison::Equal),
            BinaryOperator::NotEq => Some(Comparison::Unequal),
            BinaryOperator::Lt => Some(Comparison::Less),
            BinaryOperator::LtEq => Some(Comparison::LessOrEqual),
            BinaryOperator::Gt => Some(Comparison::Greater),
            BinaryOperator::GtEq => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparison) = comparison {
            let (one, other) = self.pair(left, right, clause)?;
            let expr = Expr::Compare(comparison, Box::new(one), Box::new(other));
            return Ok(Typed::new(expr, Type::Boolean));
        }
        let arithmetic = match operator {
            BinaryOperator::Plus => Arithmetic::Add,
            BinaryOperator::Minus => Arithmetic::Subtract,
            BinaryOperator::Multiply => Arithmetic::Multiply,
            BinaryOperator::Divide => Arithmetic::Divide,
            BinaryOperator::Modulo => Arithmetic::Remainder,
            BinaryOperator::And | BinaryOperator::Or => {
                let one = self.condition(left, clause)?;
                let other = self.condition(right, clause)?;
                let expr = match (operator, one) {
                    (BinaryOperator::And, Expr::And(mut parts)) => {
                        parts.push(other);
                        Expr::And(parts)
                    }
                    (BinaryOperator::Or, Expr::Or(mut parts)) => {
                        parts.push(other);
                        Expr::Or(parts)
                    }
                    (BinaryOperator::And, one) => Expr::And(vec![one, other]),
                    (_, one) => Expr::Or(vec![one, other]),
                };
                return Ok(Typed::new(expr, Type::Boolean));
            }
            BinaryOperator::StringConcat => {
                let mut side = |side: &Syntax| {
                    let bound = self.expr(side, clause)?;
                    to_text(bound).ok_or_else(|| {
                        refused(
                            format!("`{}` cannot be joined to a text", shown(side)),
                            "join texts: cast(x as text) || 'a'",
                        )
                    })
                };
                let (one, other) = (side(left)?, side(right)?);
                // A null makes the whole text null, unlike with concat().
                let null = Expr::Or(vec![
                    Expr::IsNull(Box::new(one.clone())),
                    Expr::IsNull(Box::new(other.clone())),
                ]);
                let expr = Expr::Case {
                    branches: vec![(null, Expr::Literal(Value::Null))],
                    otherwise: Box::new(Expr::Call(Function::Concat, vec![one, other])),
                };
                return Ok(Typed::new(expr, Type::Text));
            }
            BinaryOperator::DuckIntegerDivide | BinaryOperator::MyIntegerDivide => {
                return Err(unsupported(
                    "integer division",
                    "write cast(floor(x / y) as bigint)",
                ));
            }
            BinaryOperator::PGExp | BinaryOperator::BitwiseXor => {
                return Err(unsupported(
                    &format!("the operator `{operator}`"),
                    "write power(x, y)",
                ));
            }
            other => {
                return Err(unsupported(
                    &format!("the operator `{other}`"),
                    "write it with comparisons, arithmetic, and, or, ||",
                ));
            }
        };
        let (one, other) = (self.expr(left, clause)?, self.expr(right, clause)?);
        for (side, bound) in [(left, &one), (right, &other)] {
            if !bound.kind.is_numeric() {
                return Err(no_number(side, bound.kind));
            }
        }
        let kind = match arithmetic {
            Arithmetic::Divide => Type::Number,
            _ => common([&one, &other])?,
        };
        let expr = Expr::Arithmetic(arithmetic, Box::new(one.to(kind)), Box::new(other.to(kind)));
        Ok(Typed::new(expr, kind))
    }
}

fn no_number(expr: &Syntax, kind: Type) -> QueryError {
    refused(
        format!("`{}` is {} and no number", shown(expr), kind.name()),
        match kind {
            Type::Text => "write cast(x as double), or `x || y` to join texts",
            Type::Boolean => "write cast(x as bigint), or `case when x then 1 else 0 end`",
            _ => "compute with one item, x[1], or with list_sum(x)",
        },
    )
}
