"""The Python client, both of them, against a real server."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from creditgate.client import (
    AccountUpsert,
    CallError,
    Client,
    ClientOptions,
    ConflictError,
    CreditLimit,
    Decision,
    EntryKind,
    EntryOutcome,
    InvalidRequestError,
    ItemError,
    LedgerEntry,
    LimitSource,
    NotFoundError,
    OrderItem,
    OutOfRangeError,
    Position,
    PreconditionError,
    ReasonCode,
    ReservationState,
    ReserveResult,
    RetryPolicy,
    Segment,
    ServerError,
    UpsertOutcome,
)
from tests.conftest import StartServer
from tests.support.server import ServerProcess
from tests.unit.client.callers import call_aio, call_sync

PATIENT = ClientOptions(actor="tests", decision_timeout_s=60.0, bulk_timeout_s=60.0)


class Calls:
    """Either client's methods, one connection to a call."""

    def __init__(self, server: ServerProcess, kind: str) -> None:
        self._server = server
        self._call = call_sync if kind == "sync" else call_aio

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._call(self._server.address, method, *args, options=PATIENT, **kwargs)

    def open_account(self, account_id: str, limit_minor: int) -> None:
        (row,) = self(
            "upsert_accounts",
            [
                AccountUpsert(
                    account_id=account_id, currency="USD", limit=CreditLimit.of(limit_minor)
                )
            ],
        )
        assert row.outcome is UpsertOutcome.CREATED


@pytest.fixture(params=["sync", "aio"])
def calls(server: ServerProcess, request: pytest.FixtureRequest) -> Calls:
    return Calls(server, request.param)


@pytest.fixture
def patient(server: ServerProcess) -> Iterator[Client]:
    with Client(server.address, PATIENT) as client:
        yield client


def parts(position: Position) -> tuple[int, int, int]:
    return position.outstanding_minor, position.captured_minor, position.reserved_minor


def test_the_way_of_an_order(calls: Calls) -> None:
    calls.open_account("A", 30_000)
    assert calls("check", "A", 30_001, "USD").decision is Decision.DECLINED
    reserved = calls(
        "check_and_reserve", "A", "O", 10_000, "USD", ttl=timedelta(days=3), channel="web"
    )
    assert reserved.approved
    assert reserved.approved_amount_minor == 10_000
    assert reserved.available_minor == 20_000
    assert reserved.expire_time - reserved.decide_time == timedelta(days=3)

    adjusted = calls("adjust", 12_000, reservation_id=reserved.reservation_id, reason="one more")
    assert adjusted.reservation.open_minor == 12_000
    captured = calls("capture", "INV-1", amount_minor=5_000, account_id="A", order_id="O")
    assert captured.captured_amount_minor == 5_000
    assert not captured.breach
    assert parts(calls("get_position", "A")) == (0, 5_000, 7_000)

    released = calls("release", account_id="A", order_id="O", reason="cancelled")
    assert released.released_amount_minor == 7_000
    held = calls("get_reservation", reservation_id=reserved.reservation_id)
    assert held == released.reservation
    assert held.state is ReservationState.CLOSED
    assert held.total_minor == 12_000

    invoice = LedgerEntry(
        entry_id="E-1",
        account_id="A",
        kind=EntryKind.INVOICE,
        amount_minor=5_000,
        currency="USD",
        invoice_id="INV-1",
        issue_date=date(2026, 1, 1),
        due_date=date(2026, 1, 31),
    )
    for outcome in (EntryOutcome.POSTED, EntryOutcome.DUPLICATE):
        (row,) = calls("post_entries", "erp", [invoice])
        assert row.outcome is outcome
    position = calls("get_position", "A")
    assert parts(position) == (5_000, 0, 0)
    assert position.utilisation == Fraction(1, 6)
    assert position.limit_source is LimitSource.ACCOUNT


