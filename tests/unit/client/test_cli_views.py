"""What people see, on narrow terminals above all: nothing is cut off, nothing can be misread."""

import json
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from creditgate.v1 import account_pb2, clock_pb2, common_pb2, conditions_pb2
from creditgate.v1 import decision_pb2 as pb
from tests.unit.client.conftest import Run
from tests.unit.client.scripted import Refusal, ScriptedServer

NARROW: dict[str, str | None] = {"COLUMNS": "80"}
LONG_ID = "ACME-" + "7" * 59
NO_MANUAL_CLOCK = Refusal(grpc.StatusCode.UNIMPLEMENTED)


def answer_position(
    scripted: ScriptedServer, account_id: str, valid_until: str = "", **fields: Any
) -> None:
    limit = common_pb2.CreditLimit(
        kind=common_pb2.LIMIT_KIND_AMOUNT, amount_minor=30_000, valid_until=valid_until
    )
    values: dict[str, Any] = {
        "currency": "USD",
        "status": account_pb2.ACCOUNT_STATUS_ACTIVE,
        "effective_limit": limit,
        "limit_source": account_pb2.LIMIT_SOURCE_SEGMENT,
        "exposure_minor": 10_000,
        "available_minor": 20_000,
        **fields,
    }
    found = account_pb2.Position(account_id=account_id, **values)
    scripted.answer("GetPosition", account_pb2.GetPositionResponse(position=found))


def facts_in(text: str) -> dict[str, str]:
    """The names and values of a list."""
    pairs = (line.partition("  ") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs if value}


def assert_fits(text: str, columns: int = 80) -> None:
    assert max(map(len, text.splitlines())) <= columns
    assert "\u2026" not in text, "cut off"


def test_one_position_is_a_list(run: Run, scripted: ScriptedServer) -> None:
    answer_position(scripted, LONG_ID, available_minor=-4_990_500, outstanding_minor=10**18)
    shown = run("position", LONG_ID, env=NARROW).stdout
    assert_fits(shown, columns=len(LONG_ID) + 20)
    facts = facts_in(shown)
    assert facts["available"] == "-49,905.00 USD"
    assert facts["outstanding"] == "10,000,000,000,000,000.00 USD"
    assert facts["limit"] == "300.00 USD"
    assert facts["limit set by"] == "the segment"
    assert facts["used"] == "33.3 %"


def test_groups_of_a_position_are_listed(run: Run, scripted: ScriptedServer) -> None:
    shared = [
        account_pb2.SharedPosition(
            level=common_pb2.LimitLevel(account_id="mid"), exposure_minor=30_000
        ),
        account_pb2.SharedPosition(
            level=common_pb2.LimitLevel(segment_id="retail"),
            limit_minor=50_000,
            exposure_minor=40_000,
            available_minor=10_000,
        ),
    ]
    bound_by = common_pb2.LimitLevel(segment_id="retail")
    answer_position(scripted, "A", available_minor=10_000, shared=shared, bound_by=bound_by)
    facts = facts_in(run("position", "A", env=NARROW).stdout)
    assert facts["which bounds"] == "segment retail"
    assert facts["mid and below"] == "exposure 300.00 USD, no limit together"
    assert facts["segment retail"] == "exposure 400.00 USD of 500.00 USD"


def test_what_holds_for_a_time_is_listed(run: Run, scripted: ScriptedServer) -> None:
    hold = conditions_pb2.Hold(
        hold_id="F-7", kind=conditions_pb2.HOLD_KIND_FRAUD, source="radar", reason="[b]stolen"
    )
    hold.expire_time.FromSeconds(1_800_000_000)
    limit = conditions_pb2.TemporaryLimit(
        limit_id="fair",
        kind=conditions_pb2.TEMPORARY_LIMIT_KIND_INCREASE,
        amount_minor=5_000,
        first_date="2026-03-01",
        last_date="2026-03-05",
    )
    rolling = conditions_pb2.RollingLimit(hard_cap_minor=90_000, days=30, average_minor=100)
    answer_position(
        scripted,
        "A",
        holds=[hold],
        temporary_limits=[limit],
        rolling_limit=rolling,
        limit_source=account_pb2.LIMIT_SOURCE_OVERRIDE,
    )
    facts = facts_in(run("position", "A", env={"COLUMNS": "120"}).stdout)
    assert facts["limit set by"] == "an override of today"
    assert facts["available"] == "200.00 USD (takes no orders: on hold)"
    assert facts["hold F-7"] == "fraud by radar until 2027-01-15 08:00:00 UTC: [b]stolen"
    assert facts["hard cap"] == "900.00 USD, limit on average of 30 days: 1.00 USD"
    assert facts["for a time fair"] == "increase 50.00 USD, 2026-03-01 to 2026-03-05"


def test_segments_are_a_table(run: Run, scripted: ScriptedServer) -> None:
    limit = common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_AMOUNT, amount_minor=50_000)
    capped = account_pb2.SegmentPosition(
        segment_id="gold", currency="USD", cap_minor=0, exposure_minor=100, available_minor=-100
    )
    plain = account_pb2.SegmentPosition(segment_id="tin", currency="JPY", default_limit=limit)
    scripted.answer("ListSegments", account_pb2.ListSegmentsResponse(segments=[capped, plain]))
    shown = run("segment", "list", env={"COLUMNS": "100"}).stdout
    _, first, second = shown.splitlines()
    assert first.split() == ["gold", "USD", "0.00", "USD", "1.00", "USD", "-1.00", "USD"]
    assert second.split() == ["tin", "JPY", "50,000", "JPY", "0", "JPY"]


