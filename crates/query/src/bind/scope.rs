//! Which columns a name can mean.

use std::rc::Rc;

use eigenscope_plan::file::did_you_mean;
use sqlparser::ast::Ident;

use super::{Binder, Output, Typed};
use crate::error::{QueryError, refused};
use crate::plan::Expr;
use crate::value::Type;

/// The columns of the tables of a `from` clause.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// In the order of `select *`.
    pub(super) columns: Vec<ScopeColumn>,
    /// Columns of the rows beneath, which is more than `columns` after `using`.
    pub(super) width: usize,
}

#[derive(Debug, Clone)]
pub(super) struct ScopeColumn {
    pub(super) table: Option<String>,
    pub(super) name: String,
    pub(super) kind: Type,
    /// Position in the rows beneath.
    pub(super) index: usize,
    /// The table of the catalogue and the position there, unless it is computed.
    pub(super) origin: Option<(usize, usize)>,
    /// Whether only a name with the table means it: what `using` merges into another column.
    pub(super) merged: bool,
}

impl Scope {
    /// Columns of a result, under the name of a table.
    pub(super) fn of(table: Option<&str>, outputs: &[Output]) -> Self {
        let columns = outputs
            .iter()
            .enumerate()
            .map(|(index, output)| ScopeColumn {
                table: table.map(str::to_owned),
                name: output.name.clone(),
                kind: output.kind,
                index,
                origin: None,
                merged: false,
            });
        Self {
            columns: columns.collect(),
            width: outputs.len(),
        }
    }

    /// The columns that a name can mean: those written exactly so, else those in another case.
    fn matching(&self, table: Option<&str>, name: &str) -> Vec<&ScopeColumn> {
        let tables = |column: &&ScopeColumn| match (table, &column.table) {
            (None, _) => !column.merged,
            (Some(wanted), Some(table)) => wanted.eq_ignore_ascii_case(table),
            (Some(_), None) => false,
        };
        let candidates = || self.columns.iter().filter(tables);
        let exact: Vec<_> = candidates().filter(|column| column.name == name).collect();
        match exact.is_empty() {
            false => exact,
            true => candidates()
                .filter(|column| column.name.eq_ignore_ascii_case(name))
                .collect(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.matching(None, name).is_empty()
    }

    /// The only column with this name.
    pub(super) fn find(
        &self,
        table: Option<&str>,
        name: &str,
    ) -> Result<Option<&ScopeColumn>, QueryError> {
        let found = self.matching(table, name);
        match found.as_slice() {
            [] => Ok(None),
            [column] => Ok(Some(column)),
            [one, other, ..] => {
                let advice = match (&one.table, &other.table) {
                    (Some(one), Some(other)) if one != other => {
                        format!("write `{one}.{name}` or `{other}.{name}`")
                    }
                    _ => "give one of them another name: `x as y`".to_owned(),
                };
                Err(refused(format!("`{name}` means several columns"), advice))
            }
        }
    }

    pub(super) fn has_table(&self, name: &str) -> bool {
        let mut tables = self
            .columns
            .iter()
            .filter_map(|column| column.table.as_ref());
        tables.any(|table| table.eq_ignore_ascii_case(name))
    }
}

impl Binder<'_> {
    /// The column that a name means: of this query, or of a query around it.
    pub(super) fn column(
        &mut self,
        scope: &Rc<Scope>,
        name: &[Ident],
    ) -> Result<Typed, QueryError> {
        let (table, column) = match name {
            [column] => (None, column),
            [table, column] => (Some(table.value.as_str()), column),
            _ => {
                let name: Vec<&str> = name.iter().map(|part| part.value.as_str()).collect();
                return Err(refused(
                    format!("`{}` has too many parts", name.join(".")),
                    "write `table.column`; a table whose name has a dot is in double quotes: \"metric.final\".column",
                ));
            }
        };
        if let Some(found) = scope.find(table, &column.value)? {
            let found = found.clone();
            self.reads(&found);
            return Ok(Typed::new(Expr::Column(found.index), found.kind));
        }
        match self.outer(self.frames.len(), table, &column.value)? {
            Some(found) => Ok(found),
            None => Err(self.unknown_column(scope, table, column)),
        }
    }

    /// A column of the queries around the one at this level.
    fn outer(
        &mut self,
        level: usize,
        table: Option<&str>,
        name: &str,
    ) -> Result<Option<Typed>, QueryError> {
        let Some(around) = level.checked_sub(1) else {
            return Ok(None);
        };
        let scope = self.frames[around].scope.clone();
        let found = match scope.find(table, name)? {
            Some(column) => {
                self.reads(column);
                Typed::new(Expr::Column(column.index), column.kind)
            }
            None => match self.outer(around, table, name)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let read = &mut self.frames[around].read;
        let position = read.iter().position(|known| *known == found.expr);
        let position = position.unwrap_or_else(|| {
            read.push(found.expr);
            read.len() - 1
        });
        Ok(Some(Typed::new(Expr::Outer(position), found.kind)))
    }

    /// Notes that a column of a file is needed.
    pub(super) fn reads(&mut self, column: &ScopeColumn) {
        if let Some((table, position)) = column.origin {
            self.used[table].insert(position);
        }
    }

    fn unknown_column(&self, scope: &Scope, table: Option<&str>, column: &Ident) -> QueryError {
        let frames = self.frames.iter().map(|frame| frame.scope.as_ref());
        let scopes: Vec<&Scope> = frames.chain([scope]).collect();
        let columns = || scopes.iter().flat_map(|scope| &scope.columns);
        let name = match table {
            Some(table) => format!("{table}.{}", column.value),
            None => column.value.clone(),
        };
        if let Some(table) = table
            && !scopes.iter().any(|scope| scope.has_table(table))
        {
            let tables = columns().filter_map(|column| column.table.as_deref());
            return QueryError::UnknownColumn {
                name,
                known: format!(
                    "the query has no table or alias `{table}`; {}",
                    did_you_mean("tables here", table, tables.collect::<Vec<_>>())
                ),
            };
        }
        let near = |column: &&super::scope::ScopeColumn| {
            table.is_none_or(|table| {
                let same = |other: &String| other.eq_ignore_ascii_case(table);
                column.table.as_ref().is_some_and(same)
            })
        };
        let names = columns().filter(near).map(|column| column.name.as_str());
        let list = did_you_mean("columns", &column.value, names.collect::<Vec<_>>());
        QueryError::UnknownColumn {
            known: match column.quote_style {
                Some('"') => format!("text is in single quotes: '{}'; {list}", column.value),
                _ => list,
            },
            name,
        }
    }
}