def test_a_decline_names_amounts(calls: Calls) -> None:
    calls.open_account("A", 100)
    result = calls("check_and_reserve", "A", "O", 150, "USD")
    assert result.decision is Decision.DECLINED
    assert result.reservation_id == ""
    (reason,) = result.reasons
    assert (reason.code, reason.observed, reason.threshold) == (
        ReasonCode.INSUFFICIENT_CREDIT,
        150,
        100,
    )
    assert result.fitting_amount_minor == 100
    partial = calls("check_and_reserve", "A", "O", 150, "USD", allow_partial=True)
    assert partial.decision is Decision.PARTIALLY_APPROVED
    assert partial.approved_amount_minor == 100


def test_a_repeated_request_gets_the_stored_answer(calls: Calls) -> None:
    calls.open_account("A", 100)
    first = calls("check_and_reserve", "A", "O", 60, "USD", request_id="r-1")
    again = calls("check_and_reserve", "A", "O", 60, "USD", request_id="r-1")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.reservation_id == first.reservation_id
    assert again.journal_seq == first.journal_seq
    with pytest.raises(ConflictError) as caught:
        calls("check_and_reserve", "A", "O", 61, "USD", request_id="r-1")
    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert caught.value.request_id == "r-1"


def test_errors_are_told_apart(calls: Calls) -> None:
    calls.open_account("A", 1_000)
    calls("check_and_reserve", "A", "O", 100, "USD")
    calls("capture", "INV-1", amount_minor=60, account_id="A", order_id="O")
    order = {"account_id": "A", "order_id": "O"}
    cases: list[tuple[type[CallError], str, str, tuple[Any, ...], dict[str, Any]]] = [
        (NotFoundError, "ACCOUNT_NOT_FOUND", "get_position", ("nobody",), {}),
        (NotFoundError, "RESERVATION_NOT_FOUND", "release", (), {**order, "order_id": "P"}),
        (ConflictError, "ORDER_ALREADY_RESERVED", "check_and_reserve", ("A", "O", 1, "USD"), {}),
        (ConflictError, "INVOICE_ALREADY_CAPTURED", "capture", ("INV-1",), order),
        (PreconditionError, "BELOW_CAPTURED", "adjust", (59,), order),
        (PreconditionError, "RELEASE_EXCEEDS_OPEN", "release", (), {"amount_minor": 41, **order}),
    ]
    for kind, reason, method, args, kwargs in cases:
        with pytest.raises(kind) as caught:
            calls(method, *args, **kwargs)
        assert caught.value.reason == reason
        assert caught.value.attempts == 1
    with pytest.raises(InvalidRequestError) as bad:
        calls("check_and_reserve", "A", "P", 0, "USD")
    assert [violation.field for violation in bad.value.field_violations] == ["amount_minor"]


def test_a_batch_and_all_or_none(calls: Calls) -> None:
    calls.open_account("A", 100)

    def item(account_id: str, order_id: str, amount_minor: int) -> OrderItem:
        return OrderItem(
            account_id=account_id, order_id=order_id, amount_minor=amount_minor, currency="USD"
        )

    results = calls(
        "batch_check_and_reserve", [item("A", "1", 60), item("nobody", "2", 1), item("A", "3", 60)]
    )
    assert isinstance(results[0], ReserveResult)
    assert results[0].approved
    assert isinstance(results[1], ItemError)
    assert (results[1].code, results[1].reason) == ("NOT_FOUND", "ACCOUNT_NOT_FOUND")
    assert results[2].decision is Decision.DECLINED
    together = calls(
        "batch_check_and_reserve", [item("A", "4", 30), item("A", "5", 30)], all_or_none=True
    )
    assert [result.decision for result in together] == [Decision.DECLINED] * 2
    assert [result.reasons[0].code for result in together] == [
        ReasonCode.BATCH_NOT_APPROVED,
        ReasonCode.INSUFFICIENT_CREDIT,
    ]
    assert calls("get_position", "A").reserved_minor == 60


