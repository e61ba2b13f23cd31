"""Reads artifacts of every kind with polars, pandas, pyarrow and DuckDB.

    python check.py PROGRAMS ARTIFACTS PIPELINE

PROGRAMS is the folder of the compiled programs. Columns, types and provenance have to be those that `eigenscope show` prints. Values have to be
those that were written, bit by bit: from what each reader returns the content digest is computed again, by the rules of
crates/artifact/src/digest.rs, and compared with the one in the file. Exits with 1 where they differ, and where a kind of table that a
program describes has no file.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet
from blake3 import blake3

STAGES = ["ingest", "train", "import", "decompose", "metrics", "report"]
# Our name: NumPy's, pyarrow's, polars', DuckDB's.
NUMBERS = {
    "UInt16": ("uint16", pyarrow.uint16(), polars.UInt16, "USMALLINT"),
    "UInt32": ("uint32", pyarrow.uint32(), polars.UInt32, "UINTEGER"),
    "UInt64": ("uint64", pyarrow.uint64(), polars.UInt64, "UBIGINT"),
    "Float32": ("float32", pyarrow.float32(), polars.Float32, "FLOAT"),
    "Float64": ("float64", pyarrow.float64(), polars.Float64, "DOUBLE"),
    "Boolean": ("bool", pyarrow.bool_(), polars.Boolean, "BOOLEAN"),
}


class Type:
    """A column type as `eigenscope show` prints it, and what each reader calls it."""

    def __init__(self, text):
        self.text = text
        self.item = None
        self.width = None
        if text in NUMBERS:
            self.numpy, self.pyarrow, self.polars, self.duckdb = NUMBERS[text]
        elif text == "Utf8":
            self.pyarrow, self.polars, self.duckdb = pyarrow.string(), polars.String, "VARCHAR"
        elif found := re.fullmatch(r"FixedSizeBinary\((\d+)\)", text):
            self.width = int(found[1])
            self.pyarrow, self.polars, self.duckdb = pyarrow.binary(self.width), polars.Binary, "BLOB"
        elif found := re.fullmatch(r"List\(non-null (\w+)(?:, field: 'item')?\)", text):
            self.item = Type(found[1])
            item = pyarrow.field("item", self.item.pyarrow, nullable=False)
            self.pyarrow, self.polars = pyarrow.list_(item), polars.List(self.item.polars)
            self.duckdb = f"{self.item.duckdb}[]"
        elif found := re.fullmatch(r"FixedSizeList\((\d+) x non-null (\w+)(?:, field: 'item')?\)", text):
            self.width = int(found[1])
            self.item = Type(found[2])
            item = pyarrow.field("item", self.item.pyarrow, nullable=False)
            self.pyarrow = pyarrow.list_(item, self.width)
            self.polars = polars.Array(self.item.polars, self.width)
            self.duckdb = f"{self.item.duckdb}[]"
        else:
            sys.exit(f"no reader has been told what type {text} is: add it to {__file__}")


# Each reader: the columns as Arrow arrays, and their types in its own words.


def by_pyarrow(path, columns):
    table = pyarrow.parquet.read_table(path)
    return table, {field.name: field.type for field in table.schema}, {name: column.pyarrow for name, column in columns.items()}


def by_polars(path, columns):
    table = polars.read_parquet(path)
    return table.to_arrow(), dict(table.schema), {name: column.polars for name, column in columns.items()}


def by_duckdb(path, columns):
    table = duckdb.sql(f"select * from '{path}'")
    types = dict(zip(table.columns, map(str, table.types)))
    return table.to_arrow_table(), types, {name: column.duckdb for name, column in columns.items()}


def by_pandas(path, columns):
    table = pandas.read_parquet(path)
    types, expected = {}, {}
    for name, column in columns.items():
        # pandas has one type for texts, bytes and lists, and turns numbers with missing values into floats.
        expected[name] = column.numpy if column.text in NUMBERS else "objects"
        types[name] = str(table[name].dtype)
        if types[name] in ("object", "str"):
            types[name] = "objects"
        if table[name].hasnans:
            expected[name] = types[name] = "with missing values"
    arrow = pyarrow.Table.from_pandas(table, preserve_index=False)
    return arrow, types, expected


READERS = {"pyarrow": by_pyarrow, "polars": by_polars, "duckdb": by_duckdb, "pandas": by_pandas}


def metadata_by_pyarrow_schema(path):
    return texts(pyarrow.parquet.read_schema(path).metadata.items())


def metadata_by_pyarrow(path):
    return texts(pyarrow.parquet.read_metadata(path).metadata.items())


def metadata_by_duckdb(path):
    return texts(duckdb.sql(f"select key, value from parquet_kv_metadata('{path}')").fetchall())


METADATA = {"pyarrow.parquet.read_schema": metadata_by_pyarrow_schema, "pyarrow.parquet.read_metadata": metadata_by_pyarrow}
# What came later than the oldest supported version.
if tuple(map(int, duckdb.__version__.split(".")[:2])) >= (0, 10):
    METADATA["duckdb parquet_kv_metadata"] = metadata_by_duckdb
if tuple(map(int, polars.__version__.split(".")[:2])) >= (1, 30):
    METADATA["polars.read_parquet_metadata"] = lambda path: polars.read_parquet_metadata(path)


def texts(entries):
    return {key.decode(): value.decode() for key, value in entries}


# The content digest.


def text_bytes(text):
    return len(text.encode()).to_bytes(8, "little") + text.encode()


def little_endian(array, column):
    return numpy.ascontiguousarray(array.to_numpy(zero_copy_only=False).astype(column.numpy)).tobytes()


def column_digests(array, column, nullable):
    """Digests of validity, lengths and values of one column."""
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pyarrow.ChunkedArray):
        array = pyarrow.concat_arrays(array.chunks)
    if not nullable and array.null_count > 0:
        raise ValueError("missing values where there can be none")
    validity = numpy.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype="uint8").tobytes()
    lengths = b""
    if column.item:
        if column.width is None:
            lengths = pyarrow.compute.list_value_length(array.drop_null()).to_numpy(zero_copy_only=False)
            lengths = lengths.astype("uint64").tobytes()
        values = little_endian(array.flatten(), column.item)
    elif column.text in NUMBERS:
        empty = False if pyarrow.types.is_boolean(column.pyarrow) else 0
        values = little_endian(array.cast(column.pyarrow, safe=True).fill_null(empty), column)
    else:
        items = [item or b"" for item in array.cast(pyarrow.large_binary()).to_pylist()]
        if column.width is None:
            lengths = numpy.array([len(item) for item in items], dtype="uint64").tobytes()
        values = b"".join(items)
    return [blake3(part).digest() for part in (validity, lengths, values)]


def content_digest(shown, table):
    metadata = json.dumps(shown["metadata"], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    parts = [text_bytes(text) for text in (shown["kind"], str(shown["schema_version"]), metadata)]
    for column in shown["columns"]:
        parts += [text_bytes(column["name"]), text_bytes(column["type"])]
    parts.append(shown["rows"].to_bytes(8, "little"))
    for column in shown["columns"]:
        parts += column_digests(table[column["name"]], Type(column["type"]), column["nullable"])
    return blake3(b"".join(parts)).hexdigest()


# The checks of one file: each gives what is wrong.


def check_readers(path, shown):
    columns = {column["name"]: Type(column["type"]) for column in shown["columns"]}
    for name, read in READERS.items():
        try:
            table, types, expected = read(path, columns)
            if list(table.column_names) != list(columns):
                yield f"{name} finds the columns {table.column_names}, not {list(columns)}"
            elif types != expected:
                yield f"{name} finds the types {types}, not {expected}"
            elif content_digest(shown, table) != shown["content"]:
                yield f"{name} reads other values than were written"
        except Exception as error:
            yield f"{name} cannot read it: {type(error).__name__}: {error}"


def check_metadata(path, shown):
    for name, read in METADATA.items():
        try:
            found = read(path)
            if json.loads(found["eigenscope.provenance"]) != shown["provenance"]:
                yield f"{name} finds another provenance"
            if (found["eigenscope.kind"], found["eigenscope.content"]) != (shown["kind"], shown["content"]):
                yield f"{name} finds another kind or content"
        except Exception as error:
            yield f"{name} finds no provenance: {type(error).__name__}: {error}"


def check_filters(path, shown):
    """Readers that skip what cannot match, by minima and maxima in the file, find all that does."""
    for column in shown["columns"]:
        name = column["name"]
        if column["type"] not in NUMBERS or column["type"] == "Boolean" or shown["rows"] == 0:
            continue
        values = pyarrow.parquet.read_table(path, columns=[name])[name].drop_null().to_numpy()
        if len(values) == 0:
            continue
        for limit in (values.min().item(), numpy.sort(values)[len(values) // 2].item(), values.max().item()):
            expected = int((values >= limit).sum())
            counts = {
                "pyarrow": lambda: pyarrow.parquet.read_table(path, filters=[(name, ">=", limit)]).num_rows,
                "polars": lambda: polars.scan_parquet(path).filter(polars.col(name) >= limit).collect().height,
                "duckdb": lambda: len(duckdb.execute(f"select 1 from '{path}' where \"{name}\" >= ?", [limit]).fetchall()),
            }
            for reader, count in counts.items():
                try:
                    found = count()
                    if found != expected:
                        yield f"{reader} finds {found} rows with {name} >= {limit}, not {expected}"
                except Exception as error:
                    yield f"{reader} cannot filter by {name}: {type(error).__name__}: {error}"


def described_tables(programs):
    """Kinds of all outputs of all stage programs that are tables."""
    kinds = {"ledger"}
    for stage in STAGES:
        text = subprocess.run([programs / f"eigenscope-{stage}", "describe"], check=True, capture_output=True).stdout
        for kind in json.loads(text)["kinds"]:
            kinds.update(kind["outputs"])
    return kinds - {"svg", "png", "pdf", "interactive"}


def main():
    programs, artifacts, pipeline = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    files = sorted(artifacts.glob(f"{pipeline}/*/*.parquet")) + sorted(artifacts.glob("ledger/*.parquet"))[-1:]
    command = [programs / "eigenscope", "show", "--json", "--rows", "0", *files]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["artifacts"]
    wrong = 0
    for artifact in shown:
        path = artifact["file"]
        for check in (check_readers, check_metadata, check_filters):
            for problem in check(path, artifact):
                wrong += 1
                print(f"{path}: {problem}", file=sys.stderr)
    kinds = {artifact["kind"] for artifact in shown}
    for kind in sorted(described_tables(programs) - kinds):
        wrong += 1
        print(f"{artifacts}/{pipeline} holds no table of kind `{kind}`: add a task to the pipeline that makes one", file=sys.stderr)
    readers = (polars, pandas, pyarrow, duckdb)
    versions = ", ".join(f"{reader.__name__} {reader.__version__}" for reader in readers)
    print(f"{versions}: {len(shown)} tables of {len(kinds)} kinds read, {wrong or 'nothing'} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
