//! Queries that have no answer: what is said, and what to write instead.

use miette::Diagnostic;

use super::answer;

/// The refusal of a query, and its advice.
fn refusal(query: &str) -> (String, String) {
    let error = answer(query).expect_err(query);
    let advice = error.help().expect("advice").to_string();
    (error.to_string(), advice)
}

#[test]
fn only_queries_are_answered() {
    for query in [
        "from finals",
        "delete from finals",
        "truncate table finals",
        "drop table finals",
        "show tables",
        "create table a as select * from finals",
        "insert into finals values (1)",
        "update finals set hidden = 1",
        "explain select * from finals",
        "describe finals",
        "copy finals to 'x'",
        "with a as (select 1) delete from finals",
        "select * into a from finals",
        "set threads = 1",
        "values (1)); drop table finals",
    ] {
        let (problem, advice) = refusal(query);
        assert!(
            !problem.contains('\n') && !advice.contains('\n'),
            "{query}: {problem}; {advice}"
        );
    }
    let (problem, advice) = refusal("delete from finals");
    assert_eq!(
        problem,
        "`delete` is not a query: only `select` and `with` are"
    );
    assert_eq!(
        advice,
        "results are never changed by a query: write `select ...`"
    );
}

#[test]
fn what_has_no_one_answer_is_refused() {
    for (query, problem, advice) in [
        (
            "select hidden, avg(rate) from finals",
            "`hidden` is neither grouped by nor aggregated",
            "max(hidden)",
        ),
        (
            "select hidden from finals group by rate",
            "`hidden` is neither",
            "add it to `group by`",
        ),
        (
            "select * from finals group by rate",
            "`task` is neither",
            "group by",
        ),
        (
            "select rate from finals group by rate order by hidden",
            "`hidden` is neither",
            "group by",
        ),
        (
            "select rate from finals having hidden > 1",
            "`rate` is neither",
            "group by",
        ),
        (
            "select rate, (select max(g.rate) from finals g where g.hidden = f.hidden) from finals f group by rate",
            "`hidden` is neither",
            "group by",
        ),
        (
            "select max(rate) from finals where max(rate) > 1",
            "stands in where",
            "having",
        ),
        (
            "select max(min(rate)) from finals",
            "stands in an aggregate",
            "select max(n) from",
        ),
        (
            "select sum(row_number() over (order by rate)) from finals",
            "stands in an aggregate",
            "with a as",
        ),
        (
            "select model from finals where row_number() over (order by rate) = 1",
            "stands in where",
            "with a as",
        ),
        (
            "select sum(rank() over (order by rate)) over () from finals",
            "stands in a window function",
            "with a as",
        ),
        (
            "select (select max(f.rate)) from finals f",
            "only columns of the query around it",
            "of its own",
        ),
        (
            "select row_number() from finals",
            "`row_number` needs `over`",
            "over (order by x)",
        ),
        (
            "select rank() over () from finals",
            "`rank` needs an order",
            "over (order by x)",
        ),
        (
            "select lag(rate) over (partition by hidden) from finals",
            "`lag` needs an order",
            "over (order by x)",
        ),
        (
            "select sum(rate) over (rows 1 preceding) from finals",
            "a frame needs an order",
            "order by",
        ),
        (
            "select sum(rate) over (order by hidden range between 1 preceding and current row) from finals",
            "a range of values",
            "rows between",
        ),
        (
            "select count(distinct rate) over (order by hidden) from finals",
            "`distinct`",
            "aggregate first",
        ),
        (
            "select hidden + 9223372036854775807 from finals where hidden = 8",
            "does not fit a signed 64-bit integer",
            "double",
        ),
        (
            "select sum(seed) from finals",
            "`sum(x)` does not fit",
            "double",
        ),
        ("select seed * 2 from finals", "does not fit", "double"),
        (
            "select -(-9223372036854775808 - hidden + hidden) from finals where hidden = 8",
            "does not fit",
            "double",
        ),
        ("select abs(-9223372036854775808)", "does not fit", "double"),
        (
            "select 9223372036854775808",
            "does not fit a number",
            "64 bits",
        ),
        ("select 1e400", "does not fit a number", "double"),
        (
            "select cast(1e19 as bigint)",
            "`1e+19` is no integer",
            "try_cast",
        ),
        (
            "select cast('1.5' as bigint)",
            "`1.5` is no integer",
            "try_cast",
        ),
        (
            "select hidden / 0 from finals",
            "division by zero",
            "nullif",
        ),
        ("select rate / 0 from finals", "division by zero", "nullif"),
        (
            "select hidden % 0 from finals where hidden = 8",
            "division by zero",
            "nullif",
        ),
        (
            "select sqrt(-rate) from finals",
            "sqrt(-1.0) is not defined",
            "abs",
        ),
        (
            "select ln(rate - 1) from finals where rate = 1",
            "ln(0.0) is not defined",
            "where x > 0",
        ),
        ("select exp(1000)", "exp(1000.0) does not fit", "too large"),
        (
            "select power(10, 400)",
            "power(10.0, 400.0) does not fit",
            "too large",
        ),
        (
            "select power(0, -1)",
            "power(0.0, -1.0) does not fit",
            "zero to a negative power",
        ),
        ("values (1)", "`values` is not a query", "select"),
        ("(values (1))", "`values` is not a query", "select"),
        (
            "select (1 + (2 from finals",
            "`(` is not closed at line 1, column 13",
            "such as",
        ),
        (
            "select 1)",
            "`)` closes nothing at line 1, column 9",
            "such as",
        ),
        (
            "select (case when true\nthen case when true then 1 end) from finals",
            "a `case` without `end` at line 1, column 9",
            "such as",
        ),
        (
            "select log(rate) from finals",
            "`log` is not supported",
            "log10",
        ),
        (
            "select model = 4 from finals",
            "text and integer do not go together",
            "without quotes",
        ),
        (
            "select hidden from finals union select model from finals",
            "integer and text",
            "cast",
        ),
        (
            "select hidden from finals union select hidden, rate from finals",
            "1 and 2 columns",
            "same columns",
        ),
        (
            "select model + 1 from finals",
            "`model` is text and no number",
            "cast",
        ),
        (
            "select count(*) from finals where hidden",
            "`hidden` is integer and no condition",
            "<> 0",
        ),
        ("select sum(model) from finals", "`model` is text", "cast"),
        (
            "select upper(rate) from finals",
            "`rate` is number",
            "takes text",
        ),
        (
            "select round() from finals",
            "round has 0 arguments",
            "1 or 2",
        ),
        (
            "select model from finals f join finals g on f.rate = g.rate",
            "`model` means several columns",
            "`f.model` or `g.model`",
        ),
        (
            "select * from finals, finals",
            "called `finals`",
            "as other",
        ),
        (
            "select * from finals f join finals g",
            "without a condition",
            "cross join",
        ),
        (
            "select * from finals f semi join finals g on f.rate = g.rate",
            "this kind of join",
            "exists",
        ),
        (
            "select (select rate from finals) from finals",
            "has 3 rows",
            "in (select",
        ),
        (
            "select (select rate, hidden from finals) from finals",
            "has 2 columns",
            "one column",
        ),
        (
            "select rate from finals where (rate, hidden) in (select rate, hidden from finals)",
            "several values",
            "exists",
        ),
        (
            "select rate from finals where rate > all (select rate from finals)",
            "any",
            "max(y)",
        ),
        (
            "select distinct on (rate) model from finals",
            "`distinct on`",
            "row_number()",
        ),
        (
            "select distinct model from finals order by rate",
            "does not select",
            "group by",
        ),
        (
            "select model from finals order by 3",
            "`order by 3` means no column",
            "from 1 to 1",
        ),
        (
            "select model from finals limit -1",
            "is no number of rows",
            "limit 10",
        ),
        (
            "select model from finals limit 1.5",
            "is no number of rows",
            "limit 10",
        ),
        (
            "with recursive a as (select 1) select * from a",
            "`with recursive`",
            "`with`",
        ),
        (
            "with a as (select 1), a as (select 2) select * from a",
            "defines `a` twice",
            "another name",
        ),
        (
            "select rate from finals group by rollup (rate)",
            "rollup",
            "union all",
        ),
        (
            "select rate from finals group by all",
            "`group by all`",
            "group by x, y",
        ),
        (
            "select string_agg(model, ',') from finals",
            "needs an order",
            "order by x",
        ),
        (
            "select greatest(hidden, 1) from finals",
            "of a null",
            "coalesce",
        ),
        (
            "select model like 'a' from finals where model ~ 'a'",
            "operator `~`",
            "comparisons",
        ),
        (
            "select hidden // 2 from finals",
            "integer division",
            "floor",
        ),
        ("select date '2020-01-01'", "a date or time", "no table"),
        (
            "select * from read_parquet('x')",
            "a function in place of a table",
            "lists the tables",
        ),
        ("select *", "`*` without `from`", "select * from"),
        ("select", "", ""),
        ("select $1", "placeholder", "value itself"),
        (
            "select model model2 model3 from finals",
            "expected end of statement, found model3 at line 1, column 21",
            "such as",
        ),
        (
            "select 'a from finals",
            "Unterminated string literal at line 1, column 8",
            "such as",
        ),
    ] {
        let (found, help) = refusal(query);
        assert!(found.contains(problem), "{query}: {found}");
        assert!(help.contains(advice), "{query}: {help}");
        assert!(
            !found.contains('\n') && !help.contains('\n'),
            "{query}: {found}; {help}"
        );
        for debug in ["Span", "Token", "{", "polars", "Python"] {
            assert!(!found.contains(debug), "{query}: {found}");
        }
    }
}

