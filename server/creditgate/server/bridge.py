"""Between the event loop and the core's engine thread.

The core answers on a thread of its own, which never asks for the GIL: it makes a file descriptor
readable, the event loop sees that and drains every finished call at once. So all state here belongs
to the event loop's thread and needs no lock.
"""

import asyncio
from time import monotonic
from typing import Final, NamedTuple

from creditgate.core import METHODS, SLOW_METHODS, Access, Core
from creditgate.server.admission import BatchAdmission
from creditgate.server.errors import CallError
from creditgate.v1 import account_pb2

_GATHER_MIN_S: Final = 0.002
_GATHER_MAX_S: Final = 0.006
"""While many call, how long calls gather before they go to the core together: each commit, and each
wake-up of either thread, then serves several. How long between the two follows from how many call:
until most of them are here, as those who ask again at each answer soon are."""

_LOOK_S: Final = 0.001
"""How often to look whether they are."""

_GATHERED_SHARE: Final = 2 / 3
_PEAK_DECAY: Final = 0.95
"""Most: this share of how many waited at once lately, a peak that wears off at each gathering."""

_GATHERED_BYTES_MAX: Final = 32 << 10
"""A larger request has a commit's work in itself."""

WATCH_PATH: Final = "/creditgate.v1.CreditAccountService/WatchPositions"
WATCH_METHOD: Final = METHODS[WATCH_PATH]
ORDER_WATCH_PATH: Final = "/creditgate.v1.CreditDecisionService/WatchReservation"
ORDER_WATCH_METHOD: Final = METHODS[ORDER_WATCH_PATH]
BATCH_PATH: Final = "/creditgate.v1.CreditDecisionService/BatchCheckAndReserve"
BATCH_METHOD: Final = METHODS[BATCH_PATH]


class PositionWatch:
    """What one WatchPositions call, or one of WatchReservation, has yet to send.

    For each account only its newest position, or the order's newest state, so that a slow reader
    costs no more memory than the accounts it named.
    """

    def __init__(self, caller: str = "", method: int = WATCH_METHOD) -> None:
        self.caller = caller
        self.method = method
        self._newest: dict[str, bytes] = {}
        self._error: CallError | None = None
        self._changed = asyncio.Event()

    def push(self, response: bytes) -> None:
        """Take in one serialized response."""
        account_id = ""
        if self.method == WATCH_METHOD:
            parsed = account_pb2.WatchPositionsResponse.FromString(response)
            account_id = parsed.position.account_id
        # An account that waits already keeps its place: none is overtaken for ever.
        self._newest[account_id] = response
        self._changed.set()

    def fail(self, error: CallError) -> None:
        """End the watch, once what waits has been taken."""
        self._error = error
        self._changed.set()

    async def next(self) -> bytes:
        """The next serialized response. Raises CallError when the watch has ended."""
        while not self._newest:
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        return self._newest.pop(next(iter(self._newest)))


class _Call(NamedTuple):
    """One call that gathers with others."""

    future: asyncio.Future[bytes]
    method: int
    request: bytes
    caller: str
    deadline: float | None
    """By `monotonic`."""

    def submission(self) -> tuple[int, bytes, str, float | None]:
        """What the core takes."""
        timeout_s = None if self.deadline is None else self.deadline - monotonic()
        return self.method, self.request, self.caller, timeout_s


