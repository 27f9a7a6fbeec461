"""From the inbox to the server: what was received is sent on, or kept as a dead letter."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress

from creditgate.client import AsyncClient, CallError
from creditgate.loaders.errors import RowError
from creditgate.loaders.queue.database import StateError
from creditgate.loaders.queue.inbox import FORGET_MAX, Event, Inbox
from creditgate.loaders.queue.letters import DeadLetter, LetterBox, LettersFullError
from creditgate.loaders.queue.stake import Stakes
from creditgate.loaders.running.attempts import Attempts
from creditgate.loaders.running.logs import log
from creditgate.loaders.running.sources import Source, State
from creditgate.loaders.running.stopping import Stop, StoppedError

BATCH_MAX = 500
HOUSEKEEPING_S = 60.0
ROOM_AGAIN_S = 60.0


class Forwarder(ABC):
    """Of one source. It runs until it is told to stop and the inbox is empty, or the server cannot
    be reached then: the rest waits on disk."""

    def __init__(
        self,
        source: Source,
        client: AsyncClient,
        stop: Stop,
        *,
        inbox: Inbox,
        letters: LetterBox,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self._inbox = inbox
        self._letters = letters
        self._client = client
        self._stakes = Stakes(client)
        self._stop = stop
        self._clock = clock
        self._attempts = Attempts(source, stop)
        self._woken = asyncio.Event()
        self._tidied_at = 0.0
        source.waiting_since = lambda: inbox.held(source.name).waiting_since

    @abstractmethod
    async def _forward(self, batch: Sequence[Event]) -> None:
        """Sends these on, each of which is done then or set aside. Raises CallError, StateError;
        those that are neither come again."""

    @abstractmethod
    def _forget(self) -> int:
        """Forgets what was noted too long ago, at most 10,000 of a kind; returns how many of the
        kind of which it was most. Raises StateError."""

    @abstractmethod
    def _letter(self, event: Event, error: RowError) -> DeadLetter:
        """The letter of an event that is refused."""

    def wake(self) -> None:
        """There is something in the inbox."""
        self._woken.set()

    async def run(self) -> None:
        """Forwards what is there and what comes."""
        self.source.state = State.RUNNING
        try:
            with suppress(StoppedError):
                while True:
                    rest_s = await self._attempts.until_done(self._step, _may_pass)
                    if rest_s and self._stop.is_set:
                        return
                    await self._rest(rest_s)
        finally:
            self.source.state = State.STOPPED

    async def _step(self) -> float:
        """Forwards one batch; returns how long there is nothing to do unless more comes."""
        self._woken.clear()
        batch = await asyncio.to_thread(self._inbox.take, self.source.name, BATCH_MAX)
        if batch:
            await self._forward(batch)
        await self._tidy()
        if batch:
            return 0.0
        held = await asyncio.to_thread(self._inbox.held, self.source.name)
        if held.due_at is None:
            return HOUSEKEEPING_S
        return min(max(held.due_at - self._clock(), 0.001), HOUSEKEEPING_S)

    async def _rest(self, rest_s: float) -> None:
        if rest_s:
            with suppress(TimeoutError, StoppedError):
                await asyncio.wait_for(self._stop.unless_set(self._woken.wait()), rest_s)

    async def _tidy(self) -> None:
        if self._clock() - self._tidied_at >= HOUSEKEEPING_S:
            gone = await asyncio.to_thread(self._inbox.forget, self.source.name)
            gone = max(gone, await asyncio.to_thread(self._forget))
            # There may be more: of 2,000 events a second none may stay for want of a turn.
            if gone < FORGET_MAX:
                self._tidied_at = self._clock()

    async def _refuse_all(self, refused: Sequence[tuple[Event, RowError]]) -> None:
        """Those for which no dead letter has room are set aside, and others go before them."""
        for event, error in refused:
            try:
                await self._refuse(event, error)
            except LettersFullError as full:
                until = self._clock() + ROOM_AGAIN_S
                await asyncio.to_thread(
                    self._inbox.set_aside, self.source.name, event.event_id, "", until
                )
                self.source.failed(str(full))

    async def _refuse(self, event: Event, error: RowError) -> None:
        """To the dead letters first: killed in between, it is refused once more."""
        found = await self._stakes.known(self._letter(event, error))
        await asyncio.to_thread(self._letters.put, found)
        await self._done([event.event_id])
        self.source.refused()
        log(
            logging.WARNING,
            "dead letter",
            source=self.source.name,
            event_id=event.event_id,
            reason=error.reason,
            message=error.message,
        )

    async def _done(self, event_ids: Sequence[str]) -> None:
        if event_ids:
            await asyncio.to_thread(self._inbox.done, self.source.name, event_ids)


def _may_pass(error: Exception) -> bool:
    # Also a credential that is refused: a person mends that, and the source goes on by itself.
    return isinstance(error, CallError | StateError)