def test_several_positions_are_a_table(run: Run, scripted: ScriptedServer) -> None:
    for name in ("A", "[red]B"):
        answer_position(scripted, name, available_minor=-4_990_500)
    shown = run("position", "A", "[red]B", env=NARROW).stdout
    assert_fits(shown)
    header, *rows = shown.splitlines()
    assert header.split()[:5] == ["account", "currency", "limit", "exposure", "available"]
    assert [row.split() for row in rows] == [
        [name, "USD", "300.00", "100.00", "-49,905.00", "33.3", "%", "yes"]
        for name in ("A", "[red]B")  # a value, not markup
    ]


def test_what_does_not_fit_beside_one_another_is_listed(run: Run, scripted: ScriptedServer) -> None:
    answer_position(scripted, LONG_ID)
    answer_position(scripted, "B", available_minor=10**18)
    shown = run("position", LONG_ID, "B", env={"COLUMNS": "90"}).stdout
    assert_fits(shown, columns=90)
    first, second = shown.strip().split("\n\n")
    assert facts_in(first)["account"] == LONG_ID
    assert facts_in(second)["available"] == "10,000,000,000,000,000.00"


def test_into_a_pipe_a_row_is_a_line(run: Run, scripted: ScriptedServer) -> None:
    for name in (LONG_ID, "B"):
        answer_position(scripted, name, available_minor=10**18)
    shown = run("position", LONG_ID, "B", env={"COLUMNS": None}).stdout
    assert len(shown.splitlines()) == 3
    assert LONG_ID in shown


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": account_pb2.ACCOUNT_STATUS_SUSPENDED}, "suspended"),
        ({"status": account_pb2.ACCOUNT_STATUS_CLOSED}, "closed"),
        ({"valid_until": "2000-01-01"}, "limit expired"),
        (
            {"effective_limit": common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_NO_CREDIT)},
            "no credit",
        ),
    ],
)
def test_credit_that_cannot_be_used_says_so(
    run: Run, scripted: ScriptedServer, fields: dict[str, Any], why: str
) -> None:
    scripted.answer("GetTime", NO_MANUAL_CLOCK, NO_MANUAL_CLOCK)
    for _ in range(3):
        answer_position(scripted, "A", **fields)
    shown = run("position", "A", env=NARROW).stdout
    assert facts_in(shown)["available"] == f"200.00 USD (takes no orders: {why})"
    assert f"no: {why}" in run("position", "A", "A").stdout


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (datetime(2000, 1, 31, 23, 59, tzinfo=UTC), False),
        (datetime(2000, 2, 1, tzinfo=UTC), True),
    ],
)
def test_a_limit_expires_by_the_clock_of_the_server(
    run: Run, scripted: ScriptedServer, now: datetime, expired: bool
) -> None:
    reply = clock_pb2.GetTimeResponse()
    reply.time.FromDatetime(now)
    scripted.answer("GetTime", reply)
    answer_position(scripted, "A", valid_until="2000-01-31")
    assert ("limit expired" in run("position", "A").stdout) == expired


def test_a_watch_into_a_pipe_is_one_line_for_each_change(
    run: Run, scripted: ScriptedServer
) -> None:
    for amount in (1, 2):
        found = account_pb2.Position(account_id="A", reserved_minor=amount)
        scripted.answer("WatchPositions", account_pb2.WatchPositionsResponse(position=found))
    result = run("position", "A", "--watch")
    assert [json.loads(line)["reserved_minor"] for line in result.stdout.splitlines()] == [1, 2]


def test_lists_of_accounts_and_reservations_keep_every_character(
    run: Run, scripted: ScriptedServer
) -> None:
    name = "A customer with a very long name " * 5
    account = account_pb2.Account(account_id="ACME-" + "7" * 20, display_name=name, currency="USD")
    scripted.answer("ListAccounts", account_pb2.ListAccountsResponse(accounts=[account]))
    shown = run("account", "list", env=NARROW).stdout
    assert_fits(shown)
    assert account.account_id in shown
    assert shown.count("customer") == name.count("customer")

    held = pb.Reservation(
        reservation_id="R" * 36,
        account_id="A",
        order_id="O" * 30,
        currency="USD",
        open_minor=10**18,
    )
    scripted.answer("ListReservations", pb.ListReservationsResponse(reservations=[held]))
    shown = run("reservation", "list", env=NARROW).stdout
    assert_fits(shown)
    for whole in (held.reservation_id, held.order_id, "10,000,000,000,000,000.00 USD"):
        assert whole in shown


def test_the_parts_of_an_answer_are_aligned(run: Run, scripted: ScriptedServer) -> None:
    response = pb.CheckAndReserveResponse(
        result=pb.DecisionResult(decision=common_pb2.DECISION_APPROVED, available_minor=5),
        approved_amount_minor=12_550,
        reservation_id="R-1",
    )
    response.expire_time.FromDatetime(datetime(2026, 1, 31, tzinfo=UTC))
    scripted.answer("CheckAndReserve", response)
    shown = run("reserve", "A", "O", "125.50", "USD", env=NARROW).stdout
    values = ("0.05 USD", "125.50 USD", "R-1", "2026-01-31")
    lines = shown.splitlines()[1:]
    assert len({line.index(value) for line, value in zip(lines, values, strict=True)}) == 1
