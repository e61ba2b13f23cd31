//! From text to the syntax tree of one query.

use sqlparser::ast::{Query, SetExpr, Statement};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{QueryError, refused};

/// Longest query in bytes.
const LONGEST: usize = 100_000;

/// Most expressions or queries within each other.
const DEEPEST: usize = 100;

/// Most `case`s, and calls such as `cast()`, within each other. If one has a mistake, the parser reads what is in it
/// twice, in another way: the time doubles with each level.
const DEEPEST_TWICE: usize = 16;

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
    let dialect = DuckDbDialect {};
    let tokens = Tokenizer::new(&dialect, text)
        .tokenize_with_location()
        .map_err(|error| mistake(error.into()))?;
    check_nesting(&tokens)?;
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(DEEPEST)
        .with_tokens_with_locations(tokens);
    let statements = parser.parse_statements().map_err(mistake)?;
    let count = statements.len();
    match statements.into_iter().next() {
        None => Err(QueryError::Empty),
        Some(_) if count > 1 => Err(refused(
            format!("there are {count} statements"),
            "ask them one by one",
        )),
        Some(Statement::Query(query)) if is_values(&query.body) => Err(refused(
            "`values` is not a query: only `select` and `with` are",
            "write `select ...`",
        )),
        Some(Statement::Query(query)) => Ok(*query),
        Some(_) => Err(refused(
            format!("`{word}` is not a query: only `select` and `with` are"),
            "write `select ...`",
        )),
    }
}

/// Whether a query is nothing but `values`, maybe in parentheses.
fn is_values(body: &SetExpr) -> bool {
    match body {
        SetExpr::Values(_) => true,
        SetExpr::Query(query) => is_values(&query.body),
        _ => false,
    }
}

/// What is open at a token.
struct Open {
    place: usize,
    /// Whether it is a `case`, not a parenthesis.
    case: bool,
    /// How many of the levels that are read twice it stands for.
    twice: usize,
}

/// Refuses, before anything is parsed, what is not closed and what is nested so deep that parsing takes long.
fn check_nesting(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let tokens: Vec<&TokenWithSpan> = tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let keyword = |place: usize| tokens.get(place).map_or(Keyword::NoKeyword, keyword_of);
    let is_word = |place: usize| matches!(tokens[place].token, Token::Word(_));
    let is_opening = |place: usize| tokens[place].token == Token::LParen;
    // After `as` every word is a name.
    let is_name = |place: usize| place > 0 && keyword(place - 1) == Keyword::AS;
    let after_point = |place: usize| place > 0 && tokens[place - 1].token == Token::Period;
    let syntax = |what: &str, place: usize| {
        let start = tokens[place].span.start;
        QueryError::Syntax {
            reason: format!("{what} at line {}, column {}", start.line, start.column),
        }
    };
    let mut open: Vec<Open> = Vec::new();
    let mut twice = 0;
    let mut run_of_not = 0;
    for (place, token) in tokens.iter().enumerate() {
        run_of_not = match keyword(place) {
            Keyword::NOT => run_of_not + 1,
            _ => 0,
        };
        if run_of_not > DEEPEST {
            return Err(too_deep());
        }
        match &token.token {
            Token::LParen => {
                let weight = match place {
                    0 => 0,
                    _ => match keyword(place - 1) {
                        // What is no query after all may be a call of `select`.
                        Keyword::SELECT | Keyword::FROM => {
                            usize::from(place >= 2 && is_opening(place - 2))
                        }
                        word => weight_of(word),
                    },
                };
                twice += weight;
                open.push(Open {
                    place,
                    case: false,
                    twice: weight,
                });
            }
            Token::RParen => match open.pop() {
                None => return Err(syntax("`)` closes nothing", place)),
                Some(last) if last.case => {
                    return Err(syntax("a `case` without `end`", last.place));
                }
                Some(last) => twice -= last.twice,
            },
            // A list in brackets that may be one item of `array`. Lists are not supported: all count.
            Token::LBracket if place >= 1 && keyword(place - 1) == Keyword::ARRAY => twice += 1,
            // An argument that may have a name: f(x = 1).
            Token::Eq | Token::Assignment | Token::RArrow
                if place >= 2
                    && is_word(place - 1)
                    && (is_opening(place - 2) || tokens[place - 2].token == Token::Comma) =>
            {
                if let Some(last) = open.last_mut()
                    && last.twice == 0
                {
                    last.twice = 1;
                    twice += 1;
                }
            }
            Token::Word(_) => match keyword(place) {
                Keyword::CASE if !is_name(place) => {
                    twice += 1;
                    open.push(Open {
                        place,
                        case: true,
                        twice: 1,
                    });
                }
                Keyword::END
                    if !is_name(place)
                        && !after_point(place)
                        && open.last().is_some_and(|last| last.case) =>
                {
                    open.pop();
                    twice -= 1;
                }
                // A query in several parentheses, which may also be tables or a list.
                Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::FROM
                    if place >= 2 && is_opening(place - 1) && is_opening(place - 2) =>
                {
                    if let Some(last) = open.last_mut()
                        && last.twice == 0
                    {
                        last.twice = 1;
                        twice += 1;
                    }
                }
                _ => {}
            },
            _ => {}
        }
        if twice > DEEPEST_TWICE {
            return Err(refused(
                format!(
                    "`case`, calls such as `cast`, or queries are nested more than {DEEPEST_TWICE} levels deep"
                ),
                "name parts of the query: with a as (select ... as x from ...) select ... from a",
            ));
        }
    }
    match open.last() {
        None => Ok(()),
        Some(last) if last.case => Err(syntax("a `case` without `end`", last.place)),
        Some(last) => Err(syntax("`(` is not closed", last.place)),
    }
}

/// The keyword that a token is; none if it is quoted.
fn keyword_of(token: &&TokenWithSpan) -> Keyword {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// How many more times the parser may read what is in the parentheses after a word.
fn weight_of(word: Keyword) -> usize {
    match word {
        // Read three times.
        Keyword::POSITION => 2,
        Keyword::CAST
        | Keyword::TRY_CAST
        | Keyword::SAFE_CAST
        | Keyword::CONVERT
        | Keyword::TRY_CONVERT
        | Keyword::EXISTS
        | Keyword::EXTRACT
        | Keyword::CEIL
        | Keyword::FLOOR
        | Keyword::SUBSTR
        | Keyword::SUBSTRING
        | Keyword::OVERLAY
        | Keyword::TRIM
        | Keyword::INTERVAL
        | Keyword::ARRAY
        | Keyword::STRUCT
        | Keyword::NOT
        | Keyword::VALUES
        | Keyword::CURRENT_TIMESTAMP
        | Keyword::CURRENT_TIME
        | Keyword::CURRENT_DATE
        | Keyword::LOCALTIME
        | Keyword::LOCALTIMESTAMP => 1,
        _ => 0,
    }
}

fn too_deep() -> QueryError {
    refused(
        format!("the query is nested more than {DEEPEST} levels deep"),
        "use fewer parentheses, or name parts of it: with a as (...) select ... from a",
    )
}

fn mistake(error: ParserError) -> QueryError {
    let reason = match error {
        ParserError::RecursionLimitExceeded => {
            return too_deep();
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
