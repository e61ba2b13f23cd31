"""Make sql_truth.json: tables shaped like those of the digits, and DuckDB's answers to queries over them.

Every integer column is a BIGINT, every other number a DOUBLE, a vector FLOAT[]. The rows follow from formulas; some
losses are NaN, infinite or missing, some sizes are missing, and many values are equal, so that ties, nulls and NaN
decide answers.
"""

import json
import math
import re
from decimal import Decimal
from pathlib import Path

import duckdb

SQL_TYPES = {"integer": "BIGINT", "number": "DOUBLE", "text": "VARCHAR", "bytes": "BLOB", "vector": "FLOAT[]"}
NAN, INFINITY = math.nan, math.inf


def table(name, kind, columns, parts):
    """Columns of the files with their types; parts are (task, labels, rows)."""
    return {"name": name, "kind": kind, "columns": columns, "parts": parts}


def final_rows():
    rows = []
    for i, (hidden, seed) in enumerate((h, s) for h in (30, 100, 300, None) for s in (0, 1, 2)):
        loss = [0.5, 0.25, NAN, 0.125, 0.25, INFINITY, 0.0625, 0.25, 0.03125, 1.5, -0.0, 0.0][i]
        accuracy = [0.75, 0.8125, 0.5, 0.875, 0.8125, 0.1, 0.9375, 0.8125, 0.96875, 0.25, 1.0, 1.0][i]
        model = f"train.bilinear[hidden={hidden},seed={seed}]" if hidden else f"train.mlp[seed={seed}]"
        rows.append([model, hidden, seed if i != 4 else None, 20, loss, accuracy, loss + 0.5, accuracy - 0.0625])
    return rows


def history_parts():
    parts = []
    for hidden, seed, rate in ((30, 0, 0.001), (30, 1, 0.01), (100, 0, 0.001), (100, 1, 1)):
        rows = []
        for epoch in range(5):
            loss = 2.0 / (1 + epoch) + hidden / 1000 + seed / 4
            rows.append([epoch, rate * 0.5**epoch, loss, 1 - loss / 4, loss + 0.125, None if epoch == 3 else 0.5 + epoch / 16])
        labels = {"hidden": hidden, "seed": seed, "rate": rate}
        parts.append((f"train.bilinear[hidden={hidden},seed={seed},rate={rate}]", labels, rows))
    return parts


def truncation_rows():
    rows = []
    for hidden in (30, 100):
        for kept in range(7):
            correct = [36, 180, 270, 324, 324, 342, 351][kept] - (9 if hidden == 30 else 0)
            fraction = correct / 360
            rows.append([hidden, kept, correct, 360, fraction, 1 - fraction, 0.975 - fraction])
    return rows


def confusion_rows():
    return [[a, b, (30 + a if a == b else (a * b) % 4)] for a in range(5) for b in range(5)]


def eigenpair_parts():
    parts = []
    for hidden in (30, 100):
        rows = []
        for c in range(3):
            for i in range(4):
                value = (i - 1.5) * (c + 1) * hidden / 100
                rows.append([c, i, value, [(c + 1) / 8, -(i + 1) / 4, hidden / 64, 0.0]])
        parts.append((f"decompose.eigen[hidden={hidden}]", {"hidden": hidden, "variant": "corrected" if hidden == 30 else "published"}, rows))
    return parts


def image_rows():
    return [[i, "train" if i < 14 else "test", (i * i) % 5, bytes([i, 255 - i, 7, (i * 37) % 256]).hex()] for i in range(20)]


def accuracy_rows():
    classes = ["zero", "one", "Two", "three_3", "100%", "fünf", "", "all"]
    return [[name, i * 3, i * 4, (i * 3) / (i * 4) if i else None] for i, name in enumerate(classes)]


