"""Reads a Parquet file, row by row, through DuckDB."""

import glob
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from creditgate.loaders.errors import FileError
from creditgate.loaders.sources.columns import Columns
from creditgate.loaders.sources.source import Source, SourceRow

MAGIC = b"PAR1"
MEMORY_MAX = "512MB"
BATCH_ROWS = 256

_OPTIONS: dict[str, Any] = {
    "memory_limit": MEMORY_MAX,
    "threads": 1,
    # It reads the one file with what it has in itself, and fetches nothing from anywhere.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

_AS_THEY_ARE = re.compile(
    r'VARCHAR|BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|DATE|UUID|ENUM\(.*\)|"NULL"', re.DOTALL
)
_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")
_TIME = re.compile(r"TIMESTAMP(_NS|_MS|_S)?")
_ZONED = "TIMESTAMP WITH TIME ZONE"
_FLOATS = frozenset({"FLOAT", "DOUBLE"})


class ParquetSource(Source):
    """An open Parquet file. `line` is the number of a row, from 1.

    A cell is what a CSV file would say, exactly. A column of floats is refused, for no amount can
    be told from it for certain."""

    def __init__(self, path: Path, takes: Columns) -> None:
        self._size_bytes = _size_checked(path)
        self.path = path
        # The name of a file may hold what would stand for others, or for another place.
        self._name = glob.escape(str(path.absolute()))
        self._read = 0
        self._connection = duckdb.connect(config=_OPTIONS)
        try:
            types = self._types()
            self._rows = self._count()
            takes.check(path, tuple(types))
            # What the mapping leaves out is not even read.
            super().__init__(path, tuple(name for name in types if takes.takes(name)), takes)
            self._texts = [_text_of(path, name, types[name]) for name in self.columns]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def bytes_read(self) -> int:
        """As much of the file's size as was read of its rows."""
        return self._size_bytes * self._read // self._rows if self._rows else self._size_bytes

    def __iter__(self) -> Iterator[SourceRow]:
        columns = ", ".join(self._texts)
        # The columns are quoted, and are those of the load.
        rows = f"SELECT {columns} FROM read_parquet(?, hive_partitioning = false)"  # noqa: S608
        found = self._run(rows)
        while batch := self._fetch(found):
            for cells in batch:
                self._read += 1
                yield SourceRow(self._read, cells)

    def _types(self) -> dict[str, str]:
        described = self._run("DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning = false)")
        return {name: kind for name, kind, *_ in described.fetchall()}

    def _count(self) -> int:
        counted = self._run("SELECT num_rows FROM parquet_file_metadata(?)").fetchone()
        assert counted is not None
        return int(counted[0])

    def _run(self, query: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(query, [self._name])
        except duckdb.Error as error:
            raise self._unreadable(error) from error

    def _fetch(self, found: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
        try:
            return found.fetchmany(BATCH_ROWS)
        except duckdb.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: duckdb.Error) -> FileError:
        return FileError(f"{self.path}: cannot be read as Parquet: {str(error).splitlines()[0]}")


def _size_checked(path: Path) -> int:
    """The size of a whole Parquet file. Its end is where it says what it holds."""
    try:
        if not path.is_file():
            raise FileError(f"{path}: Parquet is read from a file, which this is not")
        with path.open("rb") as file:
            starts = file.read(len(MAGIC)) == MAGIC
            size = file.seek(0, 2)
            file.seek(max(0, size - len(MAGIC)))
            ends = file.read() == MAGIC
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    if not starts:
        raise FileError(f"{path}: is not Parquet: it does not begin with PAR1")
    if not ends:
        raise FileError(f"{path}: is cut short: it does not end with PAR1, as Parquet does")
    return size


def _text_of(path: Path, name: str, kind: str) -> str:
    """The SQL that says a cell of the column as a CSV file would. Raises FileError."""
    column = '"{}"'.format(name.replace('"', '""'))
    text = f"CAST({column} AS VARCHAR)"
    if decimal := _DECIMAL.fullmatch(kind):
        # At its widest it has a digit before the point; and 12.3400 of a column with four decimals
        # is an amount with two.
        wide = f"CAST(CAST({column} AS DECIMAL(38, {decimal[1]})) AS VARCHAR)"
        text = f"rtrim(rtrim({wide}, '0'), '.')" if int(decimal[1]) else text
    elif _TIME.fullmatch(kind):
        # Many writers know no days, but only times at midnight.
        text = f"replace(regexp_replace({text}, ' 00:00:00$', ''), ' ', 'T')"
    elif kind == _ZONED:
        utc = f"CAST(make_timestamp(epoch_us({column})) AS VARCHAR)"
        text = f"replace({utc}, ' ', 'T') || 'Z'"
    elif kind in _FLOATS:
        advice = "write it as DECIMAL, as whole numbers or as text"
        raise FileError(f"{path}: column {name!r} is {kind}, which is not exact: {advice}")
    elif not _AS_THEY_ARE.fullmatch(kind):
        takes = "text, whole numbers, DECIMAL, BOOLEAN, DATE and TIMESTAMP are taken"
        raise FileError(f"{path}: column {name!r} is {kind}: {takes}")
    return f"coalesce({text}, '')"
