//! The `from` clause: tables and derived tables.

use eigenscope_plan::file::did_you_mean;
use sqlparser::ast::{ObjectName, ObjectNamePart, TableAlias, TableFactor, TableWithJoins};

use super::join::cross;
use super::query::rename;
use super::scope::Scope;
use super::{Binder, Output, unsupported};
use crate::error::QueryError;
use crate::plan::Plan;

impl Binder<'_> {
    pub(super) fn from(&mut self, from: &[TableWithJoins]) -> Result<(Plan, Scope), QueryError> {
        let mut joined: Option<(Plan, Scope)> = None;
        for tables in from {
            let next = self.joins(tables)?;
            joined = Some(match joined {
                None => next,
                Some(before) => cross(before, next)?,
            });
        }
        Ok(joined.unwrap_or((Plan::OneRow, Scope::default())))
    }

    fn joins(&mut self, tables: &TableWithJoins) -> Result<(Plan, Scope), QueryError> {
        let mut joined = self.factor(&tables.relation)?;
        for join in &tables.joins {
            let right = self.factor(&join.relation)?;
            joined = self.deeper(|binder| binder.join(joined, right, join))?;
        }
        Ok(joined)
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<(Plan, Scope), QueryError> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                self.table(name, alias.as_ref())
            }
            TableFactor::Table { args: Some(_), .. } => Err(unsupported(
                "a function in place of a table",
                "`eigenscope sql PIPELINE` lists the tables",
            )),
            TableFactor::Derived {
                lateral: false,
                subquery,
                alias,
                sample: None,
            } => {
                let (plan, mut outputs) = self.deeper(|binder| binder.query(subquery))?;
                if let Some(alias) = alias {
                    rename(&mut outputs, alias)?;
                }
                let name = alias.as_ref().map(|alias| alias.name.value.as_str());
                Ok((plan, Scope::of(name, &outputs)))
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => self.deeper(|binder| binder.joins(table_with_joins)),
            _ => Err(unsupported(
                "this form of `from`",
                "write a table, a query in parentheses, or joins of them",
            )),
        }
    }

    /// A common table expression, or else a table of the catalogue.
    fn table(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
    ) -> Result<(Plan, Scope), QueryError> {
        let parts = name.0.iter().map(|part| match part {
            ObjectNamePart::Identifier(part) => Ok(part.value.as_str()),
            ObjectNamePart::Function(_) => {
                Err(unsupported("this name", "write the name of a table"))
            }
        });
        let parts: Vec<&str> = parts.collect::<Result<_, _>>()?;
        let written = parts.join(".");
        let shown = alias.map_or(written.as_str(), |alias| alias.name.value.as_str());
        if let [part] = parts.as_slice() {
            let mut tables = self.expressions.iter().rev();
            if let Some(table) = tables.find(|table| table.name.eq_ignore_ascii_case(part)) {
                let table = table.clone();
                let mut outputs = table.columns;
                if let Some(alias) = alias {
                    rename(&mut outputs, alias)?;
                }
                return Ok((Plan::Shared(table.plan), Scope::of(Some(shown), &outputs)));
            }
        }
        let position = match parts.as_slice() {
            [part] => self.catalogue.position(part),
            _ => None,
        };
        let Some(position) = position else {
            let of_table = self.catalogue.of_table(&written);
            if of_table.len() > 1 {
                return Err(QueryError::UnknownTable {
                    known: format!("its tasks write {}", of_table.join(", ")),
                    name: written,
                });
            }
            let tables = self
                .catalogue
                .tables
                .iter()
                .map(|table| table.name.as_str());
            let tables: Vec<&str> = tables
                .chain(self.expressions.iter().map(|table| table.name.as_str()))
                .collect();
            return Err(QueryError::UnknownTable {
                known: did_you_mean("tables", &written, tables),
                name: written,
            });
        };
        let table = &self.catalogue.tables[position];
        if let Some(problem) = &table.problem {
            return Err(QueryError::Unreadable {
                name: table.name.clone(),
                reason: problem.clone(),
                tasks: table.tasks.clone(),
                pipeline: self.pipeline.to_owned(),
            });
        }
        if table.parts.is_empty() {
            return Err(QueryError::NotComputed {
                name: table.name.clone(),
                tasks: table.tasks.clone(),
                pipeline: self.pipeline.to_owned(),
            });
        }
        self.tables.insert(position);
        let outputs = table.columns.iter().map(|column| Output {
            name: column.name.clone(),
            kind: column.value_type,
        });
        let mut outputs: Vec<Output> = outputs.collect();
        if let Some(alias) = alias {
            rename(&mut outputs, alias)?;
        }
        let mut scope = Scope::of(Some(shown), &outputs);
        for column in &mut scope.columns {
            column.origin = Some((position, column.index));
        }
        Ok((Plan::Table(position), scope))
    }
}
