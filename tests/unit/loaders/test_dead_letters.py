"""A mended dead-letter file is loaded as it is, and never written over."""

import asyncio
import os
from pathlib import Path

import pytest

from creditgate.loaders import load, rows
from creditgate.loaders.dead_letters import default_path
from creditgate.loaders.errors import FileError
from creditgate.loaders.load import FileLoad
from creditgate.loaders.rows.findings import Flag
from tests.support.tables import FORMATS, Row, write_rows

# One of its columns has the name of one that tells what was wrong.
FLAGS: list[Row] = [
    {"account_id": "A", "hold_id": "F1", "action": "place", "kind": "fraud", "reason": "a, b"},
    {"account_id": "B", "hold_id": "F1", "action": "put", "kind": "fraud", "reason": "c"},
    {"account_id": "C", "hold_id": "F1", "action": "place", "kind": "x", "reason": "d"},
]


def check(path: Path) -> FileLoad[Flag]:
    """A dry run that writes dead letters where a load would."""
    file_load = load.dry_run(rows.FLAGS, path)
    file_load.dead_letters = default_path(path)
    return file_load


@pytest.mark.parametrize("form", FORMATS)
def test_mended_rows_are_valid_and_others_go_to_a_new_file(tmp_path: Path, form: str) -> None:
    path = write_rows(tmp_path / f"flags.{form}", rows.FLAGS.columns, FLAGS)
    assert asyncio.run(check(path).run()).rejected == 2
    letters = default_path(path)
    mended = letters.read_text().replace(",put,", ",place,")
    letters.write_text(mended)

    again = asyncio.run(check(letters).run())
    assert (again.read, again.loaded) == (2, 1)
    assert letters.read_text() == mended
    ((line, error),) = again.first_rejected
    assert (line, error.field, error.value) == (3, "kind", "x")
    header, row = default_path(letters).read_text().splitlines()
    columns = "account_id,hold_id,action,reason,kind,source,expire_time"
    assert header == f"line,field,value,reason,message,{columns}"
    assert row.endswith(",C,F1,place,d,x,,")


def test_rows_of_the_wrong_shape_are_told_with_all_their_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.rejected.csv"
    path.write_text("line,field,value,reason,message,terms_id,segment_id\n2,,,R,m,T\n")
    tally = asyncio.run(load.dry_run(rows.ASSIGNMENTS, path).run())
    ((_, error),) = tally.first_rejected
    assert error.message == "the row has 6 cells, the header 7"


@pytest.mark.parametrize(
    "header",
    [
        "field,line,value,reason,message,terms_id,segment_id",
        "terms_id,segment_id,line,field,value,reason,message",
        "line,terms_id,segment_id",
    ],
)
def test_columns_of_dead_letters_elsewhere_are_unknown(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n")
    with pytest.raises(FileError, match=r"unknown column '(line|field)'"):
        asyncio.run(load.dry_run(rows.ASSIGNMENTS, path).run())


def test_the_file_that_is_read_is_not_written_over_by_another_name(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "flags.csv", rows.FLAGS.columns, FLAGS)
    file_load = check(path)
    file_load.dead_letters = tmp_path / "other.csv"
    os.link(path, file_load.dead_letters)
    before = path.read_bytes()
    with pytest.raises(FileError, match=r"other\.csv: .* would overwrite the file itself"):
        asyncio.run(file_load.run())
    assert path.read_bytes() == before
