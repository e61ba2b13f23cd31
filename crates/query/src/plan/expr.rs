//! Expressions over the columns of a row.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::Plan;
use crate::run::SubqueryRows;
use crate::value::{Type, Value};

/// An expression over the columns of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Literal(Value),
    Column(usize),
    /// A value of the row of the query around this one.
    Outer(usize),
    /// While a query is bound: the aggregate at this position of those that it collects.
    Aggregate(usize),
    /// While a query is bound: the window function at this position.
    Window(usize),
    Cast {
        expr: Box<Expr>,
        to: Type,
        /// Whether what cannot be converted is null instead of an error.
        or_null: bool,
    },
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    IsNull(Box<Expr>),
    /// Whether two values differ, where null equals null.
    IsDistinct(Box<Expr>, Box<Expr>),
    Case {
        branches: Vec<(Expr, Expr)>,
        otherwise: Box<Expr>,
    },
    In(Box<Expr>, Vec<Expr>),
    Like {
        expr: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<char>,
        ignore_case: bool,
    },
    Call(Function, Vec<Expr>),
    Subquery {
        use_: SubqueryUse,
        /// What the subquery reads of the row around it.
        outer: Vec<Expr>,
        query: Rc<Subquery>,
    },
}

/// What a subquery is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SubqueryUse {
    /// Its only value.
    Value,
    /// Whether it has a row.
    Exists,
    /// Whether the value is among its rows.
    Contains(Box<Expr>),
}

/// A query inside an expression, with the rows it had for each combination of outer values.
#[derive(Debug)]
pub(crate) struct Subquery {
    pub(crate) plan: Plan,
    pub(crate) rows: RefCell<HashMap<Vec<Value>, Rc<SubqueryRows>>>,
}

impl PartialEq for Subquery {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    /// Of numbers, never of integers.
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A function of values of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Sign,
    Round,
    Floor,
    Ceiling,
    Truncate,
    SquareRoot,
    Exponential,
    NaturalLog,
    Log2,
    Log10,
    Power,
    IsNan,
    IsInfinite,
    IsFinite,
    Coalesce,
    NullIf,
    Greatest,
    Least,
    Concat,
    Lower,
    Upper,
    Length,
    Reverse,
    Left,
    Right,
    Substring,
    Trim,
    TrimStart,
    TrimEnd,
    Replace,
    Position,
    StartsWith,
    EndsWith,
    Contains,
    SplitPart,
    /// Item of a list at a position counted from 1.
    Item,
    ListSum,
    ListAverage,
    ListMinimum,
    ListMaximum,
}

impl Expr {
    pub(crate) fn cast(self, from: Type, to: Type) -> Self {
        match (self, from) {
            (expr, from) if from == to || from == Type::Null => expr,
            (Self::Literal(Value::Integer(value)), _) if to == Type::Number => {
                Self::Literal(Value::Number(value as f64))
            }
            (expr, _) => Self::Cast {
                expr: Box::new(expr),
                to,
                or_null: false,
            },
        }
    }

    /// The parts of a conjunction.
    pub(crate) fn conjuncts(self) -> Vec<Self> {
        match self {
            Self::And(parts) => parts.into_iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// The expressions that this one is made of.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_)
            | Self::Column(_)
            | Self::Outer(_)
            | Self::Aggregate(_)
            | Self::Window(_) => Vec::new(),
            Self::Cast { expr, .. } | Self::Not(expr) | Self::Negate(expr) | Self::IsNull(expr) => {
                vec![expr]
            }
            Self::Arithmetic(_, one, other)
            | Self::Compare(_, one, other)
            | Self::IsDistinct(one, other) => vec![one, other],
            Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) => parts.iter().collect(),
            Self::Case {
                branches,
                otherwise,
            } => {
                let branches = branches.iter().flat_map(|(when, then)| [when, then]);
                branches.chain([otherwise.as_ref()]).collect()
            }
            Self::In(expr, list) => std::iter::once(expr.as_ref()).chain(list).collect(),
            Self::Like { expr, pattern, .. } => vec![expr, pattern],
            Self::Subquery { use_, outer, .. } => match use_ {
                SubqueryUse::Contains(expr) => {
                    std::iter::once(expr.as_ref()).chain(outer).collect()
                }
                SubqueryUse::Value | SubqueryUse::Exists => outer.iter().collect(),
            },
        }
    }

    /// The expressions that this one is made of, to be changed.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Literal(_)
            | Self::Column(_)
            | Self::Outer(_)
            | Self::Aggregate(_)
            | Self::Window(_) => Vec::new(),
            Self::Cast { expr, .. } | Self::Not(expr) | Self::Negate(expr) | Self::IsNull(expr) => {
                vec![expr]
            }
            Self::Arithmetic(_, one, other)
            | Self::Compare(_, one, other)
            | Self::IsDistinct(one, other) => vec![one, other],
            Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) => parts.iter_mut().collect(),
            Self::Case {
                branches,
                otherwise,
            } => {
                let branches = branches.iter_mut().flat_map(|(when, then)| [when, then]);
                branches.chain([otherwise.as_mut()]).collect()
            }
            Self::In(expr, list) => std::iter::once(expr.as_mut()).chain(list).collect(),
            Self::Like { expr, pattern, .. } => vec![expr, pattern],
            Self::Subquery { use_, outer, .. } => match use_ {
                SubqueryUse::Contains(expr) => {
                    std::iter::once(expr.as_mut()).chain(outer).collect()
                }
                SubqueryUse::Value | SubqueryUse::Exists => outer.iter_mut().collect(),
            },
        }
    }

    /// Whether this expression, or one that it is made of, has the property.
    pub(crate) fn any(&self, property: &dyn Fn(&Self) -> bool) -> bool {
        property(self) || self.children().into_iter().any(|child| child.any(property))
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> Vec<usize> {
        match self {
            Self::Column(index) => vec![*index],
            other => other
                .children()
                .into_iter()
                .flat_map(Self::columns)
                .collect(),
        }
    }

    /// Takes columns for those whose positions are `by` smaller.
    pub(crate) fn shift(&mut self, by: usize) {
        match self {
            Self::Column(index) => *index -= by,
            other => other
                .children_mut()
                .into_iter()
                .for_each(|child| child.shift(by)),
        }
    }
}
