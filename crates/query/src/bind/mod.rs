//! From the syntax tree to a plan: resolves names, infers types, and refuses what is not supported.
//!
//! Only what is matched here is answered; every other piece of syntax that the parser knows is an error.

mod aggregate;
mod call;
mod expression;
mod from;
mod join;
mod literal;
mod operator;
mod query;
mod scope;
mod select;
mod window;

use std::collections::BTreeSet;
use std::rc::Rc;

use sqlparser::ast::Query;

use crate::catalogue::Catalogue;
use crate::error::{QueryError, refused};
use crate::plan::{Aggregate, Expr, Plan, SharedPlan, Window};
use crate::value::Type;

use scope::Scope;

/// Most operators of one expression, and most parts of one chain of set operations.
const DEEPEST: usize = 2_000;

/// A query that can be run.
pub(crate) struct Bound {
    pub(crate) plan: Plan,
    pub(crate) columns: Vec<Output>,
    /// Columns that are read, of each table of the catalogue.
    pub(crate) used: Vec<BTreeSet<usize>>,
    /// Tables that are read.
    pub(crate) tables: BTreeSet<usize>,
}

/// A column of a result.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) kind: Type,
}

/// Binds a query against the tables of a catalogue. `pipeline` is only named in messages.
pub(crate) fn bind(
    catalogue: &Catalogue,
    pipeline: &str,
    query: &Query,
) -> Result<Bound, QueryError> {
    let mut binder = Binder {
        catalogue,
        pipeline,
        used: vec![BTreeSet::new(); catalogue.tables.len()],
        tables: BTreeSet::new(),
        expressions: Vec::new(),
        frames: Vec::new(),
        depth: 0,
    };
    let (plan, columns) = binder.query(query)?;
    Ok(Bound {
        plan,
        columns,
        used: binder.used,
        tables: binder.tables,
    })
}

struct Binder<'a> {
    catalogue: &'a Catalogue,
    pipeline: &'a str,
    used: Vec<BTreeSet<usize>>,
    tables: BTreeSet<usize>,
    /// The common table expressions in scope, the innermost last.
    expressions: Vec<CommonTable>,
    /// The queries around this one that it may read a row of, the innermost last.
    frames: Vec<OuterFrame>,
    depth: usize,
}

#[derive(Clone)]
struct CommonTable {
    name: String,
    plan: Rc<SharedPlan>,
    columns: Vec<Output>,
}

/// The columns around a subquery, and those of them that the subquery reads.
struct OuterFrame {
    scope: Rc<Scope>,
    read: Vec<Expr>,
}

/// An expression with its type.
#[derive(Debug, Clone)]
struct Typed {
    expr: Expr,
    kind: Type,
}

impl Typed {
    fn new(expr: Expr, kind: Type) -> Self {
        Self { expr, kind }
    }

    /// The expression, converted to a type that holds its values.
    fn to(self, kind: Type) -> Expr {
        self.expr.cast(self.kind, kind)
    }
}

/// Where an expression stands.
struct Clause {
    scope: Rc<Scope>,
    name: &'static str,
    /// Aggregates found so far; `None` where there may be none.
    aggregates: Option<Vec<Aggregate>>,
    /// Window functions found so far; `None` where there may be none.
    windows: Option<Vec<Window>>,
}

impl Clause {
    /// A clause without aggregates and window functions.
    fn plain(scope: &Rc<Scope>, name: &'static str) -> Self {
        Self {
            scope: scope.clone(),
            name,
            aggregates: None,
            windows: None,
        }
    }
}

impl Binder<'_> {
    /// Does something one level deeper.
    fn deeper<T>(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        if self.depth >= DEEPEST {
            return Err(refused(
                format!("the query has more than {DEEPEST} operators within each other"),
                "write `x in (1, 2, 3)` in place of `x = 1 or x = 2 or x = 3`",
            ));
        }
        self.depth += 1;
        let bound = bind(self);
        self.depth -= 1;
        bound
    }
}

/// The refusal of a piece of syntax.
fn unsupported(what: &str, advice: &str) -> QueryError {
    refused(format!("{what} is not supported"), advice)
}

/// A piece of syntax for a message, on one line and not too long.
fn shown(syntax: &impl std::fmt::Display) -> String {
    const LENGTH: usize = 60;
    let text = syntax.to_string();
    match text.chars().count() > LENGTH {
        true => text.chars().take(LENGTH).chain(['…']).collect(),
        false => text,
    }
}
