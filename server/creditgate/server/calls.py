"""What is kept of every call: counters, its latency, and a log line where it deserves one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from types import TracebackType
from typing import Any, Final, NamedTuple, Never, Self, TypeAlias

import grpc

from creditgate.server.contract import Method, leading_string
from creditgate.server.errors import STATUS_CODES, CallError, abort, field_invalid
from creditgate.server.logs import LOGGER, LineBudget, log
from creditgate.server.metrics import Metrics

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

ACTOR_KEY: Final = "creditgate-actor"
ACTOR_BYTES_MAX: Final = 64
ANONYMOUS: Final = "anonymous"

CALL_LINES_PER_S_MAX: Final = 200


def value_in(metadata: Any, key: str) -> str:
    """The first value of this key in a call's metadata; empty where there is none."""
    for name, value in metadata or ():
        if name == key:
            return str(value)
    return ""


def actor_of(context: Context) -> str:
    """Who calls, as the metadata says; `anonymous` when it does not. Raises CallError."""
    actor = value_in(context.invocation_metadata(), ACTOR_KEY)
    if len(actor.encode()) > ACTOR_BYTES_MAX:
        raise field_invalid(ACTOR_KEY, f"{len(actor.encode())} bytes; at most {ACTOR_BYTES_MAX}")
    return actor or ANONYMOUS


class Callers(NamedTuple):
    """How callers are known."""

    of: Callable[[Context], str]
    """What the core is told of who calls. Raises CallError."""
    name: Callable[[str], str]
    """The name, for the log, of whom `of` returned."""
    space: Callable[[str, CallError], Awaitable[None]] | None = None
    """Waits until whom `of` returned may be told of this error; None: nobody waits."""


CLAIMED: Final = Callers(of=actor_of, name=str)
"""By what they call themselves."""


class CallRecorder:
    """Records the calls of one method."""

    def __init__(
        self, method: Method, metrics: Metrics, budget: LineBudget, callers: Callers = CLAIMED
    ) -> None:
        self.caller_of = callers.of
        self._callers = callers
        self._method = method
        self._figures = metrics.method(method.path)
        self._budget = budget
        self._answered_level = logging.INFO if method.cold else logging.DEBUG

    def call(self, context: Context, request: bytes = b"") -> "Call":
        """A context manager around one call. `request`: empty for a stream of requests."""
        return Call(self, context, request)

    def name_of(self, caller: str) -> str:
        """The name, for the log, of whom `caller_of` returned."""
        return self._callers.name(caller)

    async def refuse(self, context: Context, error: CallError) -> Never:
        """End a call, recorded already, with this error."""
        if self._callers.space is not None:
            await self._callers.space(self.caller_of(context), error)
        await abort(context, error)

    def record(self, call: "Call", error: BaseException | None) -> None:
        """Count one ended call and write its line."""
        code = _code(call.context, error)
        duration_s = perf_counter() - call.started
        self._figures.count(code.name)
        if not call.streaming:
            self._figures.observe(duration_s)
        level = self._answered_level if code is grpc.StatusCode.OK else logging.INFO
        if not LOGGER.isEnabledFor(level):
            return
        if level == logging.INFO and not self._budget.admit(perf_counter()):
            return
        fields: dict[str, Any] = {"method": self._method.path, "code": code.name}
        if reason := _reason(error):
            fields["reason"] = reason
        if self._method.name_field and (name := leading_string(call.request)):
            fields[self._method.name_field] = name
        log(
            level,
            "call",
            **fields,
            actor=self.name_of(call.caller),
            peer=call.context.peer(),
            duration_ms=round(duration_s * 1e3, 3),
            **call.figures,
        )


class Call:
    """One call on its way; leaving the `with` block records it."""

    __slots__ = ("_recorder", "caller", "context", "figures", "request", "started", "streaming")

    def __init__(self, recorder: CallRecorder, context: Context, request: bytes) -> None:
        self._recorder = recorder
        self.context = context
        self.request = request
        self.started = perf_counter()
        self.caller = ""
        self.streaming = False
        self.figures: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._recorder.record(self, error)


def _code(context: Context, error: BaseException | None) -> grpc.StatusCode:
    """The status code that the caller sees."""
    if error is None:
        return grpc.StatusCode.OK
    if isinstance(error, CallError):
        return STATUS_CODES[error.code]
    if isinstance(error, asyncio.CancelledError):
        # grpc cancels the handler when the caller leaves and when the caller's deadline passes.
        late = context.time_remaining() == 0
        return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
    return grpc.StatusCode.UNKNOWN


def _reason(error: BaseException | None) -> str:
    """Why, where the status code leaves it open."""
    if isinstance(error, CallError):
        return error.reason()
    if error is None or isinstance(error, asyncio.CancelledError):
        return ""
    return type(error).__name__
