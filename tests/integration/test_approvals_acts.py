"""What people do about cases, over a real socket: once, again, later, and by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest

from creditgate.audit.books import Auditor
from creditgate.client import (
    AccessError,
    AccountUpsert,
    CaseStatus,
    Client,
    ConflictError,
    CreditLimit,
    Decision,
    DelegationResult,
    InvalidRequestError,
    NotFoundError,
    PreconditionError,
    ReasonCode,
    ReviewResult,
    UpsertResult,
)
from tests.conftest import StartServer
from tests.integration.test_approvals import SHORT, get, refer, refused
from tests.integration.test_cli_orders import Shell
from tests.integration.test_policy import as_, put_in_force
from tests.support.server import ServerProcess

# The clock of these tests stands until it is set.
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)

POLICY = """
[all.insufficient-credit]
outcome = "refer"

[approvals]
expire_after_hours = 72
[[approvals.bands]]
up_to = "5 USD"
roles = ["credit_analyst", "finance"]
[[approvals.bands]]
up_to = "20 USD"
roles = "finance"
signatures = 2
"""


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server on a clock that is set by hand, with an account of a limit of 100."""
    server = start_server(clock="manual")
    set_clock(server, NOW)
    with Client(server.address) as client:
        row = AccountUpsert(account_id="a", currency="USD", limit=CreditLimit.of(100))
        (opened,) = client.upsert_accounts([row])
        assert isinstance(opened, UpsertResult)
    put_in_force(server, POLICY)
    return server


def set_clock(server: ServerProcess, time: datetime) -> None:
    server.api.set_time(int(time.timestamp()))


def repeated(call: Callable[[], ReviewResult | DelegationResult]) -> None:
    """Asks twice, under the request id that the call names."""
    first, again = call(), call()
    assert not first.replayed
    if isinstance(first, ReviewResult) and first.order is not None:
        order = msgspec.structs.replace(first.order, replayed=True)
        first = msgspec.structs.replace(first, order=order)
    assert again == msgspec.structs.replace(first, replayed=True)


def test_what_is_done_about_a_case_is_done_once_however_often_it_is_asked(
    server: ServerProcess,
) -> None:
    with as_(server, "shop") as shop, as_(server, "fay") as fay, as_(server, "flo") as flo:
        case, other = refer(shop, "o", 150), refer(shop, "p", 160)
        repeated(lambda: fay.claim_case(case, comment="I look", role="finance", request_id="1"))
        repeated(lambda: fay.comment_on_case(case, "urgent", priority=7, request_id="2"))
        repeated(lambda: fay.escalate_case(case, comment="up", role="finance", request_id="3"))
        for client, name in ((fay, "4"), (flo, "5")):
            sign = partial(client.approve_case, case, SHORT, "seen", role="finance")
            repeated(partial(sign, request_id=name))
        repeated(lambda: fay.reject_case(other, "no", role="finance", request_id="6"))
        until = NOW + HOUR
        repeated(
            lambda: fay.delegate("flo", "away", expire_time=until, role="finance", request_id="7")
        )
        found = get(server, case)
        assert (found.status, found.level, found.priority) == (CaseStatus.USED, 1, 7)
        said = [(one.by, one.text) for one in found.comments]
        assert said == [
            ("fay", "I look"), ("fay", "urgent"), ("fay", "up"), ("fay", "seen"), ("flo", "seen")
        ]  # fmt: skip
        assert shop.get_position("a").reserved_minor == 150
        refused(
            ConflictError,
            "REQUEST_ID_REUSED",
            lambda: fay.reject_case(case, "no", role="finance", request_id="6"),
        )


def test_what_is_escalated_is_for_those_above(server: ServerProcess) -> None:
    with as_(server, "shop") as shop, as_(server, "ann") as ann, as_(server, "fay") as fay:
        case = refer(shop, "o", 150)
        assert ann.escalate_case(case, role="credit_analyst").status is CaseStatus.ESCALATED

        def sign() -> ReviewResult:
            return ann.approve_case(case, SHORT, "seen", role="credit_analyst")

        refused(AccessError, "APPROVAL_NOT_AUTHORISED", sign)
        refused(
            AccessError,
            "APPROVAL_NOT_AUTHORISED",
            lambda: ann.reject_case(case, "no", role="credit_analyst"),
        )
        refused(PreconditionError, "NOTHING_ABOVE", lambda: fay.escalate_case(case, role="finance"))
        assert fay.reject_case(case, "no", role="finance").status is CaseStatus.REJECTED


