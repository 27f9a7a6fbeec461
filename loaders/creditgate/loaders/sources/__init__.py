"""The formats that files come in; every one gives rows of named cells."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from creditgate.loaders.sources.columns import Columns
from creditgate.loaders.sources.csv import CsvSource
from creditgate.loaders.sources.json_lines import JsonLinesSource
from creditgate.loaders.sources.source import LINE_LENGTH_MAX, Source, SourceRow

__all__ = [
    "FORMATS",
    "LINE_LENGTH_MAX",
    "Columns",
    "CsvSource",
    "Format",
    "JsonLinesSource",
    "Source",
    "SourceRow",
    "format_of",
    "open_source",
]

Format = Literal["csv", "jsonl", "parquet"]

FORMATS: tuple[Format, ...] = get_args(Format)

_ENDINGS: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def format_of(path: Path) -> Format:
    """The format that a file's name says; CSV unless it says another."""
    return _ENDINGS.get(path.suffix.lower(), "csv")


def open_source(path: Path, takes: Columns, kind: Format | None = None) -> Source:
    """Opens a file of a format, or of the one that its name says. Raises FileError."""
    return _OPENERS[kind or format_of(path)](path, takes)


def _parquet(path: Path, takes: Columns) -> Source:
    # It takes longer to import than all else of the command: only who reads Parquet waits.
    from creditgate.loaders.sources.parquet import ParquetSource

    return ParquetSource(path, takes)


_OPENERS: dict[Format, Callable[[Path, Columns], Source]] = {
    "csv": CsvSource,
    "jsonl": JsonLinesSource,
    "parquet": _parquet,
}
