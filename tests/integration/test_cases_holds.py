"""Holds, temporary and rolling limits: the next order, the clock, kill -9, bad input, watches."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import grpc
import pytest

from creditgate.audit.books import Auditor
from creditgate.client import (
    AccountUpsert,
    CallError,
    Client,
    CreditLimit,
    Decision,
    HoldKind,
    InvalidRequestError,
    LimitSource,
    NotFoundError,
    PreconditionError,
    ReasonCode,
    RollingLimit,
    TemporaryLimitKind,
    UpsertOutcome,
)
from creditgate.v1 import account_pb2 as accounts_v1
from tests.conftest import StartServer
from tests.support.api import TIMEOUT_S, Api, Refused, refused
from tests.support.server import ServerProcess

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = NOON.date()
INCREASE, OVERRIDE = TemporaryLimitKind.INCREASE, TemporaryLimitKind.OVERRIDE


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server whose clock stands at noon."""
    server = start_server(clock="manual")
    with Client(server.address) as client:
        client.set_time(NOON)
        client.upsert_accounts(
            [AccountUpsert(account_id="a", currency="USD", limit=CreditLimit.of(100))]
        )
    return server


def codes(client: Client, amount_minor: int = 1) -> list[tuple[str, str]]:
    """Why an order of this amount is declined: each rule, and its hold."""
    result = client.check("a", amount_minor, "USD")
    assert (result.decision is Decision.APPROVED) == (not result.reasons)
    return [(reason.code.value, reason.hold_id) for reason in result.reasons]


def test_a_hold_is_seen_by_the_next_order_and_ends_by_itself(client: Client) -> None:
    reserved = client.check_and_reserve("a", "o", 40, "USD")
    until = NOON + timedelta(hours=1)
    placed = client.place_hold(
        "a", "F-7", "card reported stolen", kind=HoldKind.FRAUD, source="radar", expire_time=until
    )
    assert placed.outcome is UpsertOutcome.CREATED
    client.place_hold("a", "desk", "calls nobody back")
    assert codes(client) == [("FRAUD_SUSPENSION", "F-7"), ("ACCOUNT_ON_HOLD", "desk")]
    refused = client.confirm(reservation_id=reserved.reservation_id)
    assert refused.decision is Decision.DECLINED
    fraud, desk = client.get_position("a").holds
    assert (fraud.source, fraud.expire_time, fraud.reason) == (
        "radar",
        until,
        "card reported stolen",
    )
    assert (desk.kind, desk.place_time, desk.expire_time) == (HoldKind.MANUAL, NOON, None)
    client.set_time(until)
    assert codes(client) == [("ACCOUNT_ON_HOLD", "desk")]
    assert [hold.hold_id for hold in client.get_account("a").holds] == ["desk"]
    (listed,) = client.list_accounts()
    assert [(hold.hold_id, hold.reason) for hold in listed.holds] == [("desk", "calls nobody back")]
    client.lift_hold("a", "desk", "called back")
    assert codes(client) == []
    assert client.confirm(reservation_id=reserved.reservation_id).decision is Decision.APPROVED


def test_limits_of_some_days_come_and_go(client: Client) -> None:
    client.set_temporary_limit("a", "fair", INCREASE, 50, "trade fair", last_date=TODAY)
    tomorrow = TODAY + timedelta(days=1)
    client.set_temporary_limit(
        "a", "audit", OVERRIDE, 30, "audit", first_date=tomorrow, last_date=tomorrow
    )
    position = client.get_position("a")
    assert position.effective_limit == CreditLimit.of(150)
    assert position.limit_source is LimitSource.ACCOUNT
    assert [limit.limit_id for limit in position.temporary_limits] == ["fair"]
    assert client.check_and_reserve("a", "o", 150, "USD").decision is Decision.APPROVED
    client.set_time(NOON + timedelta(days=1))
    position = client.get_position("a")
    assert position.effective_limit == CreditLimit.of(30, valid_until=tomorrow)
    assert position.limit_source is LimitSource.OVERRIDE
    assert (position.exposure_minor, position.available_minor) == (150, -120)
    account = client.get_account("a")
    assert [limit.limit_id for limit in account.temporary_limits] == ["audit"]
    assert account.limit == CreditLimit.of(100)
    client.set_time(NOON + timedelta(days=2))
    assert client.get_position("a").effective_limit == CreditLimit.of(100)
    with pytest.raises(NotFoundError, match="has ended"):
        client.remove_temporary_limit("a", "audit", "too late")