class Bridge:
    """Hands calls to the core and its answers to those who wait. Use on the event loop only."""

    def __init__(self, core: Core, limits: Access | None = None) -> None:
        """`limits`: where callers are held to any, which streams then wait for."""
        self._core = core
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._gathering: list[_Call] = []
        self._gathering_since = 0.0
        self._waiting_peak = 0.0
        self._next_look: asyncio.TimerHandle | None = None
        self._many = False
        """Whether the last calls went to the core with others, or while it had some orders."""
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._slow: set[int] = set()
        """Those of `_calls` that take their time: orders beside them do not gather for them."""
        self.batches = BatchAdmission(core)
        """Which batches of single calls are read; a stream waits for room instead."""
        self._watches: dict[int, PositionWatch] = {}
        self._loop.add_reader(core.fileno(), self._drain)

    @property
    def calls_in_flight(self) -> int:
        """Calls that wait for the core. May be read from any thread."""
        return len(self._calls) + len(self._gathering)

    @property
    def watches_open(self) -> int:
        """Watches that are open. May be read from any thread."""
        return len(self._watches)

    @property
    def journal_seq(self) -> int:
        """The last entry of the journal that is durable."""
        return self._core.chain_end()[1]

    def has_room(self, request: bytes) -> bool:
        """Whether the core would take this order or batch on, behind those that gather."""
        size_bytes = len(request) + sum(len(call.request) for call in self._gathering)
        return self._core.has_room(1 + len(self._gathering), size_bytes)

    async def pace(self, caller: str, request: bytes) -> None:
        """Wait until this request of a stream is no more than its caller may ask for."""
        if self._limits is None:
            return
        while True:
            self._submit()  # what gathers counts too, also of others who waited
            pause_s = self._limits.pause_s(caller, len(request))
            if not pause_s:
                return
            await asyncio.sleep(pause_s)  # nobody tells of room

    def call(
        self, method: int, request: bytes, caller: str, timeout_s: float | None
    ) -> asyncio.Future[bytes]:
        """Queue one call; the future has its serialized response or a CallError.

        Who cancels the future no longer hears of the outcome; the call may be decided all the
        same.
        """
        future: asyncio.Future[bytes] = self._loop.create_future()
        deadline = None if timeout_s is None else monotonic() + timeout_s
        self._gathering.append(_Call(future, method, request, caller, deadline))
        if len(request) > _GATHERED_BYTES_MAX:
            self._submit()
        elif len(self._gathering) == 1:
            if self._many:
                self._gathering_since = monotonic()
                self._next_look = self._loop.call_later(_GATHER_MIN_S, self._look)
            else:
                # With those of the same turn of the loop, but one who calls alone never waits.
                self._loop.call_soon(self._submit)
        return future

    def _look(self) -> None:
        """Submit those who gather, unless many more will soon be here."""
        few = len(self._gathering) < _GATHERED_SHARE * self._waiting_peak
        # Beside a slow call more wait because each takes longer, not because more come.
        if few and not self._slow and monotonic() - self._gathering_since < _GATHER_MAX_S:
            self._next_look = self._loop.call_later(_LOOK_S, self._look)
        else:
            self._submit()

    def _submit(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        gathered, self._gathering = self._gathering, []
        if not gathered:
            return  # a large request took them along
        with_core = len(self._calls) - len(self._slow)
        self._many = len(gathered) > 1 or with_core > 0
        self._waiting_peak = max(len(gathered) + with_core, self._waiting_peak * _PEAK_DECAY)
        wanted = [call for call in gathered if not call.future.cancelled()]
        first = self._core.submit_all([call.submission() for call in wanted])
        # Answers may be there already, but only this thread can drain them: no race.
        for ticket, call in enumerate(wanted, first):
            self._calls[ticket] = call.future
            if call.method in SLOW_METHODS:
                self._slow.add(ticket)

    def watch(
        self, method: int, request: bytes, caller: str, timeout_s: float | None
    ) -> tuple[int, PositionWatch]:
        """Begin a call of `method`; returns the ticket for `unwatch` and the watch."""
        ticket = self._core.submit(method, request, caller, timeout_s)
        watch = self._watches[ticket] = PositionWatch(caller, method)
        return ticket, watch

    def unwatch(self, ticket: int) -> None:
        """End a watch. Harmless when it has ended by itself."""
        if self._watches.pop(ticket, None) is not None:
            self._core.cancel(ticket)

    def end_watches(self, error: CallError) -> None:
        """End all watches with this error."""
        for ticket, watch in list(self._watches.items()):
            self.unwatch(ticket)
            watch.fail(error)

    def end_watches_of_others(self, access: Access) -> None:
        """End those whose caller may not watch any more: expired, revoked."""
        for ticket, watch in list(self._watches.items()):
            refused = access.turned_away(watch.caller, watch.method)
            if refused is not None:
                self.unwatch(ticket)
                watch.fail(CallError(*refused))

    def close(self) -> None:
        """Deliver what is finished and stop. To be called once the core is closed."""
        self._submit()
        self._drain()
        self._loop.remove_reader(self._core.fileno())
        assert not self._calls, "the core closed without answering every call"

    def _drain(self) -> None:
        for ticket, code, payload in self._core.drain():
            future = self._calls.pop(ticket, None)
            self._slow.discard(ticket)
            if future is None:
                self._advance_watch(ticket, code, payload)
            elif not future.cancelled():
                if code == 0:
                    future.set_result(payload)
                else:
                    future.set_exception(CallError(code, payload))

    def _advance_watch(self, ticket: int, code: int, payload: bytes) -> None:
        watch = self._watches.get(ticket)
        if watch is None:
            return  # its client has gone, the core had this on its way
        if code == 0:
            watch.push(payload)
        else:
            del self._watches[ticket]
            watch.fail(CallError(code, payload))
