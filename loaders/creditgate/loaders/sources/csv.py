"""Reads a CSV file row by row: named columns, little memory, every defect tied to its line."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from creditgate.loaders.errors import FileError, RowError
from creditgate.loaders.sources.columns import Columns
from creditgate.loaders.sources.source import LINE_LENGTH_MAX, Source, SourceRow

DEFECT_COLUMNS = ("line", "field", "value", "reason", "message")
"""What a dead-letter file says of each row, before the row itself."""


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
            self._reader = csv.reader(self._lines(path), delimiter=takes.delimiter, strict=True)
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
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = RowError("", "", "ROW_MALFORMED", f"the row is not CSV: {error}")
                yield SourceRow(line, (), problem)
                continue
            if cells:
                yield SourceRow(line, tuple(cells[self._own :]), self._shape_problem(cells))

    def _lines(self, path: Path) -> Iterator[str]:
        count = 0
        while line := self._text.readline(LINE_LENGTH_MAX + 1):
            count += 1
            if len(line) > LINE_LENGTH_MAX:
                raise FileError(
                    f"{path}: line {count} is longer than {LINE_LENGTH_MAX:,} characters"
                )
            yield line

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
