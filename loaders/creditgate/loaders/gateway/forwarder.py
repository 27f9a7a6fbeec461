"""From the inbox to the server: what was received is posted, or kept as a dead letter."""

import asyncio
import time
from collections.abc import Callable, Sequence

from creditgate.client import AsyncClient, CallError, InvalidRequestError, LedgerEntry
from creditgate.loaders.errors import RowError
from creditgate.loaders.gateway.events import parse
from creditgate.loaders.gateway.letters import letter
from creditgate.loaders.gateway.payments import Payments, Planner, Unknown
from creditgate.loaders.gateway.posting import post
from creditgate.loaders.queue.inbox import Event, Inbox
from creditgate.loaders.queue.letters import DeadLetter, LetterBox
from creditgate.loaders.receiving import forwarder
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop

Planned = list[tuple[Event, list[LedgerEntry]]]


class Forwarder(forwarder.Forwarder):
    """Of one gateway."""

    def __init__(
        self,
        source: Source,
        client: AsyncClient,
        stop: Stop,
        *,
        inbox: Inbox,
        letters: LetterBox,
        payments: Payments,
        wait_payment_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`wait_payment_s`: how long a refund waits for the payment that it is of."""
        super().__init__(source, client, stop, inbox=inbox, letters=letters, clock=clock)
        self._payments = payments
        self._wait_payment_s = wait_payment_s

    def _forget(self) -> None:
        self._payments.forget()

    def _letter(self, event: Event, error: RowError) -> DeadLetter:
        return letter(self.source.name, event.payload, error)

    async def _forward(self, batch: Sequence[Event]) -> None:
        planned, refused = await asyncio.to_thread(self._plan, batch)
        nothing = [event for event, entries in planned if not entries]
        self.source.took("nothing", len(nothing))
        await self._done([event.event_id for event in nothing])
        for event, error in refused:
            await self._refuse(event, error)
        await self._post([(event, entries) for event, entries in planned if entries])

    def _plan(self, batch: Sequence[Event]) -> tuple[Planned, list[tuple[Event, RowError]]]:
        """The entries of each event that is not set aside, and what cannot be taken at all."""
        planned: Planned = []
        refused: list[tuple[Event, RowError]] = []
        aside: list[tuple[Event, Unknown, float]] = []
        with self._payments.planning(self.source.name) as planner:
            for event in batch:
                until = event.received_at + self._wait_payment_s
                try:
                    entries = _entries(planner, event, waits=self._clock() < until)
                except RowError as error:
                    refused.append((event, error))
                    continue
                if isinstance(entries, Unknown):
                    aside.append((event, entries, until))
                else:
                    planned.append((event, entries))
        for event, unknown, until in aside:
            self._inbox.set_aside(self.source.name, event.event_id, unknown.payment_id, until)
        return planned, refused

    def _wake_waiting(self, planned: Planned) -> None:
        """Refunds that came before their payments."""
        payments = [entry.entry_id for _, entries in planned for entry in entries]
        self._inbox.wake(self.source.name, payments)

    async def _post(self, planned: Planned) -> None:
        """Posts all; where the call as a whole is refused, each event stands alone."""
        if not planned:
            return
        entries = [of_event for _, of_event in planned]
        try:
            outcomes = await post(self._client, self.source.name, entries)
        except (InvalidRequestError, ValueError) as error:
            if len(planned) > 1:
                for one in planned:
                    await self._post([one])
                return
            code = error.status_code.name if isinstance(error, CallError) else "FIELD_INVALID"
            reason = getattr(error, "reason", "") or code
            outcomes = [RowError("", "", reason, str(error))]
        # Before they are done: killed in between, they are posted and wake those once more.
        await asyncio.to_thread(self._wake_waiting, planned)
        for (event, _), outcome in zip(planned, outcomes, strict=True):
            if isinstance(outcome, RowError):
                await self._refuse(event, outcome)
        taken = [
            (event, outcome)
            for (event, _), outcome in zip(planned, outcomes, strict=True)
            if not isinstance(outcome, RowError)
        ]
        await self._done([event.event_id for event, _ in taken])
        for _, outcome in taken:
            self.source.took(outcome.value.lower())


def _entries(planner: Planner, event: Event, *, waits: bool) -> list[LedgerEntry] | Unknown:
    found = parse(event.payload)
    return [] if found is None else planner.entries(found, waits=waits)
