"""From a socket to the core, in this process: what the core is told of a call."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from creditgate.core import METHODS, Core
from creditgate.server import contract
from creditgate.server.bridge import BATCH_METHOD, BATCH_PATH, Bridge
from creditgate.server.calls import CallRecorder
from creditgate.server.drain import Drain
from creditgate.server.errors import DETAILS_KEY, CallError
from creditgate.server.logs import LineBudget
from creditgate.server.metrics import Metrics
from creditgate.server.unary import BatchRefusal, RawHandlers, unary_handlers
from creditgate.v1 import account_pb2, account_pb2_grpc, decision_pb2, decision_pb2_grpc
from tests.support.api import TIMEOUT_S


class Watched:
    """The core, and what it was handed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.timeouts_s: list[float | None] = []
        self.requests: list[bytes] = []
        self.room_bytes = sys.maxsize

    def submit_all(self, calls: list[tuple[int, bytes, str, float | None]]) -> int:
        self.timeouts_s += [timeout_s for _, _, _, timeout_s in calls]
        self.requests += [request for _, request, _, _ in calls]
        return self._core.submit_all(calls)

    def has_room(self, calls: int, size_bytes: int) -> bool:
        """As if the lane had no more than this."""
        return size_bytes <= self.room_bytes and self._core.has_room(calls, size_bytes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


@asynccontextmanager
async def serving(store: Path) -> AsyncIterator[tuple[Any, Any, Drain]]:
    """A channel to a server, the core behind it, and its way to the end."""
    core: Any = Watched(Core(str(store)))
    bridge = Bridge(core)
    methods = contract.methods(contract.services(manual_clock=False))
    metrics, budget = Metrics(), LineBudget(0)
    recorders = {method.path: CallRecorder(method, metrics, budget) for method in methods}
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    drain = Drain()
    refusal = BatchRefusal(bridge.batches, drain, recorders[BATCH_PATH])
    handlers = RawHandlers(unary_handlers(bridge, drain, recorders, {}))
    server.add_generic_rpc_handlers((refusal, handlers))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel, core, drain
    finally:
        await server.stop(TIMEOUT_S)
        await asyncio.to_thread(core.close)
        bridge.close()  # fails when a call was forgotten
        assert bridge.calls_in_flight == 0


REQUEST = account_pb2.GetPositionRequest(account_id="a")
BATCH = decision_pb2.BatchCheckAndReserveRequest(
    items=[decision_pb2.CheckAndReserveRequest(request_id="r", account_id="a")]
)


@pytest.mark.parametrize("timeout_s", [None, float(TIMEOUT_S)])
def test_the_callers_deadline_reaches_the_core(tmp_path: Path, timeout_s: float | None) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (channel, core, _):
            accounts = account_pb2_grpc.CreditAccountServiceStub(channel)
            with pytest.raises(grpc.RpcError, match="create the account first"):
                await accounts.GetPosition(REQUEST, timeout=timeout_s)
            (told_s,) = core.timeouts_s
            if timeout_s is None:
                assert told_s is None
            else:
                assert told_s is not None
                # On the wire gRPC rounds up so long a time, to a tenth of a second.
                assert 0 < told_s <= timeout_s + 0.1

    asyncio.run(scenario())


def test_calls_of_one_turn_go_to_the_core_together_without_those_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        core: Any = Watched(Core(str(tmp_path)))
        bridge = Bridge(core)
        number = METHODS["/creditgate.v1.CreditAccountService/GetPosition"]
        calls = [bridge.call(number, b"%d" % place, "me", None) for place in range(4)]
        assert (core.requests, bridge.calls_in_flight) == ([], 4)
        calls[1].cancel()
        with pytest.raises(CallError):
            await calls[3]
        assert core.requests == [b"0", b"2", b"3"]
        late = bridge.call(number, b"late", "me", None)
        large = bridge.call(number, b"large" * 10_000, "me", None)
        assert core.requests[3:] == [b"late", b"large" * 10_000]
        for call in (calls[0], calls[2], late, large):
            with pytest.raises(CallError):
                await call
        await asyncio.to_thread(core.close)
        bridge.close()

    asyncio.run(scenario())


def test_calls_gather_while_many_call_and_few_do_not_wait_for_ever(tmp_path: Path) -> None:
    async def scenario() -> None:
        core: Any = Watched(Core(str(tmp_path)))
        bridge = Bridge(core)
        number = METHODS["/creditgate.v1.CreditAccountService/GetPosition"]

        async def call(count: int) -> None:
            calls = [bridge.call(number, b"", "me", None) for _ in range(count)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(outcome, CallError) for outcome in outcomes)

        await call(30)
        many = asyncio.create_task(call(20))
        await asyncio.sleep(0)  # the turn in which a lone call would have gone to the core
        await asyncio.sleep(0)
        assert len(core.requests) == 30
        await many
        await call(1)
        await call(1)
        assert len(core.requests) == 52
        await asyncio.to_thread(core.close)
        bridge.close()

    asyncio.run(scenario())


def test_calls_that_are_given_up_are_not_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (channel, core, _):
            accounts = account_pb2_grpc.CreditAccountServiceStub(channel)
            calls = [accounts.GetPosition(REQUEST) for _ in range(100)]
            with pytest.raises(grpc.RpcError, match="create the account first"):
                await calls[0]
            for call in calls:
                call.cancel()
            with pytest.raises(grpc.RpcError, match="create the account first"):
                await accounts.GetPosition(REQUEST)
            assert core.timeouts_s

    asyncio.run(scenario())


def test_a_batch_is_refused_before_it_is_read_while_there_is_no_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (channel, core, drain):
            decisions: Any = decision_pb2_grpc.CreditDecisionServiceStub(channel)
            core.room_bytes = -1
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await decisions.BatchCheckAndReserve(BATCH)
            assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert b"QUEUE_FULL" in dict(refusal.value.trailing_metadata() or ())[DETAILS_KEY]
            assert (core.requests, core.stats()["refused"]) == ([], 1)
            drain.begin()
            with pytest.raises(grpc.aio.AioRpcError, match="shutting down"):
                await decisions.BatchCheckAndReserve(BATCH)

    asyncio.run(scenario())


def test_a_single_call_or_one_with_room_is_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (channel, core, _):
            decisions: Any = decision_pb2_grpc.CreditDecisionServiceStub(channel)
            accounts: Any = account_pb2_grpc.CreditAccountServiceStub(channel)
            core.room_bytes = -1
            with pytest.raises(grpc.RpcError, match="create the account first"):
                await accounts.GetPosition(REQUEST)  # a single call is no batch
            core.room_bytes = sys.maxsize
            assert (await decisions.BatchCheckAndReserve(BATCH)).results[0].HasField("error")

    asyncio.run(scenario())


def test_a_batch_is_taken_for_as_large_as_the_last_one_that_was_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (channel, core, _):
            decisions: Any = decision_pb2_grpc.CreditDecisionServiceStub(channel)
            accounts: Any = account_pb2_grpc.CreditAccountServiceStub(channel)
            large = decision_pb2.BatchCheckAndReserveRequest(request_id="r" * 10_000)

            async def refused(call: Any, message: str) -> None:
                with pytest.raises(grpc.RpcError, match=message):
                    await call

            await refused(decisions.BatchCheckAndReserve(large), "items is")
            core.room_bytes = 8_000
            read = len(core.requests)
            await refused(decisions.BatchCheckAndReserve(BATCH), "more calls are waiting")
            assert len(core.requests) == read
            await refused(accounts.GetPosition(REQUEST), "create the account first")
            await refused(decisions.BatchCheckAndReserve(BATCH), "more calls are waiting")
            assert len(core.requests) == read + 1

    asyncio.run(scenario())


def test_a_batch_of_a_stream_is_none_of_those_that_were_let_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        core: Any = Watched(Core(str(tmp_path)))
        bridge = Bridge(core)
        bridge.batches.arrived(10_000)
        core.room_bytes = 15_000
        assert bridge.batches.let_in(1.0)
        of_a_stream = bridge.call(BATCH_METHOD, BATCH.SerializeToString(), "me", None)
        assert not bridge.batches.let_in(1.0), "the first is still on its way"
        assert await of_a_stream
        await asyncio.to_thread(core.close)
        bridge.close()

    asyncio.run(scenario())
