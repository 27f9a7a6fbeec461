"""Which entries explain that an account differs: those of the ledger's tables, held against those
of the service's journal."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from creditgate.client import (
    AccessError,
    AsyncClient,
    Change,
    EntryKind,
    InvalidRequestError,
    LedgerEntry,
    NotFoundError,
)
from creditgate.loaders.errors import RowError
from creditgate.loaders.ledger import feeds, outbox
from creditgate.loaders.ledger.differences import (
    Account,
    Difference,
    EntryDifference,
    Items,
    Kind,
)
from creditgate.loaders.ledger.feeds import OPENING
from creditgate.loaders.ledger.mapping import KINDS, SOURCE_CELL, LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger

ASKED_ALONE_MAX: Final = 1
"""Accounts whose entries are asked for by account: the server keeps few such readings at a time."""
PAGE_SIZE: Final = 1_000
_EPOCH: Final = 1 << 32
"""After so many transactions their numbers in rows begin again."""

Entry = tuple[str, str]
"""An entry's source and its id."""

Moves = dict[Entry, int]
"""By how much each entry moves what is owed, in minor units."""


class Told(msgspec.Struct, frozen=True):
    """One entry as the ledger tells of it: by how much it moves what is owed, and on what."""

    moves: int
    items: frozenset[str]
    by: int
    """Which transaction wrote it."""


class Explanation:
    """Names differences of one ledger and one service to the entry."""

    def __init__(self, client: AsyncClient, mapping: LedgerMapping) -> None:
        self._client = client
        self._mapping = mapping
        self._brought_until: int | None = None
        """The first transaction that what was brought at the start does not stand for."""

    async def differences(
        self, ledger: Ledger, settled: Mapping[Account, tuple[Items, Items]]
    ) -> tuple[tuple[Difference, ...], bool]:
        """The accounts that differ, and whether the entries are named behind them: for that the
        journal has to be read, and who may not read it learns what differs all the same.

        `settled`: what the ledger says is open of each, and the service. Raises psycopg's errors
        and the client's."""
        posted: Mapping[str, Moves] | None
        try:
            posted = await self._service_entries({name for name, _ in settled})
            if settled and self._brought_until is None:
                await self._find_opening()
        except AccessError:
            posted = None
        found = [
            await self._difference(ledger, account, *settled[account], posted)
            for account in sorted(settled)
        ]
        return tuple(found), posted is not None

    async def _difference(
        self,
        ledger: Ledger,
        account: Account,
        theirs: Items,
        ours: Items,
        posted: Mapping[str, Moves] | None,
    ) -> Difference:
        items = {
            invoice: (theirs.get(invoice, 0), ours.get(invoice, 0))
            for invoice in sorted(theirs.keys() | ours.keys())
            if theirs.get(invoice, 0) != ours.get(invoice, 0)
        }
        entries: tuple[EntryDifference, ...] = ()
        if posted is not None:
            entries = await self._explain(ledger, account[0], items, posted[account[0]])
        return Difference(*account, sum(theirs.values()), sum(ours.values()), items, entries)

    async def _explain(
        self, ledger: Ledger, account_id: str, items: Collection[str], posted: Moves
    ) -> tuple[EntryDifference, ...]:
        """The entries behind the items of an account that differ."""
        told = await self._ledger_entries(ledger, account_id)
        brought = await self._brought(ledger, account_id, told)
        # What does not differ has all of its entries, or those of its opening in their place.
        missing = {
            name
            for name, entry in told.items()
            if name not in posted and name not in brought and not entry.items.isdisjoint(items)
        }
        moves = {name: entry.moves for name, entry in told.items()}
        return _explained(moves, posted, missing)

    async def _ledger_entries(self, ledger: Ledger, account_id: str) -> dict[Entry, Told]:
        """Each entry that the ledger's tables make of an account."""
        told: dict[Entry, Told] = {}
        for feed in self._mapping.feed:
            if feed.kind != "entries":
                continue
            query = feeds.entries_query(feed, account_id)
            cursor = await ledger.execute(query.encode())
            rows = await cursor.fetchall()
            latest = await outbox.latest(ledger)
            for cells, xmin in rows:
                # A row keeps its transaction without the epoch; none is of later than now.
                by = latest - (latest - xmin) % _EPOCH
                source = cells.pop(SOURCE_CELL, self._mapping.source)
                try:
                    entry = KINDS["entries"].message(cells)
                except RowError:  # it is among the dead letters
                    told[source, cells.get("entry_id", "")] = Told(0, frozenset(), by)
                else:
                    # A dispute moves nothing that is owed.
                    if entry.kind is not EntryKind.DISPUTE:
                        name = source, str(entry.entry_id)
                        told[name] = Told(_moves(entry), _items(entry), by)
        return told

    async def _service_entries(self, accounts: set[str]) -> Mapping[str, Moves]:
        """What each entry that the service has of these accounts moved. One is asked for by its
        name; for more the journal is read once."""
        found: dict[str, Moves] = {name: {} for name in accounts}
        for asked in sorted(accounts) if len(accounts) <= ASKED_ALONE_MAX else [""]:
            with suppress(NotFoundError, InvalidRequestError):
                async for change in self._client.list_changes(
                    account_id=asked, page_size=PAGE_SIZE
                ):
                    self._note_opening(change)
                    if change.command == "post" and change.account_id in accounts:
                        moves = found[change.account_id]
                        moves[change.source, change.request_id] = _moved_by(change)
        return found

    async def _find_opening(self) -> None:
        """Look for it among all entries, where none of the accounts asked for had anything open."""
        async for change in self._client.list_changes(page_size=PAGE_SIZE):
            self._note_opening(change)
            if self._brought_until is not None:
                return

    def _note_opening(self, change: Change) -> None:
        name = change.request_id
        if change.source == self._mapping.source and name.startswith(OPENING):
            self._brought_until = int(name.split(":")[1])

    async def _brought(
        self, ledger: Ledger, account_id: str, told: Mapping[Entry, Told]
    ) -> set[Entry]:
        """The entries that were there when what was open was brought, so that it stands for them.

        Of transactions that ran at that moment an opening does not say which ones it saw: they
        count as seen, for those it did not see were told of later. Ledgers that have their outbox
        for longer than the service tell of a document even where its row was edited since.
        """
        until = self._brought_until
        if until is None:
            return set()
        cursor = await ledger.execute(
            "SELECT coalesce(cells->>%s, %s), cells->>'entry_id' FROM creditgate_outbox"
            " WHERE cells->>'account_id' = %s AND xid < %s::text::xid8",
            (SOURCE_CELL, self._mapping.source, account_id, until),
        )
        edited = {(row[0], row[1]) async for row in cursor}
        return edited | {name for name, entry in told.items() if entry.by < until}


