"""The floor: a gRPC server with creditgate's settings that returns bytes and does nothing else.

As a process of its own: `python -m bench.peers.echo --reply-bytes 90 --batch-reply-bytes 90000`.
"""

import argparse
import asyncio
import json
import signal
from typing import Any

import grpc
import uvloop

from creditgate.server.config import Config
from creditgate.server.run import channel_options, settle_garbage
from creditgate.server.unary import RawHandlers
from creditgate.v1.common_pb2 import DECISION_APPROVED
from creditgate.v1.decision_pb2 import BatchCheckAndReserveResponse, CheckAndReserveResponse

SERVICE = "/creditgate.v1.CreditDecisionService"


def unary_reply(length: int) -> bytes:
    """An approval of exactly so many bytes, or the shortest there is when that is longer."""
    return _padded(CheckAndReserveResponse(), length).SerializeToString()


def batch_reply(orders: int, length: int) -> bytes:
    """So many approvals, together exactly so many bytes, or the shortest when that is longer."""
    reply = BatchCheckAndReserveResponse()
    for left in range(orders, 0, -1):
        response = reply.results.add().response
        # Each takes its share of what is left, so that rounding does not add up.
        share = max(length - reply.ByteSize(), 0) // left
        _padded(response, share - _overhead(share))
    return reply.SerializeToString()


def _padded(response: CheckAndReserveResponse, length: int) -> CheckAndReserveResponse:
    response.result.decision = DECISION_APPROVED
    response.result.journal_seq = 1
    missing = length - response.ByteSize()
    if missing >= 3:
        response.reservation_id = "0" * (missing - 2)
        response.reservation_id = "0" * (missing - 2 - (response.ByteSize() - length))
    return response


def _overhead(length: int) -> int:
    """What stands around a response of about this length in a batch: two tags, two lengths."""
    return 4 if length < 128 + 4 else 6


async def serve(reply_bytes: int, batch: int, batch_reply_bytes: int) -> None:
    """Serve until SIGINT or SIGTERM; prints its address as a JSON line once it accepts calls."""
    server = grpc.aio.server(options=channel_options(Config()))
    replies = {
        f"{SERVICE}/CheckAndReserve": unary_reply(reply_bytes),
        f"{SERVICE}/BatchCheckAndReserve": batch_reply(batch, batch_reply_bytes),
    }
    handlers = {path: _handler(reply) for path, reply in replies.items()}
    server.add_generic_rpc_handlers((RawHandlers(handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settle_garbage()
    await server.start()
    print(json.dumps({"event": "listening", "address": f"127.0.0.1:{port}"}), flush=True)
    await stop.wait()
    await server.stop(0)


def _handler(reply: bytes) -> "grpc.RpcMethodHandler[Any, Any]":
    async def handle(_request: bytes, _context: "grpc.aio.ServicerContext[Any, Any]") -> bytes:
        return reply

    return grpc.unary_unary_rpc_method_handler(handle)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.echo", description=__doc__)
    parser.add_argument("--reply-bytes", type=int, default=90)
    parser.add_argument("--batch", type=int, default=1000, help="items in a batch's reply")
    parser.add_argument("--batch-reply-bytes", type=int, default=90_000)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.reply_bytes, arguments.batch, arguments.batch_reply_bytes))


if __name__ == "__main__":
    main()
