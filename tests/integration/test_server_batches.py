"""StreamCheckAndReserve: in order, within its window, and durable like every other answer."""

import asyncio
import itertools
import queue
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from creditgate.core import Core
from creditgate.server import contract, run
from creditgate.server.batches import WINDOW
from creditgate.server.bridge import Bridge
from creditgate.server.drain import Drain
from creditgate.server.metrics import Metrics
from creditgate.v1 import decision_pb2, decision_pb2_grpc
from tests.conftest import StartServer
from tests.support.api import APPROVED, TIMEOUT_S, Api, Refused, refused
from tests.support.server import ServerProcess

PATH = "/creditgate.v1.CreditDecisionService/StreamCheckAndReserve"
SHUTTING_DOWN = Refused(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


def batch(api: Api, name: str, orders: int = 3) -> decision_pb2.BatchCheckAndReserveRequest:
    """Orders of 1 of the account `a`."""
    return decision_pb2.BatchCheckAndReserveRequest(
        items=[
            api.order("a", f"{name}-{number}", 1, request_id=f"{name}/{number}")
            for number in range(orders)
        ]
    )


def stream(api: Api, *batches: Any) -> list[decision_pb2.BatchCheckAndReserveResponse]:
    return list(api.decisions.StreamCheckAndReserve(iter(batches), timeout=TIMEOUT_S))


def reservation_ids(response: decision_pb2.BatchCheckAndReserveResponse) -> list[str]:
    assert {result.response.result.decision for result in response.results} == {APPROVED}
    return [result.response.reservation_id for result in response.results]


def test_batches_are_answered_in_their_order(api: Api) -> None:
    api.open_account("a", 10_000)
    responses = stream(api, *(batch(api, f"b{n}", orders=n % 7 + 1) for n in range(50)))
    assert [len(response.results) for response in responses] == [n % 7 + 1 for n in range(50)]
    seqs = [result.response.result.journal_seq for row in responses for result in row.results]
    assert seqs == sorted(set(seqs)), "each order once, decided in the order of the stream"
    assert api.position("a").reserved_minor == len(seqs)
    assert stream(api) == []


def test_streams_wait_for_room_and_keep_their_order(start_server: StartServer) -> None:
    api = start_server(queue_depth_max=1).api
    api.open_account("a", 10_000)
    streams = [
        api.decisions.StreamCheckAndReserve(
            iter([batch(api, f"{name}{number}") for number in range(50)]), timeout=TIMEOUT_S
        )
        for name in "st"
    ]
    for responses in streams:
        results = [result.response.result for row in responses for result in row.results]
        seqs = [result.journal_seq for result in results]
        assert len(seqs) == 150
        assert seqs == sorted(set(seqs)), "decided in the order of the stream"
    assert api.position("a").reserved_minor == 300


def test_a_stream_that_is_sent_again_gets_the_same_answers(server: ServerProcess) -> None:
    server.api.open_account("a", 10_000)
    batches = [batch(server.api, f"b{number}") for number in range(20)]
    broken = server.api.decisions.StreamCheckAndReserve(iter(batches), timeout=TIMEOUT_S)
    first = [next(broken) for _ in range(5)]
    server.kill()
    server.restart()
    again = stream(server.api, *batches)
    assert server.api.position("a").reserved_minor == 60
    for before, after in zip(first, again, strict=False):
        assert all(result.response.result.replayed for result in after.results)
        for result in after.results:
            result.response.result.replayed = False
        assert after == before


@pytest.mark.parametrize(
    ("wrong", "reason", "fields"),
    [
        (b"\xff\xff\xff", "REQUEST_MALFORMED", ()),
        (b"", "FIELD_INVALID", ("items",)),
    ],
    ids=["no message", "no items"],
)
def test_a_wrong_request_ends_the_stream_after_the_answers_before_it(
    api: Api, wrong: bytes, reason: str, fields: tuple[str, ...]
) -> None:
    api.open_account("a", 10_000)
    call: Any = api.channel.stream_stream(PATH)
    requests = [batch(api, "b0").SerializeToString(), batch(api, "b1").SerializeToString(), wrong]
    responses = call(iter(requests), timeout=TIMEOUT_S)
    assert [bool(next(responses)), bool(next(responses))] == [True, True]
    said = refused(lambda: next(responses))
    assert said == Refused(grpc.StatusCode.INVALID_ARGUMENT, reason, fields)
    assert api.position("a").reserved_minor == 6


def test_a_deadline_ends_an_idle_stream(server: ServerProcess) -> None:
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    responses = server.api.decisions.StreamCheckAndReserve(iter(requests.get, None), timeout=0.05)
    assert refused(lambda: next(responses)).code is grpc.StatusCode.DEADLINE_EXCEEDED
    requests.put(None)
    assert server.terminate() == 0


def test_a_stopping_server_answers_what_it_has_read(server: ServerProcess) -> None:
    api = server.api
    api.open_account("a", 10_000)
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    responses = api.decisions.StreamCheckAndReserve(iter(requests.get, None), timeout=TIMEOUT_S)
    requests.put(batch(api, "b0"))
    assert len(reservation_ids(next(responses))) == 3
    server.process.send_signal(signal.SIGTERM)
    assert refused(lambda: next(responses)) == SHUTTING_DOWN
    requests.put(None)
    assert server.process.wait() == 0
    server.restart()
    assert server.api.position("a").reserved_minor == 3


class Gated(Bridge):
    """Keeps answers back until it is told to let them through."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.gate = asyncio.Event()
        self.called = asyncio.Semaphore(0)
        self.waiting = 0
        self.waiting_most = 0

    def call(
        self, method: int, request: bytes, actor: str, timeout_s: float | None
    ) -> asyncio.Future[bytes]:
        self.called.release()
        self.waiting += 1
        self.waiting_most = max(self.waiting_most, self.waiting)
        answer = super().call(method, request, actor, timeout_s)

        async def later() -> bytes:
            await self.gate.wait()
            self.waiting -= 1
            return await answer

        return asyncio.ensure_future(later())


@asynccontextmanager
async def serving(store: Path) -> AsyncIterator[tuple[grpc.aio.Channel, Gated, Drain]]:
    core = Core(str(store))
    bridge, drain, server = Gated(core), Drain(), grpc.aio.server()
    services = contract.services(manual_clock=False)
    run._register(server, bridge, drain, Metrics(), services)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel, bridge, drain
    finally:
        await server.stop(TIMEOUT_S)
        await asyncio.to_thread(core.close)
        bridge.close()


def unknown(number: int) -> decision_pb2.BatchCheckAndReserveRequest:
    """An order of an account that nobody opened, so that no answer depends on another."""
    return decision_pb2.BatchCheckAndReserveRequest(
        items=[
            decision_pb2.CheckAndReserveRequest(
                request_id=f"r{number}",
                account_id=f"nobody-{number}",
                order_id="o",
                amount_minor=1,
                currency="USD",
            )
        ]
    )


def test_no_more_is_read_than_the_window_holds(tmp_path: Path) -> None:
    batches = 3 * WINDOW

    async def scenario() -> None:
        async with serving(tmp_path) as (channel, bridge, _):
            stub: Any = decision_pb2_grpc.CreditDecisionServiceStub(channel)
            call = stub.StreamCheckAndReserve(timeout=TIMEOUT_S)
            for number in range(batches):
                await call.write(unknown(number))
            await call.done_writing()
            nothing: Any = channel.unary_unary("/nothing/here")
            # Behind them on the same connection: when this is answered, all have arrived.
            for _ in range(batches):
                with pytest.raises(grpc.aio.AioRpcError):
                    await nothing(b"")
            assert bridge.waiting == WINDOW
            bridge.gate.set()
            responses = [response async for response in call]
            messages = [response.results[0].error.message for response in responses]
            for number, message in zip(itertools.count(), messages, strict=False):
                assert f"nobody-{number}" in message
            assert len(messages) == batches
            assert bridge.waiting_most <= WINDOW

    asyncio.run(scenario())


def test_what_was_read_before_a_stop_is_answered_before_the_stream_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (channel, bridge, drain):
            stub: Any = decision_pb2_grpc.CreditDecisionServiceStub(channel)
            call = stub.StreamCheckAndReserve(timeout=TIMEOUT_S)
            for number in range(2):
                await call.write(unknown(number))
            for _ in range(2):
                await bridge.called.acquire()
            drain.begin()
            bridge.gate.set()
            assert "nobody-0" in (await call.read()).results[0].error.message
            assert "nobody-1" in (await call.read()).results[0].error.message
            with pytest.raises(grpc.aio.AioRpcError, match="shutting down"):
                await call.read()
            await drain.idle()

    asyncio.run(scenario())
