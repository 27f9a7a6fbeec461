"""How calls are sent, repeated, timed and told apart, over a real socket, by both clients."""

import socket
from collections.abc import Iterator, Sequence

import grpc
import pytest

from creditgate.client import (
    AccountStatus,
    ClientOptions,
    DeadlineExceededError,
    Decision,
    EntryKind,
    LedgerEntry,
    OrderItem,
    OverloadedError,
    RetryPolicy,
    ServerError,
    UnavailableError,
)
from creditgate.v1 import account_pb2, common_pb2, ledger_pb2
from creditgate.v1 import decision_pb2 as pb
from tests.unit.client.callers import Caller, call_aio, call_sync
from tests.unit.client.scripted import Hold, Refusal, ScriptedServer

QUICK = ClientOptions(
    decision_timeout_s=60.0,
    bulk_timeout_s=60.0,
    retry=RetryPolicy(attempts_max=4, backoff_first_s=0.001, backoff_max_s=0.001),
)
APPROVED = pb.CheckAndReserveResponse(
    result=pb.DecisionResult(decision=common_pb2.DECISION_APPROVED),
    reservation_id="R-1",
    approved_amount_minor=100,
)
GONE = Refusal(grpc.StatusCode.UNAVAILABLE)
STOPPING = Refusal(grpc.StatusCode.CANCELLED)
FULL = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="QUEUE_FULL", retry_delay_s=0.001)

pytestmark = pytest.mark.parametrize("call", [call_sync, call_aio], ids=["sync", "aio"])


