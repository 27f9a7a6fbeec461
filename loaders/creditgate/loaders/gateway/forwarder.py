"""From the inbox to the server: what was received is posted, or kept as a dead letter."""

import asyncio
import time
from collections.abc import Callable, Sequence

from creditgate.client import AsyncClient, CallError, EntryOutcome, InvalidRequestError, LedgerEntry
from creditgate.loaders.errors import RowError
from creditgate.loaders.gateway.events import EventType, PaymentEvent, parse
from creditgate.loaders.gateway.letters import letter
from creditgate.loaders.gateway.payments import Payments, Planner, Unknown
from creditgate.loaders.gateway.posting import post
from creditgate.loaders.queue.inbox import Event, Inbox
from creditgate.loaders.queue.letters import DeadLetter, LetterBox
from creditgate.loaders.receiving import forwarder
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop

Planned = list[tuple[Event, list[LedgerEntry]]]
Answered = list[tuple[Event, EntryOutcome | RowError]]


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

    def _forget(self) -> int:
        return self._payments.forget()

    def _letter(self, event: Event, error: RowError) -> DeadLetter:
        return letter(self.source.name, event.payload, error)

    async def _forward(self, batch: Sequence[Event]) -> None:
        planned, refused = await asyncio.to_thread(self._plan, batch)
        nothing = [event for event, entries in planned if not entries]
        self.source.took("nothing", len(nothing))
        await self._done([event.event_id for event in nothing])
        answered = await self._post([(event, entries) for event, entries in planned if entries])
        # Before they are done: killed in between, they are posted and noted once more.
        await asyncio.to_thread(self._settle, answered)
        taken = [(event, found) for event, found in answered if not isinstance(found, RowError)]
        await self._done([event.event_id for event, _ in taken])
        for _, outcome in taken:
            self.source.took(outcome.value.lower())
        refused += [(event, found) for event, found in answered if isinstance(found, RowError)]
        await self._refuse_all(refused)

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

    def _settle(self, answered: Answered) -> None:
        """Notes which payments there are, and has refunds taken that came before theirs."""
        paid = [(found, what) for event, what in answered if (found := _payment(event)) is not None]
        posted = [event for event, what in paid if not isinstance(what, RowError)]
        self._payments.confirm(self.source.name, posted)
        self._inbox.wake(self.source.name, [event.data.payment_id for event, _ in paid])

    async def _post(self, planned: Planned) -> Answered:
        """Posts all; where the call as a whole is refused, each event stands alone."""
        if not planned:
            return []
        entries = [of_event for _, of_event in planned]
        try:
            outcomes = await post(self._client, self.source.name, entries)
        except (InvalidRequestError, ValueError) as error:
            if len(planned) > 1:
                return [answer for one in planned for answer in await self._post([one])]
            code = error.status_code.name if isinstance(error, CallError) else "FIELD_INVALID"
            reason = getattr(error, "reason", "") or code
            outcomes = [RowError("", "", reason, str(error))]
        return [(event, found) for (event, _), found in zip(planned, outcomes, strict=True)]


def _entries(planner: Planner, event: Event, *, waits: bool) -> list[LedgerEntry] | Unknown:
    found = parse(event.payload)
    return [] if found is None else planner.entries(found, waits=waits)


def _payment(event: Event) -> PaymentEvent | None:
    found = parse(event.payload)
    return found if found is not None and found.type is EventType.SUCCEEDED else None
