"""Rows of many kinds in as few calls as their order allows."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import identifier, invalid
from creditgate.loaders.ledger.mapping import KINDS, SOURCE_CELL, LedgerMapping
from creditgate.loaders.ledger.outbox import OutboxRow
from creditgate.loaders.rows.accounts import account_message

SCHEMA_DRIFT: Final = "SCHEMA_DRIFT"
UNKNOWN_FEED: Final = "UNKNOWN_FEED"

_SHARED_KINDS: Final = frozenset({"segments", "terms", "rates"})
"""What accounts and entries refer to, whoever's they are."""


class Lot(msgspec.Struct, frozen=True):
    """One row on its way, with the message that it became."""

    row: OutboxRow
    message: Any


class Batch(msgspec.Struct):
    """Rows of one kind, of entries of one source, which may go together."""

    kind: str
    source: str
    lots: list[Lot]


class Refused(msgspec.Struct, frozen=True):
    """A row that cannot be taken, and why."""

    row: OutboxRow
    error: RowError

    @property
    def lacks(self) -> bool:
        """Whether it names what is not there, and may be taken once that is."""
        return self.error.reason.endswith("_NOT_FOUND")


def plan(
    rows: Iterable[OutboxRow], mapping: LedgerMapping
) -> tuple[Sequence[Batch], list[Refused]]:
    """Batches to be sent one after another, and the rows that no message can be made of.

    Rows of one account keep their order, and so do all rows before and after one that others refer
    to (a segment, terms, a rate). Rows of different accounts may change places: each goes into the
    earliest batch of its kind behind all that it follows.
    """
    batches: list[Batch] = []
    refused: list[Refused] = []
    last: dict[str, int] = {}
    floor = 0
    for row in rows:
        try:
            kind, source, message = _message(row, mapping)
        except RowError as error:
            refused.append(Refused(row, error))
            continue
        if kind in _SHARED_KINDS:
            floor = _place(batches, max(len(batches) - 1, 0), kind, source)
            batches[floor].lots.append(Lot(row, message))
            continue
        accounts = [row.cells[name] for name in _ACCOUNTS if row.cells.get(name)]
        first = floor
        for account in accounts:
            first = max(first, last.get(account, 0))
        index = _place(batches, first, kind, source)
        batches[index].lots.append(Lot(row, message))
        for account in accounts:
            last[account] = index
    return batches, refused


def second_tries(
    refused: Iterable[Refused], mapping: LedgerMapping
) -> tuple[list[OutboxRow], list[Refused]]:
    """The rows that may be taken at a second try, in their order, and those that will not be."""
    again, left = list[OutboxRow](), list[Refused]()
    for one in refused:
        if one.lacks:
            again.append(one.row)
        elif _is_added(one, mapping):
            base, *added = parted(one, mapping)
            again.append(base.row)
            left.extend(added)
        else:
            left.append(one)
    return sorted(again, key=lambda row: abs(row.id)), left


def _is_added(one: Refused, mapping: LedgerMapping) -> bool:
    """Whether what is at fault is none of the row's own, but what a snapshot added to it."""
    feed = mapping.named(one.row.feed)
    return (
        feed is not None
        and one.error.field in feed.snapshot_columns
        and len(parted(one, mapping)) > 1
    )


def parted(one: Refused, mapping: LedgerMapping) -> list[Refused]:
    """What is refused with a row: of a snapshot's what that added to it, too, of which another feed
    tells later, and so mends it."""
    base, *added = parts_of(one.row, mapping)
    feed = mapping.named(one.row.feed)
    error = one.error
    if feed is not None and error.field not in feed.snapshot_columns:
        account_id = str(one.row.cells.get("account_id", ""))
        rule = f"not taken, as its account was not: {error.message}"
        error = RowError("account_id", account_id, error.reason, rule)
    return [Refused(base, one.error), *(Refused(row, error) for row in added)]


def parts_of(row: OutboxRow, mapping: LedgerMapping) -> list[OutboxRow]:
    """A row of a snapshot without what that added to it, and each part of that as a row of the feed
    that tells of it later; any other row as it is."""
    feed = mapping.named(row.feed)
    added = frozenset[str]() if feed is None else feed.snapshot_columns.keys() & row.cells.keys()
    tells = [feed for feed in mapping.feed if not feed.snapshot and added & feed.columns.keys()]
    if not tells:
        return [row]
    base = {name: cell for name, cell in row.cells.items() if name not in added}
    return [
        msgspec.structs.replace(row, cells=base),
        *(
            msgspec.structs.replace(
                row,
                feed=feed.name,
                cells={name: cell for name, cell in row.cells.items() if name in feed.columns},
            )
            for feed in tells
        ),
    ]


_ACCOUNTS: Final = ("account_id", "parent_account_id")


def _place(batches: list[Batch], first: int, kind: str, source: str) -> int:
    """The index of the first batch that takes such rows, from `first` on; a new one at the end."""
    for index in range(first, len(batches)):
        batch = batches[index]
        if batch.kind == kind and batch.source == source:
            return index
    batches.append(Batch(kind, source, []))
    return len(batches) - 1


def _message(row: OutboxRow, mapping: LedgerMapping) -> tuple[str, str, Any]:
    """The row's kind, its source, and the message to be sent. Raises RowError."""
    kind = mapping.kind_of(row.feed)
    if kind is None:
        rule = "the mapping has no feed of this name"
        raise RowError("feed", row.feed, UNKNOWN_FEED, f"feed {row.feed!r}: {rule}")
    if row.fault is not None:
        message = f"feed {row.feed!r}: its columns could not be computed: {row.fault}"
        raise RowError("", "", SCHEMA_DRIFT, message)
    if kind == "accounts":
        # A cell that a feed has and a row has not was emptied; in a file it would be left as it is.
        return kind, "", account_message(row.cells, mapping.columns_of(row.feed))
    if kind != "entries":
        return kind, "", KINDS[kind].message(row.cells)
    cells = dict(row.cells)
    source = cells.pop(SOURCE_CELL, mapping.source)
    try:
        identifier(source)
    except ValueError as error:
        raise invalid(SOURCE_CELL, source, str(error)) from error
    return kind, source, KINDS[kind].message(cells)
