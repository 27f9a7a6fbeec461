"""Rows say the same in every format; what is no file of its format is refused in words."""

import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditgate.loaders import load as loading
from creditgate.loaders import rows
from creditgate.loaders.chunks import Load
from creditgate.loaders.errors import FileError, LoadStoppedError
from creditgate.loaders.load import FileLoad
from creditgate.loaders.mapping import FileMapping
from creditgate.loaders.rows import RowKind
from creditgate.loaders.sources import LINE_LENGTH_MAX, Columns, Format, format_of, open_source
from creditgate.loaders.sources.parquet import ParquetSource
from creditgate.loaders.tally import Tally
from tests.support.tables import FORMATS, Row, parquet_of, write_rows

TAKES = Columns(("id", "amount", "day", "time", "yes"), required=("id",))

Found = tuple[list[Any], list[tuple[str, str, str, str]]]


def found(kind: RowKind[Any], path: Path) -> Found:
    """The messages that a load of the file would send, and why it rejects the other rows."""
    messages: list[Any] = []

    async def note(load: Load[Any]) -> None:
        for chunk in load.chunks():
            messages.extend(chunk.messages)
            load.settle(chunk, Counter(valid=len(chunk.messages)), {})

    file_load = FileLoad(kind, path, Tally(()), note)
    file_load.dead_letters = None
    tally = asyncio.run(file_load.run())
    errors = [(e.field, e.value, e.reason, e.message) for _, e in tally.first_rejected]
    return messages, errors


ACCOUNTS: list[Row] = [
    {"account_id": "A1", "currency": "EUR", "limit_kind": "amount", "limit_amount": "1250.50"},
    {"account_id": 'B "2", Süd', "currency": "JPY", "display_name": "a\nb", "limit_kind": "x"},
    {"account_id": "C", "currency": "EUR", "limit_kind": "amount", "limit_amount": "1.234"},
    {"account_id": "D", "currency": "EUR", "limit_kind": "no_credit", "segment_id": ""},
    {"account_id": "E", "currency": "EUR", "limit_kind": "no_credit",
     "limit_valid_until": "2026-02-30"},
]  # fmt: skip
ENTRIES: list[Row] = [
    {"entry_id": "1", "account_id": "A", "kind": "invoice", "amount": "10.00", "currency": "EUR",
     "invoice_id": "I1", "due_date": "2026-03-01", "position": "7"},
    {"entry_id": "2", "account_id": "A", "kind": "payment", "amount": "10", "currency": "EUR",
     "allocations": "I1:4.00;I:2:6"},
    {"entry_id": "3", "account_id": "A", "kind": "payment", "amount": "0", "currency": "EUR"},
]  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("kind", "content", "fields"),
    [
        (rows.ACCOUNTS, ACCOUNTS, ["display_name", "limit_amount", "limit_valid_until"]),
        (rows.ENTRIES, ENTRIES, ["amount"]),
    ],
)
def test_every_format_gives_the_same_messages(
    tmp_path: Path, form: str, kind: RowKind[Any], content: list[Row], fields: list[str]
) -> None:
    messages, errors = found(kind, write_rows(tmp_path / f"rows.{form}", kind.columns, content))
    assert (messages, errors) == found(kind, write_rows(tmp_path / "r.csv", kind.columns, content))
    assert [field for field, *_ in errors] == fields
    assert len(messages) == 2


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = {
    "currency": st.sampled_from(["EUR", "JPY", "eur"]),
    "limit_kind": st.sampled_from(["amount", "no_credit", "inherit", ""]),
    "limit_amount": st.decimals(-10, 10**15, places=2).map(str) | CELLS,
    "limit_valid_until": st.dates().map(str) | CELLS,
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.lists(
        st.fixed_dictionaries(
            {"account_id": CELLS}, optional=VALUES | {"display_name": CELLS, "segment_id": CELLS}
        ),
        max_size=6,
        # Of a second row of one account is said in which line the first stands.
        unique_by=lambda row: row["account_id"],
    )
)
def test_random_rows_load_alike_from_every_format(content: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"rows.{form}") for form in FORMATS]
        first, *others = (
            found(rows.ACCOUNTS, write_rows(path, rows.ACCOUNTS.columns, content)) for path in paths
        )
    assert others == [first, first]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('{"id": 12, "amount": 1250.50, "yes": true}', {"id": "12", "amount": "1250.50"}),
        ('{"amount": 0.10, "id": "x", "yes": false}', {"amount": "0.10", "id": "x"}),
        ('{"id": 90071992547409931234, "amount": 100000000000000000.01}',
         {"id": "90071992547409931234", "amount": "100000000000000000.01"}),
        ('  {"id": "é\\u00e9\\ud83d\\ude00", "amount": null, "day": ""}\r', {"id": "éé😀"}),
        ("{}", {}),
    ],
)  # fmt: skip
def test_json_is_taken_as_it_is_written(tmp_path: Path, line: str, cells: dict[str, str]) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_text(f"\ufeff\n{line}\n", newline="")
    with open_source(path, TAKES) as source:
        ((row, named),) = ((row, source.named(row)) for row in source)
    assert (row.line, row.problem) == (2, None)
    assert {name: cell for name, cell in named.items() if name != "yes"} == cells
    assert named.get("yes", "absent") in line or "yes" not in line


