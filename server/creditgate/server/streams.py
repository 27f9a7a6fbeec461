"""A stream of positions, and one of ledger entries."""

from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2

from creditgate.core import METHODS
from creditgate.server.bridge import WATCH_METHOD, Bridge
from creditgate.server.calls import CallRecorder, Context
from creditgate.server.drain import Drain
from creditgate.server.errors import CallError, call_error, field_invalid, request_malformed
from creditgate.v1 import ledger_pb2

STREAM_PATH: Final = "/creditgate.v1.LedgerService/StreamEntries"

WATCHES_MAX: Final = 1_000
"""Over all clients. Each holds at most one response for each of its accounts."""

POST_ENTRIES: Final = METHODS["/creditgate.v1.LedgerService/PostEntries"]


class WatchPositions:
    """Sends positions, or an order's state, as they change, for as long as the client wants."""

    def __init__(
        self, bridge: Bridge, drain: Drain, recorder: CallRecorder, method: int = WATCH_METHOD
    ) -> None:
        self._bridge = bridge
        self._method = method
        self._drain = drain
        self._recorder = recorder

    async def handle(self, request: bytes, context: Context) -> None:
        """Serve one call."""
        try:
            with self._recorder.call(context, request) as call:
                call.streaming = True
                call.caller = self._recorder.caller_of(context)
                self._drain.enter()
                try:
                    await self._send(request, call.caller, context)
                finally:
                    self._drain.leave()
        except CallError as error:
            await self._recorder.refuse(context, error)

    async def _send(self, request: bytes, caller: str, context: Context) -> None:
        if self._bridge.watches_open >= WATCHES_MAX:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromSeconds(1)
            raise call_error(
                code_pb2.RESOURCE_EXHAUSTED,
                "TOO_MANY_WATCHES",
                f"{WATCHES_MAX} watches are open; at most {WATCHES_MAX}",
                retry,
            )
        timeout_s = context.time_remaining()
        ticket, watch = self._bridge.watch(self._method, request, caller, timeout_s)
        try:
            while True:
                await context.write(await watch.next())
        finally:
            self._bridge.unwatch(ticket)


class StreamEntries:
    """Posts a stream of ledger entries, one request at a time and in their order."""

    def __init__(self, bridge: Bridge, drain: Drain, recorder: CallRecorder) -> None:
        self._bridge = bridge
        self._drain = drain
        self._recorder = recorder

    async def handle(self, _requests: Any, context: Context) -> None:
        """Serve one call. Each request is acknowledged once it is durable."""
        totals = _Totals()
        try:
            with self._recorder.call(context) as call:
                call.streaming = True
                call.figures = totals.counts
                call.caller = self._recorder.caller_of(context)
                self._drain.enter()
                try:
                    await self._post_all(call.caller, totals, context)
                finally:
                    self._drain.leave()
        except CallError as error:
            await self._recorder.refuse(context, error)

    async def _post_all(self, caller: str, totals: "_Totals", context: Context) -> None:
        source: str | None = None
        while True:
            # An idle stream would hold up a stopping server; one at work finishes its request.
            raw: Any = await self._drain.unless_begun(context.read())
            if raw is grpc.aio.EOF:
                return
            request = _parse(raw)
            if source is not None and request.source != source:
                raise field_invalid(
                    "source",
                    f"{request.source!r}; must be the same in every request of a stream, "
                    f"which began with {source!r}",
                )
            source = request.source
            await self._bridge.pace(caller, raw)
            # As they came: the two requests have the same fields.
            reply = await self._bridge.call(POST_ENTRIES, raw, caller, context.time_remaining())
            response = ledger_pb2.PostEntriesResponse.FromString(reply)
            await context.write(totals.acknowledge(request, response).SerializeToString())


def _parse(raw: bytes) -> ledger_pb2.StreamEntriesRequest:
    try:
        return ledger_pb2.StreamEntriesRequest.FromString(raw)
    except DecodeError:
        raise request_malformed("creditgate.v1.StreamEntriesRequest") from None


class _Totals:
    """The entries of one stream so far: received = posted + duplicate + rejected."""

    def __init__(self) -> None:
        self.counts = {"received": 0, "posted": 0, "duplicate": 0, "rejected": 0}

    def acknowledge(
        self, request: ledger_pb2.StreamEntriesRequest, reply: ledger_pb2.PostEntriesResponse
    ) -> ledger_pb2.StreamEntriesResponse:
        """Count one request's results; returns what the client is told."""
        first = self.counts["received"]
        rejections = []
        for offset, (entry, result) in enumerate(zip(request.entries, reply.results, strict=True)):
            self.counts[_count_name(result)] += 1
            if result.HasField("error"):
                rejections.append(
                    ledger_pb2.EntryRejection(
                        index=first + offset, entry_id=entry.entry_id, error=result.error
                    )
                )
        self.counts["received"] += len(request.entries)
        return ledger_pb2.StreamEntriesResponse(**self.counts, rejections=rejections)


def _count_name(result: ledger_pb2.EntryResult) -> str:
    if result.HasField("error"):
        return "rejected"
    if result.outcome == ledger_pb2.ENTRY_OUTCOME_DUPLICATE:
        return "duplicate"
    assert result.outcome == ledger_pb2.ENTRY_OUTCOME_POSTED, result.outcome
    return "posted"
