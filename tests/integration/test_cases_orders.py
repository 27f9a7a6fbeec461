"""Orders that go wrong elsewhere: races, late shipments, growth, cancellations, moving limits."""

import grpc
import pytest

from creditgate.audit.books import Auditor
from creditgate.v1 import account_pb2 as accounts_v1
from creditgate.v1 import common_pb2 as common_v1
from creditgate.v1 import decision_pb2 as decision_v1
from tests.conftest import StartServer
from tests.support.api import (
    APPROVED,
    DECLINED,
    INSUFFICIENT,
    PARTIALLY_APPROVED,
    TIMEOUT_S,
    Api,
    Refused,
    entry,
    refused,
)
from tests.support.server import ServerProcess

CLOSED = decision_v1.RESERVATION_STATE_CLOSED
DAY_S = 86_400


def parts(position: accounts_v1.Position) -> tuple[int, int, int]:
    """Outstanding, captured, reserved."""
    return position.outstanding_minor, position.captured_minor, position.reserved_minor


def reasons(result: decision_v1.DecisionResult) -> list[tuple[int, int, int]]:
    return [(reason.code, reason.observed, reason.threshold) for reason in result.reasons]


def test_200_concurrent_orders_fill_a_limit_exactly(server: ServerProcess) -> None:
    api = server.api
    api.open_account("hot", 10_050)
    calls = [
        api.decisions.CheckAndReserve.future(api.order("hot", f"o{i}", 100), timeout=TIMEOUT_S)
        for i in range(200)
    ]
    answers = [call.result() for call in calls]
    approved = [answer for answer in answers if answer.result.decision == APPROVED]
    assert len(approved) == 100
    assert all(answer.approved_amount_minor == 100 for answer in approved)
    for answer in answers:
        if answer.result.decision != APPROVED:
            assert answer.result.decision == DECLINED
            assert reasons(answer.result) == [(INSUFFICIENT, 100, 50)]
            assert answer.result.fitting_amount_minor == 50
    assert parts(api.position("hot")) == (0, 0, 10_000)
    assert api.position("hot").available_minor == 50
    server.kill()
    assert Auditor(server.store).advance().account("hot").reserved == 10_000


def test_concurrent_partial_orders_fill_a_limit_to_the_last_cent(api: Api) -> None:
    api.open_account("hot", 10_050)
    calls = [
        api.decisions.CheckAndReserve.future(
            api.order("hot", f"o{i}", 100, allow_partial=True), timeout=TIMEOUT_S
        )
        for i in range(200)
    ]
    answers = [call.result() for call in calls]
    found = [answer.result.decision for answer in answers]
    assert (found.count(APPROVED), found.count(PARTIALLY_APPROVED)) == (100, 1)
    assert sum(answer.approved_amount_minor for answer in answers) == 10_050
    assert api.position("hot").available_minor == 0


def test_captures_race_for_one_reservation(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 100)
    calls = [
        api.decisions.Capture.future(
            decision_v1.CaptureRequest(
                request_id=f"r{i}", account_id="a", order_id="o", invoice_id=f"i{i}",
                amount_minor=60,
            ),
            timeout=TIMEOUT_S,
        )
        for i in range(2)
    ]  # fmt: skip
    answers = [call.result() for call in calls]
    # The second needs 20 more than is open, and the account has nothing left.
    assert sorted(answer.captured_amount_minor for answer in answers) == [0, 60]
    (late,) = [answer for answer in answers if answer.captured_amount_minor == 0]
    assert late.result.decision == DECLINED
    assert reasons(late.result) == [(INSUFFICIENT, 20, 0)]
    assert parts(api.position("a")) == (0, 60, 40)


def test_captures_of_all_that_is_open_race(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 100)
    calls = [
        api.decisions.Capture.future(
            decision_v1.CaptureRequest(
                request_id=f"r{i}", account_id="a", order_id="o", invoice_id=f"i{i}"
            ),
            timeout=TIMEOUT_S,
        )
        for i in range(2)
    ]
    errors = [call.exception() for call in calls]
    assert [error is None for error in errors].count(True) == 1
    (error,) = [error for error in errors if error is not None]
    assert isinstance(error, grpc.Call)
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert parts(api.position("a")) == (0, 100, 0)


