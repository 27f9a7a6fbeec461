"""What a caller gets: messages of the contract as typed results."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from creditgate.client import (
    CreditLimit,
    Cure,
    Decision,
    ItemError,
    LimitKind,
    LimitLevel,
    LimitSource,
    Position,
    Reason,
    ReasonCode,
    ReasonUnit,
    ReservationState,
    ReserveResult,
)
from creditgate.client._account_results import position_from
from creditgate.client._common import limit_from, limit_message, reason_from
from creditgate.client._decision_results import (
    adjust_result,
    batch_results,
    capture_result,
    release_result,
    reservation_from,
    reserve_result,
)
from creditgate.v1 import account_pb2, common_pb2
from creditgate.v1 import decision_pb2 as pb

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_decline_with_all_its_parts() -> None:
    result = reserve_result(
        pb.CheckAndReserveResponse(
            result=pb.DecisionResult(
                decision=common_pb2.DECISION_DECLINED,
                reasons=[
                    common_pb2.Reason(code=common_pb2.REASON_CODE_ACCOUNT_SUSPENDED),
                    common_pb2.Reason(
                        code=common_pb2.REASON_CODE_INSUFFICIENT_CREDIT,
                        unit=common_pb2.REASON_UNIT_MINOR,
                        observed=500,
                        threshold=-20,
                    ),
                    common_pb2.Reason(
                        code=common_pb2.REASON_CODE_SEGMENT_CAP_EXCEEDED,
                        unit=common_pb2.REASON_UNIT_MINOR,
                        observed=500,
                        threshold=7,
                        level=common_pb2.LimitLevel(segment_id="retail"),
                    ),
                ],
                bound_by=common_pb2.LimitLevel(account_id="head"),
                available_minor=-20,
                fitting_amount_minor=0,
                journal_seq=7,
                decide_time=NOON,
                policy_version=1,
                replayed=True,
                cure=pb.Cure(invoice_id="i", open_minor=520, fits_from="2026-02-28"),
            )
        )
    )
    assert result == ReserveResult(
        decision=Decision.DECLINED,
        reasons=(
            Reason(ReasonCode.ACCOUNT_SUSPENDED),
            Reason(ReasonCode.INSUFFICIENT_CREDIT, ReasonUnit.MINOR, 500, -20),
            Reason(
                ReasonCode.SEGMENT_CAP_EXCEEDED,
                ReasonUnit.MINOR,
                500,
                7,
                LimitLevel(segment_id="retail"),
            ),
        ),
        available_minor=-20,
        fitting_amount_minor=0,
        journal_seq=7,
        decide_time=NOON,
        policy_version=1,
        replayed=True,
        bound_by=LimitLevel(account_id="head"),
        cure=Cure(invoice_id="i", open_minor=520, fits_from=date(2026, 2, 28)),
        reservation_id="",
        approved_amount_minor=0,
        expire_time=None,
        case_id="",
    )
    assert not result.approved


def test_absent_is_none_and_not_zero() -> None:
    approved = pb.DecisionResult(decision=common_pb2.DECISION_APPROVED)
    result = reserve_result(pb.CheckAndReserveResponse(result=approved))
    assert result.approved
    assert result.available_minor is None
    assert result.fitting_amount_minor is None
    assert result.decide_time is None


@pytest.mark.parametrize("decision", [0, 2, 3, 4, 99])
def test_only_approved_is_approved(decision: int) -> None:
    message = pb.CheckAndReserveResponse()
    message.result.decision = decision  # type: ignore[assignment]
    assert not reserve_result(message).approved


def test_days_are_dates() -> None:
    reason = reason_from(
        common_pb2.Reason(
            code=common_pb2.REASON_CODE_LIMIT_EXPIRED,
            unit=common_pb2.REASON_UNIT_DATE,
            observed=20_484,
            threshold=-1,
        )
    )
    assert reason.observed == date(2026, 1, 31)
    assert reason.threshold == date(1969, 12, 31)


RESERVATION = pb.Reservation(
    reservation_id="R-1",
    account_id="A-1",
    order_id="O-1",
    currency="USD",
    state=pb.RESERVATION_STATE_OPEN,
    open_minor=1,
    captured_minor=2,
    released_minor=3,
    expired_minor=4,
    expire_time=NOON,
    create_time=NOON,
)


def test_the_total_of_a_reservation_is_the_sum_of_its_parts() -> None:
    held = reservation_from(RESERVATION)
    assert held.total_minor == 10
    assert held.state is ReservationState.OPEN
    assert held.expire_time == held.create_time == NOON


def test_results_carry_the_reservation_as_it_stands() -> None:
    decided = pb.DecisionResult(decision=common_pb2.DECISION_APPROVED)
    held = reservation_from(RESERVATION)
    adjusted = adjust_result(pb.AdjustResponse(result=decided, reservation=RESERVATION))
    captured = capture_result(
        pb.CaptureResponse(
            result=decided, reservation=RESERVATION, captured_amount_minor=2, breach=True
        )
    )
    released = release_result(
        pb.ReleaseResponse(result=decided, reservation=RESERVATION, released_amount_minor=3)
    )
    assert adjusted.reservation == captured.reservation == released.reservation == held
    assert (captured.captured_amount_minor, captured.breach) == (2, True)
    assert released.released_amount_minor == 3


def test_a_batch_holds_results_and_errors_in_order() -> None:
    error = common_pb2.ItemError(code=5, reason="ACCOUNT_NOT_FOUND", message="no account 'X'")
    results = batch_results(
        pb.BatchCheckAndReserveResponse(
            results=[
                pb.BatchItemResult(error=error),
                pb.BatchItemResult(response=pb.CheckAndReserveResponse(reservation_id="R-1")),
            ]
        )
    )
    assert results[0] == ItemError("NOT_FOUND", "ACCOUNT_NOT_FOUND", "", "no account 'X'")
    assert isinstance(results[1], ReserveResult)
    assert results[1].reservation_id == "R-1"


@pytest.mark.parametrize(
    "limit",
    [
        CreditLimit.of(0),
        CreditLimit.of(12_345, valid_until=date(2026, 1, 31)),
        CreditLimit.unlimited(),
        CreditLimit.unlimited(valid_until=date(2026, 1, 31)),
        CreditLimit.no_credit(),
        CreditLimit.inherit(),
    ],
)
def test_limits_survive_the_wire(limit: CreditLimit) -> None:
    message = limit_message(limit)
    assert message is not None
    assert limit_from(common_pb2.CreditLimit.FromString(message.SerializeToString())) == limit


def test_no_limit_stays_absent() -> None:
    assert limit_message(None) is None


def position(limit: CreditLimit, exposure_minor: int) -> Position:
    message = account_pb2.Position(
        account_id="A-1",
        currency="USD",
        status=account_pb2.ACCOUNT_STATUS_ACTIVE,
        effective_limit=limit_message(limit),
        limit_source=account_pb2.LIMIT_SOURCE_NONE,
        exposure_minor=exposure_minor,
    )
    return position_from(message)


@pytest.mark.parametrize(
    ("limit", "exposure_minor", "utilisation"),
    [
        (CreditLimit.of(300), 100, Fraction(1, 3)),
        (CreditLimit.of(100), 150, Fraction(3, 2)),
        (CreditLimit.of(100), -50, Fraction(-1, 2)),
        (CreditLimit.of(0), 10, None),
        (CreditLimit.unlimited(), 10, None),
        (CreditLimit.no_credit(), 10, None),
    ],
)
def test_utilisation_is_exact(
    limit: CreditLimit, exposure_minor: int, utilisation: Fraction | None
) -> None:
    assert position(limit, exposure_minor).utilisation == utilisation


def test_a_limit_from_nowhere_is_not_an_unknown_one() -> None:
    found = position(CreditLimit.no_credit(), 0)
    assert found.limit_source is LimitSource.NONE
    assert found.effective_limit.kind is LimitKind.NO_CREDIT
    assert found.available_minor is None
