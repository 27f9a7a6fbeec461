"""`creditgate sync ledger`: a snapshot first, then the outbox for as long as it runs.

The server keeps how far the ledger was read, as the position of the ledger's source: the oldest
transaction that may not be in it. The position moves only behind the rows of a window, in the same
journal, so after any crash the window is read again, and what the server has of it is a duplicate.
"""

import asyncio
import math
import zlib
from pathlib import Path
from typing import Final

from creditgate.client import AsyncClient, LedgerSource
from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger import outbox
from creditgate.loaders.ledger.feeds import Captured
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger
from creditgate.loaders.ledger.sender import BusyError
from creditgate.loaders.ledger.snapshot import Snapshot, SnapshotFile
from creditgate.loaders.ledger.taking import Taking
from creditgate.loaders.queue.letters import LetterBox
from creditgate.loaders.running.sources import Source, State

HEARD_EVERY_S: Final = 10.0
"""How often the server is told that a quiet ledger is alive."""

POLL_S: Final = 1.0
"""How long to wait for a notification: one may be lost with a connection."""

HELD_BACK_POLL_S: Final = 0.05
"""The same while rows wait behind a transaction that still runs and will not tell of its end."""

CLOCKS_DIFFER_MAX_S: Final = 60.0
"""How far the ledger's clock may be ahead of the server's."""

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
        self._taking = Taking(client, mapping, letters, source)
        self._file = SnapshotFile(state)
        self._told_at = -math.inf
        self._has_run = False
        source.waiting_since = lambda: self._taking.oldest_at_s

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
            since = self.position
            while True:
                below = await outbox.horizon(ledger)
                seen = None if snapshot is None else snapshot.seen
                await self._taking.take(outbox.window(ledger, since, below, seen))
                since = below
                reached = await outbox.reached(ledger, below)
                held_back_at_s = await outbox.oldest(ledger, below)
                if snapshot is not None and below >= snapshot.until:
                    await self._move(reached)
                    self._file.remove()
                    snapshot = None
                elif snapshot is None and (
                    reached > self.position or (held_back_at_s is None and self._is_quiet())
                ):
                    await self._move(reached)
                self._goes_on(held_back_at_s)
                is_all = self._taking.oldest_at_s is None and self._taking.is_done
                if once and is_all and snapshot is None:
                    return
                is_held_back = self._taking.oldest_at_s is not None
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
        sources = {one.source: one async for one in self._client.list_sources()}
        known = sources.get(self._mapping.source)
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
            taken = self._file.take(ledger, self._mapping, self._captured, sources)
            await self._taking.take(taken)
            head = self._file.keep()
        await self._taking.take(self._file.entries())
        self.position = head.since
        return head

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

    def _goes_on(self, oldest_at_s: float | None) -> None:
        """Note that all that could be read was taken; what is left waits for an older one."""
        self._taking.oldest_at_s = oldest_at_s
        self._source.state = State.RUNNING
        self._source.breaker.succeeded()

    def _is_quiet(self) -> bool:
        """Whether the server is to be told that a ledger with nothing to say is alive. One that
        holds something back is not: the server's picture of it grows old."""
        return asyncio.get_running_loop().time() - self._told_at >= HEARD_EVERY_S

    async def _move(self, reached: int) -> None:
        """Tell the server how far it has the ledger."""
        # An outbox of which rows were deleted says less.
        below = max(reached, self.position)
        await self._client.move_source(self._mapping.source, below)
        self.position = below
        self._told_at = asyncio.get_running_loop().time()
