"""Orders in other currencies, shipped later or billed elsewhere: referred, signed and explained."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from creditgate.audit.books import Auditor
from creditgate.client import (
    AccessError,
    AccountUpsert,
    CaseStatus,
    Client,
    CreditLimit,
    Decision,
    EntryKind,
    ExchangeRate,
    LedgerEntry,
    OrderItem,
    ReasonCode,
    ReserveResult,
    UpsertResult,
)
from creditgate.client.cli import main
from tests.conftest import StartServer
from tests.integration.test_policy import as_, put_in_force
from tests.support.server import ServerProcess

START_S = 1_709_164_800
SHORT = [ReasonCode.INSUFFICIENT_CREDIT]
POLICY = """
[exposure]
horizon_days = 3
tax_counts = false

[all.insufficient-credit]
outcome = "refer"

[channel.web.maximum-order]
amount = "55.00 USD"
outcome = "refer"

[approvals]
[[approvals.bands]]
up_to = "125.00 USD"
roles = ["credit_analyst", "finance"]
[[approvals.bands]]
roles = ["finance"]
"""


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server at a fixed time, with two accounts of a limit of 50.00 USD, and one euro at 1.25."""
    server = start_server(clock="manual")
    server.api.set_time(START_S)
    with Client(server.address) as client:
        for account_id in ("A", "B"):
            row = AccountUpsert(account_id=account_id, currency="USD", limit=CreditLimit.of(50_00))
            (opened,) = client.upsert_accounts([row])
            assert isinstance(opened, UpsertResult)
    put_in_force(server, POLICY)
    quote(server, "1.25")
    return server


def quote(server: ServerProcess, rate: str) -> None:
    with Client(server.address) as client:
        euro = ExchangeRate(base_currency="EUR", currency="USD", rate=Decimal(rate), source="ECB")
        client.upsert_rates([euro])


def run(server: ServerProcess, *args: str, exit_code: int = 0) -> str:
    """What a command of `creditgate` says, in one line for each, with single spaces."""
    done = CliRunner().invoke(main, [*args, "--address", server.address])
    assert done.exit_code == exit_code, done.output
    return "\n".join(" ".join(line.split()) for line in done.output.splitlines())


def refer(client: Client, order_id: str, amount: int, **named: Any) -> str:
    found = client.check_and_reserve("A", order_id, amount, "EUR", **named)
    assert (found.decision, found.reservation_id) == (Decision.REFERRED, "")
    assert found.counting is not None
    return found.case_id


def test_what_is_signed_is_reserved_by_the_rate_of_then_and_audited(server: ServerProcess) -> None:
    with as_(server, "shop") as shop:
        case_id = refer(shop, "O", 100_00)
    assert "100.00 EUR, worth 125.00 USD" in run(server, "case", "list")
    quote(server, "1.5")
    signs = ["case", "approve", case_id, "their bank pays", "--actor", "carla", "--role"]
    # Long lines are broken where the terminal's width says so.
    shown = " ".join(run(server, "case", "show", case_id).split())
    assert "amount 100.00 EUR, worth 150.00 USD" in shown
    assert "125.00 USD had to fit, 50.00 USD was available" in shown
    with as_(server, "carla") as carla, pytest.raises(AccessError, match="finance"):
        carla.approve_case(case_id, SHORT, "seen", role="credit_analyst")
    signed = run(server, *signs, "finance")
    assert "150.00 USD had to fit, 50.00 USD was available" in signed
    with as_(server, "shop") as shop:
        again = shop.check_and_reserve("A", "O", 100_00, "EUR")
        assert (again.decision, again.case_id) == (Decision.APPROVED, case_id)
        assert again.counting is not None
        assert (again.counting.open_minor, again.counting.counted_minor) == (100_00, 150_00)
        batch = [OrderItem(account_id="A", order_id="O", amount_minor=100_00, currency="EUR")]
        (held,) = shop.batch_check_and_reserve(batch, all_or_none=True)
        assert isinstance(held, ReserveResult)
        assert (held.reservation_id, held.counting) == (again.reservation_id, again.counting)
        why = shop.get_decision(reservation_id=again.reservation_id)
        assert (why.command, why.actor, why.currency) == ("approve_case", "carla", "EUR")
        assert (why.amount_minor, why.approved_amount_minor) == (100_00, 100_00)
        assert (why.account_currency, why.counting) == ("USD", again.counting)
        changes = shop.list_changes(account_id="A")
        (signing,) = (change for change in changes if change.command == "approve_case")
        (record,) = (record for record in signing.records if record.kind == "case")
        assert record.before is not None
        assert record.after is not None
        assert (record.before["status"], record.after["status"]) == ("OPEN", "USED")
        assert (record.after["currency"], record.after["worth_minor"]) == ("EUR", 125_00)
        waiver = record.after["waiver"]
        assert isinstance(waiver, dict)
        assert waiver["amount_minor"] == 150_00
    server.kill()
    server.start()
    with Client(server.address) as client:
        assert client.get_position("A").reserved_minor == 150_00
        found = client.get_case(case_id)
        assert (found.status, found.amount_minor, found.worth_minor) == (
            CaseStatus.USED,
            100_00,
            150_00,
        )
        assert client.release(account_id="A", order_id="O").released_amount_minor == 100_00
    assert server.terminate() == 0
    books = Auditor(server.store).advance()
    assert books.account("A").reserved == 0
    assert len(books.approved) == 1