def _moves(entry: LedgerEntry) -> int:
    """By how much an entry moves what is owed."""
    if entry.kind is EntryKind.DISPUTE:
        return 0
    is_paid = entry.kind in (EntryKind.PAYMENT, EntryKind.CREDIT_MEMO)
    return -entry.amount_minor if is_paid else entry.amount_minor


def _items(entry: LedgerEntry) -> frozenset[str]:
    """The invoices that an entry moves, "" where it may move what stands on none."""
    allocated = frozenset(allocation.invoice_id for allocation in entry.allocations)
    return allocated | {""} if allocated else frozenset({entry.invoice_id})


def _moved_by(change: Change) -> int:
    """By how much an entry of the journal moved what its account owes; a dispute moves nothing."""
    for record in change.records:
        if record.kind == "counters" and record.account_id == change.account_id:
            return _owed(record.after) - _owed(record.before)
    return 0


def _owed(counters: Mapping[str, Any] | None) -> int:
    return 0 if counters is None else int(counters["outstanding_minor"] or 0)


def _explained(told: Moves, posted: Moves, missing: set[Entry]) -> tuple[EntryDifference, ...]:
    """The entries that only one has, or that move what is owed by different amounts."""

    def difference(kind: Kind, entry: Entry) -> EntryDifference:
        source, name = entry
        return EntryDifference(kind, name, told.get(entry), posted.get(entry), source)

    found = [difference(Kind.MISSING, entry) for entry in missing]
    for entry, ours in posted.items():
        if entry in told and told[entry] != ours:
            found.append(difference(Kind.AMOUNT, entry))
        if entry not in told and ours and not entry[1].startswith(OPENING):
            found.append(difference(Kind.UNKNOWN, entry))
    return tuple(sorted(found, key=lambda difference: (difference.entry_id, difference.source)))
