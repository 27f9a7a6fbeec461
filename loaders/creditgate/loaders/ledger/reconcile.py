"""Whether ledger and service say the same, account by account, while both go on.

The two are never read at one moment. So the ledger is read in one snapshot, the service once it has
been told of all that the snapshot saw, and accounts that differ are read again, alone: an account
that moved in between may have differed for that reason. What still differs, in an account that the
ledger did not touch since its snapshot, is a difference.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

import msgspec

from creditgate.client import (
    AccessError,
    AsyncClient,
    Change,
    EntryKind,
    LedgerEntry,
    MoneyError,
    NotFoundError,
    money,
)
from creditgate.loaders.errors import LoadError, RowError
from creditgate.loaders.ledger import feeds, outbox
from creditgate.loaders.ledger.feeds import OPENING
from creditgate.loaders.ledger.mapping import KINDS, SOURCE_CELL, LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger

ROUNDS_MAX: Final = 20
POLL_S: Final = 0.05
ASKED_ALONE_MAX: Final = 1
"""Accounts whose entries are asked for by account: the server keeps few such readings at a time."""
ROWS_AT_A_TIME: Final = 5_000
PAGE_SIZE: Final = 1_000
_EPOCH: Final = 1 << 32
"""After so many transactions their numbers in rows begin again."""

Items = dict[str, int]
"""What is open of one account in minor units, by invoice; "" for what stands on none."""

Account = tuple[str, str]
"""An account's id and its currency."""

Books = dict[Account, Items]

Entry = tuple[str, str]
"""An entry's source and its id."""

Moves = dict[Entry, int]
"""By how much each entry moves what is owed, in minor units."""


class Kind(StrEnum):
    """What is wrong with an entry."""

    MISSING = "MISSING"
    """The ledger has it, the service does not."""
    UNKNOWN = "UNKNOWN"
    """The service has it, the ledger does not: posted by hand, by another source, or twice."""
    AMOUNT = "AMOUNT"
    """Both have it, and move what is owed by different amounts."""


class EntryDifference(msgspec.Struct, frozen=True):
    """One entry that explains a difference, and what it moves in each."""

    kind: Kind
    entry_id: str
    ledger_minor: int | None
    service_minor: int | None
    source: str
    """Whose entry it is: of the ledger, or of whoever else posted it."""


class Difference(msgspec.Struct, frozen=True):
    """One account whose open items differ: by invoice, then by what explains it."""

    account_id: str
    currency: str
    ledger_minor: int
    service_minor: int
    items: dict[str, tuple[int, int]]
    """By invoice, "" for what stands on none: what the ledger says is open, and the service."""
    entries: tuple[EntryDifference, ...]


class Told(msgspec.Struct, frozen=True):
    """One entry as the ledger tells of it: by how much it moves what is owed, and on what."""

    moves: int
    items: frozenset[str]
    by: int
    """Which transaction wrote it."""


class Report(msgspec.Struct, frozen=True):
    """What a reconciliation found."""

    position: int
    """All transactions of the ledger below it were compared."""
    accounts: int
    items: int
    differences: tuple[Difference, ...]
    unsettled: tuple[str, ...]
    """Accounts that moved at every look, so that nothing can be said of them."""
    unreadable: tuple[str, ...] = ()
    """Accounts of which the ledger says an amount that is none of its currency."""
    explained: bool = True
    """Whether differences are named to the entry, for which the journal has to be read."""


class NotInStepError(LoadError):
    """The service is not told of what the ledger says; the message says what to do."""


