"""`creditgate sync ledger`: a snapshot first, then the outbox for as long as it runs.

The server keeps how far the ledger was read, as the position of the ledger's source: the oldest
transaction that may not be in it. The position moves only behind the rows of a window, in the same
journal, so after any crash the window is read again, and what the server has of it is a duplicate.
"""

import asyncio
import zlib
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from creditgate.client import AsyncClient, LedgerSource
from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger import outbox
from creditgate.loaders.ledger.batches import Batch, Refused, plan, second_tries
from creditgate.loaders.ledger.feeds import Captured
from creditgate.loaders.ledger.letters import event_id, letter_of, letters_source
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger, OutboxRow
from creditgate.loaders.ledger.sender import BusyError, Sender
from creditgate.loaders.ledger.snapshot import Snapshot, SnapshotFile
from creditgate.loaders.queue.letters import OPEN_MAX, LetterBox, Status
from creditgate.loaders.queue.stake import Stakes
from creditgate.loaders.running.sources import Source, State

HEARD_EVERY_S: Final = 10.0
"""How often the server is told that a quiet ledger is alive."""

POLL_S: Final = 1.0
"""How long to wait for a notification: one may be lost with a connection."""

HELD_BACK_POLL_S: Final = 0.05
"""The same while rows wait behind a transaction that still runs and will not tell of its end."""

CLOCKS_DIFFER_MAX_S: Final = 60.0
"""How far the ledger's clock may be ahead of the server's."""

WAITING_MAX: Final = 1_000
"""Rows that wait for what they lack while a window is read, to be sent with each of its parts."""

LOCK_WAIT_S: Final = 5.0
"""How long the ledger may take to end an earlier session of ours."""

LOCK_POLL_S: Final = 0.2


class SyncError(LoadError):
    """The sync cannot go on without a person; the message says what to do."""


