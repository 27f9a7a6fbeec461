"""Who calls, as the transport sees it: found in a call's metadata, turned away before it is read.

The check itself is the core's, which looks again at every call that is submitted.
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import grpc

from creditgate.core import METHODS, Access, AccessError
from creditgate.server import batches, streams
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
}

_REFRESH_S: Final = 1.0


def verified_by(access: Access) -> Callers:
    """Callers by the credential that each presents."""
    return Callers(
        of=lambda context: value_in(context.invocation_metadata(), CREDENTIAL_KEY),
        name=lambda caller: access.who(caller) or _UNKNOWN,
    )


class Entrance(grpc.GenericRpcHandler):
    """Turns away whoever may not call a method, before a request is read.

    To be asked before the handlers of all methods. Methods that the core does not know, as
    reflection, are for all who are known; health is for everyone.
    """

    def __init__(self, access: Access, recorders: Mapping[str, CallRecorder]) -> None:
        self._access = access
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
        if recorder is not None:
            call = recorder.call(context)
            call.caller = value_in(context.invocation_metadata(), CREDENTIAL_KEY)
            call.streaming = True  # how long this took is not how long calls take
            recorder.record(call, error)
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