def test_goods_are_confirmed_until_their_account_is_suspended(calls: Calls) -> None:
    calls.open_account("A", 300)
    order = calls("check_and_reserve", "A", "O", 200, "USD")
    confirmed = calls("confirm", reservation_id=order.reservation_id)
    assert (confirmed.decision, confirmed.journal_seq) == (Decision.APPROVED, 0)
    assert (confirmed.reservation.open_minor, confirmed.available_minor) == (200, 100)
    calls("suspend_account", "A", "late")
    stopped = calls("confirm", account_id="A", order_id="O")
    assert stopped.decision is Decision.DECLINED
    assert [reason.code for reason in stopped.reasons] == [ReasonCode.ACCOUNT_SUSPENDED]
    assert stopped.reservation == confirmed.reservation
    # What has left is nothing to confirm.
    calls("capture", "INV-1", account_id="A", order_id="O", forced=True)
    with pytest.raises(PreconditionError, match="NOTHING_OPEN") as caught:
        calls("confirm", account_id="A", order_id="O")
    assert [violation.field for violation in caught.value.field_violations] == ["order_id"]
    with pytest.raises(NotFoundError, match="RESERVATION_NOT_FOUND"):
        calls("confirm", account_id="A", order_id="P")


def test_lists_go_on_after_a_page(calls: Calls) -> None:
    for number in range(5):
        calls.open_account(f"A-{number}", 100)
        calls("check_and_reserve", f"A-{number}", "O", 10, "USD")
    accounts = calls("list_accounts", account_id_prefix="A-", page_size=2)
    assert [account.account_id for account in accounts] == [f"A-{number}" for number in range(5)]
    held = calls("list_reservations", state=ReservationState.OPEN, page_size=2)
    assert sorted(found.account_id for found in held) == [f"A-{number}" for number in range(5)]


def test_segments_are_listed_with_what_is_taken_of_them(calls: Calls) -> None:
    limit = CreditLimit.of(500)
    rows = [
        Segment(segment_id="gold", currency="USD", default_limit=limit, cap=CreditLimit.of(800)),
        Segment(segment_id="gold", currency="EUR", cap=CreditLimit.of(0)),
        Segment(segment_id="silver", currency="USD", default_limit=CreditLimit.no_credit()),
        Segment(segment_id="tin", currency="USD", cap=CreditLimit.unlimited()),
    ]
    calls("upsert_segments", rows)
    for name in ("A", "B"):
        account = AccountUpsert(account_id=name, currency="USD", segment_id="gold")
        calls("upsert_accounts", [account])
        calls("check_and_reserve", name, "O", 150, "USD")
    found = calls("list_segments", page_size=1)
    none = CreditLimit.no_credit()
    # The last has neither a default limit nor a cap.
    assert [msgspec.structs.astuple(row) for row in found] == [
        ("gold", "EUR", None, 0, 0, 0),
        ("gold", "USD", limit, 800, 300, 500),
        ("silver", "USD", none, None, 0, None),
    ]
    assert calls("list_segments") == found


def test_status_and_inherited_limits(calls: Calls) -> None:
    gold = Segment(segment_id="gold", currency="USD", default_limit=CreditLimit.of(500))
    (row,) = calls("upsert_segments", [gold])
    assert row.outcome is UpsertOutcome.CREATED
    account = AccountUpsert(
        account_id="A", currency="USD", segment_id="gold", display_name="Ünïcode & Söhne"
    )
    (created,) = calls("upsert_accounts", [account])
    (unchanged,) = calls("upsert_accounts", [account])
    assert unchanged.outcome is UpsertOutcome.UNCHANGED
    assert unchanged.journal_seq > created.journal_seq > row.journal_seq
    position = calls("get_position", "A")
    assert position.effective_limit == CreditLimit.of(500)
    assert position.limit_source is LimitSource.SEGMENT

    assert calls("suspend_account", "A", "late").status == "SUSPENDED"
    declined = calls("check_and_reserve", "A", "O", 1, "USD")
    assert [reason.code for reason in declined.reasons] == [ReasonCode.ACCOUNT_SUSPENDED]
    assert calls("get_account", "A").status_reason == "late"
    assert calls("reinstate_account", "A", "paid").status == "ACTIVE"
    assert calls("close_account", "A", "left").status == "CLOSED"
    assert calls("get_account", "A").display_name == "Ünïcode & Söhne"


