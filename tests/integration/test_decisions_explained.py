"""Overdue and velocity rules, what cures them, and `creditgate decision explain`, over a socket."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from creditgate.client import (
    AccountUpsert,
    Allocation,
    Client,
    ClientOptions,
    CreditLimit,
    Decision,
    EntryKind,
    LedgerEntry,
    NotFoundError,
    OrderItem,
    ReasonCode,
    ReserveResult,
    UpsertResult,
)
from tests.conftest import StartServer
from tests.support.server import ServerProcess

COMMAND = Path(sys.executable).with_name("creditgate")
PATIENCE_S = 60
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOON.date()

POLICY = """
[velocity]
hours = 24

[all.overdue-days]
days = 5
dust = "5.00 USD"

[all.overdue-share]
percent = 20
outcome = "refer"

[all.velocity]
orders = 2
outcome = "alert"
"""


def explain(server: ServerProcess, *args: str, exit_code: int = 0) -> str:
    """What `creditgate decision explain` says."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CREDITGATE_")}
    done = subprocess.run(
        [COMMAND, "decision", "explain", *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=clean | {"CREDITGATE_ADDRESS": server.address, "COLUMNS": "200"},
    )
    assert done.returncode == exit_code, done
    return done.stdout + done.stderr


def invoice(invoice_id: str, amount_minor: int, due: date) -> LedgerEntry:
    return LedgerEntry(
        entry_id=invoice_id,
        account_id="A",
        kind=EntryKind.INVOICE,
        amount_minor=amount_minor,
        currency="USD",
        invoice_id=invoice_id,
        issue_date=due - timedelta(days=30),
        due_date=due,
    )


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server at noon of a day, with an account of a limit of 1,000.00 and a policy in force."""
    server = start_server(clock="manual")
    with Client(server.address, ClientOptions(actor="anna")) as client:
        client.set_time(NOON)
        row = AccountUpsert(account_id="A", currency="USD", limit=CreditLimit.of(100_000))
        (opened,) = client.upsert_accounts([row])
        assert isinstance(opened, UpsertResult)
        version = client.put_policy(POLICY, "as agreed").version
    with Client(server.address, ClientOptions(actor="bert")) as client:
        client.activate_policy(version, "looked at it")
    return server


def post(server: ServerProcess, *entries: LedgerEntry) -> None:
    with Client(server.address) as client:
        for posted in client.post_entries("erp", entries):
            assert posted.error is None, posted


def codes(client: Client, amount_minor: int = 100) -> list[tuple[ReasonCode, object, object]]:
    found = client.check("A", amount_minor, "USD").reasons
    return [(reason.code, reason.observed, reason.threshold) for reason in found]


def test_what_is_overdue_counts_after_a_kill_and_from_the_journal_alone(
    server: ServerProcess,
) -> None:
    post(server, invoice("dust", 500, TODAY - timedelta(days=90)))
    post(server, invoice("late", 20_001, TODAY - timedelta(days=6)))
    expected = [(ReasonCode.OVERDUE_DAYS, 6, 5), (ReasonCode.OVERDUE_SHARE, 21, 20)]
    with Client(server.address) as client:
        assert codes(client) == expected
        cure = client.check("A", 100, "USD").cure
        assert cure is not None
        assert (cure.invoice_id, cure.open_minor, cure.fits_from) == ("late", 20_001, None)
    for without_tables in (False, True):
        server.kill()
        if without_tables:
            shutil.rmtree(server.store / "tables")
        server.start()
        with Client(server.address) as client:
            assert codes(client) == expected
    payment = LedgerEntry(
        entry_id="paid",
        account_id="A",
        kind=EntryKind.PAYMENT,
        amount_minor=20_001,
        currency="USD",
        allocations=[Allocation("late", 20_001)],
    )
    post(server, payment)
    with Client(server.address) as client:
        assert codes(client) == []


def test_orders_are_counted_for_a_day_across_restarts(server: ServerProcess) -> None:
    for number in range(2):
        with Client(server.address) as client:
            assert client.check_and_reserve("A", f"o{number}", 100, "USD").reasons == ()
        server.kill()
        server.start()
    with Client(server.address) as client:
        found = client.check_and_reserve("A", "o3", 100, "USD")
        (said,) = found.reasons
        assert (found.decision, said.code) == (Decision.APPROVED, ReasonCode.VELOCITY_COUNT)
        assert (said.observed, said.threshold) == (3, 2)
        client.set_time(NOON + timedelta(hours=25))
        assert codes(client) == []


def test_a_decision_is_explained_by_each_of_its_names(server: ServerProcess) -> None:
    post(server, invoice("late", 30_000, TODAY - timedelta(days=9)))
    post(server, invoice("soon", 50_000, TODAY + timedelta(days=10)))
    with Client(server.address, ClientOptions(actor="till")) as client:
        declined = client.check_and_reserve("A", "big", 40_000, "USD", channel="web")
        assert declined.decision is Decision.DECLINED
        seq = declined.journal_seq
        found = client.get_decision(journal_seq=seq)
        assert (found.actor, found.channel, found.command) == ("till", "web", "reserve")
        assert (found.amount_minor, found.reasons) == (40_000, declined.reasons)
        assert client.get_decision(account_id="A", order_id="big") == found
        for nothing in (0, 10_000):
            with pytest.raises(NotFoundError) as raised:
                client.get_decision(journal_seq=nothing or 1)
            assert raised.value.reason == "DECISION_NOT_FOUND"
    said = explain(server, str(seq))
    assert said == explain(server, "A", "big")
    for line in (
        "DECLINED",
        "OVERDUE_DAYS: overdue for 9 days, at most 5 days",
        "OVERDUE_DAYS: the order is declined",
        "OVERDUE_SHARE: 30 % of the limit is overdue, at most 20 %",
        "OVERDUE_SHARE: a person decides",
        "INSUFFICIENT_CREDIT: 400.00 USD had to fit, 200.00 USD was available",
        "paying would do     late, 300.00 USD",
        "asked for           an order of 400.00 USD",
        "by                  till",
        "through             web",
        "decided             2026-03-02 12:00:00 UTC",
        "policy version      2",
        f"journal entry       {seq}",
    ):
        assert line in said, said
    assert "DECISION_NOT_FOUND" in explain(server, "A", "none", exit_code=3)
    assert "--item is of an entry" in explain(server, "A", "big", "--item", "1", exit_code=2)
    assert "ACCOUNT_NOT_FOUND" in explain(server, "B", "big", exit_code=3)
    assert "Give a reservation" in explain(server, "big", exit_code=2)


def test_the_day_from_which_an_order_fits(server: ServerProcess) -> None:
    post(server, invoice("i", 60_000, TODAY + timedelta(days=7)))
    post(server, invoice("j", 40_000, TODAY + timedelta(days=9)))
    with Client(server.address) as client:
        cure = client.check("A", 70_000, "USD").cure
        assert cure is not None
        assert (cure.invoice_id, cure.fits_from) == ("", TODAY + timedelta(days=9))
        cure = client.check_and_reserve("A", "o", 60_000, "USD").cure
        assert cure is not None
        assert (cure.invoice_id, cure.fits_from) == ("i", TODAY + timedelta(days=7))
    assert "fits from           2026-03-09, if all is paid on its due day" in explain(
        server, "A", "o"
    )


def test_items_of_a_batch_and_growth_are_decisions_too(server: ServerProcess) -> None:
    items = [
        OrderItem(account_id="A", order_id=order_id, amount_minor=100, currency="USD")
        for order_id in ("x", "y")
    ]
    with Client(server.address) as client:
        first, second = client.batch_check_and_reserve(items, all_or_none=True)
        assert isinstance(first, ReserveResult)
        assert isinstance(second, ReserveResult)
        seq = first.journal_seq
        assert client.get_decision(journal_seq=seq, item=1).order_id == "y"
        by_id = client.get_decision(reservation_id=second.reservation_id)
        assert (by_id.order_id, by_id.command, by_id.journal_seq) == ("y", "reserve_all", seq)
        refused = client.adjust(200_000, account_id="A", order_id="y", reason="a mistake")
        latest = client.get_decision(account_id="A", order_id="y")
        assert (latest.journal_seq, latest.reason) == (refused.journal_seq, "a mistake")
        assert latest.decision is Decision.DECLINED
        assert explain(server, second.reservation_id).startswith("APPROVED")
        with pytest.raises(NotFoundError):
            client.get_decision(journal_seq=seq, item=2)
