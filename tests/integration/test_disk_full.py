"""A store without room refuses writes, loses nothing it has acknowledged, and goes on by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest

from creditgate.audit.books import Auditor
from creditgate.v1 import decision_pb2 as decision_v1
from tests.conftest import StartServer
from tests.support.api import APPROVED, TIMEOUT_S, Api, refusal, retry_delay_s
from tests.support.server import ServerProcess
from tests.support.small_disk import SmallDisk

DISK_BYTES = 48 << 20
LEFT_BYTES = 1 << 20
MAP_BYTES = 2 << 20
BATCH = 100
TRIES_MAX = 2_000
FULL = (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORE_FULL")


class Told(NamedTuple):
    """What a client has in its hands."""

    request: decision_v1.BatchCheckAndReserveRequest
    answer: decision_v1.BatchCheckAndReserveResponse


def send(api: Api, request: decision_v1.BatchCheckAndReserveRequest) -> Told:
    return Told(request, api.decisions.BatchCheckAndReserve(request, timeout=TIMEOUT_S))


def orders(api: Api) -> Iterator[decision_v1.BatchCheckAndReserveRequest]:
    """Batches of orders with long names, each order of one minor unit."""
    for batch in range(TRIES_MAX):
        names = [f"{batch:08}-{item:04}-{'x' * 50}" for item in range(BATCH)]
        items = [api.order("a", name, 1, request_id=name) for name in names]
        yield decision_v1.BatchCheckAndReserveRequest(items=items)


def refused_for_space(error: grpc.RpcError) -> None:
    assert refusal(error)[:2] == FULL
    delay_s = retry_delay_s(error)
    assert delay_s is not None
    assert delay_s > 0


def write_until_full(api: Api) -> tuple[list[Told], decision_v1.BatchCheckAndReserveRequest]:
    """What was acknowledged, and the request that was refused for want of room."""
    told: list[Told] = []
    for request in orders(api):
        try:
            told.append(send(api, request))
        except grpc.RpcError as error:
            refused_for_space(error)
            return told, request
    raise AssertionError("the store never filled")


def check(told: list[Told], api: Api) -> None:
    """Everything acknowledged is answered again, word for word, and counts."""
    for request, answer in told:
        again = send(api, request).answer
        assert all(result.response.result.replayed for result in again.results)
        for result in again.results:
            result.response.result.replayed = False
        assert again == answer
        assert {r.response.result.decision for r in answer.results} == {APPROVED}
    assert api.position("a").reserved_minor == len(told) * BATCH


def audit(store: Path, told: list[Told]) -> None:
    books = Auditor(store).advance()
    assert books.account("a").reserved == len(told) * BATCH
    asked = {(item.request_id, 0) for request, _ in told for item in request.items}
    assert asked == {name for name in books.answers if name[0].endswith("x" * 50)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    with SmallDisk(mount_point, DISK_BYTES) as disk:
        yield disk


def test_a_disk_that_fills(disk: SmallDisk, tmp_path: Path) -> None:
    store = tmp_path / "disk" / "store"
    with ServerProcess(tmp_path, disk.prefix, store=store) as server:
        api = server.api
        api.open_account("a", 1_000_000)
        disk.fill(LEFT_BYTES)
        told, refused = write_until_full(api)
        assert told, "the disk must have taken something before it was full"
        # What was acknowledged is there; reading goes on; the refused batch changed nothing.
        check(told, api)

        disk.make_room()
        told.append(send(api, refused))
        assert not told[-1].answer.results[0].response.result.replayed
        check(told, api)
        assert server.terminate() == 0
        audit(disk.path / "store", told)
        server.start()
        check(told, server.api)


def test_a_kill_on_a_full_disk(disk: SmallDisk, tmp_path: Path) -> None:
    store = tmp_path / "disk" / "store"
    with ServerProcess(tmp_path, disk.prefix, store=store) as server:
        server.api.open_account("a", 1_000_000)
        disk.fill(LEFT_BYTES)
        told, _ = write_until_full(server.api)
        server.kill()
        audit(disk.path / "store", told)
        disk.make_room()
        server.start()
        check(told, server.api)


def test_a_map_that_fills(start_server: StartServer) -> None:
    server = start_server(journal_map_size_bytes=MAP_BYTES)
    server.api.open_account("a", 1_000_000)
    told, refused = write_until_full(server.api)
    check(told, server.api)
    server.restart(journal_map_size_bytes=MAP_BYTES * 4)
    check(told, server.api)
    told.append(send(server.api, refused))
    check(told, server.api)
    server.kill()
    audit(server.store, told)
