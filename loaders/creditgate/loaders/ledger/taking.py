"""How rows of a ledger are taken: to the server, or to the dead letters with the reason."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec

from creditgate.client import AsyncClient
from creditgate.loaders.ledger.batches import Batch, Refused, parted, parts_of, plan, second_tries
from creditgate.loaders.ledger.lacking import Lacking
from creditgate.loaders.ledger.letters import Kept, event_id, letter_of, letters_source
from creditgate.loaders.ledger.mapping import LedgerMapping
from creditgate.loaders.ledger.outbox import OutboxRow
from creditgate.loaders.ledger.sender import Sender
from creditgate.loaders.queue.letters import DeadLetter, LetterBox, Status
from creditgate.loaders.queue.replays import ClosedError, replay
from creditgate.loaders.queue.stake import Stakes
from creditgate.loaders.running.sources import Source

BY: Final = "sync"
"""Who closes letters here."""
MET_AT_A_TIME: Final = 200
WAITING_MAX: Final = 1_000
"""Rows that may wait for what they lack: they are sent again with each part."""


class _Part(msgspec.Struct):
    """Rows on their way, and the batches that they go in."""

    rows: Sequence[OutboxRow]
    batches: Sequence[Batch]
    refused: list[Refused]


class Taking:
    """Takes the rows of one ledger into one server."""

    def __init__(
        self, client: AsyncClient, mapping: LedgerMapping, letters: LetterBox, source: Source
    ) -> None:
        self.oldest_at_s: float | None = None
        """When the oldest row was written that is on its way; None: none is."""
        self._mapping = mapping
        self._sender = Sender(client)
        self._stakes = Stakes(client)
        self._letters = letters
        self._source = source
        self._client = client
        self._open = set[str]()
        self._lacking = Lacking()
        self._met: list[str] = []
        """Letters that lacked what has come, and are to be sent again."""
        for letter in letters.oldest_first(letters_source(mapping)):
            self._remember(letter)

    async def take(self, parts: AsyncGenerator[Sequence[OutboxRow]]) -> None:
        """Take part after part, each to its end before the next: while one is on its way, the next
        is read and planned. Raises what reading raises, BusyError and the client's errors."""
        waiting: list[Refused] = []
        async with aclosing(parts):
            part = await self._next(parts)
            while part is not None:
                if waiting:
                    part = self._planned([*(one.row for one in waiting), *part.rows])
                try:
                    async with asyncio.TaskGroup() as both:
                        sending = both.create_task(self._send(part))
                        reading = both.create_task(self._next(parts))
                except ExceptionGroup as errors:
                    raise errors.exceptions[0] from None
                refused, part = sending.result(), reading.result()
                waiting = await self._wait_or_keep(refused)
                if await self._send_met(waiting) and part is None and waiting:
                    part = self._planned([])  # what waits may lack nothing any more
        await self._keep(waiting)
        await self._send_met([])

    async def _wait_or_keep(self, refused: Sequence[Refused]) -> list[Refused]:
        """Those that may still be taken, since what they lack may come behind them, as the parent
        of the first of many accounts does; the others are kept."""
        over = [one for one in refused if not one.lacks]
        # Behind one that is over an earlier row of the same would be an older value.
        latest = {event_id(one.row, self._mapping): abs(one.row.id) for one in over}
        lacking = self._unmended([one for one in refused if one.lacks], latest)
        waiting, kept = lacking[:WAITING_MAX], lacking[WAITING_MAX:]
        latest |= {event_id(one.row, self._mapping): abs(one.row.id) for one in kept}
        await self._keep(sorted(over + kept, key=lambda one: abs(one.row.id)))
        return self._unmended(waiting, latest)

    async def _next(self, parts: AsyncGenerator[Sequence[OutboxRow]]) -> _Part | None:
        async for rows in parts:
            if rows:
                return self._planned(rows)
        return None

    def _planned(self, rows: Sequence[OutboxRow]) -> _Part:
        return _Part(rows, *plan(rows, self._mapping))

    async def _send(self, part: _Part) -> list[Refused]:
        """Send rows, again those that lacked what came behind them; the rest cannot be taken."""
        self.oldest_at_s = part.rows[0].at_s or None
        refused = await self._send_once(part)
        if not refused and not self._open:
            return []
        latest: dict[str, int] = {}
        self._close_letters(part.batches, refused, latest)
        refused = self._unmended(refused, latest)
        while True:
            again, left = second_tries(refused, self._mapping)
            if not again:
                return left
            tried = self._planned(again)
            found = await self._send_once(tried)
            self._close_letters(tried.batches, found, latest)
            refused = self._unmended(left + found, latest)
            if len(found) == len(again):
                return refused

    async def _send_once(self, part: _Part) -> list[Refused]:
        refused = part.refused
        for batch in part.batches:
            sent = await self._sender.send(batch)
            self._source.took("taken", sent.taken)
            self._source.took("repeated", sent.repeated)
            refused += sent.refused
        return refused

    def _unmended(self, refused: Sequence[Refused], latest: dict[str, int]) -> list[Refused]:
        """Those of which nothing came later and was taken."""
        return [
            one
            for one in refused
            if latest.get(event_id(one.row, self._mapping), 0) <= abs(one.row.id)
        ]

    def _close_letters(
        self, batches: Sequence[Batch], refused: Sequence[Refused], latest: dict[str, int]
    ) -> None:
        """What was refused before and has come again, mended, must not be replayed as it was.
        Notes the `latest` row that was taken of each name."""
        again = {one.row.id for one in refused}
        for batch in batches:
            for lot in (lot for lot in batch.lots if lot.row.id not in again):
                for part in parts_of(lot.row, self._mapping):
                    name = event_id(part, self._mapping)
                    latest[name] = max(abs(part.id), latest.get(name, 0))
                    self._close(name)
                self._met += self._lacking.met_by(batch.kind, lot.row.cells)

    def _close(self, name: str) -> None:
        if name in self._open:
            source = letters_source(self._mapping)
            why = "the ledger told of it again, and it was taken"
            self._letters.mark(source, name, Status.REPLAYED, by=BY, why=why)
            self._open.discard(name)

    @property
    def is_done(self) -> bool:
        """Whether no letters are left that are to be sent again now."""
        return not self._met

    async def _send_met(self, waiting: Sequence[Refused]) -> bool:
        """Send letters again that lacked what has come behind them, for nobody else would; a number
        at a time, so that they do not hold up what comes. Not those of which something newer
        waits. Returns whether any was taken."""
        newer = {event_id(one.row, self._mapping) for one in waiting}
        any_taken = False
        for _ in range(min(len(self._met), MET_AT_A_TIME)):
            name = self._met[0]
            if name not in newer and await self._is_taken(name):
                any_taken = True
            self._met.pop(0)
        return any_taken

    async def _is_taken(self, name: str) -> bool:
        """Send a letter again, if it is open yet."""
        letter = self._letters.get(letters_source(self._mapping), name)
        try:
            refused = await replay(self._letters, letter, self._client, Path(), by=BY)
        except ClosedError:
            return False
        if refused is not None:
            self._remember(self._letters.get(letter.source, name))
            return False
        self._open.discard(name)
        self._source.took("taken")
        kept = msgspec.json.decode(letter.payload, type=Kept)
        self._met += self._lacking.met_by(kept.kind, kept.cells)
        return True

    async def _keep(self, refused: Sequence[Refused]) -> None:
        """Put rows that cannot be taken among the dead letters."""
        for one in refused:
            for part in parted(one, self._mapping):
                letter = await self._stakes.known(letter_of(part, self._mapping))
                self._letters.put(letter)
                self._remember(letter)
        self._source.refused(len(refused))

    def _remember(self, letter: DeadLetter) -> None:
        self._open.add(letter.event_id)
        self._lacking.note(letter)