FINAL = [("model", "text"), ("hidden", "integer"), ("seed", "integer"), ("epochs", "integer"), ("train_loss_nats", "number"), ("train_accuracy_fraction", "number"), ("test_loss_nats", "number"), ("test_accuracy_fraction", "number")]
TABLES = [
    table("metric_final", "final", FINAL, [("metric.final", {}, final_rows())]),
    table("train_bilinear_history", "history", [("epoch", "integer"), ("learning_rate", "number"), ("train_loss_nats", "number"), ("train_accuracy_fraction", "number"), ("test_loss_nats", "number"), ("test_accuracy_fraction", "number")], history_parts()),
    table("metric_truncation", "truncation", [("hidden", "integer"), ("kept", "integer"), ("correct", "integer"), ("images", "integer"), ("accuracy_fraction", "number"), ("error_fraction", "number"), ("accuracy_drop_fraction", "number")], [("metric.truncation", {}, truncation_rows())]),
    table("metric_confusion", "confusion", [("label", "integer"), ("predicted", "integer"), ("images", "integer")], [("metric.confusion", {}, confusion_rows())]),
    table("decompose_eigen", "eigenpairs", [("class", "integer"), ("index", "integer"), ("eigenvalue", "number"), ("input_vector", "vector")], eigenpair_parts()),
    table("data_digits", "images", [("index", "integer"), ("split", "text"), ("label", "integer"), ("pixels", "bytes")], [("data.digits", {}, image_rows())]),
    table("metric_classes", "class-accuracy", [("class", "text"), ("correct", "integer"), ("images", "integer"), ("accuracy_fraction", "number")], [("metric.classes", {}, accuracy_rows())]),
]