def test_an_order_of_another_account_and_day_waits_for_all_that_it_is_held_to(
    server: ServerProcess,
) -> None:
    named: dict[str, Any] = {
        "bill_to_account_id": "B",
        "tax_minor": 10_00,
        "ship_date": date(2024, 3, 20),
        "channel": "web",
    }
    with as_(server, "shop") as shop:
        ordered = shop.check_and_reserve("A", "O", 60_00, "USD", **named)
        assert ordered.decision is Decision.REFERRED
        case = shop.get_case(ordered.case_id)
        assert (case.account_id, case.sold_to_account_id) == ("B", "A")
        assert (case.tax_minor, case.ship_date) == (10_00, named["ship_date"])
        # It is the order of who is billed.
        taken_back = shop.release(account_id="B", order_id="O")
        assert taken_back.case_id == ordered.case_id
        ordered = shop.check_and_reserve("A", "O", 60_00, "USD", **named)
        shop.suspend_account("A", "looks odd")
    with as_(server, "carla") as carla:
        signed = carla.approve_case(
            ordered.case_id, [ReasonCode.ORDER_AMOUNT_EXCEEDED], "known", role="credit_analyst"
        )
        assert signed.status is CaseStatus.APPROVED
        assert signed.order is not None
        assert [reason.sold_to_account_id for reason in signed.order.reasons] == ["A", ""]
        # It waits for nothing else, and nothing counts of it for some days.
        carla.reinstate_account("A", "it was a mistake")
        found = next(
            held for held in carla.watch_reservation("B", "O", timeout_s=30) if held.reservation
        )
        assert found.reservation is not None
        assert found.case_status is CaseStatus.USED
        counting = found.reservation.counting
        assert counting is not None
        assert (counting.open_minor, counting.counted_minor, counting.waiting) == (60_00, 0, True)
        why = carla.get_decision(account_id="B", order_id="O")
        assert (why.command, why.account_id, why.counting) == ("retry_cases", "B", counting)
    assert server.terminate() == 0
    assert Auditor(server.store).advance().account("B").reserved == 0


def test_what_is_signed_and_does_not_fit_is_explained(server: ServerProcess) -> None:
    with as_(server, "shop") as shop:
        case_id = refer(shop, "O", 100_00)
        shop.suspend_account("A", "looks odd")
    run(
        server,
        "case",
        "approve",
        case_id,
        "fine",
        "--role",
        "finance",
        "--actor",
        "carla",
        "--waive",
        "insufficient-credit",
    )
    said = run(server, "decision", "explain", "A", "O")
    assert said.startswith("DECLINED\nACCOUNT_SUSPENDED")
    assert "125.00 USD had to fit, 50.00 USD was available" in said
    assert "asked for 100.00 EUR" in said
    assert "by carla" in said


def test_explanations_keep_the_currencies_apart(server: ServerProcess) -> None:
    with Client(server.address) as client:
        owed = LedgerEntry(
            entry_id="I",
            account_id="A",
            kind=EntryKind.INVOICE,
            amount_minor=40_00,
            currency="USD",
            invoice_id="I",
            due_date=date(2024, 4, 1),
        )
        for posted in client.post_entries("erp", [owed]):
            assert posted.error is None
        client.check_and_reserve("A", "O", 16_00, "EUR")
        client.check_and_reserve("A", "P", 1_00, "GBP")
    # Two dollars of the account's are short, of an order of sixteen euros.
    said = run(server, "decision", "explain", "A", "O")
    assert "20.00 USD had to fit, 10.00 USD was available" in said
    assert "available now 10.00 USD" in said
    assert "would have fitted 8.00 EUR" in said
    assert "paying would do I, 40.00 USD" in said
    assert "asked for an order of 16.00 EUR" in said
    # Nobody knows what it is worth, and what is available is the account's all the same.
    unvalued = run(server, "decision", "explain", "A", "P")
    assert "available now 10.00 USD" in unvalued
    assert "asked for an order of 1.00 GBP" in unvalued


def test_more_of_an_order_is_referred_without_a_case_and_signed_as_an_order_of_its_own(
    server: ServerProcess,
) -> None:
    with as_(server, "shop") as shop:
        assert shop.check_and_reserve("A", "O", 40_00, "USD").approved
    said = run(server, "adjust", "A", "O", "70.00", exit_code=1)
    assert "REFERRED" in said
    assert "order the rest under an id of its own" in said
    with as_(server, "shop") as shop:
        assert list(shop.list_cases()) == []
        assert shop.get_reservation(account_id="A", order_id="O").open_minor == 40_00
        rest = shop.check_and_reserve("A", "O-2", 30_00, "USD")
        assert rest.decision is Decision.REFERRED
    with as_(server, "carla") as carla:
        signed = carla.approve_case(rest.case_id, SHORT, "seen", role="credit_analyst")
        assert signed.status is CaseStatus.USED
        assert carla.get_position("A").reserved_minor == 70_00
        for order_id in ("O", "O-2"):
            assert carla.confirm(account_id="A", order_id=order_id).approved
            assert carla.capture(f"I-{order_id}", account_id="A", order_id=order_id).approved
        assert carla.get_position("A").captured_minor == 70_00