def test_what_is_left_out_may_stand_twice_and_colons_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"id": "A", "time": "16:05:00", "sum": {"id": 1, "a": 2}, "sum": {"a": [3, {"a": 1}]}}'
    )
    takes = Columns(TAKES.names, mapping=FileMapping(ignore=("sum",)))
    with open_source(path, takes) as source:
        assert [source.named(row) for row in source if not row.problem] == [
            {"id": "A", "time": "16:05:00"}
        ]


DEEP = "[" * 9_999 + "]" * 9_999


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        (b'{"id": "A', "", "the line is not JSON: Input data was truncated"),
        (b'["A"]', "", "the line is not one JSON object"),
        (b'{"id": "1"} {"id": "2"}', "",
         "the line is not JSON: JSON is malformed: trailing characters (byte 13)"),
        (b'{"id": NaN}', "",
         "the line is not JSON: JSON is malformed: invalid character (byte 7)"),
        (b'{"id": ' + b"9" * 9_999 + b"}", "",
         "the line is not JSON: Integer value out of range - at `$[...]`"),
        (b'{"id": "caf\xe9"}', "", "the line is not UTF-8"),
        (f'{{"id": {DEEP}}}'.encode(), "", "the line is not JSON: it is nested too deeply"),
        (b'{"id": "A", "amount": "10", "amount": "20"}', "", "column 'amount' appears twice"),
        (b'{"id": "A", "time": "16:05", "\\u0069d" : "B"}', "", "column 'id' appears twice"),
        (b'{"id": "A", "id" : "B"}', "", "column 'id' appears twice"),
        (b'{"id": "A", "id"\t: "B"}', "", "column 'id' appears twice"),
        (b'{"id": ["A"]}', "id",
         "id '[\"A\"]': must be text, a number, true, false or null"),
        (b'{"id": "A", "sum": 1.5}', "sum",
         "unknown column 'sum'; this load takes id, amount, day, time, yes"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_row_is_rejected_and_the_next_is_read(
    tmp_path: Path, line: bytes, field: str, message: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(line + b'\n{"id": "next"}')
    with open_source(path, TAKES) as source:
        bad, good = source
        assert bad.problem is not None
        assert (bad.problem.field, bad.problem.message) == (field, message)
        assert bad.problem.reason == ("COLUMN_UNKNOWN" if field == "sum" else "ROW_MALFORMED")
        # What stands there is all in the dead letters.
        told = (*bad.cells, bad.problem.value)
        kept = "".join(told).encode(errors="surrogateescape")
        assert kept == line if not field else {'["A"]', "1.5"} & set(told)
        assert (good.line, source.named(good)) == (2, {"id": "next"})
        assert source.bytes_read() == path.stat().st_size


def test_an_endless_line_of_json_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id": "1"}\n"' + b"x" * LINE_LENGTH_MAX)
    with open_source(path, TAKES) as source, pytest.raises(FileError) as caught:
        list(source)
    assert str(caught.value) == f"{path}: line 2 is longer than 1,048,576 bytes"


@pytest.mark.parametrize(
    ("typed", "cell"),
    [
        ("12.3400::DECIMAL(20, 4)", "12.34"),
        ("100::DECIMAL(20, 2)", "100"),
        ("1200::DECIMAL(9, 0)", "1200"),
        ("-0.05::DECIMAL(2, 2)", "-0.05"),
        ("999999999999999999.99::DECIMAL(20, 2)", "999999999999999999.99"),
        ("9007199254740993::BIGINT", "9007199254740993"),
        ("255::UTINYINT", "255"),
        ("DATE '2026-01-31'", "2026-01-31"),
        ("TIMESTAMP '2026-01-31 00:00:00'", "2026-01-31"),
        ("TIMESTAMP '2026-01-31 16:05:00.25'", "2026-01-31T16:05:00.25"),
        ("'2026-01-31 16:05:00.000000001'::TIMESTAMP_NS", "2026-01-31T16:05:00.000000001"),
        ("TIMESTAMPTZ '2026-01-31 00:00:00+02'", "2026-01-30T22:00:00Z"),
        ("true", "true"),
        ("'a'::ENUM('a', 'b')", "a"),
        ("NULL::DECIMAL(9, 2)", ""),
        ("NULL::TIMESTAMP", ""),
        ("' x '", " x "),
    ],
)
def test_parquet_is_taken_without_loss(tmp_path: Path, typed: str, cell: str) -> None:
    path = parquet_of(tmp_path / "a[1]*.parquet", f"SELECT 'x' AS id, {typed} AS amount")
    with open_source(path, TAKES) as source:
        assert source.columns == ("id", "amount")
        assert [(row.line, row.cells) for row in source] == [(1, ("x", cell))]


def test_parquet_is_read_batch_by_batch(tmp_path: Path) -> None:
    path = parquet_of(tmp_path / "a.parquet", "SELECT 'A' || i AS id FROM range(5000) AS t(i)")
    with open_source(path, TAKES) as source:
        assert source.bytes_read() == 0
        read = [(row.line, row.cells[0], source.bytes_read()) for row in source]
    assert [(line, cell) for line, cell, _ in read] == [(i + 1, f"A{i}") for i in range(5_000)]
    assert read[2_499][2] == path.stat().st_size // 2
    assert read[-1][2] == path.stat().st_size


FLOATS = "which is not exact: write it as DECIMAL, as whole numbers or as text"
TYPES = "text, whole numbers, DECIMAL, BOOLEAN, DATE and TIMESTAMP are taken"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 'a' AS id, 1.5::DOUBLE AS amount", f"column 'amount' is DOUBLE, {FLOATS}"),
        ("SELECT 'a' AS id, 1.5::FLOAT AS amount", f"column 'amount' is FLOAT, {FLOATS}"),
        ("SELECT 'a'::BLOB AS id", f"column 'id' is BLOB: {TYPES}"),
        ("SELECT ['a'] AS id", f"column 'id' is VARCHAR[]: {TYPES}"),
        (
            "SELECT 1 AS amount",
            "required column 'id' is missing; this load takes id, amount, day, time, yes",
        ),
        (
            "SELECT 'a' AS id, 1 AS sum",
            "unknown column 'sum'; this load takes id, amount, day, time, yes",
        ),
    ],
)
def test_parquet_with_wrong_columns_is_refused(tmp_path: Path, query: str, message: str) -> None:
    path = parquet_of(tmp_path / "rows.parquet", query)
    with pytest.raises(FileError) as caught:
        open_source(path, TAKES)
    assert str(caught.value) == f"{path}: {message}"


