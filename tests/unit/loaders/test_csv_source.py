"""Files are read row by row; what is wrong with one is told with its line."""

import csv
from itertools import islice
from pathlib import Path

import pytest

from creditgate.loaders.errors import FileError
from creditgate.loaders.sources import LINE_LENGTH_MAX, Columns, CsvSource
from creditgate.loaders.sources.csv import ROW_LINES_MAX

TAKES = Columns(("id", "name", "amount"), required=("id",))


def source(tmp_path: Path, data: bytes) -> CsvSource:
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    return CsvSource(path, TAKES)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"name\nx\n", "required column 'id' is missing"),
        (b"id,limit\n", "unknown column 'limit'; this load takes id, name, amount"),
        (b"id,\n", "unknown column ''"),
        (b"id,name,id\n", "column 'id' appears twice"),
        (b"id;name\n1;x\n", "unknown column 'id;name'"),
        (b"\xff\xfei\x00d\x00", "unknown column"),
        (b'"id"x\n', "the header is not CSV"),
    ],
)
def test_a_wrong_header_refuses_the_file(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(FileError, match=r"rows\.csv: ") as caught:
        source(tmp_path, data)
    assert message in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read: No such file"):
        CsvSource(tmp_path / "none.csv", TAKES)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_columns_in_any_order_with_every_kind_of_newline(
    tmp_path: Path, newline: str, mark: str
) -> None:
    text = newline.join([f"{mark}name, id ", "Bäcker,1", "", '"a, ""b""",2', ",3"])
    with source(tmp_path, text.encode()) as rows:
        found = [(row.line, rows.named(row)) for row in rows]
    assert found == [
        (2, {"name": "Bäcker", "id": "1"}),
        (4, {"name": 'a, "b"', "id": "2"}),
        (5, {"id": "3"}),
    ]


def test_a_row_that_spans_lines_is_named_by_its_first(tmp_path: Path) -> None:
    with source(tmp_path, b'id,name\n1,"a\nb"\n2,x\n') as rows:
        assert [row.line for row in rows] == [2, 4]


def test_rows_of_the_wrong_shape_are_rejected_and_the_next_are_read(tmp_path: Path) -> None:
    with source(tmp_path, b'id,name\n1\n2,x,y,z\n3,"q"x\n4,ok\n') as rows:
        found = [(row.line, row.problem.message if row.problem else None) for row in rows]
    assert found == [
        (2, "the row has 1 cells, the header 2"),
        (3, "the row has 4 cells, the header 2"),
        (4, "the row is not CSV: ',' expected after '\"'"),
        (5, None),
    ]


@pytest.mark.parametrize(
    ("data", "rejected"),
    [
        (b'1,"Foo,x\n2,Bar\n3,"Baz"\n', {2: '1,"Foo,x'}),
        (b'1,ok\n2,"open\n3,swallowed\n4,"too"\n', {3: '2,"open'}),
        (b'1,"open\r\n2,"a\r\nb"\r\n3,"c\r\nd"\r\n', {2: '1,"open'}),
        (b'1,ok\n2,"open', {3: '2,"open'}),
        (b'1,"a"b\n2,ok\n3,"a"b\n4,"x\n\n5,ok\n', {2: '1,"a"b', 4: '3,"a"b', 5: '4,"x'}),
        (b'1,"caf\xe9\n2,ok\n3,"c"\n', {2: '1,"caf\udce9'}),
    ],
)
def test_a_quote_too_many_condemns_its_own_line_alone(
    tmp_path: Path, data: bytes, rejected: dict[int, str]
) -> None:
    with source(tmp_path, b"id,name\n" + data) as rows:
        found = list(rows)
    problems = {row.line: row.problem for row in found if row.problem}
    assert {line: problem.value for line, problem in problems.items()} == rejected
    assert {problem.reason for problem in problems.values()} == {"ROW_MALFORMED"}
    # Every other row is there, at its place.
    good = {row.cells[0]: row.line for row in found if not row.problem}
    lines = (b"id,name\n" + data).splitlines()
    starts = {line[:1].decode(): n for n, line in enumerate(lines, 1) if line[1:2] == b","}
    assert good == {key: line for key, line in starts.items() if line not in rejected}


def test_an_unclosed_quote_swallows_no_rows_however_many_there_are(tmp_path: Path) -> None:
    others = b"".join(b"%d,name\n" % n for n in range(50_000))
    with source(tmp_path, b'id,name\n0,"open\n' + others) as rows:
        first, *found = rows
    assert (first.line, first.cells) == (2, ())
    assert first.problem is not None
    assert first.problem.value == '0,"open'
    assert [row.line for row in found] == list(range(3, 50_003))
    assert not any(row.problem for row in found)


@pytest.mark.parametrize("wide", [b"x", b"x" * 100_000])
def test_a_row_without_an_end_is_not_read_into_memory(tmp_path: Path, wide: bytes) -> None:
    # Each line closes a quote and opens another, so that no cell is long.
    others = (wide + b'","y\n') * (ROW_LINES_MAX + 10)
    with source(tmp_path, b'id,name\n1,"\n' + others) as rows:
        found = list(islice(rows, 3))
        assert rows.bytes_read() < 3 * LINE_LENGTH_MAX
    assert [row.line for row in found] == [2, 3, 4]
    for row in found:
        assert row.problem is not None
        assert "a quoted cell does not end within 1,000 lines" in row.problem.message
    assert found[0].problem is not None
    assert found[0].problem.value == '1,"'


def test_bytes_that_are_not_utf8_stay_in_their_row(tmp_path: Path) -> None:
    with source(tmp_path, b"id,name\n1,caf\xe9\n2,ok\n") as rows:
        cells = [row.cells for row in rows]
    assert cells == [("1", "caf\udce9"), ("2", "ok")]


def test_a_cell_of_another_kind_of_file_is_a_rejected_row(tmp_path: Path) -> None:
    huge = b"x" * (csv.field_size_limit() + 1)
    with source(tmp_path, b"id,name\n1," + huge + b"\n2,ok\n") as rows:
        found = [(row.line, row.problem.reason if row.problem else None) for row in rows]
    assert found == [(2, "ROW_MALFORMED"), (3, None)]


def test_a_nul_stays_in_its_cell(tmp_path: Path) -> None:
    with source(tmp_path, b"id,name\n1,a\x00b\n2,ok\n") as rows:
        assert [row.cells for row in rows] == [("1", "a\x00b"), ("2", "ok")]


def test_an_endless_line_is_not_read_into_memory(tmp_path: Path) -> None:
    too_long = b"x" * (LINE_LENGTH_MAX + 1)
    with (
        source(tmp_path, b"id\n1\n" + too_long) as rows,
        pytest.raises(FileError, match="line 3 is longer than"),
    ):
        list(rows)


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    data = b"id\n" + b"1\n" * 50_000
    size = len(data)
    with source(tmp_path, data) as rows:
        assert rows.bytes_read() < size
        assert sum(1 for _ in rows) == 50_000
        assert rows.bytes_read() == size
