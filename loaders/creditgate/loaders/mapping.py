"""Mapping files: how the columns of a company's own export become those of a load.

What each key means stands in docs/loading.md.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from creditgate.loaders.errors import FileError
from creditgate.loaders.fields import invalid

DELIMITERS = (",", ";", "|", "\t")

_TABLES = ("columns", "constants", "values", "dates")
_KEYS = (*_TABLES, "decimal_comma", "ignore", "delimiter")
_OTHERS: Literal["others"] = "others"
_A_DAY = datetime(2031, 11, 22, tzinfo=UTC)
"""Its day, month and year cannot be taken for one another."""

_WITH_COMMA = re.compile(r"([+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+))(?:,([0-9]+))?")


class _WrongError(Exception):
    """What is wrong with a mapping; the message names the key."""


class FileMapping(msgspec.Struct, frozen=True):
    """A mapping file. Keys are columns of the load, but for `values`' inner ones."""

    columns: Mapping[str, str] = {}
    """What the column is called in the file."""
    constants: Mapping[str, str] = {}
    """What every row has, and the file does not say."""
    values: Mapping[str, Mapping[str, str]] = {}
    """What stands in the file, and what it means; "" is an empty cell."""
    dates: Mapping[str, str] = {}
    """How a date or time is written, in the words of strptime."""
    decimal_comma: tuple[str, ...] = ()
    """Amounts and rates that are written like 1.234,50."""
    ignore: tuple[str, ...] | Literal["others"] = ()
    """Columns of the file that are left out."""
    delimiter: str = ","

    def ignores(self, name: str) -> bool:
        """Whether a column of the file, which is not taken, may be there."""
        return self.ignore == _OTHERS or name in self.ignore

    def leaves_out(self, name: str) -> bool:
        """Whether a column of the file is not taken although its name is one of the load's."""
        return self.ignore != _OTHERS and name in self.ignore

    def cells(self, found: Mapping[str, str]) -> dict[str, str]:
        """A row's cells as the load takes them; empty ones are absent. Raises RowError."""
        cells = {column: self._cell(column, text) for column, text in found.items()}
        return {column: cell for column, cell in {**cells, **self.constants}.items() if cell}

    def _cell(self, column: str, text: str) -> str:
        if column in self.values and text in self.values[column]:
            return self.values[column][text]
        if text and column in self.dates:
            return _date(column, text, self.dates[column])
        if text and column in self.decimal_comma:
            return _decimal(column, text)
        return text


UNMAPPED = FileMapping()


def _date(column: str, text: str, form: str) -> str:
    try:
        found = datetime.strptime(text, form)  # noqa: DTZ007 - the form says whether it has a zone
    except ValueError:
        raise invalid(column, text, f"must be written like {_A_DAY.strftime(form)}") from None
    day_alone = found == datetime(found.year, found.month, found.day)  # noqa: DTZ001 - a day
    return found.date().isoformat() if day_alone else found.isoformat()


def _decimal(column: str, text: str) -> str:
    number = _WITH_COMMA.fullmatch(text.strip())
    if number is None:
        raise invalid(column, text, "must be a number with a decimal comma, such as 1.234,50")
    whole, fraction = number[1].replace(".", ""), number[2]
    return whole if fraction is None else f"{whole}.{fraction}"


def read(path: Path, known: Collection[str]) -> FileMapping:
    """The mapping of a file for a load of the columns `known`. Raises FileError that names the
    key."""
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: is not TOML: {error}") from error
    try:
        return _checked(found, known)
    except _WrongError as error:
        raise FileError(f"{path}: {error}") from error


def _checked(found: dict[str, Any], known: Collection[str]) -> FileMapping:
    """Raises _WrongError."""
    for key, value in found.items():
        if key not in _KEYS:
            raise _WrongError(f"unknown key {key!r}; a mapping has {', '.join(_KEYS)}")
        if key in _TABLES:
            _check_columns(key, _table(key, value), known)
    for column, meanings in found.get("values", {}).items():
        _check_texts(f"values.{column}", _table(f"values.{column}", meanings))
    for key in ("columns", "constants", "dates"):
        _check_texts(key, found.get(key, {}))
    for column, form in found.get("dates", {}).items():
        _check_date(f"dates.{column}", form)
    commas = _names("decimal_comma", found.get("decimal_comma", []))
    _check_columns("decimal_comma", commas, known)
    ignore = found.get("ignore", [])
    delimiter = found.get("delimiter", ",")
    if delimiter not in DELIMITERS:
        raise _WrongError(f"delimiter: must be one of {DELIMITERS}, is {delimiter!r}")
    mapping = FileMapping(
        columns=found.get("columns", {}),
        constants=found.get("constants", {}),
        values=found.get("values", {}),
        dates=found.get("dates", {}),
        decimal_comma=commas,
        ignore=_OTHERS if ignore == _OTHERS else _names("ignore", ignore),
        delimiter=delimiter,
    )
    _check_one_meaning(mapping)
    return mapping


def _table(key: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _WrongError(f"{key}: must be a table, is {value!r}")
    return value


def _names(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _WrongError(f"{key}: must be a list of names, is {value!r}")
    return tuple(value)


def _check_columns(key: str, columns: Collection[str], known: Collection[str]) -> None:
    for column in columns:
        if column not in known:
            takes = f"this load takes {', '.join(known)}"
            raise _WrongError(f"{key}: unknown column {column!r}; {takes}")


def _check_texts(key: str, table: Mapping[str, object]) -> None:
    for name, value in table.items():
        if not isinstance(value, str):
            raise _WrongError(f"{key}.{name}: must be text in quotes, is {value!r}")


def _check_date(key: str, form: str) -> None:
    try:
        found = datetime.strptime(_A_DAY.strftime(form), form)  # noqa: DTZ007 - its day alone
    except (ValueError, re.error):
        found = None
    if found is None or found.date() != _A_DAY.date():
        raise _WrongError(f"{key}: must be the form of a date, such as %d.%m.%Y, is {form!r}")


def _check_one_meaning(mapping: FileMapping) -> None:
    """Nothing is said of a constant, and a column is either a date or a number, taken or not."""
    said = (*mapping.columns, *mapping.values, *mapping.dates, *mapping.decimal_comma)
    for column in mapping.constants:
        if column in said:
            raise _WrongError(f"constants.{column}: must stand alone, is mapped from the file too")
    for column in mapping.dates:
        if column in mapping.decimal_comma:
            raise _WrongError(f"dates.{column}: must not stand in decimal_comma too")
    for column, name in mapping.columns.items():
        if mapping.leaves_out(name):
            raise _WrongError(f"columns.{column}: {name!r} must not stand in ignore too")
