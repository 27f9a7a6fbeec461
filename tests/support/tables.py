"""The same rows as files of every format that a load takes."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

FORMATS = ("csv", "jsonl", "parquet")

Row = Mapping[str, str]


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> Path:
    """A file of text cells, in the format of its ending; what a row does not name is absent."""
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        # Its own line ends are the only ones: others stand in text as escapes.
        path.write_text("".join(f"{json.dumps(dict(row))}\n" for row in rows), encoding="utf-8")
    else:
        _write_parquet(path, columns, rows)
    return path


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    with duckdb.connect() as database:
        declared = ", ".join(f'"{name}" VARCHAR' for name in columns)
        database.execute(f"CREATE TABLE t ({declared})")
        places = ", ".join("?" * len(columns))
        for row in rows:
            database.execute(f"INSERT INTO t VALUES ({places})", [row.get(c) for c in columns])
        database.execute(f"COPY t TO '{path}' (FORMAT parquet)")


def parquet_of(path: Path, query: str) -> Path:
    """A Parquet file with what a query says, its columns of the query's types."""
    with duckdb.connect() as database:
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path
