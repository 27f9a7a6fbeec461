"""Opening, closing and ending early: what differs between the two clients."""

import asyncio
from contextlib import aclosing, closing
from typing import Any

import pytest

from creditgate.client import AsyncClient, Client, ClientClosedError, ClientOptions
from creditgate.v1 import account_pb2, ledger_pb2
from tests.unit.client.callers import later
from tests.unit.client.scripted import Hold, ScriptedServer

POSITION = account_pb2.WatchPositionsResponse(position=account_pb2.Position(account_id="A"))
PATIENCE_S = 60


def test_a_closed_client_says_so() -> None:
    client = Client()
    client.close()
    client.close()
    with pytest.raises(ClientClosedError):
        client.get_position("A")
    with pytest.raises(ClientClosedError):
        next(client.list_accounts())


def test_a_client_that_is_closed_while_it_asks_again_says_so(scripted: ScriptedServer) -> None:
    client = Client(scripted.address)

    class Closing:
        def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
            client.close()
            return b""

    answer: Any = Closing()
    scripted.answer("GetPosition", answer)
    with pytest.raises(ClientClosedError):
        client.get_position("A", timeout_s=float(PATIENCE_S))


def test_a_closed_async_client_says_so() -> None:
    async def run() -> None:
        client = AsyncClient()
        await client.close()
        await client.close()
        with pytest.raises(ClientClosedError):
            await client.get_position("A")

    asyncio.run(run())


def test_a_watch_that_is_left_ends_on_the_server(scripted: ScriptedServer) -> None:
    scripted.answer("WatchPositions", POSITION, Hold())
    with Client(scripted.address) as client, closing(client.watch_positions(["A"])) as watch:
        assert next(watch).account_id == "A"
        watch.close()
        assert scripted.stream_ended.wait(PATIENCE_S)


def test_an_async_watch_that_is_left_ends_on_the_server(scripted: ScriptedServer) -> None:
    async def run() -> None:
        async with AsyncClient(scripted.address) as client:
            async with aclosing(client.watch_positions(["A"])) as watch:
                assert (await anext(watch)).account_id == "A"
            assert await asyncio.to_thread(scripted.stream_ended.wait, PATIENCE_S)

    scripted.answer("WatchPositions", POSITION, Hold())
    asyncio.run(run())


def test_an_async_stream_takes_an_async_source(scripted: ScriptedServer) -> None:
    async def run() -> list[int]:
        async with AsyncClient(scripted.address) as client:
            stream = client.stream_entries(later([[], []]), "erp")
            return [progress.received async for progress in stream]

    answers = [ledger_pb2.StreamEntriesResponse(received=count) for count in (1, 2)]
    scripted.answer("StreamEntries", *answers)
    assert asyncio.run(run()) == [1, 2]


def test_many_calls_share_one_client(scripted: ScriptedServer) -> None:
    async def run() -> None:
        async with AsyncClient(scripted.address) as client:
            options = {"timeout_s": float(PATIENCE_S)}
            await asyncio.gather(*(client.get_position("A", **options) for _ in range(20)))

    scripted.answer("GetPosition", *[account_pb2.GetPositionResponse()] * 20)
    asyncio.run(run())
    assert len(scripted.calls) == 20


@pytest.mark.parametrize("actor", ["x" * 65, "Zoë", "tab\there", "line\nbreak"])
def test_an_actor_that_cannot_be_sent_is_refused(actor: str) -> None:
    with pytest.raises(ValueError, match="actor is"):
        ClientOptions(actor=actor)


@pytest.mark.parametrize("field", ["decision_timeout_s", "bulk_timeout_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_timeout_must_be_above_zero(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        ClientOptions(**{field: value})  # type: ignore[arg-type]
