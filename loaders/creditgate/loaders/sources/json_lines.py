"""Reads a file of JSON Lines: one object a line, its keys the columns, in any order."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from creditgate.loaders.errors import FileError, RowError
from creditgate.loaders.sources.columns import Columns
from creditgate.loaders.sources.source import LINE_LENGTH_MAX, Source, SourceRow

MALFORMED = "ROW_MALFORMED"

_BLANK_AND_COLON = re.compile(rb"\s:")

_MARK = b"\xef\xbb\xbf"


class JsonLinesSource(Source):
    """An open file of JSON Lines. A number is taken as it is written, never as a float.

    A file has no header, so that what is wrong with its columns is wrong with a row: a line that is
    no such object, or has a key that is not known, is a row with a problem."""

    def __init__(self, path: Path, takes: Columns) -> None:
        self._takes = takes
        self._decoder = msgspec.json.Decoder(dict[str, object], float_hook=str)
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise FileError(f"{path}: cannot be read: {error.strerror}") from error
        # Every column may be there: whether one that must be is, each row says for itself.
        super().__init__(path, takes.names, takes)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def bytes_read(self) -> int:
        """To the end of the row that was read last."""
        return self._file.tell() if self._file.seekable() else 0

    def __iter__(self) -> Iterator[SourceRow]:
        count = 0
        while line := self._file.readline(LINE_LENGTH_MAX + 1):
            count += 1
            if len(line) > LINE_LENGTH_MAX:
                limit = f"{LINE_LENGTH_MAX:,} bytes"
                raise FileError(f"{self.path}: line {count} is longer than {limit}")
            if count == 1:
                line = line.removeprefix(_MARK)
            if text := line.strip():
                yield self._row(count, text)

    def _row(self, number: int, line: bytes) -> SourceRow:
        try:
            found = self._decoder.decode(line)
            twice = self._twice(line, len(found))
        except msgspec.DecodeError as error:
            other = str(error).startswith("Expected `object`")
            what = "one JSON object" if other else f"JSON: {error}"
            return self._malformed(number, line, f"the line is not {what}")
        except UnicodeDecodeError:
            return self._malformed(number, line, "the line is not UTF-8")
        except RecursionError:
            return self._malformed(number, line, "the line is not JSON: it is nested too deeply")
        if twice is not None:
            return self._malformed(number, line, f"column {twice!r} appears twice")
        cells = tuple(_cell(found.get(column)) for column in self.columns)
        return SourceRow(number, cells, self._problem(found))

    def _twice(self, line: bytes, keys: int) -> str | None:
        """The column that the line has more than once; the decoder keeps the last alone."""
        # Where no blank comes before a colon, every key ends so: most lines need no second look.
        if line.count(b'":') == keys and not _BLANK_AND_COLON.search(line):
            return None
        pairs: list[tuple[str, object]] = json.loads(line, object_pairs_hook=list)
        if len(pairs) == keys:
            return None
        times = Counter(name for name, _ in pairs)
        return next((name for name in times if times[name] > 1 and self._takes.takes(name)), None)

    def _malformed(self, number: int, line: bytes, message: str) -> SourceRow:
        # The whole line goes to the dead letters, there to be mended.
        text = line.decode(errors="surrogateescape")
        return SourceRow(number, (), RowError("", text, MALFORMED, message))

    def _problem(self, found: dict[str, object]) -> RowError | None:
        for name, value in found.items():
            if problem := self._takes.unknown(name):
                return RowError(name, _cell(value), "COLUMN_UNKNOWN", problem)
            if isinstance(value, dict | list) and self._takes.takes(name):
                text = _cell(value)
                rule = "must be text, a number, true, false or null"
                return RowError(name, text, MALFORMED, f"{name} {text!r}: {rule}")
        return None


def _cell(value: object) -> str:
    """What stands in the cell of a CSV file for it."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
