"""The peers of the benchmark decide rightly: on real servers, as the comparison runs them."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
from tigerbeetle.bindings import CTransfer

from bench.peers import tigerbeetle
from bench.peers.peer import DirectPeer, MissingError, Peer, measurement
from bench.peers.postgres import DirectPostgres, GrpcPostgres
from bench.peers.redis import DirectRedis, GrpcRedis
from bench.peers.serving import PATH
from creditgate.v1.common_pb2 import (
    DECISION_APPROVED,
    DECISION_DECLINED,
    REASON_CODE_INSUFFICIENT_CREDIT,
)
from creditgate.v1.decision_pb2 import CheckAndReserveRequest, CheckAndReserveResponse

LIMIT_MINOR = 1_000
GRPC_PEERS = [GrpcPostgres, GrpcRedis]
DIRECT_PEERS = [DirectPostgres, partial(DirectPostgres, hot=True), DirectRedis]

Order: TypeAlias = Callable[..., Any]


@asynccontextmanager
async def started(peer: Peer, folder: Path) -> AsyncIterator[str]:
    """The address of a peer that runs; skips the test where its program cannot be had."""
    try:
        address = await peer.start(folder)
    except MissingError as missing:
        pytest.skip(str(missing))
    try:
        yield address
    finally:
        await peer.stop()


@asynccontextmanager
async def orders(peer: Peer, folder: Path) -> AsyncIterator[Order]:
    """A function that sends an order and waits for the answer."""
    async with started(peer, folder) as address, grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(
            PATH, CheckAndReserveRequest.SerializeToString, CheckAndReserveResponse.FromString
        )

        def order(number: int, amount_minor: int, **fields: Any) -> Any:
            request = CheckAndReserveRequest(
                request_id=f"request-{number:08d}",
                account_id="bench-0000000003",
                order_id=f"order-{number:010d}",
                amount_minor=amount_minor,
                currency="USD",
            )
            request.MergeFrom(CheckAndReserveRequest(**fields))
            return call(request, timeout=30)

        yield order


async def decides(order: Order) -> None:
    approved = await order(1, 600)
    assert approved.result.decision == DECISION_APPROVED
    assert approved.approved_amount_minor == 600
    assert approved.result.available_minor == 400
    assert approved.reservation_id
    held_s = approved.expire_time.seconds - approved.result.decide_time.seconds
    assert held_s == 86_400
    assert not approved.result.replayed

    declined = await order(2, 401)
    assert declined.result.decision == DECISION_DECLINED
    assert declined.approved_amount_minor == 0
    assert not declined.reservation_id
    (reason,) = declined.result.reasons
    assert reason.code == REASON_CODE_INSUFFICIENT_CREDIT
    assert (reason.observed, reason.threshold) == (401, 400)
    assert declined.result.fitting_amount_minor == 400

    rest = await order(3, 400)
    assert rest.result.decision == DECISION_APPROVED
    assert rest.result.available_minor == 0
    other = await order(4, 1_000, account_id="bench-0000000000")
    assert other.result.decision == DECISION_APPROVED

    for first, number, amount_minor in ((approved, 1, 600), (declined, 2, 401)):
        again = await order(number, amount_minor)
        assert again.result.replayed
        again.result.replayed = False
        assert again == first


async def refuses(order: Order) -> None:
    account = {"account_id": "bench-0000000004"}
    taken = {**account, "order_id": "order-0000000011"}
    await order(11, 1, **account)
    for code, reason, answer in (
        (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND", order(12, 1, account_id="bench-none")),
        (grpc.StatusCode.INVALID_ARGUMENT, "CURRENCY_MISMATCH", order(13, 1, currency="EUR")),
        (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", order(11, 2, **account)),
        (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", order(11, 1)),
        (grpc.StatusCode.ALREADY_EXISTS, "ORDER_ALREADY_RESERVED", order(14, 1, **taken)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await answer
        assert (refused.value.code(), refused.value.details()) == (code, reason)
    # What was refused has changed nothing.
    assert (await order(15, 999, **account)).result.decision == DECISION_APPROVED


async def never_spends_twice(order: Order) -> None:
    # 40 orders of 300 at once, each sent twice: three fit, and repeats get the first's answer.
    account = "bench-0000000005"
    numbers = [number for number in range(100, 140) for _ in range(2)]
    answers = await asyncio.gather(*(order(n, 300, account_id=account) for n in numbers))
    approved = {
        number
        for number, answer in zip(numbers, answers, strict=True)
        if answer.result.decision == DECISION_APPROVED
    }
    assert len(approved) == 3
    for first, second in zip(answers[::2], answers[1::2], strict=True):
        assert {first.result.replayed, second.result.replayed} == {False, True}
        second.result.replayed = first.result.replayed
        assert first == second


@pytest.mark.parametrize("peer", GRPC_PEERS)
def test_a_peer_decides_rightly(peer: Callable[..., Peer], tmp_path: Path) -> None:
    async def main() -> None:
        async with orders(peer(accounts=10, limit_minor=LIMIT_MINOR), tmp_path) as order:
            await decides(order)
            await refuses(order)
            await never_spends_twice(order)

    asyncio.run(main())
    # What it said stays; what it kept is gone.
    assert [path.suffix for path in tmp_path.iterdir()] == [".log"]


@pytest.mark.parametrize("peer", DIRECT_PEERS)
def test_a_direct_peer_is_measured(peer: Callable[..., DirectPeer], tmp_path: Path) -> None:
    async def main() -> None:
        direct = peer(accounts=1_000)
        async with started(direct, tmp_path):
            measured = await direct.measure(1, 4)
        assert measured["decisions_per_s"] > 0
        assert sum(count for _, count in measured["histogram"]) > 0
        latency_us = measured["latency_us"]
        assert list(latency_us) == ["p50", "p90", "p99", "p999", "max"]
        assert sorted(latency_us.values()) == list(latency_us.values())
        assert latency_us["max"] == measured["histogram"][-1][0]

    asyncio.run(main())
    assert not list(tmp_path.iterdir())


def test_latencies_are_kept_to_three_digits() -> None:
    measured = measurement({7: 50, 2_047: 40, 2_048: 9, 1_000_000: 1}, 2)
    assert measured["decisions_per_s"] == 50
    assert measured["histogram"] == [(7, 50), (2_047, 40), (2_049, 9), (1_000_447, 1)]
    assert measured["latency_us"] == {
        "p50": 7,
        "p90": 2_047,
        "p99": 2_049,
        "p999": 1_000_447,
        "max": 1_000_447,
    }


def test_a_raw_batch_is_what_the_client_would_send() -> None:
    accounts, amounts_minor = [3, 9, 4], [100, 2**63, 1]
    transfers = tigerbeetle.batch(2**40 + 7, accounts, amounts_minor)
    tigerbeetle.number(transfers, 2**40 + 7, 11)
    orders = zip((11, 12, 13), accounts, amounts_minor, strict=True)
    expected = [
        bytes(CTransfer.from_param(tigerbeetle.order(2**40 + 7, *fields))) for fields in orders
    ]
    assert bytes(transfers) == b"".join(expected)


@pytest.mark.parametrize("batches", [False, True])
def test_tigerbeetle_is_left_out_without_an_address(
    batches: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tigerbeetle.ADDRESS_ENV, raising=False)
    with pytest.raises(MissingError, match="no address given"):
        asyncio.run(tigerbeetle.TigerBeetle(batches=batches).start(tmp_path))


@pytest.mark.skipif(not os.environ.get(tigerbeetle.ADDRESS_ENV), reason="no address given")
@pytest.mark.parametrize(("batches", "clients"), [(False, 8), (True, 2)])
def test_tigerbeetle_is_measured(batches: bool, clients: int, tmp_path: Path) -> None:
    async def main() -> None:
        peer = tigerbeetle.TigerBeetle(accounts=1_000, batches=batches)
        async with started(peer, tmp_path):
            measured = await peer.measure(1, clients)
        assert measured["decisions_per_s"] > 0

    asyncio.run(main())
