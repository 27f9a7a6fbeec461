"""What every format gives: rows of named cells, each tied to its place in the file."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from creditgate.loaders.errors import RowError
from creditgate.loaders.sources.columns import Columns

LINE_LENGTH_MAX = 1 << 20
"""Characters or bytes: a longer line is a file of another kind; without a bound it would be read
into memory whole."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One record of the file, its cells in the order of the source's columns.

    `line` is the physical line on which it starts, or its number where a file has no lines, from 1.
    `problem` is set when the record does not have the shape that the file promises."""

    line: int
    cells: tuple[str, ...]
    problem: RowError | None = None


class Source(ABC):
    """An open file. Raises FileError when it cannot be read or its columns are wrong, and while it
    is read where it turns out to be another kind of file. A context manager."""

    def __init__(self, path: Path, columns: tuple[str, ...], takes: Columns) -> None:
        self.path = path
        self.columns = columns
        """The columns of the file as they stand there, without those of dead letters."""
        self._cells_of = takes.reader(path, columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def __iter__(self) -> Iterator[SourceRow]:
        """Every record, one after another."""

    @abstractmethod
    def bytes_read(self) -> int:
        """How much of the file has been taken in so far; 0 for a pipe, which cannot tell."""

    @abstractmethod
    def close(self) -> None:
        """Ends the reading."""

    def named(self, row: SourceRow) -> dict[str, str]:
        """The row's cells by the columns of the load; empty ones are absent. Raises RowError where
        a cell is not what the mapping says."""
        return self._cells_of(row.cells)
