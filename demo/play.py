"""Plays the day over gRPC: many orders at once, the events of each one in their order."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from creditgate.client import (
    Allocation,
    AsyncClient,
    CallError,
    CaptureResult,
    ClientOptions,
    ConflictError,
    Decision,
    DecisionResult,
    EntryKind,
    EntryResult,
    LedgerEntry,
    NotFoundError,
    OutOfRangeError,
    PreconditionError,
    StatusResult,
)
from demo.errors import DemoError
from demo.events import Event

IN_FLIGHT_MAX = 16
LEDGER_SOURCE = "demo-day"
# A busy machine may be slow; the demo measures how slow and does not give up over it.
OPTIONS = ClientOptions(decision_timeout_s=10.0)

Answer = DecisionResult | EntryResult | StatusResult
OnDone = Callable[[], None]


@dataclass
class DayLog:
    """What became of the day's events, and how long each call took."""

    orders: Counter[tuple[str, Decision]] = field(default_factory=Counter)
    """By channel and outcome."""
    orders_refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Orders on which no decision was made, by the error's reason and channel."""
    changes: Counter[tuple[str, Decision]] = field(default_factory=Counter)
    """Decisions on what is no new order, by action and outcome."""
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Violated rules of orders, by reason and channel; an order counts under each of its own."""
    done: Counter[str] = field(default_factory=Counter)
    """Events without a decision that took effect, by action."""
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls other than orders that made no decision, by action and the error's reason."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Events of orders that were declined or refused before, by action: they did not take place."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """How long each call took as the client saw it, by action."""
    elapsed_s: float = 0.0
    shipped: CaptureResult | None = None
    """The first shipment with an early-payment discount."""


class Day:
    """Plays events against the server at `address`, one connection for each channel."""

    def __init__(self, address: str, on_done: OnDone) -> None:
        self.log = DayLog()
        self._address = address
        self._on_done = on_done
        self._slots = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._not_taken: set[tuple[str, str]] = set()
        """Orders that were declined or refused."""
        self._clients: dict[str, AsyncClient] = {}
        self._actions: dict[str, Callable[[AsyncClient, Event], Awaitable[Answer]]] = {
            "order": _order,
            "change": _change,
            "ship": _ship,
            "cancel": _cancel,
            "invoice": _invoice,
            "payment": _payment,
            "suspend": _suspend,
            "reinstate": _reinstate,
        }

    async def play(self, events: Sequence[Event]) -> DayLog:
        """Plays all events and returns what became of them. Raises DemoError when the server cannot
        be reached, or answers with an error that no day of orders brings about."""
        last: dict[tuple[str, str], asyncio.Task[None]] = {}
        begin = time.perf_counter()
        async with AsyncExitStack() as stack:
            for channel in {event.channel for event in events}:
                client = AsyncClient(self._address, OPTIONS)
                self._clients[channel] = await stack.enter_async_context(client)
            try:
                async with asyncio.TaskGroup() as tasks:
                    for event in events:
                        await self._slots.acquire()
                        task = tasks.create_task(self._one(event, last.get(event.thread)))
                        last[event.thread] = task
            except ExceptionGroup as group:
                first = group.exceptions[0]
                if isinstance(first, CallError):
                    raise DemoError(f"the day cannot go on: {first}") from group
                raise
        self.log.elapsed_s = time.perf_counter() - begin
        return self.log

    async def _one(self, event: Event, before: asyncio.Task[None] | None) -> None:
        try:
            # Whoever waits here waits for an event that began earlier, so none waits for ever.
            if before is not None:
                await before
            if event.action != "order" and event.order_id and event.thread in self._not_taken:
                self.log.skipped[event.action] += 1
            else:
                await self._call(event)
            self._on_done()
        finally:
            self._slots.release()

    async def _call(self, event: Event) -> None:
        begin = time.perf_counter()
        try:
            answer = await self._actions[event.action](self._clients[event.channel], event)
        except (ConflictError, NotFoundError, OutOfRangeError, PreconditionError) as error:
            # The state of the account forbids it: that is an answer too, and the day goes on.
            self._note_refused(event, error)
        else:
            self._note(event, answer)
        finally:
            self.log.seconds[event.action].append(time.perf_counter() - begin)

    def _note_refused(self, event: Event, error: CallError) -> None:
        if event.action != "order":
            self.log.refused[event.action, error.reason] += 1
            return
        self.log.orders_refused[error.reason, event.channel] += 1
        # In conflict with itself, the order was taken before.
        if not isinstance(error, ConflictError):
            self._not_taken.add(event.thread)

    def _note(self, event: Event, answer: Answer) -> None:
        if isinstance(answer, EntryResult) and answer.error is not None:
            self.log.refused[event.action, answer.error.reason] += 1
        elif not isinstance(answer, DecisionResult):
            self.log.done[event.action] += 1
        elif event.action == "order":
            self.log.orders[event.channel, answer.decision] += 1
            for reason in answer.reasons:
                self.log.reasons[reason.code, event.channel] += 1
            if answer.decision not in {Decision.APPROVED, Decision.PARTIALLY_APPROVED}:
                self._not_taken.add(event.thread)
        else:
            self.log.changes[event.action, answer.decision] += 1
            if self.log.shipped is None and isinstance(answer, CaptureResult):
                has_discount = answer.terms is not None and answer.terms.discounts
                self.log.shipped = answer if has_discount else None


async def _order(client: AsyncClient, event: Event) -> Answer:
    return await client.check_and_reserve(
        event.account_id,
        event.order_id,
        event.required_minor,
        event.currency,
        allow_partial=event.allow_partial,
        channel=event.channel,
    )


async def _change(client: AsyncClient, event: Event) -> Answer:
    return await client.adjust(
        event.required_minor,
        account_id=event.account_id,
        order_id=event.order_id,
        channel=event.channel,
    )


async def _ship(client: AsyncClient, event: Event) -> Answer:
    return await client.capture(
        event.invoice_id or f"line-{event.line}",
        amount_minor=event.amount_minor,
        account_id=event.account_id,
        order_id=event.order_id,
        channel=event.channel,
    )


async def _cancel(client: AsyncClient, event: Event) -> Answer:
    return await client.release(
        amount_minor=event.amount_minor,
        account_id=event.account_id,
        order_id=event.order_id,
        channel=event.channel,
    )


async def _invoice(client: AsyncClient, event: Event) -> Answer:
    entry = LedgerEntry(
        entry_id=f"line-{event.line}",
        account_id=event.account_id,
        kind=EntryKind.INVOICE,
        amount_minor=event.required_minor,
        currency=event.currency,
        invoice_id=event.invoice_id,
        order_id=event.order_id,
    )
    return (await client.post_entries(LEDGER_SOURCE, [entry]))[0]


async def _payment(client: AsyncClient, event: Event) -> Answer:
    settles = [Allocation(event.invoice_id, event.required_minor)] if event.invoice_id else []
    entry = LedgerEntry(
        entry_id=f"line-{event.line}",
        account_id=event.account_id,
        kind=EntryKind.PAYMENT,
        amount_minor=event.required_minor,
        currency=event.currency,
        allocations=settles,
    )
    return (await client.post_entries(LEDGER_SOURCE, [entry]))[0]


async def _suspend(client: AsyncClient, event: Event) -> Answer:
    return await client.suspend_account(event.account_id, "demo", channel=event.channel)


async def _reinstate(client: AsyncClient, event: Event) -> Answer:
    return await client.reinstate_account(event.account_id, "demo", channel=event.channel)
