"""Orders that are referred, signed and reserved, over a real socket."""

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from creditgate.audit.books import Auditor
from creditgate.client import (
    AccessError,
    AccountUpsert,
    CallError,
    Case,
    CaseOrder,
    CaseStatus,
    Client,
    ClientOptions,
    CreditLimit,
    Decision,
    InvalidRequestError,
    NotFoundError,
    PreconditionError,
    ReasonCode,
    ReviewResult,
    UpsertResult,
)
from tests.conftest import StartServer
from tests.integration.test_policy import as_, put_in_force
from tests.support.credentials import token_line, write_lines
from tests.support.server import ServerProcess

POLICY = """
[all.insufficient-credit]
outcome = "refer"
[all.account-on-hold]
outcome = "refer"

[approvals]
[[approvals.bands]]
up_to = "5 USD"
roles = ["credit_analyst", "finance"]
[[approvals.bands]]
roles = ["finance"]
signatures = 2
"""

SHORT = [ReasonCode.INSUFFICIENT_CREDIT]


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server with an account of a limit of 100, whose policy lets people sign beyond it."""
    server = start_server()
    prepare(server)
    return server


def prepare(server: ServerProcess) -> None:
    with Client(server.address) as client:
        row = AccountUpsert(account_id="a", currency="USD", limit=CreditLimit.of(100))
        (opened,) = client.upsert_accounts([row])
        assert isinstance(opened, UpsertResult)
    put_in_force(server, POLICY)


def refer(client: Client, order_id: str, amount: int) -> str:
    """The case of an order that does not fit."""
    answer = client.check_and_reserve("a", order_id, amount, "USD")
    assert (answer.decision, answer.reservation_id) == (Decision.REFERRED, "")
    return answer.case_id


def approve(server: ServerProcess, who: str, case_id: str, role: str = "finance") -> ReviewResult:
    with as_(server, who) as client:
        return client.approve_case(case_id, SHORT, "seen", role=role)


def test_an_order_is_signed_and_its_client_is_told(server: ServerProcess) -> None:
    with as_(server, "shop") as shop:
        case_id = refer(shop, "o", 150)
        watch = shop.watch_reservation("a", "o", timeout_s=30)
        first = next(watch)
        assert (first.case_id, first.case_status) == (case_id, CaseStatus.OPEN)
        assert first.reservation is None
        signed = approve(server, "carla", case_id, "credit_analyst")
        assert (signed.status, signed.signatures_missing) == (CaseStatus.USED, 0)
        told = next(watch)
        assert signed.order is not None
        assert told.reservation is not None
        assert told.reservation.reservation_id == signed.order.reservation_id
        assert (told.case_status, told.reservation.open_minor) == (CaseStatus.USED, 150)
        watch.close()
        again = shop.check_and_reserve("a", "o", 150, "USD")
        assert (again.decision, again.case_id) == (Decision.APPROVED, case_id)
        assert again.reservation_id == signed.order.reservation_id
        assert shop.get_position("a").reserved_minor == 150
        assert shop.confirm(account_id="a", order_id="o").decision is Decision.APPROVED
        why = shop.get_decision(reservation_id=again.reservation_id)
        assert (why.command, why.actor, why.currency) == ("approve_case", "carla", "USD")
        assert (why.reservation_id, why.reasons) == (again.reservation_id, signed.order.reasons)
    found = get(server, case_id)
    assert [(one.by, one.role) for one in found.signatures] == [("carla", "credit_analyst")]
    assert [(one.by, one.text) for one in found.comments] == [("carla", "seen")]
    assert found.asked_by == ["shop"]
    server.terminate()
    auditor = Auditor(server.store).advance()
    signed_at = [one.seq for one in auditor.answers.values() if "review_case" in one.command]
    assert auditor.approved == signed_at


def get(server: ServerProcess, case_id: str) -> Case:
    with Client(server.address) as client:
        return client.get_case(case_id)


def refused(error: type[CallError], reason: str, call: object) -> None:
    assert callable(call)
    with pytest.raises(error) as raised:
        call()
    assert raised.value.reason == reason


def test_who_may_not_sign_is_told_why(server: ServerProcess) -> None:
    with as_(server, "shop") as shop, as_(server, "ann") as ann, as_(server, "fay") as fay:
        case_id = refer(shop, "o", 700)

        def sign(client: Client, role: str = "finance", on_behalf_of: str = "") -> ReviewResult:
            return client.approve_case(case_id, SHORT, "seen", role=role, on_behalf_of=on_behalf_of)

        refused(AccessError, "SELF_APPROVAL", lambda: sign(shop))
        refused(AccessError, "APPROVAL_NOT_AUTHORISED", lambda: sign(ann, "credit_analyst"))
        refused(AccessError, "APPROVAL_NOT_AUTHORISED", lambda: sign(ann, ""))
        refused(InvalidRequestError, "FIELD_INVALID", lambda: sign(ann, "boss"))
        refused(AccessError, "NOT_DELEGATED", lambda: sign(ann, on_behalf_of="fay"))
        assert sign(fay).signatures_missing == 1
        refused(AccessError, "SIGNED_ALREADY", lambda: sign(fay))
        wrong = [ReasonCode.TERMS_UPGRADED]
        refused(
            InvalidRequestError,
            "FIELD_INVALID",
            lambda: ann.approve_case(case_id, wrong, "seen", role="finance"),
        )
        refused(
            PreconditionError,
            "SIGNED_OTHERWISE",
            lambda: ann.approve_case(case_id, SHORT, "seen", amount_minor=800, role="finance"),
        )
        refused(NotFoundError, "CASE_NOT_FOUND", lambda: ann.get_case("1"))
        assert ann.reject_case(case_id, "too much", role="finance").status is CaseStatus.REJECTED
        refused(PreconditionError, "CASE_ENDED", lambda: sign(ann))
        assert shop.get_position("a").reserved_minor == 0


def test_who_signs_has_seen_it_and_a_no_stands(server: ServerProcess) -> None:
    with as_(server, "shop") as shop, as_(server, "carla") as carla:
        case_id = refer(shop, "o", 150)
        seen = carla.get_case(case_id).revision
        assert refer(shop, "o", 160) == case_id

        def sign() -> ReviewResult:
            return carla.approve_case(case_id, SHORT, "seen", role="finance", revision=seen)

        refused(PreconditionError, "CASE_CHANGED", sign)
        carla.reject_case(case_id, "too much", role="finance")
        again = shop.check_and_reserve("a", "o", 160, "USD")
        assert (again.decision, again.case_id) == (Decision.DECLINED, case_id)
        assert (again.reservation_id, again.reasons[0].code) == ("", SHORT[0])
        assert refer(shop, "o", 150) != case_id


def test_the_role_is_the_credentials_where_there_is_one(
    start_server: StartServer, tmp_path: Path
) -> None:
    roles = {"anna": "admin", "bert": "admin", "shop": "order_entry", "carla": "credit_analyst"}
    lines = [token_line(name, role, f"cg_{name}") for name, role in roles.items()]
    server = start_server(access_tokens=write_lines(tmp_path / "tokens.jsonl", lines))

    def by(name: str) -> Client:
        return Client(server.address, ClientOptions(token=f"cg_{name}"))

    with by("anna") as anna, by("bert") as bert, by("shop") as shop, by("carla") as carla:
        anna.upsert_accounts([AccountUpsert(account_id="a", currency="USD")])
        anna.put_policy(POLICY, "as agreed")
        bert.activate_policy(2, "read")
        anna.upsert_accounts([AccountUpsert(account_id="a", limit=CreditLimit.of(100))])
        small, large = refer(shop, "small", 150), refer(shop, "large", 700)
        for call in (shop.claim_case, shop.get_case):
            refused(AccessError, "ROLE_NOT_ALLOWED", partial(call, small))
        watch = shop.watch_reservation("a", "small", timeout_s=30)
        assert next(watch).case_status is CaseStatus.OPEN
        watch.close()
        refused(
            InvalidRequestError,
            "FIELD_INVALID",
            lambda: carla.approve_case(large, SHORT, "seen", role="finance"),
        )
        refused(
            AccessError,
            "APPROVAL_NOT_AUTHORISED",
            lambda: carla.approve_case(large, SHORT, "seen"),
        )
        assert carla.approve_case(small, SHORT, "seen").status is CaseStatus.USED


def test_cases_are_listed_by_status_role_and_priority(server: ServerProcess) -> None:
    with as_(server, "shop") as shop, as_(server, "ann") as ann:
        cases = [refer(shop, f"o{place}", 150 + 200 * place) for place in range(4)]
        ann.comment_on_case(cases[2], priority=5)
        ann.claim_case(cases[1], role="finance")
        refused(PreconditionError, "CASE_CLAIMED", lambda: shop.claim_case(cases[1]))

        def found(**filters: Any) -> list[str]:
            return [case.case_id for case in shop.list_cases(page_size=1, **filters)]

        assert found() == cases
        assert found(order=CaseOrder.PRIORITY) == [cases[2], cases[0], cases[1], cases[3]]
        assert found(statuses=[CaseStatus.CLAIMED]) == [cases[1]]
        assert found(signable_by="credit_analyst") == cases[:2]
        assert found(account_id="a", signable_by="supervisor") == []


def test_credit_that_comes_back_reserves_what_waits_for_it(server: ServerProcess) -> None:
    with as_(server, "shop") as shop:
        shop.check_and_reserve("a", "all", 100, "USD")
        cases = [refer(shop, order_id, 60) for order_id in ("o1", "o2")]
        watch = shop.watch_reservation("a", "o1", timeout_s=30)
        assert next(watch).reservation is None
        shop.release(account_id="a", order_id="all")
        told = next(watch)
        watch.close()
        assert told.reservation is not None
        assert [get(server, case).status for case in cases] == [CaseStatus.USED, CaseStatus.OPEN]
        assert shop.get_position("a").reserved_minor == 60
        why = shop.get_decision(reservation_id=told.reservation.reservation_id)
        assert (why.command, why.actor, why.order_id) == ("retry_cases", "clock", "o1")
        # The other one is not wanted any more.
        back = shop.release(account_id="a", order_id="o2")
        assert (back.case_id, back.reservation.reservation_id) == (cases[1], "")
        assert get(server, cases[1]).status is CaseStatus.WITHDRAWN


def test_an_order_is_signed_past_a_hold_and_the_audit_finds_it_right(server: ServerProcess) -> None:
    held = [ReasonCode.ACCOUNT_ON_HOLD]
    with as_(server, "shop") as shop, as_(server, "carla") as carla:
        carla.place_hold("a", "h", "to be looked at")
        case_id = refer(shop, "o", 50)
        signed = carla.approve_case(case_id, held, "looked at", role="finance")
        assert signed.status is CaseStatus.USED
        assert shop.confirm(account_id="a", order_id="o").decision is Decision.APPROVED
    server.terminate()
    assert Auditor(server.store).advance().approved == [signed.journal_seq]


def test_an_approval_is_whole_or_not_at_all_after_a_kill(start_server: StartServer) -> None:
    """Killed while people sign: each order is reserved with its case used, or neither is."""
    server = start_server()
    prepare(server)
    with as_(server, "shop") as shop:
        cases = [refer(shop, f"o{place}", 150) for place in range(200)]
    answered: dict[str, str] = {}
    enough = threading.Event()

    def sign() -> None:
        with Client(server.address, ClientOptions(actor="carla")) as client:
            for case_id in cases:
                try:
                    signed = client.approve_case(
                        case_id, SHORT, "seen", role="finance", timeout_s=5
                    )
                except CallError:
                    return
                assert signed.order is not None
                answered[case_id] = signed.order.reservation_id
                if len(answered) == 50:
                    enough.set()

    signing = threading.Thread(target=sign)
    signing.start()
    assert enough.wait(60)
    server.kill()
    signing.join()
    server.restart()
    with Client(server.address) as client:
        found = {case.case_id: case for case in client.list_cases()}
        used = {key: case for key, case in found.items() if case.status is CaseStatus.USED}
        assert answered.items() <= {key: case.reservation_id for key, case in used.items()}.items()
        assert len(used) - len(answered) in (0, 1)
        open_orders = {row.order_id for row in client.list_reservations()}
        assert open_orders == {case.order_id for case in used.values()}
        assert client.get_position("a").reserved_minor == 150 * len(used)
        rest = next(key for key in cases if key not in used)
    assert approve(server, "carla", rest).status is CaseStatus.USED
    server.terminate()
    Auditor(Path(server.store)).advance()
