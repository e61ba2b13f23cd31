//! Queries with every name resolved and every type known.

mod expr;

use std::cell::OnceCell;
use std::rc::Rc;

use crate::run::Relation;

pub(crate) use expr::{Arithmetic, Comparison, Expr, Function, Subquery, SubqueryUse};

/// How the rows of a query follow from tables.
#[derive(Debug)]
pub(crate) enum Plan {
    /// One row without columns: a query without `from`.
    OneRow,
    /// All columns of the table at this position of the catalogue.
    Table(usize),
    /// A common table expression, evaluated once.
    Shared(Rc<SharedPlan>),
    Values(Vec<Vec<Expr>>),
    Filter {
        input: Box<Plan>,
        condition: Expr,
    },
    Join(Box<Join>),
    Project {
        input: Box<Plan>,
        items: Vec<Expr>,
    },
    /// One row a group: first the keys, then the aggregates. Without keys there is one group.
    Group {
        input: Box<Plan>,
        keys: Vec<Expr>,
        aggregates: Vec<Aggregate>,
    },
    /// The columns of the input, then the results of the window functions.
    Window {
        input: Box<Plan>,
        windows: Vec<Window>,
    },
    Distinct(Box<Plan>),
    Sort {
        input: Box<Plan>,
        keys: Vec<SortKey>,
    },
    Limit {
        input: Box<Plan>,
        limit: Option<usize>,
        offset: usize,
    },
    Set {
        operation: SetOperation,
        all: bool,
        left: Box<Plan>,
        right: Box<Plan>,
    },
}

impl Plan {
    /// The rows of which a condition is true.
    pub(crate) fn filter(self, condition: Expr) -> Self {
        Self::Filter {
            input: Box::new(self),
            condition,
        }
    }
}

#[derive(Debug)]
pub(crate) struct SharedPlan {
    pub(crate) plan: Plan,
    pub(crate) rows: OnceCell<Relation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOperation {
    Union,
    Intersect,
    Except,
}

/// The columns of the left side, then those of the right side.
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) left: Plan,
    pub(crate) right: Plan,
    pub(crate) kind: JoinKind,
    /// Pairs that must be equal: an expression of the left side, and one of the right side alone.
    pub(crate) keys: Vec<(Expr, Expr)>,
    /// What else must hold, over the columns of both.
    pub(crate) conditions: Vec<Expr>,
    /// Columns of the left side.
    pub(crate) left_width: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// A function of the rows of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) function: AggregateFunction,
    pub(crate) arguments: Vec<Expr>,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Expr>,
    /// In which order the values are taken, where it matters.
    pub(crate) order: Vec<SortKey>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AggregateFunction {
    CountRows,
    Count,
    Sum,
    Average,
    Minimum,
    Maximum,
    /// Interpolated linearly between the nearest ranks.
    Quantile(f64),
    Variance {
        sample: bool,
        /// Its square root: the standard deviation.
        root: bool,
    },
    Correlation,
    All,
    Any,
    /// Texts, joined by a separator.
    Joined(Rc<str>),
}

/// A function of the rows around a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    pub(crate) function: WindowFunction,
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: Frame,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumulativeDistribution,
    Tiles(usize),
    /// The value so many rows later (earlier if negative), or the default.
    Shifted {
        value: Expr,
        by: i64,
        default: Expr,
    },
    First(Expr),
    Last(Expr),
    /// The value at a position of the frame counted from 1.
    Nth(Expr, usize),
    Aggregate(Aggregate),
}

/// The rows that a window function reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Whether bounds count rows; otherwise the current row means all rows equal to it in the order.
    pub(crate) rows: bool,
    pub(crate) start: Bound,
    pub(crate) end: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// First row of the partition.
    First,
    /// So many rows from the current one; negative before it.
    Offset(i64),
    /// Last row of the partition.
    Last,
}

impl Aggregate {
    fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let order = self.order.iter_mut().map(|key| &mut key.expr);
        self.arguments
            .iter_mut()
            .chain(&mut self.filter)
            .chain(order)
    }
}

impl Window {
    /// The expressions that it is made of, to be changed.
    pub(crate) fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        let function: Vec<&mut Expr> = match &mut self.function {
            WindowFunction::Shifted { value, default, .. } => vec![value, default],
            WindowFunction::First(value)
            | WindowFunction::Last(value)
            | WindowFunction::Nth(value, _) => vec![value],
            WindowFunction::Aggregate(aggregate) => aggregate.exprs_mut().collect(),
            WindowFunction::RowNumber
            | WindowFunction::Rank
            | WindowFunction::DenseRank
            | WindowFunction::PercentRank
            | WindowFunction::CumulativeDistribution
            | WindowFunction::Tiles(_) => Vec::new(),
        };
        let order = self.order.iter_mut().map(|key| &mut key.expr);
        let rest = self.partition.iter_mut().chain(order);
        function.into_iter().chain(rest).collect()
    }
}