def test_a_stream_of_entries(calls: Calls) -> None:
    calls.open_account("A", 100)

    def payment(name: str, account_id: str) -> LedgerEntry:
        return LedgerEntry(
            entry_id=name,
            account_id=account_id,
            kind=EntryKind.PAYMENT,
            amount_minor=10,
            currency="USD",
        )

    batches = [[payment("1", "A"), payment("2", "nobody")], [payment("3", "A")]]
    *_, last = first_run = calls("stream_entries", batches, "erp")
    assert (last.received, last.posted, last.duplicate, last.rejected) == (3, 2, 0, 1)
    (rejection,) = [found for progress in first_run for found in progress.rejections]
    assert (rejection.index, rejection.entry_id, rejection.error.reason) == (
        1,
        "2",
        "ACCOUNT_NOT_FOUND",
    )
    *_, last = calls("stream_entries", batches, "erp")
    assert (last.received, last.posted, last.duplicate, last.rejected) == (3, 0, 2, 1)
    assert calls("get_position", "A").outstanding_minor == -20


def test_a_stream_of_batches(calls: Calls) -> None:
    calls.open_account("A", 100)

    def order(name: str, account_id: str = "A") -> OrderItem:
        return OrderItem(account_id=account_id, order_id=name, amount_minor=40, currency="USD")

    batches = [[order("1"), order("2", "nobody")], [order("3"), order("4")]]
    (first, nobody), (third, fourth) = calls(
        "stream_check_and_reserve", batches, request_id="morning"
    )
    assert nobody.reason == "ACCOUNT_NOT_FOUND"
    assert [result.decision for result in (first, third, fourth)] == [
        Decision.APPROVED,
        Decision.APPROVED,
        Decision.DECLINED,
    ]
    (again, _), _ = calls("stream_check_and_reserve", batches, request_id="morning")
    assert again.replayed
    assert again.reservation_id == first.reservation_id
    assert calls("get_position", "A").reserved_minor == 80


def test_a_watch_shows_each_change(patient: Client) -> None:
    patient.upsert_accounts(
        [AccountUpsert(account_id="A", currency="USD", limit=CreditLimit.of(100))]
    )
    with closing(patient.watch_positions(["A"], timeout_s=60)) as watch:
        assert next(watch).reserved_minor == 0
        reserved = patient.check_and_reserve("A", "O", 70, "USD")
        changed = next(watch)
        assert (changed.reserved_minor, changed.available_minor) == (70, 30)
        assert changed.journal_seq >= reserved.journal_seq


def test_calls_outlive_a_restart_of_the_server(server: ServerProcess) -> None:
    options = ClientOptions(
        decision_timeout_s=120.0, retry=RetryPolicy(attempts_max=10_000, backoff_max_s=0.2)
    )
    with Client(server.address, options) as client:
        client.upsert_accounts(
            [AccountUpsert(account_id="A", currency="USD", limit=CreditLimit.of(100))]
        )
        before = client.check_and_reserve("A", "O-1", 60, "USD", request_id="r-1")
        address = server.address
        server.kill()
        starting = threading.Thread(target=server.restart, kwargs={"listen": address})
        starting.start()
        after = client.check_and_reserve("A", "O-2", 60, "USD")
        starting.join()
        assert after.decision is Decision.DECLINED
        assert after.available_minor == 40
        again = client.check_and_reserve("A", "O-1", 60, "USD", request_id="r-1")
        assert again.replayed
        assert again.reservation_id == before.reservation_id


def test_the_manual_clock(start_server: StartServer) -> None:
    server = start_server(clock="manual")
    with Client(server.address, PATIENT) as client:
        client.upsert_accounts(
            [AccountUpsert(account_id="A", currency="USD", limit=CreditLimit.of(100))]
        )
        client.check_and_reserve("A", "O", 60, "USD", ttl=timedelta(days=1))
        start = client.get_time()
        later = start + timedelta(days=2)
        assert client.set_time(later) == later == client.get_time()
        held = client.get_reservation(account_id="A", order_id="O")
        assert (held.expired_minor, held.state) == (60, ReservationState.CLOSED)
        with pytest.raises(OutOfRangeError) as caught:
            client.set_time(start)
        assert caught.value.reason == "CLOCK_BACKWARDS"


def test_a_server_by_the_system_clock_has_no_clock_calls(patient: Client) -> None:
    with pytest.raises(ServerError) as caught:
        patient.get_time()
    assert caught.value.status_code.name == "UNIMPLEMENTED"