def test_what_was_answered_survives_a_kill(server: ServerProcess) -> None:
    with Client(server.address) as client:
        placed = client.place_hold("a", "h", "late", kind=HoldKind.BUREAU, request_id="r1")
        client.set_temporary_limit("a", "t", INCREASE, 20, "season", last_date=TODAY)
        client.capture(
            account_id="a", order_id="gone", amount_minor=130, invoice_id="i", forced=True
        )
    server.kill()
    books = Auditor(server.store).advance()
    assert list(books.account("a").holds) == ["h"]
    assert books.ceiling(books.account("a")) == 120
    assert len(books.breaches) == 1, "goods that left while the account was held"
    server.start()
    with Client(server.address) as client:
        assert codes(client) == [("BUREAU_SUSPENSION", "h"), ("INSUFFICIENT_CREDIT", "")]
        assert client.get_position("a").effective_limit == CreditLimit.of(120)
        again = client.place_hold("a", "h", "late", kind=HoldKind.BUREAU, request_id="r1")
        assert (again.journal_seq, again.replayed) == (placed.journal_seq, True)
        (hold,) = client.get_account("a").holds
        assert hold.reason == "late"
        same = client.place_hold("a", "h", "late", kind=HoldKind.BUREAU)
        assert same.outcome is UpsertOutcome.UNCHANGED
        changed = client.place_hold("a", "h", "later", kind=HoldKind.BUREAU)
        assert changed.outcome is UpsertOutcome.UPDATED


def test_a_customer_may_peak_until_its_average_reaches_its_limit(server: ServerProcess) -> None:
    with Client(server.address) as client:
        placed = client.set_rolling_limit("a", 250, 2, "good payer")
        assert placed.outcome is UpsertOutcome.CREATED
        assert client.check("a", 101, "USD").decision is Decision.DECLINED
        # The rest of this day is no whole one.
        midnight = NOON + timedelta(hours=12)
        client.set_time(midnight + timedelta(days=2))
        client.check_and_reserve("a", "o", 240, "USD", ttl=timedelta(days=30))
        client.set_time(midnight + timedelta(days=3, hours=12))
        position = client.get_position("a")
        assert position.available_minor == 10
        # 240 for 36 of 60 hours.
        assert position.rolling_limit == RollingLimit(hard_cap_minor=250, days=2, average_minor=144)
    server.kill()
    books = Auditor(server.store).advance()
    assert books.account("a").hard_cap == 250
    server.start()
    with Client(server.address) as client:
        (reason,) = client.check("a", 1, "USD").reasons
        assert (reason.code, reason.observed, reason.threshold) == (
            ReasonCode.ROLLING_AVERAGE_EXCEEDED,
            144,
            100,
        )
        client.remove_rolling_limit("a", "no more")
        assert codes(client) == [("INSUFFICIENT_CREDIT", "")]
        assert client.get_account("a").rolling_limit is None
        with pytest.raises(NotFoundError, match="no rolling limit"):
            client.remove_rolling_limit("a", "again")


BAD: list[tuple[type[CallError], str, str, Callable[[Client], object]]] = [
    (
        NotFoundError,
        "ACCOUNT_NOT_FOUND",
        "account_id",
        lambda client: client.place_hold("nobody", "h", "why"),
    ),
    (NotFoundError, "HOLD_NOT_FOUND", "hold_id", lambda client: client.lift_hold("a", "h", "why")),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "reason",
        lambda client: client.place_hold("a", "h", ""),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "expire_time",
        lambda client: client.place_hold("a", "h", "why", expire_time=NOON),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "last_date",
        lambda client: client.set_temporary_limit(
            "a", "t", INCREASE, 1, "why", last_date=TODAY - timedelta(days=1)
        ),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "first_date",
        lambda client: client.set_temporary_limit(
            "a", "t", INCREASE, 1, "why", first_date=date(2027, 1, 1), last_date=TODAY
        ),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "amount_minor",
        lambda client: client.set_temporary_limit("a", "t", INCREASE, 0, "why", last_date=TODAY),
    ),
    (
        InvalidRequestError,
        "FIELD_INVALID",
        "days",
        lambda client: client.set_rolling_limit("a", 1, 367, "why"),
    ),
    (
        PreconditionError,
        "OVERRIDES_OVERLAP",
        "limit_id",
        lambda client: client.set_temporary_limit("a", "t", OVERRIDE, 0, "why", last_date=TODAY),
    ),
]


@pytest.mark.parametrize(("error", "reason", "field", "call"), BAD)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    client: Client,
    error: type[CallError],
    reason: str,
    field: str,
    call: Callable[[Client], object],
) -> None:
    client.set_temporary_limit("a", "first", OVERRIDE, 90, "why", last_date=TODAY)
    before = client.get_account("a")
    with pytest.raises(error) as raised:
        call(client)
    assert raised.value.reason == reason
    assert [violation.field for violation in raised.value.field_violations] == [field]
    assert client.get_account("a") == before


def test_a_kind_has_to_be_said(api: Api) -> None:
    hold = accounts_v1.PlaceHoldRequest(request_id="r", account_id="a", hold_id="h", reason="why")
    limit = accounts_v1.SetTemporaryLimitRequest(
        request_id="r", account_id="a", limit_id="t", last_date="2099-12-31", reason="why"
    )
    expected = Refused(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", ("kind",))
    assert refused(lambda: api.accounts.PlaceHold(hold, timeout=TIMEOUT_S)) == expected
    assert refused(lambda: api.accounts.SetTemporaryLimit(limit, timeout=TIMEOUT_S)) == expected


def test_who_watches_is_told_of_holds(client: Client) -> None:
    watch = client.watch_positions(["a"])
    assert next(watch).holds == ()
    client.place_hold("a", "h", "why")
    (hold,) = next(watch).holds
    assert hold.hold_id == "h"
    watch.close()
