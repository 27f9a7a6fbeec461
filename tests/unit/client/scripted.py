"""A real gRPC server on a real socket that answers as a test tells it to."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Self

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True)
class Refusal:
    """A gRPC error to answer with, and the details that go along."""

    code: grpc.StatusCode
    message: str = "refused"
    reason: str = ""
    retry_delay_s: float | None = None
    fields: tuple[tuple[str, str, str], ...] = ()
    raw_details: bytes | None = None

    def details(self) -> bytes:
        """The serialized google.rpc.Status."""
        if self.raw_details is not None:
            return self.raw_details
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        if self.reason:
            info = error_details_pb2.ErrorInfo(
                reason=self.reason, domain="creditgate", metadata={"account_id": "A-1"}
            )
            status.details.add().Pack(info)
        if self.fields:
            bad = error_details_pb2.BadRequest()
            for name, description, reason in self.fields:
                bad.field_violations.add(field=name, description=description, reason=reason)
            status.details.add().Pack(bad)
        if self.retry_delay_s is not None:
            delay = Duration()
            delay.FromNanoseconds(round(self.retry_delay_s * 1e9))
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        data: bytes = status.SerializeToString()
        return data


@dataclass(frozen=True)
class Hold:
    """Answers nothing until the caller has gone."""


Answer = Message | Refusal | Hold


@dataclass(frozen=True)
class Received:
    """One call as it arrived."""

    method: str
    request: bytes
    metadata: dict[str, str | bytes]


@dataclass
class ScriptedServer:
    """Answers each method with its answers in turn. A stream sends them all, one after another."""

    address: str = ""
    calls: list[Received] = field(default_factory=list)
    stream_ended: Event = field(default_factory=Event)
    _answers: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def answer(self, method: str, *answers: Answer) -> None:
        """Adds answers for a method, e.g. "Check"."""
        self._answers[method].extend(answers)

    def __enter__(self) -> Self:
        pool = ThreadPoolExecutor(max_workers=4)
        self._server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((_Handler(self),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait()

    def unary(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Gives the next answer."""
        self._note(method, request, context)
        return self._give(self._answers[method].popleft(), context)

    def watch(self, method: str, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        """Sends every answer there is."""
        self._note(method, request, context)
        context.add_callback(self.stream_ended.set)
        while self._answers[method]:
            yield self._give(self._answers[method].popleft(), context)

    def exchange(
        self, method: str, requests: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        """Gives one answer for each request."""
        for request in requests:
            self._note(method, request, context)
            yield self._give(self._answers[method].popleft(), context)

    def _note(self, method: str, request: bytes, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        self.calls.append(Received(method, request, metadata))

    def _give(self, answer: Answer, context: grpc.ServicerContext) -> bytes:
        if isinstance(answer, Refusal):
            context.set_trailing_metadata(((DETAILS_KEY, answer.details()),))
            context.abort(answer.code, answer.message)
        if isinstance(answer, Hold):
            gone = Event()
            if context.add_callback(gone.set):
                gone.wait()
            return b""
        return answer.SerializeToString()


class _Handler(grpc.GenericRpcHandler):
    """Sends every method of every service to the script."""

    def __init__(self, script: ScriptedServer) -> None:
        self._script = script

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method.rpartition("/")[2]

        def bound(function: Callable[..., Any]) -> Callable[..., Any]:
            return lambda request, context: function(method, request, context)

        if method == "WatchPositions":
            return grpc.unary_stream_rpc_method_handler(bound(self._script.watch))
        if method in {"StreamEntries", "StreamCheckAndReserve"}:
            return grpc.stream_stream_rpc_method_handler(bound(self._script.exchange))
        return grpc.unary_unary_rpc_method_handler(bound(self._script.unary))
