"""Which columns of a file are taken, and how its cells become those of the load."""

from collections.abc import Callable, Sequence
from pathlib import Path

from creditgate.loaders.errors import FileError
from creditgate.loaders.mapping import UNMAPPED, FileMapping

CellsOf = Callable[[Sequence[str]], dict[str, str]]


class Columns:
    """The columns of one load, `known`, as a mapping finds them in a file."""

    def __init__(
        self, known: Sequence[str], required: Sequence[str] = (), mapping: FileMapping = UNMAPPED
    ) -> None:
        self._known = known
        self._required = required
        self._mapping = mapping
        renamed = set(mapping.columns.values())
        self._found_under = dict(mapping.columns)
        for column in known:
            own = column not in renamed and not mapping.leaves_out(column)
            if column not in mapping.columns and column not in mapping.constants and own:
                self._found_under[column] = column
        # In the order of the documentation; one of the file may stand for two of ours.
        ordered = (self._found_under[column] for column in known if column in self._found_under)
        self.names = tuple(dict.fromkeys(ordered))
        """What the columns that are taken are called in the file."""

    @property
    def delimiter(self) -> str:
        """What stands between the cells of a CSV file."""
        return self._mapping.delimiter

    def takes(self, name: str) -> bool:
        """Whether a column of the file is read."""
        return name in self.names

    def unknown(self, name: str) -> str | None:
        """What is wrong with a column of the file, if it is neither taken nor left out."""
        if name in self.names or self._mapping.ignores(name):
            return None
        return f"unknown column {name!a}{self._told()}"

    def check(self, path: Path, header: Sequence[str]) -> None:
        """Raises FileError when the header is wrong."""
        for index, name in enumerate(header):
            if problem := self.unknown(name):
                raise FileError(f"{path}: {problem}")
            if name in header[:index] and name in self.names:
                raise FileError(f"{path}: column {name!r} appears twice")
        for column in self._known:
            self._check_there(path, column, header)

    def reader(self, path: Path, header: Sequence[str]) -> CellsOf:
        """How a row with this header is read. Raises FileError when the header is wrong."""
        self.check(path, header)
        if self._mapping == UNMAPPED:
            return lambda cells: {
                column: cell for column, cell in zip(header, cells, strict=True) if cell
            }
        places: dict[str, int] = {}
        # What an empty cell means, one means that no file has.
        absent: dict[str, str] = {}
        for column, name in self._found_under.items():
            if name in header:
                places[column] = list(header).index(name)
            else:
                absent[column] = ""
        return lambda cells: self._mapping.cells(
            absent | {column: cells[place] for column, place in places.items()}
        )

    def _check_there(self, path: Path, column: str, header: Sequence[str]) -> None:
        name = self._found_under.get(column)
        if name in header or column in self._mapping.constants:
            return
        if column in self._mapping.columns:
            what = f"column {name!r} is missing, which the mapping takes {column} from"
            raise FileError(f"{path}: {what}")
        if column in self._required:
            raise FileError(f"{path}: required column {column!r} is missing{self._told()}")

    def _told(self) -> str:
        return f"; this load takes {', '.join(self.names)}"
