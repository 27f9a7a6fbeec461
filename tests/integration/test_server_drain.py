"""A stop under load: calls in flight are answered, and what was answered is there afterwards."""

import asyncio
import itertools
import queue
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
from google.rpc import error_details_pb2

from creditgate.audit.books import Auditor
from creditgate.client import Client, ClientOptions, DecisionResult, RetryPolicy
from creditgate.core import Core
from creditgate.server import contract, run
from creditgate.server.bridge import Bridge
from creditgate.server.drain import Drain
from creditgate.server.errors import DETAILS_KEY, CallError
from creditgate.server.metrics import Metrics
from creditgate.v1 import decision_pb2 as decision_v1
from tests.support.api import APPROVED, TIMEOUT_S, Api, Refused, refusal
from tests.support.server import ServerProcess

CALLERS = 16
ANSWERS_BEFORE = 200
ORDERS_EACH = 50
SHUTTING_DOWN = Refused(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
GONE = Refused(grpc.StatusCode.UNAVAILABLE, "")

Told: TypeAlias = tuple[decision_v1.CheckAndReserveRequest, decision_v1.CheckAndReserveResponse]


def order_until_refused(api: Api, name: str, told: "queue.SimpleQueue[Told]") -> Refused:
    """Places one order after another; returns how the last one ended."""
    for number in itertools.count():
        order = api.order("a", f"{name}-{number}", 1)
        try:
            told.put((order, api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)))
        except grpc.RpcError as error:
            return refusal(error)
    raise AssertionError("counting has no end")


def test_a_stop_under_load_loses_nothing_that_was_answered(server: ServerProcess) -> None:
    server.api.open_account("a", 1_000_000)
    queued: queue.SimpleQueue[Told] = queue.SimpleQueue()
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [
            pool.submit(order_until_refused, server.api, f"caller-{number}", queued)
            for number in range(CALLERS)
        ]
        told = [queued.get(timeout=TIMEOUT_S) for _ in range(ANSWERS_BEFORE)]
        server.process.send_signal(signal.SIGTERM)
        endings = [caller.result() for caller in callers]
    told += [queued.get_nowait() for _ in range(queued.qsize())]
    assert server.process.wait() == 0
    server.kill()
    # Told why, or the server has gone: never turned away by gRPC without a reason.
    assert set(endings) <= {SHUTTING_DOWN, GONE}
    assert SHUTTING_DOWN in endings

    # What was decided was answered: no call was dropped halfway.
    books = Auditor(server.store).advance()
    orders = {name for name in books.answers if name[0] in {o.request_id for o, _ in told}}
    assert len(orders) == len(told) == books.account("a").reserved

    server.start()
    assert server.listening["recovery"]["entries_replayed"] == 0, "the tables are up to date"
    assert server.api.position("a").reserved_minor == len(told)
    for order, answer in told:
        assert answer.result.decision == APPROVED
        again = server.api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)
        assert again.result.replayed
        again.result.replayed = False
        assert again == answer


def test_clients_do_not_notice_that_a_server_is_replaced(server: ServerProcess) -> None:
    server.api.open_account("a", 1_000_000)
    options = ClientOptions(
        decision_timeout_s=TIMEOUT_S, retry=RetryPolicy(attempts_max=10_000, backoff_max_s=0.1)
    )
    placed: queue.SimpleQueue[DecisionResult] = queue.SimpleQueue()

    def place(client: Client, name: int) -> None:
        for number in range(ORDERS_EACH):
            placed.put(client.check_and_reserve("a", f"{name}-{number}", 1, "USD"))

    with Client(server.address, options) as client, ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(place, client, number) for number in range(CALLERS)]
        for _ in range(ANSWERS_BEFORE):
            assert placed.get(timeout=TIMEOUT_S).approved
        address = server.address
        assert server.terminate() == 0
        server.restart(listen=address)
        for caller in callers:
            caller.result()
    assert server.api.position("a").reserved_minor == CALLERS * ORDERS_EACH


def test_once_the_stop_has_begun_every_method_is_refused_with_a_reason(tmp_path: Path) -> None:
    """In this process, where the stop can stand still between its steps."""

    async def scenario() -> None:
        core = Core(str(tmp_path / "store"))
        bridge, drain, server = Bridge(core), Drain(), grpc.aio.server()
        services = contract.services(manual_clock=False)
        run._register(server, bridge, drain, Metrics(), services)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        drain.begin()
        await drain.idle()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            for method in contract.methods(services):
                call: Any = channel.unary_stream(method.path)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await anext(aiter(call(b"", timeout=TIMEOUT_S)))
                trailing = dict(caught.value.trailing_metadata())
                error = CallError(0, trailing[DETAILS_KEY])
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE, method.path
                assert error.reason() == "SHUTTING_DOWN", method.path
                retry = error_details_pb2.RetryInfo()
                assert error.parsed.details[1].Unpack(retry)
                assert 0 < retry.retry_delay.ToMilliseconds() < 1_000
        await server.stop(0)
        await asyncio.to_thread(core.close)
        bridge.close()

    asyncio.run(scenario())
