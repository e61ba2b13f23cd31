//! From text to the syntax tree of one query.

use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::{Parser, ParserError};

use crate::error::{QueryError, refused};

/// Longest query in bytes.
const LONGEST: usize = 100_000;

/// Most expressions or queries within each other.
const DEEPEST: usize = 100;

/// The only query in a text.
///
/// # Errors
/// The text is empty, is not SQL, has several statements, or a statement that is not `select` or `with`.
pub(crate) fn parse(text: &str) -> Result<Query, QueryError> {
    if text.trim().is_empty() {
        return Err(QueryError::Empty);
    }
    if text.len() > LONGEST {
        return Err(refused(
            format!(
                "the query has {} bytes; at most {LONGEST} are read",
                text.len()
            ),
            "join with a table, or write `x between 1 and 9`, in place of a long list",
        ));
    }
    let first = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word: String = first.chars().take_while(|c| c.is_alphabetic()).collect();
    let other = match word.to_lowercase().as_str() {
        "from" => Some("write `select * from ...`"),
        "show" | "describe" | "desc" | "summarize" | "explain" | "pragma" => {
            Some("`eigenscope sql PIPELINE` without a query lists the tables and their columns")
        }
        "insert" | "update" | "delete" | "truncate" | "drop" | "create" | "alter" | "merge"
        | "copy" | "replace" | "attach" | "set" | "grant" | "vacuum" | "begin" | "commit" => {
            Some("results are never changed by a query: write `select ...`")
        }
        _ => None,
    };
    if let Some(advice) = other {
        return Err(refused(
            format!("`{word}` is not a query: only `select` and `with` are"),
            advice,
        ));
    }
    let mut parser = Parser::new(&DuckDbDialect {})
        .with_recursion_limit(DEEPEST)
        .try_with_sql(text)
        .map_err(mistake)?;
    let statements = parser.parse_statements().map_err(mistake)?;
    let count = statements.len();
    match statements.into_iter().next() {
        None => Err(QueryError::Empty),
        Some(_) if count > 1 => Err(refused(
            format!("there are {count} statements"),
            "ask them one by one",
        )),
        Some(Statement::Query(query)) => Ok(*query),
        Some(_) => Err(refused(
            format!("`{word}` is not a query: only `select` and `with` are"),
            "write `select ...`",
        )),
    }
}

fn mistake(error: ParserError) -> QueryError {
    let reason = match error {
        ParserError::RecursionLimitExceeded => {
            return refused(
                format!("the query is nested more than {DEEPEST} levels deep"),
                "use fewer parentheses, or name parts of it: with a as (...) select ... from a",
            );
        }
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason = match reason.rsplit_once(" at Line: ") {
        Some((what, place)) => format!("{what} at line {}", place.replace("Column:", "column")),
        None => reason,
    };
    let reason = reason
        .replace("Expected: ", "expected ")
        .replace(", found: EOF", ", found the end");
    QueryError::Syntax {
        reason: reason.replace(", found: ", ", found "),
    }
}