def whole(tmp_path: Path) -> bytes:
    rows = "SELECT 'A' || i AS id, md5(i::VARCHAR) AS amount FROM range(3000) AS t(i)"
    return parquet_of(tmp_path / "whole.parquet", rows).read_bytes()


def test_what_is_not_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    whole_file = whole(tmp_path)
    for content, message in [
        (b"", "is not Parquet: it does not begin with PAR1"),
        (b"id\n1\n", "is not Parquet: it does not begin with PAR1"),
        (whole_file[:-1], "is cut short: it does not end with PAR1, as Parquet does"),
        (whole_file[:4], "cannot be read as Parquet: Invalid Input Error"),
        (whole_file[:-9] + b"\xff" * 5 + b"PAR1", "cannot be read as Parquet: "),
    ]:
        path.write_bytes(content)
        with pytest.raises(FileError) as caught:
            open_source(path, TAKES)
        assert str(caught.value).startswith(f"{path}: {message}")
    with pytest.raises(FileError) as caught:
        open_source(tmp_path, TAKES, "parquet")
    assert str(caught.value) == f"{tmp_path}: Parquet is read from a file, which this is not"


def test_parquet_that_is_damaged_within_stops_the_load(tmp_path: Path) -> None:
    content = bytearray(whole(tmp_path))
    content[4:2_000] = b"\xff" * 1_996
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    kind = rows.ASSIGNMENTS
    file_load = loading.dry_run(kind, path)
    file_load.mapping = tmp_path / "mapping.toml"
    file_load.mapping.write_text('[columns]\nterms_id = "id"\nsegment_id = "amount"\n')
    with pytest.raises(LoadStoppedError, match=r"rows\.parquet: cannot be read as Parquet: "):
        asyncio.run(file_load.run())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"), ("a.CSV", "csv"), ("a.jsonl", "jsonl"), ("a.NDJSON", "jsonl"),
        ("a.parquet", "parquet"), ("a.jsonl.rejected.csv", "csv"), ("stdin", "csv"),
    ],
)  # fmt: skip
def test_the_name_says_the_format(name: str, kind: Format) -> None:
    assert format_of(Path(name)) == kind


def test_a_format_that_is_given_holds(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text(json.dumps({"id": "A"}))
    with open_source(path, TAKES, "jsonl") as source:
        assert [source.named(row) for row in source] == [{"id": "A"}]
    assert not isinstance(source, ParquetSource)
