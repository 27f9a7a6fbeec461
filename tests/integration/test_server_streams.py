"""WatchPositions and StreamEntries over a real socket."""

import itertools
import re
import urllib.request
from typing import Any

import grpc
import pytest

from creditgate.server.streams import WATCHES_MAX
from creditgate.v1 import account_pb2, ledger_pb2
from tests.support.api import TIMEOUT_S, Api, Refused, entry, refusal, refused, retry_delay_s
from tests.support.server import ServerProcess

SCRAPES_MAX = 10_000


def watch(api: Api, *account_ids: str) -> Any:
    request = account_pb2.WatchPositionsRequest(account_ids=account_ids)
    return api.accounts.WatchPositions(request, timeout=TIMEOUT_S)


def batch(source: str, *entries: ledger_pb2.LedgerEntry) -> ledger_pb2.StreamEntriesRequest:
    return ledger_pb2.StreamEntriesRequest(source=source, entries=entries)


def payment(entry_id: str, account_id: str = "a", amount_minor: int = 1) -> ledger_pb2.LedgerEntry:
    return entry(entry_id, account_id, "payment", amount_minor)


def reserved(response: account_pb2.WatchPositionsResponse) -> tuple[str, int]:
    return response.position.account_id, response.position.reserved_minor


def watches_open(server: ServerProcess) -> float:
    with urllib.request.urlopen(f"http://{server.metrics_address}/metrics") as response:
        found = re.search(
            r"^creditgate_server_watches_open (\S+)$", response.read().decode(), re.MULTILINE
        )
    assert found is not None
    return float(found[1])


def test_a_watch_sends_each_position_now_and_after_every_change(api: Api) -> None:
    for account_id in "abc":
        api.open_account(account_id, 10_000)
    positions = watch(api, "a", "b")
    assert {reserved(next(positions)), reserved(next(positions))} == {("a", 0), ("b", 0)}
    api.reserve("a", "o1", 30)
    assert reserved(next(positions)) == ("a", 30)
    api.reserve("c", "o2", 30)
    api.reserve("b", "o3", 40)
    assert reserved(next(positions)) == ("b", 40)
    positions.cancel()


def test_a_watch_that_is_given_up_is_forgotten(server: ServerProcess, api: Api) -> None:
    api.open_account("a", 10_000)
    positions = watch(api, "a")
    next(positions)
    assert watches_open(server) == 1
    positions.cancel()
    # The server hears of it in its own time; each question is a round trip to it.
    assert any(watches_open(server) == 0 for _ in range(SCRAPES_MAX))
    api.reserve("a", "o1", 30)
    assert server.terminate() == 0


def test_watches_are_bounded(api: Api) -> None:
    api.open_account("a", 10_000)
    watches = []
    # Not all at once: gRPC turns a burst of calls away, whatever they ask for.
    for _ in range(WATCHES_MAX // 100):
        burst = [watch(api, "a") for _ in range(100)]
        for positions in burst:
            next(positions)
        watches += burst
    with pytest.raises(grpc.RpcError) as caught:
        next(watch(api, "a"))
    assert refusal(caught.value) == Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_WATCHES")
    assert retry_delay_s(caught.value) == 1.0
    api.reserve("a", "o1", 30)
    for positions in watches:
        assert reserved(next(positions)) == ("a", 30)
        positions.cancel()


def test_a_watch_of_an_unknown_account_is_refused(api: Api) -> None:
    refusal = refused(lambda: next(watch(api, "nobody")))
    assert refusal.reason == "ACCOUNT_NOT_FOUND"


def test_a_stream_acknowledges_each_request_with_running_totals(api: Api) -> None:
    api.open_account("a", 10_000)
    requests = [
        batch("erp", payment("1"), payment("2", account_id="nobody"), payment("3")),
        batch("erp", payment("3"), payment("4", amount_minor=0)),
    ]
    responses = list(api.ledger.StreamEntries(iter(requests), timeout=TIMEOUT_S))
    totals = [
        (response.received, response.posted, response.duplicate, response.rejected)
        for response in responses
    ]
    assert totals == [(3, 2, 0, 1), (5, 2, 1, 2)]
    (first,), (second,) = (response.rejections for response in responses)
    assert (first.index, first.entry_id, first.error.reason) == (1, "2", "ACCOUNT_NOT_FOUND")
    assert (second.index, second.entry_id, second.error.field) == (4, "4", "amount_minor")
    assert api.position("a").outstanding_minor == -2


def test_a_long_stream_is_acknowledged_request_by_request(api: Api) -> None:
    api.open_account("a", 10_000)
    numbers = itertools.count(1)
    requests = [batch("erp", *(payment(f"{next(numbers)}") for _ in range(9))) for _ in range(50)]
    responses = list(api.ledger.StreamEntries(iter(requests), timeout=TIMEOUT_S))
    assert [response.posted for response in responses] == [9 * n for n in range(1, 51)]
    assert api.position("a").outstanding_minor == -450


def test_an_empty_stream_is_fine(api: Api) -> None:
    assert list(api.ledger.StreamEntries(iter([]), timeout=TIMEOUT_S)) == []


@pytest.mark.parametrize(
    ("second", "reason", "fields"),
    [
        (batch("crm", payment("2")).SerializeToString(), "FIELD_INVALID", ("source",)),
        (b"\xff\xff\xff", "REQUEST_MALFORMED", ()),
        (batch("erp").SerializeToString(), "FIELD_INVALID", ("entries",)),
    ],
    ids=["another source", "no message", "no entries"],
)
def test_a_bad_request_ends_the_stream_and_keeps_what_was_acknowledged(
    api: Api, second: bytes, reason: str, fields: tuple[str, ...]
) -> None:
    api.open_account("a", 10_000)
    call: Any = api.channel.stream_stream("/creditgate.v1.LedgerService/StreamEntries")
    requests = [batch("erp", payment("1")).SerializeToString(), second, second]
    responses = call(iter(requests), timeout=TIMEOUT_S)
    assert ledger_pb2.StreamEntriesResponse.FromString(next(responses)).posted == 1
    refusal = refused(lambda: next(responses))
    assert refusal == Refused(grpc.StatusCode.INVALID_ARGUMENT, reason, fields)
    assert api.position("a").outstanding_minor == -1