QUERIES = """
select * from metric_confusion order by label, predicted
select model, hidden from metric_final order by hidden, model
select model, hidden from metric_final order by hidden desc, model desc
select model, hidden from metric_final order by hidden nulls first, model
select model, train_loss_nats from metric_final order by train_loss_nats desc, model
select model, train_loss_nats from metric_final order by train_loss_nats desc nulls first, model limit 3 offset 2
select hidden - 100 as below from metric_final order by below, model
select max(hidden) - 400 from metric_final
select model from metric_final where hidden - 200 < 0 order by model
select -hidden, abs(hidden - 100), hidden * -1 from metric_final order by model
select sum(a.index), count(*) from data_digits a cross join data_digits b
select sum(a.index - b.index), min(a.index - b.index) from data_digits a, data_digits b
select hidden, count(*) as models, avg(test_accuracy_fraction) as accuracy from metric_final group by hidden order by hidden
select hidden, seed, count(*) from metric_final group by hidden, seed order by hidden, seed
select hidden, count(seed), count(distinct seed), count(*) from metric_final group by hidden order by 1
select count(*) from metric_final where hidden > 1000
select sum(hidden), avg(hidden), min(hidden), max(hidden), count(hidden) from metric_final where hidden > 1000
select hidden, sum(seed) from metric_final where hidden > 1000 group by hidden
select hidden, count(*) from metric_final group by hidden having count(*) > 2 and hidden is not null order by hidden
select count(*) from metric_final having count(*) > 100
select hidden % 7, count(*) from metric_final group by hidden % 7 order by 1
select hidden / 40, 7 / 2, -7 % 3, 7 % -3 from metric_final order by model
select avg(train_loss_nats), sum(train_loss_nats), max(train_loss_nats) from metric_final where hidden < 100
select min(train_loss_nats), max(train_loss_nats) from metric_final
select count(*) from metric_final where train_loss_nats > 1
select count(*) from metric_final where train_loss_nats = train_loss_nats
select count(*) from metric_final where isnan(train_loss_nats) or isinf(train_loss_nats)
select distinct train_loss_nats from metric_final
select train_loss_nats, count(*) from metric_final group by train_loss_nats
select count(distinct train_loss_nats) from metric_final
select distinct hidden, epochs from metric_final order by hidden
select count(*) from metric_final where hidden = null
select count(*) from metric_final where hidden <> 100
select count(*) from metric_final where not (hidden = 100)
select count(*) from metric_final where hidden is distinct from 100
select count(*) from metric_final where hidden is not distinct from null
select count(*) from metric_final where hidden in (30, 100)
select count(*) from metric_final where hidden not in (30, 100)
select count(*) from metric_final where hidden not in (30, null)
select count(*) from metric_final where hidden in (30, null)
select count(*) from metric_final where seed in (select seed from metric_final where hidden = 100)
select count(*) from metric_final where seed not in (select seed from metric_final where hidden = 100)
select count(*) from metric_final where seed not in (select seed from metric_final where hidden > 1000)
select count(*) from metric_final where hidden between 30 and 100
select count(*) from metric_final where hidden not between 30 and 100
select count(*) from metric_final where hidden between 100 and 30
select count(*) from metric_final where (hidden > 50) is not true
select count(*) from metric_final where hidden > 50 or null
select count(*) from metric_final where hidden > 50 and null
select case hidden when 30 then 'small' when 300 then 'large' else 'other' end as size, count(*) from metric_final group by size order by size
select model, case when hidden > 50 then 1 end from metric_final order by model
select coalesce(hidden, -1) as size, nullif(seed, 0) from metric_final order by model
with metric_final as (select * from metric_truncation) select count(*) from metric_final
with a as (select hidden from metric_final), b as (select hidden from a where hidden > 30) select count(*) from a, b
with a(x, y) as (select hidden, seed from metric_final) select x, max(y) from a group by x order by x
with a as (select 1 as x) select * from (with a as (select 2 as x) select * from a) b, a
with metric_final as (select * from metric_final where hidden = 30) select count(*) from metric_final
select x from (select hidden as x, count(*) as n from metric_final group by hidden) t where n = 3 order by x
select f.hidden, t.kept from metric_final f join metric_truncation t on f.hidden = t.hidden where f.seed = 0 order by 1, 2
select count(*) from metric_final f left join metric_truncation t on f.hidden = t.hidden
select f.model, t.kept from metric_final f left join metric_truncation t on f.hidden = t.hidden and t.kept = 6 order by f.model
select f.model, t.kept from metric_final f left join metric_truncation t on f.hidden = t.hidden where t.kept = 6 order by f.model
select count(*), count(f.model), count(t.kept) from metric_final f right join metric_truncation t on f.hidden = t.hidden and f.seed = t.kept
select count(*), count(f.model), count(t.kept) from metric_final f full join metric_truncation t on f.hidden = t.hidden and f.seed = t.kept
select f.model, g.model from metric_final f join metric_final g on f.hidden < g.hidden and f.seed = g.seed order by 1, 2
select * from (select hidden, seed from metric_final where seed = 0) a full join (select hidden, kept from metric_truncation where kept = 1) b using (hidden) order by hidden
select hidden, f.seed, h.epoch from metric_final f join train_bilinear_history h using (hidden, seed) where epoch = 4 order by hidden, seed
select count(*) from metric_final a join metric_final b on a.hidden = b.hidden
select count(*) from metric_final a join metric_final b on a.train_loss_nats = b.train_loss_nats
select count(*) from metric_final a, metric_final b where a.hidden = b.hidden and a.seed <> b.seed
select model from metric_final f where exists (select 1 from metric_truncation t where t.hidden = f.hidden) order by model
select model from metric_final f where not exists (select 1 from metric_truncation t where t.hidden = f.hidden) order by model
select model, (select max(accuracy_fraction) from metric_truncation t where t.hidden = f.hidden) as best from metric_final f order by model
select hidden, (select count(*) from metric_truncation t where t.hidden = f.hidden and t.correct > 300) as n from metric_final f group by hidden order by hidden
select model from metric_final f where test_accuracy_fraction = (select max(test_accuracy_fraction) from metric_final g where g.hidden = f.hidden) order by model
select count(*) from metric_final f where f.hidden in (select t.hidden from metric_truncation t where t.kept = f.seed)
select (select max(hidden) from metric_final) - (select min(hidden) from metric_final)
select hidden from metric_final union select hidden from metric_truncation order by hidden
select hidden from metric_final union all select hidden from metric_truncation
select hidden from metric_final intersect select hidden from metric_truncation
select hidden from metric_final except select hidden from metric_truncation
select hidden from metric_final except all select hidden from metric_truncation
select hidden from metric_final intersect all select hidden from metric_truncation
select hidden from metric_final where hidden = 30 union select 0.5 union select null
select 1 as x union all select 2 union all select 2 except select 2
select 1 as x union select 2 intersect select 3
(select hidden from metric_final order by hidden limit 2) union all (select kept from metric_truncation order by kept desc limit 1)
select kept, correct, sum(correct) over (order by correct) as s from metric_truncation order by hidden, kept
select hidden, kept, sum(correct) over (partition by hidden order by kept) as s from metric_truncation order by hidden, kept
select hidden, kept, avg(correct) over (partition by hidden order by kept) as s from metric_truncation order by hidden, kept
select hidden, kept, stddev(correct) over (partition by hidden order by kept) as s from metric_truncation order by hidden, kept
select hidden, kept, median(correct) over (partition by hidden order by kept) as s from metric_truncation order by hidden, kept
select hidden, kept, count(*) over (order by correct) as s from metric_truncation order by hidden, kept
select hidden, kept, max(correct) over () as s, min(correct) over (partition by kept) from metric_truncation order by hidden, kept
select hidden, kept, sum(correct) over (partition by hidden order by kept rows between 1 preceding and 1 following) as s from metric_truncation order by hidden, kept
select hidden, kept, avg(correct) over (partition by hidden order by kept rows 2 preceding) as s from metric_truncation order by hidden, kept
select hidden, kept, sum(correct) over (partition by hidden order by kept rows between 2 following and unbounded following) as s from metric_truncation order by hidden, kept
select hidden, kept, sum(correct) over (order by correct range between current row and unbounded following) as s from metric_truncation order by hidden, kept
select hidden, kept, sum(correct) over (partition by hidden order by correct rows between unbounded preceding and current row) as s from metric_truncation where kept not in (3, 4) order by hidden, kept
select model, row_number() over (partition by hidden order by test_accuracy_fraction desc, model) as place from metric_final order by model
select hidden, kept, rank() over (order by correct desc) as r, dense_rank() over (order by correct desc) as d from metric_truncation order by hidden, kept
select hidden, kept, percent_rank() over (order by correct) as p, cume_dist() over (order by correct) as c from metric_truncation order by hidden, kept
select hidden, kept, ntile(4) over (partition by hidden order by kept) as q from metric_truncation order by hidden, kept
select hidden, kept, lag(correct) over (partition by hidden order by kept) as before, lead(correct, 2, 0) over (partition by hidden order by kept) as after from metric_truncation order by hidden, kept
select hidden, kept, first_value(correct) over (partition by hidden order by kept) as f, last_value(correct) over (partition by hidden order by kept) as l, nth_value(correct, 3) over (partition by hidden order by kept) as n from metric_truncation order by hidden, kept
select hidden, last_value(model) over (partition by hidden order by model rows between unbounded preceding and unbounded following) from metric_final order by model
select hidden, sum(count(*)) over (order by hidden) as running from metric_final group by hidden order by hidden
select hidden, count(*) * 1.0 / sum(count(*)) over () as share from metric_final group by hidden order by hidden
select hidden, rank() over (order by avg(test_accuracy_fraction) desc) as place from metric_final where not isinf(train_loss_nats) group by hidden order by hidden
select model from metric_final qualify row_number() over (partition by hidden order by test_accuracy_fraction desc, model) = 1 order by model
select seed, sum(seed) over (order by seed) from metric_final order by seed, model
select sum(hidden) filter (where seed = 0), count(*) filter (where hidden is null) from metric_final
select hidden, max(seed) filter (where seed < 2) from metric_final group by hidden order by hidden
select kept, count(*) filter (where correct > 300) over (partition by hidden order by kept) from metric_truncation order by hidden, kept
select stddev(correct), stddev_pop(correct), var_samp(correct), var_pop(correct), variance(correct) from metric_truncation
select hidden, stddev(test_accuracy_fraction), var_pop(seed) from metric_final group by hidden order by hidden
select stddev(correct), var_samp(correct), stddev_pop(correct) from metric_truncation where hidden = 30 and kept = 0
select median(correct), quantile_cont(correct, 0.25), quantile_cont(error_fraction, 0.9) from metric_truncation
select percentile_cont(0.1) within group (order by correct), percentile_cont(0.1) within group (order by correct desc) from metric_truncation
select median(hidden), median(train_loss_nats) from metric_final
select corr(kept, correct), corr(correct, error_fraction) from metric_truncation
select bool_and(hidden > 20), bool_or(hidden > 200), bool_and(seed < 2) from metric_final
select hidden, string_agg(cast(seed as text), '-' order by seed desc) from metric_final where hidden is not null group by hidden order by hidden
select sum(distinct hidden), avg(distinct seed), count(distinct model) from metric_final
select avg(correct), sum(correct) / count(*), sum(correct) % count(*) from metric_truncation
select min(model), max(model), min(hidden > 50) from metric_final
select count(*) from metric_final where model like 'train.b%'
select class from metric_classes where class like '_o' or class like '%!_%' escape '!' order by class
select class from metric_classes where class ilike 't%' order by class
select class from metric_classes where class not like '%e%' order by class
select class, length(class), upper(class), lower(class), reverse(class) from metric_classes where class <> '' order by class
select substring(class, 2, 2), substr(class, 3), left(class, 2), right(class, 2), left(class, -1) from metric_classes order by class
select trim('  a b '), ltrim('xxax', 'x'), rtrim('xxax', 'x'), trim(both 'x' from 'xxax'), replace('aXbX', 'X', '-')
select strpos(class, 'e'), position('o' in class), starts_with(class, 't'), ends_with(class, 'e'), contains(class, 'r') from metric_classes order by class
select class || '!' || correct, concat(class, null, '?') from metric_classes order by class
select class || null from metric_classes
select split_part(model, '.', 1), split_part(model, '=', 2), count(*) from metric_final group by 1, 2 order by 1, 2
select class from metric_classes order by class desc
select class < 'm', class >= 'a' from metric_classes order by class
select round(train_loss_nats, 1), round(test_accuracy_fraction, 2), round(-2.5e0), round(hidden, -2) from metric_final where hidden = 30 order by model
select accuracy_fraction, round(accuracy_fraction, 2), round(accuracy_fraction, 1), round(-accuracy_fraction, 3) from metric_truncation order by hidden, kept
select round(0.825e0, 2), round(1.005e0, 2), round(0.125e0, 2), round(-0.375e0, 2)
select floor(error_fraction * 10), ceil(error_fraction * 10), trunc(-error_fraction * 10), sign(accuracy_drop_fraction) from metric_truncation order by hidden, kept
select sqrt(hidden), power(hidden, 2), exp(0), ln(hidden), log2(hidden), log10(hidden) from metric_final where hidden is not null order by model
select cast(hidden as double) / 7, cast(error_fraction * 10 as bigint), cast(hidden as varchar), cast('12' as bigint) + 1 from metric_final f join metric_truncation using (hidden) where kept = 1 order by model
select cast(2.5e0 as bigint), cast(3.5e0 as bigint), cast(-2.5e0 as bigint), cast(true as bigint), try_cast('x' as bigint)
select cast(error_fraction as text), cast(1e20 as double)::text, 0.1e0 || '' from metric_truncation order by hidden, kept
select class, index, eigenvalue, input_vector[1], input_vector[9], len(input_vector) from decompose_eigen where hidden = 30 order by class, index
select list_sum(input_vector), list_min(input_vector), list_max(input_vector), list_avg(input_vector) from decompose_eigen order by hidden, class, index
select variant, class, max(eigenvalue) as top from decompose_eigen group by variant, class order by top desc, variant
select task, count(*), max(abs(eigenvalue)) from decompose_eigen group by task order by task
select input_vector from decompose_eigen where class = 1 and index = 2 order by hidden
select a.class, a.index, a.eigenvalue * b.eigenvalue from decompose_eigen a join decompose_eigen b on a.class = b.class and a.index = b.index and a.hidden < b.hidden order by 1, 2
select distinct class, input_vector[1] from decompose_eigen order by class
select count(distinct input_vector) from decompose_eigen
select split, label, count(*) from data_digits group by split, label order by split, label
select label, count(*) as n from data_digits group by label having count(*) > 3 order by n desc, label
select count(distinct pixels), count(pixels) from data_digits
select index, pixels from data_digits where label = 1 order by index desc limit 2
select label, predicted, images * 100.0 / sum(images) over (partition by label) as percent from metric_confusion order by label, predicted
select sum(images) filter (where label = predicted) * 1.0 / sum(images) from metric_confusion
select c.label, c.predicted, c.images from metric_confusion c join (select label, max(images) as most from metric_confusion where label <> predicted group by label) w on c.label = w.label and c.images = w.most and c.label <> c.predicted order by 1, 2
select hidden, seed, min(test_loss_nats), avg(test_accuracy_fraction) from train_bilinear_history group by hidden, seed order by hidden, seed
select rate, count(*) from train_bilinear_history group by rate order by rate
select hidden, epoch, avg(test_accuracy_fraction) from train_bilinear_history group by hidden, epoch having avg(test_accuracy_fraction) is null order by hidden
select h.hidden, h.seed, h.epoch from train_bilinear_history h where train_loss_nats = (select min(train_loss_nats) from train_bilinear_history where hidden = h.hidden and seed = h.seed) order by 1, 2
select hidden, seed, epoch, train_loss_nats - lag(train_loss_nats) over (partition by hidden, seed order by epoch) as step from train_bilinear_history order by 1, 2, 3
select MAX(Hidden) as Top from Metric_Final where HIDDEN < 300
select "hidden", metric_final."seed" from metric_final order by "hidden", seed
select hidden + seed as s, count(*) from metric_final group by s order by s
select hidden + 1, count(*) from metric_final group by hidden order by hidden
select epochs, epochs + 1, 'x' from metric_final group by epochs
select 1 + 2 * 3 - 4, (1 + 2) * 3, - 2 * 3, 2 - -2
select true and null, false and null, true or null, not null, null = null, null is null
select 0.1e0 + 0.2e0, 1e308 * 10, 5 % 2.5e0
select 9223372036854775807, -9223372036854775808, 9007199254740993 + 0
select 9007199254740993 = 9007199254740992e0
select * from (values (1, 'a'), (2, null)) as t(x, y) order by x
select t.* exclude (x) from (values (1, 'a'), (2, null)) as t(x, y) order by x
select count(*) from metric_final limit 0
select hidden from metric_final order by hidden, seed fetch first 2 rows only
select -hidden as hidden from metric_final where hidden is not null order by hidden, model
select seed from metric_final group by seed order by count(*) desc, seed
select hidden from metric_final group by hidden order by max(seed) - hidden, hidden
select hidden, avg(n) from (select hidden, seed, count(*) as n from train_bilinear_history group by hidden, seed) t group by hidden order by hidden
"""