@pytest.fixture
def expired(start_server: StartServer) -> Api:
    """An account with a limit of 100, whose order "o" over 80 has expired."""
    api = start_server(clock="manual").api
    api.set_time(1_000 * DAY_S)
    api.open_account("a", 100)
    api.reserve("a", "o", 80, ttl_s=DAY_S)
    api.set_time(1_001 * DAY_S)
    reservation = api.reservation("a", "o")
    assert (reservation.state, reservation.expired_minor, reservation.open_minor) == (CLOSED, 80, 0)
    assert parts(api.position("a")) == (0, 0, 0)
    return api


def test_a_late_capture_is_reserved_anew_if_it_fits(expired: Api) -> None:
    answer = expired.capture("a", "o", "i", amount_minor=80)
    assert answer.result.decision == APPROVED
    assert answer.captured_amount_minor == 80
    assert parts(expired.position("a")) == (0, 80, 0)


def test_a_late_capture_that_no_longer_fits_is_declined(expired: Api) -> None:
    expired.reserve("a", "other", 50)
    answer = expired.capture("a", "o", "i", amount_minor=80)
    assert answer.result.decision == DECLINED
    assert reasons(answer.result) == [(INSUFFICIENT, 80, 50)]
    assert parts(expired.position("a")) == (0, 0, 50)


def test_a_late_capture_of_all_that_is_open_says_that_nothing_is(expired: Api) -> None:
    assert refused(lambda: expired.capture("a", "o", "i")) == Refused(
        grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_OPEN", ("amount_minor",)
    )


def test_a_forced_capture_never_fails_and_leaves_a_breach(
    start_server: StartServer,
) -> None:
    server = start_server(clock="manual")
    api = server.api
    api.set_time(1_000 * DAY_S)
    api.open_account("a", 100)
    api.reserve("a", "o", 80, ttl_s=DAY_S)
    api.set_time(1_001 * DAY_S)
    api.reserve("a", "other", 50)
    answer = api.capture("a", "o", "i", amount_minor=80, forced=True)
    assert (answer.result.decision, answer.breach) == (APPROVED, True)
    assert reasons(answer.result) == [(INSUFFICIENT, 80, 50)]
    assert parts(api.position("a")) == (0, 80, 50)
    assert api.position("a").available_minor == -30
    server.kill()
    assert Auditor(server.store).advance().breaches == [answer.result.journal_seq]


def test_a_forced_capture_passes_every_rule_and_names_each_in_order(api: Api) -> None:
    limit = common_v1.CreditLimit(
        kind=common_v1.LIMIT_KIND_AMOUNT, amount_minor=10, valid_until="2020-01-01"
    )
    api.open_account("a", 100)
    api.reserve("a", "o", 60)
    row = accounts_v1.AccountUpsert(
        account_id="a", currency="USD", limit=limit, max_order_amount_minor=5
    )
    api.upsert([row])
    api.accounts.SuspendAccount(
        accounts_v1.SuspendAccountRequest(request_id="s", account_id="a", reason="test"),
        timeout=TIMEOUT_S,
    )
    asked = api.capture("a", "o", "i", amount_minor=80)
    assert (asked.result.decision, asked.captured_amount_minor) == (DECLINED, 0)
    forced = api.capture("a", "o", "i", amount_minor=80, forced=True)
    assert (forced.result.decision, forced.breach) == (APPROVED, True)
    for answer in (asked, forced):
        assert [code for code, _, _ in reasons(answer.result)] == [
            common_v1.REASON_CODE_ACCOUNT_SUSPENDED,
            common_v1.REASON_CODE_LIMIT_EXPIRED,
            common_v1.REASON_CODE_MAX_ORDER_AMOUNT_EXCEEDED,
            INSUFFICIENT,
        ]
    assert parts(api.position("a")) == (0, 80, 0)


def test_only_what_is_still_open_expires(start_server: StartServer) -> None:
    api = start_server(clock="manual").api
    api.set_time(DAY_S)
    api.open_account("a", 100)
    api.reserve("a", "o", 80, ttl_s=DAY_S)
    api.capture("a", "o", "i", amount_minor=30)
    api.release("a", "o", amount_minor=10)
    api.set_time(2 * DAY_S)
    found = api.reservation("a", "o")
    assert (
        found.open_minor, found.captured_minor, found.released_minor, found.expired_minor
    ) == (0, 30, 10, 40)  # fmt: skip
    assert parts(api.position("a")) == (0, 30, 0)


