"""Whether ledger and service say the same, account by account, while both go on.

The two are never read at one moment. So the ledger is read in one snapshot, the service once it has
been told of all that the snapshot saw, and accounts that differ are read again, alone: an account
that moved in between may have differed for that reason. What still differs, in an account that the
ledger did not touch since its snapshot, is a difference.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from creditgate.client import AsyncClient, InvalidRequestError, MoneyError, NotFoundError, money
from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger import feeds, outbox
from creditgate.loaders.ledger.differences import Account, Items, Report
from creditgate.loaders.ledger.explaining import Explanation
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger

ROUNDS_MAX: Final = 20
POLL_S: Final = 0.05
ROWS_AT_A_TIME: Final = 5_000

Take = Callable[[Account, str, int], None]
"""Is told of an open item: whose it is, its invoice ("" for none), and its minor units."""

_SUMS: Final = 1 << 64
NOBODY: Final = "(no account)"
"""Whose the open items are that the ledger has on no account."""


class NotInStepError(LoadError):
    """The service is not told of what the ledger says; the message says what to do."""


class _Books:
    """What one side says is open, item by item."""

    def __init__(self) -> None:
        self._books: dict[Account, Items] = {}

    def add(self, account: Account, invoice_id: str, amount_minor: int) -> None:
        self._books.setdefault(account, {})[invoice_id] = amount_minor

    def of(self, account: Account) -> Items:
        return self._books.get(account, {})


class Sums:
    """What two sides say of each account, one added and one taken away: what they agree on leaves
    nothing, however many items it has. What differs leaves nothing with a probability of 2^-64."""

    def __init__(self) -> None:
        self.items = 0
        """How many were added."""
        self._sums: dict[Account, int] = {}

    def add(self, account: Account, invoice_id: str, amount_minor: int) -> None:
        """An open item of the one side."""
        self.items += 1
        self._move(account, _hash(invoice_id, amount_minor))

    def take_away(self, account: Account, invoice_id: str, amount_minor: int) -> None:
        """One of the other side."""
        self._move(account, -_hash(invoice_id, amount_minor))

    def _move(self, account: Account, by: int) -> None:
        self._sums[account] = (self._sums.get(account, 0) + by) % _SUMS

    def __len__(self) -> int:
        """How many accounts either side has."""
        return len(self._sums)

    def differing(self) -> set[Account]:
        """The accounts of which the sides say different things."""
        return {account for account, left in self._sums.items() if left}


class Reconciliation:
    """One ledger held against one service."""

    def __init__(
        self,
        client: AsyncClient,
        mapping: LedgerMapping,
        *,
        wait_s: float = 60.0,
        on_read: Callable[[str, int], None] = lambda _whose, _items: None,
    ) -> None:
        """`on_read`: is told how many items were read so far, and whose."""
        self._client = client
        self._mapping = mapping
        self._wait_s = wait_s
        self._on_read = on_read
        self._unreadable: set[str] = set()

    async def run(self, conninfo: str) -> Report:
        """Compare all accounts. Raises NotInStepError where the service has not been told in time,
        psycopg's errors and the client's."""
        self._unreadable.clear()
        async with await outbox.connect(conninfo) as ledger:
            sums = Sums()
            position = await self._read_ledger(ledger, sums.add)
            await self._told(position)
            await self._read_service(sums.take_away)
            suspects = sums.differing()
            settled: dict[Account, tuple[Items, Items]] = {}
            for _ in range(ROUNDS_MAX):
                if not suspects:
                    break
                theirs, ours = _Books(), _Books()
                position = await self._read_ledger(ledger, theirs.add, suspects)
                await self._told(position)
                await self._read_service(ours.add, suspects)
                moved = await _moved(ledger, position)
                differing = {one for one in suspects if theirs.of(one) != ours.of(one)}
                suspects = {account for account in differing if account[0] in moved}
                for account in differing - suspects:
                    settled[account] = theirs.of(account), ours.of(account)
            explanation = Explanation(self._client, self._mapping)
            differences, is_explained = await explanation.differences(ledger, settled)
        return Report(
            position,
            len(sums),
            sums.items,
            differences,
            tuple(sorted(name for name, _ in suspects)),
            tuple(sorted(self._unreadable)),
            is_explained,
        )

    async def _read_ledger(
        self, ledger: Ledger, take: Take, accounts: Collection[Account] = ()
    ) -> int:
        """Read what the ledger says is open, of these accounts or of all, in one snapshot. Returns
        how far one has come who has been told of all of that."""
        read = 0
        names = sorted({name for name, _ in accounts})
        query = feeds.open_items_query(self._mapping, names)
        async with outbox.one_moment(ledger), ledger.cursor("open_items") as cursor:
            position = await outbox.reached(ledger, await outbox.horizon(ledger))
            await cursor.execute(query.encode())
            while rows := await cursor.fetchmany(ROWS_AT_A_TIME):
                for (cells,) in rows:
                    self._take(cells, take)
                read += len(rows)
                self._on_read("ledger", read)
        return position

    def _take(self, cells: dict[str, str], take: Take) -> None:
        account = cells.get("account_id", ""), cells.get("currency", "")
        amount_minor = None
        with suppress(MoneyError):
            amount_minor = money.parse(cells["amount"], account[1])
        if account[0] and amount_minor is not None:
            take(account, cells.get("invoice_id", ""), amount_minor)
        else:
            self._unreadable.add(account[0] or NOBODY)

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

    async def _read_service(self, take: Take, accounts: Collection[Account] = ()) -> None:
        """Read what the service says is open, of these accounts or of all."""
        read = 0
        for name in sorted({name for name, _ in accounts}) or [""]:
            # One that the ledger alone knows, as the service does no id that breaks its rules.
            with suppress(NotFoundError, InvalidRequestError):
                async for found in self._client.list_open_items(name):
                    account = found.account_id, found.currency
                    items = {item.invoice_id: item.open_minor for item in found.items}
                    # Said again with each part of an account that does not fit on a page.
                    if found.outstanding_minor is not None:
                        items[""] = found.unallocated_minor
                    for invoice_id, open_minor in items.items():
                        if open_minor:
                            take(account, invoice_id, open_minor)
                            read += 1
                    self._on_read("service", read)


async def _moved(ledger: Ledger, since: int) -> set[str]:
    """Accounts that the ledger touched in transactions from `since` on."""
    cursor = await ledger.execute(
        "SELECT DISTINCT cells->>'account_id' FROM creditgate_outbox WHERE xid >= %s::text::xid8",
        (since,),
    )
    return {row[0] async for row in cursor}


def _hash(invoice_id: str, amount_minor: int) -> int:
    # Of one text as a whole (SipHash, with a secret of this process). Hashes of tuples and of
    # numbers are nearly linear in their parts: an amount moved from one invoice to another would
    # leave their sum as it is.
    return hash(f"{amount_minor} {invoice_id}")
