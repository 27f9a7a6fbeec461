"""Reads a CSV file row by row: named columns, little memory, every defect tied to its line."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from creditgate.loaders.errors import FileError, RowError

LINE_CHARS_MAX = 1 << 20
"""A longer line is a file of another kind; without a bound it would be read into memory whole."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One record of the file. `line` is the physical line on which it starts, from 1.

    `problem` is set when the record does not have the shape that the header promises."""

    line: int
    cells: tuple[str, ...]
    problem: RowError | None = None


class CsvSource:
    """An open CSV file: UTF-8 with or without a byte order mark, commas, double quotes.

    Raises FileError when the file cannot be read or its header is wrong, and while it is read for a
    line of endless length. A context manager."""

    def __init__(self, path: Path, known: Sequence[str], required: Sequence[str]) -> None:
        self.path = path
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
            self.size_bytes = path.stat().st_size
            self._reader = csv.reader(self._lines(), strict=True)
            self.columns = self._header(known, required)
        except BaseException:
            self._text.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._text.close()

    def bytes_read(self) -> int:
        """How much of the file has been taken in so far, in steps of the read buffer; 0 for a pipe,
        which cannot tell."""
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
                yield SourceRow(line, tuple(cells), self._shape_problem(cells))

    def named(self, row: SourceRow) -> dict[str, str]:
        """The row's cells by column; empty ones are absent."""
        return {column: cell for column, cell in zip(self.columns, row.cells, strict=True) if cell}

    def _lines(self) -> Iterator[str]:
        count = 0
        while line := self._text.readline(LINE_CHARS_MAX + 1):
            count += 1
            if len(line) > LINE_CHARS_MAX:
                raise FileError(
                    f"{self.path}: line {count} is longer than {LINE_CHARS_MAX:,} characters"
                )
            yield line

    def _shape_problem(self, cells: Sequence[str]) -> RowError | None:
        expected = len(self.columns)
        if len(cells) != expected:
            surplus = ",".join(cells[expected:])
            message = f"the row has {len(cells)} cells, the header {expected}"
            return RowError("", surplus, "ROW_MALFORMED", message)
        return None

    def _header(self, known: Sequence[str], required: Sequence[str]) -> tuple[str, ...]:
        try:
            cells = next((cells for cells in self._reader if cells), None)
        except csv.Error as error:
            raise FileError(f"{self.path}: the header is not CSV: {error}") from error
        if cells is None:
            raise FileError(f"{self.path}: the file is empty; expected a header line")
        columns = tuple(cell.strip() for cell in cells)
        takes = f"; this load takes {', '.join(known)}"
        for index, column in enumerate(columns):
            if column not in known:
                raise FileError(f"{self.path}: unknown column {column!a}{takes}")
            if column in columns[:index]:
                raise FileError(f"{self.path}: column {column!r} appears twice")
        missing = [column for column in required if column not in columns]
        if missing:
            raise FileError(f"{self.path}: required column {missing[0]!r} is missing{takes}")
        return columns