def test_the_excess_of_a_capture_is_checked_like_an_order(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    too_much = api.capture("a", "o", "i", amount_minor=101)
    assert too_much.result.decision == DECLINED
    assert reasons(too_much.result) == [(INSUFFICIENT, 21, 20)]
    assert parts(api.position("a")) == (0, 0, 80)
    assert api.capture("a", "o", "i", amount_minor=100).result.decision == APPROVED
    assert parts(api.position("a")) == (0, 100, 0)


def test_an_invoice_after_its_capture_counts_once(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    api.capture("a", "o", "i")
    api.post(entry("e", "a", "invoice", 80, invoice_id="i"))
    assert parts(api.position("a")) == (80, 0, 0)


def test_an_invoice_before_its_capture_counts_once(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    api.post(entry("e", "a", "invoice", 50, invoice_id="i", order_id="o"))
    assert parts(api.position("a")) == (50, 0, 30)
    assert api.capture("a", "o", "i", amount_minor=50).captured_amount_minor == 0
    assert parts(api.position("a")) == (50, 0, 30)


def test_an_invoice_without_its_order_counts_once_when_captured(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    api.post(entry("e", "a", "invoice", 50, invoice_id="i"))
    assert parts(api.position("a")) == (50, 0, 80)
    api.capture("a", "o", "i", amount_minor=50)
    assert parts(api.position("a")) == (50, 0, 30)


def test_an_invoice_without_any_capture_counts_once(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    api.post(entry("e", "a", "invoice", 80, invoice_id="i", order_id="o"))
    assert parts(api.position("a")) == (80, 0, 0)
    assert api.reservation("a", "o").state == CLOSED


def test_a_refused_growth_leaves_the_reservation(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    answer = api.adjust("a", "o", 101)
    assert answer.result.decision == DECLINED
    assert reasons(answer.result) == [(INSUFFICIENT, 21, 20)]
    assert answer.reservation.open_minor == api.reservation("a", "o").open_minor == 80
    assert parts(api.position("a")) == (0, 0, 80)


def test_a_cancelled_order_gives_back_exactly_what_it_held(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    api.adjust("a", "o", 95)
    api.capture("a", "o", "i", amount_minor=15)
    assert api.release("a", "o").released_amount_minor == 80
    assert parts(api.position("a")) == (0, 15, 0)
    # Once more gives back nothing more.
    assert api.release("a", "o").released_amount_minor == 0
    assert parts(api.position("a")) == (0, 15, 0)


def test_a_closed_order_opened_again_is_checked_in_full(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    api.release("a", "o")
    api.reserve("a", "other", 50)
    answer = api.adjust("a", "o", 80)
    assert answer.result.decision == DECLINED
    assert reasons(answer.result) == [(INSUFFICIENT, 80, 50)]
    assert api.adjust("a", "o", 50).result.decision == APPROVED
    assert parts(api.position("a")) == (0, 0, 100)


def test_a_limit_of_zero_is_not_the_absence_of_one(api: Api) -> None:
    api.open_account("zero", 0)
    api.open_account("none")
    zero, none = api.reserve("zero", "o", 1), api.reserve("none", "o", 1)
    assert reasons(zero.result) == [(INSUFFICIENT, 1, 0)]
    assert reasons(none.result) == [(common_v1.REASON_CODE_NO_CREDIT_LIMIT, 0, 0)]
    sources = [api.position(name).limit_source for name in ("zero", "none")]
    assert sources == [accounts_v1.LIMIT_SOURCE_ACCOUNT, accounts_v1.LIMIT_SOURCE_NONE]


def test_a_limit_cut_below_exposure_leaves_reservations_alone(api: Api) -> None:
    api.open_account("a", 100)
    api.reserve("a", "o", 80)
    api.open_account("a", 30)
    assert api.reservation("a", "o").open_minor == 80
    assert api.position("a").available_minor == -50
    assert reasons(api.reserve("a", "other", 1).result) == [(INSUFFICIENT, 1, -50)]
    # The order that stands may be shipped.
    assert api.capture("a", "o", "i").result.decision == APPROVED


@pytest.mark.parametrize("stop", ["kill", "terminate"])
def test_a_removed_name_stays_removed_after_a_restart(server: ServerProcess, stop: str) -> None:
    def name() -> str:
        request = accounts_v1.GetAccountRequest(account_id="a")
        return str(server.api.accounts.GetAccount(request, timeout=TIMEOUT_S).account.display_name)

    server.api.open_account("a", 1, display_name="Ann")
    assert name() == "Ann"
    server.api.open_account("a", display_name="")
    assert name() == ""
    getattr(server, stop)()
    server.start()
    assert name() == ""
