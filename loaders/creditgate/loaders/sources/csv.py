"""Reads a CSV file row by row: named columns, little memory, every defect tied to its line."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from creditgate.loaders.errors import FileError, RowError
from creditgate.loaders.sources.columns import Columns
from creditgate.loaders.sources.source import LINE_LENGTH_MAX, Source, SourceRow

DEFECT_COLUMNS = ("line", "field", "value", "reason", "message")
"""What a dead-letter file says of each row, before the row itself."""

ROW_LINES_MAX = 1_000
"""A row of more lines, or of more characters than a line may have, is a quote too many: without a
bound every such row would read the rest of the file into memory."""


class CsvSource(Source):
    """An open CSV file: UTF-8 with or without a byte order mark, commas, double quotes.

    Of a dead-letter file the columns that tell what was wrong are passed over: they come first,
    and a row's own may have the same names."""

    def __init__(self, path: Path, takes: Columns) -> None:
        try:
            self._binary = path.open("rb")
        except OSError as error:
            raise FileError(f"{path}: cannot be read: {error.strerror}") from error
        # Undecodable bytes become surrogates: they condemn their own row, not the file, and reach
        # the dead letters as they were.
        self._text = io.TextIOWrapper(
            self._binary, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        try:
            self._lines = _Lines(path, self._text)
            self._reader = csv.reader(self._lines, delimiter=takes.delimiter, strict=True)
            header = self._header(path)
            dead_letters = header[: len(DEFECT_COLUMNS)] == DEFECT_COLUMNS
            self._own = len(DEFECT_COLUMNS) if dead_letters else 0
            self._width = len(header)
            super().__init__(path, header[self._own :], takes)
        except BaseException:
            self._text.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._text.close()

    def bytes_read(self) -> int:
        """In steps of the read buffer."""
        return self._binary.tell() if self._binary.seekable() else 0

    def __iter__(self) -> Iterator[SourceRow]:
        while True:
            line = self._lines.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                # A quote too many reaches over the rows behind it, which have no fault.
                text = self._lines.back_to_second()
                problem = RowError("", text, "ROW_MALFORMED", f"the row is not CSV: {error}")
                yield SourceRow(line, (), problem)
                continue
            if cells:
                yield SourceRow(line, tuple(cells[self._own :]), self._shape_problem(cells))

    def _shape_problem(self, cells: Sequence[str]) -> RowError | None:
        if len(cells) != self._width:
            surplus = ",".join(cells[self._width :])
            message = f"the row has {len(cells)} cells, the header {self._width}"
            return RowError("", surplus, "ROW_MALFORMED", message)
        return None

    def _header(self, path: Path) -> tuple[str, ...]:
        try:
            cells = next((cells for cells in self._reader if cells), None)
        except csv.Error as error:
            raise FileError(f"{path}: the header is not CSV: {error}") from error
        if cells is None:
            raise FileError(f"{path}: the file is empty; expected a header line")
        return tuple(cell.strip() for cell in cells)


class _Lines:
    """The lines of a file; those of a record that is none can be had again."""

    def __init__(self, path: Path, text: io.TextIOWrapper) -> None:
        self._path = path
        self._text = text
        self._count = 0
        self._length = 0
        self._record: list[str] = []
        self._again: deque[str] = deque()

    def begin(self) -> int:
        """Starts a record; returns the number of its first line."""
        self._record.clear()
        self._length = 0
        return self._count + 1

    def back_to_second(self) -> str:
        """Reads on from the second line of the record; returns the first, without its end."""
        first, *others = self._record
        self._count -= len(others)
        self._again.extendleft(reversed(others))
        return first.rstrip("\r\n")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._text.readline(LINE_LENGTH_MAX + 1)
        if not line:
            raise StopIteration
        self._count += 1
        if len(line) > LINE_LENGTH_MAX:
            limit = f"{LINE_LENGTH_MAX:,} characters"
            raise FileError(f"{self._path}: line {self._count} is longer than {limit}")
        self._record.append(line)
        self._length += len(line)
        if len(self._record) > ROW_LINES_MAX or self._length > LINE_LENGTH_MAX:
            raise csv.Error(f"a quoted cell does not end within {ROW_LINES_MAX:,} lines")
        return line
