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

from creditgate.client import AsyncClient
from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger import outbox
from creditgate.loaders.ledger.batches import Batch, Refused, plan
from creditgate.loaders.ledger.letters import event_id, letter_of, letters_source
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger, OutboxRow
from creditgate.loaders.ledger.sender import BusyError, Sender
from creditgate.loaders.ledger.snapshot import Snapshot, SnapshotFile
from creditgate.loaders.queue.letters import OPEN_MAX, LetterBox, Status
from creditgate.loaders.running.sources import Source, State

HEARD_EVERY_S: Final = 10.0
"""How often the server is told that a quiet ledger is alive."""

POLL_S: Final = 1.0
"""How long to wait for a notification: one may be lost with a connection."""

HELD_BACK_POLL_S: Final = 0.05
"""The same while rows wait behind a transaction that still runs and will not tell of its end."""


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
                    await self._move(await outbox.reached(ledger, below))
                    self._file.remove()
                    snapshot = None
                elif snapshot is None:
                    await self._move(await outbox.reached(ledger, below))
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
        position = await self._position()
        head = self._file.head()
        if head is not None and head.source != self._mapping.source:
            raise SyncError(
                f"the state folder has a snapshot of source {head.source!r}: give "
                f"{self._mapping.source!r} a folder of its own (--state)"
            )
        if position:
            # The file of a snapshot that was sent to its end, but for this.
            self._file.remove()
            if position > await outbox.horizon(ledger):
                raise SyncError(
                    f"the server has source {self._mapping.source!r} up to transaction {position}, "
                    "which this ledger has not reached: it is another one, or was restored from a "
                    "backup. Give it a source name of its own, or reconcile first"
                )
            self.position = position
            return None
        if head is None:
            if position is not None:
                raise SyncError(
                    f"a snapshot of source {self._mapping.source!r} was begun and its file is not "
                    "in the state folder: a second one would count twice. Bring the folder back, "
                    "or name another source and adjust what was posted"
                )
            head = await self._file.take(ledger, self._mapping)
        for rows in self._file.rows():
            await self._take(rows)
        self.position = head.since
        return head

    async def _position(self) -> int | None:
        """How far the server has this source; None: it has never heard of it."""
        async for source in self._client.list_sources():
            if source.source == self._mapping.source:
                return source.position
        return None

    async def _window(self, ledger: Ledger, below: int, snapshot: Snapshot | None) -> None:
        seen = None if snapshot is None else snapshot.seen
        async with aclosing(outbox.window(ledger, self.position, below, seen)) as window:
            async for rows in window:
                self._oldest_at_s = rows[0].at_s
                await self._take(rows)

    async def _take(self, rows: Sequence[OutboxRow]) -> None:
        batches, refused = plan(rows, self._mapping)
        latest: dict[str, int] = {}
        for batch in batches:
            sent = await self._sender.send(batch)
            self._source.took("taken", sent.taken)
            self._source.took("repeated", sent.repeated)
            refused += sent.refused
            self._close_letters(batch, sent.refused, latest)
        for one in refused:
            letter = letter_of(one, self._mapping)
            # What came later of the same and was taken has mended it.
            if latest.get(letter.event_id, one.row.id) <= one.row.id:
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
            latest[name] = lot.row.id
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

    async def _move(self, reached: int) -> None:
        """Tell the server how far it has the ledger, or that a quiet ledger is alive."""
        now = asyncio.get_running_loop().time()
        # An outbox of which rows were deleted says less.
        below = max(reached, self.position)
        if below == self.position and now - self._told_at < HEARD_EVERY_S:
            return
        await self._client.move_source(self._mapping.source, below)
        self.position = below
        self._told_at = now
