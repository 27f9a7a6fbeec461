"""From the inbox to the server: flags are placed and lifted, scores are kept."""

import asyncio
import time
from collections.abc import Callable, Sequence

from creditgate.client import AsyncClient, ItemError
from creditgate.loaders.errors import RowError
from creditgate.loaders.feeds.latest import Latest
from creditgate.loaders.feeds.letters import letter
from creditgate.loaders.feeds.records import Record, parse
from creditgate.loaders.feeds.sending import refusal, send
from creditgate.loaders.queue.inbox import Event, Inbox
from creditgate.loaders.queue.letters import DeadLetter, LetterBox
from creditgate.loaders.receiving import forwarder
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop


class Forwarder(forwarder.Forwarder):
    """Of one source. Those of one command share a turn: two sources may speak of the same flag, and
    the later record must stand."""

    def __init__(
        self,
        source: Source,
        client: AsyncClient,
        stop: Stop,
        *,
        inbox: Inbox,
        letters: LetterBox,
        latest: Latest,
        turn: asyncio.Lock,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, client, stop, inbox=inbox, letters=letters, clock=clock)
        self._latest = latest
        self._turn = turn

    def _forget(self) -> int:
        return self._latest.forget()

    def _letter(self, event: Event, error: RowError) -> DeadLetter:
        return letter(self.source.name, event.payload, error, event.event_id)

    async def _forward(self, batch: Sequence[Event]) -> None:
        waiting: list[tuple[Event, Record]] = []
        refused: list[tuple[Event, RowError]] = []
        for event in batch:
            try:
                waiting.append((event, parse(self.source.name, event.payload, self._clock())))
            except RowError as error:
                refused.append((event, error))
        while waiting:
            # One of each flag at a time: whether it is taken says what the next one meets.
            first: dict[str, tuple[Event, Record]] = {}
            for one in waiting:
                first.setdefault(one[1].key, one)
            wave = list(first.values())
            waiting = [one for one in waiting if first[one[1].key] is not one]
            async with self._turn:
                refused += await self._send(wave)
        await self._refuse_all(refused)

    async def _send(self, wave: Sequence[tuple[Event, Record]]) -> list[tuple[Event, RowError]]:
        """Which ones were refused, and why."""
        older, fresh = await asyncio.to_thread(self._sorted, wave)
        outcomes = await send(self._client, [record for _, record in fresh])
        answered = list(zip(fresh, outcomes, strict=True))
        taken = [one for one, outcome in answered if not isinstance(outcome, ItemError)]
        # Before they are done: killed in between, they are sent and noted once more.
        await asyncio.to_thread(self._latest.note, [record for _, record in taken])
        await self._done([event.event_id for event, _ in (*older, *taken)])
        self.source.took("older", len(older))
        for outcome in outcomes:
            if isinstance(outcome, str):
                self.source.took(outcome)
        return [
            (event, refusal(event.payload, outcome))
            for (event, _), outcome in answered
            if isinstance(outcome, ItemError)
        ]

    def _sorted(
        self, wave: Sequence[tuple[Event, Record]]
    ) -> tuple[list[tuple[Event, Record]], list[tuple[Event, Record]]]:
        older = [one for one in wave if self._latest.is_older(one[1])]
        late = {event.event_id for event, _ in older}
        return older, [one for one in wave if one[0].event_id not in late]
