"""The file of rejected rows: where each stood, what was wrong with it, and the row itself."""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from creditgate.loaders.errors import FileError, RowError
from creditgate.loaders.sources import SourceRow
from creditgate.loaders.sources.csv import DEFECT_COLUMNS

_NOT_FOLDERS_OF_FILES = ("/dev", "/proc")


def default_path(path: Path) -> Path:
    """`accounts.csv.rejected.csv` beside `accounts.csv`; of a device in the working directory."""
    beside = path.with_name(f"{path.name}.rejected.csv")
    if any(path.absolute().is_relative_to(folder) for folder in _NOT_FOLDERS_OF_FILES):
        return Path(beside.name)
    return beside


class DeadLetters:
    """Writes rejected rows as CSV: line, field, value, reason, message, then the original columns.

    The file always tells of the latest load: one left by an earlier load is removed, and a new one
    comes into being with the first rejected row. A context manager; raises FileError."""

    def __init__(self, path: Path, columns: Sequence[str], delimiter: str = ",") -> None:
        self.path = path
        self.count = 0
        self._columns = columns
        self._delimiter = delimiter
        self._file: io.TextIOWrapper | None = None
        try:
            # Never a device: as root, /dev/null would be gone for everyone.
            if path.is_file():
                path.unlink()
        except OSError as error:
            raise self._refused(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            # What a full disk does not take, `write` has told of.
            with suppress(OSError):
                self._file.close()

    def write(self, row: SourceRow, error: RowError) -> None:
        """Add one row, there to be read at once. Bytes that are not UTF-8 are written as they were
        read."""
        cells = row.cells[: len(self._columns)]
        padding = ("",) * (len(self._columns) - len(cells))
        line = (row.line, error.field, error.value, error.reason, error.message)
        try:
            if self._file is None:
                self._file = self.path.open(
                    "w", encoding="utf-8", errors="surrogateescape", newline=""
                )
                self._write((*DEFECT_COLUMNS, *self._columns))
            self._write((*line, *cells, *padding))
            self._file.flush()
        except OSError as os_error:
            raise self._refused(os_error) from os_error
        self.count += 1

    def _write(self, cells: Sequence[object]) -> None:
        assert self._file is not None
        csv.writer(self._file, delimiter=self._delimiter).writerow(cells)

    def _refused(self, error: OSError) -> FileError:
        return FileError(f"{self.path}: dead letters cannot be written: {error.strerror}")