class LedgerSync:
    """One ledger into one server."""

    def __init__(
        self,
        client: AsyncClient,
        mapping: LedgerMapping,
        state: Path,
        letters: LetterBox,
        source: Source,
    ) -> None:
        self.position = 0
        """All transactions below it are in the server."""
        self._client = client
        self._source = source
        self._mapping = mapping
        self._sender = Sender(client)
        self._stakes = Stakes(client)
        self._file = SnapshotFile(state)
        self._letters = letters
        self._told_at = 0.0
        self._has_run = False
        self._oldest_at_s: float | None = None
        self._open = {
            letter.event_id
            for letter in letters.list(source=letters_source(mapping), limit=OPEN_MAX)
        }
        source.waiting_since = lambda: self._oldest_at_s

    async def run(self, conninfo: str, *, once: bool = False) -> None:
        """Follow the ledger until cancelled, which does no harm at any point; `once`: until all
        that is there now is taken.

        Raises SyncError where a person is needed. Raises psycopg's errors and the client's where
        either is away: to run again goes on where this ended.
        """
        async with await outbox.connect(conninfo) as ledger:
            await self._lock(ledger)
            await outbox.listen(ledger)
            snapshot = await self._begin(ledger)
            while True:
                below = await outbox.horizon(ledger)
                await self._window(ledger, below, snapshot)
                if snapshot is not None and below >= snapshot.until:
                    await self._move(below)
                    self._file.remove()
                    snapshot = None
                elif snapshot is None:
                    await self._move(below)
                self._goes_on(await outbox.oldest(ledger, below))
                if once and self._oldest_at_s is None and snapshot is None:
                    return
                is_held_back = self._oldest_at_s is not None
                await outbox.told(ledger, HELD_BACK_POLL_S if is_held_back else POLL_S)

    async def _lock(self, ledger: Ledger) -> None:
        """Two syncs would set limits to and fro."""
        key = zlib.crc32(f"creditgate sync {self._mapping.source}".encode())
        clock = asyncio.get_running_loop().time
        until = clock() + LOCK_WAIT_S
        while True:
            cursor = await ledger.execute("SELECT pg_try_advisory_lock(%s)", (key,))
            row = await cursor.fetchone()
            if row is not None and row[0]:
                self._has_run = True
                return
            if clock() > until:
                said = f"another sync of source {self._mapping.source!r} runs: end it first"
                # After a cut the ledger keeps our own last session for half a minute.
                raise BusyError(said) if self._has_run else SyncError(said)
            await asyncio.sleep(LOCK_POLL_S)

    async def _begin(self, ledger: Ledger) -> Snapshot | None:
        """Find where to go on. Without a position: take a snapshot, or find one, and send it."""
        known = await self._known()
        head = self._file.head()
        if head is not None and head.source != self._mapping.source:
            raise SyncError(
                f"the state folder has a snapshot of source {head.source!r}: give "
                f"{self._mapping.source!r} a folder of its own (--state)"
            )
        if known is not None and known.position:
            # The file of a snapshot that was sent to its end, but for this.
            self._file.remove()
            await self._check_history(ledger, known)
            self.position = known.position
            return None
        if head is None:
            if known is not None:
                raise SyncError(
                    f"a snapshot of source {self._mapping.source!r} was begun and its file is not "
                    "in the state folder: a second one would count twice. Bring the folder back, "
                    "or name another source and adjust what was posted"
                )
            head = await self._file.take(ledger, self._mapping, await self._captured())
        for rows in self._file.rows():
            await self._keep(await self._send(rows))
        self.position = head.since
        return head

    async def _known(self) -> LedgerSource | None:
        """How far the server has this source; None: it has never heard of it."""
        async for source in self._client.list_sources():
            if source.source == self._mapping.source:
                return source
        return None

    async def _check_history(self, ledger: Ledger, known: LedgerSource) -> None:
        """A ledger that lost what the server was told of gives the same transactions out again:
        they would be skipped. Raises SyncError."""
        position = known.position
        newest = await outbox.newest(ledger, position) or 0.0
        if position > await outbox.horizon(ledger):
            found = "which this ledger has not reached"
        elif newest > known.heard_at.timestamp() + CLOCKS_DIFFER_MAX_S:
            found = "and this ledger has written below that since, or its clock is ahead"
        else:
            return
        raise SyncError(
            f"the server has source {self._mapping.source!r} up to transaction {position}, "
            f"{found}: it is another one, which needs a source name of its own, or was restored "
            "from a backup: see docs/ledger.md"
        )

    async def _captured(self) -> Captured:
        return [
            (account.account_id, item.invoice_id)
            async for account in self._client.list_open_items()
            for item in account.items
            if item.captured_minor and not item.posted
        ]

    async def _window(self, ledger: Ledger, below: int, snapshot: Snapshot | None) -> None:
        seen = None if snapshot is None else snapshot.seen
        waiting: list[Refused] = []
        async with aclosing(outbox.window(ledger, self.position, below, seen)) as window:
            async for rows in window:
                self._oldest_at_s = rows[0].at_s
                refused = await self._send([*(one.row for one in waiting), *rows])
                # What they lack may still come: the parent of the first of many accounts is last.
                lacking = [one for one in refused if one.lacks]
                waiting = lacking[:WAITING_MAX]
                await self._keep([one for one in refused if not one.lacks] + lacking[WAITING_MAX:])
        await self._keep(waiting)

    async def _send(self, rows: Sequence[OutboxRow]) -> list[Refused]:
        """Send rows, again those that lacked what came behind them; the rest cannot be taken."""
        latest: dict[str, int] = {}
        refused = self._unmended(await self._send_once(rows, latest), latest)
        while True:
            again, left = second_tries(refused, self._mapping)
            if not again:
                return left
            found = await self._send_once(again, latest)
            refused = self._unmended(left + found, latest)
            if len(found) == len(again):
                return refused

    async def _send_once(self, rows: Sequence[OutboxRow], latest: dict[str, int]) -> list[Refused]:
        batches, refused = plan(rows, self._mapping)
        for batch in batches:
            sent = await self._sender.send(batch)
            self._source.took("taken", sent.taken)
            self._source.took("repeated", sent.repeated)
            refused += sent.refused
            self._close_letters(batch, sent.refused, latest)
        return refused

    def _unmended(self, refused: Sequence[Refused], latest: dict[str, int]) -> list[Refused]:
        """Those of which nothing came later and was taken."""
        return [
            one
            for one in refused
            if latest.get(event_id(one.row, self._mapping), 0) <= abs(one.row.id)
        ]

    async def _keep(self, refused: Sequence[Refused]) -> None:
        """Put rows that cannot be taken among the dead letters."""
        for one in refused:
            letter = await self._stakes.known(letter_of(one, self._mapping))
            self._letters.put(letter)
            self._open.add(letter.event_id)
        self._source.refused(len(refused))

    def _close_letters(
        self, batch: Batch, refused: Sequence[Refused], latest: dict[str, int]
    ) -> None:
        """What was refused before and has come again, mended, must not be replayed as it was.
        Notes the `latest` row that was taken of each name."""
        again = {one.row.id for one in refused}
        for lot in batch.lots:
            if lot.row.id in again:
                continue
            name = event_id(lot.row, self._mapping)
            latest[name] = max(abs(lot.row.id), latest.get(name, 0))
            if name in self._open:
                source = letters_source(self._mapping)
                why = "the ledger told of it again, and it was taken"
                self._letters.mark(source, name, Status.REPLAYED, by="sync", why=why)
                self._open.discard(name)

    def _goes_on(self, oldest_at_s: float | None) -> None:
        """Note that all that could be read was taken; what is left waits for an older one."""
        self._oldest_at_s = oldest_at_s
        self._source.state = State.RUNNING
        self._source.breaker.succeeded()

    async def _move(self, below: int) -> None:
        """Tell the server how far it has the ledger, or that a quiet ledger is alive."""
        now = asyncio.get_running_loop().time()
        if below == self.position and now - self._told_at < HEARD_EVERY_S:
            return
        await self._client.move_source(self._mapping.source, below)
        self.position = below
        self._told_at = now
