"""All unary methods: bytes in, bytes out, for all but a few nothing parsed on the way."""

from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, TypeAlias

import grpc

from creditgate.core import METHODS
from creditgate.server.admission import BatchAdmission
from creditgate.server.bridge import (
    BATCH_METHOD,
    BATCH_PATH,
    ORDER_WATCH_METHOD,
    WATCH_METHOD,
    Bridge,
)
from creditgate.server.calls import CallRecorder, Context
from creditgate.server.drain import Drain
from creditgate.server.errors import CallError, shutting_down

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Unary: TypeAlias = Callable[[bytes, Context], Awaitable[bytes]]

Afterwards: TypeAlias = Callable[[bytes, bytes, str], bytes]
"""What a few methods make of the core's answer, of the request, the answer and the name of who
calls. May raise CallError."""


def _unary(
    bridge: Bridge,
    drain: Drain,
    number: int,
    recorder: CallRecorder,
    afterwards: Afterwards | None,
) -> _Unary:
    is_batch = number == BATCH_METHOD

    async def handle(request: bytes, context: Context) -> bytes:
        if is_batch:
            bridge.batches.arrived(len(request))
        try:
            with recorder.call(context, request) as call:
                call.caller = recorder.caller_of(context)
                drain.enter()
                try:
                    timeout_s = context.time_remaining()
                    reply = await bridge.call(number, request, call.caller, timeout_s)
                    if afterwards is None:
                        return reply
                    return afterwards(request, reply, recorder.name_of(call.caller))
                finally:
                    drain.leave()
        except CallError as error:
            await recorder.refuse(context, error)

    return handle


def unary_handlers(
    bridge: Bridge,
    drain: Drain,
    recorders: Mapping[str, CallRecorder],
    afterwards: Mapping[str, Afterwards],
) -> dict[str, Handler]:
    """A handler for each unary method that the core knows and that is served, by path."""
    return {
        path: grpc.unary_unary_rpc_method_handler(
            _unary(bridge, drain, number, recorders[path], afterwards.get(path))
        )
        for path, number in METHODS.items()
        if number not in (WATCH_METHOD, ORDER_WATCH_METHOD) and path in recorders
    }


class BatchRefusal(grpc.GenericRpcHandler):
    """Refuses batches before they are read, while the core has no room for them.

    To be asked before the handlers of all methods. A batch takes many times longer to receive than
    to refuse, and whoever offers more of them than can be decided would keep the event loop busy.
    """

    def __init__(self, batches: BatchAdmission, drain: Drain, recorder: CallRecorder) -> None:
        self._batches = batches
        self._drain = drain
        self._recorder = recorder
        # As a stream of requests, of which none is read.
        self._refusal: Handler = grpc.stream_unary_rpc_method_handler(self._refuse)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        """Who refuses this call; None when it is to be read."""
        if handler_call_details.method != BATCH_PATH or self._batches.let_in(monotonic()):
            return None
        return self._refusal

    async def _refuse(self, _requests: Any, context: Context) -> bytes:
        try:
            with self._recorder.call(context) as call:
                call.caller = self._recorder.caller_of(context)
                raise shutting_down() if self._drain.begun else self._batches.refuse()
        except CallError as error:
            await self._recorder.refuse(context, error)


class RawHandlers(grpc.GenericRpcHandler):
    """Finds the handler of a method; requests and responses stay bytes."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        """The handler of this method; None, and so UNIMPLEMENTED, for an unknown one."""
        return self._handlers.get(handler_call_details.method)