def test_a_delegation_holds_from_its_day_to_its_end(server: ServerProcess) -> None:
    with as_(server, "shop") as shop, as_(server, "ann") as ann, as_(server, "fay") as fay:
        cases = [refer(shop, order_id, 700) for order_id in ("o", "p")]
        start, end = NOW + 24 * HOUR, NOW + 48 * HOUR
        fay.delegate("ann", "holiday", start_time=start, expire_time=end, role="finance")
        (row,) = ann.list_delegations()
        assert (row.delegator, row.to, row.role) == ("fay", "ann", "finance")
        assert (row.start_time, row.expire_time) == (start, end)

        def sign(case: str) -> ReviewResult:
            return ann.approve_case(case, SHORT, "for fay", on_behalf_of="fay")

        refused(AccessError, "NOT_DELEGATED", lambda: sign(cases[0]))
        set_clock(server, start)
        assert sign(cases[0]).signatures_missing == 1
        (signed,) = get(server, cases[0]).signatures
        assert (signed.by, signed.on_behalf_of, signed.role) == ("ann", "fay", "finance")
        set_clock(server, end)
        refused(AccessError, "NOT_DELEGATED", lambda: sign(cases[1]))
        assert list(ann.list_delegations()) == []


def test_finance_ends_what_others_have_delegated_and_the_journal_says_who(
    server: ServerProcess,
) -> None:
    with as_(server, "fay") as fay, as_(server, "sam") as sam, as_(server, "flo") as flo:
        until = NOW + HOUR
        fay.delegate("ann", "away", expire_time=until, role="finance")

        def end(client: Client, role: str) -> DelegationResult:
            return client.delegate(
                "ann", "fay has left", expire_time=None, delegator="fay", role=role
            )

        refused(AccessError, "APPROVAL_NOT_AUTHORISED", lambda: end(sam, "supervisor"))
        refused(
            InvalidRequestError,
            "FIELD_INVALID",
            lambda: flo.delegate("bob", "x", expire_time=until, delegator="fay", role="finance"),
        )
        ended = end(flo, "finance")
        refused(NotFoundError, "DELEGATION_NOT_FOUND", lambda: end(flo, "admin"))
        assert list(fay.list_delegations()) == []
        told = list(flo.list_changes())[-1]
        assert (told.journal_seq, told.actor, told.reason) == (
            ended.journal_seq, "flo", "fay has left",
        )  # fmt: skip
    server.terminate()
    Auditor(server.store).advance()


def test_an_approval_that_is_over_lets_no_goods_leave(server: ServerProcess) -> None:
    with as_(server, "shop") as shop, as_(server, "fay") as fay:
        answer = shop.check_and_reserve("a", "o", 150, "USD", ttl=timedelta(days=9))
        signed = fay.approve_case(
            answer.case_id, SHORT, "seen", expire_time=NOW + HOUR, role="finance"
        )
        assert signed.status is CaseStatus.USED
        set_clock(server, NOW + HOUR - timedelta(seconds=1))
        assert shop.confirm(account_id="a", order_id="o").decision is Decision.APPROVED
        set_clock(server, NOW + HOUR)
        late = shop.confirm(account_id="a", order_id="o")
        codes = [reason.code for reason in late.reasons]
        assert late.decision is Decision.DECLINED
        assert ReasonCode.APPROVAL_EXPIRED in codes


def test_what_was_said_of_a_case_is_erased_with_its_account(server: ServerProcess) -> None:
    with as_(server, "shop") as shop, as_(server, "fay") as fay:
        case = refer(shop, "o", 150)
        fay.comment_on_case(case, "ask Ms Lee")
        fay.approve_case(case, SHORT, "Ms Lee has paid", role="finance")
        assert fay.erase_texts("a", "letter of 3 May").entries_erased == 2
    for restarted in (False, True):
        if restarted:
            server.restart()
        said = [(one.by, one.text) for one in get(server, case).comments]
        assert said == [("fay", ""), ("fay", "")]
    server.terminate()
    assert "Lee" not in "".join(Auditor(server.store).advance().texts.values())


def test_cases_by_hand(server: ServerProcess) -> None:
    shell = Shell(server)
    with as_(server, "shop") as shop:
        case, other = refer(shop, "o", 150), refer(shop, "p", 150)
    by = ("--actor", "fay", "--role", "finance")
    assert shell("case", "escalate", case, "--comment", "up", *by) == (
        f"case {case} is ESCALATED, 2 more signatures needed\n"
    )
    assert "NOTHING_ABOVE" in shell("case", "escalate", case, *by, exit_code=3)
    assert shell("case", "reject", other, "too much", *by) == f"case {other} is REJECTED\n"
    until = ("--until", (NOW + 24 * HOUR).isoformat())
    assert "ann may sign for you" in shell("case", "delegate", "ann", "away", *until, *by)
    (_, row) = shell("case", "delegations").splitlines()
    assert row.split()[:3] == ["fay", "ann", "finance"]
    assert "--of goes with --end" in shell(
        "case", "delegate", "ann", "x", "--of", "fay", *by, exit_code=2
    )
    ending = ("case", "delegate", "ann", "fay has left", "--end", "--of", "fay")
    assert "APPROVAL_NOT_AUTHORISED" in shell(
        *ending, "--actor", "sam", "--role", "supervisor", exit_code=3
    )
    assert shell(*ending, "--actor", "anna", "--role", "admin") == "ann signs for fay no longer\n"
    assert shell("case", "delegations").splitlines()[1:] == []