#[test]
fn deep_and_long_queries_are_answered_or_refused() {
    let chain = |part: &str, joint: &str, count| vec![part; count].join(joint);
    for query in [
        format!(
            "select count(*) from finals where {}",
            chain("hidden = 7", " or ", 1_900)
        ),
        format!("select {} from finals", chain("1", " + ", 1_900)),
        format!(
            "select count(*) from finals where {}",
            chain("hidden > 1", " and ", 1_900)
        ),
        format!("select {}1{}", "(".repeat(80), ")".repeat(80)),
        chain("select 1", " union all ", 1_500),
    ] {
        assert!(answer(&query).is_ok(), "{query:.60}");
    }
    for query in [
        chain("select 1", " union all ", 5_000),
        format!(
            "select count(*) from finals where {}",
            chain("hidden = 7", " or ", 5_000)
        ),
        format!("select {}1{}", "(".repeat(40_000), ")".repeat(40_000)),
        format!("select -{}1", " -".repeat(40_000)),
        format!("select {} true", "not ".repeat(20_000)),
        format!(
            "select * from {}finals{}",
            "(".repeat(20_000),
            ")".repeat(20_000)
        ),
        format!("select {}1{}", "(select ".repeat(5_000), ")".repeat(5_000)),
        format!("select {}1{}", "abs(".repeat(5_000), ")".repeat(5_000)),
        format!("select {}", "case when ".repeat(5_000)),
        format!("select {}", chain("1", "+", 60_000)),
        "select '".to_owned() + &"a".repeat(1_000_000) + "'",
    ] {
        refusal(&query);
    }
}

