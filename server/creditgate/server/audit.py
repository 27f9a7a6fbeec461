"""AuditService: changes as a stream, and checkpoints signed when they are asked for."""

import asyncio
from typing import Final

from google.protobuf.message import DecodeError
from google.rpc import code_pb2

from creditgate.core import METHODS
from creditgate.server.bridge import Bridge
from creditgate.server.calls import CallRecorder, Context
from creditgate.server.checkpoints import Signer
from creditgate.server.drain import Drain
from creditgate.server.errors import CallError, call_error, request_malformed
from creditgate.v1 import audit_pb2

CHANGES_PATH: Final = "/creditgate.v1.AuditService/StreamChanges"
CHECKPOINT_PATH: Final = "/creditgate.v1.AuditService/GetCheckpoint"

LIST_CHANGES: Final = METHODS["/creditgate.v1.AuditService/ListChanges"]

_PAGE_SIZE: Final = 1_000

_LOOK_S: Final = 0.1
"""How often one who follows looks whether there is more."""

_LOOKS_MAX: Final = 200
"""How often, before a page is asked for all the same: the core closes books that nobody needs."""


class StreamChanges:
    """Sends what was done, page by page as the core reads it."""

    def __init__(self, bridge: Bridge, drain: Drain, recorder: CallRecorder) -> None:
        self._bridge = bridge
        self._drain = drain
        self._recorder = recorder

    async def handle(self, raw: bytes, context: Context) -> None:
        """Serve one call."""
        try:
            with self._recorder.call(context, raw) as call:
                call.streaming = True
                call.caller = self._recorder.caller_of(context)
                self._drain.enter()
                try:
                    await self._send(_parse(raw), call.caller, context)
                finally:
                    self._drain.leave()
        except CallError as error:
            await self._recorder.refuse(context, error)

    async def _send(
        self, request: audit_pb2.StreamChangesRequest, caller: str, context: Context
    ) -> None:
        asked = audit_pb2.ListChangesRequest(
            account_id=request.account_id,
            since=request.since if request.HasField("since") else None,
            after_seq=request.after_seq,
            page_size=_PAGE_SIZE,
        )
        sent_seq = None
        page = await self._page(asked, caller)
        while True:
            asked.after_seq = page.journal_seq
            at_end = not page.next_page_token
            if page.changes or (at_end and page.journal_seq != sent_seq):
                sent_seq = page.journal_seq
                response = audit_pb2.StreamChangesResponse(
                    changes=page.changes, journal_seq=page.journal_seq
                )
                await context.write(response.SerializeToString())
            if at_end:
                if not request.follow:
                    return
                await self._drain.unless_begun(self._more(page.journal_seq))
            page = await self._next_page(asked, caller)

    async def _next_page(
        self, asked: audit_pb2.ListChangesRequest, caller: str
    ) -> audit_pb2.ListChangesResponse:
        """Later rather than never: who was let in is not sent away for others who came too."""
        while True:
            try:
                return await self._page(asked, caller)
            except CallError as error:
                if error.retry_after_s is None:
                    raise
                pause_s = error.retry_after_s
            await self._drain.unless_begun(asyncio.sleep(pause_s))

    async def _page(
        self, asked: audit_pb2.ListChangesRequest, caller: str
    ) -> audit_pb2.ListChangesResponse:
        async def page() -> bytes:
            raw = asked.SerializeToString()
            await self._bridge.pace(caller, raw)
            return await self._bridge.call(LIST_CHANGES, raw, caller, None)

        # A stream of a long past would hold up a stopping server.
        return audit_pb2.ListChangesResponse.FromString(await self._drain.unless_begun(page()))

    async def _more(self, seq: int) -> None:
        """Until there is more than `seq`, or it is time to ask all the same."""
        for _ in range(_LOOKS_MAX):
            if self._bridge.journal_seq > seq:
                return
            await asyncio.sleep(_LOOK_S)


def _parse(raw: bytes) -> audit_pb2.StreamChangesRequest:
    try:
        return audit_pb2.StreamChangesRequest.FromString(raw)
    except DecodeError:
        raise request_malformed("creditgate.v1.StreamChangesRequest") from None


def sign_checkpoint(signer: Signer | None, _raw: bytes, reply: bytes, _actor: str) -> bytes:
    """Sign where the chain stands, as the core says it. Raises CallError without a signer."""
    if signer is None:
        raise call_error(
            code_pb2.FAILED_PRECONDITION,
            "CHECKPOINTS_OFF",
            "the server signs no checkpoints: start it with --checkpoint-key",
        )
    response = audit_pb2.GetCheckpointResponse.FromString(reply)
    found = response.checkpoint
    found.signature = signer.sign(
        found.epoch, found.journal_seq, found.time.ToMicroseconds(), found.digest
    )
    return response.SerializeToString()
