//! Expressions but functions.

use std::cell::RefCell;
use std::rc::Rc;

use sqlparser::ast::{
    self, AccessExpr, CastKind, CeilFloorKind, DateTimeField, Expr as Syntax, Subscript,
    TrimWhereField, Value as Literal,
};

use super::literal::{cast, escape, literal};
use super::query::mixed;
use super::{Binder, Clause, OuterFrame, Typed, shown, unsupported};
use crate::error::{QueryError, refused};
use crate::plan::{Comparison, Expr, Function, Plan, Subquery, SubqueryUse};
use crate::value::{Type, Value};

impl Binder<'_> {
    pub(super) fn expr(&mut self, expr: &Syntax, clause: &mut Clause) -> Result<Typed, QueryError> {
        self.deeper(|binder| binder.expr_here(expr, clause))
    }

    fn expr_here(&mut self, expr: &Syntax, clause: &mut Clause) -> Result<Typed, QueryError> {
        let boolean = |expr| Ok(Typed::new(expr, Type::Boolean));
        let not = |negated: bool, expr| match negated {
            true => Expr::Not(Box::new(expr)),
            false => expr,
        };
        match expr {
            Syntax::Identifier(name) => {
                let scope = clause.scope.clone();
                self.column(&scope, std::slice::from_ref(name))
            }
            Syntax::CompoundIdentifier(names) => {
                let scope = clause.scope.clone();
                self.column(&scope, names)
            }
            Syntax::Nested(inner) => self.expr(inner, clause),
            Syntax::Value(value) => literal(value),
            Syntax::UnaryOp { op, expr: operand } => self.unary(*op, operand, clause),
            Syntax::BinaryOp { left, op, right } => self.binary(left, op, right, clause),
            Syntax::IsNull(operand) => {
                let operand = self.expr(operand, clause)?.expr;
                boolean(Expr::IsNull(Box::new(operand)))
            }
            Syntax::IsNotNull(operand) => {
                let operand = self.expr(operand, clause)?.expr;
                boolean(not(true, Expr::IsNull(Box::new(operand))))
            }
            Syntax::IsTrue(operand) => self.is(operand, Value::Boolean(true), false, clause),
            Syntax::IsNotTrue(operand) => self.is(operand, Value::Boolean(true), true, clause),
            Syntax::IsFalse(operand) => self.is(operand, Value::Boolean(false), false, clause),
            Syntax::IsNotFalse(operand) => self.is(operand, Value::Boolean(false), true, clause),
            Syntax::IsUnknown(operand) => self.is(operand, Value::Null, false, clause),
            Syntax::IsNotUnknown(operand) => self.is(operand, Value::Null, true, clause),
            Syntax::IsDistinctFrom(one, other) | Syntax::IsNotDistinctFrom(one, other) => {
                let (one, other) = self.pair(one, other, clause)?;
                let distinct = Expr::IsDistinct(Box::new(one), Box::new(other));
                boolean(not(matches!(expr, Syntax::IsNotDistinctFrom(..)), distinct))
            }
            Syntax::Between {
                expr: operand,
                negated,
                low,
                high,
            } => {
                let (operand_low, low) = self.pair(operand, low, clause)?;
                let (operand_high, high) = self.pair(operand, high, clause)?;
                let compared =
                    |operator, one, other| Expr::Compare(operator, Box::new(one), Box::new(other));
                boolean(not(
                    *negated,
                    Expr::And(vec![
                        compared(Comparison::GreaterOrEqual, operand_low, low),
                        compared(Comparison::LessOrEqual, operand_high, high),
                    ]),
                ))
            }
            Syntax::InList {
                expr: operand,
                list,
                negated,
            } => {
                let operand = self.expr(operand, clause)?;
                let list = list.iter().map(|item| self.expr(item, clause));
                let list: Vec<Typed> = list.collect::<Result<_, _>>()?;
                let kind = common([&operand].into_iter().chain(&list))?;
                let list = list.into_iter().map(|item| item.to(kind)).collect();
                boolean(not(*negated, Expr::In(Box::new(operand.to(kind)), list)))
            }
            Syntax::InSubquery {
                expr: operand,
                subquery,
                negated,
            } => {
                let operand = self.expr(operand, clause)?;
                let (found, _) = self.subquery(subquery, clause, Some(operand))?;
                boolean(not(*negated, found))
            }
            Syntax::Exists { subquery, negated } => {
                let (plan, _, outer) = self.framed(subquery, clause)?;
                let found = Expr::Subquery {
                    use_: SubqueryUse::Exists,
                    outer,
                    query: remembered(plan),
                };
                boolean(not(*negated, found))
            }
            Syntax::Subquery(subquery) => {
                let (found, kind) = self.subquery(subquery, clause, None)?;
                Ok(Typed::new(found, kind))
            }
            Syntax::Like {
                negated,
                any: false,
                expr: operand,
                pattern,
                escape_char,
            }
            | Syntax::ILike {
                negated,
                any: false,
                expr: operand,
                pattern,
                escape_char,
            } => {
                let mut side = |side: &Syntax| -> Result<Box<Expr>, QueryError> {
                    let bound = self.expr(side, clause)?;
                    match bound.kind {
                        Type::Text | Type::Null => Ok(Box::new(bound.expr)),
                        other => Err(refused(
                            format!("`{}` is {} and no text", shown(side), other.name()),
                            "write cast(x as text) like '...'",
                        )),
                    }
                };
                let like = Expr::Like {
                    expr: side(operand)?,
                    pattern: side(pattern)?,
                    escape: escape_char.as_ref().map(escape).transpose()?,
                    ignore_case: matches!(expr, Syntax::ILike { .. }),
                };
                boolean(not(*negated, like))
            }
            Syntax::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(
                operand.as_deref(),
                conditions,
                else_result.as_deref(),
                clause,
            ),
            Syntax::Cast {
                kind,
                expr: operand,
                data_type,
                array: false,
                format: None,
            } => {
                let operand = self.expr(operand, clause)?;
                cast(operand, data_type, matches!(kind, CastKind::TryCast))
            }
            Syntax::Function(function) => self.function(function, clause),
            Syntax::Ceil { expr, field } => self.rounded(Function::Ceiling, expr, field, clause),
            Syntax::Floor { expr, field } => self.rounded(Function::Floor, expr, field, clause),
            Syntax::Position { expr: part, r#in } => {
                let arguments = [r#in.as_ref(), part.as_ref()];
                self.call(Function::Position, "position", &arguments, clause)
            }
            Syntax::Substring {
                expr: operand,
                substring_from,
                substring_for,
                ..
            } => {
                let first = Syntax::value(Literal::Number("1".to_owned(), false));
                let mut arguments = vec![
                    operand.as_ref(),
                    substring_from.as_deref().unwrap_or(&first),
                ];
                arguments.extend(substring_for.as_deref());
                self.call(Function::Substring, "substring", &arguments, clause)
            }
            Syntax::Trim {
                trim_where,
                trim_what,
                expr: operand,
                trim_characters,
            } => {
                let function = match trim_where {
                    None | Some(TrimWhereField::Both) => Function::Trim,
                    Some(TrimWhereField::Leading) => Function::TrimStart,
                    Some(TrimWhereField::Trailing) => Function::TrimEnd,
                };
                let mut arguments = vec![operand.as_ref()];
                arguments.extend(trim_what.as_deref());
                arguments.extend(trim_characters.iter().flatten());
                self.call(function, "trim", &arguments, clause)
            }
            Syntax::CompoundFieldAccess { root, access_chain } => match access_chain.as_slice() {
                [AccessExpr::Subscript(Subscript::Index { index })] => {
                    self.call(Function::Item, "a subscript", &[root, index], clause)
                }
                _ => Err(unsupported(
                    &format!("`{}`", shown(expr)),
                    "write x[1] for the first item of a list",
                )),
            },
            Syntax::AnyOp { .. } | Syntax::AllOp { .. } => Err(unsupported(
                "a comparison with `any` or `all`",
                "write `x in (select ...)`, or compare with `(select max(y) from ...)`",
            )),
            Syntax::Tuple(_) => Err(unsupported(
                "a row of several values",
                "write `exists (select * from t where t.a = a and t.b = b)`",
            )),
            Syntax::SimilarTo { .. } | Syntax::RLike { .. } => {
                Err(unsupported("a regular expression", "write `x like 'a%'`"))
            }
            Syntax::GroupingSets(_) | Syntax::Cube(_) | Syntax::Rollup(_) => Err(unsupported(
                "`grouping sets`, `cube` or `rollup`",
                "join queries with `union all`",
            )),
            Syntax::Interval(_)
            | Syntax::TypedString(_)
            | Syntax::Extract { .. }
            | Syntax::AtTimeZone { .. } => Err(unsupported("a date or time", "no table has one")),
            _ => Err(unsupported(
                &format!("`{}`", shown(expr)),
                "write it with comparisons, arithmetic, case, in, like or a function",
            )),
        }
    }

    /// A condition: an expression that is true, false or null.
    pub(super) fn condition(
        &mut self,
        expr: &Syntax,
        clause: &mut Clause,
    ) -> Result<Expr, QueryError> {
        let Typed { expr: bound, kind } = self.expr(expr, clause)?;
        match kind {
            Type::Boolean | Type::Null => Ok(bound),
            other => Err(refused(
                format!("`{}` is {} and no condition", shown(expr), other.name()),
                "compare it: `x <> 0`",
            )),
        }
    }

    /// Two operands, converted to a common type.
    pub(super) fn pair(
        &mut self,
        one: &Syntax,
        other: &Syntax,
        clause: &mut Clause,
    ) -> Result<(Expr, Expr), QueryError> {
        let (one, other) = (self.expr(one, clause)?, self.expr(other, clause)?);
        let kind = common([&one, &other])?;
        Ok((one.to(kind), other.to(kind)))
    }

    /// `is [not] true`, `false` or `unknown`.
    fn is(
        &mut self,
        operand: &Syntax,
        value: Value,
        negated: bool,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        let operand = Box::new(self.condition(operand, clause)?);
        let differs = Expr::IsDistinct(operand, Box::new(Expr::Literal(value)));
        let expr = match negated {
            true => differs,
            false => Expr::Not(Box::new(differs)),
        };
        Ok(Typed::new(expr, Type::Boolean))
    }

    fn case(
        &mut self,
        operand: Option<&Syntax>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&Syntax>,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        let mut branches = Vec::new();
        for branch in conditions {
            let when = match operand {
                Some(operand) => {
                    let (one, other) = self.pair(operand, &branch.condition, clause)?;
                    Expr::Compare(Comparison::Equal, Box::new(one), Box::new(other))
                }
                None => self.condition(&branch.condition, clause)?,
            };
            branches.push((when, self.expr(&branch.result, clause)?));
        }
        let otherwise = match otherwise {
            Some(otherwise) => self.expr(otherwise, clause)?,
            None => Typed::new(Expr::Literal(Value::Null), Type::Null),
        };
        let kind = common(branches.iter().map(|(_, then)| then).chain([&otherwise]))?;
        let branches = branches
            .into_iter()
            .map(|(when, then)| (when, then.to(kind)));
        let expr = Expr::Case {
            branches: branches.collect(),
            otherwise: Box::new(otherwise.to(kind)),
        };
        Ok(Typed::new(expr, kind))
    }

    fn rounded(
        &mut self,
        function: Function,
        operand: &Syntax,
        field: &CeilFloorKind,
        clause: &mut Clause,
    ) -> Result<Typed, QueryError> {
        match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => {
                self.call(function, "floor or ceil", &[operand], clause)
            }
            _ => Err(unsupported(
                "floor or ceil with a second argument",
                "write round(x, digits)",
            )),
        }
    }

    /// A query within an expression, and what it reads of the row around it.
    fn framed(
        &mut self,
        query: &ast::Query,
        clause: &Clause,
    ) -> Result<(Plan, Vec<super::Output>, Vec<Expr>), QueryError> {
        self.frames.push(OuterFrame {
            scope: clause.scope.clone(),
            read: Vec::new(),
        });
        let bound = self.query(query);
        let frame = self.frames.pop();
        let (plan, outputs) = bound?;
        Ok((
            plan,
            outputs,
            frame.map_or_else(Vec::new, |frame| frame.read),
        ))
    }

    /// A query that stands for a value, or, with an operand, for whether it has the operand among its rows.
    fn subquery(
        &mut self,
        query: &ast::Query,
        clause: &Clause,
        operand: Option<Typed>,
    ) -> Result<(Expr, Type), QueryError> {
        let (plan, outputs, outer) = self.framed(query, clause)?;
        let [output] = outputs.as_slice() else {
            return Err(refused(
                format!("a subquery in an expression has {} columns", outputs.len()),
                "select one column there",
            ));
        };
        let (plan, use_, kind) = match operand {
            None => (plan, SubqueryUse::Value, output.kind),
            Some(operand) => {
                let common = operand.kind.with(output.kind);
                let common = common.ok_or_else(|| mixed(operand.kind, output.kind))?;
                let items = vec![Expr::Column(0).cast(output.kind, common)];
                let plan = Plan::Project {
                    input: Box::new(plan),
                    items,
                };
                let use_ = SubqueryUse::Contains(Box::new(operand.to(common)));
                (plan, use_, Type::Boolean)
            }
        };
        let query = remembered(plan);
        Ok((Expr::Subquery { use_, outer, query }, kind))
    }
}

fn remembered(plan: Plan) -> Rc<Subquery> {
    Rc::new(Subquery {
        plan,
        rows: RefCell::default(),
    })
}

/// The type that holds the values of all.
pub(super) fn common<'a>(typed: impl IntoIterator<Item = &'a Typed>) -> Result<Type, QueryError> {
    typed.into_iter().try_fold(Type::Null, |kind, next| {
        kind.with(next.kind).ok_or_else(|| mixed(kind, next.kind))
    })
}

/// A value as text, if it has one that engines agree on.
pub(super) fn to_text(typed: Typed) -> Option<Expr> {
    match typed.kind {
        Type::Text | Type::Null => Some(typed.expr),
        Type::Integer | Type::Number | Type::Boolean => Some(typed.to(Type::Text)),
        Type::Bytes | Type::Integers | Type::Numbers => None,
    }
}