#[test]
fn malformed_deep_queries_are_refused_at_once() {
    let around = |open: &str, inner: &str, close: &str, count: usize| {
        format!(
            "select {}{inner}{}",
            open.repeat(count),
            close.repeat(count)
        )
    };
    for (query, expected) in [
        (
            around("case when true then ", "1", "", 10),
            "a `case` without `end` at line 1, column 188",
        ),
        (
            around("case when true then ", "1", "", 30),
            "nested more than 16 levels deep",
        ),
        (
            around("case when true then ", "1", " end", 400),
            "nested more than 16 levels deep",
        ),
        (
            around("case when true then ", "1 2", " end", 30),
            "nested more than 16 levels deep",
        ),
        (
            around("cast(", "1", "", 30),
            "nested more than 16 levels deep",
        ),
        (
            around("cast(", "1 as int", ")", 30),
            "nested more than 16 levels deep",
        ),
        (around("cast(", "1 as int", ")", 12), ""),
        (around("abs(", "1", "", 30), "`(` is not closed"),
        (
            around("not ", "true", "", 20_000),
            "nested more than 100 levels deep",
        ),
        (
            around("((select * from ", "finals x y", "))", 30),
            "nested more than 16 levels deep",
        ),
        (
            around("abs(x = ", "1 2", ")", 30),
            "nested more than 16 levels deep",
        ),
    ] {
        let (problem, advice) = refusal(&query);
        assert!(problem.contains(expected), "{query:.60}: {problem}");
        assert!(
            !problem.contains('\n') && !advice.contains('\n'),
            "{query:.60}: {problem}; {advice}"
        );
    }
    let fine = around("case when true then ", "1", " end", 10);
    assert!(answer(&fine).is_ok());
    let fine = around("cast(", "1", " as bigint)", 10);
    assert!(answer(&fine).is_ok());
}

#[test]
fn large_products_are_refused() {
    let ten = "with a as (select * from (values (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) t(x)) select count(*) from a b";
    let joined = (0..9)
        .map(|place| format!(", a c{place}"))
        .collect::<String>();
    let (problem, advice) = refusal(&(ten.to_owned() + &joined));
    assert!(problem.contains("more than 50000000 rows"), "{problem}");
    assert!(advice.contains("join on more columns"), "{advice}");
}
