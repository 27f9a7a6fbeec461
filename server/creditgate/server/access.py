"""Who calls, as the transport sees it: found in a call's metadata, turned away before it is read.

The check itself is the core's, which looks again at every call that is submitted.
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any, Final

import grpc
from google.rpc import code_pb2

from creditgate.core import METHODS, Access, AccessError
from creditgate.server import audit, batches, streams
from creditgate.server.bridge import BATCH_METHOD, Bridge
from creditgate.server.calls import Callers, CallRecorder, Context, value_in
from creditgate.server.errors import CallError, abort
from creditgate.server.logs import log
from creditgate.server.tls import TlsError, TlsFiles

CREDENTIAL_KEY: Final = "authorization"

_UNKNOWN: Final = "unknown"

# Says whether the server serves and nothing else: what asks it has no credentials.
_HEALTH: Final = "/grpc.health.v1.Health/"

_NUMBERS: Final[Mapping[str, int]] = {
    **METHODS,
    # Their requests go to the core as these.
    batches.STREAM_PATH: BATCH_METHOD,
    streams.STREAM_PATH: streams.POST_ENTRIES,
    audit.CHANGES_PATH: audit.LIST_CHANGES,
}

_REFRESH_S: Final = 1.0

_SPACING_S: Final = 0.005
_SPACING_MAX_S: Final = 1.0
_SPACED_CALLERS_MAX: Final = 10_000
_SPACED: Final = {
    code_pb2.UNAUTHENTICATED,
    code_pb2.PERMISSION_DENIED,
    code_pb2.RESOURCE_EXHAUSTED,
}
_LIMITED: Final = {"RATE_LIMITED", "CONCURRENCY_LIMITED"}


class Spacing:
    """Spaces out what each caller is refused for who it is, or for asking too much.

    A refusal costs nearly what an answer does: a caller who asks again at once whenever it is
    refused would starve the rest in spite of every limit. Told a little later each, it has to wait.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._next_s: dict[str, float] = {}
        """When each caller may be told of its next refusal."""

    async def wait(self, caller: str, error: CallError) -> None:
        """Until `caller` may be told of `error`; at once for most errors."""
        if error.code not in _SPACED:
            return
        if error.code == code_pb2.RESOURCE_EXHAUSTED and error.reason() not in _LIMITED:
            return
        # Those who are not known count as one.
        await asyncio.sleep(self.delay_s(self._access.who(caller) or _UNKNOWN, monotonic()))

    def delay_s(self, name: str, now_s: float) -> float:
        """How long one more refusal waits from `now_s`, a time of `monotonic`, on."""
        if len(self._next_s) >= _SPACED_CALLERS_MAX:
            self._next_s = {other: at_s for other, at_s in self._next_s.items() if at_s > now_s}
        at_s = min(max(self._next_s.get(name, now_s), now_s), now_s + _SPACING_MAX_S)
        self._next_s[name] = at_s + _SPACING_S
        return at_s - now_s


def verified_by(access: Access) -> Callers:
    """Callers by the credential that each presents."""
    return Callers(
        of=lambda context: value_in(context.invocation_metadata(), CREDENTIAL_KEY),
        name=lambda caller: access.who(caller) or _UNKNOWN,
        space=Spacing(access).wait,
    )


class Entrance(grpc.GenericRpcHandler):
    """Turns away whoever may not call a method, before a request is read.

    To be asked before the handlers of all methods. Methods that the core does not know, as
    reflection, are for all who are known; health is for everyone.
    """

    def __init__(
        self, access: Access, callers: Callers, recorders: Mapping[str, CallRecorder]
    ) -> None:
        self._access = access
        self._callers = callers
        self._recorders = recorders

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Who refuses this call; None when its caller may make it."""
        path = handler_call_details.method
        if path.startswith(_HEALTH):
            return None
        caller = value_in(handler_call_details.invocation_metadata, CREDENTIAL_KEY)
        refused = self._access.turned_away(caller, _NUMBERS.get(path))
        if refused is None:
            return None
        refuse = partial(self._refuse, self._recorders.get(path), CallError(*refused))
        # As a stream of requests, of which none is read.
        return grpc.stream_unary_rpc_method_handler(refuse)

    async def _refuse(
        self, recorder: CallRecorder | None, error: CallError, _requests: Any, context: Context
    ) -> bytes:
        caller = self._callers.of(context)
        if recorder is not None:
            call = recorder.call(context)
            call.caller = caller
            call.streaming = True  # how long this took is not how long calls take
            recorder.record(call, error)
        if self._callers.space is not None:
            await self._callers.space(caller, error)
        await abort(context, error)


async def keep_fresh(access: Access | None, tls: TlsFiles | None, bridge: Bridge) -> None:
    """Take up changed credentials and certificates within a second, until cancelled.

    What cannot be used is logged, once, and what was in force before stays so.
    """
    while True:
        await asyncio.sleep(_REFRESH_S)
        for what, files in (("credentials", access), ("certificates", tls)):
            if files is None:
                continue
            try:
                if await asyncio.to_thread(files.refresh):
                    log(logging.INFO, f"{what} read again")
            except (AccessError, TlsError) as error:
                log(logging.ERROR, f"{what} not read again", error=str(error))
        if access is not None:
            bridge.end_watches_of_others(access)