def create(connection, content):
    for name, columns, parts in ((t["name"], t["columns"], t["parts"]) for t in content):
        labels = sorted({label for _, values, _ in parts for label in values})
        samples = {label: [values[label] for _, values, _ in parts if label in values] for label in labels}
        kinds = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
        types = {label: "DOUBLE" if {type(v) for v in found} == {int, float} else kinds[type(found[0])] for label, found in samples.items()}
        declared = ["task VARCHAR"] + [f"{label} {types[label]}" for label in labels]
        declared += [f'"{column}" {SQL_TYPES[kind]}' for column, kind in columns]
        connection.execute(f"create table {name} ({', '.join(declared)})")
        blobs = {i for i, (_, kind) in enumerate(columns) if kind == "bytes"}
        for task, values, rows in parts:
            for row in rows:
                cells = [bytes.fromhex(cell) if i in blobs else cell for i, cell in enumerate(row)]
                cells = [task, *(values.get(label) for label in labels), *cells]
                connection.execute(f"insert into {name} values ({', '.join('?' * len(cells))})", cells)


def plain(value):
    """A cell as JSON: bytes in hexadecimal, numbers that JSON has not as text."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    if isinstance(value, bytes):
        return value.hex()
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def answers(connection):
    found = []
    for query in filter(None, QUERIES.splitlines()):
        rows = connection.execute(query).fetchall()
        # Without an order of the result its rows are a bag.
        ordered = re.search(r"\b(order by|limit)\b[^()]*(\([^()]*\)[^()]*)*$", query) is not None
        found.append({"query": query, "ordered": ordered, "rows": plain(rows)})
    return found


def main():
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    create(connection, TABLES)
    content = {"duckdb": duckdb.__version__, "tables": plain_tables(), "queries": answers(connection)}
    lines = [f"{json.dumps(key)}: {rendered(value)}" for key, value in content.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    json.loads(text)
    (Path(__file__).resolve().parent / "sql_truth.json").write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(text)} bytes, {len(content['queries'])} queries")


def plain_tables():
    tables = []
    for t in TABLES:
        parts = [{"task": task, "labels": labels, "rows": plain(rows)} for task, labels, rows in t["parts"]]
        tables.append({**t, "parts": parts})
    return tables


def rendered(value):
    """Lists of dictionaries take one line a dictionary."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False, allow_nan=False) for item in value) + "\n]"


if __name__ == "__main__":
    main()
