"""The gRPC server before a peer: the one that creditgate has, with the peer's answers."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from creditgate.server.config import Config
from creditgate.server.run import channel_options, settle_garbage
from creditgate.server.unary import RawHandlers
from creditgate.v1.common_pb2 import (
    DECISION_APPROVED,
    DECISION_DECLINED,
    REASON_CODE_INSUFFICIENT_CREDIT,
    REASON_UNIT_MINOR,
)
from creditgate.v1.decision_pb2 import CheckAndReserveRequest, CheckAndReserveResponse

PATH: Final = "/creditgate.v1.CreditDecisionService/CheckAndReserve"

Decide: TypeAlias = Callable[[CheckAndReserveRequest], Awaitable[CheckAndReserveResponse]]


class RefusalError(Exception):
    """No decision was made: a gRPC status code and an UPPER_SNAKE reason."""

    def __init__(self, code: grpc.StatusCode, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


async def serve(decide: Decide) -> None:
    """Serve CheckAndReserve on a free port, say which as a JSON line, stop at SIGINT or SIGTERM."""

    async def handle(
        request: CheckAndReserveRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> CheckAndReserveResponse:
        try:
            return await decide(request)
        except RefusalError as refusal:
            await context.abort(refusal.code, refusal.reason)

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = grpc.aio.server(options=channel_options(Config()))
    handler = grpc.unary_unary_rpc_method_handler(
        handle, CheckAndReserveRequest.FromString, CheckAndReserveResponse.SerializeToString
    )
    server.add_generic_rpc_handlers((RawHandlers({PATH: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    settle_garbage()
    await server.start()
    print(json.dumps({"event": "listening", "address": f"127.0.0.1:{port}"}), flush=True)
    await stop.wait()
    await server.stop(0)


def response(
    request: CheckAndReserveRequest,
    *,
    seq: int,
    approved_minor: int,
    available_minor: int,
    decide_time_us: int,
    expire_time_us: int,
    replayed: bool,
) -> CheckAndReserveResponse:
    """The answer as creditgate gives it; times in µs since 1970, available after the decision."""
    answer = CheckAndReserveResponse(approved_amount_minor=approved_minor)
    result = answer.result
    result.available_minor = available_minor
    result.journal_seq = seq
    result.replayed = replayed
    _set_time(result.decide_time, decide_time_us)
    if approved_minor:
        result.decision = DECISION_APPROVED
        answer.reservation_id = str(seq)
        _set_time(answer.expire_time, expire_time_us)
    else:
        result.decision = DECISION_DECLINED
        result.fitting_amount_minor = max(available_minor, 0)
        result.reasons.add(
            code=REASON_CODE_INSUFFICIENT_CREDIT,
            unit=REASON_UNIT_MINOR,
            observed=request.amount_minor,
            threshold=available_minor,
        )
    return answer


def _set_time(time: Timestamp, time_us: int) -> None:
    time.seconds, us = divmod(time_us, 1_000_000)
    time.nanos = us * 1000