def test_a_call_is_repeated_with_the_same_bytes(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer("CheckAndReserve", GONE, FULL, STOPPING, APPROVED)
    result = call(scripted.address, "check_and_reserve", "A-1", "O-1", 100, "USD", options=QUICK)
    assert result.decision is Decision.APPROVED
    assert result.reservation_id == "R-1"
    first, *others = [received.request for received in scripted.calls]
    assert others == [first, first, first]
    sent = pb.CheckAndReserveRequest.FromString(first)
    assert len(sent.request_id) == 32
    assert (sent.account_id, sent.order_id, sent.amount_minor) == ("A-1", "O-1", 100)


def test_each_call_has_an_id_of_its_own(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer("CheckAndReserve", APPROVED, APPROVED)
    for _ in range(2):
        call(scripted.address, "check_and_reserve", "A-1", "O-1", 100, "USD", options=QUICK)
    ids = {pb.CheckAndReserveRequest.FromString(c.request).request_id for c in scripted.calls}
    assert len(ids) == 2


ITEMS = [
    OrderItem(account_id="A", order_id="O-1", amount_minor=1, currency="USD"),
    OrderItem(account_id="A", order_id="O-2", amount_minor=1, currency="USD", request_id="mine"),
]


def test_a_batch_without_an_answer_can_be_repeated(scripted: ScriptedServer, call: Caller) -> None:
    answer = pb.BatchCheckAndReserveResponse()
    scripted.answer("BatchCheckAndReserve", Refusal(grpc.StatusCode.INTERNAL), answer)
    with pytest.raises(ServerError) as caught:
        call(scripted.address, "batch_check_and_reserve", ITEMS, options=QUICK)
    again = caught.value.request_id
    call(scripted.address, "batch_check_and_reserve", ITEMS, request_id=again, options=QUICK)
    first, second = [received.request for received in scripted.calls]
    assert first == second
    sent = pb.BatchCheckAndReserveRequest.FromString(first)
    assert sent.request_id == ""
    assert [item.request_id for item in sent.items] == [f"{again}/0", "mine"]


def test_an_all_or_none_batch_has_one_id(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer("BatchCheckAndReserve", pb.BatchCheckAndReserveResponse())
    call(
        scripted.address,
        "batch_check_and_reserve",
        ITEMS[:1],
        all_or_none=True,
        request_id="b-1",
        options=QUICK,
    )
    sent = pb.BatchCheckAndReserveRequest.FromString(scripted.calls[0].request)
    assert (sent.request_id, sent.all_or_none) == ("b-1", True)
    assert [item.request_id for item in sent.items] == [""]


def test_each_batch_of_a_stream_has_ids_by_its_place(
    scripted: ScriptedServer, call: Caller
) -> None:
    scripted.answer("StreamCheckAndReserve", *[pb.BatchCheckAndReserveResponse()] * 2)
    got = call(
        scripted.address,
        "stream_check_and_reserve",
        [ITEMS, ITEMS[:1]],
        request_id="s",
        options=QUICK,
    )
    assert got == [(), ()]
    sent = [pb.BatchCheckAndReserveRequest.FromString(c.request) for c in scripted.calls]
    assert [[item.request_id for item in batch.items] for batch in sent] == [
        ["s/0/0", "mine"],
        ["s/1/0"],
    ]
    assert {batch.request_id for batch in sent} == {""}


def test_attempts_are_bounded_and_counted(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer("Release", *[FULL] * 9)
    with pytest.raises(OverloadedError) as caught:
        call(scripted.address, "release", reservation_id="R", request_id="r-1", options=QUICK)
    assert len(scripted.calls) == caught.value.attempts == 4
    assert caught.value.request_id == "r-1"
    assert caught.value.retry_delay_s == 0.001
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED])
def test_faults_are_not_repeated(
    scripted: ScriptedServer, call: Caller, code: grpc.StatusCode
) -> None:
    scripted.answer("GetPosition", Refusal(code))
    with pytest.raises(ServerError):
        call(scripted.address, "get_position", "A-1", options=QUICK)
    assert len(scripted.calls) == 1


def test_the_deadline_ends_a_call_that_gets_no_answer(
    scripted: ScriptedServer, call: Caller
) -> None:
    scripted.answer("CheckAndReserve", Hold())
    with pytest.raises(DeadlineExceededError) as caught:
        call(
            scripted.address,
            "check_and_reserve",
            "A-1",
            "O-1",
            100,
            "USD",
            timeout_s=0.2,
            options=QUICK,
        )
    assert caught.value.outcome_unknown
    assert caught.value.request_id


def test_an_attempt_that_times_out_is_repeated(scripted: ScriptedServer, call: Caller) -> None:
    options = ClientOptions(
        decision_timeout_s=60.0, retry=RetryPolicy(attempt_timeout_s=0.2, backoff_first_s=0.001)
    )
    scripted.answer("CheckAndReserve", Hold(), APPROVED)
    result = call(scripted.address, "check_and_reserve", "A", "O", 100, "USD", options=options)
    assert result.approved
    assert len({received.request for received in scripted.calls}) == 1
    assert len(scripted.calls) == 2


def test_actor_and_client_are_named(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer("CheckAndReserve", APPROVED)
    options = ClientOptions(actor="till-7", decision_timeout_s=60.0)
    call(scripted.address, "check_and_reserve", "A", "O", 100, "USD", options=options)
    metadata = scripted.calls[0].metadata
    assert metadata["creditgate-actor"] == "till-7"
    assert str(metadata["user-agent"]).startswith("creditgate-client/")


def test_without_an_actor_the_server_chooses(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer("CheckAndReserve", APPROVED)
    call(scripted.address, "check_and_reserve", "A", "O", 100, "USD", options=QUICK)
    assert "creditgate-actor" not in scripted.calls[0].metadata


def test_a_server_that_is_not_there(call: Caller) -> None:
    with socket.socket() as taken:
        # Bound but not listening: nobody else can get the port, and connections are refused.
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UnavailableError) as caught:
            call(address, "check_and_reserve", "A", "O", 100, "USD", options=QUICK)
    assert caught.value.attempts == 4
    assert not caught.value.outcome_unknown


def test_lists_are_read_page_by_page(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer(
        "ListAccounts",
        account_pb2.ListAccountsResponse(
            accounts=[account_pb2.Account(account_id="A"), account_pb2.Account(account_id="B")],
            next_page_token="t-1",
        ),
        account_pb2.ListAccountsResponse(next_page_token="t-2"),
        GONE,
        account_pb2.ListAccountsResponse(accounts=[account_pb2.Account(account_id="C")]),
    )
    accounts = call(
        scripted.address,
        "list_accounts",
        currency="USD",
        status=AccountStatus.ACTIVE,
        page_size=2,
        options=QUICK,
    )
    assert [account.account_id for account in accounts] == ["A", "B", "C"]
    sent = [account_pb2.ListAccountsRequest.FromString(c.request) for c in scripted.calls]
    assert [request.page_token for request in sent] == ["", "t-1", "t-2", "t-2"]
    for request in sent:
        assert (request.currency, request.status, request.page_size) == ("USD", 1, 2)


def test_a_watch_yields_until_it_breaks(scripted: ScriptedServer, call: Caller) -> None:
    seen = [
        account_pb2.WatchPositionsResponse(position=account_pb2.Position(reserved_minor=amount))
        for amount in (1, 2)
    ]
    scripted.answer("WatchPositions", *seen, Refusal(grpc.StatusCode.UNAVAILABLE, reason="X"))
    with pytest.raises(UnavailableError):
        call(scripted.address, "watch_positions", ["A", "B"], options=QUICK)
    sent = account_pb2.WatchPositionsRequest.FromString(scripted.calls[0].request)
    assert sent.account_ids == ["A", "B"]


def entry(name: str) -> LedgerEntry:
    return LedgerEntry(
        entry_id=name, account_id="A", kind=EntryKind.PAYMENT, amount_minor=1, currency="USD"
    )


def acknowledged(received: int) -> ledger_pb2.StreamEntriesResponse:
    return ledger_pb2.StreamEntriesResponse(
        received=received,
        posted=received - 1,
        rejected=1,
        rejections=[
            ledger_pb2.EntryRejection(
                index=0,
                entry_id="e-1",
                error=common_pb2.ItemError(code=3, reason="FIELD_INVALID", field="currency"),
            )
        ],
    )


def test_a_stream_of_entries_is_acknowledged_batch_by_batch(
    scripted: ScriptedServer, call: Caller
) -> None:
    scripted.answer("StreamEntries", acknowledged(2), acknowledged(3))
    batches = [[entry("e-1"), entry("e-2")], [entry("e-3")]]
    progress = call(scripted.address, "stream_entries", batches, "erp", options=QUICK)
    assert [(p.received, p.posted, p.rejected) for p in progress] == [(2, 1, 1), (3, 2, 1)]
    assert progress[0].rejections[0].entry_id == "e-1"
    assert progress[0].rejections[0].error.code == "INVALID_ARGUMENT"
    sent = [ledger_pb2.StreamEntriesRequest.FromString(c.request) for c in scripted.calls]
    assert [[e.entry_id for e in request.entries] for request in sent] == [["e-1", "e-2"], ["e-3"]]
    assert {request.source for request in sent} == {"erp"}


def test_when_the_source_of_a_stream_fails_its_own_error_is_raised(
    scripted: ScriptedServer, call: Caller
) -> None:
    def failing() -> Iterator[Sequence[LedgerEntry]]:
        yield [entry("e-1")]
        raise LookupError("line 2 cannot be read")

    scripted.answer("StreamEntries", acknowledged(1))
    with pytest.raises(LookupError, match="line 2 cannot be read"):
        call(scripted.address, "stream_entries", failing(), "erp", options=QUICK)
    assert len(scripted.calls) == 1


def test_a_stream_that_the_server_breaks(scripted: ScriptedServer, call: Caller) -> None:
    scripted.answer("StreamEntries", acknowledged(1), GONE)
    with pytest.raises(UnavailableError):
        call(scripted.address, "stream_entries", [[entry("a")], [entry("b")]], "e", options=QUICK)


def test_amounts_are_integers_and_nothing_else(call: Caller) -> None:
    for wrong in (1.5, 100.0, "100", True, 2**63):
        with pytest.raises((TypeError, ValueError)):
            call("127.0.0.1:1", "check_and_reserve", "A", "O", wrong, "USD", options=QUICK)