class Reconciliation:
    """One ledger held against one service."""

    def __init__(
        self,
        client: AsyncClient,
        mapping: LedgerMapping,
        *,
        wait_s: float = 60.0,
        on_accounts: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._client = client
        self._mapping = mapping
        self._wait_s = wait_s
        self._on_accounts = on_accounts
        self._unreadable: set[str] = set()
        self._brought_until: int | None = None
        """The first transaction that what was brought at the start does not stand for."""

    async def run(self, conninfo: str) -> Report:
        """Compare all accounts. Raises NotInStepError where the service has not been told in time,
        psycopg's errors and the client's."""
        async with await outbox.connect(conninfo) as ledger:
            position, theirs = await self._ledger_books(ledger)
            await self._told(position)
            ours = await self._service_books()
            accounts = len(theirs.keys() | ours.keys())
            items = sum(map(len, theirs.values()))
            suspects = _differing(theirs, ours)
            settled: dict[Account, tuple[Items, Items]] = {}
            for _ in range(ROUNDS_MAX):
                if not suspects:
                    break
                position, theirs = await self._ledger_books(ledger, suspects)
                await self._told(position)
                ours = await self._service_books(suspects)
                moved = await _moved(ledger, position)
                differing = _differing(theirs, ours)
                suspects = {account for account in differing if account[0] in moved}
                for account in differing - suspects:
                    settled[account] = theirs.get(account, {}), ours.get(account, {})
            try:
                posted = await self._service_entries({name for name, _ in settled})
                if settled and self._brought_until is None:
                    await self._find_opening()
            except AccessError:  # who may not read the journal learns what differs all the same
                posted = None
            differences = [
                await self._difference(ledger, account, *settled[account], posted)
                for account in sorted(settled)
            ]
        unsettled = sorted(name for name, _ in suspects)
        unreadable = tuple(sorted(self._unreadable))
        return Report(
            position,
            accounts,
            items,
            tuple(differences),
            tuple(unsettled),
            unreadable,
            explained=posted is not None,
        )

    async def _ledger_books(
        self, ledger: Ledger, accounts: Collection[Account] = ()
    ) -> tuple[int, Books]:
        """What the ledger says is open, of these accounts or of all, in one snapshot; and how far
        one has come who has been told of all of that."""
        books: Books = {}
        names = sorted({name for name, _ in accounts})
        query = feeds.open_items_query(self._mapping, names)
        async with outbox.one_moment(ledger), ledger.cursor("open_items") as cursor:
            position = await outbox.reached(ledger, await outbox.horizon(ledger))
            await cursor.execute(query.encode())
            while rows := await cursor.fetchmany(ROWS_AT_A_TIME):
                for (cells,) in rows:
                    self._add(books, cells)
                self._on_accounts(len(books))
        return position, books

    def _add(self, books: Books, cells: dict[str, str]) -> None:
        account = cells.get("account_id", ""), cells.get("currency", "")
        try:
            amount_minor = money.parse(cells["amount"], account[1])
        except MoneyError:
            self._unreadable.add(account[0])
        else:
            books.setdefault(account, {})[cells.get("invoice_id", "")] = amount_minor

    async def _told(self, position: int) -> None:
        """Wait until the service has all of the ledger below a transaction."""
        reached = 0
        try:
            async with asyncio.timeout(self._wait_s):
                while True:
                    async for source in self._client.list_sources():
                        if source.source == self._mapping.source:
                            reached = source.position
                    if reached >= position:
                        return
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise NotInStepError(
                f"the service has source {self._mapping.source!r} up to transaction {reached}, and "
                f"{position} is needed, after {self._wait_s:g} s: is `creditgate sync ledger` "
                "running, or a transaction of the ledger open for long?"
            ) from None

    async def _service_books(self, accounts: Collection[Account] = ()) -> Books:
        """What the service says is open, of these accounts or of all."""
        books: Books = {}
        for name in sorted({name for name, _ in accounts}) or [""]:
            with suppress(NotFoundError):  # the ledger alone knows it
                async for found in self._client.list_open_items(name):
                    items = books.setdefault((found.account_id, found.currency), {})
                    if found.unallocated_minor:
                        items[""] = found.unallocated_minor
                    items |= {
                        item.invoice_id: item.open_minor for item in found.items if item.open_minor
                    }
        return {account: items for account, items in books.items() if items}

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
            with suppress(NotFoundError):
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


async def _moved(ledger: Ledger, since: int) -> set[str]:
    """Accounts that the ledger touched in transactions from `since` on."""
    cursor = await ledger.execute(
        "SELECT DISTINCT cells->>'account_id' FROM creditgate_outbox WHERE xid >= %s::text::xid8",
        (since,),
    )
    return {row[0] async for row in cursor}


def _differing(theirs: Books, ours: Books) -> set[Account]:
    return {
        account
        for account in theirs.keys() | ours.keys()
        if theirs.get(account) != ours.get(account)
    }


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
