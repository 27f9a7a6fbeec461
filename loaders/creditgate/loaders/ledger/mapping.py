"""The mapping file: how a ledger's tables say what creditgate loads.

TOML; reference.toml beside this file is that of the reference ledger, and docs/ledger.md explains
the keys. SQL in it is the company's own and runs with the rights of whoever installs the feeds.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from creditgate.loaders import rows
from creditgate.loaders.errors import FileError
from creditgate.loaders.fields import identifier
from creditgate.loaders.ledger.credit import Relation, credit_problems
from creditgate.loaders.rows import RowKind

REFERENCE: Final = Path(__file__).with_name("reference.toml")

KINDS: Final[Mapping[str, RowKind[Any]]] = {
    "accounts": rows.ACCOUNTS,
    "assignments": rows.ASSIGNMENTS,
    "entries": rows.ENTRIES,
    "flags": rows.FLAGS,
    "limits": rows.LIMITS,
    "rates": rows.RATES,
    "scores": rows.SCORES,
    "segments": rows.SEGMENTS,
    "terms": rows.TERMS,
    "verifications": rows.VERIFICATIONS,
}

SOURCE_CELL: Final = "source"
"""Of an entry: the source that it counts under, where that is not the ledger itself."""

OPEN_ITEM: Final = "open_item"
"""The name, among feeds, of what a snapshot found open."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Feed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one table has to tell: cells of a kind of row, each an SQL expression over a row r."""

    name: str
    table: str
    kind: str
    on: Literal["insert", "change"]
    columns: dict[str, str]
    join: str = ""
    when: str = ""
    deferred: bool = False
    """Told when the transaction commits, with all that it wrote, and not row by row."""
    snapshot: bool = True
    snapshot_join: str = ""
    snapshot_columns: dict[str, str] = {}
    snapshot_when: str = ""
    """Of entries under another source: which ones it may still tell of after the snapshot."""

    @property
    def in_snapshot(self) -> bool:
        """Whether a snapshot reads it. Documents are there by what is open of them."""
        return self.snapshot and self.kind != "entries"


class OpenItems(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table or view of what is open, as of now."""

    table: str
    columns: dict[str, str]


OPEN_ITEM_COLUMNS: Final = (
    "account_id",
    "currency",
    "invoice_id",
    "order_id",
    "issue_date",
    "due_date",
    "amount",
    "disputed",
)


class LedgerMapping(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True
):
    """A whole mapping file."""

    source: str
    credit: dict[str, Relation] = {}
    feed: tuple[Feed, ...]
    open_items: OpenItems

    def kind_of(self, name: str) -> str | None:
        """What kind of rows the feed of this name tells of; None: there is none."""
        return self._kinds.get(name)

    def named(self, name: str) -> Feed | None:
        """The feed of this name."""
        return next((feed for feed in self.feed if feed.name == name), None)

    def columns_of(self, name: str) -> frozenset[str]:
        """The columns of which the feed of this name tells."""
        return self._columns[name]

    # Each row of millions asks for both.
    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        return {feed.name: feed.kind for feed in self.feed} | {OPEN_ITEM: "entries"}

    @cached_property
    def _columns(self) -> Mapping[str, frozenset[str]]:
        return {feed.name: frozenset(feed.columns) for feed in self.feed}


def read(path: Path) -> LedgerMapping:
    """The mapping that a file says. Raises FileError that names the file and what is wrong."""
    try:
        mapping = msgspec.toml.decode(path.read_bytes(), type=LedgerMapping)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: {error}") from error
    problems = list(_problems(mapping))
    if problems:
        raise FileError("\n".join(f"{path}: {problem}" for problem in problems))
    return mapping


def _problems(mapping: LedgerMapping) -> Iterable[str]:
    yield from credit_problems(mapping.credit)
    try:
        identifier(mapping.source)
    except ValueError as error:
        yield f"source {mapping.source!r}: {error}"
    names = [feed.name for feed in mapping.feed]
    for index, feed in enumerate(mapping.feed):
        where = f"feed {feed.name!r}"
        if not _NAME.fullmatch(feed.name):
            yield f"{where}: a name is 1 to 40 of a-z, 0-9 and _, and begins with a letter"
        if feed.name in (OPEN_ITEM, *names[:index]):
            yield f"{where}: another one has this name"
        if feed.kind not in KINDS:
            yield f"{where}: kind {feed.kind!r} must be one of {', '.join(KINDS)}"
        else:
            yield from _column_problems(where, feed)
    columns = mapping.open_items.columns
    for column in columns:
        if column not in OPEN_ITEM_COLUMNS:
            yield f"open_items: column {column!r} must be one of {', '.join(OPEN_ITEM_COLUMNS)}"
    for column in ("account_id", "currency", "invoice_id", "amount"):
        if column not in columns:
            yield f"open_items: column {column!r} is missing"


def _column_problems(where: str, feed: Feed) -> Iterable[str]:
    kind = KINDS[feed.kind]
    known = kind.columns + ((SOURCE_CELL,) if feed.kind == "entries" else ())
    # Where the ledger's own stream stands is a transaction, and the sync's to say.
    known = tuple(column for column in known if column != "position")
    given = [*feed.columns, *feed.snapshot_columns]
    for column in given:
        if column not in known:
            yield f"{where}: column {column!r} must be one of {', '.join(known)}"
    for column in kind.required:
        if column not in given:
            yield f"{where}: column {column!r} is missing"
    if feed.snapshot_when and SOURCE_CELL not in feed.columns:
        yield f"{where}: snapshot_when is for entries with a column {SOURCE_CELL!r}"
